//! A made-up bill run for examples and tests.

use uuid::Uuid;

use super::*;
use crate::{
    Digest, Position,
    ids::BillRunId,
    invoice::{self, example as invoices},
    rating::Rounding,
};

pub const RUN: BillRunId = BillRunId::new(Uuid::from_u128(60));

pub fn plan() -> Plan {
    Plan {
        cycle: invoices::code("2024-06"),
        cut_off: invoices::day("2024-07-01"),
        filter: Filter { area: Some(invoices::code("RUH-07")), ..Filter::default() },
        tariffs: vec![invoices::code("made-up-2024")],
        dates: invoices::dates(),
        numbering: invoices::numbering("INV"),
        seller: invoices::heading().seller,
        vat_reasons: invoice::VatReasons::from([(crate::VatCategory::O, invoices::code("VATEX-SA-OOS"))]),
        rounding: Rounding::default(),
        held_above: Some("3".parse().expect("a number")),
    }
}

pub fn planned() -> Event {
    BillRunPlanned { run_id: RUN, plan: Box::new(plan()) }.into()
}

pub fn account(n: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(n))
}

pub fn billed(n: u128) -> Listed {
    Listed { account_id: account(n), outcome: Outcome::billed(&invoices::draft()) }
}

pub fn held(n: u128) -> Listed {
    Listed { account_id: account(n), outcome: Outcome::Held }
}

pub fn failed(n: u128) -> Listed {
    let failure = Failure { code: invoices::code("no-tariff"), why: invoices::reason("no tariff applies on 2024-06-01") };
    Listed { account_id: account(n), outcome: Outcome::Failed(failure) }
}

pub fn freeze(block: u32, accounts: Vec<Listed>) -> FreezeBlock {
    FreezeBlock { block, accounts, as_of: Position::single(1_000) }
}

pub fn frozen(block: u32, accounts: Vec<Listed>) -> Event {
    let list_digest = Digest::of(&accounts);
    BlockFrozen { block, accounts, as_of: Position::single(1_000), list_digest }.into()
}

/// So many invoices like the example.
pub fn totals(invoices: u64) -> BTreeMap<Currency, Totals> {
    if invoices == 0 {
        return BTreeMap::new();
    }
    let one = Totals::of(&invoice::example::draft().document);
    let mut sum = one;
    (1..invoices).for_each(|_| sum.add(&one));
    BTreeMap::from([(Currency::SAR, sum)])
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let tally = Tally { billed: 2, held: 1, failed: 1 };
    vec![
        planned(),
        frozen(0, vec![billed(1), held(2), failed(3), billed(4)]),
        BlockIssued { block: 0, totals: totals(2) }.into(),
        BillRunFinished { tally, totals: totals(2) }.into(),
        BillRunAbandoned { reason: invoices::reason("the tariff was wrong"), tally, totals: totals(2) }.into(),
    ]
}
