//! One binary: the port's contract on every store, and what each store owes besides.

mod contract;
mod faults;
mod keyring;
mod postgres;
mod proxy;
mod support;
