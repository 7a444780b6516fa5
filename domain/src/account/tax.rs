//! The account's place in the tax law and in the chart of accounts.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Event, Rejection};
use crate::{Code, VatCategory, VatStatus, VatStatuses};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetVatStatus {
    pub category: VatCategory,
    /// The law's own code for why; the standard rate needs none.
    pub reason: Option<Code>,
    pub from: NaiveDate,
    /// The day after the last; open if absent.
    pub to: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkToLedger {
    pub ledger_account: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VatStatusSet {
    pub category: VatCategory,
    pub reason: Option<Code>,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkedToLedger {
    pub ledger_account: Code,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tax {
    statuses: VatStatuses,
    ledger_account: Option<Code>,
}

impl Tax {
    pub(super) fn vat_statuses(&self) -> &VatStatuses {
        &self.statuses
    }

    pub(super) fn vat_category_on(&self, date: NaiveDate) -> VatCategory {
        self.statuses.on(date).map_or(VatCategory::S, |status| status.category)
    }

    pub(super) fn vat_status_set(&mut self, fact: &VatStatusSet) {
        self.statuses.set(fact.into());
    }

    pub(super) fn linked_to_ledger(&mut self, fact: &LinkedToLedger) {
        self.ledger_account = Some(fact.ledger_account.clone());
    }
}

impl From<&VatStatusSet> for VatStatus {
    fn from(VatStatusSet { category, reason, from, to }: &VatStatusSet) -> Self {
        Self { category: *category, reason: reason.clone(), from: *from, to: *to }
    }
}

impl Account {
    pub(super) fn set_vat_status(&self, wish: SetVatStatus) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let SetVatStatus { category, reason, from, to } = wish;
        if category != VatCategory::S && reason.is_none() {
            return Err(Rejection::VatReasonMissing);
        }
        if to.is_some_and(|to| to <= from) {
            return Err(Rejection::VatPeriodEmpty);
        }
        let set = VatStatusSet { category, reason, from, to };
        if self.tax.statuses.last() == Some(&VatStatus::from(&set)) { Ok(vec![]) } else { Ok(vec![set.into()]) }
    }

    pub(super) fn link_to_ledger(&self, wish: LinkToLedger) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let LinkToLedger { ledger_account } = wish;
        if self.tax.ledger_account.as_ref() == Some(&ledger_account) {
            return Ok(vec![]);
        }
        Ok(vec![LinkedToLedger { ledger_account }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Command, example},
        spec::given,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn set(category: VatCategory, reason: Option<&str>, from: &str, to: Option<&str>) -> VatStatusSet {
        VatStatusSet { category, reason: reason.map(|code| Code::new(code).unwrap()), from: day(from), to: to.map(day) }
    }

    fn wish(VatStatusSet { category, reason, from, to }: VatStatusSet) -> Command {
        Command::SetVatStatus(SetVatStatus { category, reason, from, to })
    }

    #[test]
    fn a_status_needs_a_reason_and_a_day() {
        let exempt = set(VatCategory::E, Some("VATEX-SA-DIPLOMAT"), "2024-02-01", Some("2024-02-02"));
        given::<Account>([example::opened()]).when(wish(exempt.clone())).then([exempt.into()]);
        let standard = set(VatCategory::S, None, "2024-02-01", None);
        given::<Account>([example::opened()]).when(wish(standard.clone())).then([standard.into()]);
        for category in [VatCategory::Z, VatCategory::E, VatCategory::O] {
            given::<Account>([example::opened()])
                .when(wish(set(category, None, "2024-02-01", None)))
                .then_rejected(Rejection::VatReasonMissing);
        }
        given::<Account>([example::opened()])
            .when(wish(set(VatCategory::S, None, "2024-02-01", Some("2024-02-01"))))
            .then_rejected(Rejection::VatPeriodEmpty);
    }

    #[test]
    fn a_status_holds_within_its_dates_and_the_later_word_counts() {
        let account = example::account([
            set(VatCategory::E, Some("a"), "2024-02-01", Some("2024-03-01")).into(),
            set(VatCategory::Z, Some("b"), "2024-02-10", Some("2024-02-20")).into(),
        ]);
        for (on, category) in [
            ("2024-01-31", VatCategory::S),
            ("2024-02-01", VatCategory::E),
            ("2024-02-10", VatCategory::Z),
            ("2024-02-19", VatCategory::Z),
            ("2024-02-20", VatCategory::E),
            ("2024-02-29", VatCategory::E),
            ("2024-03-01", VatCategory::S),
        ] {
            assert_eq!(account.vat_category_on(day(on)), category, "{on}");
        }
    }

    #[test]
    fn an_account_is_linked_to_one_ledger_account() {
        let link = |code: &str| Command::LinkToLedger(LinkToLedger { ledger_account: Code::new(code).unwrap() });
        let linked = |code: &str| Event::from(LinkedToLedger { ledger_account: Code::new(code).unwrap() });
        given::<Account>([example::opened()]).when(link("1100.0007")).then([linked("1100.0007")]);
        given::<Account>([example::opened(), linked("1100.0007")]).when(link("1100.0008")).then([linked("1100.0008")]);
    }
}
