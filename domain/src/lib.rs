//! The billing rules.
