use serde::{Deserialize, Serialize};

/// How a supply is taxed, by the letters of EN 16931, which tax documents carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum VatCategory {
    /// Standard rate.
    S,
    /// Zero rate.
    Z,
    /// Exempt.
    E,
    /// Outside the tax's scope.
    O,
}
