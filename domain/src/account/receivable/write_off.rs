//! Debts nobody will pay, amounts too small to matter, and debts that were paid after all.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, CreditId, Draft, Echo, Event, ItemId, Posting, Receivable, Rejection};
use crate::{Actor, Currency, Money, Reason, share};

/// Gives up what is open of an item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WriteOff {
    pub item: ItemId,
    pub approved_by: Actor,
    /// The most that whoever approves may write off at once.
    pub limit: Money,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// Less than a whole coin, either way, is given up without asking anyone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WriteOffSmallBalances {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebtWrittenOff {
    pub item: ItemId,
    pub amount: Money,
    /// For relief from VAT on bad debts, which is claimed apart.
    pub vat: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
    pub approval: Approval,
    pub on: NaiveDate,
}

/// Credit too small to keep or to refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditWrittenOff {
    pub credit: CreditId,
    pub amount: Money,
    pub on: NaiveDate,
}

/// A payment or a credit note came for a debt that was written off: as much of it is owed again, and paid in the fact that follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebtRecovered {
    pub item: ItemId,
    pub amount: Money,
    pub vat: Money,
    /// What of the VAT had been claimed back: it is owed to the state again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relief: Option<Money>,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Approval {
    SmallBalance,
    Given { by: Actor, reason: Reason },
}

impl Posting for DebtWrittenOff {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| {
            item.reduce(self.amount, self.vat);
            item.written_off.minor += self.amount.minor;
            item.written_off_vat.minor += self.vat.minor;
            item.given_up.minor += self.amount.minor;
            item.given_up_on = item.given_up_on.max(Some(self.on));
        });
    }
}

impl Posting for CreditWrittenOff {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_credit(self.credit, |credit| {
            credit.left.minor -= self.amount.minor;
            credit.written_off.minor += self.amount.minor;
        });
    }
}

impl Posting for DebtRecovered {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| {
            item.reopen(self.amount, self.vat);
            item.written_off.minor -= self.amount.minor;
            item.written_off_vat.minor -= self.vat.minor;
            item.relieved.minor -= self.relief.map_or(0, |relief| relief.minor);
        });
    }
}

impl DebtRecovered {
    /// What a credit that is meant for an item recovers of it, once it has paid what is open.
    fn by(receivable: &Receivable, credit: CreditId, id: ItemId, on: NaiveDate) -> Option<Self> {
        let (item, credit) = (receivable.items.get(&id)?, receivable.credits.get(&credit)?);
        let minor = item.written_off.minor.min(credit.left.minor - item.open.minor);
        if minor <= 0 {
            return None;
        }
        let share_of = |what| share::proportion(what, minor.unsigned_abs(), item.written_off.minor.unsigned_abs());
        let relief = (!item.relieved.is_zero()).then(|| share_of(item.relieved));
        Some(Self { item: id, amount: Money::new(minor, item.amount.currency), vat: share_of(item.written_off_vat), relief, on })
    }
}

impl Receivable {
    /// What the invoice of an item is told when `more` of the item is given up.
    fn given_up(&self, id: ItemId, more: Money) -> Option<Echo> {
        let invoice_id = self.items.get(&id)?.invoice_id?;
        let items = self.items.values().filter(|item| item.invoice_id == Some(invoice_id));
        let before: i64 = items.map(|item| item.given_up.minor).sum();
        Some(Echo { invoice_id, total: Money::new(before + more.minor, more.currency) })
    }
}

/// What is less than a whole coin: 0.99 where it has a hundred parts, 0.999 where it has a thousand.
fn small(currency: Currency) -> i64 {
    Money::coins(1, currency).minor - 1
}

impl Draft {
    /// Pays an item with what is meant for it. What of it was given up is owed again first, as far as that goes.
    pub(super) fn recover(&mut self, credit: CreditId, id: ItemId, on: NaiveDate) {
        if let Some(recovered) = DebtRecovered::by(&self.receivable, credit, id, on) {
            self.record(recovered);
        }
        self.direct(credit, &[id], on);
    }

    fn write_off(&mut self, id: ItemId, approval: Approval, on: NaiveDate) {
        if let Some(item) = self.receivable.items.get(&id) {
            let (amount, vat) = (item.open, item.open_vat);
            let echo = self.receivable.given_up(id, amount);
            self.record(DebtWrittenOff { item: id, amount, vat, echo, approval, on });
        }
    }
}

impl Account {
    pub(in crate::account) fn write_off(&self, wish: WriteOff) -> Result<Vec<Event>, Rejection> {
        let WriteOff { item: item_id, approved_by, limit, on, reason } = wish;
        let item = self.item(item_id)?;
        let open = item.open;
        self.money(&[limit])?;
        if open.is_zero() {
            return Ok(vec![]);
        }
        item.is_on_no_plan()?;
        if limit.minor < open.minor {
            return Err(Rejection::OverApprovalLimit { limit });
        }
        let mut draft = self.draft();
        draft.write_off(item_id, Approval::Given { by: approved_by, reason }, on);
        Ok(draft.facts)
    }

