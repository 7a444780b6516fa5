//! Journeys through the whole house, and what they are told with.

pub mod http;
pub mod socket;
