//! What machines send: thousands of readings at once, and tariffs as files.

use daftar_api::caller::Role;
use daftar_tests::http;
use serde_json::{Value, json};

use super::{
    house::{House, Way},
    mutations::supply::{device, tariff},
};

fn post(house: &House, token: &str, path: &str, kind: &str, key: &str, body: &str) -> http::Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", kind), ("Idempotency-Key", key), ("Accept-Language", "en")];
    http::post(house.server, path, &headers[usize::from(token.is_empty())..], body).unwrap()
}

/// A house in which meters can be put up, and what those who are supplied agree to.
struct Network {
    house: House,
    terms: Value,
}

impl Network {
    async fn build() -> Self {
        let mut network = Self { house: House::build(Way::Postgres).await, terms: json!({}) };
        let opened =
            json!({ "holderName": "سارة", "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
        let cycle = json!({ "code": "A", "every": "MONTHLY", "firstMonth": "2026-01-01", "dayOfMonth": 31 });
        network.ask("publishTariff", "one", "series", json!({ "tariff": tariff("homes-2026", "homes") }));
        let account = network.ask("openAccount", "one", "accountId", opened);
        let cycle = network.ask("defineReadCycle", "one", "readCycleId", cycle);
        network.terms = json!({ "accountId": account, "tariffSeries": "homes", "readCycleId": cycle, "from": "2026-01-01" });
        network
    }

    fn ask(&self, mutation: &str, key: &str, shown: &str, input: Value) -> String {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!("mutation($key: String!, $input: {kind}!) {{ {mutation}(idempotencyKey: $key, input: $input) {{ {shown} }} }}");
        let answer = self.house.graphql("en", &query, json!({ "key": key, "input": input }));
        answer["data"][mutation][shown].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A meter that counts at a place of its own since the new year.
    fn meter(&self, serial: &str) -> String {
        let place = json!({ "address": serial, "facts": { "dwellings": 1, "area": "RUH-07" }, "registeredOn": "2026-01-01" });
        let place = json!({ "premisesId": self.ask("registerPremises", serial, "premisesId", place), "service": "ELECTRICITY" });
        self.ask("startAgreement", serial, "agreementId", json!({ "place": place, "terms": self.terms }));
        let meter = self.ask("registerMeter", serial, "meterId", device(serial));
        let installed = json!({ "meterId": meter, "place": place, "on": "2026-01-01", "breaker": { "number": serial, "amps": 60 },
            "seals": [{ "number": serial, "place": "cover" }], "readings": [{ "register": "1.8.0", "value": "0", "takenAt": "2026-01-01T09:00:00Z" }] });
        self.ask("installMeter", serial, "meterId", installed);
        meter
    }
}

/// In short: the counts, and of what was refused the line, column and code.
fn told(answer: &Value) -> String {
    let counts = ["rows", "recorded", "held", "known", "refused"].map(|count| format!("{} {count}", answer[count]));
    let refused = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().filter(|row| row["outcome"] == "refused");
    let refused = refused.map(|row| {
        let problem = &row["problem"];
        format!("{} {} {}", row["line"], problem["column"].as_str().unwrap_or("-"), problem["code"].as_str().unwrap())
    });
    [counts.join(", ")].into_iter().chain(refused).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_readings_come_at_once_and_only_once() {
    let network = Network::build().await;
    let house = &network.house;
    let technician = house.staff("technician", Role::Technician).await;
    let meters: Vec<_> = (0..20).map(|n| network.meter(&format!("M-{n}"))).collect();
    let before = house.events().await;
    let mut csv = "meterId,register,kind,value,takenOn,takenAt\n".to_owned();
    for hour in 0..150 {
        let (day, hour, value) = (1 + hour / 24, hour % 24, hour);
        for meter in &meters {
            csv += &format!("{meter},1.8.0,SMART,{value},2026-02-{day:02},2026-02-{day:02}T{hour:02}:00:00Z\n");
        }
    }
    let answer = post(house, &technician, "/v1/readings", "text/csv", "night", &csv);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(told(&answer.json()).starts_with("3000 rows, "), "{}", told(&answer.json()));
    assert_eq!(answer.json()["refused"], 0, "{}", told(&answer.json()));
    let after = house.events().await;
    assert!(after >= before + 3_000, "{before} {after}");
    // The same again, as a machine does that has not heard the answer; and in another order.
    let again = post(house, &technician, "/v1/readings", "text/csv; charset=utf-8", "night", &csv);
    assert_eq!(told(&again.json()), "3000 rows, 0 recorded, 0 held, 3000 known, 0 refused");
    let (names, rows) = csv.split_once('\n').unwrap();
    let backwards: Vec<_> = rows.lines().rev().collect();
    let again = post(house, &technician, "/v1/readings", "text/csv", "night", &format!("{names}\n{}", backwards.join("\n")));
    assert_eq!(again.json()["known"], 3_000, "{}", told(&again.json()));
    assert_eq!(house.events().await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_row_is_named_and_the_others_count() {
    let network = Network::build().await;
    let house = &network.house;
    let technician = house.staff("technician", Role::Technician).await;
    let cashier = house.staff("cashier", Role::Cashier).await;
    let meter = network.meter("M-1");
    let row = |change: Value| {
        let mut row =
            json!({ "meterId": meter, "register": "1.8.0", "value": "7", "takenOn": "2026-02-01", "takenAt": "2026-02-01T09:00:00Z" });
        row.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        row.to_string()
    };
    let body = [
        row(json!({})),
        String::new(),
        row(json!({ "value": "seven" })),
        row(json!({ "value": 7 })),
        row(json!({ "takenOn": "2026-02-30" })),
        row(json!({ "takenAt": "noon" })),
        row(json!({ "kind": "GUESS" })),
        row(json!({ "meterId": "00000000-0000-0000-0000-000000000007" })),
        row(json!({ "register": null })),
        row(json!({ "register": "');DROP TABLE--" })),
        row(json!({ "price": "1" })),
        "{".to_owned(),
        row(json!({ "value": "8" })),
        row(json!({ "value": "9", "takenAt": "2026-02-02T09:00:00Z", "takenOn": "2026-02-02" })),
    ];
    let body = body.join("\n");
    let answer = post(house, &technician, "/v1/readings", "application/x-ndjson", "mixed", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    expect_test::expect![[r#"
        13 rows, 2 recorded, 0 held, 0 known, 11 refused
        3 value INVALID_INPUT
        4 value INVALID_INPUT
        5 takenOn INVALID_INPUT
        6 takenAt INVALID_INPUT
        7 kind INVALID_INPUT
        8 - METER_NOT_REGISTERED
        9 register INVALID_INPUT
        10 register INVALID_INPUT
        11 price INVALID_INPUT
        12  INVALID_INPUT
        13 - IDEMPOTENCY_KEY_REUSED"#]]
    .assert_eq(&told(&answer.json()));
    for (token, kind, key, status, code) in [
        ("", "text/csv", "k", 401, "UNAUTHENTICATED"),
        ("forged", "text/csv", "k", 401, "TOKEN_REFUSED"),
        (cashier.as_str(), "text/csv", "k", 403, "FORBIDDEN"),
        (technician.as_str(), "text/plain", "k", 415, "BAD_REQUEST"),
        (technician.as_str(), "text/csv", "", 422, "INVALID_INPUT"),
    ] {
        let answer = post(house, token, "/v1/readings", kind, key, "meterId\n");
        assert_eq!((answer.status, &answer.json()["errors"][0]["extensions"]["code"]), (status, &json!(code)), "{answer:?}");
    }
    let many = "{}\n".repeat(5_001);
    assert_eq!(post(house, &technician, "/v1/readings", "application/x-ndjson", "many", &many).status, 422);
    let unknown = post(house, &technician, "/v1/readings", "text/csv", "names", "meterId,price\n");
    assert_eq!(unknown.json()["errors"][0]["extensions"]["field"], "price", "{unknown:?}");
    let large = "x".repeat(1_100_000);
    assert_eq!(post(house, &technician, "/v1/readings", "text/csv", "large", &large).status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tariff_is_published_from_its_file() {
    let house = House::build(Way::Postgres).await;
    let billing = house.staff("billing", Role::Billing).await;
    let cashier = house.staff("cashier", Role::Cashier).await;
    let publish = |token: &str, key: &str, text: &str| post(&house, token, "/v1/tariffs", "application/json", key, text);
    let file = tariff("home-2026", "home");
    let published = publish(&billing, "k", &file);
    assert_eq!((published.status, &published.json()["series"]), (200, &json!("home")), "{published:?}");
    assert_eq!(publish(&billing, "k", &file).json(), published.json(), "once");
    assert_eq!(publish(&billing, "k", &tariff("other", "home")).status, 409);
    assert_eq!(publish(&cashier, "k", &file).status, 403);
    assert_eq!(publish("", "k", &file).status, 401);
    let broken = publish(&billing, "b", &file.replace("\"0.18\"", "\"cheap\""));
    assert_eq!((broken.status, &broken.json()["errors"][0]["extensions"]["code"]), (422, &json!("INVALID_INPUT")), "{broken:?}");
    let field = broken.json()["errors"][0]["extensions"]["field"].as_str().unwrap().to_owned();
    assert!(field.contains("price"), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_what_is_there() {
    let house = House::build(Way::Postgres).await;
    let description = house.get("/openapi.json").json();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let asked = if methods["get"].is_object() { house.get(path) } else { http::post(house.server, path, &[], "").unwrap() };
        assert!(![404, 405].contains(&asked.status), "{path}: {asked:?}");
    }
    assert_eq!(house.get("/v1/nothing").status, 404);
    let written = description.to_string();
    for reference in written.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(description.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}
