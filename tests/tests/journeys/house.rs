//! The whole house for one test, on ports of its own.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use daftar_api::{
    app::App,
    auth::{self, Password, UserName},
    caller::Role,
    cli::SecretUrl,
    commands::{migrate, projector::project, user},
    compose::{self, EventStore},
    http::{Settings, serve},
    stop::Stop,
};
use daftar_billing::{
    Terms,
    gateway::{self, Gateways, Link, PaymentGateway, Secret, simulated::process},
    head_end::{self, HeadEnd},
};
use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_domain::Code;
use daftar_store::{
    Durability, keyring,
    keyring::LocalMasterKey,
    node::{self, Access, NodeOptions},
};
use daftar_tests::http::{self, Answer};
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

pub const ADMIN: &str = "admin";
pub const PASSWORD: &str = "correct horse battery";

pub const SIGN_IN: &str = "mutation SignIn($name: String!, $password: String!, $code: String) {
    signIn(input: { userName: $name, password: $password, code: $code }) { accessToken refreshToken accessTokenExpiresAt sessionEndsAt }
}";

/// On which the company bills.
const TERMS: &str = r#"{"seller": {"name": "شركة الدفتر للكهرباء", "address": {"street": "العليا", "building": "1", "district": "العليا",
    "city": "الرياض", "postal_code": "12212", "country": "SA"}}, "numbering": {"register": "RUH", "series": "INV"}, "dueDays": 15,
    "fees": {"vat": {"category": "S", "rate": "0.15"}}, "collections": {"ladder": LADDER, "restore": RESTORE, "plans": PLANS,
    "guard": {"version": "any-time", "warningDays": 30, "finalNoticeDays": 4, "smallestDebts": [{"minor": 40000, "currency": "SAR"}],
        "hours": {"from": "00:00:00", "before": "23:59:59"}, "restDays": [], "holidays": [], "ramadan": [], "exams": [],
        "calendarsUntil": "2100-12-31"}}}"#;

/// Of the keys that seal the test's people.
pub const MASTER_KEY: [u8; 32] = [1; 32];

pub const WAIT: Duration = Duration::from_secs(30);

/// How the engine reaches the log. It must not matter.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Postgres,
    EventStoreDb,
}

pub struct House {
    pub read_models: PgPool,
    pub server: SocketAddr,
    pub app: App,
    /// An access token of the admin's.
    pub admin: String,
    store: EventStore,
    /// Events that were there before the test began.
    before: i64,
    projector: Option<(Stop, JoinSet<()>)>,
    serving: Option<(Stop, JoinSet<()>)>,
    files: TempDir,
    stop: Stop,
    _parts: JoinSet<()>,
    _database: TestDatabase,
}

impl House {
    pub async fn build(way: Way) -> Self {
        Self::with_door(way, Settings { explorer: true, ..Settings::default() }).await
    }

    pub async fn with_door(way: Way, door: Settings) -> Self {
        Self::over(database().await, way, door).await
    }

    /// Over a database that may hold a history.
    pub async fn over(database: TestDatabase, way: Way, door: Settings) -> Self {
        let url = SecretUrl::from(database.url());
        let (stop, mut parts) = (Stop::new(), JoinSet::new());
        let mut store = compose::open_store(&url, WAIT, Durability::UnsafeForTests).await.unwrap();
        if let (Way::EventStoreDb, EventStore::Log(log)) = (way, &store) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let node_url = format!("esdb://{}?tls=false", listener.local_addr().unwrap());
            let options = NodeOptions { listener, advertised: None, access: Access::Open, tls: None };
            let serving = node::serve(log.clone(), options, stop.clone().asked());
            parts.spawn(async { serving.await.unwrap() });
            store = compose::open_store(&node_url.as_str().into(), WAIT, Durability::Required).await.unwrap();
        }

