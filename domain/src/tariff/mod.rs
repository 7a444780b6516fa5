//! Tariffs: what a unit costs, for whom, from when. Versions of a series follow one another without a gap.

mod aggregate;
mod check;
mod figure;
mod file;
mod locate;
mod quantity;
mod series;
mod terms;

pub use aggregate::{Command, Event, PublishTariff, Rejection, TariffClosed, TariffPublished, TariffSeries};
pub use check::{Fault, Misprint, Tariff};
pub use figure::Figure;
pub use file::BadTariff;
pub(crate) use file::read_checked;
pub use quantity::{Quantity, QuantityError};
pub use series::{Placement, Series, SeriesError, Version};
pub use terms::{
    Bracket, Entitled, FixedCharge, MidPeriodChange, NormalPeriod, Per, Reduction, Segment, Subsidy, SubsidyKind, Surcharge, Terms, Unit,
    UnitsMultiplier, Vat, When,
};

/// Made-up tariffs for examples and tests.
pub mod example {
    use super::{Event, Tariff, TariffClosed, TariffPublished, Terms};

    /// One event of each kind.
    pub fn events() -> Vec<Event> {
        let published = TariffPublished { tariff: everything() };
        let closed = TariffClosed {
            code: published.tariff.code.clone(),
            effective_to: chrono::NaiveDate::from_ymd_opt(2023, 7, 1).expect("a date"),
            successor: "made-up-next".parse().expect("a code"),
        };
        vec![Event::TariffPublished(published), Event::TariffClosed(closed)]
    }

    /// A tariff that uses every part of the format.
    pub fn everything() -> Tariff {
        include_str!("../../../fixtures/tariffs/made-up/everything.json").parse().expect("a sound tariff")
    }

    /// A plain tariff from a day on: one slab, no VAT.
    pub fn open_from(code: &str, from: &str) -> Tariff {
        let text = format!(
            r#"{{"code":"{code}","series":"made-up","service":"electricity","class":"residential","currency":"SAR","effectiveFrom":"{from}",
            "period":{{"normalDays":30,"toleranceDays":3}},"vat":{{"category":"O","rate":"0"}},
            "brackets":[{{"upTo":null,"fee":"0","segments":[{{"width":null,"price":"0.18"}}]}}],"midPeriodChange":"prorate"}}"#
        );
        text.parse().expect("a sound tariff")
    }

    /// The same, until the day before `to`.
    pub fn running(code: &str, from: &str, to: &str) -> Tariff {
        changed(open_from(code, from), |terms| terms.effective_to = to.parse().ok())
    }

    /// A tariff with a change to its terms that keeps it sound.
    pub fn changed(tariff: Tariff, change: impl FnOnce(&mut Terms)) -> Tariff {
        let mut terms = Terms::clone(&tariff);
        change(&mut terms);
        Tariff::try_from(terms).expect("a sound tariff")
    }
}
