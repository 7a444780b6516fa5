//! `daftar import`: files that are refused before anything else is looked at, and whole logs.

use std::{fs, path::Path};

use daftar_proof::{
    Frontier,
    archive::{ArchiveWriter, ContentType, CreatedAt, Event},
};
use expect_test::expect;
use uuid::Uuid;

use crate::daftar::{Running, address_in, daftar};

#[test]
fn a_file_that_makes_no_sense_is_refused_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("balances.jsonl");
    fs::write(
        &file,
        r#"{"batch":"b","asOf":"2026-01-01","currency":"SAR","accounts":2,"debit":"1","credit":"0"}
{"account":"0042","credit":1.5}
{"account":"0043","item":[]}
"#,
    )
    .unwrap();
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let said = daftar(&["import", "opening-balances", "balances.jsonl", "--database-url", nowhere]).current_dir(&folder).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    expect![[r#"
        error: balances.jsonl:
          line 2: invalid type: floating point `1.5`, expected a string (at character 30)
          line 3: unknown field `item`, expected one of `account`, `items`, `credit`, `deposit` (at character 24)
    "#]]
    .assert_eq(&String::from_utf8(said.stderr).unwrap());
}

fn event(number: u64) -> Event {
    Event {
        stream: format!("thing-{}", Uuid::from_u128(u128::from(number % 3))),
        revision: number / 3,
        id: Uuid::from_u128(u128::from(number) + 1_000),
        event_type: "SomethingHappened".to_owned(),
        content_type: ContentType::Json,
        commit: number,
        prepare: number,
        created_at: CreatedAt { seconds: 1_700_000_000, nanos: 0 },
        data: format!("{{\"number\":{number}}}").into(),
        metadata: "{}".into(),
    }
}

fn archive(path: &Path, events: impl IntoIterator<Item = Event>) {
    let mut writer = ArchiveWriter::create(fs::File::create(path).unwrap(), &"daftar.example".parse().unwrap()).unwrap();
    events.into_iter().for_each(|event| writer.event(&event).unwrap());
    writer.finish().unwrap();
}

/// A shorter archive leaves the store as an interrupted import of the longer one would.
#[test]
fn an_archive_becomes_the_same_log_goes_on_where_it_was_cut_off_and_mixes_with_no_other() {
    let mut node = daftar(&["node", "--memory", "--port", "0", "--writable"]);
    let mut node = Running::start(node.env("DAFTAR_NODE_USER", "admin").env("DAFTAR_NODE_PASSWORD", "changeit"));
    let store = format!("esdb://admin:changeit@{}?tls=false", address_in(&node.line_with("event store on")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("books.daftar");
    let import = || daftar(&["import", "archive", file.to_str().unwrap(), "--into", &store]).output().unwrap();
    let mut tree = Frontier::default();
    (0..90).for_each(|number| tree.push(event(number).leaf().hash()));
    for (events, found) in [(50, 0), (90, 50), (90, 90)] {
        archive(&file, (0..events).map(event));
        let output = import();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&format!("events    {events}, of which {found} were there\n")), "{said}");
        assert_eq!(said.contains(&tree.root().to_string()), events == 90, "{said}");
    }
    let other = (0..90).map(|number| Event { id: Uuid::from_u128(u128::from(number) + 2_000), ..event(number) });
    let shorter = (0..80).map(event);
    let cases: [(Vec<Event>, &str); 2] =
        [(other.collect(), "it is neither empty nor the archive's beginning"), (shorter.collect(), "the store goes on after the archive")];
    for (events, reason) in cases {
        archive(&file, events);
        let output = import();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(reason), "{said}");
    }
    archive(&file, (0..90).map(event));
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert_eq!(import().status.code(), Some(1), "what is damaged is not read");
}
