//! A log in memory is sealed into a real database, by sealers that are killed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::StreamName;
use daftar_proof::{AuthenticTiles, Checkpoint, Frontier, Hash, Head, Leaf, LogKeys, SigningKey, Tile, TileDirectory, VerifyingKey};
use daftar_sealer::{Options, Sealer, Stopped, checkpoint, migrator, tile};
use daftar_store::{ContentType, EventReader, EventWriter, Expected, Memory, NewEvent, Scope, log::Log};
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

async fn database() -> (TestDatabase, PgPool) {
    let contents = migrator().iter().map(|migration| format!("seal {:x?}", migration.checksum)).collect::<String>();
    let prepare = async |url: &str| -> Result<(), sqlx::Error> {
        let mut db = PgConnection::connect(url).await?;
        // The role that the read models' migrations make; it belongs to the whole server.
        let role =
            "DO $$ BEGIN CREATE ROLE daftar_projector NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
        sqlx::raw_sql(role).execute(&mut db).await?;
        migrator().run(&mut db).await.map_err(|error| sqlx::Error::Decode(error.into()))
    };
    let database = test_database(&contents, prepare).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    (database, pool)
}

async fn grow(log: &Log, from: u64, to: u64) {
    let stream: StreamName = format!("thing-{}", Uuid::from_u128(1)).parse().unwrap();
    for number in from..to {
        let event = NewEvent {
            id: Uuid::new_v4(),
            event_type: "SomethingHappened".to_owned(),
            content_type: ContentType::Json,
            data: format!("{{\"number\":{number}}}").into(),
            metadata: "{}".into(),
        };
        EventWriter::append(log, &stream, Expected::last(number.checked_sub(1)), vec![event]).await.unwrap();
    }
}

async fn leaves(log: &Log) -> Vec<Hash> {
    let hash = |event: daftar_store::StoredEvent| {
        let daftar_store::StoredEvent { stream, revision, id, event_type, data, metadata, .. } = &event;
        Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash()
    };
    log.read_all(None, Scope::Everything).map_ok(hash).try_collect().await.unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("daftar.example/books".parse().unwrap(), &[seed; 32])
}

fn options(events: u64) -> Options {
    Options { every: Duration::from_millis(20), events, folder: None }
}

fn start(log: &Log, pool: &PgPool, keys: Vec<SigningKey>, options: Options) -> JoinHandle<Stopped> {
    let sealer = Sealer::new(Arc::new(log.clone()), (*pool.connect_options()).clone(), LogKeys::new(keys).unwrap(), options);
    tokio::spawn(sealer.run())
}

