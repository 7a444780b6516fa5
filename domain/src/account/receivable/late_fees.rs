//! Late fees: a fixed amount or a percentage, once per item, never on what is disputed nor under a plan. The fee itself is a document:
//! what is decided here is its amount.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Account, Event, ItemId, Posting, Receivable, Rejection};
use crate::{Actor, Money, Reason};

/// A percentage is of what is open, once: the region charges no interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LateFee {
    None,
    Fixed(Money),
    PercentOnce(Decimal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateFeeRule {
    pub fee: LateFee,
    pub cap: Option<Money>,
    pub grace_days: u32,
}

impl LateFeeRule {
    /// The fee for what is open on a day, if there is one. Nothing is late on its due date, nor on the last day of grace.
    pub fn fee(&self, open: Money, due_on: NaiveDate, on: NaiveDate) -> Option<Money> {
        let last_day = due_on.checked_add_days(Days::new(self.grace_days.into()))?;
        if on <= last_day || open.minor <= 0 {
            return None;
        }
        let fee = match self.fee {
            LateFee::None => return None,
            LateFee::Fixed(fee) => fee,
            LateFee::PercentOnce(percent) => {
                let fee = open.to_decimal().checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
                Money::rounded(fee, open.currency).ok()?
            }
        };
        let capped = self.cap.map_or(fee.minor, |cap| cap.minor.min(fee.minor));
        (capped > 0).then_some(Money::new(capped, fee.currency))
    }
}

/// Wished every day: nothing happens until the item is late, and nothing after its fee.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssessLateFee {
    pub item: ItemId,
    pub rule: LateFeeRule,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaiveLateFee {
    pub item: ItemId,
    pub waived_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// After an item was replaced: takes back the fee that only the wrong one had caused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReviewLateFees {
    pub wrong: ItemId,
    pub right: ItemId,
    pub on: NaiveDate,
    pub reason: Reason,
}

/// A request for an invoice; nothing is owed until it is charged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LateFeeAssessed {
    pub item: ItemId,
    pub fee: Money,
    /// What was open, and since when.
    pub overdue: Money,
    pub due_on: NaiveDate,
    pub on: NaiveDate,
}

/// There will be none for this item; one that was charged is for a credit note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LateFeeWaived {
    pub item: ItemId,
    pub waived_by: Actor,
    pub on: NaiveDate,
    pub reason: Reason,
}

impl Posting for LateFeeAssessed {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| item.fee_decided = true);
    }
}

impl Posting for LateFeeWaived {
    fn post(&self, receivable: &mut Receivable) {
        receivable.change_item(self.item, |item| (item.fee_decided, item.fee_waived) = (true, true));
    }
}

impl Account {
    pub(in crate::account) fn assess_late_fee(&self, wish: AssessLateFee) -> Result<Vec<Event>, Rejection> {
        let AssessLateFee { item: item_id, rule, on } = wish;
        let item = self.item(item_id)?;
        if let LateFee::Fixed(fee) = rule.fee {
            self.money(&[fee])?;
        }
        if item.fee_decided || !item.is_payable() || item.plan.is_some() || !item.kind.bears_late_fee() {
            return Ok(vec![]);
        }
        let fee = rule.fee(item.open, item.due_on, on);
        let assessed = fee.map(|fee| LateFeeAssessed { item: item_id, fee, overdue: item.open, due_on: item.due_on, on });
        Ok(assessed.into_iter().map(Event::from).collect())
    }

    pub(in crate::account) fn waive_late_fee(&self, wish: WaiveLateFee) -> Result<Vec<Event>, Rejection> {
        let WaiveLateFee { item, waived_by, on, reason } = wish;
        if self.item(item)?.fee_waived {
            return Ok(vec![]);
        }
        Ok(vec![LateFeeWaived { item, waived_by, on, reason }.into()])
    }

