//! The Streams service: each call is understood, permitted, done, and answered.

use eventstore_client::wire::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp, TombstoneReq, TombstoneResp,
    append_req::{Content, ProposedMessage},
    append_resp::{self, Success, WrongExpectedVersion, success, wrong_expected_version},
    delete_resp,
    streams_server::Streams,
    tombstone_resp,
};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tonic::{Request, Response, Status, Streaming};

use super::{
    Access, access, batch,
    read::{AllPages, Pages, StreamPages},
    refusal::Refusal,
    request::{self, Read},
    response::{self, empty},
    stop::Stop,
    subscription::{AllSubscription, StreamSubscription},
};
use crate::{
    NewEvent,
    log::{ExpectedState, Log, WriteError, Written},
};

pub(super) struct Service {
    log: Log,
    access: Access,
    stop: Stop,
}

impl Service {
    pub(super) fn new(log: Log, access: Access, stop: Stop) -> Self {
        Self { log, access, stop }
    }
}

type Answers<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let (read, shape, knows_ends) = request::read(request.into_inner().options)?;
        let (log, stop) = (self.log.clone(), self.stop.clone());
        let confirmed = || stream::once(async { Ok(response::confirmation()) });
        Ok(Response::new(match read {
            Read::Stream { stream, from, direction, count } => {
                paged(StreamPages::new(log, shape, stream, from, direction, count, knows_ends), stop)
            }
            Read::All { from, direction, count, filter } => paged(AllPages::new(log, shape, from, direction, count, filter), stop),
            Read::FollowStream { stream, after } => {
                confirmed().chain(paged(StreamSubscription::new(log, shape, stream, after).await?, stop)).boxed()
            }
            Read::FollowAll { after, filter } => {
                confirmed().chain(paged(AllSubscription::new(log, shape, after, filter).await?, stop)).boxed()
            }
        }))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        self.access.permit_writing(request.metadata())?;
        let mut messages = request.into_inner();
        let Some(Content::Options(options)) = messages.message().await?.and_then(|message| message.content) else {
            return Err(Refusal::Violation.into());
        };
        let stream = request::stream_name(options.stream_identifier)?;
        let expected = request::expected_by_append(options.expected_stream_revision)?;
        let events = proposed(&self.log, &stream, messages).await?;
        access::permit_appending(&stream, &events)?;
        let result = match self.log.append(&stream, expected, events).await {
            Ok(written) => append_resp::Result::Success(success(written)),
            Err(WriteError::WrongExpected { expected, actual, .. }) => {
                append_resp::Result::WrongExpectedVersion(wrong_expected(expected, actual))
            }
            Err(error) => return Err(Refusal::from(error).into()),
        };
        Ok(Response::new(AppendResp { result: Some(result) }))
    }

    async fn batch_append(&self, request: Request<Streaming<BatchAppendReq>>) -> Result<Response<Self::BatchAppendStream>, Status> {
        // Whoever may not write hears it about each write; whoever is not who he says is not listened to.
        let denied = match self.access.permit_writing(request.metadata()) {
            Ok(()) => None,
            Err(Refusal::AccessDenied(why)) => Some(why),
            Err(refusal) => return Err(refusal.into()),
        };
        Ok(Response::new(batch::answers(self.log.clone(), denied, request.into_inner(), self.stop.clone())))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        self.access.permit_writing(request.metadata())?;
        let options = request.into_inner().options.ok_or_else(|| request::missing("options"))?;
        let stream = request::stream_name(options.stream_identifier)?;
        let expected = request::expected_by_delete(options.expected_stream_revision)?;
        access::permit_ending(&stream)?;
        let written = self.log.delete(&stream, expected).await.map_err(Refusal::from)?;
        let position = match written.position {
            Some(at) => delete_resp::PositionOption::Position(delete_resp::Position { commit_position: at, prepare_position: at }),
            None => delete_resp::PositionOption::NoPosition(empty()),
        };
        Ok(Response::new(DeleteResp { position_option: Some(position) }))
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        self.access.permit_writing(request.metadata())?;
        let options = request.into_inner().options.ok_or_else(|| request::missing("options"))?;
        let stream = request::stream_name(options.stream_identifier)?;
        let expected = request::expected_by_tombstone(options.expected_stream_revision)?;
        access::permit_ending(&stream)?;
        let written = self.log.tombstone(&stream, expected).await.map_err(Refusal::from)?;
        let position = match written.position {
            Some(at) => tombstone_resp::PositionOption::Position(tombstone_resp::Position { commit_position: at, prepare_position: at }),
            None => tombstone_resp::PositionOption::NoPosition(empty()),
        };
        Ok(Response::new(TombstoneResp { position_option: Some(position) }))
    }
}

/// Answers as the client takes them, until there are no more or the node stops.
fn paged(pages: impl Pages, stop: Stop) -> Answers<ReadResp> {
    stream::try_unfold((pages, stop), |(mut pages, stop)| async move {
        // A log that is in memory never makes anyone wait; others want to be served too.
        tokio::task::yield_now().await;
        let page = tokio::select! {
            biased;
            () = stop.stopping() => Err(Refusal::Stopping),
            page = pages.next() => page,
        };
        Ok::<_, Status>(page?.map(|answers| (stream::iter(answers.into_iter().map(Ok)), (pages, stop))))
    })
    .try_flatten()
    .boxed()
}

/// The events of an append, as far as they are not too much already.
async fn proposed(log: &Log, stream: &str, mut messages: Streaming<AppendReq>) -> Result<Vec<NewEvent>, Status> {
    let (mut events, mut size) = (vec![], 0);
    while let Some(message) = messages.message().await? {
        let Some(Content::ProposedMessage(ProposedMessage { id, metadata, custom_metadata, data })) = message.content else {
            return Err(Refusal::Violation.into());
        };
        let event = request::new_event(id, metadata, custom_metadata, data)?;
        size += event.size();
        permit_size(log, stream, size)?;
        events.push(event);
    }
    Ok(events)
}

/// Refuses what the log would refuse, before all of it has been gathered.
pub(super) fn permit_size(log: &Log, stream: &str, size: usize) -> Result<(), Refusal> {
    let limit = log.max_append_size();
    if size > limit { Err(WriteError::TooLarge { stream: stream.to_owned(), size, limit }.into()) } else { Ok(()) }
}

fn success(written: Written) -> Success {
    let revision =
        written.revision.map_or_else(|| success::CurrentRevisionOption::NoStream(empty()), success::CurrentRevisionOption::CurrentRevision);
    let position = match written.position {
        Some(at) => success::PositionOption::Position(append_resp::Position { commit_position: at, prepare_position: at }),
        None => success::PositionOption::NoPosition(empty()),
    };
    Success { current_revision_option: Some(revision), position_option: Some(position) }
}

fn wrong_expected(expected: ExpectedState, actual: Option<u64>) -> WrongExpectedVersion {
    use wrong_expected_version::{CurrentRevisionOption, ExpectedRevisionOption};
    let current = actual.map_or_else(|| CurrentRevisionOption::CurrentNoStream(empty()), CurrentRevisionOption::CurrentRevision);
    let expected = match expected {
        ExpectedState::NoStream => ExpectedRevisionOption::ExpectedNoStream(empty()),
        ExpectedState::Revision(revision) => ExpectedRevisionOption::ExpectedRevision(revision),
        ExpectedState::Any => ExpectedRevisionOption::ExpectedAny(empty()),
        ExpectedState::StreamExists => ExpectedRevisionOption::ExpectedStreamExists(empty()),
    };
    WrongExpectedVersion { current_revision_option: Some(current), expected_revision_option: Some(expected) }
}
