//! The HTTP face: GraphQL, and what machines ask to know whether we are well.

mod explorer;
mod files;
mod headers;
pub mod limits;
mod machines;
mod metrics;
mod rows;
mod socket;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{ErrorExtensionValues, Pos, Request, Response, parser::types::OperationType};
use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request as HttpRequest, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response as HttpResponse},
    routing::{get, post},
};
use chrono::Utc;
use daftar_billing::{gateway::webhook, head_end};
use daftar_domain::ids::UserId;
use futures::FutureExt;
use tokio::{net::TcpListener, time::timeout};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use self::{
    limits::{Debts, Rate, Who, network},
    metrics::Metrics,
};
use crate::{
    app::App,
    auth::{Refusal, Visitor},
    caller::{Caller, Role},
    files::Unfit,
    graphql::{self, DaftarSchema, users::Refusals},
    language::Language,
    problem::Problem,
    seal,
    stop::Stop,
};

const LARGEST_BODY: usize = 1024 * 1024;

/// Of the query itself; what people typed travels in variables. Checking a query takes longer than in proportion to its length.
const LONGEST_QUERY: usize = 32 * 1024;

/// How long requests under way may take to end once we are to stop.
const GRACE: Duration = Duration::from_secs(10);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How the door is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    pub per_user: Rate,
    pub per_address: Rate,
    /// How long a request may take, and each of its SQL statements.
    pub patience: Duration,
    /// Whether the last address that a proxy noted in `X-Forwarded-For` is the visitor's.
    pub behind_proxy: bool,
    /// Whose pages may read our answers, such as `https://portal.example`.
    pub origins: Vec<HeaderValue>,
    /// Whether there is a page to try queries on.
    pub explorer: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            per_user: Rate { per_second: 100, burst: 400 },
            per_address: Rate { per_second: 1_000, burst: 4_000 },
            patience: Duration::from_secs(30),
            behind_proxy: false,
            origins: vec![],
            explorer: false,
        }
    }
}

#[derive(Clone)]
struct Parts {
    schema: DaftarSchema,
    app: App,
    debts: Arc<Debts>,
    metrics: Arc<Metrics>,
    stop: Stop,
}

pub fn router(app: App, stop: Stop) -> Router {
    let gateways_call = webhook::router(app.payments.clone());
    let head_ends_call = app.switching().map(head_end::webhook::router).unwrap_or_default();
    let (origins, explorer) = (headers::Origins::from(app.door.origins.clone()), app.door.explorer);
    let (debts, metrics) = (Arc::default(), Arc::<Metrics>::default());
    let parts = Parts { schema: graphql::schema(app.clone()), app, debts, metrics: Arc::clone(&metrics), stop };
    let router = Router::new()
        .merge(seal::routes(parts.app.read_models.clone()))
        .route("/graphql", post(answer).get(socket::connect))
        .merge(machines::routes())
        .merge(files::routes())
        .route("/health/live", get(async || "alive"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(measured));
    let router = if explorer { router.merge(explorer::routes()) } else { router };
    router
        .with_state(parts)
        .merge(gateways_call)
        .merge(head_ends_call)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(metrics, watch))
        .layer(middleware::from_fn_with_state(origins, headers::add))
}

