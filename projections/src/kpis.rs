//! Figures for a dashboard, each from sums that a model keeps anyway. What was known at a position is the same in all of them.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::{
    QueryError,
    accounts::{self, Headcount},
    as_of::AsOf,
    fleet::{self, Used},
    payments::{self, Cash},
    receivables::{self, Cohort},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// As accounts are now: they are counted, not accounted for.
    pub accounts: Vec<Headcount>,
    /// What was charged in each month, and how much of it is paid, open and overdue.
    pub billed: Vec<Cohort>,
    /// Money that came in and went out in each month.
    pub collected: Vec<Cash>,
    /// What all meters measured in each month.
    pub used: Vec<Used>,
}

/// The figures of the months from one on, up to the date and as they were known.
pub async fn dashboard(db: &mut PgConnection, from: NaiveDate, as_of: AsOf) -> Result<Dashboard, QueryError> {
    let from = crate::columns::month(from);
    Ok(Dashboard {
        accounts: accounts::headcounts(&mut *db).await?,
        billed: receivables::cohorts(&mut *db, from, as_of).await?,
        collected: payments::monthly_cash(&mut *db, from, as_of).await?,
        used: fleet::monthly(db, from, as_of).await?,
    })
}
