//! One binary: a module per journey.

mod journeys;
