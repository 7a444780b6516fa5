//! Whoever asks for too much is told so, and costs nothing.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use axum::http::HeaderValue;
use daftar_api::http::{Settings, limits::Rate};
use expect_test::expect;
use serde_json::{Value, json};

use super::{
    house::{ADMIN, House, PASSWORD, Way},
    problems,
};

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_refused_before_they_are_sent() {
    let house = House::build(Way::Postgres).await;
    let mut socket = TcpStream::connect(house.server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = "POST /graphql HTTP/1.1\r\nHost: daftar\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n{";
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_of_depth_aliases_directives_and_batches_do_not_go_off() {
    let house = House::build(Way::Postgres).await;
    let ask = |query: &str| house.query(&[("Accept-Language", "en")], query);
    let deep = format!("{{ __schema {{ types {}{{ name }}{} }} }}", "{ fields { type ".repeat(1_000), "} }".repeat(1_000));
    let aliases: String = (0..60_000).map(|n| format!("a{n}:me{{id}}")).collect();
    let few_aliases: String = (0..2_600).map(|n| format!("a{n}:me{{id}}")).collect();
    let fragments = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    let directives = format!("{{ me {} {{ id }} }}", "@skip(if: false) ".repeat(1_000));
    for (bomb, query) in [
        ("depth", deep),
        ("aliases", format!("{{ {} }}", few_aliases)),
        ("many aliases", format!("{{ {aliases} }}")),
        ("fragments", fragments.to_owned()),
        ("directives", directives),
    ] {
        let (begun, answer) = (Instant::now(), ask(&query));
        assert!(problems(&answer.json()).starts_with("INVALID_QUERY -: "), "{bomb}: {}", &answer.body[..answer.body.len().min(300)]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{bomb} took {:?}", begun.elapsed());
    }
    let batch = house.post(&[("Content-Type", "application/json")], r#"[{"query":"{ me { id } }"},{"query":"{ me { id } }"}]"#);
    assert_eq!(batch.status, 422, "{batch:?}");
    assert!(problems(&batch.json()).starts_with("BAD_REQUEST"));
    assert_eq!(ask("{ __typename }").json(), json!({ "data": { "__typename": "Query" } }), "the server goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_told_when_to_come_back() {
    let slow = Rate { per_second: 1, burst: 5 };
    let of_users = House::with_door(Way::Postgres, Settings { per_user: slow, ..Settings::default() }).await;
    let authorization = format!("Bearer {}", of_users.admin);
    let answers: Vec<_> = (0..20).map(|_| of_users.query(&[("Authorization", &authorization)], "{ __typename }")).collect();
    let refused = answers.last().unwrap();
    assert_eq!((answers[0].status, refused.status, refused.header("Retry-After")), (200, 429, Some("1")));
    assert_eq!(refused.json()["errors"][0]["extensions"], json!({ "code": "TOO_MANY_REQUESTS", "retryAfter": 1 }));
    assert_eq!(of_users.query(&[], "{ __typename }").status, 200, "others are not kept waiting");

    // Signing in took one.
    let of_addresses = House::with_door(Way::Postgres, Settings { per_address: slow, ..Settings::default() }).await;
    let statuses: Vec<_> = (0..20).map(|_| of_addresses.query(&[("Accept-Language", "en")], "{ __typename }").status).collect();
    assert_eq!((statuses[0], statuses[19]), (200, 429));
    assert_eq!(of_addresses.get("/health/live").status, 200, "whoever watches us is not counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_ends_and_so_does_its_sql() {
    let patience = Duration::from_secs(3);
    let house = House::with_door(Way::Postgres, Settings { patience, ..Settings::default() }).await;
    let mut lock = house.read_models.begin().await.unwrap();
    sqlx::query("LOCK TABLE read_accounts.account IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let account = "{ account(id: \"00000000-0000-0000-0000-000000000007\") { id } }";
    let answer = house.graphql("en", account, json!({}));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["retryAfter"], 5);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    // The statement ends by itself, at the latest when its own time is over.
    let deadline = Instant::now() + 10 * patience;
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&house.read_models).await.unwrap() > 0 {
        assert!(Instant::now() < deadline, "the statement goes on though nobody waits for it");
    }
    lock.rollback().await.unwrap();
    assert!(problems(&house.graphql("en", account, json!({}))).starts_with("NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_to_be_careful_and_strangers_pages_get_nothing() {
    let portal = HeaderValue::from_static("https://portal.example");
    let house = House::with_door(Way::Postgres, Settings { origins: vec![portal], explorer: true, ..Settings::default() }).await;
    let page = house.get("/graphql");
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("http:") && !page.body.contains("https:"), "nothing from elsewhere: {}", page.body);
    assert_eq!((house.get("/graphql/explorer.js").status, house.get("/graphql/explorer.css").status), (200, 200));

    let from = |origin: &str| house.query(&[("Origin", origin)], "{ __typename }").header("Access-Control-Allow-Origin").map(str::to_owned);
    assert_eq!(from("https://portal.example").as_deref(), Some("https://portal.example"));
    assert_eq!(from("https://portal.example.evil"), None);
    assert_eq!(from("null"), None);

    let closed = House::with_door(Way::Postgres, Settings::default()).await;
    assert_eq!(closed.get("/graphql").status, 405, "where nobody develops there is no such page");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_can_be_asked_for() {
    let house = House::build(Way::Postgres).await;
    house.graphql("en", "{ me { id } }", json!({}));
    house.ask("", "en", "mutation { signOut }", json!({}));
    let text = house.get("/metrics").body;
    for told in [
        "daftar_graphql_operations_total{type=\"query\",outcome=\"answered\"} 1\n",
        "daftar_graphql_operations_total{type=\"mutation\",outcome=\"answered\"} 1\n",
        "daftar_graphql_operations_total{type=\"mutation\",outcome=\"refused\"} 1\n",
        "daftar_http_requests_total{route=\"/graphql\",status=\"200\"} 3\n",
        "daftar_up{part=\"read_models\"} 1\n",
        "daftar_projection_stopped{model=\"accounts\"} 0\n",
        "daftar_projection_led{model=\"accounts\"} 1\n",
    ] {
        assert!(text.contains(told), "{told} in\n{text}");
    }
    assert!(text.contains("daftar_pool_connections{state=\"idle\"} "));
    assert!(!text.contains(ADMIN) && !text.contains(PASSWORD));
}

/// The codes of an answer that was refused as a whole are those of one that was answered in part.
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_a_code_and_words_in_both_languages() {
    let house = House::build(Way::Postgres).await;
    let ask = |language: &str| -> Value {
        let broken = house.query(&[("Accept-Language", language), ("Authorization", "Basic YTpi")], "{ me { id } }");
        assert_eq!(broken.status, 401);
        broken.json()
    };
    expect![[r#"
        TOKEN_REFUSED -: انتهت صلاحية الدخول: سجّل الدخول من جديد
        TOKEN_REFUSED -: this token is not valid or no longer so: sign in again
    "#]]
    .assert_eq(&(problems(&ask("ar")) + &problems(&ask("en-GB"))));
}
