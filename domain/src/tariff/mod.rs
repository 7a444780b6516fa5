//! Tariffs: what a unit costs, for whom, from when. Versions of a series follow one another without a gap.

mod check;
mod figure;
mod file;
mod locate;
mod quantity;
mod terms;

pub use check::{Fault, Misprint, Tariff};
pub use figure::{Code, Figure};
pub use file::BadTariff;
pub use quantity::{Quantity, QuantityError};
pub use terms::{
    Bracket, FixedCharge, MidPeriodChange, NormalPeriod, Per, Reduction, Segment, Service, Surcharge, Terms, Unit, UnitsMultiplier, Vat,
    VatCategory, When,
};
