//! A node to test against: an event store of a few rules over the generated service stubs, with faults on demand.

mod log;
mod reading;
mod service;
mod writing;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use eventstore_client::wire::gossip::gossip_server::GossipServer;
use eventstore_client::wire::gossip::member_info::VNodeState;
use eventstore_client::wire::server_features::server_features_server::ServerFeaturesServer;
use eventstore_client::wire::streams::streams_server::StreamsServer;
use eventstore_client::{Client, Endpoint, Settings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::transport::ServerTlsConfig;

use log::Log;

/// What the next call of a kind does instead of what it should.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Fails without doing anything.
    Refuse(Status),
    /// Never answers.
    Hang,
    /// Does its work and then fails, as if the answer had been lost.
    LoseAnswer,
    /// Sends this many messages and then ends, with success if there is no status.
    EndAfter(usize, Option<Status>),
    /// Sends this many messages and then nothing more.
    HangAfter(usize),
    /// Takes this long over every message.
    Dawdle(Duration),
}

/// What outlives a node's process: its log, its faults to come, and the calls it was asked for.
#[derive(Clone)]
pub struct State {
    inner: Arc<Mutex<Inner>>,
    written: watch::Sender<u64>,
}

#[derive(Default)]
pub struct Inner {
    pub log: Log,
    faults: HashMap<&'static str, VecDeque<Fault>>,
    calls: Vec<(&'static str, MetadataMap)>,
    members: Vec<(Endpoint, VNodeState, bool)>,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Notes the call, and says what is to go wrong with it.
    fn begin(&self, call: &'static str, headers: &MetadataMap) -> Option<Fault> {
        let mut inner = self.lock();
        inner.calls.push((call, headers.clone()));
        inner.faults.get_mut(call)?.pop_front()
    }
}

pub struct TestServer {
    address: SocketAddr,
    state: State,
    tls: Option<ServerTlsConfig>,
    process: Option<Runtime>,
}

impl TestServer {
    pub fn start() -> Self {
        let mut server = Self::down();
        server.restart();
        server
    }

    pub fn start_with_tls(tls: ServerTlsConfig) -> Self {
        // tonic's server takes the process's provider, and there is none by default where the features of other crates bring in a second.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut server = Self::down();
        server.tls = Some(tls);
        server.restart();
        server
    }

    /// A node whose address is known, but which is not running.
    pub fn down() -> Self {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let state = State { inner: Arc::default(), written: watch::Sender::new(0) };
        TestServer { address, state, tls: None, process: None }
    }

    /// Ends the process as a crash would: every connection breaks.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            // A runtime may not be waited for from within another.
            std::thread::spawn(move || process.shutdown_timeout(Duration::from_secs(5))).join().unwrap();
        }
    }

    pub fn restart(&mut self) {
        self.kill();
        let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (address, state) = (self.address, self.state.clone());
        let mut server = tonic::transport::Server::builder();
        if let Some(tls) = &self.tls {
            server = server.tls_config(tls.clone()).unwrap();
        }
        let (ready, listening) = std::sync::mpsc::channel();
        process.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            ready.send(()).unwrap();
            let served = server
                .add_service(StreamsServer::new(state.clone()).max_decoding_message_size(17 * 1024 * 1024))
                .add_service(GossipServer::new(state.clone()))
                .add_service(ServerFeaturesServer::new(state))
                .serve_with_incoming(TcpListenerStream::new(listener));
            served.await.unwrap();
        });
        listening.recv().unwrap();
        self.process = Some(process);
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new("127.0.0.1", self.address.port())
    }

    /// The next call of this kind goes wrong.
    pub fn fault(&self, call: &'static str, fault: Fault) {
        self.state.lock().faults.entry(call).or_default().push_back(fault);
    }

    pub fn set_members(&self, members: &[(&TestServer, VNodeState)]) {
        self.state.lock().members = members.iter().map(|(server, state)| (server.endpoint(), *state, true)).collect();
    }

    /// How often this call was begun.
    pub fn calls(&self, call: &str) -> usize {
        self.state.lock().calls.iter().filter(|(name, _)| *name == call).count()
    }

    /// A header of the last call of this kind.
    pub fn header(&self, call: &str, key: &str) -> Option<String> {
        let state = self.state.lock();
        let (_, headers) = state.calls.iter().rev().find(|(name, _)| *name == call)?;
        Some(headers.get(key)?.to_str().unwrap().to_owned())
    }

    /// Writes events of type `t` with data `0`, `1`, …, as another client would, and tells the subscribers.
    pub fn write(&self, stream: &str, events: usize) {
        let last = {
            let mut inner = self.state.lock();
            for i in 0..events {
                inner.log.write(stream, "t", i.to_string());
            }
            inner.log.len()
        };
        self.state.written.send_replace(last);
    }

    pub fn with_log<T>(&self, work: impl FnOnce(&mut Log) -> T) -> T {
        work(&mut self.state.lock().log)
    }

    pub fn settings(&self) -> Settings {
        format!("esdb://{}?tls=false&discoveryInterval=10&defaultDeadline=5000", self.endpoint()).parse().unwrap()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.settings()).unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.shutdown_background();
        }
    }
}

/// A status as the server sends it: the code is vague, the trailers are not.
pub fn exception(code: tonic::Code, exception: &'static str, details: &[(&'static str, &str)]) -> Status {
    let mut status = Status::new(code, "message");
    status.metadata_mut().insert("exception", exception.parse().unwrap());
    for (key, value) in details {
        status.metadata_mut().insert(*key, value.parse().unwrap());
    }
    status
}
