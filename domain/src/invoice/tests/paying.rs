//! The echoes of what happens in the account, and what the days do.

use super::*;

/// What the account's event says that comes after those of the facts below.
fn paid(minor: i64) -> Command {
    paid_as_of(2, minor)
}

fn paid_as_of(as_of: u64, minor: i64) -> Command {
    Command::NoteAllocation(NoteAllocation { paid: sar(minor), as_of, on: day("2024-07-14") })
}

fn partly(paid: i64, left: i64) -> Event {
    InvoicePartlyPaid { account_id: ACCOUNT, paid: sar(paid), left: sar(left), as_of: Some(1), on: day("2024-07-14") }.into()
}

fn settled(paid: i64) -> Event {
    InvoiceSettled { account_id: ACCOUNT, paid: sar(paid), as_of: Some(1), on: day("2024-07-14") }.into()
}

fn reopened(paid: i64, left: i64) -> Event {
    InvoiceReopened { account_id: ACCOUNT, paid: sar(paid), left: sar(left), as_of: Some(1), on: day("2024-07-14") }.into()
}

/// As [`paid`] makes it.
fn now(event: Event) -> Event {
    let as_of = Some(2);
    if let Event::InvoicePartlyPaid(fact) = &event {
        InvoicePartlyPaid { as_of, ..fact.clone() }.into()
    } else if let Event::InvoiceSettled(fact) = &event {
        InvoiceSettled { as_of, ..fact.clone() }.into()
    } else if let Event::InvoiceReopened(fact) = &event {
        InvoiceReopened { as_of, ..fact.clone() }.into()
    } else {
        panic!("{event:?} is no echo")
    }
}

fn day_end(date: &str) -> Command {
    Command::MarkOverdue(MarkOverdue { as_of: day(date) })
}

fn overdue(due_on: &str, as_of: &str, left: i64) -> Event {
    InvoiceFellOverdue { account_id: ACCOUNT, due_on: day(due_on), as_of: day(as_of), left: sar(left) }.into()
}

fn write_off(minor: i64) -> Command {
    Command::NoteWriteOff(NoteWriteOff { written_off: sar(minor), on: day("2024-12-31"), reason: reason("not to be had") })
}

fn wrote_off(minor: i64) -> Event {
    InvoiceWrittenOff { account_id: ACCOUNT, amount: sar(minor), on: day("2024-12-31"), reason: reason("not to be had") }.into()
}

/// So much of the energy, given back in an issued note.
fn credited(net: i64) -> Vec<Event> {
    let lines = vec![CreditLine { line: on_invoice(1), net: sar(net) }];
    let wishes = [
        Command::ApproveCreditNote(ApproveCreditNote { lines, ..credit() }),
        Command::IssueCreditNote(IssueCreditNote { note_id: CREDIT, number: number("CRN", 3) }),
    ];
    told([issued()], wishes).into_iter().skip(1).collect()
}

fn debited() -> [Command; 2] {
    [Command::ApproveDebitNote(debit()), Command::IssueDebitNote(IssueDebitNote { note_id: DEBIT, number: number("DBN", 1) })]
}

#[test]
fn an_invoice_hears_of_what_is_allocated_to_it() {
    after([]).when(paid(0)).then_nothing();
    after([]).when(paid(10_000)).then([now(partly(10_000, 4_950))]);
    after([partly(10_000, 4_950)]).when(paid(12_000)).then([now(partly(12_000, 2_950))]);
    after([partly(10_000, 4_950)]).when(paid(14_950)).then([now(settled(14_950))]);
    after([settled(14_950)]).when(paid(14_950)).then_nothing();
    after([settled(14_950)]).when(paid(10_000)).then([now(reopened(10_000, 4_950))]);
    after([partly(10_000, 4_950)]).when(paid(0)).then([now(reopened(0, 14_950))]);
    after([]).when(paid(20_000)).then([now(settled(14_950))]);
    after([]).when(paid(-1)).then_rejected(Rejection::NotAnAmount);
    given::<Invoice>([drafted()]).when(paid(1)).then_rejected(Rejection::NotIssued);
}

/// A request that changed nothing leaves no trace in the stream: only its age shows, when it is told again, that it is old news.
#[test]
fn what_is_older_than_what_was_heard_says_nothing_more() {
    after([]).when(paid_as_of(1, 0)).then_nothing();
    after([now(settled(14_950))]).when(paid_as_of(1, 0)).then_nothing();
    after([now(settled(14_950))]).when(paid_as_of(2, 0)).then_nothing();
    let later = InvoiceReopened { account_id: ACCOUNT, paid: sar(0), left: sar(14_950), as_of: Some(3), on: day("2024-07-14") };
    after([now(settled(14_950))]).when(paid_as_of(3, 0)).then([later.into()]);
    // Before version 2 nobody said as of when.
    let unsaid = InvoiceSettled { account_id: ACCOUNT, paid: sar(14_950), as_of: None, on: day("2024-07-14") };
    after([unsaid.into()]).when(paid(0)).then([now(reopened(0, 14_950))]);
}

