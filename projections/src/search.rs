//! Accounts by what people know of them: a name, a phone number.
//!
//! The read models hold both sealed. The keyring says which accounts have a value that is found so (decision 12), and the accounts' rows say
//! whether they still have it: a name that was changed, or was never recorded, finds nobody.

use daftar_domain::{Sealed, account::ContactKind, ids::AccountId};
use daftar_store::keyring::{By, Keyring, KeyringError, Mark};
use sqlx::PgPool;
use thiserror::Error;

use crate::{
    QueryError,
    accounts::{self, Account, Contact},
};

#[derive(Debug, Error)]
pub enum SearchError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Candidates looked at in one go. Nearly all are still what they were when they were sealed.
const CANDIDATES: u32 = 200;

/// Accounts are counted up to so many; whoever finds more asks for more letters.
pub const COUNTED: u64 = 1_000;

/// Accounts whose holder or a contact is called so, or is reached at such a number; in the order of their ids, after one that was seen.
pub async fn accounts(
    db: &PgPool,
    keyring: &Keyring,
    (by, asked): (By, &str),
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Account>, SearchError> {
    let (mut found, mut after, limit) = (Vec::new(), after, limit as usize);
    while found.len() < limit {
        let candidates = keyring.find(by, asked, after, CANDIDATES).await?;
        let Some((last, _)) = candidates.last() else { break };
        after = Some(*last);
        found.extend(still(db, by, &candidates).await?);
    }
    found.truncate(limit);
    Ok(found)
}

/// How many accounts [`accounts`] finds, up to [`COUNTED`].
pub async fn count(db: &PgPool, keyring: &Keyring, wanted: (By, &str)) -> Result<u64, SearchError> {
    Ok(accounts(db, keyring, wanted, None, u32::try_from(COUNTED).unwrap_or(u32::MAX)).await?.len() as u64)
}

/// Those of the candidates that have a value by which they were found.
async fn still(db: &PgPool, by: By, candidates: &[(AccountId, Vec<Mark>)]) -> Result<Vec<Account>, QueryError> {
    let ids: Vec<AccountId> = candidates.iter().map(|(account, _)| *account).collect();
    let contacts = accounts::contacts_of(db, &ids).await?;
    let mut rows = accounts::by_ids(db, &ids).await?;
    rows.retain(|account| {
        let Ok(candidate) = candidates.binary_search_by_key(&account.id, |(id, _)| *id) else { return false };
        let contacts = contacts.iter().filter(|(id, _)| *id == account.id).flat_map(|(_, contact)| findable(contact));
        let mut values = contacts.chain([(&account.holder_name, By::Name)]).filter(|(_, kind)| *kind == by);
        values.any(|(value, _)| candidates[candidate].1.contains(&Mark::of(value)))
    });
    Ok(rows)
}

/// What of a contact it is found by.
fn findable(contact: &Contact) -> impl Iterator<Item = (&Sealed, By)> {
    let number = match contact.kind {
        ContactKind::Mobile | ContactKind::Phone | ContactKind::WhatsApp => Some((&contact.value, By::Phone)),
        ContactKind::Email => None,
    };
    contact.name.as_ref().map(|name| (name, By::Name)).into_iter().chain(number)
}

/// Has all accounts found by what they are called and reached at now, and by nothing else: after an upgrade from a version that did not keep
/// words, or when words are made in another way. How many accounts that were.
pub async fn index(db: &PgPool, keyring: &Keyring, progress: &(dyn Fn(u64) + Send + Sync)) -> Result<u64, SearchError> {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = accounts::after(db, after, CANDIDATES).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.id);
        count += page.len() as u64;
        let ids: Vec<AccountId> = page.iter().map(|account| account.id).collect();
        let mut values: Vec<_> = page.into_iter().map(|account| (account.id, account.holder_name, By::Name)).collect();
        for (account, contact) in accounts::contacts_of(db, &ids).await? {
            values.extend(findable(&contact).map(|(value, by)| (account, value.clone(), by)));
        }
        keyring.make_findable(&values).await?;
        progress(count);
    }
}
