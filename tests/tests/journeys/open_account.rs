//! An account is opened and read back.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{
    house::{House, Way},
    problems,
};

const OPEN: &str = "mutation Open($key: String!, $input: OpenAccountInput!) {
    openAccount(idempotencyKey: $key, input: $input) { accountId accountNumber readable account { id holderName } }
}";

const ACCOUNT: &str = "query Account($id: ID!) { account(id: $id) { holderName class currency language openedOn } }";

fn noura() -> Value {
    json!({ "holderName": " نورة القحطاني ", "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-31" })
}

fn with(field: &str, value: &str) -> Value {
    let mut input = noura();
    input[field] = value.into();
    input
}

async fn an_account_is_opened_and_read_back(way: Way) {
    let house = House::build(way).await;
    let opened = house.graphql("en", OPEN, json!({ "key": "k1", "input": noura() }));
    let payload = &opened["data"]["openAccount"];
    let id = payload["accountId"].as_str().unwrap_or_else(|| panic!("{opened}"));
    assert_eq!(payload["readable"], true);
    assert_eq!(payload["account"], json!({ "id": id, "holderName": "نورة القحطاني" }));

    let account = house.graphql("ar", ACCOUNT, json!({ "id": id }));
    expect![[r#"
        {
          "data": {
            "account": {
              "class": "RESIDENTIAL",
              "currency": "SAR",
              "holderName": "نورة القحطاني",
              "language": "ARABIC",
              "openedOn": "2026-01-31"
            }
          }
        }"#]]
    .assert_eq(&format!("{:#}", account));

    // The log holds no name that anyone could read.
    let clear: i64 = sqlx::query_scalar("SELECT count(*) FROM daftar_log.events WHERE convert_from(data, 'utf8') LIKE '%نورة%'")
        .fetch_one(&house.read_models)
        .await
        .unwrap();
    // The account, and the number that it holds.
    assert_eq!((house.events().await, clear), (2, 0));

    let again = house.graphql("en", OPEN, json!({ "key": "k1", "input": noura() }));
    assert_eq!(again["data"], opened["data"], "a retry is answered as the first try was");
    assert_eq!(house.events().await, 2);

    let other = json!({ "key": "k1", "input": with("holderName", "Omar") });
    let arabic = problems(&house.graphql("ar", OPEN, other.clone()));
    let english = problems(&house.graphql("en", OPEN, other));
    expect![[r#"
        IDEMPOTENCY_KEY_REUSED -: سبق استخدام مفتاح التكرار هذا لطلب آخر
        IDEMPOTENCY_KEY_REUSED -: this idempotency key was used for another request
    "#]]
    .assert_eq(&(arabic + &english));
    assert_eq!(house.events().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_brings_its_number_along_or_is_given_one() {
    let house = House::build(Way::Postgres).await;
    let open = |key: &str, input: Value| house.graphql("ar", OPEN, json!({ "key": key, "input": input }));
    let number = |answer: &Value| answer["data"]["openAccount"]["accountNumber"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();

    let brought = open("k1", with("number", " ruh-٠٠٤٢ "));
    assert_eq!(number(&brought), "RUH-0042");
    let given = open("k2", noura());
    assert_eq!(number(&given).len(), 10, "{given}");
    assert_eq!(house.events().await, 4);

    assert_eq!(open("k1", with("number", "RUH-0042"))["data"], brought["data"], "a retry is answered as the first try was");
    assert_eq!(open("k2", noura())["data"], given["data"]);
    let found = house.graphql("en", "{ accountByNumber(number: \"ruh-٠٠٤٢\") { id number } }", json!({}));
    assert_eq!(found["data"]["accountByNumber"], json!({ "id": brought["data"]["openAccount"]["accountId"], "number": "RUH-0042" }));
    let refusals = [open("k3", with("number", "RUH-0042")), open("k1", with("number", "RUH-0043")), open("k3", with("number", "رقم"))];
    expect![[r#"
        ACCOUNT_NUMBER_TAKEN -: رقم الحساب هذا لحساب آخر
        IDEMPOTENCY_KEY_REUSED -: سبق استخدام مفتاح التكرار هذا لطلب آخر
        INVALID_INPUT input.number: يجب أن يكون من 1 إلى 20 حرفًا لاتينيًا أو رقمًا أو شرطة
    "#]]
    .assert_eq(&refusals.iter().map(problems).collect::<String>());
    assert_eq!(house.events().await, 4);
    assert_eq!(number(&open("k4", with("number", "RUH-0043"))), "RUH-0043", "what was refused holds no number");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_log_in_postgres() {
    an_account_is_opened_and_read_back(Way::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_eventstoredbs_protocol() {
    an_account_is_opened_and_read_back(Way::EventStoreDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_by_field_and_writes_nothing() {
    let house = House::build(Way::Postgres).await;
    let refused = |language: &str, key: &str, input: Value| problems(&house.graphql(language, OPEN, json!({ "key": key, "input": input })));
    let check = |input: Value, expected: Expect| {
        expected.assert_eq(&(refused("en", "k", input.clone()) + &refused("ar", "k", input)));
    };
    check(
        with("holderName", "  "),
        expect![[r#"
        INVALID_INPUT input.holderName: it must not be blank
        INVALID_INPUT input.holderName: لا يمكن تركه فارغًا
    "#]],
    );
    check(
        with("holderName", &"ن".repeat(201)),
        expect![[r#"
        INVALID_INPUT input.holderName: it must not be longer than 200 characters
        INVALID_INPUT input.holderName: يجب ألا يتجاوز 200 حرفًا
    "#]],
    );
    check(
        with("holderName", "two\nlines"),
        expect![[r#"
        INVALID_INPUT input.holderName: it must be one line of plain text
        INVALID_INPUT input.holderName: يجب أن يكون سطرًا واحدًا من نص عادي
    "#]],
    );
    check(
        with("currency", "XXX"),
        expect![[r#"
        INVALID_INPUT input.currency: it is not a currency that is billed in
        INVALID_INPUT input.currency: عملة غير معروفة
    "#]],
    );
    check(
        with("openedOn", "2026-02-30"),
        expect![[r#"
        INVALID_INPUT input.openedOn: it must be a date such as 2026-01-31
        INVALID_INPUT input.openedOn: يجب أن يكون تاريخًا مثل 2026-01-31
    "#]],
    );
    check(
        with("openedOn", "-262143-01-01"),
        expect![[r#"
        INVALID_INPUT input.openedOn: it must be a date such as 2026-01-31
        INVALID_INPUT input.openedOn: يجب أن يكون تاريخًا مثل 2026-01-31
    "#]],
    );
    check(
        with("class", "ROYAL"),
        expect![[r#"
        INVALID_QUERY -: Invalid value for argument "input.class", enumeration type "CustomerClass" does not contain the value "ROYAL"
        INVALID_QUERY -: Invalid value for argument "input.class", enumeration type "CustomerClass" does not contain the value "ROYAL"
    "#]],
    );
    expect![[r#"
        INVALID_INPUT idempotencyKey: it must not be blank
        INVALID_INPUT idempotencyKey: it must not be longer than 200 characters
    "#]]
    .assert_eq(&(refused("en", " ", noura()) + &refused("en", &"k".repeat(201), noura())));

    let unknown = |id: &str| problems(&house.graphql("en", ACCOUNT, json!({ "id": id })));
    expect![[r#"
        NOT_FOUND -: not found
        INVALID_INPUT id: it is not an id
    "#]]
    .assert_eq(&(unknown("00000000-0000-0000-0000-000000000007") + &unknown("seven")));
    assert_eq!(house.events().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_was_away_catches_up() {
    let mut house = House::build(Way::Postgres).await;
    house.stop_projector().await;
    let opened = house.graphql("en", OPEN, json!({ "key": "k1", "input": noura() }));
    let payload = &opened["data"]["openAccount"];
    assert_eq!((&payload["readable"], &payload["account"]), (&json!(false), &Value::Null), "{opened}");
    assert_eq!(house.events().await, 2, "written, though not yet readable");

    house.start_projector();
    let again = house.graphql("en", OPEN, json!({ "key": "k1", "input": noura() }));
    assert_eq!(again["data"]["openAccount"]["accountId"], payload["accountId"]);
    assert_eq!(again["data"]["openAccount"]["account"]["holderName"], "نورة القحطاني");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_narrow() {
    let house = House::build(Way::Postgres).await;
    let json = ("Content-Type", "application/json");

    let large = house.post(&[json], &format!("{{\"query\":\"{}\"}}", " ".repeat(1024 * 1024)));
    let form = house.post(&[("Content-Type", "text/plain")], r#"{"query":"{ __typename }"}"#);
    let broken = house.post(&[json], "{");
    assert_eq!((large.status, form.status, broken.status), (413, 415, 400));
    assert!([large, form, broken].iter().all(|answer| problems(&answer.json()).starts_with("BAD_REQUEST -: ")));

    let aliases: String = (0..501).map(|n| format!("a{n}: account(id: \"7\") {{ id }} ")).collect();
    expect![[r#"
        INVALID_QUERY -: Query is too complex.
    "#]]
    .assert_eq(&problems(&house.graphql("en", &format!("{{ {aliases} }}"), json!({}))));
    let deep = "{ __schema { types ".to_owned() + &"{ fields { type ".repeat(10) + "{ name }" + &"} }".repeat(10) + "} }";
    expect![[r#"
        INVALID_QUERY -: Query is nested too deep.
    "#]]
    .assert_eq(&problems(&house.graphql("en", &deep, json!({}))));

    assert_eq!((house.get("/health/live").status, house.get("/health/ready").status), (200, 200));
    assert!(house.get("/graphql").body.contains("explorer.js"));
    assert_eq!(house.get("/nowhere").status, 404);
}
