//! What the pages say of `replay-tool` is true: its commands run as they stand there, one after another, over a company's log that is reached by
//! network. The rest of the pages is tried by the tests of `daftar`.

use std::{fs, path::Path, process::Command, sync::Arc};

use daftar_billing::bill_run::BillRuns;
use daftar_proof::{Guard, Leaf, LogKeys, SigningKey, TileWriter};
use daftar_store::{
    EventReader, Memory, Scope, StoredEvent,
    log::Log,
    node::{Access, NodeOptions, serve},
};
use futures::TryStreamExt;

#[path = "../../billing/tests/bill_run/company.rs"]
#[allow(dead_code, reason = "bill runs' own tests use more of it")]
mod company;

use company::{customers, database, engine, plan, project, tariff};

const PAGES: [&str; 4] = [
    include_str!("../../docs/audit.md"),
    include_str!("../../docs/finance.md"),
    include_str!("../../docs/operators.md"),
    include_str!("../../README.md"),
];

/// The blocks that are marked as this tool's.
fn commands() -> Vec<String> {
    let blocks = PAGES.into_iter().flat_map(|page| page.split("```sh replay-tool\n").skip(1));
    blocks.flat_map(|block| block.lines().take_while(|line| *line != "```")).map(str::to_owned).collect()
}

/// A checkpoint of the whole log, and the key that signed it.
async fn seal(log: &Log, file: &Path) -> String {
    let mut tree = TileWriter::default();
    let mut events = log.read_all(None, Scope::Everything);
    while let Some(event) = events.try_next().await.unwrap() {
        let StoredEvent { stream, revision, id, event_type, data, metadata, .. } = &event;
        tree.push(Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash());
    }
    let key = SigningKey::from_seed("daftar.example/books".parse().unwrap(), &[7; 32]);
    let public = key.verifying_key().to_string();
    let note = Guard::new(None).admit(tree.head(), &[]).unwrap().sign(&LogKeys::new(vec![key]).unwrap());
    fs::write(file, note.to_string()).unwrap();
    public
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_on_the_pages_runs() {
    let (log, (_database, pool), folder) = (Memory::log(), database().await, tempfile::tempdir().unwrap());
    let engine = engine(log.clone());
    tariff(&engine).await;
    customers(&engine, 12).await;
    let projector = project(Arc::new(log.clone()), &pool);
    BillRuns::new(engine, pool).execute("2026-10", plan(), &|_| ()).await.unwrap();
    projector.abort();
    let key = seal(&log, &folder.path().join("kept-checkpoint")).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = format!("esdb://{}?tls=false", listener.local_addr().unwrap());
    let node = NodeOptions { listener, advertised: None, access: Access::ReadOnly, tls: None };
    tokio::spawn(serve(log, node, std::future::pending()));

    let mut commands = commands();
    // Whoever has no archive yet writes one first.
    commands.sort_by_key(|command| !command.contains(" export "));
    assert!(commands.len() >= 15, "{commands:?}");
    for command in commands {
        let script = command.replacen("replay-tool", env!("CARGO_BIN_EXE_replay-tool"), 1);
        let mut run = tokio::process::Command::from(Command::new("sh"));
        run.arg("-c").arg(&script).current_dir(&folder).env("KEY", &key).env("STORE", &store).env_remove("EVENTSTORE_URL");
        let output = run.output().await.unwrap();
        assert!(
            output.status.success(),
            "{command}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(command.contains('>') || !output.stdout.is_empty(), "{command} says something");
    }
    let tampered = fs::read_to_string(folder.path().join("proof.json")).unwrap().replacen("InvoiceIssued", "InvoiceDenied", 1);
    fs::write(folder.path().join("forged.json"), tampered).unwrap();
    let codes = [
        (vec!["check-proof", "forged.json", "--key", &key], 1),
        (vec!["explain", "nothing", "--source", "books.daftar"], 2),
        (vec!["fly"], 2),
    ];
    for (arguments, code) in codes {
        let output = Command::new(env!("CARGO_BIN_EXE_replay-tool")).args(&arguments).current_dir(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}
