//! One binary: the port's contract on every store, and what each store owes besides.

mod contract;
mod faults;
mod keyring;
mod postgres;
mod protocol;
mod proxy;
mod support;
mod tls;
