//! Meters of many ids, and what belongs to them, with one statement.

use chrono::NaiveDate;
use daftar_domain::{
    ids::{MeterId, PremisesId},
    meter::{Direction, Register, Unit},
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{ComponentRow, Device, MeterRow, PartChange, StatusRow, Step, from_bigint, from_name, malformed};
use crate::{QueryError, as_of::AsOf, columns::uuids};

pub async fn by_ids(db: impl PgExecutor<'_>, ids: &[MeterId]) -> Result<Vec<Device>, QueryError> {
    let rows = sqlx::query_as!(MeterRow, "SELECT * FROM read_meters.meter WHERE meter_id = ANY($1)", &uuids(ids),);
    rows.fetch_all(db).await?.into_iter().map(Device::try_from).collect()
}

pub async fn registers_of(db: impl PgExecutor<'_>, ids: &[MeterId]) -> Result<Vec<(MeterId, Register)>, QueryError> {
    let found = sqlx::query!(
        "SELECT meter_id, code, digits, decimals, multiplier, direction, unit FROM read_meters.register
         WHERE meter_id = ANY($1) ORDER BY meter_id, code",
        &uuids(ids),
    );
    let registers = found.fetch_all(db).await?.into_iter().map(|row| {
        let direction: Direction = from_name(row.direction).map_err(malformed("direction"))?;
        let unit: Unit = from_name(row.unit).map_err(malformed("unit"))?;
        let register = Register {
            code: from_name(row.code).map_err(malformed("code"))?,
            digits: u32::try_from(row.digits).unwrap_or_default(),
            decimals: u32::try_from(row.decimals).unwrap_or_default(),
            multiplier: row.multiplier,
            direction,
            unit,
        };
        Ok((MeterId::new(row.meter_id), register))
    });
    registers.collect()
}

/// What was done to the parts of each meter, in the order in which it was recorded.
pub async fn parts_of(db: impl PgExecutor<'_>, ids: &[MeterId], as_of: AsOf) -> Result<Vec<(MeterId, PartChange)>, QueryError> {
    let found = sqlx::query_as!(
        ComponentRow,
        "SELECT * FROM read_meters.component WHERE meter_id = ANY($1) AND effective_on <= $2 AND position <= $3
         ORDER BY position, part, change DESC, number",
        &uuids(ids),
        as_of.effective,
        as_of.position(),
    );
    let parts = found.fetch_all(db).await?.into_iter().map(|row| {
        let change = PartChange {
            part: from_name(row.part).map_err(malformed("part"))?,
            number: row.number,
            change: from_name(row.change).map_err(malformed("change"))?,
            amps: row.amps.map(from_bigint),
            place: row.place,
            effective_on: row.effective_on,
            reason: row.reason,
        };
        Ok((MeterId::new(row.meter_id), change))
    });
    parts.collect()
}

/// What became of each meter, in the order in which it was recorded.
pub async fn lives_of(db: impl PgExecutor<'_>, ids: &[MeterId], as_of: AsOf) -> Result<Vec<(MeterId, Step)>, QueryError> {
    let found = sqlx::query_as!(
        StatusRow,
        "SELECT * FROM read_meters.status WHERE meter_id = ANY($1) AND (effective_on <= $2 OR effective_on IS NULL) AND position <= $3
         ORDER BY position",
        &uuids(ids),
        as_of.effective,
        as_of.position(),
    );
    let steps = found.fetch_all(db).await?.into_iter().map(|row| {
        let step = Step {
            status: from_name(row.status).map_err(malformed("status"))?,
            effective_on: row.effective_on,
            premises_id: row.premises_id.map(PremisesId::new),
            reason: row.reason,
        };
        Ok((MeterId::new(row.meter_id), step))
    });
    steps.collect()
}

/// A test of a meter on the bench.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub id: Uuid,
    pub tested_on: NaiveDate,
    pub passed: bool,
    pub error_percent: Decimal,
    pub certified_until: Option<NaiveDate>,
}

pub async fn tests_of(db: impl PgExecutor<'_>, ids: &[MeterId]) -> Result<Vec<(MeterId, Test)>, QueryError> {
    let found = sqlx::query!(
        "SELECT meter_id, test_id, tested_on, passed, error_percent, certified_until FROM read_meters.test
         WHERE meter_id = ANY($1) ORDER BY position",
        &uuids(ids),
    );
    let tests = found.fetch_all(db).await?.into_iter().map(|row| {
        let test = Test {
            id: row.test_id,
            tested_on: row.tested_on,
            passed: row.passed,
            error_percent: row.error_percent,
            certified_until: row.certified_until,
        };
        (MeterId::new(row.meter_id), test)
    });
    Ok(tests.collect())
}
