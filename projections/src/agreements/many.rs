//! Agreements of many accounts, and their premises, with one statement.

use daftar_domain::ids::{AccountId, AgreementId, MeterId, PremisesId, ReadCycleId, ServicePointId};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::{Agreement, Agreements, from_bigint, from_name};
use crate::{Projector, QueryError, as_of::AsOf, columns::uuids};

/// The agreements of each account that run on a date.
pub async fn of_accounts(db: impl PgExecutor<'_>, accounts: &[AccountId], as_of: AsOf) -> Result<Vec<Agreement>, QueryError> {
    let ids = uuids(accounts);
    let found = sqlx::query!(
        r#"SELECT agreement.agreement_id, agreement.service_point_id, agreement.account_id, agreement.premises_id, agreement.service,
                  agreement.valid_from, agreement.revision, series.tariff_series, cycle.read_cycle_id,
                  ended.valid_to AS "valid_to?", meter.meter_id AS "meter_id?"
           FROM read_agreements.agreement
           CROSS JOIN LATERAL (
               SELECT tariff_series FROM read_agreements.tariff_series series
               WHERE series.agreement_id = agreement.agreement_id AND effective_on <= $2 AND position <= $3
               ORDER BY effective_on DESC, position DESC LIMIT 1) series
           CROSS JOIN LATERAL (
               SELECT read_cycle_id FROM read_agreements.read_cycle cycle
               WHERE cycle.agreement_id = agreement.agreement_id AND effective_on <= $2 AND position <= $3
               ORDER BY effective_on DESC, position DESC LIMIT 1) cycle
           LEFT JOIN read_agreements.ended ON ended.agreement_id = agreement.agreement_id AND ended.position <= $3
           LEFT JOIN LATERAL (
               SELECT CASE WHEN attached THEN meter_id END AS meter_id FROM read_agreements.meter
               WHERE meter.service_point_id = agreement.service_point_id AND effective_on <= $2 AND position <= $3
               ORDER BY position DESC LIMIT 1) meter ON true
           WHERE agreement.account_id = ANY($1) AND agreement.valid_from <= $2 AND (ended.valid_to IS NULL OR $2 < ended.valid_to)
           ORDER BY agreement.valid_from, agreement.agreement_id"#,
        &ids,
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    let service = |name| from_name(name).map_err(|source| QueryError::Malformed { model: Agreements::NAME, column: "service", source });
    let rows = found.into_iter().map(|row| {
        Ok(Agreement {
            id: AgreementId::new(row.agreement_id),
            service_point_id: ServicePointId::new(row.service_point_id),
            account_id: AccountId::new(row.account_id),
            premises_id: PremisesId::new(row.premises_id),
            service: service(row.service)?,
            tariff_series: row.tariff_series,
            read_cycle_id: ReadCycleId::new(row.read_cycle_id),
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            meter_id: row.meter_id.map(MeterId::new),
            revision: from_bigint(row.revision),
        })
    });
    rows.collect()
}

/// What billing asks of premises, on a date.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub id: PremisesId,
    pub area: String,
    pub dwellings: i64,
    pub breaker_amps: Option<i64>,
    pub load_kva: Option<Decimal>,
}

pub async fn premises_of(db: impl PgExecutor<'_>, ids: &[PremisesId], as_of: AsOf) -> Result<Vec<Place>, QueryError> {
    let ids = uuids(ids);
    let found = sqlx::query!(
        "SELECT DISTINCT ON (premises_id) premises_id, dwellings, breaker_amps, load_kva, area FROM read_agreements.premises_facts
         WHERE premises_id = ANY($1) AND effective_on <= $2 AND position <= $3 ORDER BY premises_id, effective_on DESC, position DESC",
        &ids,
        as_of.effective,
        as_of.position(),
    );
    let places = found.fetch_all(db).await?.into_iter().map(|row| Place {
        id: PremisesId::new(row.premises_id),
        area: row.area,
        dwellings: row.dwellings,
        breaker_amps: row.breaker_amps,
        load_kva: row.load_kva,
    });
    Ok(places.collect())
}
