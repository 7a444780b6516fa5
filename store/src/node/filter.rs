//! Which events of `$all` a reader wants, and how often it hears how far the reading has come.

use eventstore_client::wire::streams::read_req::options::{
    FilterOptions,
    filter_options::{Expression, Filter as Subject, Window},
};
use fancy_regex::{Regex, RegexBuilder};

use super::{refusal::Refusal, request::missing};
use crate::StoredEvent;

/// Steps that an expression may go back over one name. Sensible ones take a handful; one that takes this many would take for ever.
const BACKTRACK_LIMIT: usize = 10_000;

/// The window of those who do not say theirs.
const DEFAULT_WINDOW: u32 = 32;

#[derive(Debug)]
pub(super) struct Filter {
    subject: fn(&StoredEvent) -> &str,
    pattern: Pattern,
}

#[derive(Debug)]
enum Pattern {
    Prefixes(Vec<String>),
    Regex(Box<Regex>),
}

impl Filter {
    pub(super) fn new(options: &FilterOptions) -> Result<Self, Refusal> {
        if options.window.is_none() {
            return Err(missing("window"));
        }
        match &options.filter {
            Some(Subject::StreamIdentifier(expression)) => Ok(Self { subject: |event| &event.stream, pattern: Pattern::new(expression)? }),
            Some(Subject::EventType(expression)) => Ok(Self { subject: |event| &event.event_type, pattern: Pattern::new(expression)? }),
            None => Err(missing("filter")),
        }
    }

    pub(super) fn matches(&self, event: &StoredEvent) -> Result<bool, Refusal> {
        let subject = (self.subject)(event);
        match &self.pattern {
            Pattern::Prefixes(prefixes) => Ok(prefixes.iter().any(|prefix| subject.starts_with(prefix))),
            Pattern::Regex(regex) => regex
                .is_match(subject)
                .map_err(|error| Refusal::invalid(format!("the filter `{}` cannot be held against `{subject}`: {error}", regex.as_str()))),
        }
    }
}

impl Pattern {
    fn new(expression: &Expression) -> Result<Self, Refusal> {
        if expression.regex.is_empty() {
            return Ok(Self::Prefixes(expression.prefix.clone()));
        }
        // EventStoreDB's own expressions are unanchored and may look ahead, and its clients send such ones.
        RegexBuilder::new(&expression.regex)
            .backtrack_limit(BACKTRACK_LIMIT)
            .build()
            .map(|regex| Self::Regex(Box::new(regex)))
            .map_err(|error| Refusal::invalid(format!("`{}` is no regular expression: {error}", expression.regex)))
    }
}

/// After how many events, wanted or not, a subscriber hears how far the reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cadence(pub(super) u64);

impl Cadence {
    pub(super) fn new(options: &FilterOptions) -> Result<Self, Refusal> {
        let window = match options.window {
            Some(Window::Max(max)) => max,
            Some(Window::Count(_)) => DEFAULT_WINDOW,
            None => return Err(missing("window")),
        };
        match u64::from(window) * u64::from(options.checkpoint_interval_multiplier) {
            0 => Err(Refusal::invalid("neither the window nor the checkpoint interval's multiplier may be zero")),
            interval => Ok(Self(interval)),
        }
    }
}
