//! Where gateways call.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::Utc;
use daftar_domain::Code;
use serde_json::json;

use super::{HearError, NotGenuine, Payments};

/// To be mounted at the root.
pub fn router(payments: Payments) -> Router {
    Router::new().route("/webhooks/payments/{gateway}", post(hear)).with_state(payments)
}

/// Answers with success once it is recorded and not before: what is not, the gateway says again.
async fn hear(State(payments): State<Payments>, Path(gateway): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let heard = match Code::new(gateway) {
        Ok(gateway) => payments.hear(&gateway, &headers, &body, Utc::now()).await,
        Err(error) => return answer(StatusCode::NOT_FOUND, &error.to_string()),
    };
    let Err(error) = heard else { return StatusCode::NO_CONTENT.into_response() };
    let status = match &error {
        HearError::UnknownGateway(_) | HearError::NoSuchPayment => StatusCode::NOT_FOUND,
        HearError::NotGenuine(NotGenuine::Malformed) => StatusCode::BAD_REQUEST,
        HearError::NotGenuine(NotGenuine::Unsigned | NotGenuine::Forged | NotGenuine::Stale) => StatusCode::UNAUTHORIZED,
        HearError::Store(source) => {
            tracing::error!(%source, "what a gateway says could not be recorded");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    answer(status, &error.to_string())
}

fn answer(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
