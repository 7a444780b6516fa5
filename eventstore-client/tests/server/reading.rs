//! What a read or a subscription finds in the log.

use eventstore_client::wire::streams::ReadResp;
use eventstore_client::wire::streams::read_req::Options;
use eventstore_client::wire::streams::read_req::options::{FilterOption, FilterOptions, StreamOption, all_options, stream_options};
use eventstore_client::wire::streams::read_resp::{self, Content};
use tokio::sync::mpsc;
use tonic::Status;

use super::State;
use super::log::{Entry, matches, position};
use super::service::name;

impl State {
    pub fn find(&self, options: &Options, from: usize) -> (Vec<Content>, usize) {
        let inner = self.lock();
        let filter = match &options.filter_option {
            Some(FilterOption::Filter(filter)) => Some(filter),
            _ => None,
        };
        let chosen = |entry: &Entry| match options.stream_option.as_ref().unwrap() {
            StreamOption::Stream(stream) => entry.stream == name(stream.stream_identifier.clone()),
            StreamOption::All(_) => filter.is_none_or(|filter| matches(filter, entry)),
        };
        let read = |i| Content::Event(if options.resolve_links { inner.log.resolve(i) } else { inner.log.read(i) });
        let found = (from..inner.log.entries.len()).filter(|&i| chosen(&inner.log.entries[i])).map(read).collect();
        (found, inner.log.entries.len())
    }

    pub fn read_once(&self, options: &Options, count: u64) -> Vec<Content> {
        let (mut found, _) = self.find(options, 0);
        if let StreamOption::Stream(stream) = options.stream_option.as_ref().unwrap()
            && found.is_empty()
        {
            let stream_identifier = stream.stream_identifier.clone();
            return vec![Content::StreamNotFound(read_resp::StreamNotFound { stream_identifier })];
        }
        let backwards = options.read_direction == 1;
        let event = |content: &Content| match content {
            Content::Event(event) => event.link.clone().or(event.event.clone()).unwrap(),
            _ => unreachable!(),
        };
        match options.stream_option.as_ref().unwrap() {
            StreamOption::Stream(stream) => {
                if let Some(stream_options::RevisionOption::Revision(from)) = stream.revision_option {
                    let within = |revision| if backwards { revision <= from } else { revision >= from };
                    found.retain(|content| within(event(content).stream_revision));
                }
            }
            StreamOption::All(all) => {
                if let Some(all_options::AllOption::Position(from)) = all.all_option {
                    let within = |position| if backwards { position < from.commit_position } else { position >= from.commit_position };
                    found.retain(|content| within(event(content).commit_position));
                }
            }
        }
        if backwards {
            found.reverse();
        }
        found.truncate(count.try_into().unwrap_or(usize::MAX));
        found
    }

    /// The index of the first entry after the place the subscription names.
    pub fn subscription_start(&self, options: &Options) -> usize {
        let inner = self.lock();
        match options.stream_option.as_ref().unwrap() {
            StreamOption::Stream(stream) => match stream.revision_option.unwrap() {
                stream_options::RevisionOption::Start(_) => 0,
                stream_options::RevisionOption::End(_) => inner.log.entries.len(),
                stream_options::RevisionOption::Revision(revision) => {
                    let name = name(stream.stream_identifier.clone());
                    let seen = |entry: &Entry| entry.stream == name && entry.revision <= revision;
                    inner.log.entries.iter().rposition(seen).map_or(0, |index| index + 1)
                }
            },
            StreamOption::All(all) => match all.all_option.unwrap() {
                all_options::AllOption::Start(_) => 0,
                all_options::AllOption::End(_) => inner.log.entries.len(),
                all_options::AllOption::Position(after) => {
                    (0..inner.log.entries.len()).take_while(|&i| position(i) <= after.commit_position).count()
                }
            },
        }
    }

    pub async fn subscribe(self, options: Options, answers: mpsc::Sender<Result<ReadResp, Status>>) -> Option<()> {
        let answer = |content| ReadResp { content: Some(content) };
        let confirmation = read_resp::SubscriptionConfirmation { subscription_id: "s".into() };
        answers.send(Ok(answer(Content::Confirmation(confirmation)))).await.ok()?;
        let mut next = self.subscription_start(&options);
        let filtered = matches!(options.filter_option, Some(FilterOption::Filter(FilterOptions { .. })));
        let mut caught_up = false;
        let mut written = self.written.subscribe();
        loop {
            written.mark_unchanged();
            let (found, end) = self.find(&options, next);
            for content in found {
                answers.send(Ok(answer(content))).await.ok()?;
            }
            if filtered && end > next {
                let checkpoint =
                    read_resp::Checkpoint { commit_position: position(end - 1), prepare_position: position(end - 1), timestamp: None };
                answers.send(Ok(answer(Content::Checkpoint(checkpoint)))).await.ok()?;
            }
            next = end;
            if !caught_up {
                answers.send(Ok(answer(Content::CaughtUp(read_resp::CaughtUp::default())))).await.ok()?;
                caught_up = true;
            }
            tokio::select! {
                changed = written.changed() => changed.ok()?,
                () = answers.closed() => return None,
            }
        }
    }
}
