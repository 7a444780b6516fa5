//! What the house is without: a database or a log that is away costs answers, and no more than those; when it is back, so are they.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use daftar_api::{
    app::App,
    auth::{Password, UserName},
    caller::Role,
    commands::{migrate, projector::project, user},
    compose::{self, EventStore},
    http::{Settings, serve},
    stop::Stop,
};
use daftar_cluster::{Cluster, Options};
use daftar_store::{
    Durability,
    keyring::LocalMasterKey,
    log::Log,
    node::{self, Access, NodeOptions},
};
use daftar_tests::http::{self, Answer};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::house::{ADMIN, PASSWORD, SIGN_IN};

/// A busy machine takes its time to come back.
const WAIT: Duration = Duration::from_secs(90);

const OPEN: &str =
    "mutation($key: String!, $input: OpenAccountInput!) { openAccount(idempotencyKey: $key, input: $input) { accountId readable } }";

const READ: &str = "query($id: ID!) { account(id: $id) { id } }";

/// A house whose database and whose node can be taken away.
struct Fragile {
    server: SocketAddr,
    token: String,
    stop: Stop,
    parts: JoinSet<()>,
    cluster: Cluster,
}

impl Fragile {
    async fn build(cluster: Cluster, store: EventStore) -> Self {
        let url = cluster.url("postgres", "postgres");
        let (stop, mut parts) = (Stop::new(), JoinSet::new());
        let read_models = compose::open_read_models(&url.as_str().into(), WAIT).await.unwrap();
        let app = compose::open_app(&store, read_models.clone(), LocalMasterKey::new([1; 32]), Default::default()).await.unwrap();
        let app: App = compose::keep_door(app, Settings { patience: Duration::from_secs(8), ..Settings::default() });
        user::register(&app.auth, UserName::new(ADMIN).unwrap(), vec![Role::Admin], Password::typed(PASSWORD.to_owned())).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let serving = serve(listener, app, stop.clone());
        parts.spawn(async { serving.await.unwrap() });
        let projecting = project(store.writer(), (*read_models.connect_options()).clone(), None, stop.clone());
        parts.spawn(async { projecting.await.unwrap() });
        let mut house = Self { server, token: String::new(), stop, parts, cluster };
        let answer = house.ask(SIGN_IN, json!({ "name": ADMIN, "password": PASSWORD }));
        house.token = answer.json()["data"]["signIn"]["accessToken"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        house
    }

    fn ask(&self, query: &str, variables: Value) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
        let body = json!({ "query": query, "variables": variables }).to_string();
        http::post(self.server, "/graphql", &headers[..2 - usize::from(self.token.is_empty())], &body).unwrap()
    }

    fn open(&self, key: &str) -> Answer {
        let input =
            json!({ "holderName": "سارة", "class": "RESIDENTIAL", "currency": "SAR", "language": "ARABIC", "openedOn": "2026-01-01" });
        self.ask(OPEN, json!({ "key": key, "input": input }))
    }

    fn read(&self, id: &Value) -> Value {
        self.ask(READ, json!({ "id": id })).json()
    }

    fn status(&self, path: &str) -> u16 {
        http::get(self.server, path).unwrap().status
    }

