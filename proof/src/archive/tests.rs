use std::{fs, fs::File, io::Write};

use proptest::prelude::*;
use uuid::Uuid;

use super::{
    frame::{FrameHeader, Kind, file_header, frame},
    *,
};
use crate::{Checkpoint, Frontier, Guard, KeyName, LogKeys, Note, SigningKey};

fn origin() -> KeyName {
    "daftar.example/books".parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(origin(), &[7; 32])
}

fn event(index: u64) -> Event {
    Event {
        stream: format!("account-{}", index % 3),
        revision: index / 3,
        id: Uuid::from_u128(u128::from(index)),
        event_type: "AccountOpened".to_owned(),
        content_type: if index.is_multiple_of(2) { ContentType::Json } else { ContentType::Binary },
        commit: 10 * index,
        prepare: 10 * index + 1,
        created_at: CreatedAt { seconds: index as i64 - 3, nanos: 999_999_999 },
        data: format!("{{\"index\":{index}}}").into(),
        metadata: "{}".into(),
    }
}

fn checkpoint(size: u64) -> Note {
    let mut tree = Frontier::default();
    (0..size).for_each(|index| tree.push(event(index).leaf().hash()));
    let head = crate::Head { size, root: tree.root() };
    Guard::new(None).admit(head, &[]).unwrap().sign(&LogKeys::new(vec![key()]).unwrap())
}

/// Puts in what is not yet there: three events to a frame, and leaves and checkpoint after each six.
fn write_from<W: Write>(writer: &mut ArchiveWriter<W>, mut events: u64, mut leaves: u64, mut sealed: u64, until: u64) {
    loop {
        if events.is_multiple_of(6) && leaves < events {
            let hashes: Vec<_> = (leaves..events).map(|index| event(index).leaf().hash()).collect();
            writer.leaves(leaves, &hashes).unwrap();
            leaves = events;
        }
        if events.is_multiple_of(6) && sealed < events {
            writer.checkpoint(&checkpoint(events)).unwrap();
            sealed = events;
        }
        if events == until {
            return;
        }
        writer.event(&event(events)).unwrap();
        events += 1;
        if events.is_multiple_of(3) {
            writer.flush().unwrap();
        }
    }
}

fn archive(events: u64) -> Vec<u8> {
    let mut writer = ArchiveWriter::create(Vec::new(), &origin()).unwrap();
    write_from(&mut writer, 0, 0, 0, events);
    writer.finish().unwrap().0
}

fn read(bytes: &[u8]) -> Result<(Vec<Content>, Digest), ArchiveError> {
    let mut reader = ArchiveReader::open(bytes)?;
    let mut contents = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        contents.push(frame.content()?);
    }
    Ok((contents, reader.digest()))
}

/// Where each frame begins, and where the last one ends.
fn borders(bytes: &[u8]) -> Vec<u64> {
    let mut reader = ArchiveReader::open(bytes).unwrap();
    let mut borders = vec![reader.place().offset];
    while reader.next_frame().unwrap().is_some() {
        borders.push(reader.place().offset);
    }
    borders.push(reader.place().offset);
    borders
}

#[test]
fn an_archive_holds_what_was_put_in_and_is_known_by_its_digest() {
    let mut writer = ArchiveWriter::create(Vec::new(), &origin()).unwrap();
    write_from(&mut writer, 0, 0, 0, 8);
    let (bytes, digest) = writer.finish().unwrap();
    let events = |range: std::ops::Range<u64>| Content::Events { first: range.start, events: range.map(event).collect() };
    let leaves = Content::Leaves { first: 0, hashes: (0..6).map(|index| event(index).leaf().hash()).collect() };
    let (contents, read_digest) = read(&bytes).unwrap();
    assert_eq!(contents, [events(0..3), events(3..6), leaves, Content::Checkpoint(checkpoint(6).to_string()), events(6..8)]);
    assert_eq!(read_digest, digest);
    assert_eq!(digest.0, bytes[bytes.len() - 32..]);
    assert_eq!(ArchiveReader::open(bytes.as_slice()).unwrap().origin(), "daftar.example/books");
    assert_eq!(read(&archive(0)).unwrap().0, []);
}

