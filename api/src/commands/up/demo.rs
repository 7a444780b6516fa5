//! The company that `daftar up --demo` makes up, and who can sign in to it.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use daftar_demo::{
    Wish,
    load::{self, LoadError, Mark},
};
use daftar_domain::{
    Actor, Decider, Recorded,
    ids::AccountId,
    invoice::{self, Invoice},
    user::Role,
};
use daftar_store::{Engine, Scope};
use futures::TryStreamExt;

use crate::{
    auth::{Auth, NewStaff, Password, UserName},
    commands::demo::{Into, load_into},
    stop::Stop,
};

/// One at each desk, called like it.
const STAFF: &[(&str, Role)] = &[
    ("admin", Role::Admin),
    ("cashier", Role::Cashier),
    ("technician", Role::Technician),
    ("billing", Role::Billing),
    ("finance", Role::Finance),
    ("auditor", Role::Auditor),
];

const CUSTOMER: &str = "customer";

/// What a person may ask of a company that they have just met.
const QUESTIONS: &[(&str, &str, &str)] = &[
    (
        "billing",
        "What was billed and paid, month by month?",
        "{ dashboard(months: 6) { billed { month charged { formatted } paid { formatted } overdue { formatted } } } }",
    ),
    (
        "billing",
        "Why does this bill come to what it comes to?",
        "{ invoices(first: 1) { nodes { number total { formatted } lines { code net { formatted } explanation { text } } } } }",
    ),
    (
        "cashier",
        "Who has owed for longest, and what else do they owe?",
        "{ unpaidInvoices(first: 3) { totalCount nodes { number dueOn leftToPay { formatted } account { number holderName openItems { document open { formatted } } } } } }",
    ),
    (
        "finance",
        "What was owed at the end of September, as it was known at the end of October?",
        "{ aging(asOf: { recorded: \"2026-10-31T21:00:00Z\", effective: \"2026-09-30\" }) { currency bands { band amount { formatted } } } }",
    ),
    (
        "customer",
        "What do I owe, and what did I pay?",
        "{ myAccounts { number holderName balances { owed { formatted } } payments(first: 3) { nodes { amount { formatted } } } } }",
    ),
];

/// Makes the company where it was asked for and there is nothing yet, or where its making was cut short.
pub async fn make(into: Into<'_>, asked: Option<Wish>, stop: &Stop) -> Result<()> {
    let begun = load::mark(into.read_models).await?.filter(|mark| !mark.loaded).map(|Mark { wish, .. }| wish);
    let Some(wish) = begun.or(asked) else { return Ok(()) };
    let made = tokio::select! {
        made = load_into(into, wish) => made,
        () = stop.clone().asked() => bail!("interrupted: started again, it goes on with what is there"),
    };
    match made.as_ref().map_err(|error| error.downcast_ref()) {
        Err(Some(error @ (LoadError::NotEmpty | LoadError::Another(_)))) => {
            println!("No demo was loaded: {error}.");
            Ok(())
        }
        Ok(_) | Err(_) => made.map(drop),
    }
}

/// Lets one of each kind in, all with one password that is kept in a file, as nothing here is worth guarding; and shows who they are.
pub async fn let_people_in(engine: &Engine, auth: &Auth, home: &Path) -> Result<Password> {
    let password = password(&home.join("demo.password"))?;
    let (actor, now) = (Actor::job("demo"), Utc::now());
    for (name, role) in STAFF {
        let wish = NewStaff { user_name: UserName::new(name)?, roles: [*role].into(), password: password.clone() };
        auth.register_staff(actor.clone(), name, wish, now).await?;
    }
    if let Some(account) = first_billed(engine).await? {
        auth.register_customer(actor, CUSTOMER, UserName::new(CUSTOMER)?, &password, account, now).await?;
    }
    Ok(password)
}

pub fn show(password: &Password) {
    let names: Vec<&str> = STAFF.iter().map(|(name, _)| *name).chain([CUSTOMER]).collect();
    println!("  Sign in as    {}", names.join(", "));
    println!("  Password      {}", password.reveal());
    println!();
    println!("Questions to begin with, and who may ask them:");
    for (who, what, query) in QUESTIONS {
        println!();
        println!("  # {what} ({who})");
        println!("  {query}");
    }
    println!();
}

/// The account of the oldest invoice: the same at each start.
async fn first_billed(engine: &Engine) -> Result<Option<AccountId>> {
    let mut events = engine.store().read_all(None, Scope::categories(&[Invoice::CATEGORY]));
    while let Some(stored) = events.try_next().await? {
        let fact: Recorded<invoice::Event> = stored.decode()?;
        if let invoice::Event::InvoiceIssued(issued) = fact.event {
            return Ok(Some(issued.account_id));
        }
    }
    Ok(None)
}

fn password(file: &Path) -> Result<Password> {
    let made = Password::generated();
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut new) => new.write_all(made.reveal().as_bytes()).with_context(|| format!("cannot write {}", file.display()))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", file.display())),
    }
    let kept = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let chosen = Password::chosen("password", kept).map_err(anyhow::Error::from);
    chosen.with_context(|| format!("{} holds no password", file.display()))
}
