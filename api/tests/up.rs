//! `daftar up` from nothing to a query, and again.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use daftar_tests::http;
use serde_json::{Value, json};

use crate::daftar::{Running, address_in, daftar};

const OPEN: &str = r#"mutation { openAccount(idempotencyKey: "k", input: { holderName: "Layla", class: COMMERCIAL, currency: "KWD",
    language: ENGLISH, openedOn: "2026-01-31" }) { accountId readable account { holderName } } }"#;

#[test]
fn up_starts_everything_stops_everything_and_finds_its_data_again() {
    let home = home();
    let mut daftar = Running::start(&mut up(home.path()));
    let graphql = address_in(&daftar.line_with("GraphQL"));
    let node = address_in(&daftar.line_with("Event store"));
    daftar.line_with("PostgreSQL");
    let postgres = postmaster(home.path());
    assert!(is_running(&postgres));

    assert_eq!(http::get(graphql, "/health/ready").unwrap().status, 200);
    assert_eq!(http::get(node, "/health/live").unwrap().status, 204);
    let opened = ask(graphql, OPEN);
    let payload = &opened["data"]["openAccount"];
    assert_eq!((&payload["readable"], &payload["account"]["holderName"]), (&json!(true), &json!("Layla")), "{opened}");

    let (well, said) = daftar.terminate();
    assert!(well && said.ends_with("Everything has stopped.\n"), "{said}");
    assert!(!is_running(&postgres), "PostgreSQL outlived us");
    assert!(http::get(graphql, "/health/live").is_err());

    let key = fs::metadata(home.path().join("postgres/master.key")).unwrap();
    assert_eq!((key.len(), key.permissions().mode() & 0o777), (32, 0o600));

    let mut again = Running::start(&mut up(home.path()));
    let graphql = address_in(&again.line_with("GraphQL"));
    let id = payload["accountId"].as_str().unwrap();
    let account = ask(graphql, &format!("{{ account(id: \"{id}\") {{ holderName currency }} }}"));
    assert_eq!(account["data"]["account"], json!({ "holderName": "Layla", "currency": "KWD" }), "{account}");
    assert_eq!(ask(graphql, OPEN)["data"]["openAccount"]["accountId"], id);
    assert!(again.terminate().0);
}

fn up(home: &Path) -> Command {
    let mut command = daftar(&["up", "--listen", "127.0.0.1:0", "--node-port", "0"]);
    command.env("DAFTAR_HOME", home);
    command
}

/// Where the user that PostgreSQL runs as, if we are root, can pass through.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o711)).unwrap();
    home
}

fn ask(server: std::net::SocketAddr, query: &str) -> Value {
    let headers = [("Content-Type", "application/json")];
    http::post(server, "/graphql", &headers, &json!({ "query": query }).to_string()).unwrap().json()
}

fn postmaster(home: &Path) -> nix::unistd::Pid {
    let file = fs::read_to_string(home.join("postgres/data/postmaster.pid")).unwrap();
    nix::unistd::Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}

fn is_running(pid: &nix::unistd::Pid) -> bool {
    nix::sys::signal::kill(*pid, None).is_ok()
}
