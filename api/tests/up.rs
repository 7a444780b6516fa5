//! `daftar up` from nothing to a query, and again.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use daftar_proof::Checkpoint;
use daftar_tests::http;
use serde_json::{Value, json};

use crate::daftar::{Running, address_in, daftar, failure};

const JSON: (&str, &str) = ("Content-Type", "application/json");

const OPEN: &str = r#"mutation { openAccount(idempotencyKey: "k", input: { holderName: "Layla", class: COMMERCIAL, currency: "KWD",
    language: ENGLISH, openedOn: "2026-01-31" }) { accountId readable account { holderName } } }"#;

#[test]
fn up_starts_everything_stops_everything_and_finds_its_data_again() {
    let home = home();
    let mut daftar = Running::start(&mut up(home.path()));
    let graphql = address_in(&daftar.line_with("GraphQL"));
    let (_, admin) = daftar.line_with("First admin").split_once("admin / ").map(|(name, said)| (name.to_owned(), said.to_owned())).unwrap();
    let password = admin.split(' ').next().unwrap();
    let node = address_in(&daftar.line_with("Event store"));
    let gateway = address_in(&daftar.line_with("Payments"));
    daftar.line_with("PostgreSQL");
    let postgres = postmaster(home.path());
    assert!(is_running(&postgres));

    ready(graphql);
    assert_eq!(http::get(node, "/health/live").unwrap().status, 204);
    assert_eq!(http::get(gateway, "/checkout/00000000-0000-0000-0000-000000000001").unwrap().status, 404);
    assert_eq!(http::post(graphql, "/webhooks/payments/simulated", &[], "{}").unwrap().status, 401);
    let token = sign_in(graphql, password);
    let opened = ask(graphql, &token, OPEN);
    let payload = &opened["data"]["openAccount"];
    assert_eq!((&payload["readable"], &payload["account"]["holderName"]), (&json!(true), &json!("Layla")), "{opened}");

    let checkpoint = sealed(graphql);
    let key = home.path().join("postgres/seal.key");
    let public = said(&mut daftar_seal("key", &key));
    let opened = Checkpoint::open(checkpoint.as_bytes(), &[public.trim().parse().unwrap()]).unwrap().checkpoint;
    assert_eq!(opened.origin(), "daftar.local/books");
    assert_eq!(http::get(graphql, "/tile/0/000.p/1").unwrap().status, 200);
    for not_there in ["/tile/0/000", "/tile/0/000.p/200", "/tile/0/1", "/tile/../master.key"] {
        assert_eq!(http::get(graphql, not_there).unwrap().status, 404, "{not_there}");
    }
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(home.path().join("sealed/tile/0/000.p").is_dir());

    let (well, said) = daftar.terminate();
    assert!(well && said.ends_with("Everything has stopped.\n"), "{said}");
    assert!(!is_running(&postgres), "PostgreSQL outlived us");
    assert!(http::get(graphql, "/health/live").is_err());
    assert!(http::get(gateway, "/checkout/00000000-0000-0000-0000-000000000001").is_err(), "the gateway outlived us");

    let key = fs::metadata(home.path().join("postgres/master.key")).unwrap();
    assert_eq!((key.len(), key.permissions().mode() & 0o777), (32, 0o600));

    let mut again = Running::start(&mut up(home.path()));
    let graphql = address_in(&again.line_with("GraphQL"));
    let id = payload["accountId"].as_str().unwrap();
    let token = sign_in(graphql, password);
    let account = ask(graphql, &token, &format!("{{ account(id: \"{id}\") {{ holderName currency }} }}"));
    assert_eq!(account["data"]["account"], json!({ "holderName": "Layla", "currency": "KWD" }), "{account}");
    assert_eq!(ask(graphql, &token, OPEN)["data"]["openAccount"]["accountId"], id);
    let size = |note: &str| Checkpoint::unverified(note.as_bytes()).unwrap().size();
    assert!(size(&sealed(graphql)) >= opened.size(), "the same tree goes on");
    let (well, said) = again.terminate();
    assert!(well && !said.contains("First admin"), "{said}");
}

