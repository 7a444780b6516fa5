//! Connections, from the table of their prices to the first day that is billed.

use chrono::Utc;
use daftar_domain::{
    Actor, Decider, StreamName,
    application::{Application, Command, NoteConnected, NoteFeePaid, example},
    ids::ApplicationId,
};
use daftar_store::CommandContext;
use expect_test::expect_file;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    story::{Case, NOWHERE, PHRASE, Story, WORD},
    supply::tariff,
};

pub const MUTATIONS: &[&str] = &[
    "activateConnection",
    "askForInformation",
    "cancelApplication",
    "giveInformation",
    "inspectSite",
    "invoiceConnectionFee",
    "priceConnection",
    "publishConnectionPrices",
    "rejectApplication",
    "reviewApplication",
    "scheduleInstallation",
    "submitApplication",
];

pub const PRICES: &str = include_str!("../../../../fixtures/connections/electricity-made-up.json");

/// What the desk and the service point tell an application; here they do not run, so that nothing is counted that was not asked for.
async fn told(story: &Story, application: &Value, command: Command) {
    let id = ApplicationId::new(Uuid::try_parse(application.as_str().unwrap()).unwrap());
    let context = CommandContext::new(Actor::job("test"), Application::CATEGORY, &format!("{id} {command:?}"), Utc::now());
    story.house.app.engine.execute::<Application>(&StreamName::of::<Application>(id), &context, command).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_connected() {
    let mut story = Story::begin().await;
    let account =
        json!({ "holderName": PHRASE, "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
    let account = story.prepare("openAccount", account)["accountId"].clone();
    let facts = json!({ "dwellings": 1, "area": "RUH-07" });
    let premises = json!({ "address": PHRASE, "facts": facts, "registeredOn": "2026-01-01" });
    let premises = story.prepare("registerPremises", premises)["premisesId"].clone();
    let cycle = json!({ "code": "A", "every": "MONTHLY", "firstMonth": "2026-01-01", "dayOfMonth": 31 });
    let cycle = story.prepare("defineReadCycle", cycle)["readCycleId"].clone();
    story.prepare("publishTariff", json!({ "tariff": tariff("homes-2026", "homes") }));

    story
        .ask(Case {
            mutation: "publishConnectionPrices",
            input: json!({ "prices": PRICES }),
            refused: vec![
                json!({ "prices": PHRASE }),
                json!({ "prices": PRICES.replace("0.15", "15") }),
                json!({ "prices": PRICES.replace("\"fixed\": \"180\"", "\"fixed\": \"-180\"") }),
            ],
            other: json!({ "prices": PRICES.replace("1250", "1300") }),
        })
        .await;
    story.refuse("publishConnectionPrices", json!({ "prices": PRICES.replace("1250", "1300") })).await;
    story.refuse("publishConnectionPrices", json!({ "prices": PRICES.replace("up-2024", "up-2023") })).await;

    let capacity = json!({ "loadKva": "25", "phase": "THREE" });
    let submit = || json!({ "accountId": account, "capacity": capacity, "meter": "SMART", "site": PHRASE });
    let submitted = story
        .ask(Case {
            mutation: "submitApplication",
            input: submit(),
            refused: vec![
                json!({ "accountId": NOWHERE }),
                json!({ "site": "" }),
                json!({ "capacity": { "loadKva": "0" } }),
                json!({ "capacity": { "loadKva": "much" } }),
                json!({ "capacity": { "loadKva": null } }),
                json!({ "capacity": { "phase": null } }),
                json!({ "capacity": { "diameterMm": 20 } }),
                json!({ "capacity": { "loadKva": null, "phase": null, "diameterMm": 0 } }),
            ],
            other: json!({ "meter": "TRADITIONAL" }),
        })
        .await;
    let application = submitted["applicationId"].clone();
    let at = |more: Value| {
        let mut input = json!({ "applicationId": application, "on": "2026-03-02" });
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    };
    let nowhere = || json!({ "applicationId": NOWHERE });
    let no_day = || json!({ "on": "soon" });

    story.refuse("priceConnection", at(json!({}))).await;
    story
        .refuse(
            "activateConnection",
            json!({ "applicationId": application, "tariffSeries": "homes", "readCycleId": cycle, "from": "2026-03-13" }),
        )
        .await;
    story
        .ask(Case {
            mutation: "reviewApplication",
            input: at(json!({})),
            refused: vec![nowhere(), no_day(), json!({ "applicationId": "x" })],
            other: json!({ "on": "2026-03-03" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "askForInformation",
            input: at(json!({ "question": PHRASE })),
            refused: vec![nowhere(), no_day(), json!({ "question": "" })],
            other: json!({ "question": "whose?" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "giveInformation",
            input: json!({ "applicationId": application, "answer": PHRASE }),
            refused: vec![nowhere(), json!({ "answer": " " })],
            other: json!({ "answer": "mine" }),
        })
        .await;
    let inspect = at(json!({ "premisesId": premises, "capacity": capacity, "distanceM": "80", "area": WORD, "meter": "SMART" }));
    story
        .ask(Case {
            mutation: "inspectSite",
            input: inspect.clone(),
            refused: vec![
                nowhere(),
                no_day(),
                json!({ "premisesId": NOWHERE }),
                json!({ "distanceM": "-1" }),
                json!({ "area": "" }),
                json!({ "capacity": { "loadKva": null, "phase": null, "diameterMm": 20 } }),
            ],
            other: json!({ "distanceM": "81" }),
        })
        .await;
    // Nobody else is connected there, and no meter goes up on the quiet.
    let another = story.prepare("submitApplication", submit())["applicationId"].clone();
    story.prepare("reviewApplication", json!({ "applicationId": another, "on": "2026-03-02" }));
    let mut same_place = inspect.clone();
    same_place["applicationId"] = another.clone();
    story.refuse("inspectSite", same_place).await;
    story
        .ask(Case {
            mutation: "priceConnection",
            input: at(json!({})),
            refused: vec![nowhere(), no_day(), json!({ "on": "2023-12-31" })],
            other: json!({ "on": "2026-03-03" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "invoiceConnectionFee",
            input: at(json!({})),
            refused: vec![nowhere(), no_day(), json!({ "on": "2026-04-02" })],
            other: json!({ "on": "2026-03-03" }),
        })
        .await;
    let schedule = at(json!({ "plannedOn": "2026-03-12" }));
    story.refuse("scheduleInstallation", schedule.clone()).await;
    told(&story, &application, Command::NoteFeePaid(NoteFeePaid { as_of: 4, on: example::day("2026-03-02") })).await;
    story
        .ask(Case {
            mutation: "scheduleInstallation",
            input: schedule,
            refused: vec![nowhere(), no_day(), json!({ "plannedOn": "soon" }), json!({ "plannedOn": "2026-03-01" })],
            other: json!({ "plannedOn": "2026-03-13" }),
        })
        .await;
    // The application has heard that the fee is paid; the account knows better.
    let device = super::supply::device("never");
    let meter = story.prepare("registerMeter", device)["meterId"].clone();
    let install = json!({
        "meterId": meter, "place": { "premisesId": premises, "service": "ELECTRICITY" }, "on": "2026-03-12",
        "breaker": { "number": "B-1", "amps": 60 }, "seals": [{ "number": "S-1", "place": "cover" }],
        "readings": [super::supply::dial("0", "2026-03-12")],
    });
    story.refuse("installMeter", install).await;

    told(&story, &application, Command::NoteConnected(NoteConnected { meter_id: example::METER, on: example::day("2026-03-12") })).await;
    story
        .ask(Case {
            mutation: "activateConnection",
            input: json!({ "applicationId": application, "tariffSeries": "homes", "readCycleId": cycle, "from": "2026-03-13" }),
            refused: vec![
                nowhere(),
                json!({ "tariffSeries": WORD }),
                json!({ "readCycleId": NOWHERE }),
                json!({ "from": "soon" }),
                json!({ "applicationId": another }),
            ],
            other: json!({ "from": "2026-03-14" }),
        })
        .await;
    story
        .ask(Case {
            mutation: "rejectApplication",
            input: json!({ "applicationId": another, "reason": PHRASE, "on": "2026-03-02" }),
            refused: vec![nowhere(), no_day(), json!({ "reason": "" }), json!({ "applicationId": application })],
            other: json!({ "reason": "no network" }),
        })
        .await;
    let third = story.prepare("submitApplication", submit())["applicationId"].clone();
    story
        .ask(Case {
            mutation: "cancelApplication",
            input: json!({ "applicationId": third, "reason": PHRASE }),
            refused: vec![nowhere(), json!({ "reason": "" }), json!({ "applicationId": application })],
            other: json!({ "reason": "sold" }),
        })
        .await;
    story.end(MUTATIONS, expect_file!["connections.txt"]);
}
