//! Subscriptions over a WebSocket, as the protocol `graphql-transport-ws` has them.
//!
//! A socket begins with `connection_init`, whose payload holds what an HTTP request has in its headers: `{ "authorization": "Bearer …",
//! "acceptLanguage": "en" }`. From then on it is its session's: before anything is delivered, and every few seconds besides, the session is
//! looked at again, and a socket whose session has ended, whose token is too old, or whose owner may see other things than before is closed
//! (4403; whoever has a newer token connects again). Queries and mutations are answered over HTTP alone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::{Pos, Request, Response, ServerError, Value};
use axum::{
    extract::{ConnectInfo, Request as HttpRequest, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response as HttpResponse},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::Utc;
use futures::{FutureExt, SinkExt, StreamExt, stream, stream::BoxStream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use tokio::{
    select,
    time::{Instant, MissedTickBehavior, interval, timeout, timeout_at},
};
use tokio_stream::StreamMap;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tracing::Instrument;

use super::{LONGEST_QUERY, Parts, Who, coded, explorer, kind, refused, unreadable};
use crate::{auth::Visitor, caller::Caller, graphql::users::Refusals, language::Language, problem::Problem};

const PROTOCOL: &str = "graphql-transport-ws";

/// With its variables.
const LARGEST_MESSAGE: usize = 2 * LONGEST_QUERY;

/// What one socket may follow at once.
const MOST: usize = 50;

/// How long somebody who has connected may take to say who they are.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// How often we look whether the session is still there, and the other side is.
const LOOK: Duration = Duration::from_secs(5);

/// How long the other side may be silent: it answers a ping at every look.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the other side may take to read what it is sent.
const READING: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why a socket is closed. The codes are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Gone,
    Unreadable,
    NotIntroduced,
    Introduced,
    /// Something was asked for before anybody had said who asks, or by nobody.
    Unauthorized,
    /// The token is not, or no longer, believed, or what its owner may see has changed.
    Forbidden,
    Followed,
    TooMany,
    Restarting,
    Unavailable,
}

impl End {
    fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Unreadable => (4400, "Invalid message"),
            Self::NotIntroduced => (4408, "Connection initialisation timeout"),
            Self::Introduced => (4429, "Too many initialisation requests"),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::Forbidden => (4403, "Forbidden"),
            Self::Followed => (4409, "Subscriber already exists"),
            Self::TooMany => (4429, "Too many requests"),
            Self::Restarting => (1012, "Service restart"),
            Self::Unavailable => (1013, "Try again later"),
        };
        Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() })
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Introduction>,
    },
    Ping,
    Pong,
    Subscribe {
        id: String,
        payload: Box<Request>,
    },
    Complete {
        id: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Introduction {
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
    #[serde(alias = "Accept-Language", alias = "accept-language")]
    accept_language: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told<'a> {
    ConnectionAck,
    Pong,
    Next { id: &'a str, payload: &'a Response },
    Error { id: &'a str, payload: &'a [ServerError] },
    Complete { id: &'a str },
}

/// Answers the request to speak the protocol, and goes on speaking it in a task of its own.
pub async fn connect(State(parts): State<Parts>, ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: HttpRequest) -> HttpResponse {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let language = Language::accepted(text(header::ACCEPT_LANGUAGE));
    let has = |name, wanted: &str| list(headers, name).any(|part| part.eq_ignore_ascii_case(wanted));
    if !has(header::UPGRADE, "websocket") && parts.app.door.explorer {
        return explorer::page().into_response();
    }
    if !has(header::UPGRADE, "websocket") {
        return ([(header::ALLOW, HeaderValue::from_static("POST"))], StatusCode::METHOD_NOT_ALLOWED).into_response();
    }
    let (Some(key), true, true) =
        (headers.get(header::SEC_WEBSOCKET_KEY), has(header::SEC_WEBSOCKET_VERSION, "13"), has(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL))
    else {
        return unreadable(StatusCode::BAD_REQUEST, format!("a WebSocket here is of version 13 and speaks {PROTOCOL}"));
    };
    let accept = BASE64_STANDARD.encode(Sha1::new().chain_update(key.as_bytes()).chain_update(GUID).finalize());
    let (address, agent) = (parts.address(peer, headers), text(header::USER_AGENT).map(|agent| agent.chars().take(200).collect()));
    if let Err(problem) = parts.admit(Who::Network(super::network(address)), parts.app.door.per_address) {
        return refused(problem, language);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let visitor = Visitor { address, agent, session: None };
    let talk = async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return tracing::debug!(%error, "a socket was not opened"),
        };
        let limits = WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
        let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(limits)).await;
        let end = converse(&parts, &mut socket, visitor, language).await.err().unwrap_or(End::Gone);
        tracing::debug!(?end, "a socket is closed");
        if let Some(frame) = end.frame() {
            // Whoever does not take leave within the time is gone as well.
            let _ = timeout(READING, socket.close(Some(frame))).await;
            let _ = timeout(READING, async { while let Some(Ok(_)) = socket.next().await {} }).await;
        }
    };
    tokio::spawn(talk.in_current_span());
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let said = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL)),
        (header::SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accept).unwrap_or(HeaderValue::from_static(""))),
    ];
    response.headers_mut().extend(said);
    response
}

