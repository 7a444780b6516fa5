//! The simulated gateway as others see it: an HTTP server that keeps its payments in memory and calls back.
//!
//! Besides what a gateway does it can be told how to do it: `POST /control` sets its mood, `POST /control/{payment}` makes something happen to a payment.
//! Whatever it is told, it says so: delays, failures, repetitions, forgeries and silence are what real ones do.

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
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::Utc;
use daftar_domain::{
    Code, Money,
    account::Tender,
    ids::{PaymentId, RefundId},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{net::TcpListener, time::sleep};
use uuid::Uuid;

use super::{Inquiry, page};
use crate::gateway::{Accepted, Link, Order, Outcome, RefundOrder, RefundReport, Report, Secret, signature::header, wire::Refusal};

/// A callback that is not taken is made again, after longer and longer pauses, and then no more.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How it treats whatever comes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Mood {
    /// Takes what it is sent, and never answers.
    pub silent: bool,
    /// Knows nothing of new payments, as if they had been lost on the way.
    pub loses_payments: bool,
    pub refunds: Refunds,
    /// What happens to every new payment by itself, a moment after it was started.
    pub then: Option<Act>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refunds {
    #[default]
    Pay,
    Fail,
    /// For as long as this lasts.
    Wait,
}

/// Something that happens to a payment, and how it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Act {
    /// Nothing, if it is only told of.
    pub verdict: Option<Verdict>,
    /// How often it calls back.
    pub callbacks: u32,
    /// Before it calls.
    pub delay_ms: u64,
    /// Signs the callback with a key of its own.
    pub forged: bool,
    /// In place of the amount that was paid.
    pub minor: Option<i64>,
    /// In place of its own reference.
    pub reference: Option<Code>,
}

impl Default for Act {
    fn default() -> Self {
        Self { verdict: None, callbacks: 1, delay_ms: 0, forged: false, minor: None, reference: None }
    }
}

/// In whatever order: a payment that was declined may yet be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    Pay,
    Decline,
    Expire,
}

/// What was answered to each callback; zero, if nothing was.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    pub answers: Vec<u16>,
}

#[derive(Debug)]
pub struct Options {
    /// The engine, such as http://127.0.0.1:8080/webhooks/payments/simulated.
    pub callback: Link,
    pub secret: Secret,
}

struct Held {
    order: Order,
    report: Report,
}

#[derive(Default)]
struct Books {
    mood: Mood,
    payments: HashMap<PaymentId, Held>,
    refunds: HashMap<RefundId, (RefundOrder, RefundReport)>,
}

#[derive(Clone)]
struct Gateway {
    books: Arc<Mutex<Books>>,
    options: Arc<Options>,
    address: String,
}

/// Serves until the future ends.
pub async fn serve(listener: TcpListener, options: Options, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    let gateway = Gateway { books: Arc::default(), options: Arc::new(options), address };
    let router = Router::new()
        .route("/payments", post(start))
        .route("/inquiries", post(inquire))
        .route("/refunds", post(refund))
        .route("/checkout/{payment}", get(checkout))
        .route("/checkout/{payment}/{verdict}", post(check_out))
        .route("/control", post(control))
        .route("/control/{payment}", post(act))
        .with_state(gateway);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

impl Gateway {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request says, if the engine has signed it; and never, while the gateway is silent.
    async fn read<A: DeserializeOwned>(&self, headers: &HeaderMap, body: &[u8]) -> Result<A, Response> {
        let silent = self.books().mood.silent;
        if silent {
            std::future::pending::<()>().await;
        }
        if self.options.secret.verify(header(headers), body, Utc::now()).is_err() {
            return Err(refuse(StatusCode::UNAUTHORIZED, "bad-signature"));
        }
        serde_json::from_slice(body).map_err(|_| refuse(StatusCode::BAD_REQUEST, "not-understood"))
    }

    /// Makes it so, and says what is to be told of it.
    fn happens(&self, payment_id: PaymentId, act: &Act) -> Option<Report> {
        let mut books = self.books();
        let held = books.payments.get_mut(&payment_id)?;
        if let Some(verdict) = act.verdict {
            held.report.at = Utc::now();
            held.report.outcome = match verdict {
                Verdict::Pay => Outcome::Completed { tender: Tender::Card, amount: held.order.amount },
                Verdict::Decline => Outcome::Failed { cause: code("declined") },
                Verdict::Expire => Outcome::Failed { cause: code("expired") },
            };
        }
        let mut told = held.report.clone();
        if let (Outcome::Completed { amount, .. }, Some(minor)) = (&mut told.outcome, act.minor) {
            *amount = Money { minor, ..*amount };
        }
        told.reference = act.reference.clone().unwrap_or(told.reference);
        Some(told)
    }

    async fn tell(&self, act: &Act, report: &Report) -> Told {
        sleep(Duration::from_millis(act.delay_ms)).await;
        let forger = Secret::new("x".repeat(64)).expect("long enough");
        let secret = if act.forged { &forger } else { &self.options.secret };
        let mut answers = Vec::new();
        for _ in 0..act.callbacks {
            answers.push(self.call(report, secret).await);
        }
        Told { answers }
    }

    /// Until it is taken or refused.
    async fn call(&self, report: &Report, secret: &Secret) -> u16 {
        let body = serde_json::to_vec(report).expect("a report can be written");
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.options.callback.post("", body.clone(), secret).await {
                Ok((status, _)) if !status.is_server_error() => return status.as_u16(),
                Ok(_) | Err(_) => sleep(pause).await,
            }
            pause *= 2;
        }
        self.options.callback.post("", body, secret).await.map_or(0, |(status, _)| status.as_u16())
    }
}