    /// Had the right item been billed, it would have been paid in time: by money that was there when the wrong one was due.
    pub(in crate::account) fn review_late_fees(&self, wish: ReviewLateFees) -> Result<Vec<Event>, Rejection> {
        let ReviewLateFees { wrong: wrong_id, right: right_id, on, reason } = wish;
        let (wrong, right) = (self.item(wrong_id)?, self.item(right_id)?);
        let mut paid_by = self.receivable.allocations.keys().filter(|(item, _)| *item == right_id).map(|(_, credit)| credit);
        let value_on = |credit| self.receivable.credits.get(credit).map(|credit| credit.value_on);
        let in_time = right.open.is_zero() && paid_by.all(|credit| value_on(credit).is_some_and(|value_on| value_on <= wrong.due_on));
        if !wrong.fee_decided || wrong.fee_waived || !in_time {
            return Ok(vec![]);
        }
        Ok(vec![LateFeeWaived { item: wrong_id, waived_by: Actor::policy("reviewLateFees"), on, reason }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Currency,
        account::{ChargeKind, example::*},
        spec::given,
    };

    fn rule(fee: LateFee, cap: Option<i64>, grace_days: u32) -> LateFeeRule {
        LateFeeRule { fee, cap: cap.map(sar), grace_days }
    }

    fn assess(fee: LateFee, on: &str) -> AssessLateFee {
        AssessLateFee { item: invoice(1), rule: rule(fee, None, 5), on: day(on) }
    }

    #[test]
    fn what_a_rule_comes_to() {
        let percent = |text: &str| LateFee::PercentOnce(text.parse().unwrap());
        for (rule, open, on, fee) in [
            (rule(LateFee::Fixed(sar(2_500)), None, 0), 100, "2024-03-16", None),
            (rule(LateFee::Fixed(sar(2_500)), None, 0), 100, "2024-03-17", Some(2_500)),
            (rule(LateFee::Fixed(sar(2_500)), None, 10), 100, "2024-03-26", None),
            (rule(LateFee::Fixed(sar(2_500)), None, 10), 100, "2024-03-27", Some(2_500)),
            (rule(LateFee::Fixed(sar(2_500)), Some(2_000), 0), 100, "2024-04-01", Some(2_000)),
            (rule(LateFee::Fixed(sar(2_500)), None, 0), 0, "2024-04-01", None),
            (rule(percent("1.5"), None, 0), 10_000, "2024-04-01", Some(150)),
            (rule(percent("1.5"), None, 0), 1_100, "2024-04-01", Some(17)),
            (rule(percent("1.5"), None, 0), 10, "2024-04-01", None),
            (rule(percent("1.5"), Some(100), 0), 10_000, "2024-04-01", Some(100)),
            (rule(LateFee::None, None, 0), 10_000, "2034-04-01", None),
        ] {
            assert_eq!(rule.fee(sar(open), day("2024-03-16"), day(on)), fee.map(sar), "{rule:?} of {open} on {on}");
        }
    }

    #[test]
    fn a_late_item_has_one_fee() {
        let facts = || [opened(), charged(ChargeOf::default())];
        let fee = LateFee::PercentOnce(Decimal::TWO);
        given::<Account>(facts()).when(assess(fee, "2024-03-21").into()).then_nothing();
        let (due_on, on) = (day("2024-03-16"), day("2024-03-22"));
        let assessed = LateFeeAssessed { item: invoice(1), fee: sar(230), overdue: sar(11_500), due_on, on };
        given::<Account>(facts()).when(assess(fee, "2024-03-22").into()).then([assessed.clone().into()]);
        given::<Account>(facts().into_iter().chain([assessed.into()])).when(assess(fee, "2025-03-22").into()).then_nothing();
        given::<Account>([opened()]).when(assess(fee, "2024-03-22").into()).then_rejected(Rejection::NoSuchItem);
        let abroad = LateFee::Fixed(Money::new(1, Currency::EGP));
        let rejection = Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::EGP };
        given::<Account>(facts()).when(assess(abroad, "2024-03-22").into()).then_rejected(rejection);
    }

    #[test]
    fn what_is_disputed_paid_waived_or_itself_a_fee_bears_none() {
        let fee = LateFee::Fixed(sar(2_500));
        let waive = WaiveLateFee { item: invoice(1), waived_by: Actor::user("5"), on: day("2024-03-20"), reason: reason("our mistake") };
        let waived = LateFeeWaived { item: invoice(1), waived_by: Actor::user("5"), on: day("2024-03-20"), reason: reason("our mistake") };
        given::<Account>([opened(), charged(ChargeOf::default())]).when(waive.into()).then([waived.clone().into()]);
        let paid = decided(&account([charged(ChargeOf::default())]), record_payment(1, 11_500));
        let fee_item = ChargeOf { kind: ChargeKind::LateFee, ..ChargeOf::default() };
        for facts in [
            [vec![charged(ChargeOf::default())], paid].concat(),
            vec![charged(ChargeOf::default()), item_disputed(1)],
            vec![charged(ChargeOf::default()), waived.into()],
            vec![charged(fee_item)],
        ] {
            given::<Account>([opened()].into_iter().chain(facts)).when(assess(fee, "2024-06-01").into()).then_nothing();
        }
    }

    #[test]
    fn a_fee_that_only_the_wrong_bill_caused_is_taken_back() {
        let review = || ReviewLateFees { wrong: invoice(1), right: invoice(2), on: day("2024-06-02"), reason: reason("wrong tariff") };
        let waived_by = Actor::policy("reviewLateFees");
        let waived = LateFeeWaived { item: invoice(1), waived_by, on: day("2024-06-02"), reason: reason("wrong tariff") };
        let (due_on, on) = (day("2024-04-15"), day("2024-04-20"));
        let fee = LateFeeAssessed { item: invoice(1), fee: sar(230), overdue: sar(1_500), due_on, on };
        let wrong = charged(ChargeOf { due: "2024-04-15", ..ChargeOf::default() });
        // In place of 115.00, of which 100.00 was paid in time: 100.00, or 101.00.
        for (right, paid_on, taken_back) in [(10_000, 10, true), (10_100, 10, false), (10_000, 16, false)] {
            let right = charged(ChargeOf { n: 2, minor: right, vat: 0, ..ChargeOf::default() });
            let paid = decided(&account([right.clone()]), record_payment(paid_on, 10_000));
            let facts: Vec<_> = [opened(), wrong.clone(), fee.clone().into(), right].into_iter().chain(paid).collect();
            let expected = taken_back.then(|| waived.clone().into());
            given::<Account>(facts).when(review().into()).then(expected);
        }
        let none = [opened(), wrong, charged(ChargeOf { n: 2, minor: 0, vat: 0, ..ChargeOf::default() })];
        given::<Account>(none).when(review().into()).then_nothing();
    }
}
