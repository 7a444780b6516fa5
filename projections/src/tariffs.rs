//! Tariffs: the versions of each series, as they were published and as they apply.

mod many;

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Code, Decider, Recorded,
    tariff::{self, Tariff, TariffClosed, TariffPublished, TariffSeries, Version},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{position, to_name},
    rows,
    rows::{History, Table},
};

pub use many::*;

#[derive(Debug, Default)]
pub struct Tariffs {
    versions: History<VersionRow>,
    closed: History<ClosedRow>,
}

rows! {
    struct VersionRow in version {
        series_id: Uuid,
        series: String,
        code: String,
        service: String,
        class: String,
        currency: String,
        effective_from: NaiveDate,
        effective_to: Option<NaiveDate>,
        tariff: String,
        position: i64,
    }

    struct ClosedRow in closed {
        series_id: Uuid,
        code: String,
        effective_to: NaiveDate,
        successor: String,
        position: i64,
    }
}

impl Projector for Tariffs {
    const NAME: &'static str = "tariffs";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[TariffSeries::CATEGORY];
    const TABLES: &'static str = include_str!("../models/tariffs/tables.sql");
    const INDEXES: &'static str = include_str!("../models/tariffs/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::Tariff(tariff::Event::TariffPublished(TariffPublished { tariff })) => self.versions.add(VersionRow {
                series_id: fact.stream.id(),
                series: tariff.series().to_string(),
                code: tariff.code.to_string(),
                service: to_name(&tariff.service),
                class: to_name(&tariff.class),
                currency: to_name(&tariff.currency),
                effective_from: tariff.effective_from,
                effective_to: tariff.effective_to,
                tariff: String::from_utf8_lossy(&daftar_domain::write(tariff)).into_owned(),
                position: position(fact),
            }),
            BillingEvent::Tariff(tariff::Event::TariffClosed(TariffClosed { code, effective_to, successor })) => {
                self.closed.add(ClosedRow {
                    series_id: fact.stream.id(),
                    code: code.to_string(),
                    effective_to: *effective_to,
                    successor: successor.to_string(),
                    position: position(fact),
                })
            }
            // None of another category comes here.
            _ => {}
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.versions, &mut self.closed]
    }
}

/// The versions of a series as they were known, in the order of their days.
pub async fn versions(db: impl PgExecutor<'_>, series: &Code, as_of: AsOf) -> Result<Vec<Version>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT version.tariff, COALESCE(closed.effective_to, version.effective_to) AS effective_to
           FROM read_tariffs.version
           LEFT JOIN read_tariffs.closed ON closed.series_id = version.series_id AND closed.code = version.code AND closed.position <= $2
           WHERE version.series = $1 AND version.position <= $2
           ORDER BY version.effective_from"#,
        series.as_str(),
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    let version = |tariff: String, effective_to| {
        let malformed = |source| QueryError::Malformed { model: Tariffs::NAME, column: "tariff", source };
        Ok(Version { tariff: serde_json::from_str::<Tariff>(&tariff).map_err(malformed)?, effective_to })
    };
    found.into_iter().map(|row| version(row.tariff, row.effective_to)).collect()
}

/// The version that applies on the date.
pub async fn on(db: impl PgExecutor<'_>, series: &Code, as_of: AsOf) -> Result<Option<Version>, QueryError> {
    let versions = versions(db, series, as_of).await?;
    Ok(versions.into_iter().find(|version| version.applies_on(as_of.effective)))
}
