//! What the commands say when they cannot do as they are told.

use std::{net::TcpListener, os::unix::fs::PermissionsExt};

use daftar_cluster::testing::test_database;
use daftar_tests::http;
use expect_test::expect;

use crate::daftar::{Running, address_in, daftar, failure};

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    for (arguments, reason) in [
        (&["up", "--nonsense"][..], "unexpected argument '--nonsense'"),
        (&["fly"], "unrecognized subcommand 'fly'"),
        (&["node", "--memory", "--database-url", "postgres://x/y"], "cannot be used with"),
        (&["node", "--memory", "--tls-cert", "cert.pem"], "--tls-key <FILE>"),
        (&["node", "--port", "70000", "--memory"], "70000 is not in 0..=65535"),
        (&["node"], "the node needs a log to serve: --memory, or --database-url (or DATABASE_URL)"),
        (&["node", "--memory", "--writable"], "--writable needs credentials: set DAFTAR_NODE_USER and DAFTAR_NODE_PASSWORD"),
        (&["server"], "--database-url <URL>"),
        (
            &[
                "correct-invoice",
                "INV-1",
                "--reason",
                "x",
                "--reading",
                "7",
                "--dry-run",
                "--terms",
                "t",
                "--database-url",
                "postgres://x/y",
            ],
            "`7` is not the id of a reading",
        ),
        (&["close-period", "2026-13", "--database-url", "postgres://x/y"], "`2026-13` is not a month, such as 2026-10"),
        (&["user", "create", "--name", "noura", "--role", "king"], "unknown variant `king`, expected one of `cashier`"),
    ] {
        let (code, said) = failure(&mut daftar(arguments));
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = failure(&mut daftar(&["node", "--memory", "--port", &port]));
    assert_eq!((code, said), (1, format!("error: port {port} on 127.0.0.1 is in use by another process\n")));
}

#[test]
fn a_database_that_is_down_is_named_without_its_password() {
    // A port that no one is given by chance.
    let nobody = "127.0.0.1:1";
    let url = format!("postgres://daftar:secret@{nobody}/books");
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("master.key");
    std::fs::write(&key, [7; 32]).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();

    for command in ["server", "projector", "migrate"] {
        let mut run = daftar(&[command, "--database-url", &url, "--wait", "0"]);
        run.env("DAFTAR_LISTEN", "127.0.0.1:0").env("DAFTAR_MASTER_KEY_FILE", &key);
        let (code, said) = failure(&mut run);
        assert_eq!(code, 1, "{command}: {said}");
        assert!(said.contains(&format!("PostgreSQL at {nobody}/books cannot be reached")), "{command}: {said}");
        assert!(!said.contains("secret"), "{command}: {said}");
    }
}

#[tokio::test]
async fn migrating_makes_all_there_is_to_make_and_again_changes_nothing() {
    let database = test_database("empty", async |_| Ok::<(), ()>(())).await;
    for _ in 0..2 {
        let run = daftar(&["migrate", "--database-url", database.url()]).output().unwrap();
        expect![[r#"
            log          up to date
            keys         up to date
            read models  up to date
        "#]]
        .assert_eq(&String::from_utf8(run.stdout).unwrap());
        assert!(run.status.success());
    }
}

#[test]
fn a_node_serves_until_it_is_asked_to_stop() {
    let mut node = Running::start(&mut daftar(&["node", "--memory", "--port", "0"]));
    let address = address_in(&node.line_with("event store on"));
    assert_eq!(http::get(address, "/health/live").unwrap().status, 204);
    assert_eq!(node.terminate(), (true, String::new()));
}
