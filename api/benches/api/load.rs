//! Asks one question over and over, on so many connections.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::figures::Figures;

pub struct Load<'a> {
    pub servers: &'a [SocketAddr],
    pub connections: usize,
    pub token: &'a str,
    pub query: &'a str,
    pub time: Duration,
}

/// What came of it: figures, errors, and one answer to look at.
pub struct Done {
    pub figures: Figures,
    pub errors: usize,
    pub sample: String,
}

impl Load<'_> {
    pub async fn run(&self) -> Done {
        let body = Bytes::from(serde_json::json!({ "query": self.query }).to_string());
        let begun = Instant::now();
        let mut askers = JoinSet::new();
        for number in 0..self.connections {
            let server = self.servers[number % self.servers.len()];
            let (body, authorization, until) = (body.clone(), format!("Bearer {}", self.token), begun + self.time);
            askers.spawn(async move { ask(server, body, &authorization, until).await });
        }
        let (mut latencies, mut errors, mut sample) = (vec![], 0, String::new());
        while let Some(asked) = askers.join_next().await {
            let (times, failed, said) = asked.expect("no panic");
            latencies.extend(times);
            errors += failed;
            sample = said;
        }
        Done { figures: Figures::new(latencies, begun.elapsed()), errors, sample }
    }
}

async fn ask(server: SocketAddr, body: Bytes, authorization: &str, until: Instant) -> (Vec<Duration>, usize, String) {
    let stream = TcpStream::connect(server).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    let (mut times, mut errors, mut sample) = (vec![], 0, String::new());
    // Once at least: a connection may take longer than there is time.
    loop {
        let begun = Instant::now();
        let mut request = Request::post("/graphql").header(header::HOST, "bench").header(header::CONTENT_TYPE, "application/json");
        if authorization.len() > "Bearer ".len() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = sender.send_request(request.body(Full::new(body.clone())).expect("a request")).await.expect("an answer");
        let well = answer.status().is_success();
        let said = answer.into_body().collect().await.expect("all of it").to_bytes();
        times.push(begun.elapsed());
        if !well || said.windows(9).any(|part| part == b"\"errors\":") {
            errors += 1;
        }
        if sample.is_empty() {
            sample = String::from_utf8_lossy(&said).into_owned();
        }
        if until <= Instant::now() {
            return (times, errors, sample);
        }
    }
}