#[test]
fn up_begins_with_a_company_that_answers_the_questions_it_suggests() {
    let home = home();
    let demo = || {
        let mut command = up(home.path());
        command.arg("--demo").env("DAFTAR_DEMO_ACCOUNTS", "12").env("DAFTAR_DEMO_MONTHS", "3");
        command
    };
    let mut daftar = Running::start(&mut demo());
    daftar.line_with("Its customers are made up: 12 accounts, 3 months, seed 7.");
    let graphql = address_in(&daftar.line_with("GraphQL"));
    let names = daftar.line_with("Sign in as");
    let password = daftar.line_with("Password").split_whitespace().last().unwrap().to_owned();
    for name in names.trim().trim_start_matches("Sign in as").split(',') {
        sign_in_as(graphql, name.trim(), &password);
    }
    let mut answers = vec![];
    for _ in 0..5 {
        let who = daftar.line_with("# ").rsplit_once('(').unwrap().1.trim_end().trim_end_matches(')').to_owned();
        let query = daftar.line_with("{ ");
        let answer = ask(graphql, &sign_in_as(graphql, &who, &password), &query);
        assert!(answer["errors"].is_null(), "{query} {answer}");
        answers.push(answer["data"].clone());
    }
    let [billed, explained, unpaid, aging, mine] = answers.try_into().unwrap();
    assert_eq!(billed["dashboard"]["billed"].as_array().unwrap().len(), 3, "{billed}");
    assert!(explained["invoices"]["nodes"][0]["lines"][0]["explanation"]["text"].is_string(), "{explained}");
    assert!(unpaid["unpaidInvoices"]["totalCount"].as_i64() > Some(0), "{unpaid}");
    assert_eq!(aging["aging"][0]["currency"], "SAR", "{aging}");
    assert_eq!(mine["myAccounts"].as_array().unwrap().len(), 1, "{mine}");
    assert!(daftar.terminate().0);

    let mut again = Running::start(&mut demo());
    let graphql = address_in(&again.line_with("GraphQL"));
    let answer = ask(graphql, &sign_in_as(graphql, "customer", &password), "{ myAccounts { number } }");
    assert_eq!(answer["data"]["myAccounts"][0]["number"], mine["myAccounts"][0]["number"]);
    let (well, said) = again.terminate();
    assert!(well && said.contains(&password) && !said.contains("First admin"), "{said}");
}

#[test]
fn a_new_key_signs_beside_the_old_one_until_that_is_retired() {
    let home = home();
    let key = home.path().join("seal.key");
    daftar_sealer::keys::read_or_create(&key, &"daftar.example".parse().unwrap()).unwrap();
    let old = said(&mut daftar_seal("key", &key));
    let both = said(&mut daftar_seal("rotate", &key));
    assert!(old.starts_with("daftar.example+") && both.ends_with(&old) && both.lines().count() == 2, "{both}");
    assert_eq!(said(&mut daftar_seal("key", &key)), both);
    assert_eq!(said(&mut daftar_seal("retire", &key)).lines().collect::<Vec<_>>(), [both.lines().next().unwrap()]);
    let (code, reason) = failure(&mut daftar_seal("key", &home.path().join("none")));
    assert!(code == 1 && reason.contains("cannot be read"), "{reason}");
}

/// The checkpoint, as soon as there is one.
fn sealed(server: SocketAddr) -> String {
    loop {
        let answer = http::get(server, "/checkpoint").unwrap();
        match answer.status {
            200 => return answer.body,
            404 => sleep(Duration::from_millis(20)),
            _ => panic!("{answer:?}"),
        }
    }
}

fn daftar_seal(what: &str, key: &Path) -> Command {
    let mut command = daftar(&["seal", what]);
    command.env("DAFTAR_SEAL_KEY_FILE", key);
    command
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn up(home: &Path) -> Command {
    let mut command = daftar(&["up", "--listen", "127.0.0.1:0", "--node-port", "0"]);
    command.env("DAFTAR_HOME", home).env("DAFTAR_SEAL_EVERY", "0").env("DAFTAR_SEAL_FOLDER", home.join("sealed"));
    command
}

/// Where the user that PostgreSQL runs as, if we are root, can pass through.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o711)).unwrap();
    home
}

/// As whoever sends requests asks before it does. On a busy machine the database may take its time at first.
fn ready(server: SocketAddr) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while http::get(server, "/health/ready").unwrap().status != 200 {
        assert!(Instant::now() < deadline, "it is not ready");
        sleep(Duration::from_millis(50));
    }
}

fn sign_in(server: SocketAddr, password: &str) -> String {
    sign_in_as(server, "admin", password)
}

fn sign_in_as(server: SocketAddr, name: &str, password: &str) -> String {
    let query = format!("mutation {{ signIn(input: {{ userName: \"{name}\", password: \"{password}\" }}) {{ accessToken }} }}");
    let answer = http::post(server, "/graphql", &[JSON], &json!({ "query": query }).to_string()).unwrap().json();
    answer["data"]["signIn"]["accessToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn ask(server: SocketAddr, token: &str, query: &str) -> Value {
    let headers = [JSON, ("Authorization", &format!("Bearer {token}"))];
    http::post(server, "/graphql", &headers, &json!({ "query": query }).to_string()).unwrap().json()
}

fn postmaster(home: &Path) -> nix::unistd::Pid {
    let file = fs::read_to_string(home.join("postgres/data/postmaster.pid")).unwrap();
    nix::unistd::Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}

fn is_running(pid: &nix::unistd::Pid) -> bool {
    nix::sys::signal::kill(*pid, None).is_ok()
}
