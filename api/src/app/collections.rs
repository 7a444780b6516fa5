//! Orders to cut and restore as people ask for them: the rules are told what they have to know of the account, and the company's terms.

use daftar_billing::collections::{Collections, Patience, Switching, Unknown};
use daftar_domain::{
    CommandHash, StreamName,
    account::PlanRule,
    disconnection::{Command, Disconnection, Moment, Rejection},
    ids::DisconnectionId,
};

use super::{App, Wish, Written};
use crate::{
    problem::{Flaw, Problem},
    refusal::{account::NoPlans, disconnection::NoCollections},
};

impl App {
    /// What the company does about debts.
    pub fn collections(&self) -> Result<Collections, Problem> {
        let terms = self.terms.as_ref().and_then(|terms| terms.collections.clone()).ok_or(NoCollections)?;
        Ok(Collections::new(self.engine.clone(), terms, self.payments.terms().zone))
    }

    /// On which terms a debt is paid in instalments.
    pub fn plan_rule(&self) -> Result<PlanRule, Problem> {
        Ok(self.collections()?.terms().plans.clone().ok_or(NoPlans)?)
    }

    /// Who hears what head-ends say; nobody, if nobody is cut.
    pub fn switching(&self) -> Option<Switching> {
        let collections = self.collections().ok()?;
        Some(Switching::new(collections, self.head_end.clone(), Patience::default()))
    }
}

impl Wish<'_> {
    /// This moment, by the clock on the wall where the company is.
    pub fn moment(&self) -> Moment {
        self.moment_of(self.context.now)
    }

    pub fn moment_of(&self, at: chrono::DateTime<chrono::Utc>) -> Moment {
        at.with_timezone(&self.app.payments.terms().zone).fixed_offset()
    }

    /// Asks an order that is there. `said` is the wish without what we know of the account and the moment.
    pub async fn ask_order(&self, id: DisconnectionId, command: Command, said: CommandHash) -> Result<Written, Problem> {
        if !self.exists(&StreamName::of::<Disconnection>(id)).await? {
            return Err(Problem::NotFound);
        }
        self.ask_as::<Disconnection>(id, command, said).await
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::NoSuchAccount | Unknown::NoSuchOrder => Self::NotFound,
            Unknown::NoSuchMeter => Self::invalid("meterId", Flaw::Unknown),
            Unknown::Forbidden(why) => Rejection::Prohibited(vec![why]).into(),
            Unknown::Store(source) => Self::Unavailable(source),
        }
    }
}
