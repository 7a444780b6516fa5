//! What the log says of a day's work, and what it must never say.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt};

use daftar_tests::http;
use serde_json::{Value, json};

use crate::{
    collector::{Collector, text},
    daftar::{Running, address_in, daftar, failure},
};

const NAME: &str = "Umm Kulthum";
const PHONE: &str = "+966512345678";
const KEY: &str = "a key that somebody chose";

fn ask(server: SocketAddr, token: &str, query: &str, variables: Value) -> Value {
    let authorization = format!("Bearer {token}");
    let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
    let body = json!({ "query": query, "variables": variables }).to_string();
    http::post(server, "/graphql", &headers[..2 - usize::from(token.is_empty())], &body).unwrap().json()
}

#[test]
fn a_request_can_be_followed_and_nobody_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let log = home.path().join("log");
    let mut command = daftar(&["up", "--listen", "127.0.0.1:0", "--node-port", "0"]);
    // All that our own crates can say, and not only what they say by default.
    command
        .env("DAFTAR_HOME", home.path())
        .env("DAFTAR_LOG", "info,daftar_api=trace,daftar_billing=trace,daftar_projections=trace,daftar_store=trace");
    let (collector, endpoint) = Collector::start();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "200");
    command.env("DAFTAR_LOG_FORMAT", "json").stderr(fs::File::create(&log).unwrap());
    let mut daftar = Running::start(&mut command);
    let server = address_in(&daftar.line_with("GraphQL"));
    let (_, said) = daftar.line_with("First admin").split_once("admin / ").map(|(name, said)| (name.to_owned(), said.to_owned())).unwrap();
    let password = said.split(' ').next().unwrap().to_owned();

    let sign_in =
        "mutation($password: String!) { signIn(input: { userName: \"admin\", password: $password }) { accessToken refreshToken } }";
    let wrong = ask(server, "", sign_in, json!({ "password": "swordfish and more" }));
    assert!(wrong["errors"].is_array(), "{wrong}");
    let signed_in = ask(server, "", sign_in, json!({ "password": password }));
    let token = |name: &str| signed_in["data"]["signIn"][name].as_str().unwrap_or_else(|| panic!("{signed_in}")).to_owned();
    let (access, refresh) = (token("accessToken"), token("refreshToken"));
    let open = "mutation($key: String!, $name: String!) { openAccount(idempotencyKey: $key, input: { holderName: $name, class: COMMERCIAL, currency: \"KWD\",
        language: ENGLISH, openedOn: \"2026-01-31\" }) { accountId } }";
    let opened = ask(server, &access, open, json!({ "key": KEY, "name": NAME }));
    let account = opened["data"]["openAccount"]["accountId"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
    let contact = "mutation($input: AddContactInput!) { addContact(idempotencyKey: \"c\", input: $input) { contactId } }";
    let input = json!({ "accountId": account, "contact": { "kind": "MOBILE", "name": NAME, "value": PHONE } });
    let added = ask(server, &access, contact, json!({ "input": input }));
    assert!(added["data"]["addContact"]["contactId"].is_string(), "{added}");
    let refreshed =
        ask(server, "", "mutation($token: String!) { refreshSession(refreshToken: $token) { refreshToken } }", json!({ "token": refresh }));
    assert!(refreshed["data"]["refreshSession"].is_object(), "{refreshed}");
    ask(server, "", &format!("{{ account(id: \"{NAME}\") {{ id }} }} #"), json!({}));
    ask(server, &format!("{access}forged"), "{ me { id } }", json!({}));
    http::get(server, &format!("/health/live?token={access}")).unwrap();
    let (well, _) = daftar.terminate();
    assert!(well);

    let log = fs::read_to_string(log).unwrap();
    for secret in [NAME, PHONE, KEY, &password, "swordfish", &access, &refresh, access.split('.').next_back().unwrap()] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "`{secret}` is in the log: {line:?}");
        assert!(!collector.text().contains(secret), "`{secret}` is in a span");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let asked = lines.iter().find(|line| line["fields"]["wish"] == "openAccount").unwrap_or_else(|| panic!("{log}"));
    let request = &asked["span"]["id"];
    assert!(request.is_string() && asked["span"]["user"].is_string(), "{asked}");
    assert!(asked["fields"]["command"].is_string() && asked["fields"]["command"] == asked["fields"]["correlation"], "{asked}");
    let answered = lines.iter().find(|line| line["fields"]["message"] == "answered" && line["span"]["id"] == *request);
    assert_eq!(answered.unwrap_or_else(|| panic!("{log}"))["fields"]["status"], 200);

    let spans = collector.spans();
    let with = |name: &str, attribute: &str, value: &Value| {
        let found = spans.iter().find(|span| span.name == name && text(&span.attributes, attribute).as_deref() == value.as_str());
        found.unwrap_or_else(|| panic!("no {name} whose {attribute} is {value}: {spans:?}"))
    };
    let (asked_for, told) = (with("request", "id", request), with("command", "correlation", &asked["fields"]["correlation"]));
    assert_eq!(text(&asked_for.attributes, "http.route").as_deref(), Some("/graphql"));
    assert_eq!(text(&told.attributes, "id").as_deref(), asked["fields"]["command"].as_str());
    assert_eq!((&told.trace_id, &told.parent_span_id), (&asked_for.trace_id, &asked_for.span_id));
    assert!(spans.iter().all(|span| span.events.is_empty()), "lines stay in the log");
    assert!(collector.services().iter().all(|service| service == "daftar"));
}

#[test]
fn a_collector_that_cannot_be_spoken_to_is_refused_at_the_beginning() {
    let mut command = daftar(&["projections", "status", "--database-url", "postgres://nobody@127.0.0.1:1/nothing"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318").env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let (code, said) = failure(&mut command);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("OTEL_EXPORTER_OTLP_PROTOCOL") && said.contains("grpc"), "{said}");
}
