//! On which terms a company lets a debt be paid in parts: figures in JSON, checked as a whole when they are read.

use std::collections::BTreeSet;

use chrono::{Datelike, Months, NaiveDate, Weekday};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Instalment;
use crate::{Currency, Money};

/// Terms that can be kept. Read from JSON they are checked; there are no others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PlanRuleTerms")]
pub struct PlanRule(PlanRuleTerms);

/// Without interest: the region forbids it, and the plan costs nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRuleTerms {
    /// For less there is no plan; a currency that is not named has no such limit.
    #[serde(default)]
    pub smallest_debts: Vec<Money>,
    pub most_instalments: u32,
    /// Of the debt, paid before the rest is divided.
    #[serde(default)]
    pub down_payment_percent: Decimal,
    /// Whoever broke a plan is given no other for so long.
    #[serde(default)]
    pub broken_within_months: u32,
    /// From the agreement to the first instalment, at most.
    pub first_within_days: u32,
    pub grace_days: u32,
    /// Days on which no instalment falls due: it is due on the next that is none.
    #[serde(default)]
    pub rest_days: Vec<Weekday>,
    #[serde(default)]
    pub remainder: Remainder,
}

/// Which instalment takes what does not divide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Remainder {
    First,
    #[default]
    Last,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanRuleError {
    #[error("smallestDebts: an amount in {0} is below zero, or there twice")]
    BadLimit(Currency),
    #[error("mostInstalments: a plan has from one to 120")]
    NoInstalments,
    #[error("downPaymentPercent: from nothing to less than a hundred")]
    BadDownPayment,
    #[error("firstWithinDays: the first instalment is a day after the agreement or later")]
    NoDayForTheFirst,
    #[error("restDays: a week has a day on which something may fall due")]
    NoDayLeft,
}

impl TryFrom<PlanRuleTerms> for PlanRule {
    type Error = PlanRuleError;

    fn try_from(terms: PlanRuleTerms) -> Result<Self, PlanRuleError> {
        let mut seen = BTreeSet::new();
        if let Some(bad) = terms.smallest_debts.iter().find(|limit| limit.minor < 0 || !seen.insert(limit.currency)) {
            return Err(PlanRuleError::BadLimit(bad.currency));
        }
        if !(1..=120).contains(&terms.most_instalments) {
            return Err(PlanRuleError::NoInstalments);
        }
        if terms.down_payment_percent < Decimal::ZERO || Decimal::ONE_HUNDRED <= terms.down_payment_percent {
            return Err(PlanRuleError::BadDownPayment);
        }
        if terms.first_within_days == 0 {
            return Err(PlanRuleError::NoDayForTheFirst);
        }
        if terms.rest_days.iter().map(Weekday::num_days_from_monday).collect::<BTreeSet<_>>().len() == 7 {
            return Err(PlanRuleError::NoDayLeft);
        }
        Ok(Self(terms))
    }
}

impl PlanRule {
    pub(super) fn most_instalments(&self) -> u32 {
        self.0.most_instalments
    }

    pub(super) fn first_within_days(&self) -> u32 {
        self.0.first_within_days
    }

    pub(super) fn grace_days(&self) -> u32 {
        self.0.grace_days
    }

    /// From when on there may be another plan after one that was broken.
    pub(super) fn another_from(&self, broken_on: NaiveDate) -> Option<NaiveDate> {
        broken_on.checked_add_months(Months::new(self.0.broken_within_months))
    }

    /// The least debt that there is a plan for, if this is less.
    pub(super) fn refuses(&self, debt: Money) -> Option<Money> {
        let limit = self.0.smallest_debts.iter().find(|limit| limit.currency == debt.currency).map_or(1, |limit| limit.minor.max(1));
        (debt.minor < limit).then_some(Money::new(limit, debt.currency))
    }

    /// What is to be paid before the rest is divided. A percentage that cannot be reckoned asks for all of it.
    pub(super) fn down_payment(&self, debt: Money) -> Money {
        let part = debt.to_decimal().checked_mul(self.0.down_payment_percent).and_then(|part| part.checked_div(Decimal::ONE_HUNDRED));
        part.and_then(|part| Money::rounded(part, debt.currency).ok()).unwrap_or(debt)
    }

    /// A month from one to the next, by the first: the 31st is followed by the last of a shorter month, and by a 31st again.
    pub(super) fn dates(&self, first_on: NaiveDate, count: u32) -> Vec<NaiveDate> {
        let months = (0..count).filter_map(|n| first_on.checked_add_months(Months::new(n)));
        months.map(|day| day.iter_days().find(|day| !self.0.rest_days.contains(&day.weekday())).unwrap_or(day)).collect()
    }

    /// In equal parts, but for what does not divide; none, if there is not a minor unit for each or no calendar has their dates.
    pub(super) fn divide(&self, total: Money, first_on: NaiveDate, count: u32) -> Option<Vec<Instalment>> {
        let dates = self.dates(first_on, count);
        let (part, rest) = (total.minor.checked_div(count.into())?, total.minor.checked_rem(count.into())?);
        if part <= 0 || u32::try_from(dates.len()) != Ok(count) {
            return None;
        }
        let takes_rest = match self.0.remainder {
            Remainder::First => 0,
            Remainder::Last => dates.len() - 1,
        };
        let amount = |n| Money::new(if n == takes_rest { part + rest } else { part }, total.currency);
        Some(dates.into_iter().enumerate().map(|(n, due_on)| Instalment { due_on, amount: amount(n) }).collect())
    }
}