    /// Asks until the answer is as it should be; one that never is stands in the message.
    async fn until<T: fmt::Debug>(&self, what: &str, mut ask: impl FnMut() -> T, holds: impl Fn(&T) -> bool) {
        let deadline = Instant::now() + WAIT;
        loop {
            let answer = ask();
            if holds(&answer) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn end(mut self) {
        self.stop.now();
        while let Some(ended) = self.parts.join_next().await {
            ended.unwrap();
        }
        self.cluster.stop().unwrap();
    }
}

fn is_opened(answer: &Value) -> bool {
    answer["data"]["openAccount"]["accountId"].is_string()
}

fn unavailable(answer: &Answer) {
    let error = &answer.json()["errors"][0]["extensions"];
    assert_eq!((&error["code"], &error["retryAfter"]), (&json!("UNAVAILABLE"), &json!(5)), "{answer:?}");
    assert_eq!(answer.header("Retry-After"), Some("5"), "{answer:?}");
    assert!(!answer.body.contains("postgres") && !answer.body.contains("127.0.0.1"), "nothing of the inside: {answer:?}");
}

/// It may be killed, and the machine may not: what it has committed is there afterwards, and as little as possible of what it has not waited for.
async fn cluster() -> Cluster {
    let options = Options::throw_away().setting("synchronous_commit", "on").setting("wal_writer_delay", "10s");
    let cluster = tokio::task::spawn_blocking(|| Cluster::throw_away(options).unwrap()).await.unwrap();
    let url = cluster.url("postgres", "postgres");
    migrate::migrate_log(&url.as_str().into(), WAIT).await.unwrap();
    migrate::migrate_rest(&url.as_str().into(), WAIT).await.unwrap();
    cluster
}

async fn log(cluster: &Cluster) -> EventStore {
    let url = cluster.url("postgres", "postgres");
    compose::open_store(&url.as_str().into(), Duration::from_secs(2), Durability::UnsafeForTests).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_house_stands_and_says_when_to_come_back() {
    let cluster = cluster().await;
    let store = log(&cluster).await;
    let house = Fragile::build(cluster, store).await;
    let opened = house.open("before").json();
    let id = opened["data"]["openAccount"]["accountId"].clone();
    assert_eq!(house.ask(READ, json!({ "id": id })).json()["data"]["account"]["id"], id, "{opened}");
    assert_eq!((house.status("/health/live"), house.status("/health/ready")), (200, 200));

    house.cluster.kill().unwrap();
    unavailable(&house.ask(READ, json!({ "id": id })));
    unavailable(&house.open("during"));
    assert_eq!((house.status("/health/live"), house.status("/health/ready"), house.status("/metrics")), (200, 503, 200));

    house.cluster.start().unwrap();
    house.until("it is not ready again", || house.status("/health/ready"), |status| *status == 200).await;
    house.until("nothing is answered", || house.read(&id), |answer| answer["data"]["account"]["id"] == id).await;
    // The same wish, sent again, happens once; and the read models go on.
    house.until("nothing is recorded", || house.open("during").json(), is_opened).await;
    let during = house.open("during").json()["data"]["openAccount"]["accountId"].clone();
    house.until("nothing is readable", || house.read(&during), |answer| answer["data"]["account"]["id"] == during).await;
    house.end().await;
}

/// The log behind a node that can be stopped, as a cluster of its own would be.
async fn serve_node(log: Log, address: SocketAddr, parts: &mut JoinSet<()>) -> (Stop, SocketAddr) {
    let listener = TcpListener::bind(address).await.unwrap();
    let (stop, address) = (Stop::new(), listener.local_addr().unwrap());
    let serving = node::serve(log, NodeOptions { listener, advertised: None, access: Access::Open, tls: None }, stop.clone().asked());
    parts.spawn(async { serving.await.unwrap() });
    (stop, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_event_store_the_house_answers_what_it_knows() {
    let cluster = cluster().await;
    let EventStore::Log(log) = log(&cluster).await else { panic!("a log of our own") };
    let mut nodes = JoinSet::new();
    let (stop, address) = serve_node(log.clone(), "127.0.0.1:0".parse().unwrap(), &mut nodes).await;
    let url = format!("esdb://{address}?tls=false");
    let store = compose::open_store(&url.as_str().into(), WAIT, Durability::Required).await.unwrap();
    let house = Fragile::build(cluster, store).await;
    let id = house.open("before").json()["data"]["openAccount"]["accountId"].clone();
    assert_eq!(house.ask(READ, json!({ "id": id })).json()["data"]["account"]["id"], id);

    stop.now();
    nodes.join_next().await.unwrap().unwrap();
    let begun = Instant::now();
    unavailable(&house.open("during"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(house.ask(READ, json!({ "id": id })).json()["data"]["account"]["id"], id, "what is known is answered");
    assert_eq!((house.status("/health/live"), house.status("/health/ready")), (200, 200));

    let (stop, _) = serve_node(log, address, &mut nodes).await;
    house.until("nothing is recorded", || house.open("during").json(), is_opened).await;
    let during = house.open("during").json()["data"]["openAccount"]["accountId"].clone();
    house.until("nothing is readable", || house.read(&during), |answer| answer["data"]["account"]["id"] == during).await;
    house.end().await;
    stop.now();
}
