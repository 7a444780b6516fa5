//! Instalment plans: who has missed an instalment is warned, and who has missed it for too long has broken the plan.

use chrono::NaiveDate;
use daftar_domain::{
    StreamName,
    account::{Account, ReviewPlan},
    ids::AccountId,
};
use daftar_projections::receivables::{Receivables, accounts_on_plans};

use super::{
    DayEndError, DayEnds, Ended,
    late::{PAGE, count},
};

impl DayEnds {
    /// Before anybody is asked for anything: what a broken plan leaves is due on the days on which it was. Whoever no longer offers plans keeps
    /// to those that run.
    pub(super) async fn review_plans(&self, day: NaiveDate, ended: &mut Ended) -> Result<(), DayEndError> {
        if self.terms.as_ref().is_none_or(|terms| terms.collections.is_none()) {
            return Ok(());
        }
        self.rows.caught_up::<Receivables>(&self.engine).await?;
        let mut after = None;
        loop {
            let page = accounts_on_plans(&self.rows.db, after, PAGE).await?;
            let Some(last) = page.last().copied() else { break };
            after = Some(last);
            ended.plans += count(page.into_iter().map(|account_id| self.review_plan(account_id, day))).await?;
        }
        // What held dunning up is lifted before the ladder is climbed, or it would depend on who is quicker.
        if ended.plans > 0 { self.policies_done().await } else { Ok(()) }
    }

    async fn review_plan(&self, account_id: AccountId, day: NaiveDate) -> Result<u64, DayEndError> {
        let stream = StreamName::of::<Account>(account_id);
        self.ask_account(&stream, "reviewPlan", &format!("{account_id} {day}"), ReviewPlan { on: day }.into()).await
    }
}
