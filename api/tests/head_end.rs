//! A head-end in a process of its own: dead, slow, answering twice or late, it turns a switch once, and the order says what is so.

#[path = "../../billing/tests/collections/town.rs"]
#[allow(dead_code, reason = "the tests of billing use all of it")]
mod town;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use chrono::TimeDelta;
use daftar_api::compose::{HEAD_END_SECRET, simulated_head_end_within};
use daftar_billing::{
    collections::{Patience, Switching},
    gateway::Secret,
    head_end::{simulated::process::Mood, webhook},
};
use daftar_domain::{
    disconnection::{Stage, Turn},
    ids::{AccountId, DisconnectionId},
    meter::MeterKind,
};
use daftar_store::Memory;
use daftar_tests::http;
use sqlx::postgres::PgConnectOptions;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use town::{MORNING, Town, serial_of};

use crate::daftar::{Running, address_in, daftar};

const SECRET: &str = "what the engine and its head-end know";

/// Less than an engine would give a head-end, so that silence is short.
const ANSWER: Duration = Duration::from_millis(300);

/// A town whose smart meters hear a head-end, which calls back at a door of the town's.
struct Wired {
    town: Town,
    switching: Switching,
    head_end: SocketAddr,
    process: Option<Running>,
    callback: String,
    _door: JoinSet<()>,
}

fn start(listen: &str, callback: &str) -> (Running, SocketAddr) {
    let arguments = ["simulated-head-end", "--listen", listen, "--callback", callback];
    let mut process = Running::start(daftar(&arguments).env(HEAD_END_SECRET, SECRET));
    let address = address_in(&process.line_with("Simulated head-end"));
    (process, address)
}

impl Wired {
    async fn open() -> Self {
        let town = Town::over(Arc::new(Memory::log()), PgConnectOptions::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback = format!("http://{}/webhooks/switches", listener.local_addr().unwrap());
        let (process, head_end) = start("127.0.0.1:0", &callback);
        let link = simulated_head_end_within(&format!("http://{head_end}"), Secret::new(SECRET).unwrap(), ANSWER).unwrap();
        let patience =
            Patience { answer: TimeDelta::minutes(5), first_pause: TimeDelta::seconds(30), longest_pause: TimeDelta::minutes(30) };
        let switching = Switching::new(town.collections.clone(), link, patience);
        let (mut door, router) = (JoinSet::new(), webhook::router(switching.clone()));
        door.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { town, switching, head_end, process: Some(process), callback, _door: door }
    }

    async fn is(&self, mood: Mood) {
        let (head_end, body) = (self.head_end, serde_json::to_string(&mood).unwrap());
        let told = move || http::post(head_end, "/control", &[("Content-Type", "application/json")], &body).unwrap().status;
        assert_eq!(tokio::task::spawn_blocking(told).await.unwrap(), 204);
    }

    /// Every time that the switch of a meter was really turned.
    async fn turned(&self, n: u128) -> Vec<Turn> {
        let (head_end, path) = (self.head_end, format!("/meters/{}", serial_of(n)));
        let body = tokio::task::spawn_blocking(move || http::get(head_end, &path).unwrap().body).await.unwrap();
        serde_json::from_str(&body).unwrap()
    }

    async fn drive(&self, order: DisconnectionId, time: &str) {
        self.town.it_is(&format!("2024-07-15T{time}+03:00"));
        self.switching.drive(order, self.town.now()).await.unwrap();
    }

    async fn ordered(&self, n: u128) -> (AccountId, DisconnectionId) {
        self.town.it_is(MORNING);
        self.town.ordered(n, MeterKind::Smart).await
    }

    async fn until(&self, order: DisconnectionId, is: impl Fn(Stage) -> bool) {
        for _ in 0..200 {
            if self.town.stage(order).await.is_some_and(&is) {
                return;
            }
            sleep(Duration::from_millis(25)).await;
        }
        panic!("{:?} {:?}", self.town.stage(order).await, self.town.story(order).await);
    }
}

/// It answers what it has done before it answers, and calls nobody.
fn prompt() -> Mood {
    Mood { callbacks: 0, ..Mood::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn off_when_its_time_has_come_and_on_when_it_is_paid() {
    let wired = Wired::open().await;
    wired.is(prompt()).await;
    let (account, order) = wired.ordered(1).await;
    wired.drive(order, "08:59:00").await;
    assert_eq!(wired.turned(1).await, [], "before its time nobody is sent");
    wired.drive(order, "09:00:10").await;
    wired.drive(order, "09:00:20").await;
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Cut), vec![Turn::Off]));
    assert_eq!(wired.town.fact(order, "DisconnectionExecuted").await["reading"], "1234.5");
    wired.town.it_is("2024-07-15T13:00:00+03:00");
    wired.town.pay(account, 50_000).await;
    wired.town.desk_works().await;
    wired.drive(order, "13:00:05").await;
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Restored), vec![Turn::Off, Turn::On]));
}

