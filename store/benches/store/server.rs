//! The server that everything is measured on.

use daftar_cluster::{Cluster, Options, SUPERUSER, testing};
use daftar_store::postgres::migrate;
use sqlx::{Connection, Executor, PgConnection, Row};

use crate::gauge::{Gauge, Reading};

pub struct Server {
    url: String,
    gauge: Gauge,
    /// Ours, unless someone has started one for us.
    _cluster: Option<Cluster>,
}

impl Server {
    pub async fn start() -> Self {
        let cluster = std::env::var_os(testing::SERVER)
            .is_none()
            .then(|| tokio::task::block_in_place(|| Cluster::throw_away(Options::durable()).expect("a server starts")));
        let url = cluster.as_ref().map_or_else(testing::server_url, |cluster| cluster.url("postgres", SUPERUSER));
        migrate(&url).await.expect("the log is made");
        let gauge = Gauge::begin(&url, cluster.as_ref().map(|cluster| cluster.binaries().directory())).await;
        Self { url, gauge, _cluster: cluster }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn describe(&self) {
        let mut connection = PgConnection::connect(&self.url).await.expect("the server answers");
        let settings = "SELECT version(), current_setting('fsync'), current_setting('synchronous_commit')";
        let row = connection.fetch_one(settings).await.expect("settings");
        let [version, fsync, synchronous_commit] = [0, 1, 2].map(|column| row.get::<String, _>(column));
        println!("{}", version.split(" on ").next().unwrap_or(&version));
        println!("fsync = {fsync}, synchronous_commit = {synchronous_commit}");
    }

    /// What is really there afterwards.
    pub async fn count(&self) {
        let mut connection = PgConnection::connect(&self.url).await.expect("the server answers");
        println!("\nrows read back");
        let log = "SELECT count(*), max(position), avg(length(data))::bigint, avg(length(metadata))::bigint FROM daftar_log.events";
        let row = connection.fetch_one(log).await.expect("the log is counted");
        let [count, last, data, metadata] = [0, 1, 2, 3].map(|column| row.get::<i64, _>(column));
        println!("  daftar          {count} (last position {last}; {data} bytes of data, {metadata} of metadata)");
        assert_eq!(count, last, "positions have no gap");
        for (name, sql) in [("cqrs-es", "SELECT count(*) FROM public.events"), ("select + insert", "SELECT count(*) FROM plain_events")] {
            // No table means that no part with this contender was chosen.
            if let Ok(row) = connection.fetch_one(sql).await {
                println!("  {name:15} {}", row.get::<i64, _>(0));
            }
        }
    }

    pub fn gauge(&self) -> Reading {
        self.gauge.read()
    }
}
