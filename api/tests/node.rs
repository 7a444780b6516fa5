//! `daftar node` killed and started again under whoever uses it.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use daftar_cluster::{Cluster, Options, SUPERUSER};
use daftar_domain::StreamName;
use daftar_store::{
    AppendError, ContentType, EventReader, EventStoreDb, EventWriter, Expected, Followed, NewEvent, Scope, StoreError, StoredEvent,
};
use futures::{StreamExt, TryStreamExt, future::join_all};
use uuid::Uuid;

use crate::daftar::{Running, daftar};

const WRITERS: usize = 4;
const APPENDS: usize = 150;
const KILLS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_under_writers_and_a_subscription_loses_nothing_and_doubles_nothing() {
    let cluster = Cluster::throw_away(Options::durable()).unwrap();
    let database = cluster.url("postgres", SUPERUSER);
    daftar_store::postgres::migrate(&database).await.unwrap();
    let port = free_port();
    let start = || {
        let mut command = daftar(&["node", "--writable", "--port", &port.to_string(), "--database-url", &database]);
        let mut node = Running::start(command.env("DAFTAR_NODE_USER", "writer").env("DAFTAR_NODE_PASSWORD", "p@ss word"));
        node.line_with("event store on");
        node
    };
    let mut node = start();
    let store = EventStoreDb::connect(format!("esdb://writer:p%40ss%20word@127.0.0.1:{port}?tls=false").parse().unwrap()).unwrap();

    let written = Arc::new(AtomicUsize::new(0));
    let following = tokio::spawn(follow(store.clone(), WRITERS * APPENDS));
    let writing = join_all((0..WRITERS).map(|_| tokio::spawn(write(store.clone(), written.clone()))));
    let killing = async {
        for kill in 1..=KILLS {
            // Not after a while but after some work, so that each kill falls among appends however fast the machine is.
            until(|| written.load(Ordering::Relaxed) >= kill * WRITERS * APPENDS / (KILLS + 1)).await;
            node.kill();
            node = start();
        }
    };
    let (streams, ()) = tokio::join!(writing, killing);
    let seen = following.await.unwrap();

    assert!(seen.is_sorted_by(|a, b| a.position < b.position), "in the order of positions, none twice");
    let mut acknowledged = BTreeSet::new();
    for stream in streams {
        let (stream, ids) = stream.unwrap();
        let there: Vec<StoredEvent> = store.read(&stream, 0).try_collect().await.unwrap();
        assert_eq!(
            there.iter().map(|event| event.id).collect::<Vec<_>>(),
            ids,
            "each stream holds what was acknowledged, once and in order"
        );
        acknowledged.extend(ids);
    }
    assert_eq!(seen.iter().map(|event| event.id).collect::<BTreeSet<_>>(), acknowledged, "the subscription saw all of it");
}

/// Every event of the category, as one subscription delivers them over all the kills.
async fn follow(store: EventStoreDb, count: usize) -> Vec<StoredEvent> {
    let mut subscription = store.subscribe(None, Scope::categories(&["killed"]));
    let mut seen = vec![];
    while seen.len() < count {
        match subscription.next().await.expect("a subscription does not end").expect("a killed node is no reason to give up") {
            Followed::Event(event) => seen.push(event),
            Followed::Checkpoint(_) | Followed::CaughtUp => {}
        }
    }
    seen
}

/// Appends one event after the other, each until it is acknowledged, as a caller would who was told that nobody answered.
async fn write(store: EventStoreDb, written: Arc<AtomicUsize>) -> (StreamName, Vec<Uuid>) {
    let stream = StreamName::new("killed", Uuid::new_v4()).unwrap();
    let mut expected = Expected::NoStream;
    let mut ids = vec![];
    while ids.len() < APPENDS {
        let event = NewEvent {
            id: Uuid::new_v4(),
            event_type: "Written".to_owned(),
            content_type: ContentType::Json,
            data: "{}".into(),
            metadata: "{}".into(),
        };
        let appended = loop {
            match store.append(&stream, expected, vec![event.clone()]).await {
                Ok(appended) => break appended,
                Err(AppendError::Store(StoreError::Unavailable { .. } | StoreError::DeadlineExceeded { .. })) => {}
                Err(error) => panic!("{error:?}"),
            }
        };
        assert_eq!(appended.revision, ids.len() as u64);
        expected = Expected::Revision(appended.revision);
        ids.push(event.id);
        written.fetch_add(1, Ordering::Relaxed);
    }
    (stream, ids)
}

async fn until(truth: impl Fn() -> bool) {
    while !truth() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A port below those that the system gives to outgoing connections: one of ours that is trying to come back must not take the node's place.
fn free_port() -> u16 {
    let from = 16_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (from..32_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
