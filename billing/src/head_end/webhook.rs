//! Where head-ends call.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::Utc;
use serde_json::json;

use crate::{
    collections::{HearError, Switching},
    gateway::NotGenuine,
};

/// To be mounted at the root.
pub fn router(switching: Switching) -> Router {
    Router::new().route("/webhooks/switches", post(hear)).with_state(switching)
}

/// Answers with success once it is recorded and not before: what is not, the head-end says again.
async fn hear(State(switching): State<Switching>, headers: HeaderMap, body: Bytes) -> Response {
    let Err(error) = switching.hear(&headers, &body, Utc::now()).await else { return StatusCode::NO_CONTENT.into_response() };
    let status = match &error {
        HearError::NoHeadEnd | HearError::NoSuchOrder => StatusCode::NOT_FOUND,
        HearError::NotGenuine(NotGenuine::Malformed) => StatusCode::BAD_REQUEST,
        HearError::NotGenuine(NotGenuine::Unsigned | NotGenuine::Forged | NotGenuine::Stale) => StatusCode::UNAUTHORIZED,
        HearError::Store(source) => {
            tracing::error!(%source, "what a head-end says could not be recorded");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
