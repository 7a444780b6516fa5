//! Writing events, and taking streams away.

use std::sync::Arc;

use futures::stream;

use crate::client::{Client, Repeat};
use crate::convert::{check_expected, check_stream_name, proposed_metadata, stream_identifier, uuid_to_wire};
use crate::error::{Context, Error};
use crate::event::{Actual, Appended, Expected, NewEvent, Position};
use crate::wire::Empty;
use crate::wire::streams::append_req::{Content, Options, ProposedMessage, options};
use crate::wire::streams::append_resp::success::{CurrentRevisionOption, PositionOption};
use crate::wire::streams::append_resp::wrong_expected_version::CurrentRevisionOption as ActualRevision;
use crate::wire::streams::append_resp::{self, WrongExpectedVersion};
use crate::wire::streams::{AppendReq, AppendResp, DeleteReq, TombstoneReq, delete_req, delete_resp, tombstone_req, tombstone_resp};

impl Client {
    /// Writes the events to the stream, all or none.
    ///
    /// With `NoStream` or an exact revision the same events under the same expectation succeed once however often
    /// they are sent, so a lost answer is asked for again. The exception errs on the safe side: if the stream had been
    /// soft-deleted, the repeat of an append that expected `NoStream` may report a conflict with itself.
    /// With `Any` or `StreamExists` the server remembers ids only for a while: such an append is sent again only if it
    /// certainly did not arrive.
    pub async fn append(&self, stream: &str, expected: Expected, events: impl Into<Vec<NewEvent>>) -> Result<Appended, Error> {
        check_stream_name(stream)?;
        check_expected(expected)?;
        let events: Arc<[NewEvent]> = events.into().into();
        let repeat = if expected.makes_repeats_harmless() { Repeat::Harmless } else { Repeat::Harmful };
        let context = Context { stream, expected };
        let answer = self.call(repeat, async |attempt| {
            let messages = stream::iter(messages(stream, expected, events.clone()));
            let answer = attempt.streams().append(self.headers().request(messages, attempt.patience)).await;
            answer.map_err(|status| context.error(status))
        });
        appended(answer.await?.into_inner(), context)
    }

    /// Deletes the stream; it can be written again, and its numbering goes on.
    ///
    /// Sent again only if the server certainly did not get it: between the two, somebody may have written it anew.
    pub async fn delete(&self, stream: &str, expected: Expected) -> Result<Option<Position>, Error> {
        check_stream_name(stream)?;
        check_expected(expected)?;
        let context = Context { stream, expected };
        let expectation = match expected {
            Expected::Any => delete_req::options::ExpectedStreamRevision::Any(Empty {}),
            Expected::NoStream => delete_req::options::ExpectedStreamRevision::NoStream(Empty {}),
            Expected::StreamExists => delete_req::options::ExpectedStreamRevision::StreamExists(Empty {}),
            Expected::Exact(revision) => delete_req::options::ExpectedStreamRevision::Revision(revision),
        };
        let answer = self.call(Repeat::Harmful, async |attempt| {
            let stream_identifier = Some(stream_identifier(stream));
            let options = Some(delete_req::Options { stream_identifier, expected_stream_revision: Some(expectation) });
            let answer = attempt.streams().delete(self.headers().request(DeleteReq { options }, attempt.patience)).await;
            answer.map_err(|status| context.error(status))
        });
        Ok(match answer.await?.into_inner().position_option {
            Some(delete_resp::PositionOption::Position(p)) => Some(Position::new(p.commit_position, p.prepare_position)),
            Some(delete_resp::PositionOption::NoPosition(Empty {})) | None => None,
        })
    }

    /// Deletes the stream for good: its name can never be used again.
    pub async fn tombstone(&self, stream: &str, expected: Expected) -> Result<Option<Position>, Error> {
        check_stream_name(stream)?;
        check_expected(expected)?;
        let context = Context { stream, expected };
        let expectation = match expected {
            Expected::Any => tombstone_req::options::ExpectedStreamRevision::Any(Empty {}),
            Expected::NoStream => tombstone_req::options::ExpectedStreamRevision::NoStream(Empty {}),
            Expected::StreamExists => tombstone_req::options::ExpectedStreamRevision::StreamExists(Empty {}),
            Expected::Exact(revision) => tombstone_req::options::ExpectedStreamRevision::Revision(revision),
        };
        let answer = self.call(Repeat::Harmful, async |attempt| {
            let stream_identifier = Some(stream_identifier(stream));
            let options = Some(tombstone_req::Options { stream_identifier, expected_stream_revision: Some(expectation) });
            let answer = attempt.streams().tombstone(self.headers().request(TombstoneReq { options }, attempt.patience)).await;
            answer.map_err(|status| context.error(status))
        });
        Ok(match answer.await?.into_inner().position_option {
            Some(tombstone_resp::PositionOption::Position(p)) => Some(Position::new(p.commit_position, p.prepare_position)),
            Some(tombstone_resp::PositionOption::NoPosition(Empty {})) | None => None,
        })
    }
}

