//! A log in memory, carried away, tampered with in every way, and verified.

mod books;
mod demo;
mod finance;
mod postgres;

use std::{fs, path::PathBuf, sync::Arc};

use daftar_domain::StreamName;
use daftar_proof::{
    DifferenceKind, Guard, KeyName, LogKeys, SigningKey, TileDirectory, TileWriter,
    archive::{ArchiveWriter, Content, Event},
};
use daftar_store::{ContentType, EventReader, EventWriter, Expected, Memory, NewEvent};
use daftar_terminal::Display;
use futures::TryStreamExt;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    audit::{Finding, Report},
    examine::leaf_hash,
    export::{Seals, export},
    source::Source,
    tiles::Tiles,
    verify::Trust,
};

/// However little memory there is, the same is found.
async fn verify(source: &Source, trust: &Trust) -> anyhow::Result<Report> {
    let report = crate::verify::verify(source, trust, usize::MAX, &Display::silent()).await?;
    let little = if report.streams < 10 { 0 } else { 100 * 1024 };
    let in_turns = crate::verify::verify(source, trust, little, &Display::silent()).await?;
    assert_eq!(in_turns.to_json(), report.to_json());
    Ok(report)
}

fn origin() -> KeyName {
    "daftar.example/books".parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(origin(), &[7; 32])
}

fn stream(number: u128) -> StreamName {
    format!("thing-{}", Uuid::from_u128(number)).parse().unwrap()
}

fn new_event(number: u64) -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: "SomethingHappened".to_owned(),
        content_type: ContentType::Json,
        data: format!("{{\"number\":{number}}}").into(),
        metadata: "{\"by\":\"us\"}".into(),
    }
}

/// Three streams, turn by turn.
async fn grow(store: &impl EventWriter, from: u64, to: u64) {
    for number in from..to {
        let expected = Expected::last((number / 3).checked_sub(1));
        store.append(&stream(u128::from(number % 3)), expected, vec![new_event(number)]).await.unwrap();
    }
}

struct House {
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Seals the log as it is: a checkpoint in a file, and tiles in a folder.
    async fn seal(&self, store: &impl EventReader, name: &str) -> Seals {
        let mut tiles = TileWriter::default();
        let mut events = store.read_all(None, daftar_store::Scope::Everything);
        while let Some(event) = events.try_next().await.unwrap() {
            tiles.push(leaf_hash(&event));
        }
        let directory = TileDirectory::new(self.path("tiles"));
        tiles.take_tiles().iter().for_each(|tile| directory.write(tile).unwrap());
        let note = Guard::new(None).admit(tiles.head(), &[]).unwrap().sign(&LogKeys::new(vec![key()]).unwrap());
        fs::write(self.path(name), note.to_string()).unwrap();
        Seals { checkpoints: vec![self.path(name)], tiles: Some(self.path("tiles")) }
    }

    fn trust(&self, seals: &Seals, with_tiles: bool) -> Trust {
        let tiles = seals.tiles.clone().filter(|_| with_tiles).map(Tiles::Folder);
        Trust { checkpoints: seals.checkpoints.clone(), keys: vec![key().verifying_key()], tiles }
    }
}

/// The archive's events.
async fn events_of(path: PathBuf) -> Vec<Event> {
    let events = Source::Archive(path).events();
    events.map_ok(|event| crate::source::archived(&event)).try_collect().await.unwrap()
}

fn write(path: &PathBuf, events: &[Event]) {
    let mut writer = ArchiveWriter::create(fs::File::create(path).unwrap(), &origin()).unwrap();
    events.iter().for_each(|event| writer.event(event).unwrap());
    writer.finish().unwrap();
}

