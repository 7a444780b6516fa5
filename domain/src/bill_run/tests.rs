use proptest::{collection::vec, prelude::*};

use super::{example::*, *};
use crate::{Digest, Money, Position, ids::run_invoice_id, invoice::example::draft, register, spec::given};

fn freeze_it(block: u32, accounts: Vec<Listed>) -> Command {
    Command::FreezeBlock(freeze(block, accounts))
}

fn issued(block: u32, invoices: u64) -> Event {
    BlockIssued { block, totals: totals(invoices) }.into()
}

fn note(block: u32, invoices: u64) -> Command {
    Command::NoteBlockIssued(NoteBlockIssued { block, totals: totals(invoices) })
}

fn finish() -> Command {
    Command::FinishRun(FinishRun {})
}

fn run(facts: impl IntoIterator<Item = Event>) -> BillRun {
    facts.into_iter().fold(BillRun::default(), |run, fact| run.evolve(&fact))
}

#[test]
fn a_run_goes_from_plan_to_report() {
    given::<BillRun>([]).when(Command::PlanRun(PlanRun { run_id: RUN, plan: Box::new(plan()) })).then([planned()]);
    let accounts = vec![billed(1), held(2), failed(3), billed(4)];
    given::<BillRun>([planned()]).when(freeze_it(0, accounts.clone())).then([frozen(0, accounts.clone())]);
    let facts = || [planned(), frozen(0, accounts.clone())];
    given::<BillRun>(facts()).when(note(0, 2)).then([issued(0, 2)]);
    let second = || facts().into_iter().chain([issued(0, 2), frozen(1, vec![billed(5)]), issued(1, 1)]);
    let report = BillRunFinished { tally: Tally { billed: 3, held: 1, failed: 1 }, totals: totals(3) };
    given::<BillRun>(second()).when(finish()).then([report.into()]);
    assert_eq!(run(second()).tally().accounts(), 5);
}

#[test]
fn a_run_has_one_plan() {
    let other = Plan { cut_off: "2024-08-01".parse().unwrap(), ..plan() };
    given::<BillRun>([planned()])
        .when(Command::PlanRun(PlanRun { run_id: RUN, plan: Box::new(other) }))
        .then_rejected(Rejection::RunIdReused);
    for wish in [freeze_it(0, vec![billed(1)]), note(0, 1), finish()] {
        given::<BillRun>([]).when(wish).then_rejected(Rejection::NotPlanned);
    }
}

#[test]
fn blocks_follow_one_another_and_list_each_account_once() {
    let facts = || [planned(), frozen(0, vec![billed(3), failed(7)])];
    for (wish, rejection) in [
        (freeze_it(2, vec![billed(8)]), Rejection::OutOfTurn { expected: 1 }),
        (freeze_it(1, vec![]), Rejection::BlockSize),
        (freeze_it(1, (8..1_009).map(billed).collect()), Rejection::BlockSize),
        (freeze_it(1, vec![billed(7)]), Rejection::OutOfOrder(account(7))),
        (freeze_it(1, vec![billed(8), held(8)]), Rejection::OutOfOrder(account(8))),
        (freeze_it(1, vec![billed(9), billed(8)]), Rejection::OutOfOrder(account(8))),
        (freeze_it(0, vec![billed(3)]), Rejection::BlockReused { block: 0 }),
        (freeze_it(0, vec![billed(3), held(7)]), Rejection::BlockReused { block: 0 }),
    ] {
        given::<BillRun>(facts()).when(wish).then_rejected(rejection);
    }
    given::<BillRun>(facts()).when(freeze_it(0, vec![billed(3), failed(7)])).then_nothing();
    let full: Vec<Listed> = (8..1_008).map(billed).collect();
    given::<BillRun>(facts()).when(freeze_it(1, full.clone())).then([frozen(1, full)]);
}

