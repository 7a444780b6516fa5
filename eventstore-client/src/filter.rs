//! Which events of `$all` the server sends.

use crate::error::Error;
use crate::wire::Empty;
use crate::wire::streams::read_req::options::filter_options::{self, Expression};
use crate::wire::streams::read_req::options::{FilterOption, FilterOptions};

/// A choice among the events of `$all`, made by the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    subject: Subject,
    expression: Expression,
    window: Option<u32>,
    checkpoint_interval_multiplier: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    StreamName,
    EventType,
}

impl Filter {
    /// Events of streams whose name begins with any of the prefixes.
    pub fn stream_prefixes<P: Into<String>>(prefixes: impl IntoIterator<Item = P>) -> Self {
        Self::new(Subject::StreamName, Self::prefixes(prefixes))
    }

    /// Events of streams whose name matches, in the server's (.NET's) dialect and unanchored.
    pub fn stream_regex(regex: impl Into<String>) -> Self {
        Self::new(Subject::StreamName, Self::regex(regex))
    }

    /// Events whose type begins with any of the prefixes.
    pub fn event_type_prefixes<P: Into<String>>(prefixes: impl IntoIterator<Item = P>) -> Self {
        Self::new(Subject::EventType, Self::prefixes(prefixes))
    }

    /// Events whose type matches, in the server's (.NET's) dialect and unanchored.
    pub fn event_type_regex(regex: impl Into<String>) -> Self {
        Self::new(Subject::EventType, Self::regex(regex))
    }

    /// Events the server did not write for itself.
    pub fn exclude_system_events() -> Self {
        Self::event_type_regex(r"^[^\$].*")
    }

    /// How many events the server considers at most in one go; without it, 32.
    pub fn window(self, events: u32) -> Self {
        Filter { window: Some(events), ..self }
    }

    /// How many windows lie between two checkpoints.
    pub fn checkpoint_interval_multiplier(self, windows: u32) -> Self {
        Filter { checkpoint_interval_multiplier: windows, ..self }
    }

    fn new(subject: Subject, expression: Expression) -> Self {
        Filter { subject, expression, window: None, checkpoint_interval_multiplier: 1 }
    }

    fn prefixes<P: Into<String>>(prefixes: impl IntoIterator<Item = P>) -> Expression {
        Expression { regex: String::new(), prefix: prefixes.into_iter().map(Into::into).collect() }
    }

    fn regex(regex: impl Into<String>) -> Expression {
        Expression { regex: regex.into(), prefix: Vec::new() }
    }

    /// An empty expression would mean something else to every server.
    fn check(&self) -> Result<(), Error> {
        let Expression { regex, prefix } = &self.expression;
        if regex.is_empty() && (prefix.is_empty() || prefix.iter().any(String::is_empty)) {
            return Err(Error::invalid("the filter is empty"));
        }
        if self.window == Some(0) {
            return Err(Error::invalid("the filter's window is 0"));
        }
        if self.checkpoint_interval_multiplier == 0 {
            return Err(Error::invalid("the filter's checkpoint interval multiplier is 0"));
        }
        Ok(())
    }

    pub(crate) fn to_wire(filter: Option<&Self>) -> Result<FilterOption, Error> {
        let Some(filter) = filter else { return Ok(FilterOption::NoFilter(Empty {})) };
        filter.check()?;
        let expression = filter.expression.clone();
        Ok(FilterOption::Filter(FilterOptions {
            filter: Some(match filter.subject {
                Subject::StreamName => filter_options::Filter::StreamIdentifier(expression),
                Subject::EventType => filter_options::Filter::EventType(expression),
            }),
            window: Some(match filter.window {
                Some(events) => filter_options::Window::Max(events),
                None => filter_options::Window::Count(Empty {}),
            }),
            checkpoint_interval_multiplier: filter.checkpoint_interval_multiplier,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_travels_whole() {
        let filter = Filter::stream_prefixes(["invoice-", "account-"]).window(500).checkpoint_interval_multiplier(4);
        let FilterOption::Filter(wire) = Filter::to_wire(Some(&filter)).unwrap() else { panic!("no filter") };
        let prefix = vec!["invoice-".to_owned(), "account-".to_owned()];
        assert_eq!(wire.filter, Some(filter_options::Filter::StreamIdentifier(Expression { regex: String::new(), prefix })));
        assert_eq!(wire.window, Some(filter_options::Window::Max(500)));
        assert_eq!(wire.checkpoint_interval_multiplier, 4);
    }

    #[test]
    fn a_filter_has_a_window_and_a_checkpoint_interval_even_if_none_is_asked_for() {
        let FilterOption::Filter(wire) = Filter::to_wire(Some(&Filter::exclude_system_events())).unwrap() else { panic!("no filter") };
        assert_eq!(wire.window, Some(filter_options::Window::Count(Empty {})));
        assert_eq!(wire.checkpoint_interval_multiplier, 1);
    }

    #[test]
    fn filters_without_meaning_are_refused() {
        let none: [&str; 0] = [];
        let grid = [
            (Filter::stream_prefixes(none), "the filter is empty"),
            (Filter::event_type_prefixes([""]), "the filter is empty"),
            (Filter::stream_regex(""), "the filter is empty"),
            (Filter::stream_regex("^a").window(0), "the filter's window is 0"),
            (Filter::stream_regex("^a").checkpoint_interval_multiplier(0), "the filter's checkpoint interval multiplier is 0"),
        ];
        for (filter, reason) in grid {
            let error = Filter::to_wire(Some(&filter)).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid argument: {reason}"));
        }
    }
}