/// What RFC 6455 has the key hashed with.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

async fn converse(parts: &Parts, socket: &mut Socket, visitor: Visitor, language: Language) -> Result<(), End> {
    let mut conversation = introduced(parts, socket, visitor, language).await?;
    tell(socket, &Told::ConnectionAck).await?;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    // The sockets hear of the end themselves: the server does not wait for what is no request any more.
    let mut stop = std::pin::pin!(parts.stop.clone().asked());
    loop {
        select! {
            message = socket.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => conversation.hear(socket, &text).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Binary(_))) => return Err(End::Unreadable),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                }
            }
            Some((id, news)) = conversation.following.next() => conversation.deliver(socket, &id, news).await?,
            _ = looks.tick() => {
                if heard.elapsed() > SILENCE {
                    return Err(End::Gone);
                }
                conversation.look_again().await?;
                send(socket, Message::Ping(vec![].into())).await?;
            }
            () = &mut stop => return Err(End::Restarting),
        }
    }
}

/// Whoever has said who they are.
struct Conversation<'a> {
    parts: &'a Parts,
    token: String,
    caller: Caller,
    visitor: Visitor,
    language: Language,
    /// What is followed, by the ids that the other side gave; nothing comes from one that has ended.
    following: StreamMap<String, BoxStream<'static, Option<Response>>>,
    refusals: Arc<Refusals>,
}

async fn introduced<'a>(parts: &'a Parts, socket: &mut Socket, visitor: Visitor, language: Language) -> Result<Conversation<'a>, End> {
    let until = Instant::now() + INTRODUCTION;
    let introduction = loop {
        match timeout_at(until, socket.next()).await.map_err(|_| End::NotIntroduced)? {
            Some(Ok(Message::Text(text))) => match said(&text)? {
                Said::ConnectionInit { payload } => break payload.unwrap_or_default(),
                Said::Ping => tell(socket, &Told::Pong).await?,
                Said::Pong => {}
                Said::Subscribe { .. } | Said::Complete { .. } => return Err(End::Unauthorized),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(End::Unreadable),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        }
    };
    let token = introduction.authorization.ok_or(End::Unauthorized)?;
    let (caller, session) = parts.app.auth.bearer(Some(&token), Utc::now()).await.map_err(|problem| believed(&problem))?;
    let user = caller.user().map_err(|_| End::Unauthorized)?;
    parts.admit(Who::User(user), parts.app.door.per_user).map_err(|_| End::TooMany)?;
    tracing::Span::current().record("user", tracing::field::display(user));
    let language = introduction.accept_language.map_or(language, |liked| Language::accepted(Some(&liked)));
    let visitor = Visitor { session, ..visitor };
    Ok(Conversation { parts, token, caller, visitor, language, following: StreamMap::new(), refusals: Arc::default() })
}

