//! What machines ask for: many readings at once, and tariffs as files (`openapi.json` says how). As thin as the resolvers, by the same rules.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use async_graphql::{Name, resolver_utils::parse_enum};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    Decider, Position, StreamName,
    ids::{MeterId, ReadingId},
    meter::{self, Meter, Reading},
};
use daftar_store::Outcome;
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Guest, Parts, refused,
    rows::{Columns, Format, Row},
    unreadable,
};
use crate::{
    app::{Published, Wish},
    caller::{Caller, Role},
    graphql::enums::ReadingKind,
    input,
    language::Language,
    problem::{Flaw, Problem},
};

/// Rows of one request.
const MOST: usize = 5_000;

/// Meters that are told at one time; the rows of one are told in their order.
const AT_ONCE: usize = 32;

const COLUMNS: &[&str] = &["meterId", "register", "kind", "value", "takenOn", "takenAt", "multiplierSeen"];

pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/v1/readings", post(readings))
        .route("/v1/tariffs", post(tariff))
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json"))))
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum Became {
    Recorded,
    /// Until somebody has looked at it.
    Held,
    /// It was recorded or held by a try before this one.
    Known,
    Refused,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RowResult {
    line: usize,
    outcome: Became,
    #[serde(skip_serializing_if = "Option::is_none")]
    reading_id: Option<ReadingId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
}

/// Sent again under the same key, a row that was recorded is recorded still, and one that was refused is tried anew.
async fn readings(
    State(parts): State<Parts>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Guest { caller, language, .. } = match parts.receive(peer, &headers).await {
        Ok(guest) => guest,
        Err(refused) => return *refused,
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unreadable(rejection.status(), rejection.body_text()),
    };
    let Some(format) = text(&headers, header::CONTENT_TYPE.as_str()).and_then(Format::of) else {
        return unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/x-ndjson or text/csv".to_owned());
    };
    let key = text(&headers, "idempotency-key").unwrap_or_default();
    match record(&parts, &caller, key, format, &body).await {
        Ok((results, unavailable)) => answer(results, unavailable, language),
        Err(problem) => refused(problem, language),
    }
}

/// Lines of the body, each with what became of it.
type Lines = Vec<(usize, Result<(ReadingId, Became), Problem>)>;

/// Every row with what became of it, and whether the log was out of reach for some.
async fn record(parts: &Parts, caller: &Caller, key: &str, format: Format, body: &[u8]) -> Result<(Lines, bool), Problem> {
    caller.staff(&[Role::Technician, Role::Billing])?;
    let whole = Wish::new(&parts.app, caller, "recordReadings", key, Utc::now()).map_err(named_by_its_header)?;
    let text = std::str::from_utf8(body).map_err(|error| Problem::invalid("", Flaw::Unreadable { reason: error.to_string() }))?;
    let rows = format.rows(text, COLUMNS)?;
    if rows.len() > MOST {
        return Err(Problem::invalid("", Flaw::TooMany { most: MOST }));
    }
    let (mut by_meter, mut results) = (BTreeMap::<MeterId, Vec<_>>::new(), vec![]);
    for Row { line, columns } in rows {
        match columns.and_then(|columns| Sent::of(&columns)) {
            Ok(sent) => by_meter.entry(sent.meter_id).or_default().push((line, sent)),
            Err(problem) => results.push((line, Err(problem))),
        }
    }
    let (unavailable, whole) = (AtomicBool::new(false), &whole);
    let meters = stream::iter(by_meter.into_values()).map(|rows| {
        let unavailable = &unavailable;
        async move {
            let mut results = vec![];
            for (line, sent) in rows {
                // Who is out of reach for one is so for all: each would only wait as long.
                let result = match unavailable.load(Ordering::Relaxed) {
                    true => Err(Problem::Unavailable("the log was out of reach for a row before it".into())),
                    false => sent.record(whole).await,
                };
                if matches!(result, Err(Problem::Unavailable(_))) {
                    unavailable.store(true, Ordering::Relaxed);
                }
                results.push((line, result));
            }
            results
        }
    });
    let told: Vec<_> = meters.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().flatten().collect();
    let last = told.iter().filter_map(|(_, result)| result.as_ref().ok()).map(|recorded| recorded.position).max();
    if let Some(last) = last {
        // So that whoever sent them finds them.
        whole.written(&[Meter::CATEGORY], last).await?;
    }
    results.extend(told.into_iter().map(|(line, result)| (line, result.map(|recorded| (recorded.reading_id, recorded.became)))));
    results.sort_unstable_by_key(|(line, _)| *line);
    Ok((results, unavailable.into_inner()))
}

fn answer(results: Lines, unavailable: bool, language: Language) -> Response {
    let results: Vec<_> = results
        .into_iter()
        .map(|(line, result)| match result {
            Ok((reading_id, outcome)) => RowResult { line, outcome, reading_id: Some(reading_id), problem: None },
            Err(problem) => RowResult { line, outcome: Became::Refused, reading_id: None, problem: Some(told(problem, language)) },
        })
        .collect();
    let count = |became| results.iter().filter(|result| result.outcome == became).count();
    let body = json!({ "rows": results.len(), "recorded": count(Became::Recorded), "held": count(Became::Held), "known": count(Became::Known),
        "refused": count(Became::Refused), "results": results });
    let retry = Problem::Unavailable("some rows".into()).retry_after().unwrap_or_default();
    match unavailable {
        true => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, retry.to_string())], Json(body)).into_response(),
        false => Json(body).into_response(),
    }
}

