//! How fast history is sealed, verified and carried away, in events per second of one core.
//!
//! The sealer has to keep up with 30,000 events a second, and `verify` with 600,000.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use daftar_proof::{
    AuthenticTiles, DocumentProof, Frontier, Guard, Hash, Leaf, LeafCheck, LogKeys, SigningKey, TileMap, TileWriter,
    archive::{ArchiveReader, ArchiveWriter, Content, ContentType, CreatedAt, Event},
    prove_inclusion, verify_inclusion,
};
use uuid::Uuid;

const EVENTS: u64 = 50_000;

/// As long as the events of a bill run are on the average.
fn event(index: u64) -> Event {
    let data = format!(
        r#"{{"readingId":"{}","takenOn":"2026-03-{:02}","registers":[{{"register":"1.8.0","reading":"{}.250"}}],"source":"ami","quality":"actual","note":null}}"#,
        Uuid::from_u128(u128::from(index)),
        index % 28 + 1,
        index * 7919 % 100_000
    );
    let metadata = format!(
        r#"{{"recordedAt":"2026-03-01T00:00:{:02}.123456Z","actor":"system","commandId":"{id}","commandHash":"q83vEjRWeJCrze8SNFZ4kA","$correlationId":"{id}","$causationId":"{id}","schemaVersion":1}}"#,
        index % 60,
        id = Uuid::from_u128(u128::from(index) << 64)
    );
    Event {
        stream: format!("meter-{}", Uuid::from_u128(u128::from(index % 5000))),
        revision: index / 5000,
        id: Uuid::from_u128(u128::from(index) * 0x9e37_79b9_7f4a_7c15),
        event_type: "ReadingTaken".to_owned(),
        content_type: ContentType::Json,
        commit: index,
        prepare: index,
        created_at: CreatedAt { seconds: 1_772_323_200, nanos: 0 },
        data: data.into(),
        metadata: metadata.into(),
    }
}

fn tiles(leaves: &[Hash]) -> (TileMap, TileWriter) {
    let (mut tiles, mut writer) = (TileMap::default(), TileWriter::default());
    leaves.iter().for_each(|leaf| writer.push(*leaf));
    writer.take_tiles().iter().for_each(|tile| tiles.write(tile));
    (tiles, writer)
}

fn archive(events: &[Event], leaves: &[Hash]) -> Vec<u8> {
    let mut writer = ArchiveWriter::create(Vec::new(), &"daftar.example".parse().expect("a name")).expect("memory");
    events.iter().for_each(|event| writer.event(event).expect("an event"));
    writer.leaves(0, leaves).expect("leaves");
    writer.finish().expect("memory").0
}

fn benches(criterion: &mut Criterion) {
    let events: Vec<_> = (0..EVENTS).map(event).collect();
    let leaves: Vec<_> = events.iter().map(|event| event.leaf().hash()).collect();
    let bytes: usize = events.iter().map(|event| event.leaf().entry().len()).sum();
    println!("an event's entry has {} bytes on the average", bytes / events.len());
    let (map, writer) = tiles(&leaves);
    let head = writer.head();

    let mut group = criterion.benchmark_group("proof");
    group.throughput(Throughput::Elements(EVENTS)).sample_size(20);

    group.bench_function("hash leaves", |bencher| {
        bencher.iter(|| events.iter().fold(0, |sum, event| sum ^ event.leaf().hash().0[0]));
    });
    group.bench_function("grow the tree", |bencher| {
        bencher.iter(|| {
            let mut frontier = Frontier::default();
            leaves.iter().for_each(|leaf| frontier.push(*leaf));
            frontier.root()
        });
    });
    group.bench_function("seal: hash, grow, tiles, and a checkpoint each 10,000", |bencher| {
        let keys = LogKeys::new(vec![SigningKey::from_seed("daftar.example".parse().expect("a name"), &[7; 32])]).expect("a key");
        bencher.iter(|| {
            let mut writer = TileWriter::default();
            for (index, event) in events.iter().enumerate() {
                writer.push(event.leaf().hash());
                if index % 10_000 == 9_999 {
                    black_box(writer.take_tiles());
                    let intent = Guard::new(None).admit(writer.head(), &[]).expect("the first");
                    black_box(intent.sign(&keys).to_string());
                }
            }
        });
    });
    group.bench_function("verify: hash, and compare with tiles", |bencher| {
        bencher.iter_batched(
            || LeafCheck::new(AuthenticTiles::open(&map, head).expect("good tiles")),
            |mut check| {
                events.iter().for_each(|event| check.push(event.leaf().hash()).expect("good tiles"));
                check.finish()
            },
            BatchSize::LargeInput,
        );
    });
    let whole = archive(&events, &leaves);
    println!("an event takes {} bytes in the archive", whole.len() / events.len());
    group.bench_function("write an archive", |bencher| bencher.iter(|| archive(&events, &leaves)));
    group.bench_function("read an archive and hash its leaves", |bencher| {
        bencher.iter(|| {
            let mut reader = ArchiveReader::open(whole.as_slice()).expect("an archive");
            let mut frontier = Frontier::default();
            while let Some(frame) = reader.next_frame().expect("a frame") {
                if let Content::Events { events, .. } = frame.content().expect("its content") {
                    events.iter().for_each(|event| frontier.push(event.leaf().hash()));
                }
            }
            frontier.root()
        });
    });

    group.throughput(Throughput::Elements(1));
    group.bench_function("prove one event from tiles", |bencher| {
        bencher.iter(|| prove_inclusion(&mut AuthenticTiles::open(&map, head).expect("good tiles"), 31_415, head.size));
    });
    group.bench_function("check one event's path", |bencher| {
        let path = prove_inclusion(&mut AuthenticTiles::open(&map, head).expect("good tiles"), 31_415, head.size).expect("a leaf");
        bencher.iter(|| verify_inclusion(leaves[31_415], 31_415, &path, head));
    });
    group.bench_function("check a document of eight events", |bencher| {
        let key = SigningKey::from_seed("daftar.example".parse().expect("a name"), &[7; 32]);
        let trusted = [key.verifying_key()];
        let note = Guard::new(None).admit(head, &[]).expect("the first").sign(&LogKeys::new(vec![key]).expect("a key"));
        let document: Vec<(u64, Leaf<'_>)> =
            (0..8).map(|revision| (5000 * revision + 17, events[5000 * revision as usize + 17].leaf())).collect();
        let mut tree = AuthenticTiles::open(&map, head).expect("good tiles");
        let json = DocumentProof::new(document, &mut tree, head.size, &note).expect("leaves").to_json().expect("json");
        bencher.iter(|| DocumentProof::parse(json.as_bytes()).expect("a proof").check(&trusted).map(drop).expect("a good one"));
    });
    group.finish();
}

criterion_group!(proof, benches);
criterion_main!(proof);