        let read_models = compose::open_read_models(&url, WAIT).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let gateways = (Gateways::new([gateway(server, &stop, &mut parts).await]), gateway::Terms::default());
        let app = compose::open_app(&store, read_models.clone(), LocalMasterKey::new(MASTER_KEY), gateways).await.unwrap();
        let files = tempfile::tempdir().unwrap();
        let kept = compose::open_files(files.path().to_owned()).await.unwrap();
        let head_end = head_end(server, &stop, &mut parts).await;
        let app = App { files: Some(kept), terms: Some(Arc::new(terms())), head_end, ..compose::keep_door(app, door) };
        create_user(&app, ADMIN, Role::Admin).await;
        let admin = String::new();
        let mut house = Self {
            read_models,
            server,
            app,
            admin,
            store,
            before: 0,
            projector: None,
            serving: None,
            files,
            stop,
            _parts: parts,
            _database: database,
        };
        house.serve(listener);
        house.start_projector();
        house.admin = house.sign_in(ADMIN);
        house.before = house.events().await;
        house
    }

    /// An access token of this user's, who has the password that all have here.
    pub fn sign_in(&self, name: &str) -> String {
        let answer = self.ask("", "en", SIGN_IN, json!({ "name": name, "password": PASSWORD }));
        answer["data"]["signIn"]["accessToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Somebody new with this role, who has signed in.
    pub async fn staff(&self, name: &str, role: Role) -> String {
        create_user(&self.app, name, role).await;
        self.sign_in(name)
    }

    /// As whoever has the access token; as nobody without one.
    pub fn ask(&self, token: &str, language: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("Content-Type", "application/json"), ("Accept-Language", language)];
        if !token.is_empty() {
            headers.push(("Authorization", authorization.as_str()));
        }
        self.post(&headers, &body).json()
    }

    pub fn start_projector(&mut self) {
        let (stop, mut task) = (Stop::new(), JoinSet::new());
        let database = (*self.read_models.connect_options()).clone();
        let projecting = project(self.store.writer(), database, None, stop.clone());
        task.spawn(async { projecting.await.unwrap() });
        self.projector = Some((stop, task));
    }

    pub async fn stop_projector(&mut self) {
        let (stop, task) = self.projector.take().expect("it runs");
        stop.now();
        task.join_all().await;
    }

    fn serve(&mut self, listener: TcpListener) {
        let (stop, mut task) = (Stop::new(), JoinSet::new());
        let serving = serve(listener, self.app.clone(), stop.clone());
        task.spawn(async { serving.await.unwrap() });
        self.serving = Some((stop, task));
    }

    pub async fn stop_server(&mut self) {
        let (stop, task) = self.serving.take().expect("it runs");
        stop.now();
        task.join_all().await;
    }

    /// Where it was before.
    pub async fn start_server(&mut self) {
        let listener = TcpListener::bind(self.server).await.unwrap();
        self.serve(listener);
    }

    /// As the admin.
    pub fn graphql(&self, language: &str, query: &str, variables: Value) -> Value {
        self.ask(&self.admin, language, query, variables)
    }

    pub fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        http::post(self.server, "/graphql", headers, body).unwrap()
    }

    /// As nobody, with all of the answer.
    pub fn query(&self, headers: &[(&str, &str)], query: &str) -> Answer {
        self.post(&[&[("Content-Type", "application/json")], headers].concat(), &json!({ "query": query }).to_string())
    }

    pub fn get(&self, path: &str) -> Answer {
        http::get(self.server, path).unwrap()
    }

    /// Waits for what policies and projectors come to by themselves.
    pub async fn until(&self, what: &str, sql: &'static str) {
        let so = async {
            while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&self.read_models).await.unwrap() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(WAIT, so).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// The folder of what people attach.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Those that the test has made.
    pub async fn events(&self) -> i64 {
        let all: i64 = sqlx::query_scalar("SELECT count(*) FROM daftar_log.events").fetch_one(&self.read_models).await.unwrap();
        all - self.before
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.now();
        if let Some((stop, _)) = &self.serving {
            stop.now();
        }
    }
}

/// A simulated gateway that calls back at this server, and what payments call it.
async fn gateway(server: SocketAddr, stop: &Stop, parts: &mut JoinSet<()>) -> (Code, Arc<dyn PaymentGateway>) {
    let secret = || Secret::new("a secret of thirty-two characters").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let callback = Link::new(&format!("http://{server}/webhooks/payments/simulated"), secret(), WAIT).unwrap();
    let serving = process::serve(listener, process::Options { callback, secret: secret() }, stop.clone().asked());
    parts.spawn(async { serving.await.unwrap() });
    compose::simulated(&url, secret()).unwrap()
}

/// The company's terms, by which supplies may be cut at any hour: tests run when they are run.
fn terms() -> Terms {
    let text = TERMS.replace("LADDER", include_str!("../../../fixtures/collections/ladder-ksa.json"));
    let text = text.replace("PLANS", include_str!("../../../fixtures/collections/plans-ksa.json"));
    text.replace("RESTORE", include_str!("../../../fixtures/collections/restore-ksa.json")).parse().unwrap()
}

/// A simulated head-end that calls back at this server.
async fn head_end(server: SocketAddr, stop: &Stop, parts: &mut JoinSet<()>) -> HeadEnd {
    let secret = || Secret::new("a secret of thirty-two characters").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let callback = Link::new(&format!("http://{server}/webhooks/switches"), secret(), WAIT).unwrap();
    let options = head_end::simulated::process::Options { callback, secret: secret() };
    let serving = head_end::simulated::process::serve(listener, options, stop.clone().asked());
    parts.spawn(async { serving.await.unwrap() });
    compose::simulated_head_end(&url, secret()).unwrap()
}

/// As whoever runs the machine makes one.
async fn create_user(app: &App, name: &str, role: Role) {
    user::register(&app.auth, UserName::new(name).unwrap(), vec![role], Password::typed(PASSWORD.to_owned())).await.unwrap();
}

async fn database() -> TestDatabase {
    test_database(&contents(), migrated).await
}

/// What all migrations together make.
pub fn contents() -> String {
    let keys: String = keyring::migrator().iter().map(|migration| format!("{:x?}", migration.checksum)).collect();
    let doors: String = auth::migrator().iter().map(|migration| format!("{:x?}", migration.checksum)).collect();
    include_str!("../../../store/migrations/0001_log.sql").to_owned() + &keys + &doors + &daftar_projections::contents()
}

pub async fn migrated(url: &str) -> anyhow::Result<()> {
    migrate::migrate_log(&url.into(), WAIT).await?;
    migrate::migrate_rest(&url.into(), WAIT).await
}