    /// Each side for itself: a small debt beside a large credit is no longer small once it is paid.
    pub(in crate::account) fn write_off_small_balances(&self, wish: WriteOffSmallBalances) -> Result<Vec<Event>, Rejection> {
        let WriteOffSmallBalances { on } = wish;
        let currency = self.holder()?.currency;
        let mut draft = self.draft();
        if self.receivable.due(currency).minor <= small(currency) {
            for (id, _) in self.receivable.open_items().filter(|(_, item)| item.plan.is_none()) {
                draft.write_off(id, Approval::SmallBalance, on);
            }
        }
        if self.receivable.unapplied(currency).minor <= small(currency) {
            for (id, credit) in self.receivable.credits.iter().filter(|(_, credit)| credit.is_usable()) {
                draft.record(CreditWrittenOff { credit: *id, amount: credit.left, on });
            }
        }
        Ok(draft.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Decider,
        account::{RecordPayment, example::*},
        spec::given,
    };

    fn write_off(limit: i64) -> WriteOff {
        WriteOff { item: invoice(1), approved_by: Actor::user("9"), limit: sar(limit), on: day("2025-03-01"), reason: reason("bankrupt") }
    }

    fn written_off() -> Event {
        let approval = Approval::Given { by: Actor::user("9"), reason: reason("bankrupt") };
        DebtWrittenOff { item: invoice(1), amount: sar(11_500), vat: sar(1_500), echo: echo(1, 11_500), approval, on: day("2025-03-01") }
            .into()
    }

    #[test]
    fn a_debt_is_written_off_by_who_may() {
        let facts = || [opened(), charged(ChargeOf::default())];
        given::<Account>(facts()).when(write_off(11_500).into()).then([written_off()]);
        given::<Account>(facts()).when(write_off(11_499).into()).then_rejected(Rejection::OverApprovalLimit { limit: sar(11_499) });
        given::<Account>([opened()]).when(write_off(1).into()).then_rejected(Rejection::NoSuchItem);
        assert!(account([charged(ChargeOf::default()), written_off()]).receivable().is_settled());
    }

    #[test]
    fn a_written_off_debt_is_recovered_by_a_payment_that_is_meant_for_it() {
        let facts = || [opened(), charged(ChargeOf::default()), written_off()];
        given::<Account>(facts()).when(record_payment(1, 4_600).into()).then([payment_received(1, 4_600)]);
        let meant = RecordPayment { directed: vec![invoice(1)], ..record_payment(1, 4_600) };
        let recovered = DebtRecovered { item: invoice(1), amount: sar(4_600), vat: sar(600), relief: None, on: day("2024-04-01") };
        let events = decided(&account(facts().into_iter().skip(1)), meant.clone());
        assert_eq!(events[1..], [recovered.into(), allocated(payment(1), 1, 4_600, 600, 0)]);
        given::<Account>(facts()).when(meant.into()).then(events.clone());
        // If that payment bounces, the debt is open: nobody has given it up a second time.
        let before = facts().into_iter().skip(1).chain(events);
        let after = account(before.clone().chain(decided(&account(before), reverse_payment(1))));
        assert_eq!(after.receivable().due(Currency::SAR), sar(4_600));
        // What is open is paid first, and only what is left recovers what is not.
        let meant = RecordPayment { directed: vec![invoice(1)], ..record_payment(2, 6_000) };
        let [_, Event::DebtRecovered(fact), Event::CreditAllocated(paid)] = &decided(&after, meant)[..] else {
            panic!("recovered, then paid")
        };
        assert_eq!((fact.amount, paid.amount, paid.still_due), (sar(1_400), sar(6_000), sar(0)));
        // Given up again, its invoice is told of both times.
        let [Event::DebtWrittenOff(again)] = &decided(&after, write_off(11_500))[..] else { panic!("written off") };
        assert_eq!((again.amount, again.echo), (sar(4_600), echo(1, 16_100)));
    }

    #[test]
    fn small_balances_are_written_off_either_way() {
        let wish = || WriteOffSmallBalances { on: day("2025-03-01") };
        for (owed, events) in [(&[99][..], 1), (&[50, 49], 2), (&[100], 0), (&[50, 50], 0), (&[], 0)] {
            let charges = owed.iter().zip(1..).map(|(minor, n)| charged(ChargeOf { n, minor: *minor, vat: 13, ..ChargeOf::default() }));
            let account = account(charges);
            let facts = account.decide(wish().into()).unwrap();
            assert_eq!(facts.len(), events, "{owed:?}");
            let after = facts.iter().fold(account, Account::evolve);
            assert_eq!(after.receivable().is_settled(), events > 0 || owed.is_empty(), "{owed:?}");
        }
        let credit = CreditWrittenOff { credit: payment(1), amount: sar(99), on: day("2025-03-01") };
        given::<Account>([opened(), payment_received(1, 99)]).when(wish().into()).then([credit.into()]);
        given::<Account>([opened(), payment_received(1, 100)]).when(wish().into()).then_nothing();
        assert_eq!(small(Currency::KWD), 999);
    }

    #[test]
    fn a_payment_whose_last_bit_was_written_off_bounces_as_a_whole() {
        let facts = [payment_received(1, 99), CreditWrittenOff { credit: payment(1), amount: sar(99), on: day("2025-03-01") }.into()];
        let events = decided(&account(facts.clone()), reverse_payment(1));
        let [Event::PaymentReversed(fact)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((fact.amount, fact.written_off), (sar(99), sar(99)));
        assert_eq!(account(facts.into_iter().chain(events)).receivable().unapplied(Currency::SAR), sar(0));
    }
}
