//! Lists in the order that was asked for, page by page.
//!
//! A page begins behind a spot, not after a number of rows: what comes in ahead of it moves nothing. Each order is a query of its own, both
//! ways, which is checked and has an index. Filters say `OR $n IS NULL`, also where they are a range: a plan that is made before the values
//! are known then goes along the order's index, and cannot take a range for narrow that is everything, and sort all that is in it.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use uuid::Uuid;

use crate::QueryError;

/// Which way a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A page of a list in the order of `by`. Ids decide between members that have that in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<B, const IDS: usize = 1> {
    pub by: B,
    pub direction: Direction,
    pub after: Option<Spot<IDS>>,
    pub limit: u32,
}

/// Where a member is in a list: what it has of what the list is in the order of, and its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot<const IDS: usize = 1> {
    pub key: String,
    pub ids: [Uuid; IDS],
}

impl<const IDS: usize> Spot<IDS> {
    pub(crate) fn new<K: Key>(key: &K, ids: [Uuid; IDS]) -> Self {
        Self { key: key.written(), ids }
    }

    /// Of a member that may have no such key: it is among the last.
    pub(crate) fn of<K: Key>(key: Option<K>, ids: [Uuid; IDS]) -> Self {
        Self::new(&key.unwrap_or_else(|| K::ends()[1].clone()), ids)
    }
}

impl<B, const IDS: usize> Page<B, IDS> {
    /// Behind what it begins; without a spot before everything.
    pub(crate) fn begins<K: Key>(&self) -> Result<(K, [Uuid; IDS]), QueryError> {
        let [first, last] = K::ends();
        Ok(match (&self.after, self.direction) {
            (Some(after), _) => (after.key.parse().map_err(|_| QueryError::NotASpot)?, after.ids),
            (None, Direction::Ascending) => (first, [Uuid::nil(); IDS]),
            (None, Direction::Descending) => (last, [Uuid::max(); IDS]),
        })
    }
}

/// What lists are in the order of.
pub(crate) trait Key: Clone + FromStr {
    /// No row has less than the first, nor more than the last.
    fn ends() -> [Self; 2];
    fn written(&self) -> String;
}

/// As far as PostgreSQL and this program both reach. The last is also that of those that have none.
pub(crate) const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a date");
pub(crate) const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

impl Key for NaiveDate {
    fn ends() -> [Self; 2] {
        [FIRST_DAY, LAST_DAY]
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Key for DateTime<Utc> {
    fn ends() -> [Self; 2] {
        [FIRST_DAY, LAST_DAY].map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc())
    }

    fn written(&self) -> String {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl Key for i64 {
    fn ends() -> [Self; 2] {
        [Self::MIN, Self::MAX]
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

/// Where the column sorts by bytes.
impl Key for String {
    fn ends() -> [Self; 2] {
        [Self::new(), char::MAX.into()]
    }

    fn written(&self) -> String {
        self.clone()
    }
}

/// The rows of a page, of those that a filter leaves, in the order of an expression and of the columns that are ids. `$1` is its limit, `$2`
/// what it is in the order of, then come the ids, and then the filter's own values.
macro_rules! page {
    ($db:ident, $page:ident, $row:ident, $filtered:literal, $by:literal as $key:ty, ($($id:literal $n:literal),+) behind $spot:literal, [$($value:expr),+ $(,)?]) => {{
        let (key, ids) = $page.begins::<$key>()?;
        let limit = i64::from($page.limit);
        match $page.direction {
            $crate::Direction::Ascending => {
                let rows = sqlx::query_as!(
                    $row,
                    $filtered + " AND (" + $by $(+ ", " + $id)+ + ") > " + $spot + " ORDER BY " + $by $(+ ", " + $id)+ + " LIMIT $1",
                    limit,
                    key,
                    $(ids[$n],)+
                    $($value),+
                );
                rows.fetch_all($db).await?
            }
            $crate::Direction::Descending => {
                let rows = sqlx::query_as!(
                    $row,
                    $filtered + " AND (" + $by $(+ ", " + $id)+ + ") < " + $spot
                        + " ORDER BY " + $by + " DESC" $(+ ", " + $id + " DESC")+ + " LIMIT $1",
                    limit,
                    key,
                    $(ids[$n],)+
                    $($value),+
                );
                rows.fetch_all($db).await?
            }
        }
    }};
}

pub(crate) use page;
