//! Every mutation: done, refused, sent again, and sent otherwise under the same key.
//!
//! A story asks for an area's mutations one after another, in a house of its own, and what it was told is beside it in a file. Text is
//! what an attacker would type wherever text is taken: it has to come back as text.

mod accounts;
mod books;
mod collections;
pub mod connections;
mod invoices;
mod places;
mod receivable;
pub mod repairs;
pub mod story;
pub mod supply;
pub mod workshop;

use std::collections::BTreeSet;

use super::house::{House, Way};
use story::names_of_mutations;

/// What has a test of its own elsewhere.
const ELSEWHERE: &[&str] = &[
    "closePeriod",
    "correctInvoice",
    "startBillRun",
    "askForUpdate",
    "cancelAppointment",
    "startPayment",
    "changePassword",
    "changeRoles",
    "claimAccount",
    "confirmClaim",
    "confirmSecondFactor",
    "deactivateUser",
    "enrolSecondFactor",
    "refreshSession",
    "registerStaff",
    "revokeSession",
    "signIn",
    "signOut",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_mutation_is_without_a_story() {
    let house = House::build(Way::Postgres).await;
    let told: BTreeSet<_> = [
        accounts::MUTATIONS,
        books::MUTATIONS,
        collections::MUTATIONS,
        connections::MUTATIONS,
        invoices::MUTATIONS,
        places::MUTATIONS,
        receivable::MUTATIONS,
        repairs::MUTATIONS,
        supply::MUTATIONS,
        workshop::MUTATIONS,
        ELSEWHERE,
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect();
    assert_eq!(told, names_of_mutations(&house));
}
