//! Dunning: every account with a debt whose time has come is led one step further, and every case without one is ended.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use daftar_domain::{
    Actor, StreamName,
    account::{Account, Debt},
    dunning::{AdvanceDunning, Command, Dunning, Ladder},
    ids::AccountId,
};
use daftar_projections::{
    collections::{Collections, arrears},
    receivables::{Receivables, accounts_owing_by},
};
use daftar_store::CommandContext;

use super::{
    ACTOR, DayEndError, DayEnds, Ended, interrupted,
    late::{PAGE, count, recorded},
};
use crate::collections::CollectionTerms;

impl DayEnds {
    /// After what is late has fallen overdue. Without a ladder nobody is asked for anything.
    pub(super) async fn dun(&self, day: NaiveDate, ended: &mut Ended) -> Result<(), DayEndError> {
        let Some(CollectionTerms { ladder, guard, .. }) = self.terms.as_ref().and_then(|terms| terms.collections.as_ref()) else {
            return Ok(());
        };
        for missing in guard.unknown_on(day) {
            tracing::warn!(%day, %missing, "the guard's calendars do not reach this day: nobody is cut whom they could protect");
        }
        self.rows.caught_up::<Receivables>(&self.engine).await?;
        self.rows.caught_up::<Collections>(&self.engine).await?;
        // A reminder may come before the bill is due.
        let soon = day.checked_add_days(Days::new(ladder.days_ahead())).unwrap_or(day);
        let mut after = None;
        loop {
            let page = accounts_owing_by(&self.rows.db, soon, after, PAGE).await?;
            let Some(last) = page.last().copied() else { break };
            after = Some(last);
            ended.dunned += self.advance_all(page, day, ladder).await?;
        }
        // Whoever has a case and owes nothing any more is in no list of debtors.
        let mut after = None;
        loop {
            let page = arrears(&self.rows.db, None, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.account_id);
            let accounts = page.into_iter().map(|case| case.account_id).collect();
            ended.dunned += self.advance_all(accounts, day, ladder).await?;
        }
    }

    async fn advance_all(&self, accounts: Vec<AccountId>, day: NaiveDate, ladder: &Ladder) -> Result<u64, DayEndError> {
        let accounts: BTreeSet<_> = accounts.into_iter().collect();
        count(accounts.into_iter().map(|account_id| self.advance(account_id, day, ladder))).await
    }

    /// The debt is the account's own word, as it stands now: a row may be behind, and nobody is asked for what was paid.
    async fn advance(&self, account_id: AccountId, day: NaiveDate, ladder: &Ladder) -> Result<u64, DayEndError> {
        let account = self.engine.look::<Account>(&StreamName::of::<Account>(account_id)).await.map_err(interrupted)?;
        let Some(debt): Option<Debt> = account.currency().map(|currency| account.receivable().debt(currency)) else { return Ok(0) };
        let stream = StreamName::of::<Dunning>(account_id);
        let wish = Command::AdvanceDunning(AdvanceDunning { account_id, day, debt, ladder: ladder.clone() });
        let context = CommandContext::new(Actor::job(ACTOR), "advanceDunning", &format!("{account_id} {day}"), self.engine.now());
        recorded(self.engine.execute::<Dunning>(&stream, &context, wish).await)
    }
}
