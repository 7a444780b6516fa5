//! What a table of prices says, as its JSON has it, and what it is asked.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    Code, Currency, Description, Service,
    account::CustomerClass,
    invoice::VatTreatment,
    meter::MeterKind,
    rating::Rounding,
    tariff::{Figure, Quantity},
};

/// Terms as they are written; [`Prices`](super::Prices) are terms that hold together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceTerms {
    pub code: Code,
    /// Where the figures are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub service: Service,
    pub currency: Currency,
    /// Until the next table begins.
    pub effective_from: NaiveDate,
    /// So long a quote by it is good.
    pub valid_days: u16,
    /// Of all that it charges, unless the customer has a status of their own.
    pub vat: VatTreatment,
    #[serde(default)]
    pub rounding: Rounding,
    pub charges: Vec<Charge>,
}

/// One thing that a connection costs: the first of its cases that holds says how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Charge {
    pub code: Code,
    /// What the customer reads.
    pub text: Description,
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Nothing said is for everybody who is left.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    pub price: Price,
}

/// All that is said must hold; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct When {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<CustomerClass>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diameters_mm: Vec<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<MeterKind>,
    /// Up to and with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_kva_up_to: Option<Quantity>,
    /// Up to and with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m_up_to: Option<Quantity>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Price {
    /// Of nothing, there is no line.
    Fixed(Figure),
    /// For each kVA of the load, step by step.
    PerKva(Vec<Step>),
    /// For each metre to the network, step by step.
    PerMetre(Vec<Step>),
}

/// What lies above the step before it, up to and with this border; the last is for all the rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    pub up_to: Option<Quantity>,
    pub price: Figure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    Single,
    Three,
}

/// What is to be carried, and with it what service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "snake_case")]
pub enum Capacity {
    Electricity { load_kva: Quantity, phase: Phase },
    Water { diameter_mm: u16 },
}

/// All that a price depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specification {
    pub class: CustomerClass,
    pub capacity: Capacity,
    /// From the network to the place.
    pub distance_m: Quantity,
    pub area: Code,
    pub meter: MeterKind,
}

impl Capacity {
    pub const fn service(self) -> Service {
        match self {
            Self::Electricity { .. } => Service::Electricity,
            Self::Water { .. } => Service::Water,
        }
    }

    /// Whether there is anything to carry.
    pub const fn is_something(self) -> bool {
        match self {
            Self::Electricity { load_kva, phase: _ } => !load_kva.is_zero(),
            Self::Water { diameter_mm } => diameter_mm > 0,
        }
    }
}

impl When {
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn holds(&self, wanted: &Specification) -> bool {
        let (load, phase, diameter) = match wanted.capacity {
            Capacity::Electricity { load_kva, phase } => (Some(load_kva), Some(phase), None),
            Capacity::Water { diameter_mm } => (None, None, Some(diameter_mm)),
        };
        among(&self.classes, Some(&wanted.class))
            && among(&self.phases, phase.as_ref())
            && among(&self.diameters_mm, diameter.as_ref())
            && among(&self.areas, Some(&wanted.area))
            && among(&self.meters, Some(&wanted.meter))
            && within(self.load_kva_up_to, load)
            && within(self.distance_m_up_to, Some(wanted.distance_m))
    }

    /// Whether it holds wherever the other does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        wider(&self.classes, &other.classes)
            && wider(&self.phases, &other.phases)
            && wider(&self.diameters_mm, &other.diameters_mm)
            && wider(&self.areas, &other.areas)
            && wider(&self.meters, &other.meters)
            && higher(self.load_kva_up_to, other.load_kva_up_to)
            && higher(self.distance_m_up_to, other.distance_m_up_to)
    }
}

fn among<T: PartialEq>(said: &[T], found: Option<&T>) -> bool {
    said.is_empty() || found.is_some_and(|found| said.contains(found))
}

fn within(up_to: Option<Quantity>, found: Option<Quantity>) -> bool {
    up_to.is_none_or(|up_to| found.is_some_and(|found| found <= up_to))
}

fn wider<T: PartialEq>(said: &[T], other: &[T]) -> bool {
    said.is_empty() || !other.is_empty() && other.iter().all(|one| said.contains(one))
}

fn higher(up_to: Option<Quantity>, other: Option<Quantity>) -> bool {
    up_to.is_none_or(|up_to| other.is_some_and(|other| other <= up_to))
}
