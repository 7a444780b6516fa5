use std::time::Duration;

use eventstore_client::{Error, Expected, RecordedMetadata, StreamMetadata};

use crate::server::TestServer;

#[tokio::test]
async fn metadata_is_written_beside_the_stream_and_read_back() {
    let server = TestServer::start();
    let client = server.client();
    let nothing = RecordedMetadata { metadata: StreamMetadata::default(), revision: None };
    assert_eq!(client.stream_metadata("s").await.unwrap(), nothing);

    let first = StreamMetadata { max_age: Some(Duration::from_secs(2)), ..Default::default() };
    client.set_stream_metadata("s", Expected::NoStream, &first).await.unwrap();
    let mut second = StreamMetadata { max_count: Some(5), ..first.clone() };
    second.custom.insert("owner".into(), "me".into());
    client.set_stream_metadata("s", Expected::Exact(0), &second).await.unwrap();
    assert_eq!(client.stream_metadata("s").await.unwrap(), RecordedMetadata { metadata: second, revision: Some(1) });

    let conflict = client.set_stream_metadata("s", Expected::Exact(0), &first).await.unwrap_err();
    assert!(matches!(conflict, Error::WrongExpectedVersion { .. }), "{conflict:?}");
    server.with_log(|log| {
        let entry = &log.entries[0];
        assert_eq!((entry.stream.as_str(), entry.event_type.as_str(), &entry.data[..]), ("$$s", "$metadata", &br#"{"$maxAge":2}"#[..]));
    });
}

#[tokio::test]
async fn metadata_that_cannot_be_read_names_its_stream() {
    let server = TestServer::start();
    server.with_log(|log| log.write("$$s", "$metadata", r#"{"$maxAge":"long"}"#));
    let error = server.client().stream_metadata("s").await.unwrap_err();
    assert_eq!(error.to_string(), "unexpected answer from the server: the metadata of `s`: `$maxAge` is not a number");
}
