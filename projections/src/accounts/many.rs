//! What belongs to many accounts, with one statement.

use daftar_domain::ids::{AccountId, AddressId};
use sqlx::PgExecutor;

use super::{Address, malformed};
use crate::{
    QueryError,
    columns::{from_name, uuids},
};

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
