//! Just enough of a client of `graphql-transport-ws` to be a stranger to the server.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    self, Message, WebSocket,
    client::IntoClientRequest,
    http::{HeaderValue, header},
};

#[derive(Debug)]
pub struct Socket(WebSocket<TcpStream>);

#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Told(Value),
    Closed(u16, String),
    /// For as long as was asked.
    Nothing,
}

impl Socket {
    /// # Panics
    ///
    /// When the server does not speak the protocol.
    pub fn open(server: SocketAddr) -> Self {
        let mut request = format!("ws://{server}/graphql").into_client_request().expect("an address");
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("graphql-transport-ws"));
        let stream = TcpStream::connect(server).expect("the server listens");
        let (socket, _) = tungstenite::client(request, stream).expect("the server speaks graphql-transport-ws");
        Self(socket)
    }

    /// One whose owner has been believed.
    ///
    /// # Panics
    ///
    /// When they are not.
    pub fn introduced(server: SocketAddr, token: &str, language: &str) -> Self {
        let mut socket = Self::open(server);
        let payload = json!({ "authorization": format!("Bearer {token}"), "acceptLanguage": language });
        socket.say(&json!({ "type": "connection_init", "payload": payload }));
        let answer = socket.hear(Duration::from_secs(10));
        assert_eq!(answer, Heard::Told(json!({ "type": "connection_ack" })));
        socket
    }

    /// # Panics
    ///
    /// When nobody is there any more.
    pub fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).expect("the server takes it");
    }

    pub fn subscribe(&mut self, id: &str, query: &str, variables: &Value) {
        self.say(&json!({ "type": "subscribe", "id": id, "payload": { "query": query, "variables": variables } }));
    }

    /// What is told next, if it comes within the time.
    ///
    /// # Panics
    ///
    /// When it is not of the protocol.
    pub fn hear(&mut self, patience: Duration) -> Heard {
        self.0.get_mut().set_read_timeout(Some(patience)).expect("a time to wait");
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Heard::Told(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(Some(frame))) => return Heard::Closed(frame.code.into(), frame.reason.to_string()),
                Ok(Message::Close(None)) => return Heard::Closed(1005, String::new()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(other) => panic!("{other:?} is not of the protocol"),
                Err(tungstenite::Error::Io(error)) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Heard::Nothing;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
