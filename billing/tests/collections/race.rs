//! A payment and an execution at the same instant, on a real PostgreSQL: each time it ends in one of the two lawful ways.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    sync::Arc,
    time::Duration,
};

use daftar_billing::migrator;
use daftar_cluster::testing::test_database;
use daftar_domain::{
    BillingEvent, Recorded,
    disconnection::{self, Rejection, Stage},
    ids::{AccountId, DisconnectionId},
    meter::MeterKind,
};
use daftar_store::{Durability, EventWriter, Postgres, PostgresOptions, postgres};
use futures::{StreamExt, stream};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::sleep;

use super::town::Town;

const ROUNDS: u128 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The payment was first: nobody was sent, or whoever was is called back.
    Kept,
    /// The cut was first: it is undone, for the fee that the law allows.
    Undone,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_payment_and_a_cut_at_the_same_instant_end_lawfully_a_thousand_times() {
    let database = test_database("a log, and where the desk remembers its place", prepare).await;
    let options = PostgresOptions { durability: Durability::UnsafeForTests, ..PostgresOptions::default() };
    let log: Arc<dyn EventWriter> = Arc::new(Postgres::connect(database.url(), options).await.unwrap());
    let pool = PgPool::connect(database.url()).await.unwrap();
    let town = Town::over(log, (*pool.connect_options()).clone());
    let accounts: Vec<_> = stream::iter(1..=ROUNDS)
        .map(|n| {
            let town = &town;
            async move {
                let account = town.debtor(n, MeterKind::Traditional).await;
                town.warned(account).await;
                account
            }
        })
        .buffered(32)
        .collect()
        .await;
    town.desk_works().await;
    let desk = town.desk.clone();
    let desk = tokio::spawn(async move { desk.keep().await });
    let by_account: HashMap<_, _> = town.events().await.into_iter().filter_map(requested).collect();
    let town = &town;
    let ends = stream::iter(accounts.into_iter().zip(1_u32..)).map(|(account, round)| {
        let order = by_account[&account];
        async move {
            town.plan(order).await;
            let at = town.collections.moment(town.now());
            let done = disconnection::Done { at, reading: None, seal: None, photo: None };
            let send = async || {
                let dispatch = town.collections.dispatch(order, at).await.unwrap();
                town.ask_order(order, dispatch).await
            };
            let report = async || town.ask_order(order, disconnection::Command::ReportDisconnected(done.clone())).await;
            // In every other round somebody is out already, and only the report is raced for.
            let reported = if round % 2 == 0 {
                send().await.unwrap();
                tokio::join!(report(), town.pay(account, 50_000)).0
            } else {
                let cut = async {
                    // A little later each time, so that both ends are seen.
                    sleep(Duration::from_micros(u64::from(round % 9) * 500)).await;
                    send().await?;
                    report().await
                };
                tokio::join!(cut, town.pay(account, 50_000)).0
            };
            (order, reported)
        }
    });
    let raced: Vec<_> = ends.buffer_unordered(8).collect().await;
    assert_eq!(raced.len(), 1_000);
    let mut ends = BTreeMap::new();
    for (order, reported) in raced {
        // The desk hears of the last payment a moment later.
        let stage = loop {
            match town.stage(order).await.unwrap() {
                Stage::Dispatched | Stage::Scheduled { .. } | Stage::Cut => sleep(Duration::from_millis(20)).await,
                settled => break settled,
            }
        };
        let story = town.story(order).await;
        let count = |name: &str| story.iter().filter(|told| **told == name).count();
        let end = match stage {
            Stage::Cancelled => {
                assert!(matches!(reported, Err(Rejection::Cancelled | Rejection::Prohibited(_))), "{reported:?} {story:?}");
                assert_eq!((count("DisconnectionExecuted"), count("ReconnectionRequested")), (0, 0), "{story:?}");
                End::Kept
            }
            Stage::Restoring { .. } => {
                assert_eq!(reported, Ok(()), "{story:?}");
                assert_eq!((count("DisconnectionExecuted"), count("ReconnectionRequested")), (1, 1), "{story:?}");
                End::Undone
            }
            other => panic!("{other:?} {story:?}"),
        };
        *ends.entry(end).or_insert(0_u128) += 1;
    }
    println!("{ends:?} of {ROUNDS}");
    assert_eq!(ends.values().sum::<u128>(), ROUNDS);
    assert_eq!(ends.len(), 2, "both were seen");
    desk.abort();
}

async fn prepare(url: &str) -> Result<(), Box<dyn Error>> {
    postgres::migrate(url).await?;
    let mut db = PgConnection::connect(url).await?;
    // The read models' migrations make the role.
    sqlx::query("DO $$ BEGIN CREATE ROLE daftar_projector NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
        .execute(&mut db)
        .await?;
    migrator().run(&mut db).await?;
    Ok(())
}

fn requested(event: Recorded<BillingEvent>) -> Option<(AccountId, DisconnectionId)> {
    match event.event {
        BillingEvent::Disconnection(disconnection::Event::DisconnectionRequested(fact)) => Some((fact.account_id, fact.disconnection_id)),
        _ => None,
    }
}