#[tokio::test(flavor = "multi_thread")]
async fn called_twice_and_late_it_has_turned_once() {
    let wired = Wired::open().await;
    // It takes the command, turns the switch a while later, and tells of it three times.
    wired.is(Mood { turns_after_ms: 200, callbacks: 3, ..Mood::default() }).await;
    let (_, order) = wired.ordered(1).await;
    wired.drive(order, "09:00:00").await;
    assert_eq!(wired.town.stage(order).await, Some(Stage::Dispatched));
    wired.until(order, |stage| stage == Stage::Cut).await;
    wired.drive(order, "09:10:00").await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(wired.turned(1).await, [Turn::Off]);
    let story = wired.town.story(order).await;
    assert_eq!(story[3..], ["DisconnectionDispatched", "DisconnectionExecuted"], "{story:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_or_silent_it_is_asked_again_under_the_same_id() {
    let wired = Wired::open().await;
    // Carried out, and never answered in time.
    wired.is(Mood { answers_after_ms: 2_000, ..prompt() }).await;
    let (_, order) = wired.ordered(1).await;
    wired.drive(order, "09:00:00").await;
    assert_eq!(wired.town.story(order).await[3..], ["DisconnectionDispatched", "SwitchUnanswered"]);
    assert_eq!(wired.turned(1).await, [Turn::Off], "and nobody knows");
    wired.is(prompt()).await;
    wired.drive(order, "09:00:10").await;
    assert_eq!(wired.town.stage(order).await, Some(Stage::Dispatched), "it rests a while");
    wired.drive(order, "09:00:40").await;
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Cut), vec![Turn::Off]));
    let story = wired.town.story(order).await;
    assert_eq!(
        story[3..],
        ["DisconnectionDispatched", "SwitchUnanswered", "DisconnectionDispatched", "DisconnectionExecuted"],
        "{story:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_it_is_unanswered_and_what_the_law_forbids_by_then_is_called_back() {
    let mut wired = Wired::open().await;
    wired.is(prompt()).await;
    let (_, order) = wired.ordered(1).await;
    drop(wired.process.take());
    wired.drive(order, "11:50:00").await;
    wired.drive(order, "11:50:40").await;
    // The order does not claim to know.
    assert_eq!(wired.town.stage(order).await, Some(Stage::Dispatched));
    let unanswered = ["DisconnectionDispatched", "SwitchUnanswered", "DisconnectionDispatched", "SwitchUnanswered"];
    assert_eq!(wired.town.story(order).await[3..], unanswered);
    // At noon the law ends: what may be on its way is not to happen.
    wired.drive(order, "12:05:00").await;
    assert_eq!(wired.town.stage(order).await, Some(Stage::Dispatched), "still nobody knows");
    let (process, _) = start(&wired.head_end.to_string(), &wired.callback);
    wired.process = Some(process);
    wired.drive(order, "12:06:00").await;
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Failed), vec![]));
    // Planned anew, it is another command.
    wired.is(prompt()).await;
    wired.town.it_is("2024-07-16T09:00:00+03:00");
    wired.town.plan(order).await;
    wired.switching.drive(order, wired.town.now()).await.unwrap();
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Cut), vec![Turn::Off]));
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_while_it_is_out_it_is_called_back_and_a_command_that_comes_late_turns_nothing() {
    let wired = Wired::open().await;
    wired.is(Mood { turns_after_ms: 1_000, ..Mood::default() }).await;
    let (account, order) = wired.ordered(1).await;
    wired.drive(order, "09:00:00").await;
    wired.town.pay(account, 50_000).await;
    wired.town.desk_works().await;
    assert_eq!(wired.town.stage(order).await, Some(Stage::Recalled));
    wired.drive(order, "09:00:10").await;
    assert_eq!(wired.town.stage(order).await, Some(Stage::Cancelled));
    sleep(Duration::from_millis(1_300)).await;
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Cancelled), vec![]));

    // Too late to be called back: it is undone, and costs nothing.
    wired.is(Mood { turns_after_ms: 100, ..prompt() }).await;
    let (account, order) = wired.ordered(2).await;
    wired.drive(order, "09:00:00").await;
    wired.town.pay(account, 50_000).await;
    wired.town.desk_works().await;
    sleep(Duration::from_millis(400)).await;
    wired.drive(order, "09:00:10").await;
    assert_eq!(wired.town.story(order).await[4..], ["DisconnectionRecalled", "DisconnectionExecuted", "ReconnectionRequested"]);
    assert!(wired.town.fact(order, "DisconnectionExecuted").await["recalled"] == true);
    wired.is(prompt()).await;
    wired.drive(order, "09:00:20").await;
    assert_eq!((wired.town.stage(order).await, wired.turned(2).await), (Some(Stage::Restored), vec![Turn::Off, Turn::On]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_the_head_end_is_not_believed_and_what_fails_is_said() {
    let wired = Wired::open().await;
    wired.is(Mood { forged: true, ..Mood::default() }).await;
    let (_, order) = wired.ordered(1).await;
    wired.drive(order, "09:00:00").await;
    sleep(Duration::from_millis(300)).await;
    let known = wired.town.stage(order).await;
    assert!(matches!(known, Some(Stage::Dispatched | Stage::Cut)), "{known:?}");
    if known == Some(Stage::Dispatched) {
        wired.drive(order, "09:01:00").await;
        assert_eq!(wired.town.stage(order).await, Some(Stage::Cut), "asked, it says so itself");
    }
    wired.is(Mood { fails: Some(daftar_domain::Code::new("relay-stuck").unwrap()), ..prompt() }).await;
    let (_, order) = wired.ordered(2).await;
    wired.drive(order, "09:00:00").await;
    assert_eq!(wired.town.stage(order).await, Some(Stage::Failed));
    assert_eq!(wired.town.fact(order, "DisconnectionFailed").await["reason"], "head-end: relay-stuck");
    // Commands that are lost on the way are sent again, until one arrives.
    wired.is(Mood { loses: true, ..prompt() }).await;
    let (_, lost) = wired.ordered(3).await;
    for time in ["09:00:00", "09:00:40", "09:02:00"] {
        wired.drive(lost, time).await;
        assert_eq!(wired.town.stage(lost).await, Some(Stage::Dispatched));
    }
    wired.is(prompt()).await;
    wired.drive(lost, "09:05:00").await;
    assert_eq!((wired.town.stage(lost).await, wired.turned(3).await), (Some(Stage::Cut), vec![Turn::Off]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supply_that_is_not_back_in_time_is_found_late_once_and_still_comes_back() {
    let wired = Wired::open().await;
    wired.is(prompt()).await;
    let (account, order) = wired.ordered(1).await;
    wired.drive(order, "09:00:00").await;
    wired.town.pay(account, 50_000).await;
    wired.town.desk_works().await;
    wired.is(Mood { fails: Some(daftar_domain::Code::new("relay-stuck").unwrap()), ..prompt() }).await;
    for time in ["09:00:10", "09:30:00", "10:59:00", "11:00:11", "11:05:00"] {
        wired.drive(order, time).await;
    }
    wired.is(prompt()).await;
    wired.drive(order, "11:40:00").await;
    assert_eq!((wired.town.stage(order).await, wired.turned(1).await), (Some(Stage::Restored), vec![Turn::Off, Turn::On]));
    let story = wired.town.story(order).await;
    assert_eq!(story.iter().filter(|told| **told == "ReconnectionFellLate").count(), 1, "{story:?}");
    assert_eq!(wired.town.fact(order, "ReconnectionFellLate").await["compensation"]["minor"], 7_500);
}