fn difference(report: &Report) -> Option<(u64, DifferenceKind)> {
    report.findings.iter().find_map(|finding| if let Finding::Difference(found) = finding { Some((found.index, found.kind)) } else { None })
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_found_so_in_the_store_and_in_its_archive() {
    let (house, store) = (House::new(), Memory::log());
    grow(&store, 0, 300).await;
    let seals = house.seal(&store, "checkpoint").await;
    grow(&store, 300, 310).await;
    let store: Arc<dyn EventReader> = Arc::new(store);
    let exported = export(&store, &house.path("books.daftar"), &origin(), &seals).await.unwrap();
    assert_eq!((exported.events, exported.kept, exported.mended), (310, 0, 0));
    let in_store: Vec<_> = Source::Store(Arc::clone(&store)).events().try_collect().await.unwrap();
    let in_archive: Vec<_> = Source::Archive(house.path("books.daftar")).events().try_collect().await.unwrap();
    assert_eq!(in_archive, in_store, "all that the store knows of an event");
    for source in [Source::Store(store), Source::Archive(house.path("books.daftar"))] {
        for with_tiles in [true, false] {
            let report = verify(&source, &house.trust(&seals, with_tiles)).await.unwrap();
            assert!(report.is_good(), "{}", report.to_text());
            assert_eq!((report.head.size, report.streams, report.proven, report.unproven()), (310, 3, 300, 10));
        }
        let report = verify(&source, &Trust::default()).await.unwrap();
        assert_eq!((report.is_good(), report.proven), (true, 0));
    }
}

#[tokio::test]
async fn an_archive_goes_on_with_its_log_and_with_no_other() {
    let (house, store) = (House::new(), Memory::log());
    let path = house.path("books.daftar");
    grow(&store, 0, 30).await;
    let first = house.seal(&store, "first").await;
    let reader = |store| -> Arc<dyn EventReader> { Arc::new(store) };
    let store = Arc::new(store);
    let dynamic: Arc<dyn EventReader> = store.clone();
    export(&dynamic, &path, &origin(), &first).await.unwrap();
    grow(&*store, 30, 50).await;
    let second = house.seal(&*store, "second").await;
    let both = Seals { checkpoints: [first.checkpoints, second.checkpoints].concat(), ..second };
    let exported = export(&dynamic, &path, &origin(), &both).await.unwrap();
    assert_eq!((exported.events, exported.kept), (50, 30));
    let exported = export(&dynamic, &path, &origin(), &both).await.unwrap();
    assert_eq!((exported.events, exported.kept), (50, 50));
    let is_checkpoint = |content: &Content| matches!(content, Content::Checkpoint(_));
    assert_eq!(contents(&path).iter().filter(|content| is_checkpoint(content)).count(), 2, "each checkpoint goes in once");
    let unsealed = house.path("unsealed.daftar");
    export(&dynamic, &unsealed, &origin(), &Seals::default()).await.unwrap();
    export(&dynamic, &unsealed, &origin(), &both).await.unwrap();
    assert_eq!(contents(&unsealed).iter().filter(|content| is_checkpoint(content)).count(), 1, "and not where its size is past");
    let report = verify(&Source::Archive(path.clone()), &house.trust(&both, false)).await.unwrap();
    assert!(report.is_good() && report.proven == 50, "{}", report.to_text());

    let other = Memory::log();
    grow(&other, 0, 60).await;
    let error = export(&reader(other), &path, &origin(), &Seals::default()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` is not the beginning of this log", path.display()));
}

#[tokio::test]
async fn whatever_is_done_to_the_log_the_very_event_is_named() {
    let (house, store) = (House::new(), Memory::log());
    grow(&store, 0, 300).await;
    let seals = house.seal(&store, "checkpoint").await;
    let store: Arc<dyn EventReader> = Arc::new(store);
    export(&store, &house.path("books.daftar"), &origin(), &seals).await.unwrap();
    let log = events_of(house.path("books.daftar")).await;
    for at in [0, 1, 150, 255, 256, 297] {
        let event = &log[at];
        let with = |event: Event| [&log[..at], &[event], &log[at + 1..]].concat();
        let swapped = {
            let mut log = log.clone();
            log.swap(at, at + 2);
            log
        };
        let inserted = [&log[..at], &[Event { id: Uuid::new_v4(), ..event.clone() }], &log[at..]].concat();
        let tampered = [
            ("data", with(Event { data: "{\"number\":0 }".into(), ..event.clone() }), DifferenceKind::Altered),
            ("metadata", with(Event { metadata: "{\"by\":\"them\"}".into(), ..event.clone() }), DifferenceKind::Altered),
            ("type", with(Event { event_type: "SomethingElse".to_owned(), ..event.clone() }), DifferenceKind::Altered),
            ("stream", with(Event { stream: stream(9).to_string(), ..event.clone() }), DifferenceKind::Altered),
            ("revision", with(Event { revision: event.revision + 1, ..event.clone() }), DifferenceKind::Altered),
            ("deleted", [&log[..at], &log[at + 1..]].concat(), DifferenceKind::Deleted { count: 1 }),
            ("inserted", inserted, DifferenceKind::Inserted { count: 1 }),
            ("swapped", swapped, DifferenceKind::Swapped { distance: 2 }),
            ("cut", log[..at].to_vec(), DifferenceKind::CutOff { count: 300 - at as u64 }),
        ];
        for (what, events, kind) in tampered {
            let path = house.path("tampered.daftar");
            write(&path, &events);
            let source = Source::Archive(path);
            let report = verify(&source, &house.trust(&seals, true)).await.unwrap();
            assert_eq!(difference(&report), Some((at as u64, kind)), "{what} at {at}: {}", report.to_text());
            let report = verify(&source, &house.trust(&seals, false)).await.unwrap();
            assert!(!report.is_good() && report.proven == 0, "{what} at {at}, without tiles");
        }
    }
}

/// Serves a folder of tiles, and fewer requests than are made.
async fn serve(tiles: PathBuf) -> String {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let answer = async move |uri: axum::http::Uri| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            return (axum::http::StatusCode::TOO_MANY_REQUESTS, vec![]);
        }
        match fs::read(tiles.join(uri.path().strip_prefix("/log/").unwrap_or("nothing"))) {
            Ok(bytes) => (axum::http::StatusCode::OK, bytes),
            Err(_) => (axum::http::StatusCode::NOT_FOUND, vec![]),
        }
    };
    let answer = Arc::new(answer);
    let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        let answer = Arc::clone(&answer);
        async move { answer(uri).await }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/log/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_a_server_has_name_the_wrong_event_too() {
    let (house, store) = (House::new(), Memory::log());
    grow(&store, 0, 600).await;
    let seals = house.seal(&store, "checkpoint").await;
    let path = house.path("books.daftar");
    let store: Arc<dyn EventReader> = Arc::new(store);
    export(&store, &path, &origin(), &Seals::default()).await.unwrap();
    let mut log = events_of(path.clone()).await;
    log[123].data = "{}".into();
    write(&path, &log);
    // What was a partial tile has become a full one since, as after a later checkpoint.
    let edge = house.path("tiles").join("tile/0/002.p/88");
    let filled = [fs::read(&edge).unwrap(), vec![7; (256 - 88) * 32]].concat();
    fs::remove_dir_all(edge.parent().unwrap()).unwrap();
    fs::write(house.path("tiles").join("tile/0/002"), filled).unwrap();
    let served = |url: String| Trust { tiles: Some(url.parse().unwrap()), ..house.trust(&seals, false) };
    let url = serve(house.path("tiles")).await;
    let report = verify(&Source::Archive(path.clone()), &served(url.clone())).await.unwrap();
    assert_eq!(difference(&report), Some((123, DifferenceKind::Altered)), "{}", report.to_text());

    let mut forged = fs::read(house.path("tiles").join("tile/0/001")).unwrap();
    forged[0] ^= 1;
    fs::write(house.path("tiles").join("tile/0/001"), forged).unwrap();
    let error = verify(&Source::Archive(path.clone()), &served(url.clone())).await.unwrap_err();
    assert!(format!("{error:#}").contains("`tile/0/001` is not the tile that the level above it was made of"), "{error:#}");
    fs::remove_file(house.path("tiles").join("tile/0/001")).unwrap();
    let error = verify(&Source::Archive(path.clone()), &served(url)).await.unwrap_err();
    assert!(error.to_string().ends_with("does not have `tile/0/001`"), "{error}");
    let error = verify(&Source::Archive(path), &served("http://127.0.0.1:9/".to_owned())).await.unwrap_err();
    assert!(error.to_string().starts_with("`127.0.0.1:9` does not give `tile/"), "{error}");
}

/// The archive's own hashes locate as well as tiles from elsewhere, because a checkpoint vouches for them.
#[tokio::test]
async fn an_archive_brings_what_names_its_wrong_event() {
    let (house, store) = (House::new(), Memory::log());
    grow(&store, 0, 300).await;
    let seals = house.seal(&store, "checkpoint").await;
    let store: Arc<dyn EventReader> = Arc::new(store);
    let path = house.path("books.daftar");
    export(&store, &path, &origin(), &seals).await.unwrap();
    let mut log = events_of(path.clone()).await;
    log[123].data = "{}".into();
    let leaves: Vec<_> = contents(&path)
        .into_iter()
        .filter_map(|content| if let Content::Leaves { hashes, .. } = content { Some(hashes) } else { None })
        .flatten()
        .collect();
    let tampered = house.path("tampered.daftar");
    let mut writer = ArchiveWriter::create(fs::File::create(&tampered).unwrap(), &origin()).unwrap();
    log.iter().for_each(|event| writer.event(event).unwrap());
    writer.leaves(0, &leaves).unwrap();
    writer.finish().unwrap();
    let report = verify(&Source::Archive(tampered), &house.trust(&seals, false)).await.unwrap();
    assert_eq!(difference(&report), Some((123, DifferenceKind::Altered)));
}

/// All of it rewritten with new hashes and signed anew: only a checkpoint that was kept elsewhere shows it.
#[tokio::test]
async fn a_history_rewritten_with_the_logs_own_key_is_found_by_an_outside_checkpoint() {
    let (house, theirs) = (House::new(), House::new());
    let (store, rewritten) = (Memory::log(), Memory::log());
    grow(&store, 0, 30).await;
    grow(&rewritten, 0, 40).await;
    let kept = house.seal(&store, "kept").await;
    let forged = theirs.seal(&rewritten, "forged").await;
    let rewritten: Arc<dyn EventReader> = Arc::new(rewritten);
    let path = theirs.path("books.daftar");
    export(&rewritten, &path, &origin(), &forged).await.unwrap();
    let source = Source::Archive(path);
    let alone = verify(&source, &Trust { keys: vec![key().verifying_key()], ..Trust::default() }).await.unwrap();
    assert_eq!((alone.is_good(), alone.proven, alone.unproven()), (true, 0, 40), "nothing outside vouches for it");
    let report = verify(&source, &house.trust(&kept, false)).await.unwrap();
    assert!(matches!(&report.findings[..], [Finding::OtherRoot { promise, .. }] if promise.is_outside), "{}", report.to_text());
    let report = verify(&source, &house.trust(&kept, true)).await.unwrap();
    assert_eq!((difference(&report), report.proven), (Some((0, DifferenceKind::Rewritten)), 0));
}

#[tokio::test]
async fn an_altered_checkpoint_and_a_strangers_are_named() {
    let (house, store) = (House::new(), Memory::log());
    grow(&store, 0, 30).await;
    let seals = house.seal(&store, "checkpoint").await;
    let source = Source::Store(Arc::new(store));
    let text = fs::read_to_string(house.path("checkpoint")).unwrap();
    let stranger = SigningKey::from_seed(origin(), &[8; 32]).verifying_key();
    let (name, key) = (house.path("checkpoint").display().to_string(), key().verifying_key());
    let (_, signature) = text.rsplit_once(' ').unwrap();
    let altered_signature = text.replace(signature, &format!("{}AAAA{}", &signature[..20], &signature[24..]));
    for (text, key, reason) in [
        (text.replacen("\n30\n", "\n29\n", 1), key.clone(), "does not fit the text"),
        (altered_signature, key, "does not fit the text"),
        (text, stranger, "none of the keys that are trusted has signed"),
    ] {
        fs::write(house.path("checkpoint"), text).unwrap();
        let report = verify(&source, &Trust { keys: vec![key], ..house.trust(&seals, false) }).await.unwrap();
        let [finding @ Finding::Unbelievable { .. }] = &report.findings[..] else { panic!("{}", report.to_text()) };
        assert!(finding.to_string().starts_with(&name) && finding.to_string().contains(reason), "{finding}");
        assert_eq!(report.proven, 0);
    }
}

#[tokio::test]
async fn what_our_own_streams_cannot_mean_and_where_they_break_is_named() {
    let store = Memory::log();
    grow(&store, 0, 4).await;
    let account: StreamName = format!("account-{}", Uuid::from_u128(5)).parse().unwrap();
    EventWriter::append(&store, &account, Expected::NoStream, vec![new_event(4)]).await.unwrap();
    let house = House::new();
    let store: Arc<dyn EventReader> = Arc::new(store);
    let report = verify(&Source::Store(Arc::clone(&store)), &Trust::default()).await.unwrap();
    assert!(matches!(&report.findings[..], [Finding::Unreadable { leaf: 4, reason }] if reason.stream == account.to_string()));

    let path = house.path("books.daftar");
    export(&store, &path, &origin(), &Seals::default()).await.unwrap();
    let mut log = events_of(path.clone()).await;
    log.remove(0);
    log.truncate(3);
    log.swap(0, 1);
    write(&path, &log);
    let report = verify(&Source::Archive(path), &Trust::default()).await.unwrap();
    assert!(
        matches!(&report.findings[..], [Finding::Order { leaf: 1, .. }, Finding::Revision { leaf: 2, expected: 0, actual: 1, .. }]),
        "{}",
        report.to_text()
    );
}

fn contents(path: &PathBuf) -> Vec<Content> {
    let mut reader = daftar_proof::archive::ArchiveReader::open(fs::File::open(path).unwrap()).unwrap();
    let mut contents = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        contents.push(frame.content().unwrap());
    }
    contents
}
