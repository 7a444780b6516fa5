//! The rules of the day. They travel in the command, so that a replay judges as was judged then.

use daftar_domain::{
    Code, Currency, Money, VatCategory, VatStatus,
    invoice::VatTreatment,
    meter::{EstimationRules, ReadingContext},
    rating::Rounding,
    repair::StorageRule,
    tariff::Figure,
};

use super::Wish;

pub fn readings(wish: &Wish<'_>) -> ReadingContext {
    ReadingContext::usual(wish.context.now)
}

pub fn estimation() -> EstimationRules {
    EstimationRules::default()
}

/// Of whole coins, the most that one person may write off at once.
const WRITE_OFF: i64 = 10_000;

pub fn write_off_limit(currency: Currency) -> Money {
    Money::coins(WRITE_OFF, currency)
}

/// For how long after the approval the prices of an estimate hold, and after the delivery the work is vouched for.
pub const HOLD_DAYS: u16 = 7;
pub const WARRANTY_DAYS: u16 = 90;

/// What more an estimate may come to without asking again: a tenth.
pub fn tolerance() -> Figure {
    figure("0.10")
}

/// How work and parts are taxed: at the standard rate of the country where the house is, unless it is said otherwise.
pub fn vat(rate: Option<Figure>) -> VatTreatment {
    VatTreatment { category: VatCategory::S, rate: rate.unwrap_or_else(|| figure("0.15")), reason: None }
}

/// That of all of the company's documents.
pub fn rounding(wish: &Wish<'_>) -> Rounding {
    wish.app.terms.as_ref().map(|terms| terms.rounding).unwrap_or_default()
}

/// Three days are free, then it costs five a day, and no more than three hundred.
pub fn storage(currency: Currency, customer: Option<&VatStatus>) -> StorageRule {
    let code = Code::new("storage").expect("a code");
    StorageRule { code, free_days: 3, per_day: figure("5"), most: Money::coins(300, currency), vat: vat(None).for_customer(customer) }
}

fn figure(text: &str) -> Figure {
    text.parse().expect("a figure")
}
