//! Ids that cannot be taken for one another, and how they are derived.
//!
//! Nothing here is random: a command's id comes from who asked and the key they gave, and everything created by the command from that.
//! A retry therefore meets what the first try made.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The root of every id derived from text.
const DAFTAR: Uuid = Uuid::from_u128(0x6461_6674_6172_5000_8000_6c65_6467_6572);

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

typed_ids! {
    /// Who is billed.
    ///
    /// ```compile_fail
    /// use daftar_domain::ids::{AccountId, InvoiceId};
    /// fn bill(_: AccountId) {}
    /// bill(InvoiceId::new(uuid::Uuid::nil())); // an invoice is not an account
    /// ```
    AccountId
    /// What measures.
    MeterId
    /// What is owed, and why.
    InvoiceId
    /// What is being mended.
    RepairId
    /// What a meter showed, and when.
    ReadingId
    /// Versions of a tariff that follow one another.
    TariffSeriesId
}

/// The id of a command: the same actor asking the same thing with the same key asks the same command.
pub fn command_id(actor: &crate::Actor, wish: &str, idempotency_key: &str) -> Uuid {
    derive(DAFTAR, &[actor.as_str(), wish, idempotency_key])
}

/// The id of what a command creates.
pub fn created_id(command_id: Uuid, category: &str) -> Uuid {
    derive(command_id, &[category])
}

/// The id of a tariff series: its code is its identity, so its stream can be found by anyone who knows the code.
pub fn tariff_series_id(code: &str) -> TariffSeriesId {
    TariffSeriesId::new(derive(DAFTAR, &["tariff", code]))
}

/// The id of the n-th event of a command in a stream: the same at every retry, so that the store can recognise the repeat.
pub fn event_id(command_id: Uuid, stream: &crate::StreamName, index: usize) -> Uuid {
    derive(command_id, &[stream.as_str(), &index.to_string()])
}

/// Parts are length-prefixed: `("ab", "c")` and `("a", "bc")` are different names.
fn derive(namespace: Uuid, parts: &[&str]) -> Uuid {
    let name: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Uuid::new_v5(&namespace, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, StreamName};

    #[test]
    fn a_retry_derives_the_same_ids_and_another_wish_derives_others() {
        let id = command_id(&Actor::user("1"), "openAccount", "k");
        assert_eq!(id, command_id(&Actor::user("1"), "openAccount", "k"));
        assert_ne!(id, command_id(&Actor::user("2"), "openAccount", "k"));
        assert_ne!(id, command_id(&Actor::user("1"), "openAccoun", "tk"));
        let stream = StreamName::new("account", created_id(id, "account")).unwrap();
        assert_ne!(event_id(id, &stream, 0), event_id(id, &stream, 1));
    }

    /// These are on disk in every deployment: a change here would turn every retry into a second wish.
    #[test]
    fn derived_ids_never_change() {
        let id = command_id(&Actor::user("1"), "openAccount", "k");
        assert_eq!(id.to_string(), "2a5c47d3-8ccf-567b-a315-a5b3e4ba5cc6");
        assert_eq!(created_id(id, "account").to_string(), "2d5349fb-34fa-5199-a27a-4c980d10d01b");
        assert_eq!(event_id(id, &StreamName::new("account", Uuid::nil()).unwrap(), 0).to_string(), "aed51d90-e969-5435-a86e-8882c87b77a0");
    }
}