async fn start(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Response {
    let order: Order = match gateway.read(&headers, &body).await {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    let payment_id = order.payment_id;
    let (accepted, then) = {
        let mut books = gateway.books();
        let Mood { then, loses_payments, .. } = books.mood.clone();
        let reference = code(&format!("SIM-{payment_id}"));
        let accepted = Accepted { reference: reference.clone(), checkout: format!("{}/checkout/{payment_id}", gateway.address) };
        match books.payments.get(&payment_id) {
            Some(held) if held.order == order => (accepted, None),
            Some(_) => return refuse(StatusCode::CONFLICT, "payment-id-reused"),
            None if loses_payments => (accepted, None),
            None => {
                let report = Report { payment_id, reference, at: Utc::now(), outcome: Outcome::Pending };
                books.payments.insert(payment_id, Held { order, report });
                (accepted, then)
            }
        }
    };
    if let Some(act) = then {
        let gateway = gateway.clone();
        tokio::spawn(async move {
            if let Some(report) = gateway.happens(payment_id, &act) {
                gateway.tell(&act, &report).await;
            }
        });
    }
    Json(accepted).into_response()
}

async fn inquire(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Response {
    match gateway.read::<Inquiry>(&headers, &body).await {
        Ok(Inquiry { payment_id }) => match gateway.books().payments.get(&payment_id) {
            Some(held) => Json(&held.report).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Err(refusal) => refusal,
    }
}

/// Of what was paid, and no more than that in all.
async fn refund(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Response {
    let order: RefundOrder = match gateway.read(&headers, &body).await {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    let mut books = gateway.books();
    if let Some((before, report)) = books.refunds.get(&order.refund_id) {
        return if *before == order { Json(report).into_response() } else { refuse(StatusCode::CONFLICT, "refund-id-reused") };
    }
    let paid = books.payments.get(&order.payment_id).and_then(|held| match &held.report.outcome {
        Outcome::Completed { amount, .. } => Some(*amount),
        Outcome::Pending | Outcome::Failed { .. } => None,
    });
    let Some(paid) = paid else { return refuse(StatusCode::CONFLICT, "not-paid") };
    let is_of_it =
        |(of, report): &&(RefundOrder, RefundReport)| of.payment_id == order.payment_id && matches!(report, RefundReport::Completed { .. });
    let refunded: i64 = books.refunds.values().filter(is_of_it).map(|(of, _)| of.amount.minor).sum();
    if order.amount.currency != paid.currency || paid.minor - refunded < order.amount.minor {
        return refuse(StatusCode::CONFLICT, "more-than-was-paid");
    }
    let at = Utc::now();
    let report = match books.mood.refunds {
        Refunds::Pay => RefundReport::Completed { reference: code(&format!("SIM-{}", order.refund_id)), at },
        Refunds::Fail => RefundReport::Failed { cause: code("card-closed"), at },
        Refunds::Wait => return Json(RefundReport::Pending).into_response(),
    };
    books.refunds.insert(order.refund_id, (order, report.clone()));
    Json(report).into_response()
}

async fn control(State(gateway): State<Gateway>, Json(mood): Json<Mood>) -> StatusCode {
    gateway.books().mood = mood;
    StatusCode::NO_CONTENT
}

/// Answers once it has called back.
async fn act(State(gateway): State<Gateway>, Path(payment): Path<Uuid>, Json(act): Json<Act>) -> Response {
    match gateway.happens(PaymentId::new(payment), &act) {
        Some(report) => Json(gateway.tell(&act, &report).await).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn checkout(State(gateway): State<Gateway>, Path(payment): Path<Uuid>) -> Response {
    match gateway.books().payments.get(&PaymentId::new(payment)) {
        Some(Held { order, report }) => Html(page::checkout(order, report)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What the customer chose on the page.
async fn check_out(State(gateway): State<Gateway>, Path((payment, verdict)): Path<(Uuid, Verdict)>) -> Response {
    let act = Act { verdict: Some(verdict), ..Act::default() };
    let Some(report) = gateway.happens(PaymentId::new(payment), &act) else { return StatusCode::NOT_FOUND.into_response() };
    tokio::spawn(async move { gateway.tell(&act, &report).await });
    Redirect::to(&format!("/checkout/{payment}")).into_response()
}

fn refuse(status: StatusCode, cause: &str) -> Response {
    (status, Json(Refusal { cause: code(cause) })).into_response()
}

fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}
