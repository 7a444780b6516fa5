//! `daftar user`: users made and let in again by whoever runs the machine, before anybody has signed in.

use std::{collections::BTreeSet, env, fs};

use anyhow::{Context, Result};
use chrono::Utc;
use daftar_domain::{Actor, ids::UserId, user::Role};
use daftar_store::{Durability, keyring::LocalMasterKey};
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Auth, NewStaff, Password, UserName},
    cli::{CreateUser, Door, ResetUser, UsageError, UserCommand},
    compose,
    language::Language,
    problem::Problem,
};

pub const FIRST_ADMIN: &str = "admin";

pub async fn run(command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Create(options) => create(options).await,
        UserCommand::Reset(options) => reset(options).await,
    }
}

async fn create(CreateUser { name, role, door }: CreateUser) -> Result<()> {
    let user_name = UserName::new(&name).map_err(usage)?;
    let (password, generated) = password(&door)?;
    let auth = open(&door).await?.auth;
    let user = register(&auth, user_name, role, password.clone()).await?;
    println!("user {user} can sign in");
    print(&password, generated);
    Ok(())
}

/// Whoever runs it twice wants two users, or is told that the name is taken.
pub async fn register(auth: &Auth, user_name: UserName, roles: Vec<Role>, password: Password) -> Result<UserId> {
    let wish = NewStaff { user_name, roles: roles.into_iter().collect(), password };
    Ok(auth.register_staff(console(), &Uuid::new_v4().to_string(), wish, Utc::now()).await?)
}

async fn reset(ResetUser { name, door }: ResetUser) -> Result<()> {
    let user_name = UserName::new(&name).map_err(usage)?;
    let (password, generated) = password(&door)?;
    let user = open(&door).await?.auth.reset(&user_name, &password, Utc::now()).await?;
    println!("user {user} has a new password, no second factor and no session");
    print(&password, generated);
    Ok(())
}

/// An admin for a deployment that nobody can sign in to yet, with a password that is known only here.
pub async fn first_admin(auth: &Auth) -> Result<Option<Password>> {
    if auth.has_users().await? {
        return Ok(None);
    }
    let password = Password::generated();
    let wish = NewStaff { user_name: UserName::new(FIRST_ADMIN)?, roles: BTreeSet::from([Role::Admin]), password: password.clone() };
    // One key for ever: a start that was cut short is gone on with by the next.
    auth.register_staff(console(), "first admin", wish, Utc::now()).await?;
    Ok(Some(password))
}

fn console() -> Actor {
    Actor::job("console")
}

async fn open(door: &Door) -> Result<App> {
    let master = LocalMasterKey::read(&door.master_key_file)?;
    let read_models = compose::open_read_models(&door.places.database_url, door.places.wait).await?;
    let store = compose::open_store(door.places.log(), door.places.wait, Durability::Required).await?;
    compose::open_app(&store, read_models, master, Default::default()).await
}

/// As it was given, or made up; and whether it was.
fn password(door: &Door) -> Result<(Password, bool)> {
    let given = match &door.password_file {
        Some(path) => Some(fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?),
        None => env::var("DAFTAR_USER_PASSWORD").ok(),
    };
    Ok(match given {
        Some(text) => (Password::chosen("password", text.trim_end_matches(['\r', '\n']).to_owned()).map_err(usage)?, false),
        None => (Password::generated(), true),
    })
}

fn print(password: &Password, generated: bool) {
    if generated {
        println!("password {} (shown this once)", password.reveal());
    }
}

fn usage(problem: Problem) -> UsageError {
    UsageError(problem.message(Language::English))
}
