//! What is late: invoices fall overdue, items bear their fee, and what is left of old ones is given up if it is too little to ask for.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use daftar_domain::{
    Actor, Money, StreamName,
    account::{self, Account, AssessLateFee, ItemId, WriteOffSmallBalances},
    ids::AccountId,
    invoice::Invoice,
    policy::{self, Wish},
};
use daftar_projections::invoices::{self, Standing};
use daftar_store::{CommandContext, Outcome};
use futures::{StreamExt, TryStreamExt, stream};

use super::{ACTOR, DayEndError, DayEnds, Ended, interrupted};
use crate::refusals::refusal;

pub(super) const PAGE: u32 = 1_000;

/// Streams that are asked at one time.
const AT_ONCE: usize = 64;

impl DayEnds {
    pub(super) async fn late(&self, day: NaiveDate, ended: &mut Ended) -> Result<(), DayEndError> {
        let mut after = None;
        loop {
            let page = invoices::due_before(&self.rows.db, day, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.due_on.map(|due_on| (due_on, last.id));
            let overdue = page.iter().filter(|standing| !standing.overdue).map(|standing| self.fall_overdue(standing, day));
            ended.overdue += count(overdue).await?;
            let accounts: BTreeSet<AccountId> = page.iter().map(|standing| standing.account_id).collect();
            ended.late_fees += count(accounts.into_iter().map(|account_id| self.assess(account_id, day))).await?;
            let old: BTreeSet<AccountId> =
                page.iter().filter(|standing| self.is_old(standing, day)).map(|standing| standing.account_id).collect();
            ended.small_balances += count(old.into_iter().map(|account_id| self.write_off_small_balances(account_id, day))).await?;
        }
    }

    async fn fall_overdue(&self, standing: &Standing, day: NaiveDate) -> Result<u64, DayEndError> {
        let policy::Request { name, command_id, stream, wish } = policy::day_end(standing.id, day);
        let now = self.engine.now();
        let context = CommandContext { command_id, actor: Actor::job(name), correlation_id: command_id, causation_id: command_id, now };
        let Wish::Invoice(wish) = wish else { return Ok(0) };
        // The rows may be behind: what was paid or put off meanwhile is not late, and no error.
        recorded(self.engine.execute::<Invoice>(&stream, &context, *wish).await)
    }

    /// A fee for each item of ours that is late and worth asking for; those of another system bore theirs there.
    async fn assess(&self, account_id: AccountId, day: NaiveDate) -> Result<u64, DayEndError> {
        let Some(terms) = self.terms.as_ref().and_then(|terms| terms.late_fees.as_ref()) else { return Ok(0) };
        let stream = StreamName::of::<Account>(account_id);
        let account = self.engine.look::<Account>(&stream).await.map_err(interrupted)?;
        let Some(rule) = account.currency().and_then(|currency| terms.rule(currency)) else { return Ok(0) };
        let late = account.receivable().open_items().filter(|(_, item)| item.due_on < day && !is_small(item.open)).map(|(id, _)| id);
        let late: Vec<_> = late.filter(|id| !matches!(id, ItemId::Opening { .. })).collect();
        let mut assessed = 0;
        for item in late {
            let wish = account::Command::AssessLateFee(AssessLateFee { item, rule, on: day });
            let key = format!("{account_id} {item:?} {day}");
            assessed += self.ask_account(&stream, "assessLateFee", &key, wish).await?;
        }
        Ok(assessed)
    }

    /// Too little to ask for, and unpaid for so long that nobody will.
    fn is_old(&self, standing: &Standing, day: NaiveDate) -> bool {
        let Some(patience) = self.terms.as_ref().map(|terms| terms.small_balances_after_days) else { return false };
        let over = standing.due_on.and_then(|due_on| due_on.checked_add_days(Days::new(patience)));
        is_small(standing.left_to_pay) && over.is_some_and(|over| over < day)
    }

    async fn write_off_small_balances(&self, account_id: AccountId, day: NaiveDate) -> Result<u64, DayEndError> {
        let wish = account::Command::WriteOffSmallBalances(WriteOffSmallBalances { on: day });
        self.ask_account(&StreamName::of::<Account>(account_id), "writeOffSmallBalances", &format!("{account_id} {day}"), wish).await
    }

    pub(super) async fn ask_account(
        &self,
        stream: &StreamName,
        wish: &str,
        key: &str,
        command: account::Command,
    ) -> Result<u64, DayEndError> {
        let context = CommandContext::new(Actor::job(ACTOR), wish, key, self.engine.now());
        recorded(self.engine.execute::<Account>(stream, &context, command).await)
    }
}

/// Less than a whole coin.
fn is_small(amount: Money) -> bool {
    amount.minor < Money::coins(1, amount.currency).minor
}

/// One, if anything came of it.
pub(super) fn recorded<E, R: std::error::Error + Send + Sync + 'static>(
    outcome: Result<Outcome<E>, daftar_store::ExecuteError<R>>,
) -> Result<u64, DayEndError> {
    let recorded = matches!(outcome, Ok(Outcome::Recorded { .. }));
    if let Some(reason) = refusal(outcome).map_err(interrupted)? {
        tracing::debug!(reason, "what the end of a day asked was refused");
    }
    Ok(u64::from(recorded))
}

/// Asks all of them, some at one time; what that comes to.
pub(super) async fn count(asked: impl IntoIterator<Item = impl Future<Output = Result<u64, DayEndError>>>) -> Result<u64, DayEndError> {
    stream::iter(asked).buffer_unordered(AT_ONCE).try_fold(0, async |sum, one| Ok(sum + one)).await
}