#[test]
fn a_block_is_issued_whole_and_once() {
    let facts = || [planned(), frozen(0, vec![billed(1), held(2), billed(3)])];
    given::<BillRun>(facts()).when(note(0, 1)).then_rejected(Rejection::OtherCount { block: 0, expected: 2, found: 1 });
    given::<BillRun>(facts()).when(note(1, 1)).then_rejected(Rejection::OutOfTurn { expected: 1 });
    let done = || facts().into_iter().chain([issued(0, 2)]);
    given::<BillRun>(done()).when(note(0, 2)).then_nothing();
    given::<BillRun>(done()).when(note(0, 3)).then_rejected(Rejection::BlockReused { block: 0 });
}

#[test]
fn a_run_is_finished_when_all_its_blocks_are_issued() {
    let open = || [planned(), frozen(0, vec![billed(1)]), frozen(1, vec![failed(2)]), frozen(2, vec![billed(3)])];
    given::<BillRun>(open()).when(finish()).then_rejected(Rejection::NotIssued { block: 0 });
    let half = || open().into_iter().chain([issued(0, 1)]);
    given::<BillRun>(half()).when(finish()).then_rejected(Rejection::NotIssued { block: 2 });
    let report = || BillRunFinished { tally: Tally { billed: 2, held: 0, failed: 1 }, totals: totals(2) };
    let done = || half().chain([issued(2, 1)]);
    given::<BillRun>(done()).when(finish()).then([report().into()]);
    let over = || done().chain([report().into()]);
    given::<BillRun>(over()).when(freeze_it(3, vec![billed(9)])).then_rejected(Rejection::Finished);
    assert!(run(over()).is_finished() && !run(done()).is_finished());
    // Nobody to bill is a result too.
    let empty = BillRunFinished { tally: Tally::default(), totals: BTreeMap::new() };
    given::<BillRun>([planned()]).when(finish()).then([empty.into()]);
}

#[test]
fn a_run_is_abandoned_once_what_it_has_frozen_is_issued() {
    let abandon = || Command::AbandonRun(AbandonRun { reason: crate::invoice::example::reason("the tariff was wrong") });
    given::<BillRun>([]).when(abandon()).then_rejected(Rejection::NotPlanned);
    let open = || [planned(), frozen(0, vec![billed(1), failed(2)])];
    given::<BillRun>(open()).when(abandon()).then_rejected(Rejection::NotIssued { block: 0 });
    let done = || open().into_iter().chain([issued(0, 1)]);
    let reason = crate::invoice::example::reason("the tariff was wrong");
    let end = || BillRunAbandoned { reason: reason.clone(), tally: Tally { billed: 1, held: 0, failed: 1 }, totals: totals(1) };
    given::<BillRun>(done()).when(abandon()).then([end().into()]);
    let over = || done().chain([end().into()]);
    given::<BillRun>(over()).when(abandon()).then_nothing();
    given::<BillRun>(over()).when(finish()).then_rejected(Rejection::Abandoned);
    given::<BillRun>(over()).when(freeze_it(1, vec![billed(3)])).then_rejected(Rejection::Abandoned);
    assert!(run(over()).has_ended() && !run(over()).is_finished());
    let report = BillRunFinished { tally: Tally { billed: 1, held: 0, failed: 1 }, totals: totals(1) };
    given::<BillRun>(done().chain([report.into()])).when(abandon()).then_rejected(Rejection::Finished);
}

#[test]
fn a_killed_run_finds_what_to_take_up_again() {
    let facts = [planned(), frozen(0, vec![billed(1)]), frozen(1, vec![held(2), billed(5), failed(6), billed(9)]), issued(0, 1)];
    let run = run(facts);
    assert_eq!(run.cursor(), (2, Some(account(9))));
    assert_eq!(run.open_blocks().collect::<Vec<_>>(), [1]);
    assert_eq!([run.as_of(1), run.as_of(2)], [Some(Position::single(1_000)), None]);
    let draft = Digest::of(&draft());
    let place = |n, after_first| Place { account_id: account(n), invoice_id: run_invoice_id(RUN, account(n)), draft, after_first };
    assert_eq!(run.places(1), [place(5, 0), place(9, 1)]);
    assert_eq!(run.places(0), []);
    assert_eq!(run.numbers_wanted(0).map(|_| ()), None);
    let Some(register::Command::AssignBlock(wish)) = run.numbers_wanted(1) else { panic!("a block is wanted") };
    assert_eq!((wish.run_id, wish.block, wish.count, &wish.numbering), (RUN, 1, 2, &plan().numbering));
    let first = register::example::number(41);
    assert_eq!(run.places(1).iter().map(|place| place.number(&first).number).collect::<Vec<_>>(), [41, 42]);
}

