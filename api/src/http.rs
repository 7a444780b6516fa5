//! The HTTP face: GraphQL, and what machines ask to know whether we are well.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{ErrorExtensionValues, Pos, Request, Response, http::GraphiQLSource};
use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Request as HttpRequest, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response as HttpResponse},
    routing::get,
};
use chrono::Utc;
use daftar_billing::gateway::webhook;
use sqlx::PgPool;
use tokio::{net::TcpListener, time::timeout};

use crate::{
    app::App,
    auth::{Auth, Visitor},
    graphql::{self, DaftarSchema, users::Refusals},
    language::Language,
    problem::Problem,
    seal,
    stop::Stop,
};

const LARGEST_BODY: usize = 1024 * 1024;

/// How long requests under way may take to end once we are to stop.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Parts {
    schema: DaftarSchema,
    auth: Auth,
    read_models: PgPool,
}

pub fn router(app: App) -> Router {
    let gateways_call = webhook::router(app.payments.clone());
    let parts = Parts { read_models: app.read_models.clone(), auth: app.auth.clone(), schema: graphql::schema(app) };
    Router::new()
        .merge(seal::routes(parts.read_models.clone()))
        .route("/graphql", get(graphiql).post(answer))
        .route("/health/live", get(async || "alive"))
        .route("/health/ready", get(ready))
        .with_state(parts)
        .merge(gateways_call)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(log))
}

/// Serves until `stop`, and then until requests under way have been answered.
pub async fn serve(listener: TcpListener, app: App, stop: Stop) -> io::Result<()> {
    let drained =
        axum::serve(listener, router(app).into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(stop.clone().asked());
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
    let request = match body {
        Ok(Json(request)) => request,
        Err(rejection) => {
            let refused = Response::from_errors(vec![coded(async_graphql::ServerError::new(rejection.body_text(), None), "BAD_REQUEST")]);
            return (rejection.status(), Json(refused)).into_response();
        }
    };
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let language = Language::accepted(text(header::ACCEPT_LANGUAGE));
    let (caller, session) = match parts.auth.bearer(text(header::AUTHORIZATION), Utc::now()).await {
        Ok(known) => known,
        Err(problem) => return refused(problem, language),
    };
    let visitor = Visitor { address: peer.ip(), agent: text(header::USER_AGENT).map(|agent| agent.chars().take(200).collect()), session };
    let (user, refusals) = (caller.user().ok(), Arc::new(Refusals::default()));
    let request = request.data(language).data(caller).data(visitor.clone()).data(Arc::clone(&refusals));
    let mut response = parts.schema.execute(request).await;
    for (act, code) in refusals.take() {
        if let Err(problem) = parts.auth.refused(&act, code, user, &visitor, Utc::now()).await {
            tracing::warn!(act, code, ?problem, "a refusal cannot be noted");
        }
    }
    // What has no code by now was refused by GraphQL itself: it does not fit the schema, or is too much.
    response.errors = response.errors.into_iter().map(|error| coded(error, "INVALID_QUERY")).collect();
    Json(response).into_response()
}

/// The whole request, before any of it was looked at.
fn refused(problem: Problem, language: Language) -> HttpResponse {
    let status = match &problem {
        Problem::Auth(_) => StatusCode::UNAUTHORIZED,
        Problem::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
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

fn coded(mut error: async_graphql::ServerError, code: &'static str) -> async_graphql::ServerError {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    error
}

/// The stock page: it loads its script from a public CDN, so without one it stays blank.
async fn graphiql() -> Html<String> {
    Html(GraphiQLSource::build().endpoint("/graphql").title("Daftar").finish())
}

/// Ready is who can reach the read models.
async fn ready(State(parts): State<Parts>) -> (StatusCode, &'static str) {
    match timeout(Duration::from_secs(1), sqlx::query("SELECT 1").execute(&parts.read_models)).await {
        Ok(Ok(_)) => (StatusCode::OK, "ready"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached"),
    }
}

/// One line per request. Neither query nor body is in it: they hold what people typed.
async fn log(request: HttpRequest, next: Next) -> HttpResponse {
    let (method, path, started) = (request.method().clone(), request.uri().path().to_owned(), Instant::now());
    let response = next.run(request).await;
    tracing::info!(%method, path, status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
    response
}
