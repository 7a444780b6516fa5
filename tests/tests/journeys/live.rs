//! Subscriptions, as a client of `graphql-transport-ws` hears them.

use std::time::{Duration, Instant};

use daftar_api::caller::Role;
use daftar_tests::socket::{Heard, Socket};
use expect_test::expect;
use serde_json::{Value, json};

use super::{
    company::Company,
    house::{House, Way},
};

const ACTIVITY: &str =
    "subscription($id: ID!) { accountActivity(accountId: $id) { id holderName balances { owed { amount } unapplied { amount } } } }";

const PAY: &str =
    "mutation($key: String!, $account: ID!, $amount: Decimal!) { recordPayment(idempotencyKey: $key, input: { accountId: $account,
    externalReference: $key, tender: CASH, channel: \"till-1\", sessionId: \"00000000-0000-0000-0000-000000000001\",
    amount: { amount: $amount, currency: \"SAR\" }, receivedAt: \"2026-11-10T09:00:00Z\", valueOn: \"2026-11-10\" }) { readable } }";

/// What an update must not take longer than.
const AT_ONCE: Duration = Duration::from_secs(2);

fn told(socket: &mut Socket) -> Value {
    match socket.hear(AT_ONCE) {
        Heard::Told(told) => told,
        other => panic!("{other:?} within {AT_ONCE:?}"),
    }
}

fn open_account(house: &House) -> Value {
    let open = "mutation { openAccount(idempotencyKey: \"live\", input: { holderName: \"نورة\", class: RESIDENTIAL, currency: \"SAR\",
        language: ARABIC, openedOn: \"2026-01-31\" }) { accountId } }";
    house.graphql("en", open, json!({}))["data"]["openAccount"]["accountId"].clone()
}

fn pay(house: &House, account: &Value, key: &str, amount: &str) {
    let paid = house.graphql("en", PAY, json!({ "key": key, "account": account, "amount": amount }));
    assert_eq!(paid["data"]["recordPayment"]["readable"], true, "{paid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_followed_from_what_is_so_now_through_every_change() {
    let house = House::build(Way::Postgres).await;
    let account = open_account(&house);
    let mut socket = Socket::introduced(house.server, &house.admin, "en");
    socket.subscribe("a", ACTIVITY, &json!({ "id": account }));
    let first = told(&mut socket);
    assert_eq!((&first["type"], &first["id"]), (&json!("next"), &json!("a")), "{first}");
    assert_eq!(first["payload"]["data"]["accountActivity"]["balances"], json!([]), "{first}");
    for (key, amount, sum) in [("r-1", "100.00", "100.00"), ("r-2", "0.50", "100.50")] {
        pay(&house, &account, key, amount);
        let next = told(&mut socket);
        assert_eq!(next["payload"]["data"]["accountActivity"]["balances"][0]["unapplied"]["amount"], sum, "{next}");
    }
    // Once for all models that show it.
    assert_eq!(socket.hear(Duration::from_millis(500)), Heard::Nothing);
    socket.say(&json!({ "type": "ping" }));
    assert_eq!(told(&mut socket), json!({ "type": "pong" }));

    socket.say(&json!({ "type": "complete", "id": "a" }));
    pay(&house, &account, "r-3", "1.00");
    assert_eq!(socket.hear(Duration::from_millis(500)), Heard::Nothing, "nobody listens any more");
    socket.subscribe("a", ACTIVITY, &json!({ "id": account }));
    let again = told(&mut socket);
    assert_eq!(
        again["payload"]["data"]["accountActivity"]["balances"][0]["unapplied"]["amount"], "101.50",
        "the id is free again: {again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_an_error_and_the_socket_goes_on() {
    let house = House::build(Way::Postgres).await;
    let technician = house.staff("technician", Role::Technician).await;
    let mut refused = String::new();
    for language in ["en", "ar"] {
        let mut socket = Socket::introduced(house.server, &technician, language);
        for (query, variables) in [
            (ACTIVITY, json!({ "id": "00000000-0000-0000-0000-000000000007" })),
            (ACTIVITY, json!({ "id": "seven" })),
            ("subscription { billRunProgress(name: \"2026-10\") { id } }", json!({})),
            ("subscription { nothing }", json!({})),
            ("{ me { id } }", json!({})),
            ("mutation { signOut }", json!({})),
            (&"# \n".repeat(11_000), json!({})),
        ] {
            socket.subscribe("x", query, &variables);
            let error = told(&mut socket);
            assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("x")), "{error}");
            let problem = &error["payload"][0];
            let field = problem["extensions"]["field"].as_str().unwrap_or("-");
            refused += &format!("{} {field}: {}\n", problem["extensions"]["code"].as_str().unwrap(), problem["message"].as_str().unwrap());
        }
    }
    expect![[r#"
        NOT_FOUND -: not found
        INVALID_INPUT accountId: it is not an id
        FORBIDDEN -: you are not allowed to do this
        INVALID_QUERY -: Unknown field "nothing" on type "Subscription".
        INVALID_QUERY -: Queries and mutations are answered over HTTP.
        INVALID_QUERY -: Queries and mutations are answered over HTTP.
        INVALID_QUERY -: Query is longer than 32768 bytes.
        NOT_FOUND -: غير موجود
        INVALID_INPUT accountId: ليس معرّفًا صحيحًا
        FORBIDDEN -: ليس لديك إذن بهذا
        INVALID_QUERY -: Unknown field "nothing" on type "Subscription".
        INVALID_QUERY -: Queries and mutations are answered over HTTP.
        INVALID_QUERY -: Queries and mutations are answered over HTTP.
        INVALID_QUERY -: Query is longer than 32768 bytes.
    "#]]
    .assert_eq(&refused);
    let noted: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM daftar_log.events WHERE type = 'ActNoted' AND convert_from(data, 'utf8') LIKE '%billRunProgress%'",
    )
    .fetch_one(&house.read_models)
    .await
    .unwrap();
    assert_eq!(noted, 2, "what was refused is in the audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_breaks_the_protocol_is_told_by_which_code() {
    let house = House::build(Way::Postgres).await;
    let init = |token: &str| json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    let subscribe =
        json!({ "type": "subscribe", "id": "1", "payload": { "query": "subscription { billRunProgress(name: \"x\") { id } }" } });
    let follow = json!({ "type": "subscribe", "id": "1", "payload": { "query": ACTIVITY, "variables": { "id": open_account(&house) } } });
    let mut ends = String::new();
    for (what, said) in [
        ("nobody", vec![json!({ "type": "connection_init" })]),
        ("a forged token", vec![init("eyJhbGciOiJub25lIn0.e30.")]),
        ("asks before it is known who asks", vec![subscribe.clone()]),
        ("not of the protocol", vec![json!({ "type": "start" })]),
        ("no object", vec![json!("hello")]),
        ("introduced twice", vec![init(&house.admin), init(&house.admin)]),
        ("one id for two", vec![init(&house.admin), follow.clone(), follow]),
    ] {
        let mut socket = Socket::open(house.server);
        said.iter().for_each(|message| socket.say(message));
        let end = loop {
            match socket.hear(Duration::from_secs(10)) {
                Heard::Told(_) => {}
                Heard::Closed(code, reason) => break format!("{code} {reason}"),
                Heard::Nothing => break "nothing".to_owned(),
            }
        };
        ends += &format!("{what}: {end}\n");
    }
    expect![[r#"
        nobody: 4401 Unauthorized
        a forged token: 4403 Forbidden
        asks before it is known who asks: 4401 Unauthorized
        not of the protocol: 4400 Invalid message
        no object: 4400 Invalid message
        introduced twice: 4429 Too many initialisation requests
        one id for two: 4409 Subscriber already exists
    "#]]
    .assert_eq(&ends);
    let other = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n";
    assert_eq!(first_line(&house, other), "HTTP/1.1 400 Bad Request");
}

fn first_line(house: &House, request: &str) -> String {
    use std::io::{BufRead, BufReader, Write};
    let mut stream = std::net::TcpStream::connect(house.server).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_takes_its_sockets_with_it_and_hears_nothing_more() {
    let house = House::build(Way::Postgres).await;
    let account = open_account(&house);
    let (quiet, busy) = (house.sign_in("admin"), house.sign_in("admin"));
    let mut sockets = [&quiet, &busy].map(|token| Socket::introduced(house.server, token, "en"));
    for socket in &mut sockets {
        socket.subscribe("a", ACTIVITY, &json!({ "id": account }));
        told(socket);
    }
    let [mut quiet_socket, mut busy_socket] = sockets;
    for token in [&quiet, &busy] {
        assert_eq!(house.ask(token, "en", "mutation { signOut }", json!({}))["data"]["signOut"], true);
    }
    pay(&house, &account, "r-1", "100.00");
    let forbidden = Heard::Closed(4403, "Forbidden".to_owned());
    assert_eq!(busy_socket.hear(Duration::from_secs(10)), forbidden, "and not the news");
    let begun = Instant::now();
    assert_eq!(quiet_socket.hear(Duration::from_secs(10)), forbidden);
    assert!(begun.elapsed() < Duration::from_secs(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_gets_another_account_connects_again_to_follow_it() {
    let company = Company::open().await;
    let mut socket = Socket::introduced(company.house.server, &company.stranger, "en");
    let theirs = json!({ "id": company.owners[0] });
    socket.subscribe("a", ACTIVITY, &theirs);
    assert_eq!(told(&mut socket)["payload"][0]["extensions"]["code"], "NOT_FOUND");
    sqlx::query("UPDATE daftar_auth.session SET accounts = accounts || $1 WHERE $2 = ANY(accounts)")
        .bind(company.owners[0])
        .bind(company.strangers)
        .execute(&company.house.read_models)
        .await
        .unwrap();
    assert_eq!(socket.hear(Duration::from_secs(10)), Heard::Closed(4403, "Forbidden".to_owned()));
    let mut again = Socket::introduced(company.house.server, &company.stranger, "en");
    again.subscribe("a", ACTIVITY, &theirs);
    assert_eq!(told(&mut again)["type"], "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_takes_leave_of_its_sockets() {
    let mut house = House::build(Way::Postgres).await;
    let mut socket = Socket::introduced(house.server, &house.admin, "en");
    let begun = Instant::now();
    house.stop_server().await;
    assert_eq!(socket.hear(Duration::from_secs(10)), Heard::Closed(1012, "Service restart".to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(5), "open sockets keep no server from stopping");
    house.start_server().await;
    Socket::introduced(house.server, &house.admin, "en");
}
