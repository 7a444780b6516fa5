//! `replay-tool timeline`: every fact that concerns an account, a meter or whatever else has an id, in order, with who and when.
//!
//! Personal data opens with the master key and the keys that it wraps, and with nothing less; once its key is deleted it is forgotten for ever.

use anyhow::{Context, Result};
use daftar_domain::{Sealed, ids::AccountId};
use daftar_store::keyring::{Keyring, KeyringError};
use daftar_terminal::{Align, Table};
use futures::TryStreamExt;
use serde_json::Value;
use uuid::Uuid;

use crate::source::Source;

/// What is sealed and not to be opened here.
const SEALED: &str = "‹sealed›";
const FORGOTTEN: &str = "‹forgotten›";

pub async fn timeline(source: &Source, id: Uuid, keys: Option<&Keyring>) -> Result<Table> {
    let mut table = Table::new(["recorded", "who", "stream", "event", "what"].map(|name| (name, Align::Left)));
    let (text, mut facts) = (id.to_string(), source.facts());
    while let Some(fact) = facts.try_next().await? {
        let data = fact.event.encode();
        if fact.stream.id() != id && !std::str::from_utf8(&data)?.contains(&text) {
            continue;
        }
        let mut what: Value = serde_json::from_slice(&data)?;
        // Whose keys they are: in an account's own stream its own, elsewhere those of the account that is named.
        let named = what.get("account_id").and_then(|id| id.as_str()?.parse().ok());
        let account = if fact.stream.category() == "account" { Some(fact.stream.id()) } else { named };
        open(&mut what, account.map(AccountId::new), keys).await?;
        let recorded = fact.metadata.recorded_at.format("%Y-%m-%d %H:%M:%S").to_string();
        let (who, event) = (fact.metadata.actor.to_string(), fact.event.event_type().to_owned());
        table.row([recorded, who, fact.stream.to_string(), event, what.to_string()]);
    }
    Ok(table)
}

/// Puts clear text, or why there is none, in the place of everything sealed.
async fn open(value: &mut Value, account: Option<AccountId>, keys: Option<&Keyring>) -> Result<()> {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        if let Some(sealed) = sealed(value) {
            *value = match (account, keys) {
                (Some(account), Some(keys)) => clear(account, &sealed, keys).await?,
                _ => SEALED.to_owned(),
            }
            .into();
        } else {
            match value {
                Value::Array(values) => waiting.extend(values),
                Value::Object(fields) => waiting.extend(fields.values_mut()),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }
    Ok(())
}

fn sealed(value: &Value) -> Option<Sealed> {
    value.get("ciphertext")?;
    serde_json::from_value(value.clone()).ok()
}

async fn clear(account: AccountId, sealed: &Sealed, keys: &Keyring) -> Result<String> {
    match keys.open(account, sealed).await {
        Ok(Some(clear)) => Ok(clear.reveal().to_owned()),
        Ok(None) => Ok(FORGOTTEN.to_owned()),
        // Sealed for somebody else.
        Err(KeyringError::NoKey { .. } | KeyringError::DoesNotOpen { .. }) => Ok(SEALED.to_owned()),
        Err(error) => Err(error).context("the keys cannot be used"),
    }
}
