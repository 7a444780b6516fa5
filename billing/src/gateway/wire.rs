//! Signed JSON over HTTP, one connection for each message: payments and switches are few, and nothing is left open to go stale.

use std::{fmt, time::Duration};

use axum::http::{Method, Request, StatusCode, Uri, header};
use bytes::Bytes;
use chrono::Utc;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};

use super::{GatewayError, Source, signature};
use crate::gateway::Secret;

const LARGEST_ANSWER: usize = 64 * 1024;

/// Where the other side is, and the secret that it shares with us.
#[derive(Clone)]
pub struct Link {
    authority: String,
    path: String,
    secret: Secret,
    patience: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not the address of a service: http://host:port")]
pub struct BadUrl(String);

/// Why a gateway will not, in its own words.
#[derive(Debug, serde::Deserialize, Serialize)]
pub(crate) struct Refusal {
    pub cause: daftar_domain::Code,
}

impl Link {
    /// Unencrypted, so for this machine and private networks.
    pub fn new(url: &str, secret: Secret, patience: Duration) -> Result<Self, BadUrl> {
        let bad = || BadUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|authority| uri.scheme_str() == Some("http") && authority.port().is_some());
        let authority = authority.ok_or_else(bad)?.to_string();
        Ok(Self { authority, path: uri.path().trim_end_matches('/').to_owned(), secret, patience })
    }

    /// What the other side answers, if it has anything to say of it.
    pub(crate) async fn ask<A: DeserializeOwned>(&self, path: &str, message: &impl Serialize) -> Result<Option<A>, GatewayError> {
        let body = serde_json::to_vec(message).map_err(no_answer)?;
        let (status, answer) = self.post(path, body, &self.secret).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => serde_json::from_slice(&answer).map(Some).map_err(no_answer),
            status if status.is_client_error() => {
                let Refusal { cause } = serde_json::from_slice(&answer).map_err(no_answer)?;
                Err(GatewayError::Refused { cause })
            }
            status => Err(no_answer(format!("it answers {status}"))),
        }
    }

    /// Signed with this secret, which need not be the one that is shared: some things are sent to be refused.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>, secret: &Secret) -> Result<(StatusCode, Bytes), GatewayError> {
        let signature = secret.sign(&body, Utc::now());
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.path))
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(signature::HEADER, signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(no_answer)?;
        timeout(self.patience, self.send(request)).await.map_err(no_answer)?
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), GatewayError> {
        let socket = TcpStream::connect(&self.authority).await.map_err(no_answer)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(no_answer)?;
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(no_answer)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await.map_err(no_answer)?;
            Ok((status, body.to_bytes()))
        };
        // The connection has to be driven for as long as the answer takes, and no longer.
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = connection => match ended {
                Ok(()) => exchange.await,
                Err(error) => Err(no_answer(error)),
            },
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link(http://{}{})", self.authority, self.path)
    }
}

fn no_answer(source: impl Into<Source>) -> GatewayError {
    GatewayError::NoAnswer(source.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_meant_is_refused_by_name() {
        let link = |url| Link::new(url, Secret::new("k".repeat(32)).unwrap(), Duration::from_secs(1));
        assert_eq!(format!("{:?}", link("http://127.0.0.1:9/pay/").unwrap()), "Link(http://127.0.0.1:9/pay)");
        for url in ["", "127.0.0.1:9", "https://127.0.0.1:9", "http://127.0.0.1", "ftp://h:1"] {
            assert_eq!(link(url).unwrap_err(), BadUrl(url.to_owned()));
        }
    }
}
