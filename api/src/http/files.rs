//! Files that belong to repairs: sent as they are, and given back to whoever may see them.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    body::{Body, BodyDataStream},
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{Guest, Parts, machines::named_by_its_header, refused};
use crate::{
    app::{Sent, Wish},
    files::{LARGEST, Unfit},
    problem::Problem,
};

/// For how long what was refused is still taken, and without a word.
const LINGER: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(500);

pub const UPLOAD: &str = "/v1/repairs/{repair}/files";

pub fn routes() -> Router<Parts> {
    Router::new().route(UPLOAD, post(attach)).route("/v1/repairs/{repair}/files/{file}", get(download))
}

/// What is said of a file beside its bytes.
#[derive(Debug, Deserialize)]
struct Said {
    /// As its sender calls it.
    #[serde(default)]
    name: String,
    /// For staff alone.
    #[serde(default)]
    internal: bool,
}

/// The body is the file.
async fn attach(
    State(parts): State<Parts>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(repair): Path<String>,
    Query(said): Query<Said>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Guest { caller, language, .. } = match parts.receive(peer, &headers).await {
        Ok(guest) => guest,
        Err(refused) => return *refused,
    };
    let mut body = body.into_data_stream();
    let attached = async {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if text("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(Problem::Unfit(Unfit::Packed));
        }
        let key = text("idempotency-key").unwrap_or_default();
        let wish = Wish::new(&parts.app, &caller, "attachFile", key, Utc::now()).map_err(named_by_its_header)?;
        if text("content-length").and_then(|length| length.parse().ok()).is_some_and(|length: u64| length > LARGEST) {
            return Err(Problem::Unfit(Unfit::TooLarge { most: LARGEST }));
        }
        wish.attach(&repair, Sent { name: said.name, internal: said.internal, body: &mut body }).await
    };
    let attached = attached.await;
    if attached.is_err() {
        linger(&mut body).await;
    }
    match attached {
        Ok(attached) => {
            let body = json!({ "fileId": attached.id, "mediaType": attached.media_type, "bytes": attached.bytes, "sha256": attached.digest,
                "position": attached.written.position.to_string(), "readable": attached.written.readable });
            (StatusCode::CREATED, Json(body)).into_response()
        }
        Err(problem) => refused(problem, language),
    }
}

/// Whoever still sends hears nothing before they have sent, so what comes is taken and thrown away for a while.
async fn linger(body: &mut BodyDataStream) {
    let all = async { while let Ok(Some(Ok(_))) = timeout(SILENCE, body.next()).await {} };
    drop(timeout(LINGER, all).await);
}

/// Nothing of it is shown or run by a browser in our name: it is a download, and of the type that it was found to be.
async fn download(
    State(parts): State<Parts>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((repair, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Guest { caller, language, .. } = match parts.receive(peer, &headers).await {
        Ok(guest) => guest,
        Err(refused) => return *refused,
    };
    match parts.app.attached(&caller, &repair, &file).await {
        Ok((file, bytes)) => {
            let mut response = bytes.into_response();
            let headers = response.headers_mut();
            let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"));
            headers.insert(header::CONTENT_TYPE, value(&file.media_type));
            headers.insert(header::CONTENT_DISPOSITION, disposition(file.name.as_deref().unwrap_or("file")));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            response
        }
        Err(problem) => refused(problem, language),
    }
}

/// Under the name that its sender gave it, in the way of RFC 6266: letters of all scripts are written as percents.
fn disposition(name: &str) -> HeaderValue {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let encoded = name.bytes().fold(String::new(), |mut text, byte| {
        if plain(byte) {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    });
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}")).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(disposition("مبرد 1.jpg").to_str().unwrap(), "attachment; filename*=UTF-8''%D9%85%D8%A8%D8%B1%D8%AF%201.jpg");
        assert_eq!(disposition("a\"; filename=\"b.exe\r\nX: y").to_str().unwrap().matches('"').count(), 0);
    }
}
