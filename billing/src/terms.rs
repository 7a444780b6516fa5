//! The terms on which a company bills: one file, by which bill runs, corrections and notes all go.

use std::{collections::BTreeMap, str::FromStr};

use chrono::{Days, NaiveDate};
use daftar_domain::{
    Code,
    account::{AllocationPolicy, CustomerClass},
    correction::BackBillingLimit,
    invoice::{Dates, Seller, VatReasons},
    rating::Rounding,
    register::Numbering,
};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{
    collections::CollectionTerms,
    day_end::{FeeTerms, LateFeeTerms},
};

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    pub seller: Seller,
    /// Of invoices.
    pub numbering: Numbering,
    #[serde(default = "credit_series")]
    credit_series: Code,
    #[serde(default = "debit_series")]
    debit_series: Code,
    /// From the date on a document to the last day on which it is paid in time.
    pub due_days: u64,
    #[serde(default)]
    pub vat_reasons: VatReasons,
    #[serde(default)]
    pub rounding: Rounding,
    /// Bills of more than so many times the account's average are held.
    #[serde(default)]
    pub held_above: Option<Decimal>,
    /// No more is asked for days further back than so many months; as far as you like, if it is not said.
    #[serde(default)]
    pub back_billing_months: Option<BackBillingLimit>,
    /// What money pays first when nobody says, by the account's class; what was due first, where it is not said.
    #[serde(default)]
    allocation: BTreeMap<CustomerClass, AllocationPolicy>,
    /// Of whole coins, the least that a customer pays at once, by the gateway; one, where it is not said. A debt that is smaller is paid as a whole.
    #[serde(default)]
    least_payments: BTreeMap<Code, u32>,
    /// What lateness costs; nothing, if it is not said.
    #[serde(default)]
    pub late_fees: Option<LateFeeTerms>,
    /// How fees are taxed. Until it is said none is billed, and none is forgotten.
    #[serde(default)]
    pub fees: Option<FeeTerms>,
    /// What follows an unpaid bill; nothing, if it is not said.
    #[serde(default)]
    pub collections: Option<CollectionTerms>,
    /// The VAT of a debt that was given up can be claimed back so many months after the date on its document.
    #[serde(default = "vat_relief_after_months")]
    pub vat_relief_after_months: u32,
    /// After the day on which it was due, less than a whole coin is given up: so many days after.
    #[serde(default = "small_balances_after_days")]
    pub small_balances_after_days: u64,
}

impl FromStr for Terms {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

impl Terms {
    /// All three kinds of document share one register, and with it the counter that the law wants without a gap.
    pub fn credit_numbering(&self) -> Numbering {
        Numbering { series: self.credit_series.clone(), ..self.numbering.clone() }
    }

    pub fn debit_numbering(&self) -> Numbering {
        Numbering { series: self.debit_series.clone(), ..self.numbering.clone() }
    }

    /// None if all classes pay alike, in the order in which every account begins.
    pub fn allocation_policy(&self, class: CustomerClass) -> Option<AllocationPolicy> {
        (!self.allocation.is_empty()).then(|| self.allocation.get(&class).copied().unwrap_or_default())
    }

    /// None where the company says nothing of this gateway.
    pub fn least_payment(&self, gateway: &Code) -> Option<u32> {
        self.least_payments.get(gateway).copied()
    }

    pub fn dates(&self, issued_on: NaiveDate) -> Dates {
        let due_on = issued_on.checked_add_days(Days::new(self.due_days)).unwrap_or(issued_on);
        Dates::new(issued_on, due_on).expect("days were added")
    }
}

/// As in Saudi Arabia.
fn vat_relief_after_months() -> u32 {
    12
}

fn small_balances_after_days() -> u64 {
    30
}

fn credit_series() -> Code {
    Code::new("CRN").expect("a code")
}

fn debit_series() -> Code {
    Code::new("DBN").expect("a code")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELLER: &str = r#""seller": {"name": "الدفتر", "address": {"street": "العليا", "building": "1", "district": "العليا",
        "city": "الرياض", "postal_code": "12212", "country": "SA"}}"#;

    #[test]
    fn what_is_not_said_has_a_usual_value() {
        let terms: Terms = format!(r#"{{{SELLER}, "numbering": {{"register": "RUH", "series": "INV"}}, "dueDays": 15}}"#).parse().unwrap();
        let numbering = |series: &str| Numbering { register: Code::new("RUH").unwrap(), series: Code::new(series).unwrap() };
        assert_eq!((terms.credit_numbering(), terms.debit_numbering()), (numbering("CRN"), numbering("DBN")));
        let dates = terms.dates("2026-11-20".parse().unwrap());
        assert_eq!(dates.due_on.to_string(), "2026-12-05");
        assert_eq!((terms.held_above, terms.rounding), (None, Rounding::default()));
        assert_eq!((terms.back_billing_months, terms.allocation_policy(CustomerClass::Government)), (None, None));
        assert_eq!((terms.late_fees, terms.fees, terms.small_balances_after_days), (None, None, 30));
        assert_eq!(terms.vat_relief_after_months, 12);
    }

    #[test]
    fn a_class_that_is_not_named_pays_what_was_due_first() {
        let said = format!(
            r#"{{{SELLER}, "numbering": {{"register": "RUH", "series": "INV"}}, "dueDays": 15, "allocation": {{"government": "proRata"}}}}"#
        );
        let terms: Terms = said.parse().unwrap();
        let [government, residential] =
            [CustomerClass::Government, CustomerClass::Residential].map(|class| terms.allocation_policy(class).unwrap());
        assert_eq!((government, residential), (AllocationPolicy::ProRata, AllocationPolicy::OldestDue));
        let wrong = said.replace("government", "goverment").parse::<Terms>().unwrap_err().to_string();
        assert!(wrong.contains("unknown variant `goverment`"), "{wrong}");
    }

    #[test]
    fn each_gateway_has_its_least_payment() {
        let said = format!(
            r#"{{{SELLER}, "numbering": {{"register": "RUH", "series": "INV"}}, "dueDays": 15, "leastPayments": {{"simulated": 10}}}}"#
        );
        let terms: Terms = said.parse().unwrap();
        assert_eq!(["simulated", "other"].map(|gateway| terms.least_payment(&Code::new(gateway).unwrap())), [Some(10), None]);
    }

    #[test]
    fn a_word_that_is_not_known_is_named_with_its_place() {
        let wrong = format!(r#"{{{SELLER}, "numbering": {{"register": "RUH", "series": "INV"}}, "dueDays": 15, "heldabove": "3"}}"#);
        let error = wrong.parse::<Terms>().unwrap_err().to_string();
        assert!(error.contains("unknown field `heldabove`") && error.contains("line 2"), "{error}");
    }
}