#[test]
fn a_credit_settles_what_it_leaves_nothing_of() {
    let facts = told([issued(), partly(9_200, 5_750)], [Command::ApproveCreditNote(credit())]);
    let issue = Command::IssueCreditNote(IssueCreditNote { note_id: CREDIT, number: number("CRN", 3) });
    let last = told(facts, [issue]).pop();
    assert_eq!(last, Some(InvoiceSettled { account_id: ACCOUNT, paid: sar(9_200), as_of: None, on: day("2024-07-10") }.into()));
}

/// The account frees what was paid beyond what is payable. The echo of that is no news: the invoice is as settled as it was.
#[test]
fn a_paid_invoice_that_is_credited_stays_settled() {
    let facts: Vec<Event> = [settled(14_950)].into_iter().chain(credited(5_000)).collect();
    after(facts.clone()).when(paid(9_200)).then_nothing();
    after(facts).when(paid(9_199)).then([now(reopened(9_199, 1))]);
}

#[test]
fn a_debit_note_reopens_a_settled_invoice_and_is_due_on_its_own_day() {
    let facts = told([issued(), settled(14_950)], debited());
    let on = day("2024-07-12");
    assert_eq!(facts.last(), Some(&InvoiceReopened { account_id: ACCOUNT, paid: sar(14_950), left: sar(5_750), as_of: None, on }.into()));
    given::<Invoice>(facts.clone()).when(day_end("2024-07-27")).then_rejected(Rejection::NotYetDue { due_on: day("2024-07-27") });
    given::<Invoice>(facts).when(day_end("2024-07-28")).then([overdue("2024-07-27", "2024-07-28", 5_750)]);
    let unpaid = told([issued()], debited());
    given::<Invoice>(unpaid).when(day_end("2024-07-17")).then([overdue("2024-07-16", "2024-07-17", 20_700)]);
}

#[test]
fn an_invoice_falls_overdue_the_day_after_it_is_due_and_once() {
    after([]).when(day_end("2024-07-16")).then_rejected(Rejection::NotYetDue { due_on: day("2024-07-16") });
    after([]).when(day_end("2024-07-17")).then([overdue("2024-07-16", "2024-07-17", 14_950)]);
    after([overdue("2024-07-16", "2024-07-17", 14_950)]).when(day_end("2024-07-18")).then_nothing();
    after([settled(14_950)]).when(day_end("2024-07-17")).then_nothing();
    after([partly(10_000, 4_950)]).when(day_end("2024-07-17")).then([overdue("2024-07-16", "2024-07-17", 4_950)]);
}

/// Aging counts from the day it was first due, not from the day the payment bounced.
#[test]
fn a_bounced_payment_brings_back_the_old_due_date() {
    let facts = [overdue("2024-07-16", "2024-07-17", 14_950), settled(14_950), reopened(0, 14_950)];
    after(facts).when(day_end("2024-08-01")).then([overdue("2024-07-16", "2024-08-01", 14_950)]);
}

#[test]
fn what_was_given_up_is_no_longer_left() {
    after([partly(10_000, 4_950)]).when(write_off(4_950)).then([wrote_off(4_950)]);
    after([wrote_off(4_950)]).when(write_off(5_000)).then([wrote_off(50)]);
    after([wrote_off(4_950)]).when(write_off(4_949)).then_rejected(Rejection::NotAnAmount);
    after([wrote_off(14_950)]).when(day_end("2025-01-01")).then_nothing();
}

#[test]
fn a_status_in_one_word() {
    use Status::*;
    let cancelled = InvoiceCancelled { account_id: ACCOUNT, note_id: CREDIT, cancelled_on: day("2024-07-14"), reason: reason("x") };
    let wholly = vec![CreditLine { line: on_invoice(1), net: sar(10_000) }, CreditLine { line: on_invoice(2), net: sar(3_000) }];
    let wholly = told(
        [issued()],
        [
            Command::ApproveCreditNote(ApproveCreditNote { lines: wholly, ..credit() }),
            Command::IssueCreditNote(IssueCreditNote { note_id: CREDIT, number: number("CRN", 3) }),
        ],
    );
    let held = InvoiceHeld { cause: HoldCause::Asked { reason: reason("x") } };
    for (facts, status) in [
        (vec![], None),
        (vec![drafted()], Some(Draft)),
        (vec![drafted(), held.into()], Some(Held)),
        (vec![drafted(), DraftDiscarded { reason: reason("x") }.into()], Some(Discarded)),
        (vec![drafted(), approved()], Some(Approved)),
        (vec![issued()], Some(Open)),
        (vec![issued(), partly(1, 14_949)], Some(PartlyPaid)),
        (vec![issued(), settled(14_950)], Some(Paid)),
        (vec![issued(), settled(14_950), reopened(0, 14_950)], Some(Open)),
        (vec![issued(), wrote_off(14_950)], Some(WrittenOff)),
        ([vec![issued()], credited(5_000)].concat(), Some(Open)),
        (wholly.clone(), Some(Credited)),
        ([wholly, vec![cancelled.into()]].concat(), Some(Cancelled)),
    ] {
        assert_eq!(invoice(facts.clone()).status(), status, "{facts:?}");
    }
    let late = invoice([issued(), overdue("2024-07-16", "2024-07-17", 14_950)]);
    assert!(late.is_overdue() && !late.evolve(&settled(14_950)).is_overdue());
}