fn believed(problem: &Problem) -> End {
    if matches!(problem, Problem::Auth(_)) { End::Forbidden } else { End::Unavailable }
}

impl Conversation<'_> {
    async fn hear(&mut self, socket: &mut Socket, text: &str) -> Result<(), End> {
        match said(text)? {
            Said::ConnectionInit { .. } => Err(End::Introduced),
            Said::Ping => tell(socket, &Told::Pong).await,
            Said::Pong => Ok(()),
            Said::Subscribe { id, .. } if self.following.contains_key(&id) => Err(End::Followed),
            Said::Subscribe { id, payload } => match self.follow(id.clone(), *payload) {
                Ok(()) => Ok(()),
                Err(error) => tell(socket, &Told::Error { id: &id, payload: &[*error] }).await,
            },
            Said::Complete { id } => {
                self.following.remove(&id);
                Ok(())
            }
        }
    }

    fn follow(&mut self, id: String, mut request: Request) -> Result<(), Box<ServerError>> {
        let invalid = |why: String| Box::new(coded(ServerError::new(why, None), "INVALID_QUERY"));
        let user = self.caller.user().map_err(|problem| self.in_words(problem))?;
        self.parts.admit(Who::User(user), self.parts.app.door.per_user).map_err(|problem| self.in_words(problem))?;
        if request.query.len() > LONGEST_QUERY {
            return Err(invalid(format!("Query is longer than {LONGEST_QUERY} bytes.")));
        }
        if self.following.len() >= MOST {
            return Err(invalid(format!("One socket follows up to {MOST} things.")));
        }
        match kind(&mut request) {
            "query" | "mutation" => return Err(invalid("Queries and mutations are answered over HTTP.".to_owned())),
            kind => self.parts.metrics.operation(kind, "answered"),
        }
        let request = request.data(self.language).data(self.caller.clone()).data(self.visitor.clone()).data(Arc::clone(&self.refusals));
        let answers = self.parts.schema.follow(request);
        self.following.insert(id, answers.map(Some).chain(stream::iter([None])).boxed());
        Ok(())
    }

    fn in_words(&self, problem: Problem) -> Box<ServerError> {
        Box::new(problem.answer(self.language).into_server_error(Pos::default()))
    }

    /// Passes news on, if whoever waits for them may still see them.
    async fn deliver(&mut self, socket: &mut Socket, id: &str, news: Option<Response>) -> Result<(), End> {
        self.look_again().await?;
        let Some(mut response) = news else {
            self.following.remove(id);
            return tell(socket, &Told::Complete { id }).await;
        };
        for (act, code) in self.refusals.take() {
            self.parts.note_refused(&act, code, self.caller.user().ok(), &self.visitor).await;
        }
        response.errors = response.errors.into_iter().map(|error| coded(error, "INVALID_QUERY")).collect();
        if response.data == Value::Null && !response.errors.is_empty() {
            self.following.remove(id);
            self.parts.metrics.operation("subscription", "refused");
            return tell(socket, &Told::Error { id, payload: &response.errors }).await;
        }
        tell(socket, &Told::Next { id, payload: &response }).await
    }

    /// The session must still be there, and its owner must be who they were.
    async fn look_again(&mut self) -> Result<(), End> {
        match self.parts.app.auth.bearer(Some(&self.token), Utc::now()).await {
            Ok((caller, _)) if caller == self.caller => Ok(()),
            Ok(_) => Err(End::Forbidden),
            Err(problem) => Err(believed(&problem)),
        }
    }
}

fn said(text: &str) -> Result<Said, End> {
    serde_json::from_str(text).map_err(|_| End::Unreadable)
}

async fn tell(socket: &mut Socket, told: &Told<'_>) -> Result<(), End> {
    let text = serde_json::to_string(told).map_err(|_| End::Gone)?;
    send(socket, Message::text(text)).await
}

/// Nobody is written to for ever who does not read.
async fn send(socket: &mut Socket, message: Message) -> Result<(), End> {
    timeout(READING, socket.send(message)).map(|sent| sent.ok().and_then(Result::ok).ok_or(End::Gone)).await
}