/// The file was written by `archive-v1.py`, which shares no line with this crate.
#[test]
fn an_archive_of_version_1_is_read_for_ever() {
    let bytes = include_bytes!("../../../fixtures/proof/archive-v1.daftar");
    let (contents, _) = read(bytes).unwrap();
    let [Content::Events { first: 0, events: begin }, Content::Events { first: 4, events: rest }, leaves, Content::Checkpoint(note)] =
        contents.as_slice()
    else {
        panic!("{contents:?}");
    };
    let events = [begin.as_slice(), rest].concat();
    let hashes: Vec<_> = events.iter().map(|event| event.leaf().hash()).collect();
    assert_eq!(*leaves, Content::Leaves { first: 0, hashes: hashes.clone() });
    let trusted = [key().verifying_key()];
    let opened = Checkpoint::open(note.as_bytes(), &trusted).unwrap();
    let mut tree = Frontier::default();
    hashes.into_iter().for_each(|leaf| tree.push(leaf));
    assert_eq!((opened.checkpoint.size(), opened.checkpoint.root()), (10, tree.root()));
    let third = &events[3];
    assert_eq!((third.content_type, third.commit, third.prepare), (ContentType::Json, 103, 203));
    assert_eq!((third.created_at, third.revision), (CreatedAt { seconds: -3, nanos: 3 }, u64::MAX));
}

#[test]
fn every_altered_byte_is_found_in_its_frame() {
    let good = archive(8);
    let borders = borders(&good);
    assert_eq!(borders.len(), 7);
    for place in 0..good.len() {
        for mask in [0x01, 0x02, 0x10, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[place] ^= mask;
            let error = read(&bytes).unwrap_err();
            let after = borders.iter().rposition(|border| *border <= place as u64);
            match (after, &error) {
                (None, ArchiveError::NotAnArchive | ArchiveError::Version(_) | ArchiveError::Header) => (),
                (Some(frame), ArchiveError::Damaged(found) | ArchiveError::Cut(found)) => {
                    assert_eq!((found.frame, found.offset), (frame as u64, borders[frame]), "byte {place}");
                }
                (_, error) => panic!("byte {place}: {error:?}"),
            }
        }
    }
}

#[test]
fn every_cut_is_found_in_its_frame() {
    let good = archive(8);
    let borders = borders(&good);
    for length in 0..good.len() {
        let error = read(&good[..length]).unwrap_err();
        let frame = borders.iter().rposition(|border| *border <= length as u64);
        match (frame, &error) {
            (None, ArchiveError::NotAnArchive | ArchiveError::Header) => (),
            (Some(frame), ArchiveError::Unfinished { frames, .. }) => {
                assert_eq!((*frames, borders[frame]), (frame as u64, length as u64));
            }
            (Some(frame), ArchiveError::Cut(found)) => {
                assert_eq!((found.frame, found.offset), (frame as u64, borders[frame]));
                assert_ne!(borders[frame], length as u64);
            }
            (_, error) => panic!("{length}: {error:?}"),
        }
    }
    let longer = [good.clone(), vec![0]].concat();
    assert!(matches!(read(&longer), Err(ArchiveError::Trailing { offset }) if offset == good.len() as u64));
}

#[test]
fn frames_in_another_order_are_found() {
    let good = archive(8);
    let borders: Vec<_> = borders(&good).into_iter().map(|border| border as usize).collect();
    let frames: Vec<_> = borders.windows(2).map(|border| &good[border[0]..border[1]]).collect();
    let with = |frames: &[&[u8]]| [&good[..borders[0]], &frames.concat()].concat();
    assert_eq!(with(&frames), good);
    for at in 0..frames.len() - 1 {
        let mut gone = frames.clone();
        gone.remove(at);
        let mut twice = frames.clone();
        twice.insert(at, frames[at]);
        let mut swapped = frames.clone();
        swapped.swap(at, at + 1);
        for (other, frame) in [(gone, at), (twice, at + 1), (swapped, at)] {
            assert!(matches!(read(&with(&other)), Err(ArchiveError::Damaged(place)) if place.frame == frame as u64), "{at}");
        }
    }
}

