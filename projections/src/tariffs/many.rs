//! The versions of every series that there is.

use daftar_domain::{
    Service,
    account::CustomerClass,
    tariff::{Tariff, Version},
};
use sqlx::PgExecutor;

use super::{Tariffs, to_name};
use crate::{Projector, QueryError, as_of::AsOf};

/// The versions that were known, of every series for this service and class, in the order of their series and days.
pub async fn all(
    db: impl PgExecutor<'_>,
    service: Option<Service>,
    class: Option<CustomerClass>,
    as_of: AsOf,
) -> Result<Vec<Version>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT version.tariff, COALESCE(closed.effective_to, version.effective_to) AS effective_to
           FROM read_tariffs.version
           LEFT JOIN read_tariffs.closed ON closed.series_id = version.series_id AND closed.code = version.code AND closed.position <= $3
           WHERE ($1::text IS NULL OR version.service = $1) AND ($2::text IS NULL OR version.class = $2) AND version.position <= $3
           ORDER BY version.series, version.effective_from"#,
        service.as_ref().map(to_name),
        class.as_ref().map(to_name),
        as_of.position(),
    );
    let malformed = |source| QueryError::Malformed { model: Tariffs::NAME, column: "tariff", source };
    let versions =
        found.fetch_all(db).await?.into_iter().map(|row| {
            Ok(Version { tariff: serde_json::from_str::<Tariff>(&row.tariff).map_err(malformed)?, effective_to: row.effective_to })
        });
    versions.collect()
}
