//! What the node owes besides the protocol: who may write, what is never done, how it stops, and what it makes of nonsense.

use std::time::Duration;

use daftar_domain::CATEGORIES;
use daftar_store::{
    Memory,
    log::{ExpectedState, Log},
    node::{self, Access, NodeError, NodeOptions, TlsIdentity},
};
use eventstore_client::wire::{
    Empty, StreamIdentifier, Uuid as WireUuid, rpc,
    streams::{
        AppendReq, BatchAppendReq, DeleteReq, ReadReq, ReadResp, TombstoneReq, append_req,
        append_req::{Content as Sent, ProposedMessage, options::ExpectedStreamRevision},
        batch_append_req, batch_append_resp, delete_req,
        read_req::{
            Options,
            options::{
                AllOptions, CountOption, FilterOption, FilterOptions, StreamOption, StreamOptions, SubscriptionOptions, UuidOption,
                all_options::AllOption,
                filter_options::{Expression, Filter, Window},
                stream_options::RevisionOption,
                uuid_option,
            },
        },
        read_resp::Content,
        streams_client::StreamsClient,
        tombstone_req,
    },
    uuid::Value,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tonic::{
    Code, Request, Status, Streaming,
    codec::ProstCodec,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

use crate::support;

/// Long enough for a slow machine, and longer than a node waits for its last answers to be taken.
const PATIENCE: Duration = Duration::from_secs(30);

struct Node {
    address: String,
    channel: Channel,
    streams: StreamsClient<Channel>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), NodeError>>,
}

async fn node(log: Log, access: Access) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let (stop, stopped) = oneshot::channel();
    let options = NodeOptions { listener, advertised: None, access, tls: None };
    let serving = tokio::spawn(node::serve(log, options, async move { drop(stopped.await) }));
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy();
    Node { address, streams: StreamsClient::new(channel.clone()), channel, stop: Some(stop), serving }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Node {
    async fn append(&mut self, stream: &[u8], event: ProposedMessage, credentials: Option<&str>) -> Result<(), Status> {
        let options = append_req::Options {
            stream_identifier: identifier(stream),
            expected_stream_revision: Some(ExpectedStreamRevision::Any(Empty {})),
        };
        let messages = [Sent::Options(options), Sent::ProposedMessage(event)].map(|content| AppendReq { content: Some(content) });
        let mut request = Request::new(futures::stream::iter(messages));
        if let Some(credentials) = credentials {
            request.metadata_mut().insert("authorization", credentials.parse().expect("a header"));
        }
        self.streams.append(request).await.map(drop)
    }

    async fn batch_append(&mut self, stream: &str, event: ProposedMessage) -> batch_append_resp::Result {
        let ProposedMessage { id, metadata, custom_metadata, data } = event;
        let request = BatchAppendReq {
            correlation_id: id.clone(),
            options: Some(batch_append_req::Options {
                stream_identifier: identifier(stream.as_bytes()),
                expected_stream_position: Some(batch_append_req::options::ExpectedStreamPosition::Any(())),
                deadline_option: None,
            }),
            proposed_messages: vec![batch_append_req::ProposedMessage { id, metadata, custom_metadata, data }],
            is_final: true,
        };
        let mut answers = self.streams.batch_append(futures::stream::iter([request])).await.expect("a call").into_inner();
        answers.message().await.expect("an answer").and_then(|answer| answer.result).expect("a result")
    }

    async fn delete(&mut self, stream: &str) -> Result<(), Status> {
        let expected = Some(delete_req::options::ExpectedStreamRevision::Any(Empty {}));
        let options = delete_req::Options { stream_identifier: identifier(stream.as_bytes()), expected_stream_revision: expected };
        self.streams.delete(DeleteReq { options: Some(options) }).await.map(drop)
    }

    async fn tombstone(&mut self, stream: &str) -> Result<(), Status> {
        let expected = Some(tombstone_req::options::ExpectedStreamRevision::Any(Empty {}));
        let options = tombstone_req::Options { stream_identifier: identifier(stream.as_bytes()), expected_stream_revision: expected };
        self.streams.tombstone(TombstoneReq { options: Some(options) }).await.map(drop)
    }

    async fn read(&mut self, source: StreamOption, count: CountOption, filter: FilterOption) -> Result<Streaming<ReadResp>, Status> {
        let options = Options {
            stream_option: Some(source),
            count_option: Some(count),
            filter_option: Some(filter),
            uuid_option: Some(UuidOption { content: Some(uuid_option::Content::String(Empty {})) }),
            ..Options::default()
        };
        self.streams.read(ReadReq { options: Some(options) }).await.map(tonic::Response::into_inner)
    }
}

async fn caught_up(subscription: &mut Streaming<ReadResp>) {
    let said = async { while !matches!(subscription.message().await, Ok(Some(ReadResp { content: Some(Content::CaughtUp(_)) }))) {} };
    tokio::time::timeout(PATIENCE, said).await.expect("it catches up");
}

fn identifier(stream: &[u8]) -> Option<StreamIdentifier> {
    Some(StreamIdentifier { stream_name: stream.to_vec().into() })
}

fn all() -> StreamOption {
    StreamOption::All(AllOptions { all_option: Some(AllOption::Start(Empty {})) })
}

fn stream(name: &str) -> StreamOption {
    StreamOption::Stream(StreamOptions {
        stream_identifier: identifier(name.as_bytes()),
        revision_option: Some(RevisionOption::Start(Empty {})),
    })
}

fn following() -> CountOption {
    CountOption::Subscription(SubscriptionOptions {})
}

fn unfiltered() -> FilterOption {
    FilterOption::NoFilter(Empty {})
}

fn by_stream(regex: &str) -> FilterOption {
    FilterOption::Filter(FilterOptions {
        filter: Some(Filter::StreamIdentifier(Expression { regex: regex.to_owned(), prefix: vec![] })),
        window: Some(Window::Count(Empty {})),
        checkpoint_interval_multiplier: 1,
    })
}

fn proposed(data: &str) -> ProposedMessage {
    let metadata = [("type", "Noted"), ("content-type", "application/json")];
    ProposedMessage {
        id: Some(WireUuid { value: Some(Value::String(Uuid::new_v4().to_string())) }),
        metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        custom_metadata: vec![].into(),
        data: data.as_bytes().to_vec().into(),
    }
}

/// One of ours, and one of nobody's.
async fn log_of_two_streams() -> (Log, String, String) {
    let log = Memory::log();
    let (ours, theirs) = (format!("{}-{}", CATEGORIES[0], Uuid::from_u128(1)), "guest-1".to_owned());
    for (stream, id) in [(&ours, 1), (&theirs, 2)] {
        log.append(stream, ExpectedState::NoStream, vec![support::event(id)]).await.expect("a new stream");
    }
    (log, ours, theirs)
}

fn position(log: &Log) -> u64 {
    *log.head().borrow()
}

fn is_denied(refused: Result<(), Status>) {
    let status = refused.expect_err("a refusal");
    assert_eq!(
        (status.code(), status.metadata().get("exception").and_then(|it| it.to_str().ok())),
        (Code::PermissionDenied, Some("access-denied"))
    );
}

fn is_denied_in_batch(result: batch_append_resp::Result) {
    match result {
        batch_append_resp::Result::Error(status) => assert_eq!(status.code(), rpc::Code::PermissionDenied),
        batch_append_resp::Result::Success(written) => panic!("it was written: {written:?}"),
    }
}

#[tokio::test]
async fn a_read_only_node_is_read_and_never_written() {
    let (log, _, theirs) = log_of_two_streams().await;
    let mut node = node(log.clone(), Access::ReadOnly).await;
    let mut read = node.read(stream(&theirs), CountOption::Count(9), unfiltered()).await.expect("a read");
    assert!(matches!(read.message().await, Ok(Some(ReadResp { content: Some(Content::Event(_)) }))));
    is_denied(node.append(theirs.as_bytes(), proposed("{}"), None).await);
    is_denied(node.append(theirs.as_bytes(), proposed("{}"), Some("Basic YWRtaW46Y2hhbmdlaXQ=")).await);
    is_denied_in_batch(node.batch_append(&theirs, proposed("{}")).await);
    is_denied(node.delete(&theirs).await);
    is_denied(node.tombstone(&theirs).await);
    assert_eq!(position(&log), 2);
}

#[tokio::test]
async fn only_the_right_credentials_write() {
    let (log, _, theirs) = log_of_two_streams().await;
    let mut node = node(log.clone(), Access::Credentials { user: "clerk".to_owned(), password: "secret".to_owned() }).await;
    assert!(node.read(stream(&theirs), CountOption::Count(9), unfiltered()).await.is_ok());
    is_denied(node.append(theirs.as_bytes(), proposed("{}"), None).await);
    is_denied_in_batch(node.batch_append(&theirs, proposed("{}")).await);
    is_denied(node.delete(&theirs).await);
    is_denied(node.tombstone(&theirs).await);
    // clerk:wrong
    let wrong = node.append(theirs.as_bytes(), proposed("{}"), Some("Basic Y2xlcms6d3Jvbmc=")).await.expect_err("a refusal");
    assert_eq!(wrong.code(), Code::Unauthenticated);
    assert_eq!(position(&log), 2);
    // clerk:secret
    node.append(theirs.as_bytes(), proposed("{}"), Some("Basic Y2xlcms6c2VjcmV0")).await.expect("the right ones");
    assert_eq!(position(&log), 3);
}

#[tokio::test]
async fn the_books_are_never_deleted_or_truncated() {
    let (log, ours, theirs) = log_of_two_streams().await;
    let mut node = node(log.clone(), Access::Open).await;
    for stream in [ours.clone(), format!("$${ours}"), format!("$$$${ours}")] {
        is_denied(node.delete(&stream).await);
        is_denied(node.tombstone(&stream).await);
    }
    let metadata = format!("$${ours}");
    for truncating in [r#"{"$maxCount":1}"#, r#"{"$maxAge":1}"#, r#"{"$tb":1}"#, r#"{"colour":"red","$tb":"1"}"#] {
        is_denied(node.append(metadata.as_bytes(), proposed(truncating), None).await);
        is_denied_in_batch(node.batch_append(&metadata, proposed(truncating)).await);
    }
    assert_eq!(position(&log), 2);
    node.append(metadata.as_bytes(), proposed(r#"{"colour":"red"}"#), None).await.expect("it hides nothing");
    node.append(format!("$${theirs}").as_bytes(), proposed(r#"{"$tb":1}"#), None).await.expect("not ours");
    node.delete(&theirs).await.expect("not ours");
    node.tombstone(&theirs).await.expect("not ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_node_ends_subscriptions_as_unavailable() {
    let (log, _, theirs) = log_of_two_streams().await;
    let mut node = node(log, Access::Open).await;
    let mut subscriptions = vec![];
    for (source, filter) in
        [(all(), unfiltered()), (all(), by_stream("^guest")), (stream(&theirs), unfiltered()), (stream("none-1"), unfiltered())]
    {
        let mut subscription = node.read(source, following(), filter).await.expect("a subscription");
        caught_up(&mut subscription).await;
        subscriptions.push(subscription);
    }
    let (_requests, idle) = futures::channel::mpsc::unbounded();
    let mut batch = node.streams.batch_append(idle).await.expect("a call").into_inner();
    drop(node.stop.take());
    for mut subscription in subscriptions {
        let status = subscription.message().await.expect_err("an end that is an error");
        assert_eq!(status.code(), Code::Unavailable, "{status}");
    }
    assert_eq!(batch.message().await.expect_err("an end that is an error").code(), Code::Unavailable);
    tokio::time::timeout(PATIENCE, &mut node.serving).await.expect("it ends").expect("it does not panic").expect("it ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_node_does_not_wait_for_ever_for_a_reader_that_takes_nothing() {
    let log = Memory::log();
    for number in 0..64 {
        let event = daftar_store::NewEvent { data: vec![7; 512 * 1024].into(), ..support::event(number) };
        log.append("guest-1", ExpectedState::Any, vec![event]).await.expect("room in memory");
    }
    let mut node = node(log, Access::Open).await;
    let mut untaken = node.read(all(), CountOption::Count(u64::MAX), unfiltered()).await.expect("a read");
    untaken.message().await.expect("the first event");
    drop(node.stop.take());
    tokio::time::timeout(PATIENCE, &mut node.serving).await.expect("it ends").expect("it does not panic").expect("it ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_node_cuts_its_connections() {
    let (log, ..) = log_of_two_streams().await;
    let mut node = node(log, Access::Open).await;
    let mut subscription = node.read(all(), following(), unfiltered()).await.expect("a subscription");
    caught_up(&mut subscription).await;
    node.serving.abort();
    let end = tokio::time::timeout(PATIENCE, subscription.message()).await.expect("it ends");
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test]
async fn it_says_that_it_lives_and_what_it_does_not_do() {
    let node = node(Memory::log(), Access::ReadOnly).await;
    let mut http = TcpStream::connect(&node.address).await.expect("a connection");
    http.write_all(b"GET /health/live HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n").await.expect("a request");
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let mut grpc = tonic::client::Grpc::new(node.channel.clone());
    grpc.ready().await.expect("a connection");
    let path = "/event_store.client.persistent_subscriptions.PersistentSubscriptions/List".parse().expect("a path");
    let unknown = grpc.unary(Request::new(Empty {}), path, ProstCodec::<Empty, Empty>::default()).await.expect_err("a refusal");
    assert_eq!(unknown.code(), Code::Unimplemented);
}

#[tokio::test]
async fn nonsense_gets_a_clear_error_and_changes_nothing() {
    let log = Memory::log();
    let mut node = node(log.clone(), Access::Open).await;
    let long = "a".repeat(2000);
    for (name, expected) in
        [(&b"\xff\xfe"[..], "UTF-8"), (b"", "empty"), (b"$$", "`$$`"), (b"a\0b", "zero byte"), (b"$all", "$all"), (long.as_bytes(), "aaa")]
    {
        let status = node.append(name, proposed("{}"), None).await.expect_err("a refusal");
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(expected), "{status}");
    }
    let with = |change: fn(&mut ProposedMessage)| {
        let mut event = proposed("{}");
        change(&mut event);
        event
    };
    for (event, expected) in [
        (with(|event| event.id = None), "`id` is missing"),
        (with(|event| event.id = Some(WireUuid { value: Some(Value::String("seven".to_owned())) })), "`seven`"),
        (with(|event| event.id = Some(WireUuid { value: Some(Value::String(Uuid::nil().to_string())) })), "zeros"),
        (with(|event| drop(event.metadata.insert("type".to_owned(), String::new()))), "type"),
    ] {
        let status = node.append(b"guest-1", event, None).await.expect_err("a refusal");
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(expected), "{status}");
    }
    assert_eq!(position(&log), 0);
}

/// Whoever asks, the others are still served.
#[tokio::test]
async fn an_expression_that_would_take_for_ever_is_an_error() {
    let log = Memory::log();
    log.append(&format!("{}d", "a".repeat(60)), ExpectedState::Any, vec![support::event(1)]).await.expect("a new stream");
    let mut node = node(log, Access::Open).await;
    for count in [CountOption::Count(9), following()] {
        let mut read = node.read(all(), count, by_stream(r"^(a|aa)*\1c$")).await.expect("a call");
        let status = loop {
            match read.message().await {
                Ok(Some(ReadResp { content: Some(Content::Confirmation(_)) })) => {}
                Ok(other) => panic!("expected an error, saw {other:?}"),
                Err(status) => break status,
            }
        };
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused_at_the_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let tls = Some(TlsIdentity { certificate: b"no certificate".to_vec(), key: b"no key".to_vec() });
    let options = NodeOptions { listener, advertised: None, access: Access::Open, tls };
    let refused = node::serve(Memory::log(), options, std::future::pending()).await;
    assert!(matches!(refused, Err(NodeError::Tls(_))), "{refused:?}");
}
