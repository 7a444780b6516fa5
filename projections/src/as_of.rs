//! The two axes of time.

use chrono::NaiveDate;
use daftar_domain::Position;

use crate::columns::to_bigint;

/// Which books are asked: those that were known at a position, as they apply on a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    recorded: i64,
    pub effective: NaiveDate,
}

impl AsOf {
    /// All that is known by now.
    pub fn now_known(effective: NaiveDate) -> Self {
        Self { recorded: i64::MAX, effective }
    }

    /// What was known once everything up to a position had been recorded, and nothing after it.
    pub fn recorded(position: Position, effective: NaiveDate) -> Self {
        Self { recorded: to_bigint(position.commit), effective }
    }

    /// What was known by the same time, on another date.
    pub fn on(self, effective: NaiveDate) -> Self {
        Self { effective, ..self }
    }

    /// What was known before the event at a position was recorded.
    pub(crate) fn before(position: Position, effective: NaiveDate) -> Self {
        Self { recorded: to_bigint(position.commit) - 1, effective }
    }

    /// The greatest `position` of a row that counts.
    pub(crate) fn position(self) -> i64 {
        self.recorded
    }
}
