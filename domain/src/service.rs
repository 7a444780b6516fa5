use serde::{Deserialize, Serialize};

use crate::tariff::Unit;

/// What is supplied and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Service {
    Electricity,
    Water,
}

impl Service {
    pub const ALL: &'static [Self] = &[Self::Electricity, Self::Water];

    /// Stream names are derived from it, so it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Electricity => "electricity",
            Self::Water => "water",
        }
    }

    /// What its usage is counted in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Electricity => Unit::Kwh,
            Self::Water => Unit::M3,
        }
    }
}