/// Serves until `stop`, and then until requests under way have been answered.
pub async fn serve(listener: TcpListener, app: App, stop: Stop) -> io::Result<()> {
    let service = router(app, stop.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let drained = axum::serve(listener, service).with_graceful_shutdown(stop.clone().asked());
    tokio::select! {
        served = drained => served,
        () = async { stop.asked().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

async fn answer(
    State(parts): State<Parts>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Json<Request>, JsonRejection>,
) -> HttpResponse {
    let Guest { caller, visitor, language } = match parts.receive(peer, &headers).await {
        Ok(guest) => guest,
        Err(refused) => return *refused,
    };
    let mut request = match body {
        Ok(Json(request)) => request,
        Err(rejection) => {
            return unreadable(rejection.status(), rejection.body_text());
        }
    };
    if request.query.len() > LONGEST_QUERY {
        let error = async_graphql::ServerError::new(format!("Query is longer than {LONGEST_QUERY} bytes."), None);
        return Json(Response::from_errors(vec![coded(error, "INVALID_QUERY")])).into_response();
    }
    parts.schema.read(&mut request);
    let kind = kind(&mut request);
    let (user, refusals) = (caller.user().ok(), Arc::new(Refusals::default()));
    let request = request.data(language).data(caller).data(visitor.clone()).data(Arc::clone(&refusals));
    let Ok(mut response) = timeout(parts.app.door.patience, parts.schema.execute(request)).await else {
        parts.metrics.operation(kind, "late");
        return refused(Problem::Unavailable("the request took too long".into()), language);
    };
    for (act, code) in refusals.take() {
        parts.note_refused(&act, code, user, &visitor).await;
    }
    parts.metrics.operation(kind, outcome(&response.errors));
    // What has no code by now was refused by GraphQL itself: it does not fit the schema, or is too much.
    response.errors = response.errors.into_iter().map(|error| coded(error, "INVALID_QUERY")).collect();
    let retry_after = response.errors.iter().find_map(|error| match error.extensions.as_ref()?.get("retryAfter")? {
        async_graphql::Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    });
    let mut response = ([(header::CONTENT_TYPE, "application/json")], graphql::json(&response)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What came of it. `failed` is what we are to blame for, or something that we need: whoever asked may ask the same again.
fn outcome(errors: &[async_graphql::ServerError]) -> &'static str {
    let mut codes = errors.iter().filter_map(|error| error.extensions.as_ref()?.get("code"));
    let ours =
        |code: &async_graphql::Value| matches!(code, async_graphql::Value::String(code) if code == "INTERNAL" || code == "UNAVAILABLE");
    match errors {
        [] => "answered",
        _ if codes.any(ours) => "failed",
        _ => "refused",
    }
}

fn kind(request: &mut Request) -> &'static str {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return "unreadable" };
    let mut operations = document.operations.iter();
    let asked = operations.find(|(operation, _)| name.as_deref().is_none_or(|name| operation.is_some_and(|operation| operation == name)));
    match asked.map(|(_, operation)| operation.node.ty) {
        Some(OperationType::Query) => "query",
        Some(OperationType::Mutation) => "mutation",
        Some(OperationType::Subscription) => "subscription",
        None => "unreadable",
    }
}

/// Whoever sends a request, once they have been looked at.
#[derive(Debug)]
struct Guest {
    caller: Caller,
    visitor: Visitor,
    language: Language,
}

impl Parts {
    async fn receive(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<Guest, Box<HttpResponse>> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let language = Language::accepted(text(header::ACCEPT_LANGUAGE));
        let address = self.address(peer, headers);
        let received = async {
            self.admit(Who::Network(network(address)), self.app.door.per_address)?;
            let (caller, session) = self.app.auth.bearer(text(header::AUTHORIZATION), Utc::now()).await?;
            if let Ok(user) = caller.user() {
                tracing::Span::current().record("user", tracing::field::display(user));
                self.admit(Who::User(user), self.app.door.per_user)?;
            }
            let agent = text(header::USER_AGENT).map(|agent| agent.chars().take(200).collect());
            Ok(Guest { caller, visitor: Visitor { address, agent, session }, language })
        };
        received.await.map_err(|problem| Box::new(refused(problem, language)))
    }

    fn address(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = self.app.door.behind_proxy.then(|| forwarded(headers)).flatten();
        forwarded.unwrap_or(peer.ip())
    }

    async fn note_refused(&self, act: &str, code: &str, user: Option<UserId>, visitor: &Visitor) {
        if let Err(problem) = self.app.auth.refused(act, code, user, visitor, Utc::now()).await {
            tracing::warn!(act, code, ?problem, "a refusal cannot be noted");
        }
    }

    fn admit(&self, who: Who, rate: Rate) -> Result<(), Problem> {
        self.debts.add(who, rate, Instant::now()).map_err(|seconds| Refusal::TooManyRequests { seconds }.into())
    }
}

/// The address that the nearest proxy saw. What stands before it was said by whoever came to the proxy.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let all = headers.get_all("x-forwarded-for").into_iter().next_back()?.to_str().ok()?;
    all.rsplit(',').next()?.trim().parse().ok()
}

/// The whole request: nothing of it was done.
fn refused(problem: Problem, language: Language) -> HttpResponse {
    let status = match &problem {
        Problem::Auth(Refusal::TooManyRequests { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Problem::Auth(_) | Problem::Unauthenticated => StatusCode::UNAUTHORIZED,
        Problem::Forbidden => StatusCode::FORBIDDEN,
        Problem::NotFound => StatusCode::NOT_FOUND,
        Problem::IdempotencyKeyReused | Problem::AccountNumberTaken | Problem::MeterSerialTaken => StatusCode::CONFLICT,
        Problem::Invalid { .. }
        | Problem::Refused(_)
        | Problem::UnknownGateway(_)
        | Problem::PaymentDeclined { .. }
        | Problem::Forgotten => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::Unfit(Unfit::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        Problem::Unfit(Unfit::OtherKind | Unfit::Packed) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Problem::Unfit(Unfit::Empty | Unfit::TooManyPixels { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Problem::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let retry_after = problem.retry_after();
    let errors = vec![problem.answer(language).into_server_error(Pos::default())];
    let mut response = (status, Json(Response::from_errors(errors))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn unreadable(status: StatusCode, why: String) -> HttpResponse {
    (status, Json(Response::from_errors(vec![coded(async_graphql::ServerError::new(why, None), "BAD_REQUEST")]))).into_response()
}

/// Told by its head, so that nobody has to send it all to hear that.
fn is_too_large(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length > LARGEST_BODY)
}

fn coded(mut error: async_graphql::ServerError, code: &'static str) -> async_graphql::ServerError {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    error
}

/// Ready is who can reach the read models.
async fn ready(State(parts): State<Parts>) -> (StatusCode, &'static str) {
    match timeout(Duration::from_secs(1), sqlx::query("SELECT 1").execute(&parts.app.read_models)).await {
        Ok(Ok(_)) => (StatusCode::OK, "ready"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached"),
    }
}

/// For programs on this machine, and for staff who may see how things are.
async fn measured(State(parts): State<Parts>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> HttpResponse {
    if parts.app.door.behind_proxy || !peer.ip().to_canonical().is_loopback() {
        let Guest { caller, language, .. } = match parts.receive(peer, &headers).await {
            Ok(guest) => guest,
            Err(refused) => return *refused,
        };
        if let Err(problem) = caller.staff(&[Role::Auditor]) {
            return refused(problem, language);
        }
    }
    let text = parts.metrics.text(&parts.app.read_models, &parts.app.engine).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// One line per request, under an id that the answer carries and every line about the request has. Neither query nor body nor token is
/// in it: they hold what people typed. What panics is logged, and answered without what it said.
async fn watch(State(metrics): State<Arc<Metrics>>, request: HttpRequest, next: Next) -> HttpResponse {
    let (method, path, started) = (request.method().clone(), request.uri().path().to_owned(), Instant::now());
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unknown".to_owned(), |route| route.as_str().to_owned());
    let id = Uuid::new_v4();
    let span = tracing::info_span!("request", %id, user = tracing::field::Empty);
    // For the collector alone, if there is one. The path has ids and names of files in it, its pattern has not.
    span.set_attribute("http.request.method", method.to_string());
    span.set_attribute("http.route", route.clone());
    async move {
        let answered = async {
            // What is attached may be larger, and is measured where it is taken in.
            if route != files::UPLOAD && is_too_large(request.headers()) {
                return unreadable(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {LARGEST_BODY} bytes"));
            }
            next.run(request).await
        };
        let mut response = AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            metrics.panicked();
            refused(Problem::Internal(said.unwrap_or("a panic without words").into()), Language::default())
        });
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let status = response.status().as_u16();
        metrics.answered(&route, status, started.elapsed());
        Span::current().set_attribute("http.response.status_code", i64::from(status));
        tracing::info!(%method, path, status, elapsed = ?started.elapsed(), "answered");
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use daftar_tests::http;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_counted_and_answered_without_what_it_said() {
        async fn panics() -> StatusCode {
            panic!("the password is swordfish")
        }
        let metrics = Arc::<Metrics>::default();
        let router = Router::new().route("/panic", get(panics)).layer(middleware::from_fn_with_state(Arc::clone(&metrics), watch));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async { axum::serve(listener, router).await });
        for _ in 0..2 {
            let answer = http::get(address, "/panic").unwrap();
            assert_eq!(answer.status, 500);
            assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "INTERNAL");
            assert!(answer.json()["errors"][0]["extensions"]["incident"].is_string());
            assert!(!answer.body.contains("swordfish"), "{answer:?}");
            assert!(answer.header("X-Request-Id").is_some());
        }
        serving.abort();
    }

    #[test]
    fn what_is_our_fault_is_told_from_what_is_refused() {
        let error = |problem: Problem| problem.answer(Language::English).into_server_error(Pos::default());
        let (refused, failed) = (error(Problem::NotFound), error(Problem::Unavailable("the log is away".into())));
        assert_eq!(outcome(&[]), "answered");
        assert_eq!(outcome(std::slice::from_ref(&refused)), "refused");
        assert_eq!(outcome(&[refused, failed]), "failed");
        assert_eq!(outcome(&[error(Problem::Internal("a bug".into()))]), "failed");
    }

    #[test]
    fn only_the_nearest_proxy_is_believed() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded(&headers), None);
        headers.append("x-forwarded-for", HeaderValue::from_static("1.2.3.4"));
        headers.append("x-forwarded-for", HeaderValue::from_static("5.6.7.8, 10.0.0.9"));
        assert_eq!(forwarded(&headers), Some(IpAddr::from([10, 0, 0, 9])));
        headers.append("x-forwarded-for", HeaderValue::from_static("nonsense"));
        assert_eq!(forwarded(&headers), None);
    }
}
