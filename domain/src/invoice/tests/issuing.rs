//! From a draft to an issued invoice.

use super::*;
use crate::Actor;

fn draft_it(check: Option<BillCheck>) -> Command {
    Command::DraftInvoice(DraftInvoice { invoice_id: INVOICE, account_id: ACCOUNT, draft: draft(), check })
}

fn hold() -> Command {
    Command::HoldInvoice(HoldInvoice { reason: reason("disputed reading") })
}

fn held() -> Event {
    InvoiceHeld { cause: HoldCause::Asked { reason: reason("disputed reading") } }.into()
}

fn release() -> Command {
    Command::ReleaseInvoice(ReleaseInvoice { released_by: Actor::user("12"), reason: reason("checked") })
}

fn released() -> Event {
    InvoiceReleased { released_by: Actor::user("12"), reason: reason("checked") }.into()
}

fn discard() -> Command {
    Command::DiscardDraft(DiscardDraft { reason: reason("drafted twice") })
}

fn discarded() -> Event {
    DraftDiscarded { reason: reason("drafted twice") }.into()
}

fn approve() -> Command {
    Command::ApproveInvoice(ApproveInvoice { dates: dates(), numbering: numbering("INV") })
}

fn issue() -> Command {
    Command::IssueInvoice(IssueInvoice { number: number("INV", 42) })
}

fn at_once(draft: Draft) -> Command {
    let (dates, number) = (dates(), number("INV", 42));
    Command::IssueAtOnce(IssueAtOnce { invoice_id: INVOICE, account_id: ACCOUNT, draft, dates, number })
}

/// Rows are what happened, columns what is wished; a cell is how many facts follow, or why none may.
#[test]
fn each_stage_allows_what_leads_on_from_it() {
    use Rejection::*;
    let wishes = [draft_it(None), hold(), release(), discard(), approve(), issue(), at_once(draft())];
    type Row = (Vec<Event>, [Result<usize, Rejection>; 7]);
    let grid: [Row; 6] = [
        (vec![], [Ok(1), Err(NoSuchInvoice), Err(NoSuchInvoice), Err(NoSuchInvoice), Err(NoSuchInvoice), Err(NoSuchInvoice), Ok(1)]),
        (vec![drafted()], [Ok(0), Ok(1), Ok(0), Ok(1), Ok(1), Err(NotApproved), Err(InvoiceIdReused)]),
        (vec![drafted(), held()], [Ok(0), Ok(0), Ok(1), Ok(1), Err(Held), Err(NotApproved), Err(InvoiceIdReused)]),
        (
            vec![drafted(), discarded()],
            [Ok(0), Err(Discarded), Err(Discarded), Ok(0), Err(Discarded), Err(NotApproved), Err(InvoiceIdReused)],
        ),
        (
            vec![drafted(), approved()],
            [Ok(0), Err(AlreadyApproved), Err(AlreadyApproved), Err(AlreadyApproved), Ok(0), Ok(1), Err(InvoiceIdReused)],
        ),
        (vec![drafted(), approved(), issued()], [Ok(0), Err(AlreadyIssued), Err(AlreadyIssued), Err(AlreadyIssued), Ok(0), Ok(0), Ok(0)]),
    ];
    for (facts, expected) in grid {
        for (wish, expected) in wishes.iter().zip(expected) {
            let answer = invoice(facts.clone()).decide(wish.clone());
            assert_eq!(answer.as_ref().map(Vec::len), expected.as_ref().map(|count| *count), "{facts:?} {wish:?}");
            if let Ok(events) = answer {
                given::<Invoice>(facts.clone()).when(wish.clone()).then(events);
            }
        }
    }
}

#[test]
fn what_is_issued_is_what_was_drafted() {
    given::<Invoice>([]).when(draft_it(None)).then([drafted()]);
    given::<Invoice>([drafted()]).when(hold()).then([held()]);
    given::<Invoice>([drafted(), held()]).when(release()).then([released()]);
    given::<Invoice>([drafted(), held(), released()]).when(approve()).then([approved()]);
    given::<Invoice>([drafted(), approved()]).when(issue()).then([issued()]);
    given::<Invoice>([]).when(at_once(draft())).then([issued()]);
}

#[test]
fn a_bill_far_above_the_average_is_held() {
    // The bill comes to 149.50.
    for (average, times, is_held) in
        [(5_000, "2.99", false), (5_000, "2.98", true), (5_000, "3", false), (14_950, "1", false), (14_949, "1", true), (0, "3", false)]
    {
        let check = BillCheck { average: sar(average), times: times.parse().unwrap() };
        let held = InvoiceHeld { cause: HoldCause::FarAboveAverage { check } }.into();
        let expected = [drafted()].into_iter().chain(is_held.then_some(held));
        given::<Invoice>([]).when(draft_it(Some(check))).then(expected);
    }
}

#[test]
fn a_released_bill_is_not_held_again_by_the_same_draft() {
    let check = BillCheck { average: sar(100), times: "3".parse().unwrap() };
    let held = InvoiceHeld { cause: HoldCause::FarAboveAverage { check } }.into();
    given::<Invoice>([drafted(), held, released()]).when(draft_it(Some(check))).then_nothing();
}

#[test]
fn an_id_is_one_invoice_for_ever() {
    let other = || Command::DraftInvoice(DraftInvoice { invoice_id: INVOICE, account_id: ACCOUNT, draft: draft_of("101"), check: None });
    for facts in [vec![drafted()], vec![drafted(), discarded()], vec![drafted(), approved()], vec![issued()]] {
        given::<Invoice>(facts).when(other()).then_rejected(Rejection::InvoiceIdReused);
    }
    given::<Invoice>([issued()]).when(at_once(draft_of("101"))).then_rejected(Rejection::InvoiceIdReused);
    let later = Dates::new(day("2024-07-02"), day("2024-07-16")).unwrap();
    for (dates, series) in [(later, "INV"), (dates(), "OTHER")] {
        let wish = Command::ApproveInvoice(ApproveInvoice { dates, numbering: numbering(series) });
        given::<Invoice>([drafted(), approved()]).when(wish.clone()).then_rejected(Rejection::AlreadyApproved);
        given::<Invoice>([issued()]).when(wish).then_rejected(Rejection::AlreadyIssued);
    }
}

#[test]
fn an_invoice_has_one_number() {
    let other = Command::IssueInvoice(IssueInvoice { number: number("INV", 43) });
    given::<Invoice>([drafted(), approved(), issued()]).when(other).then_rejected(Rejection::OtherNumber(number("INV", 42)));
}

#[test]
fn an_invoice_for_nothing_is_settled_as_it_is_issued() {
    let nothing = repair(vec![line(Revenue::RepairLabour, 0)], Rounding::default()).unwrap();
    let settled = InvoiceSettled { account_id: ACCOUNT, paid: sar(0), as_of: None, on: day("2024-07-01") }.into();
    given::<Invoice>([]).when(at_once(nothing.clone())).then([issued_as(nothing), settled]);
}

#[test]
fn nothing_is_due_before_it_is_issued() {
    let dates = Dates::new(day("2024-07-02"), day("2024-07-01"));
    assert_eq!(dates.unwrap_err().to_string(), "a document issued on 2024-07-02 cannot be due on 2024-07-01");
    assert!(Dates::new(day("2024-07-02"), day("2024-07-02")).is_ok());
}
