//! Customers are told how their repairs go: each notice is a message that waits to be sent, to the phone that the company knows them by.
//!
//! A message has the id of the fact that it tells of: told twice, it waits once. Whoever sends takes it from the outbox.

use chrono::{TimeDelta, Utc};
use daftar_billing::follower::{self, Duty, Interruption, Stopped};
use daftar_domain::{
    BillingEvent, Decider, Recorded, Sealed, SealedFor, StreamName,
    account::{self, Account, ContactKind},
    ids::AccountId,
    policy::{self, Notice},
    repair::Repair,
};
use daftar_store::{
    Engine,
    keyring::{Keyring, KeyringError},
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{graphql::enums::RepairStatus, language::Language};

/// What is older is no news: whoever begins to be told is not told of last year.
const NEWS: TimeDelta = TimeDelta::days(1);

/// Any number of processes may run it; one of them works.
#[derive(Clone)]
pub struct Notices {
    engine: Engine,
    keyring: Keyring,
    tables: PgPool,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

impl Notices {
    pub fn new(engine: Engine, keyring: Keyring, tables: PgPool) -> Self {
        Self { engine, keyring, tables }
    }

    /// Until an event comes that cannot be read; whatever else fails is tried again.
    pub async fn keep(&self) -> Stopped {
        follower::follow(self, &self.engine, &self.tables.connect_options()).await
    }

    async fn tell(&self, fact: &Recorded<BillingEvent>, notice: Notice) -> Result<(), Interruption> {
        let repair: Repair = self.look(&fact.stream).await?;
        let (Some(account_id), Some(device)) = (repair.account_id(), repair.device()) else { return Ok(()) };
        let account: Account = self.look(&StreamName::of::<Account>(account_id)).await?;
        // Nobody is called where there is no phone: what happened is in the timeline all the same.
        let Some((_, mobile)) = account.contacts().of_kind(ContactKind::Mobile).next() else { return Ok(()) };
        let text = text(notice, device.name.as_str(), account.language().unwrap_or(account::Language::Arabic).into());
        match self.keyring.seal(account_id, SealedFor::Contact, &text).await {
            Ok(text) => self.put(fact, account_id, &mobile.value, &text).await,
            // Who is forgotten is told nothing any more.
            Err(KeyringError::Forgotten { .. }) => Ok(()),
            Err(error) => Err(Interruption::Execution(error.into())),
        }
    }

    async fn put(&self, fact: &Recorded<BillingEvent>, account: AccountId, recipient: &Sealed, text: &Sealed) -> Result<(), Interruption> {
        sqlx::query(
            "INSERT INTO daftar_auth.outbox (message_id, account_id, channel, recipient, text, made_at) VALUES ($1, $2, 'sms', $3, $4, $5)
             ON CONFLICT (message_id) DO NOTHING",
        )
        .bind(fact.id)
        .bind(Uuid::from(account))
        .bind(daftar_domain::write(recipient))
        .bind(daftar_domain::write(text))
        .bind(fact.metadata.recorded_at)
        .execute(&self.tables)
        .await?;
        Ok(())
    }

    async fn look<D: Decider + Clone>(&self, stream: &StreamName) -> Result<D, Interruption>
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        self.engine.look::<D>(stream).await.map_err(|error| Interruption::Execution(error.into()))
    }
}

impl Duty for Notices {
    const NAME: &'static str = "notices";
    const CATEGORIES: &'static [&'static str] = &[Repair::CATEGORY];

    async fn carry_out(&self, facts: Vec<Recorded<BillingEvent>>) -> Result<(), Interruption> {
        for fact in &facts {
            let is_news = Utc::now() - fact.metadata.recorded_at < NEWS;
            if let BillingEvent::Repair(event) = &fact.event
                && let Some(notice) = policy::notice(event).filter(|_| is_news)
            {
                self.tell(fact, notice).await?;
            }
        }
        Ok(())
    }
}

fn text(notice: Notice, device: &str, language: Language) -> String {
    match notice {
        Notice::Stands(status) => {
            let status = RepairStatus::from(status).label(language);
            language.choose(format!("صيانة جهازك ({device}): {status}."), format!("The repair of your device ({device}): {status}."))
        }
        Notice::Answered => language.choose(
            format!("كتبت لك الورشة عن صيانة جهازك ({device})."),
            format!("The workshop has written to you about the repair of your device ({device})."),
        ),
    }
}
