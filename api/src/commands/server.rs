//! `daftar server`: GraphQL over HTTP.

use std::sync::Arc;

use anyhow::Result;
use daftar_store::{Durability, keyring::LocalMasterKey};

use crate::{app::App, cli::Server, compose, http, notices::Notices, stop::Stop};

pub async fn run(Server { places, gateways, listen, master_key_file, files, door, terms }: Server) -> Result<()> {
    let stop = Stop::on_signals()?;
    let listener = compose::listen(listen).await?;
    let head_end = compose::head_end(&gateways)?;
    let gateways = compose::gateways(&gateways)?;
    let terms = terms.as_deref().map(compose::terms).transpose()?.map(Arc::new);
    let master = LocalMasterKey::read(&master_key_file)?;
    let read_models = compose::open_read_models(&places.database_url, places.wait).await?;
    let store = compose::open_store(places.log(), places.wait, Durability::Required).await?;
    let app = compose::keep_door(compose::open_app(&store, read_models, master, gateways).await?, door.settings());
    let app = App { files: Some(compose::open_files(files).await?), terms, head_end, ..app };
    if !app.auth.has_users().await? {
        println!("Nobody can sign in yet: make an admin with `daftar user create`");
    }
    println!("GraphQL on http://{}/graphql", listener.local_addr()?);
    let notices = Notices::new(app.engine.clone(), app.keyring.clone(), app.read_models.clone());
    let telling = tokio::spawn(async move { drop(notices.keep().await) });
    http::serve(listener, app, stop).await?;
    telling.abort();
    Ok(())
}
