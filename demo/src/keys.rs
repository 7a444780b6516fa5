//! The keys of the demo's people. They follow from the seed, so that what they seal is the same each time: nothing here is a secret.

use std::collections::BTreeMap;

use daftar_domain::{Sealed, SealedFor, ids::AccountId};
use daftar_store::keyring::{self, AccountKey, Owner};
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[derive(Debug)]
pub struct Keys {
    seed: u64,
    /// Of whom something was sealed.
    used: BTreeMap<(Uuid, &'static str), Owner>,
}

impl Keys {
    pub fn new(seed: u64) -> Self {
        Self { seed, used: BTreeMap::new() }
    }

    pub fn seal(&mut self, account: impl Into<Uuid>, purpose: SealedFor, clear: &str) -> Sealed {
        let owner = Owner { account: AccountId::new(account.into()), purpose };
        self.used.insert((owner.account.into(), owner.purpose_name()), owner);
        keyring::seal(&self.key(owner), owner, clear)
    }

    /// Every key that has sealed something.
    pub fn used(&self) -> Vec<(Owner, AccountKey)> {
        self.used.values().map(|owner| (*owner, self.key(*owner))).collect()
    }

    fn key(&self, owner: Owner) -> AccountKey {
        let digest = Sha256::new().chain_update(owner.bound_to("daftar demo v1")).chain_update(self.seed.to_be_bytes()).finalize();
        AccountKey::new(digest.into())
    }
}
