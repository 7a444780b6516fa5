//! What follows an unpaid bill, carried out: orders to cut are raised, sent out and lifted, and whoever turns switches is told and believed.
//!
//! The rules are the domain's. Here is what they need to know ([`Collections::evidence`]), the desk that hears of payments and promises
//! (`desk.rs`), and the rounds that deal with head-ends (`switching.rs`).

mod desk;
mod switching;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use daftar_domain::{
    Currency, Decider, Money, StreamName,
    account::{Account, PlanRule},
    disconnection::{
        Command, Disconnection, DispatchDisconnection, Evidence, Guard, LiftCause, LiftDisconnection, Moment, Prohibited,
        RequestDisconnection, RestoreTerms, ScheduleDisconnection, Way,
    },
    dunning::{Action, Dunning, Ladder},
    ids::{AccountId, DisconnectionId, MeterId},
    meter::{Meter, MeterKind},
};
use daftar_store::Engine;
use serde::Deserialize;
use thiserror::Error;

pub use desk::Desk;
pub use switching::{HearError, Patience, Round, Switching};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a company does about debts: its ladder, the law where it is, and what restoring a supply costs and may take.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CollectionTerms {
    pub ladder: Ladder,
    pub guard: Guard,
    pub restore: RestoreTerms,
    /// On which terms a debt is paid in instalments; on none, if it is not said.
    #[serde(default)]
    pub plans: Option<PlanRule>,
}

impl CollectionTerms {
    /// Amounts of another currency say nothing about an account: there it costs nothing, either way.
    pub fn restore_in(&self, currency: Currency) -> RestoreTerms {
        let in_currency = |amount: Money| if amount.currency == currency { amount } else { Money::zero(currency) };
        let RestoreTerms { fee, compensation, .. } = self.restore;
        RestoreTerms { fee: in_currency(fee), compensation: in_currency(compensation), ..self.restore.clone() }
    }
}

/// Why nothing could be asked of an order.
#[derive(Debug, Error)]
pub enum Unknown {
    #[error("there is no such account")]
    NoSuchAccount,
    #[error("there is no such order")]
    NoSuchOrder,
    #[error("there is no such meter of this account")]
    NoSuchMeter,
    #[error("the law forbids the cut: {0}")]
    Forbidden(Prohibited),
    #[error("the streams could not be read")]
    Store(#[source] Source),
}

/// What the orders' rules have to be told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Collections {
    pub(crate) engine: Engine,
    terms: Arc<CollectionTerms>,
    zone: Tz,
}

impl Collections {
    pub fn new(engine: Engine, terms: CollectionTerms, zone: Tz) -> Self {
        Self { engine, terms: Arc::new(terms), zone }
    }

    pub fn terms(&self) -> &CollectionTerms {
        &self.terms
    }

    /// An instant by the clock on the wall where the company is.
    pub fn moment(&self, at: DateTime<Utc>) -> Moment {
        at.with_timezone(&self.zone).fixed_offset()
    }

    /// What is known of an account when somebody wants to cut: as it stands, and not as some row had it.
    pub async fn evidence(&self, account_id: AccountId, day: NaiveDate) -> Result<Evidence, Unknown> {
        let account = self.look::<Account>(account_id).await?;
        let dunning = self.look::<Dunning>(account_id).await?;
        let (class, currency) = account.class_on(day).zip(account.currency()).ok_or(Unknown::NoSuchAccount)?;
        Ok(Evidence {
            class,
            debt: account.receivable().debt(currency),
            warned_on: dunning.taken_on(Action::InitialWarning),
            final_notice_on: dunning.taken_on(Action::FinalNotice),
            held: dunning.held(day),
        })
    }

    /// An order that somebody asks for. Nobody is cut who was not warned, so nobody is put down for it either.
    pub async fn request(&self, id: DisconnectionId, account_id: AccountId, meter_id: MeterId, at: Moment) -> Result<Command, Unknown> {
        let account = self.look::<Account>(account_id).await?;
        let currency = account.currency().ok_or(Unknown::NoSuchAccount)?;
        if !account.meters().any(|fitted| fitted == meter_id) {
            return Err(Unknown::NoSuchMeter);
        }
        let dunning = self.look::<Dunning>(account_id).await?;
        if dunning.taken_on(Action::InitialWarning).is_none() {
            return Err(Unknown::Forbidden(Prohibited::NotWarned));
        }
        let owed = account.receivable().debt(currency).due_by(at.date_naive());
        let way = self.way(meter_id).await?;
        Ok(Command::RequestDisconnection(RequestDisconnection { disconnection_id: id, account_id, meter_id, way, owed, at }))
    }

    pub async fn schedule(&self, id: DisconnectionId, at: Moment, planned_for: Moment) -> Result<Command, Unknown> {
        let account_id = self.account_of(id).await?;
        let evidence = self.evidence(account_id, planned_for.date_naive()).await?;
        let guard = self.terms.guard.clone();
        Ok(Command::ScheduleDisconnection(ScheduleDisconnection { at, planned_for, guard, evidence }))
    }

    pub async fn dispatch(&self, id: DisconnectionId, at: Moment) -> Result<Command, Unknown> {
        let account_id = self.account_of(id).await?;
        let evidence = self.evidence(account_id, at.date_naive()).await?;
        Ok(Command::DispatchDisconnection(DispatchDisconnection { at, guard: self.terms.guard.clone(), evidence }))
    }

    pub async fn lift(&self, id: DisconnectionId, at: Moment, cause: LiftCause) -> Result<Command, Unknown> {
        let account = self.look::<Account>(self.account_of(id).await?).await?;
        let terms = self.terms.restore_in(account.currency().ok_or(Unknown::NoSuchAccount)?);
        Ok(Command::LiftDisconnection(LiftDisconnection { at, cause, terms }))
    }

    /// By whom a meter's switch is turned: only a smart one hears a head-end.
    pub(crate) async fn way(&self, meter_id: MeterId) -> Result<Way, Unknown> {
        Ok(match self.look::<Meter>(meter_id).await?.device().map(|device| device.kind) {
            Ok(MeterKind::Smart) => Way::HeadEnd,
            Ok(MeterKind::Traditional | MeterKind::Prepaid) | Err(_) => Way::Crew,
        })
    }

    pub(crate) async fn account_of(&self, id: DisconnectionId) -> Result<AccountId, Unknown> {
        self.look::<Disconnection>(id).await?.account_id().ok_or(Unknown::NoSuchOrder)
    }

    pub(crate) async fn look<D: Decider + Clone>(&self, id: impl Into<uuid::Uuid>) -> Result<D, Unknown>
    where
        D::Rejection: std::error::Error + Send + Sync + 'static,
    {
        self.engine.look::<D>(&StreamName::of::<D>(id)).await.map_err(|error| Unknown::Store(error.into()))
    }
}