/// What is wrong with it, kind, number, first, count and payload.
type Crafted<'a> = (&'a str, Kind, u64, u64, u32, &'a [u8]);

/// Whoever makes an archive by hand can make the digests too. What cannot be is refused all the same.
#[test]
fn whole_frames_that_cannot_be_are_refused() {
    let pack = |plain: &[u8]| zstd::bulk::compress(plain, 3).unwrap();
    let mut one = Vec::new();
    event(0).encode(&mut one).unwrap();
    let note = checkpoint(6).to_string();
    let cases: [Crafted<'_>; 12] = [
        ("another number", Kind::Events, 1, 0, 1, &one),
        ("another first event", Kind::Events, 0, 1, 1, &one),
        ("no events", Kind::Events, 0, 0, 0, &[]),
        ("an event too few", Kind::Events, 0, 0, 2, &one),
        ("half an event", Kind::Events, 0, 0, 1, &one[..one.len() - 1]),
        ("an event too many", Kind::Events, 0, 0, 1, &[one.as_slice(), &one].concat()),
        ("another first leaf", Kind::Leaves, 0, 1, 1, &[0; 32]),
        ("a leaf too few", Kind::Leaves, 0, 0, 2, &[0; 32]),
        ("half a leaf", Kind::Leaves, 0, 0, 1, &[0; 16]),
        ("another size", Kind::Checkpoint, 0, 7, 1, note.as_bytes()),
        ("no checkpoint", Kind::Checkpoint, 0, 6, 1, b"hello"),
        ("another end", Kind::End, 0, 1, 0, &[]),
    ];
    for (what, kind, number, first, count, plain) in cases {
        let (mut bytes, digest) = file_header("daftar.example").unwrap();
        let payload = pack(plain);
        let header = FrameHeader { kind, number, first, count, plain: plain.len() as u32, stored: payload.len() as u32 };
        bytes.extend(frame(digest, header, &payload).0);
        let error = read(&bytes).unwrap_err();
        let is_refused = matches!(error, ArchiveError::OutOfPlace(_) | ArchiveError::Event { .. } | ArchiveError::Checkpoint { .. });
        assert!(is_refused, "{what}: {error:?}");
    }
    let (mut bytes, digest) = file_header("daftar.example").unwrap();
    let header =
        FrameHeader { kind: Kind::Events, number: 0, first: 0, count: 1, plain: one.len() as u32 - 1, stored: pack(&one).len() as u32 };
    bytes.extend(frame(digest, header, &pack(&one)).0);
    assert!(matches!(read(&bytes), Err(ArchiveError::OutOfPlace(_))), "more than was announced");
}

#[test]
fn an_interrupted_archive_goes_on_to_the_same_bytes_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.daftar");
    let whole = archive(14);
    let borders = borders(&whole);
    for length in borders[0] as usize..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let (mut writer, resumed) = ArchiveWriter::resume(file, &origin()).unwrap();
        assert_eq!(resumed.last, resumed.events.checked_sub(1).map(event));
        let kept = borders.iter().rev().find(|border| **border <= length as u64).unwrap();
        let is_whole_file = length == whole.len();
        let discarded = if is_whole_file { 0 } else { length as u64 - kept };
        assert_eq!((resumed.discarded, resumed.damage.is_some()), (discarded, discarded > 0), "{length}");
        write_from(&mut writer, resumed.events, resumed.leaves, resumed.checkpoint.unwrap_or(0), 14);
        writer.finish().unwrap();
        assert!(fs::read(&path).unwrap() == whole, "cut at {length}");
    }
    fs::write(&path, &whole[..5]).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    assert!(matches!(ArchiveWriter::resume(file, &origin()), Err(WriteError::Archive(ArchiveError::NotAnArchive))));
}

