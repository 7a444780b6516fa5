//! What belongs to many accounts, with one statement.

use chrono::NaiveDate;
use daftar_domain::ids::{AccountId, AddressId};
use sqlx::PgExecutor;

use super::{Address, malformed};
use crate::{
    QueryError,
    columns::{from_name, uuids},
};

/// A subsidy that an authority granted to an account, as far as it was not ended since.
#[derive(Clone, Debug, PartialEq)]
pub struct Subsidy {
    pub scheme: String,
    pub from: NaiveDate,
    /// The day after the last; open if absent.
    pub to: Option<NaiveDate>,
    pub proof: String,
    pub renew_by: Option<NaiveDate>,
}

pub async fn addresses_of(db: impl PgExecutor<'_>, accounts: &[AccountId]) -> Result<Vec<(AccountId, Address)>, QueryError> {
    let found = sqlx::query!(
        "SELECT account_id, address_id, kind, text FROM read_accounts.address WHERE account_id = ANY($1) ORDER BY address_id",
        &uuids(accounts),
    );
    let addresses = found.fetch_all(db).await?.into_iter().map(|row| {
        let address = Address {
            id: AddressId::new(row.address_id),
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            text: serde_json::from_slice(&row.text).map_err(malformed("text"))?,
        };
        Ok((AccountId::new(row.account_id), address))
    });
    addresses.collect()
}

/// What accounts are granted and were, the latest first. What ended before it began was never granted.
pub async fn subsidies_of(db: impl PgExecutor<'_>, accounts: &[AccountId]) -> Result<Vec<(AccountId, Subsidy)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT account_id, scheme, valid_from, LEAST(valid_to, ended_on) AS valid_to, proof, renew_by
           FROM read_accounts.subsidy granted
           CROSS JOIN LATERAL (SELECT min(effective_on) AS ended_on FROM read_accounts.subsidy_end ended
                               WHERE ended.account_id = granted.account_id AND ended.scheme = granted.scheme
                                 AND ended.position > granted.position) ended
           WHERE account_id = ANY($1) AND (ended_on IS NULL OR valid_from < ended_on)
           ORDER BY valid_from DESC, position DESC"#,
        &uuids(accounts),
    );
    let found = found.fetch_all(db).await?.into_iter().map(|row| {
        let (scheme, from, to) = (row.scheme, row.valid_from, row.valid_to);
        (AccountId::new(row.account_id), Subsidy { scheme, from, to, proof: row.proof, renew_by: row.renew_by })
    });
    Ok(found.collect())
}
