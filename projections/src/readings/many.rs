//! Readings of many meters, and what stands on them, with one statement.

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::ids::{InvoiceId, MeterId, ReadingId};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Known, Readings, from_bigint, from_name};
use crate::{Projector, QueryError, as_of::AsOf};

/// The days on which a meter's readings are asked for, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Days {
    pub meter_id: MeterId,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// Of each meter the readings taken on the days, the latest first, after one that was seen; so many of each.
pub async fn of_meters(
    db: impl PgExecutor<'_>,
    asked: &[Days],
    after: Option<(DateTime<Utc>, ReadingId)>,
    as_of: AsOf,
    limit: u32,
) -> Result<Vec<(MeterId, Known)>, QueryError> {
    let meters: Vec<Uuid> = asked.iter().map(|days| days.meter_id.into()).collect();
    let (from, to): (Vec<NaiveDate>, Vec<NaiveDate>) = asked.iter().map(|days| (days.from, days.to)).unzip();
    let (at, id) = after.map_or((DateTime::<Utc>::MAX_UTC, Uuid::max()), |(at, id)| (at, id.into()));
    // Beyond what PostgreSQL counts, and this program.
    let at = at.min(LAST_INSTANT);
    let found = sqlx::query!(
        r#"SELECT asked.id AS "meter_id!", known.reading_id AS "reading_id!", known.register AS "register!", known.kind AS "kind!",
                  known.value AS "value!", known.taken_on AS "taken_on!", known.taken_at AS "taken_at!", known.rolled_over AS "rolled_over!",
                  known.word AS "word!", known.last_revision AS "last_revision!"
           FROM unnest($1::uuid[], $2::date[], $3::date[]) AS asked (id, first_day, last_day)
           CROSS JOIN LATERAL (
               SELECT reading.reading_id, register, kind, value, taken_on, taken_at, rolled_over, last.word, last.revision AS last_revision
               FROM read_readings.reading
               CROSS JOIN LATERAL (
                   SELECT word, word.revision FROM read_readings.word
                   WHERE word.reading_id = reading.reading_id AND word.position <= $7 ORDER BY word.position DESC LIMIT 1) last
               WHERE meter_id = asked.id AND taken_on BETWEEN asked.first_day AND LEAST(asked.last_day, $6) AND reading.position <= $7
                     AND (taken_at, reading.reading_id) < ($4, $5)
               ORDER BY taken_at DESC, reading.reading_id DESC LIMIT $8) known"#,
        &meters,
        &from,
        &to,
        at,
        id,
        as_of.effective,
        as_of.position(),
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    let rows = found.into_iter().map(|row| {
        let known = Known {
            id: ReadingId::new(row.reading_id),
            register: row.register,
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            value: row.value,
            taken_on: row.taken_on,
            taken_at: row.taken_at,
            rolled_over: row.rolled_over,
            word: from_name(row.word).map_err(malformed("word"))?,
            revision: from_bigint(row.last_revision),
        };
        Ok((MeterId::new(row.meter_id), known))
    });
    rows.collect()
}

/// How many readings of each meter were taken on the days, in the order asked.
pub async fn counts_of_meters(db: impl PgExecutor<'_>, asked: &[Days], as_of: AsOf) -> Result<Vec<u64>, QueryError> {
    let meters: Vec<Uuid> = asked.iter().map(|days| days.meter_id.into()).collect();
    let (from, to): (Vec<NaiveDate>, Vec<NaiveDate>) = asked.iter().map(|days| (days.from, days.to)).unzip();
    let counts = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM read_readings.reading
                   WHERE meter_id = asked.id AND taken_on BETWEEN first_day AND LEAST(last_day, $4) AND position <= $5) AS "count!"
           FROM unnest($1::uuid[], $2::date[], $3::date[]) WITH ORDINALITY AS asked (id, first_day, last_day, place) ORDER BY place"#,
        &meters,
        &from,
        &to,
        as_of.effective,
        as_of.position(),
    );
    Ok(counts.fetch_all(db).await?.into_iter().map(from_bigint).collect())
}

/// Which invoices stand on each of these readings of a meter.
pub async fn billed_by(db: impl PgExecutor<'_>, readings: &[(MeterId, ReadingId)]) -> Result<Vec<(ReadingId, InvoiceId)>, QueryError> {
    let (meters, ids): (Vec<Uuid>, Vec<Uuid>) = readings.iter().map(|(meter, id)| (Uuid::from(*meter), Uuid::from(*id))).unzip();
    let found = sqlx::query!(
        r#"SELECT DISTINCT billed.reading_id AS "reading_id!", billed.invoice_id FROM read_readings.bill billed
           WHERE billed.meter_id = ANY($1) AND billed.reading_id = ANY($2) AND billed.stands
                 AND NOT EXISTS (SELECT FROM read_readings.bill taken_back
                                 WHERE taken_back.invoice_id = billed.invoice_id AND taken_back.meter_id = billed.meter_id
                                       AND NOT taken_back.stands AND taken_back.position > billed.position
                                       AND (taken_back.reading_id IS NULL OR taken_back.reading_id = billed.reading_id))"#,
        &meters,
        &ids,
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (ReadingId::new(row.reading_id), InvoiceId::new(row.invoice_id))).collect())
}

const LAST_INSTANT: DateTime<Utc> =
    NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date").and_hms_opt(0, 0, 0).expect("midnight").and_utc();

fn malformed(column: &'static str) -> impl FnOnce(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Readings::NAME, column, source }
}
