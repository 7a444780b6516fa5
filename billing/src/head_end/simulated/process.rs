//! The simulated head-end as others see it: an HTTP server that keeps its meters' switches in memory and calls back.
//!
//! Besides what a head-end does it can be told how to do it: `POST /control` sets its mood, and `GET /meters/{serial}` tells how often a switch was
//! really turned, which is what a double command would show in.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use daftar_domain::{Code, disconnection::Turn};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, time::sleep};
use uuid::Uuid;

use crate::{
    gateway::{Link, Secret, signature::header, wire::Refusal},
    head_end::{Outcome, Report, SwitchOrder},
};

/// A callback that is not taken is made again, after longer and longer pauses, and then no more.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How it treats whatever comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Mood {
    /// Takes commands, and never answers.
    pub silent: bool,
    /// Before it answers, with what there is to say by then.
    pub answers_after_ms: u64,
    /// Before a switch is turned.
    pub turns_after_ms: u64,
    /// Never hears commands, as if they had been lost on the way.
    pub loses: bool,
    /// No switch can be turned, for this cause.
    pub fails: Option<Code>,
    /// How often it calls back about a switch.
    pub callbacks: u32,
    /// Before it does.
    pub calls_after_ms: u64,
    /// Signs its callbacks with a key of its own.
    pub forged: bool,
}

impl Default for Mood {
    fn default() -> Self {
        Self {
            silent: false,
            answers_after_ms: 0,
            turns_after_ms: 0,
            loses: false,
            fails: None,
            callbacks: 1,
            calls_after_ms: 0,
            forged: false,
        }
    }
}

#[derive(Debug)]
pub struct Options {
    /// The engine, such as http://127.0.0.1:8080/webhooks/switches.
    pub callback: Link,
    pub secret: Secret,
}

#[derive(Default)]
struct Books {
    mood: Mood,
    switches: HashMap<Uuid, Report>,
    /// Every time that a meter's switch was really turned.
    turned: HashMap<Code, Vec<Turn>>,
}

#[derive(Clone)]
struct HeadEnd {
    books: Arc<Mutex<Books>>,
    options: Arc<Options>,
}

/// Serves until the future ends.
pub async fn serve(listener: TcpListener, options: Options, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let head_end = HeadEnd { books: Arc::default(), options: Arc::new(options) };
    let router = Router::new()
        .route("/switches", post(turn))
        .route("/call-backs", post(call_back))
        .route("/control", post(control))
        .route("/meters/{serial}", get(turned))
        .with_state(head_end);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

impl HeadEnd {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request says, if the engine has signed it.
    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<SwitchOrder, Box<Response>> {
        if self.options.secret.verify(header(headers), body, Utc::now()).is_err() {
            return Err(refuse(StatusCode::UNAUTHORIZED, "bad-signature").into());
        }
        serde_json::from_slice(body).map_err(|_| refuse(StatusCode::BAD_REQUEST, "not-understood").into())
    }

    /// Turns the switch, unless that was called back, and tells of it.
    async fn carry_out(self, order: SwitchOrder, mood: Mood) {
        sleep(Duration::from_millis(mood.turns_after_ms)).await;
        let told = {
            let mut books = self.books();
            let Some(report) = books.switches.get_mut(&order.switch_id).filter(|report| report.outcome == Outcome::Pending) else { return };
            report.at = Utc::now();
            report.outcome = match mood.fails {
                Some(cause) => Outcome::Failed { cause },
                None => Outcome::Done { reading: Some(Decimal::new(12_345, 1)) },
            };
            let report = report.clone();
            if matches!(report.outcome, Outcome::Done { .. }) {
                books.turned.entry(order.serial).or_default().push(order.turn);
            }
            report
        };
        sleep(Duration::from_millis(mood.calls_after_ms)).await;
        for _ in 0..mood.callbacks {
            self.call(&told, mood.forged).await;
        }
    }

    /// Until it is taken or refused.
    async fn call(&self, report: &Report, forged: bool) {
        let body = serde_json::to_vec(report).expect("a report can be written");
        let forger = Secret::new("x".repeat(64)).expect("long enough");
        let secret = if forged { &forger } else { &self.options.secret };
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            match self.options.callback.post("", body.clone(), secret).await {
                Ok((status, _)) if !status.is_server_error() => return,
                Ok(_) | Err(_) => sleep(pause).await,
            }
            pause *= 2;
        }
    }

    /// What there is to say of a switch, when it is said at all.
    async fn answer(&self, switch_id: Uuid, mood: &Mood) -> Response {
        if mood.silent {
            std::future::pending::<()>().await;
        }
        sleep(Duration::from_millis(mood.answers_after_ms)).await;
        let report = self.books().switches.get(&switch_id).cloned();
        report.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |report| Json(report).into_response())
    }
}

async fn turn(State(head_end): State<HeadEnd>, headers: HeaderMap, body: Bytes) -> Response {
    let order = match head_end.read(&headers, &body) {
        Ok(order) => order,
        Err(refusal) => return *refusal,
    };
    let switch_id = order.switch_id;
    let (mood, new) = {
        let mut books = head_end.books();
        let mood = books.mood.clone();
        let new = !books.switches.contains_key(&switch_id) && !mood.loses;
        if new {
            books.switches.insert(switch_id, report(&order, Outcome::Pending));
        }
        (mood, new)
    };
    if new {
        let carrying_out = head_end.clone().carry_out(order, mood.clone());
        if mood.turns_after_ms == 0 && mood.callbacks == 0 {
            carrying_out.await;
        } else {
            tokio::spawn(carrying_out);
        }
    }
    head_end.answer(switch_id, &mood).await
}

/// Remembered also of what it has not heard of: the command may be on its way.
async fn call_back(State(head_end): State<HeadEnd>, headers: HeaderMap, body: Bytes) -> Response {
    let order = match head_end.read(&headers, &body) {
        Ok(order) => order,
        Err(refusal) => return *refusal,
    };
    let mood = {
        let mut books = head_end.books();
        let held = books.switches.entry(order.switch_id).or_insert_with(|| report(&order, Outcome::Pending));
        if held.outcome == Outcome::Pending {
            (held.at, held.outcome) = (Utc::now(), Outcome::CalledBack);
        }
        books.mood.clone()
    };
    head_end.answer(order.switch_id, &mood).await
}

async fn control(State(head_end): State<HeadEnd>, Json(mood): Json<Mood>) -> StatusCode {
    head_end.books().mood = mood;
    StatusCode::NO_CONTENT
}

async fn turned(State(head_end): State<HeadEnd>, Path(serial): Path<String>) -> Json<Vec<Turn>> {
    let serial = Code::new(serial).ok();
    Json(serial.and_then(|serial| head_end.books().turned.get(&serial).cloned()).unwrap_or_default())
}

fn report(order: &SwitchOrder, outcome: Outcome) -> Report {
    let SwitchOrder { switch_id, disconnection_id, turn, .. } = *order;
    Report { switch_id, disconnection_id, turn, at: Utc::now(), outcome }
}

fn refuse(status: StatusCode, cause: &str) -> Response {
    (status, Json(Refusal { cause: Code::new(cause).expect("a code") })).into_response()
}