/// A person waits for the draft, so a block is not done before it is there, even if nothing in it is issued.
#[test]
fn a_block_is_open_until_what_is_held_is_drafted() {
    let facts = || [planned(), frozen(0, vec![held(2), failed(3), held(4)])];
    let run = run(facts());
    assert_eq!((run.open_blocks().collect::<Vec<_>>(), run.held(0)), (vec![0], vec![account(2), account(4)]));
    assert_eq!((run.places(0), run.numbers_wanted(0).map(|_| ())), (vec![], None));
    given::<BillRun>(facts()).when(finish()).then_rejected(Rejection::NotIssued { block: 0 });
    given::<BillRun>(facts()).when(note(0, 0)).then([issued(0, 0)]);
    given::<BillRun>(facts().into_iter().chain([issued(0, 0)])).when(note(0, 0)).then_nothing();
    given::<BillRun>([planned(), frozen(0, vec![failed(3)])]).when(note(0, 0)).then_nothing();
}

#[test]
fn totals_keep_the_smallest_and_the_largest() {
    let sar = |minor| Money::new(minor, Currency::SAR);
    let of = |minor| Totals {
        invoices: 1,
        net: sar(minor),
        vat: sar(1),
        rounding: sar(-1),
        total: sar(minor),
        smallest: sar(minor),
        largest: sar(minor),
    };
    let mut sum = of(5);
    sum.add(&of(3));
    sum.add(&of(9));
    let expected = Totals { invoices: 3, net: sar(17), vat: sar(3), rounding: sar(-3), total: sar(17), smallest: sar(3), largest: sar(9) };
    assert_eq!(sum, expected);
}

proptest! {
    /// However the list is cut and in whatever order blocks are issued, every account is in it once and the report is the sum.
    #[test]
    fn the_report_is_the_sum_of_the_blocks(outcomes in vec(0..4_u8, 1..60), cut in 1..9_usize, backwards: bool) {
        let listed: Vec<Listed> = (1..).zip(&outcomes).map(|(n, outcome)| match outcome { 0 => held(n), 1 => failed(n), _ => billed(n) }).collect();
        let mut state = run([planned()]);
        let hear = |state: BillRun, wish: Command| {
            let events = state.decide(wish.clone()).unwrap();
            let after = events.iter().fold(state, BillRun::evolve);
            assert_eq!(after.decide(wish), Ok(vec![]));
            (after, events)
        };
        for (block, accounts) in (0..).zip(listed.chunks(cut)) {
            (state, _) = hear(state, freeze_it(block, accounts.to_vec()));
        }
        let mut open: Vec<u32> = state.open_blocks().collect();
        if backwards {
            open.reverse();
        }
        let mut invoices = vec![];
        for block in open {
            let places = state.places(block);
            invoices.extend(places.iter().map(|place| place.invoice_id));
            (state, _) = hear(state, note(block, places.len() as u64));
        }
        let (state, events) = hear(state, finish());
        let billed = outcomes.iter().filter(|outcome| **outcome > 1).count();
        let Event::BillRunFinished(report) = &events[0] else { panic!("a report") };
        prop_assert_eq!(report.tally.accounts(), outcomes.len() as u64);
        prop_assert_eq!(report.totals.values().map(|totals| totals.invoices).sum::<u64>(), billed as u64);
        prop_assert_eq!(&report.totals, &if billed == 0 { BTreeMap::new() } else { totals(billed as u64) });
        invoices.sort();
        invoices.dedup();
        prop_assert_eq!(invoices.len(), billed);
        prop_assert!(state.is_finished());
    }
}