/// Waits for a checkpoint of so many leaves that the key has signed.
async fn until(pool: &PgPool, size: u64, key: &VerifyingKey) -> Head {
    loop {
        if let Some(note) = checkpoint(pool).await.unwrap()
            && let Ok(opened) = Checkpoint::open(note.as_bytes(), std::slice::from_ref(key))
            && opened.checkpoint.size() >= size
        {
            return opened.checkpoint.head();
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Every checkpoint there ever was is the root over the first leaves of the log.
async fn assert_true(pool: &PgPool, leaves: &[Hash], key: &VerifyingKey) -> Vec<u64> {
    let notes: Vec<String> = sqlx::query_scalar("SELECT note FROM daftar_seal.checkpoint ORDER BY size").fetch_all(pool).await.unwrap();
    let (mut tree, mut sizes) = (Frontier::default(), Vec::new());
    for note in notes {
        let opened = Checkpoint::open(note.as_bytes(), std::slice::from_ref(key)).unwrap();
        let Head { size, root } = opened.checkpoint.head();
        leaves[tree.size() as usize..size as usize].iter().for_each(|leaf| tree.push(*leaf));
        assert_eq!(tree.root(), root, "at {size} leaves");
        sizes.push(size);
    }
    sizes
}

#[tokio::test]
async fn a_checkpoint_comes_after_so_many_events_and_after_some_time() {
    let (_database, pool) = database().await;
    let (log, public) = (Memory::log(), key(7).verifying_key());
    grow(&log, 0, 1_000).await;
    let sealer = start(&log, &pool, vec![key(7)], options(300));
    until(&pool, 1_000, &public).await;
    let sizes = assert_true(&pool, &leaves(&log).await, &public).await;
    assert_eq!(sizes, [300, 600, 900, 1_000], "three times because there were enough, once because it was time");
    grow(&log, 1_000, 1_001).await;
    assert_eq!(until(&pool, 1_001, &public).await.size, 1_001);
    for (path, is_there) in
        [("tile/0/000", true), ("tile/0/003.p/233", true), ("tile/0/003.p/1", true), ("tile/0/003.p/234", false), ("tile/0/003", false)]
    {
        let served = tile(&pool, path.parse::<Tile>().unwrap()).await.unwrap();
        assert_eq!(served.map(|bytes| bytes.len()), is_there.then(|| path.parse::<Tile>().unwrap().bytes()), "{path}");
    }
    sealer.abort();
}

/// Killed again and again, wherever it happens to be, while the log grows; each goes on where the last one was.
#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_it_goes_on_with_the_same_tree() {
    let (_database, pool) = database().await;
    let (log, public) = (Memory::log(), key(7).verifying_key());
    for round in 0..40u64 {
        grow(&log, round * 50, round * 50 + 50).await;
        let sealer = start(&log, &pool, vec![key(7)], Options { every: Duration::from_millis(1), ..options(17) });
        sleep(Duration::from_micros(rand::random::<u64>() % 40_000)).await;
        sealer.abort();
        let _ = sealer.await;
    }
    let sealer = start(&log, &pool, vec![key(7)], options(17));
    until(&pool, 2_000, &public).await;
    sealer.abort();
    let sizes = assert_true(&pool, &leaves(&log).await, &public).await;
    assert!(sizes.len() > 50 && sizes.last() == Some(&2_000), "{sizes:?}");
}

/// The moment that matters: the head is remembered, and the process dies before it is published.
#[tokio::test]
async fn a_head_that_was_remembered_and_not_published_is_published_by_the_next() {
    let (_database, pool) = database().await;
    let (log, public) = (Memory::log(), key(7).verifying_key());
    grow(&log, 0, 300).await;
    let sealer = start(&log, &pool, vec![key(7)], options(1_000));
    let head = until(&pool, 300, &public).await;
    sealer.abort();
    let _ = sealer.await;
    sqlx::query("DELETE FROM daftar_seal.checkpoint").execute(&pool).await.unwrap();
    let sealer = start(&log, &pool, vec![key(7)], options(1_000));
    assert_eq!(until(&pool, 300, &public).await, head);
    sealer.abort();
}

#[tokio::test]
async fn while_a_key_takes_over_both_sign_what_is_published() {
    let (_database, pool) = database().await;
    let log = Memory::log();
    grow(&log, 0, 10).await;
    for (keys, trusted) in [(vec![1], vec![1]), (vec![2, 1], vec![1, 2]), (vec![2], vec![2])] {
        let sealer = start(&log, &pool, keys.into_iter().map(key).collect(), options(10));
        for seed in trusted {
            assert_eq!(until(&pool, 10, &key(seed).verifying_key()).await.size, 10, "no event is needed for it");
        }
        sealer.abort();
        let _ = sealer.await;
    }
}

#[tokio::test]
async fn a_log_that_was_taken_back_is_not_sealed_a_second_time() {
    let (_database, pool) = database().await;
    let (log, public) = (Memory::log(), key(7).verifying_key());
    grow(&log, 0, 300).await;
    let sealer = start(&log, &pool, vec![key(7)], options(100));
    until(&pool, 300, &public).await;
    sealer.abort();
    let _ = sealer.await;
    let (shorter, other) = (Memory::log(), Memory::log());
    grow(&shorter, 0, 200).await;
    grow(&other, 0, 400).await;
    for log in [shorter, other] {
        let stopped = start(&log, &pool, vec![key(7)], options(100)).await.unwrap();
        assert!(matches!(stopped, Stopped::OtherLog { revision: 299, .. }), "{stopped}");
    }
    sqlx::query("UPDATE daftar_seal.tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 1")
        .execute(&pool)
        .await
        .unwrap();
    let stopped = start(&log, &pool, vec![key(7)], options(100)).await.unwrap();
    assert!(matches!(stopped, Stopped::Resume(_)), "{stopped}");
}

#[tokio::test]
async fn a_folder_has_what_the_tables_have_also_when_it_comes_later() {
    let (_database, pool) = database().await;
    let (log, public, folder) = (Memory::log(), key(7).verifying_key(), tempfile::tempdir().unwrap());
    let mut sealed = 0;
    let folders: [Option<PathBuf>; 3] = [None, Some(folder.path().to_owned()), Some(folder.path().to_owned())];
    for (to, folder) in [600, 700, 66_000].into_iter().zip(folders) {
        grow(&log, sealed, to).await;
        sealed = to;
        let sealer = start(&log, &pool, vec![key(7)], Options { folder: folder.clone(), ..options(100_000) });
        until(&pool, to, &public).await;
        let Some(folder) = folder else {
            sealer.abort();
            let _ = sealer.await;
            continue;
        };
        let published = loop {
            let note = std::fs::read(folder.join("checkpoint")).unwrap_or_default();
            match Checkpoint::open(&note, std::slice::from_ref(&public)) {
                Ok(opened) if opened.checkpoint.size() == to => break opened.checkpoint.head(),
                _ => sleep(Duration::from_millis(5)).await,
            }
        };
        sealer.abort();
        let mut tiles = AuthenticTiles::open(TileDirectory::new(&folder), published).unwrap();
        for (index, leaf) in leaves(&log).await.iter().enumerate() {
            assert_eq!(tiles.leaf(index as u64).unwrap(), *leaf);
        }
    }
    assert!(!folder.path().join("tile/0/002.p").exists(), "what has become full needs its beginnings no more");
}