/// Options first, then the events, each made when the connection has room for it.
fn messages(stream: &str, expected: Expected, events: Arc<[NewEvent]>) -> impl Iterator<Item = AppendReq> + Send + use<> {
    let options = Options {
        stream_identifier: Some(stream_identifier(stream)),
        expected_stream_revision: Some(match expected {
            Expected::Any => options::ExpectedStreamRevision::Any(Empty {}),
            Expected::NoStream => options::ExpectedStreamRevision::NoStream(Empty {}),
            Expected::StreamExists => options::ExpectedStreamRevision::StreamExists(Empty {}),
            Expected::Exact(revision) => options::ExpectedStreamRevision::Revision(revision),
        }),
    };
    let proposed = (0..events.len()).map(move |i| {
        let event = &events[i];
        Content::ProposedMessage(ProposedMessage {
            id: Some(uuid_to_wire(event.id)),
            metadata: proposed_metadata(event),
            custom_metadata: event.metadata.clone(),
            data: event.data.clone(),
        })
    });
    std::iter::once(Content::Options(options)).chain(proposed).map(|content| AppendReq { content: Some(content) })
}

fn appended(answer: AppendResp, context: Context<'_>) -> Result<Appended, Error> {
    match answer.result {
        Some(append_resp::Result::Success(success)) => Ok(Appended {
            revision: match success.current_revision_option {
                Some(CurrentRevisionOption::CurrentRevision(revision)) => Some(revision),
                Some(CurrentRevisionOption::NoStream(Empty {})) | None => None,
            },
            position: match success.position_option {
                Some(PositionOption::Position(p)) => Some(Position::new(p.commit_position, p.prepare_position)),
                Some(PositionOption::NoPosition(Empty {})) | None => None,
            },
        }),
        Some(append_resp::Result::WrongExpectedVersion(WrongExpectedVersion { current_revision_option, .. })) => {
            Err(Error::WrongExpectedVersion {
                stream: context.stream.to_owned(),
                expected: context.expected,
                actual: match current_revision_option {
                    Some(ActualRevision::CurrentRevision(revision)) => Actual::Revision(revision),
                    Some(ActualRevision::CurrentNoStream(Empty {})) => Actual::NoStream,
                    None => Actual::Unknown,
                },
            })
        }
        None => Err(Error::protocol("an append without result")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::streams::append_resp::Success;

    const CONTEXT: Context<'static> = Context { stream: "s", expected: Expected::Exact(4) };

    fn outcome(result: Option<append_resp::Result>) -> Result<Appended, Error> {
        appended(AppendResp { result }, CONTEXT)
    }

    #[test]
    fn an_append_of_nothing_to_nothing_has_neither_revision_nor_position() {
        let success = |current_revision_option, position_option| {
            outcome(Some(append_resp::Result::Success(Success { current_revision_option, position_option }))).unwrap()
        };
        let nothing = Appended { revision: None, position: None };
        let said = success(Some(CurrentRevisionOption::NoStream(Empty {})), Some(PositionOption::NoPosition(Empty {})));
        assert_eq!((said, success(None, None)), (nothing, nothing));
    }

    #[test]
    fn a_conflict_names_both_revisions() {
        let conflict = |current_revision_option| {
            let wrong = WrongExpectedVersion { current_revision_option, expected_revision_option: None };
            outcome(Some(append_resp::Result::WrongExpectedVersion(wrong))).unwrap_err().to_string()
        };
        assert_eq!(
            conflict(Some(ActualRevision::CurrentRevision(9))),
            "wrong expected version of stream `s`: expected revision 4, found revision 9"
        );
        assert_eq!(
            conflict(Some(ActualRevision::CurrentNoStream(Empty {}))),
            "wrong expected version of stream `s`: expected revision 4, found no stream"
        );
        assert_eq!(conflict(None), "wrong expected version of stream `s`: expected revision 4, found an unknown revision");
        assert!(matches!(outcome(None), Err(Error::Protocol { .. })));
    }
}