#[test]
fn an_archive_grows_with_its_log_and_mends_what_was_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.daftar");
    let mut smaller = archive(12);
    let resume = |bytes: &[u8], until| {
        fs::write(&path, bytes).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let (mut writer, resumed) = ArchiveWriter::resume(file, &origin()).unwrap();
        write_from(&mut writer, resumed.events, resumed.leaves, resumed.checkpoint.unwrap_or(0), until);
        writer.finish().unwrap();
        assert!(fs::read(&path).unwrap() == archive(until), "nothing of what was there before stands behind the end");
        resumed
    };
    assert_eq!(resume(&smaller, 20).discarded, 0);
    let third = borders(&smaller)[2] as usize;
    smaller[third + 40] ^= 1;
    for until in [6, 20] {
        let resumed = resume(&smaller, until);
        assert_eq!((resumed.events, resumed.leaves, resumed.checkpoint, resumed.discarded), (6, 0, None, (smaller.len() - third) as u64));
        assert!(matches!(resumed.damage, Some(ArchiveError::Damaged(Place { frame: 2, .. }))));
    }
}

#[test]
fn what_has_no_place_in_an_archive_is_refused_and_leaves_no_trace() {
    let mut writer = ArchiveWriter::create(Vec::new(), &origin()).unwrap();
    let settings = Event { stream: "$settings".to_owned(), ..event(0) };
    assert!(matches!(writer.event(&settings), Err(WriteError::NotProven { stream }) if stream == "$settings"));
    let large = Event { data: vec![0; MAX_FRAME_BYTES].into(), ..event(0) };
    assert!(matches!(writer.event(&large), Err(WriteError::TooLarge { revision: 0, .. })));
    let hash = event(0).leaf().hash();
    assert!(matches!(writer.leaves(1, &[hash]), Err(WriteError::Leaf { expected: 0, actual: 1 })));
    write_from(&mut writer, 0, 0, 0, 8);
    assert!(matches!(writer.checkpoint(&checkpoint(7)), Err(WriteError::Late { size: 7, events: 8 })));
    assert!(matches!(writer.checkpoint(&Note::sign("no checkpoint\n".to_owned(), [&key()])), Err(WriteError::Checkpoint(_))));
    let (bytes, _) = writer.finish().unwrap();
    assert!(bytes == archive(8));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.daftar");
    fs::write(&path, archive(8)).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let other = ArchiveWriter::resume(file, &"other.example".parse().unwrap());
    assert!(matches!(other, Err(WriteError::OtherOrigin { actual, .. }) if actual == "daftar.example/books"));
    assert!(fs::read(&path).unwrap() == archive(8), "another log's archive is not touched");
}

#[test]
fn a_long_log_makes_many_frames() {
    let mut writer = ArchiveWriter::create(Vec::new(), &origin()).unwrap();
    let log: Vec<_> = (0..300).map(|index| Event { data: vec![index as u8; 10_000].into(), ..event(index) }).collect();
    log.iter().for_each(|event| writer.event(event).unwrap());
    let (bytes, _) = writer.finish().unwrap();
    let (contents, _) = read(&bytes).unwrap();
    assert_eq!(contents.len(), 3);
    let events = contents.into_iter().flat_map(|content| if let Content::Events { events, .. } = content { events } else { Vec::new() });
    assert!(events.eq(log));
}

fn any_event() -> impl Strategy<Value = Event> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..50);
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<i64>(), any::<u32>());
    ("[^$].{0,20}", any::<u128>(), ".{0,20}", any::<bool>(), numbers, bytes(), bytes()).prop_map(
        |(stream, id, event_type, is_json, (revision, commit, prepare, seconds, nanos), data, metadata)| Event {
            stream,
            revision,
            id: Uuid::from_u128(id),
            event_type,
            content_type: if is_json { ContentType::Json } else { ContentType::Binary },
            commit,
            prepare,
            created_at: CreatedAt { seconds, nanos },
            data: data.into(),
            metadata: metadata.into(),
        },
    )
}

proptest! {
    #[test]
    fn any_events_survive_the_archive(log in proptest::collection::vec(any_event(), 1..20)) {
        let mut writer = ArchiveWriter::create(Vec::new(), &origin()).unwrap();
        for event in &log {
            writer.event(event).unwrap();
        }
        let (bytes, _) = writer.finish().unwrap();
        let expected = Content::Events { first: 0, events: log };
        prop_assert_eq!(read(&bytes).unwrap().0, [expected]);
    }
}
