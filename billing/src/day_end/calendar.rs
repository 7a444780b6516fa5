//! Which days have ended, and ending those that have not.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use daftar_projections::elected;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use super::{DayEndError, DayEnds, Ended};

/// How late after midnight a day may end.
const PAUSE: Duration = Duration::from_secs(60);

impl DayEnds {
    /// Ends every day as it is over, for ever. Any number of processes may; one of them does.
    pub async fn keep(&self) {
        loop {
            match self.catch_up(self.engine.now()).await {
                Ok(days) => {
                    for (day, ended) in days {
                        tracing::info!(%day, ?ended, "a day has ended");
                    }
                }
                Err(error) => tracing::warn!(error = %daftar_projections::chain(&error), "a day could not be ended; trying again"),
            }
            sleep(PAUSE).await;
        }
    }

    /// Ends all days that are over and have not ended: the one before the first that was ever asked for is not among them.
    pub async fn catch_up(&self, now: DateTime<Utc>) -> Result<Vec<(NaiveDate, Ended)>, DayEndError> {
        let mut db = PgConnection::connect_with(&self.rows.db.connect_options()).await?;
        elected(&mut db, "daftar day end").await?;
        let yesterday = self.payments.local_day(now).pred_opt().unwrap_or(NaiveDate::MIN);
        let mut next = match last_day(&mut db).await? {
            Some(last) => last.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX),
            None => yesterday,
        };
        let mut days = Vec::new();
        while next <= yesterday {
            days.push((next, self.end(next, now).await?));
            note(&mut db, next).await?;
            next = next.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        }
        db.close().await?;
        Ok(days)
    }
}

async fn last_day(db: &mut PgConnection) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("SELECT last_day FROM daftar_billing.day_end").fetch_one(db).await
}

/// After what it asked has been done.
async fn note(db: &mut PgConnection, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE daftar_billing.day_end SET last_day = $1, moved_at = now()", day).execute(db).await?;
    Ok(())
}
