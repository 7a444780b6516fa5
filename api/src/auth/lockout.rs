//! Patience with failures, by user name and by address, counted in the database so that all servers count together.
//!
//! A try is counted before it is judged, as if it had failed: a thousand tries at once are as many as a thousand in a row. One that
//! was right takes its count back.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use sqlx::PgPool;

use super::Refusal;
use crate::{http::limits::network, problem::Problem};

/// Whose tries are counted together.
#[derive(Clone, Copy, Debug)]
pub enum Counted {
    /// Whether or not anybody has the name.
    Name([u8; 16]),
    /// Many people may share one: a branch office, a mobile network.
    Address(IpAddr),
    /// By whoever claims an account with this number, whether or not there is one.
    Claims([u8; 16]),
}

impl Counted {
    fn key(self) -> String {
        match self {
            Self::Name(fingerprint) => format!("name:{}", uuid::Uuid::from_bytes(fingerprint)),
            Self::Address(address) => format!("address:{}", network(address)),
            Self::Claims(number) => format!("claims:{}", uuid::Uuid::from_bytes(number)),
        }
    }

    /// Failures that cost nothing but the try.
    fn free(self) -> i32 {
        match self {
            Self::Name(_) | Self::Claims(_) => 5,
            Self::Address(_) => 50,
        }
    }
}

/// The wait after the last free failure; it doubles with each further one, up to the longest.
const FIRST_WAIT: Duration = Duration::seconds(30);
const LONGEST_WAIT: Duration = Duration::hours(1);
/// Failures this long ago are forgiven.
const MEMORY: Duration = Duration::days(1);

/// Counts a try. While locked, nothing is counted: knocking on does not make it longer.
pub async fn count(tables: &PgPool, of: Counted, now: DateTime<Utc>) -> Result<(), Problem> {
    let counted = sqlx::query(
        "INSERT INTO daftar_auth.attempts AS before (of, failures, last_at) VALUES ($1, 1, $2)
         ON CONFLICT (of) DO UPDATE SET
             failures = CASE WHEN before.last_at < $2 - $3 THEN 1 ELSE before.failures + 1 END,
             last_at = $2,
             locked_until = CASE WHEN before.last_at >= $2 - $3 AND before.failures + 1 >= $4
                                 THEN $2 + least($5 * power(2, least(before.failures + 1 - $4, 20)), $6) END
         WHERE before.locked_until IS NULL OR before.locked_until <= $2",
    )
    .bind(of.key())
    .bind(now)
    .bind(MEMORY)
    .bind(of.free())
    .bind(FIRST_WAIT)
    .bind(LONGEST_WAIT)
    .execute(tables)
    .await?;
    if counted.rows_affected() == 1 {
        return Ok(());
    }
    let until: Option<Option<DateTime<Utc>>> =
        sqlx::query_scalar("SELECT locked_until FROM daftar_auth.attempts WHERE of = $1").bind(of.key()).fetch_optional(tables).await?;
    let seconds = until.flatten().map_or(1, |until| (until - now).num_seconds().max(0).unsigned_abs() + 1);
    Err(Refusal::LockedOut { seconds }.into())
}

/// The try was no failure: it counts for nothing, and those before it as before.
pub async fn take_back(tables: &PgPool, of: Counted) -> Result<(), Problem> {
    let take_back = "UPDATE daftar_auth.attempts SET failures = greatest(failures - 1, 0), locked_until = NULL WHERE of = $1";
    sqlx::query(take_back).bind(of.key()).execute(tables).await?;
    Ok(())
}

/// Somebody has shown all that there is to show: what failed before was them, too.
pub async fn forgive(tables: &PgPool, of: Counted) -> Result<(), Problem> {
    sqlx::query("DELETE FROM daftar_auth.attempts WHERE of = $1").bind(of.key()).execute(tables).await?;
    Ok(())
}
