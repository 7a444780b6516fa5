//! How far back a customer may be asked for more.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::{BillingPeriod, Money};

/// Nobody is asked for more than they were billed for days further back than this. What was billed too much is given back however old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackBillingLimit {
    pub months: u32,
}

impl BackBillingLimit {
    /// Whether days that were billed as one may, on a day, be billed as another.
    pub fn allows(self, supplied: BillingPeriod, on: NaiveDate, was: Money, becomes: Money) -> bool {
        let oldest = on.checked_sub_months(Months::new(self.months));
        becomes.minor <= was.minor || oldest.is_none_or(|oldest| oldest <= supplied.from())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    #[test]
    fn no_more_is_asked_for_days_beyond_the_limit_and_less_always_is() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let june = BillingPeriod::new(day("2024-06-01"), day("2024-07-01")).unwrap();
        let sar = |minor| Money::new(minor, Currency::SAR);
        let limit = BackBillingLimit { months: 12 };
        for (on, becomes, allowed) in [
            ("2025-06-01", 101, true),
            ("2025-06-02", 101, false),
            ("2025-06-02", 100, true),
            ("2034-06-02", 99, true),
            // The last day of a month that is too short.
            ("2025-05-31", 101, true),
        ] {
            assert_eq!(limit.allows(june, day(on), sar(100), sar(becomes)), allowed, "{becomes} on {on}");
        }
        assert!(BackBillingLimit { months: u32::MAX }.allows(june, day("2034-06-02"), sar(100), sar(101)));
    }
}