/// Publishes the tariff that the body is the file of.
async fn tariff(
    State(parts): State<Parts>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<String, axum::extract::rejection::StringRejection>,
) -> Response {
    let Guest { caller, language, .. } = match parts.receive(peer, &headers).await {
        Ok(guest) => guest,
        Err(refused) => return *refused,
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unreadable(rejection.status(), rejection.body_text()),
    };
    let published = async {
        caller.staff(&[Role::Billing])?;
        let key = text(&headers, "idempotency-key").unwrap_or_default();
        Wish::new(&parts.app, &caller, "publishTariff", key, Utc::now()).map_err(named_by_its_header)?.publish_tariff(&body).await
    };
    match published.await {
        Ok(Published { code, series, written }) => {
            let position = written.position.to_string();
            Json(json!({ "code": code, "series": series, "position": position, "readable": written.readable })).into_response()
        }
        Err(problem) => refused(problem, language),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub fn named_by_its_header(problem: Problem) -> Problem {
    match problem {
        Problem::Invalid { flaw, .. } => Problem::invalid("Idempotency-Key", flaw),
        other => other,
    }
}

/// A reading as a row says it.
struct Sent {
    meter_id: MeterId,
    register: daftar_domain::Code,
    kind: meter::ReadingKind,
    value: rust_decimal::Decimal,
    taken_on: NaiveDate,
    taken_at: DateTime<Utc>,
    multiplier_seen: Option<rust_decimal::Decimal>,
}

struct Recorded {
    reading_id: ReadingId,
    became: Became,
    position: Position,
}

impl Sent {
    fn of(columns: &Columns) -> Result<Self, Problem> {
        let kind = parse_enum::<ReadingKind>(async_graphql::Value::Enum(Name::new(columns.optional("kind").unwrap_or("SMART"))));
        let number = |column: &'static str, text: &str| {
            rust_decimal::Decimal::from_str_exact(text).map_err(|_| Problem::invalid(column, Flaw::NotADecimal))
        };
        Ok(Self {
            meter_id: input::id("meterId", columns.text("meterId")?, MeterId::new)?,
            register: input::code("register", columns.text("register")?)?,
            kind: kind.map_err(|_| Problem::invalid("kind", Flaw::Unknown))?.into(),
            value: number("value", columns.text("value")?)?,
            taken_on: day("takenOn", columns.text("takenOn")?)?,
            taken_at: columns.text("takenAt")?.parse().map_err(|_| instant("takenAt"))?,
            multiplier_seen: columns.optional("multiplierSeen").map(|text| number("multiplierSeen", text)).transpose()?,
        })
    }

    /// A wish of its own under the whole's key: where it stands in the body does not matter, nor what else is in there.
    async fn record(self, whole: &Wish<'_>) -> Result<Recorded, Problem> {
        let Self { meter_id, register, kind, value, taken_on, taken_at, multiplier_seen } = self;
        let context = whole.part(&format!("{meter_id} {register} {}", taken_at.to_rfc3339()));
        let wish = Wish { context, ..*whole };
        let reading_id = wish.created_in(meter_id, "reading", ReadingId::new);
        let reading = Reading { reading_id, register, kind, value, taken_on, taken_at };
        let (command, said) = wish.reading(reading, None, multiplier_seen);
        let stream = StreamName::of::<Meter>(meter_id);
        let outcome = wish.app.engine.execute_as::<Meter>(&stream, &wish.context, command, said).await?;
        let position = outcome.position().ok_or(Problem::NotFound)?;
        let became = match outcome {
            Outcome::Recorded { events, .. } if events.iter().any(|event| matches!(event, meter::Event::ReadingHeld(_))) => Became::Held,
            Outcome::Recorded { .. } => Became::Recorded,
            Outcome::AlreadyTrue { .. } => Became::Known,
        };
        Ok(Recorded { reading_id, became, position })
    }
}

fn day(column: &'static str, text: &str) -> Result<NaiveDate, Problem> {
    // Ten characters, as everywhere: chrono also reads years that neither people nor PostgreSQL know.
    text.parse().ok().filter(|_| text.len() == 10).ok_or(Problem::invalid(column, Flaw::NotADate))
}

fn instant(column: &'static str) -> Problem {
    Problem::invalid(column, Flaw::Unreadable { reason: "it must be an instant such as 2026-01-31T12:00:00Z".to_owned() })
}

/// A row's problem: its column by its own name, else as everywhere.
fn told(problem: Problem, language: Language) -> Value {
    let error = problem.answer(language);
    let mut told = json!({ "message": error.message });
    if let (Some(told), Ok(Value::Object(extensions))) = (told.as_object_mut(), serde_json::to_value(error.extensions)) {
        told.extend(extensions.into_iter().map(|(name, value)| (if name == "field" { "column".to_owned() } else { name }, value)));
    }
    told
}
