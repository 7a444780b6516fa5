//! What a subscription follows, and how far it has been seen.

use futures::TryStreamExt;

use crate::client::Client;
use crate::convert::resolved_event;
use crate::error::Error;
use crate::event::{Position, ResolvedEvent};
use crate::read::{AllFrom, ReadAll, ReadStream, StreamFrom, all_option, stream_option};
use crate::subscription::SubscriptionEvent;
use crate::wire::streams::read_req::options::StreamOption;
use crate::wire::streams::read_resp::{CaughtUp, Checkpoint, Content};

/// A stream or `$all`, and the place after which to go on.
pub(crate) enum Subject {
    Stream { name: String, after: StreamFrom },
    All { after: AllFrom },
}

impl Subject {
    pub(crate) fn name(&self) -> &str {
        match self {
            Subject::Stream { name, .. } => name,
            Subject::All { .. } => "$all",
        }
    }

    pub(crate) fn option(&self) -> Result<StreamOption, Error> {
        match self {
            Subject::Stream { name, after } => stream_option(name, *after),
            Subject::All { after } => all_option(*after),
        }
    }

    /// Gives the end a name: resuming "from the end" a second time would lose what was written in between.
    pub(crate) async fn settle(&mut self, client: &Client) -> Result<(), Error> {
        match self {
            Subject::Stream { name, after: after @ StreamFrom::End } => {
                let last = client.read_stream(name, ReadStream::backwards().count(1)).await;
                *after = match last {
                    Ok(mut events) => match events.try_next().await? {
                        Some(last) => StreamFrom::Revision(last.original().revision),
                        None => StreamFrom::Start,
                    },
                    Err(Error::StreamNotFound { .. }) => StreamFrom::Start,
                    Err(error) => return Err(error),
                };
            }
            Subject::All { after: after @ AllFrom::End } => {
                let last = client.read_all(ReadAll::backwards().count(1)).await?.try_next().await?;
                *after = last.map_or(AllFrom::Start, |last| AllFrom::Position(last.original().position));
            }
            Subject::Stream { .. } | Subject::All { .. } => {}
        }
        Ok(())
    }

    /// Notes how far the message leads, and says what of it is for the caller.
    pub(crate) fn take(&mut self, content: Option<Content>) -> Result<Option<SubscriptionEvent>, Error> {
        match content {
            Some(Content::Event(event)) => {
                let event = resolved_event(event)?;
                Ok(self.moves_to(&event).then_some(SubscriptionEvent::Event(event)))
            }
            Some(Content::Checkpoint(Checkpoint { commit_position, prepare_position, .. })) => {
                let position = Position::new(commit_position, prepare_position);
                match self {
                    // It may stand right at the last event.
                    Subject::All { after } if !matches!(*after, AllFrom::Position(last) if position < last) => {
                        *after = AllFrom::Position(position);
                        Ok(Some(SubscriptionEvent::Checkpoint(position)))
                    }
                    Subject::All { .. } | Subject::Stream { .. } => Ok(None),
                }
            }
            Some(Content::CaughtUp(CaughtUp { .. })) => Ok(Some(SubscriptionEvent::CaughtUp)),
            // What newer servers add is not for us to refuse.
            Some(
                Content::Confirmation(_)
                | Content::StreamNotFound(_)
                | Content::FirstStreamPosition(_)
                | Content::LastStreamPosition(_)
                | Content::LastAllStreamPosition(_)
                | Content::FellBehind(_),
            )
            | None => Ok(None),
        }
    }

    /// Moves on to the event unless it was seen before.
    fn moves_to(&mut self, event: &ResolvedEvent) -> bool {
        let original = event.original();
        match self {
            Subject::Stream { after, .. } => {
                let new = !matches!(*after, StreamFrom::Revision(last) if original.revision <= last);
                if new {
                    *after = StreamFrom::Revision(original.revision);
                }
                new
            }
            Subject::All { after } => {
                let new = !matches!(*after, AllFrom::Position(last) if original.position <= last);
                if new {
                    *after = AllFrom::Position(original.position);
                }
                new
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::{stream_identifier, uuid_to_wire};
    use crate::wire::streams::read_resp::ReadEvent;
    use crate::wire::streams::read_resp::read_event::RecordedEvent;

    fn event(revision: u64) -> RecordedEvent {
        let properties = [("type", "t"), ("content-type", "application/json"), ("created", "0")];
        RecordedEvent {
            id: Some(uuid_to_wire(uuid::Uuid::nil())),
            stream_identifier: Some(stream_identifier("s")),
            stream_revision: revision,
            prepare_position: revision * 100,
            commit_position: revision * 100,
            metadata: properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..RecordedEvent::default()
        }
    }

    fn checkpoint(position: u64) -> Content {
        Content::Checkpoint(Checkpoint { commit_position: position, prepare_position: position, timestamp: None })
    }

    /// Servers resume after the place they are given; one that resumes at it must not make us count twice.
    #[test]
    fn what_was_seen_is_not_yielded_again() {
        let read = |event, link| Content::Event(ReadEvent { event: Some(event), link, position: None });
        let all = || Subject::All { after: AllFrom::Start };
        let stream = || Subject::Stream { name: "s".into(), after: StreamFrom::Start };
        for mut subject in [all(), stream()] {
            let yielded = [1, 1, 2, 1, 3, 3].map(|revision| subject.take(Some(read(event(revision), None))).unwrap().is_some());
            assert_eq!(yielded, [true, false, true, false, true, false]);
        }
        for mut subject in [all(), stream()] {
            let links = [(9, 1), (4, 2), (9, 2)];
            let yielded = links.map(|(target, link)| subject.take(Some(read(event(target), Some(event(link))))).unwrap().is_some());
            assert_eq!(yielded, [true, true, false]);
        }
    }

    #[test]
    fn a_checkpoint_never_leads_back() {
        let mut subject = Subject::All { after: AllFrom::Position(Position::new(200, 200)) };
        let yielded = [100, 200, 300, 250].map(|position| subject.take(Some(checkpoint(position))).unwrap().is_some());
        assert_eq!(yielded, [false, true, true, false]);
        assert!(matches!(subject, Subject::All { after: AllFrom::Position(Position { commit: 300, prepare: 300 }) }));
    }
}
