//! One binary for all tests that need a database.

mod company;
mod loading;
