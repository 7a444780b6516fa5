//! Credit and debit notes, one example for each rule.

use std::num::NonZeroU32;

use super::*;
use crate::{Currency, VatCategory};

fn credit_of(lines: &[(u32, i64)]) -> Command {
    let lines = lines.iter().map(|(line, net)| CreditLine { line: on_invoice(*line), net: sar(*net) }).collect();
    Command::ApproveCreditNote(ApproveCreditNote { lines, ..credit() })
}

fn another(n: u128, lines: &[(u32, i64)]) -> Command {
    let lines = lines.iter().map(|(line, net)| CreditLine { line: on_invoice(*line), net: sar(*net) }).collect();
    Command::ApproveCreditNote(ApproveCreditNote { note_id: note_id(n), lines, ..credit() })
}

fn cancel() -> Command {
    let ApproveCreditNote { issued_on, surplus, reason, numbering, .. } = credit();
    Command::CancelInvoice(CancelInvoice { note_id: note_id(99), issued_on, surplus, reason, numbering })
}

fn debit_it() -> Command {
    Command::ApproveDebitNote(debit())
}

fn issue_credit(note_id: NoteId) -> Command {
    Command::IssueCreditNote(IssueCreditNote { note_id, number: number("CRN", 3) })
}

fn issue_debit() -> Command {
    Command::IssueDebitNote(IssueDebitNote { note_id: DEBIT, number: number("DBN", 1) })
}

fn promised(events: &[Event]) -> &CreditNote {
    all_promised(events).pop().expect("a credit note")
}

fn all_promised(events: &[Event]) -> Vec<&CreditNote> {
    events.iter().filter_map(|event| if let Event::CreditNoteApproved(fact) = event { Some(&fact.note) } else { None }).collect()
}

fn amounts(document: &TaxDocument) -> (i64, i64, i64, i64) {
    (document.net.minor, document.vat.minor, document.rounding.minor, document.total.minor)
}

#[test]
fn a_credit_takes_its_share_of_the_vat() {
    for (lines, expected) in [
        (&[(1, 5_000)][..], (5_000, 750, 0, 5_750)),
        (&[(1, 3), (2, 1)], (4, 1, 0, 5)),
        (&[(1, 10_000), (2, 3_000)], (13_000, 1_950, 0, 14_950)),
    ] {
        let events = told([issued()], [credit_of(lines)]);
        assert_eq!(amounts(&promised(&events).document), expected, "{lines:?}");
    }
}

#[test]
fn a_credit_note_is_approved_then_numbered_then_issued() {
    let approved = after_issue([], Command::ApproveCreditNote(credit()));
    after([]).when(Command::ApproveCreditNote(credit())).then(approved.clone());
    let note = promised(&approved).clone();
    let issued = CreditNoteIssued { invoice_id: INVOICE, account_id: ACCOUNT, number: number("CRN", 3), note };
    after(approved.clone()).when(issue_credit(CREDIT)).then([issued.clone().into()]);
    let facts = || approved.clone().into_iter().chain([issued.clone().into()]);
    after(facts()).when(issue_credit(CREDIT)).then_nothing();
    after(facts()).when(Command::ApproveCreditNote(credit())).then_nothing();
    let other = Command::IssueCreditNote(IssueCreditNote { note_id: CREDIT, number: number("CRN", 4) });
    after(facts()).when(other).then_rejected(Rejection::OtherNumber(number("CRN", 3)));
    after([]).when(issue_credit(CREDIT)).then_rejected(Rejection::NoSuchNote(CREDIT));
}

#[test]
fn no_more_is_credited_of_a_line_than_is_left() {
    let more = |line, left| Rejection::Credit(CreditError::MoreThanLine { line: on_invoice(line), left: sar(left) });
    for (lines, rejection) in [
        (&[(1, 10_001)][..], more(1, 10_000)),
        (&[(1, -1)], more(1, 10_000)),
        (&[(2, 3_001)], more(2, 3_000)),
        (&[(3, 1)], Rejection::Credit(CreditError::NoSuchLine(on_invoice(3)))),
        (&[(0, 1)], Rejection::Credit(CreditError::NoSuchLine(on_invoice(0)))),
        (&[(1, 1), (1, 1)], Rejection::Credit(CreditError::LineTwice(on_invoice(1)))),
        (&[], Rejection::NothingToCredit),
        (&[(1, 0)], Rejection::NothingToCredit),
    ] {
        after([]).when(credit_of(lines)).then_rejected(rejection);
    }
    let other_currency = CreditLine { line: on_invoice(1), net: Money::new(1, Currency::EGP) };
    let wish = Command::ApproveCreditNote(ApproveCreditNote { lines: vec![other_currency], ..credit() });
    after([]).when(wish).then_rejected(more(1, 10_000));
}

/// What is approved is promised: two notes cannot both have the last halala, whichever is numbered first.
#[test]
fn an_approved_note_leaves_less_for_the_next() {
    let first = after_issue([], credit_of(&[(1, 9_999)]));
    let more = CreditError::MoreThanLine { line: on_invoice(1), left: sar(1) };
    after(first.clone()).when(another(2, &[(1, 2)])).then_rejected(Rejection::Credit(more));
    let rest = told([issued()], [credit_of(&[(1, 9_999)]), another(2, &[(1, 1)])]);
    assert_eq!(promised(&rest).document.net, sar(1));
}

/// A line that takes off another's charge is not given back twice: the charge can be credited only as far as its VAT category reaches.
#[test]
fn no_more_is_credited_of_a_vat_category_than_is_left() {
    let draft = repair(vec![line(Revenue::Parts, 10_000), line(Revenue::Parts, -2_000)], Rounding::default()).unwrap();
    let issued = || [issued_as(draft.clone())];
    let more = |left| Rejection::Credit(CreditError::MoreThanCategory { category: VatCategory::S, left: sar(left) });
    given::<Invoice>(issued()).when(credit_of(&[(1, 8_001)])).then_rejected(more(8_000));
    given::<Invoice>(issued()).when(credit_of(&[(2, -1)])).then_rejected(Rejection::Document(DocumentError::BelowZero(VatCategory::S)));
    let events = told(issued(), [credit_of(&[(1, 10_000), (2, -2_000)])]);
    assert_eq!(amounts(&promised(&events).document), (8_000, 1_200, 0, 9_200));
    let events = told(issued(), [credit_of(&[(1, 8_000)])]);
    assert_eq!(amounts(&promised(&events).document), (8_000, 1_200, 0, 9_200));
    given::<Invoice>(events).when(another(2, &[(1, 1)])).then_rejected(more(0));
}

/// Thirds of 10.10 at 15 %: 1.515 VAT is 1.52 on the invoice, and 1.52 in three credits.
#[test]
fn the_last_credit_takes_the_remainder() {
    let draft = repair(vec![line(Revenue::Parts, 1_010)], Rounding::default()).unwrap();
    let credits = [(1, 337), (2, 337), (3, 336)].map(|(n, net)| another(n, &[(1, net)]));
    let events = told([issued_as(draft)], credits);
    let notes: Vec<_> = all_promised(&events).into_iter().map(|note| amounts(&note.document)).collect();
    assert_eq!(notes, [(337, 51, 0, 388), (337, 50, 0, 387), (336, 51, 0, 387)]);
}

#[test]
fn the_rounding_to_coins_is_credited_with_the_rest() {
    let rounding = Rounding { payable_step: NonZeroU32::new(25), ..Rounding::default() };
    let draft = repair(vec![line(Revenue::Parts, 1_010)], rounding).unwrap();
    assert_eq!(amounts(&draft.document), (1_010, 152, -12, 1_150));
    let events = told([issued_as(draft)], [another(1, &[(1, 304)]), another(2, &[(1, 706)])]);
    let notes: Vec<_> = all_promised(&events).into_iter().map(|note| amounts(&note.document)).collect();
    assert_eq!(notes, [(304, 46, -4, 346), (706, 106, -8, 804)]);
}

#[test]
fn a_cancelled_invoice_is_credited_line_by_line_as_it_was_issued() {
    let approved = after_issue([], cancel());
    let note = promised(&approved).clone();
    let Event::InvoiceIssued(invoice) = issued() else { panic!("an invoice") };
    let credited = |index: usize| DocumentLine {
        credits: Some(on_invoice(u32::try_from(index).unwrap() + 1)),
        ..invoice.document.lines[index].clone()
    };
    let lines = (0..invoice.document.lines.len()).map(credited).collect();
    assert_eq!(*note.document, TaxDocument { lines, ..*invoice.document.clone() });
    let (account_id, note_id, on) = (ACCOUNT, note.note_id, note.issued_on);
    let issued = CreditNoteIssued { invoice_id: INVOICE, account_id, number: number("CRN", 3), note };
    let settled = InvoiceSettled { account_id, paid: sar(0), as_of: None, on };
    let cancelled = InvoiceCancelled { account_id, note_id, cancelled_on: on, reason: reason("meter fast") };
    after(approved.clone()).when(issue_credit(note_id)).then([issued.into(), settled.into(), cancelled.into()]);
    after(approved).when(cancel()).then_nothing();
}

#[test]
fn a_cancellation_takes_what_other_notes_left() {
    let events = told([issued()], [credit_of(&[(1, 10_000)]), debit_it(), issue_debit(), cancel()]);
    assert_eq!(amounts(&promised(&events).document), (8_000, 1_200, 0, 9_200));
    let wholly = told([issued()], [credit_of(&[(1, 10_000), (2, 3_000)])]);
    given::<Invoice>(wholly).when(cancel()).then_rejected(Rejection::NothingToCredit);
    let for_nothing = repair(vec![line(Revenue::Parts, 0)], Rounding::default()).unwrap();
    assert_eq!(amounts(&promised(&told([issued_as(for_nothing)], [cancel()])).document), (0, 0, 0, 0));
}

#[test]
fn nothing_is_added_to_an_invoice_that_is_being_cancelled() {
    let facts = after_issue([], cancel());
    after(facts.clone()).when(credit_of(&[(1, 1)])).then_rejected(Rejection::Cancelled);
    after(facts).when(debit_it()).then_rejected(Rejection::Cancelled);
    let under_way = after_issue([], debit_it());
    after(under_way).when(cancel()).then_rejected(Rejection::NoteUnderWay(DEBIT));
}

#[test]
fn lines_of_a_debit_note_are_credited_as_the_invoices_own() {
    let of_note = |net| CreditLine { line: LineRef { debit_note: Some(DEBIT), line: 1 }, net: sar(net) };
    let wish = |net| Command::ApproveCreditNote(ApproveCreditNote { lines: vec![of_note(net)], ..credit() });
    after(after_issue([], debit_it())).when(wish(1)).then_rejected(CreditError::NoSuchLine(of_note(1).line).into());
    let events = told([issued()], [debit_it(), issue_debit(), wish(5_000)]);
    assert_eq!(amounts(&promised(&events).document), (5_000, 750, 0, 5_750));
    let more = CreditError::MoreThanLine { line: of_note(1).line, left: sar(5_000) };
    given::<Invoice>(told([issued()], [debit_it(), issue_debit()])).when(wish(5_001)).then_rejected(more.into());
}

#[test]
fn a_debit_note_is_approved_then_numbered_then_issued() {
    let approved = after_issue([], debit_it());
    after([]).when(debit_it()).then(approved.clone());
    let Event::DebitNoteApproved(DebitNoteApproved { note, .. }) = approved[0].clone() else { panic!("a debit note") };
    assert_eq!(amounts(&note.document), (5_000, 750, 0, 5_750));
    let issued = DebitNoteIssued { invoice_id: INVOICE, account_id: ACCOUNT, number: number("DBN", 1), note };
    after(approved.clone()).when(issue_debit()).then([issued.clone().into()]);
    let facts = || approved.clone().into_iter().chain([issued.clone().into()]);
    after(facts()).when(debit_it()).then_nothing();
    let other = Command::IssueDebitNote(IssueDebitNote { note_id: DEBIT, number: number("DBN", 2) });
    after(facts()).when(other).then_rejected(Rejection::OtherNumber(number("DBN", 1)));
    after([]).when(issue_debit()).then_rejected(Rejection::NoSuchNote(DEBIT));
}

#[test]
fn a_note_id_is_one_note_for_ever() {
    let (credited, debited) = (after_issue([], Command::ApproveCreditNote(credit())), after_issue([], debit_it()));
    let reused = |id| Rejection::NoteIdReused(id);
    for wish in [
        ApproveCreditNote { surplus: Surplus::Refund, ..credit() },
        ApproveCreditNote { reason: reason("other"), ..credit() },
        ApproveCreditNote { issued_on: day("2024-07-11"), ..credit() },
        ApproveCreditNote { numbering: numbering("OTHER"), ..credit() },
        ApproveCreditNote { lines: vec![CreditLine { line: on_invoice(1), net: sar(4_999) }], ..credit() },
    ] {
        after(credited.clone()).when(Command::ApproveCreditNote(wish)).then_rejected(reused(CREDIT));
    }
    let ApproveCreditNote { issued_on, surplus, reason: why, numbering: there, .. } = credit();
    let cancel = CancelInvoice { note_id: CREDIT, issued_on, surplus, reason: why, numbering: there };
    after(credited.clone()).when(Command::CancelInvoice(cancel)).then_rejected(reused(CREDIT));
    let as_debit = ApproveDebitNote { note_id: CREDIT, ..debit() };
    after(credited).when(Command::ApproveDebitNote(as_debit)).then_rejected(reused(CREDIT));
    for wish in [
        ApproveDebitNote { reason: reason("other"), ..debit() },
        ApproveDebitNote { numbering: numbering("OTHER"), ..debit() },
        ApproveDebitNote { lines: vec![line(Revenue::ReconnectFee, 5_001)], ..debit() },
    ] {
        after(debited.clone()).when(Command::ApproveDebitNote(wish)).then_rejected(reused(DEBIT));
    }
    let as_credit = ApproveCreditNote { note_id: DEBIT, ..credit() };
    after(debited).when(Command::ApproveCreditNote(as_credit)).then_rejected(reused(DEBIT));
}

#[test]
fn only_an_issued_invoice_is_corrected_and_not_before_its_day() {
    let wishes = || [Command::ApproveCreditNote(credit()), cancel(), debit_it()];
    for wish in wishes() {
        given::<Invoice>([]).when(wish.clone()).then_rejected(Rejection::NoSuchInvoice);
        given::<Invoice>([drafted()]).when(wish.clone()).then_rejected(Rejection::NotIssued);
        given::<Invoice>([drafted(), approved()]).when(wish).then_rejected(Rejection::NotIssued);
    }
    let early = ApproveCreditNote { issued_on: day("2024-06-30"), ..credit() };
    after([]).when(Command::ApproveCreditNote(early)).then_rejected(Rejection::BeforeInvoice(day("2024-07-01")));
    let dates = Dates::new(day("2024-06-30"), day("2024-07-30")).unwrap();
    after([])
        .when(Command::ApproveDebitNote(ApproveDebitNote { dates, ..debit() }))
        .then_rejected(Rejection::BeforeInvoice(day("2024-07-01")));
}

#[test]
fn a_debit_note_that_could_not_be_added_up_is_refused_before_its_number() {
    let large = |n, minor| {
        let untaxed = DocumentLine { vat: standard("0"), ..line(Revenue::Parts, minor) };
        Command::ApproveDebitNote(ApproveDebitNote { note_id: note_id(n), lines: vec![untaxed], ..debit() })
    };
    let half = Money::LARGEST / 2;
    let events = told([issued()], [large(1, half)]);
    given::<Invoice>(events).when(large(2, half + 1)).then_rejected(Rejection::Document(DocumentError::TooLarge));
    after([]).when(large(1, Money::LARGEST)).then_rejected(Rejection::Document(DocumentError::TooLarge));
    after([]).when(large(1, i64::MAX)).then_rejected(Rejection::Document(DocumentError::TooLarge));
}

/// A debit note moves the proportion after something was credited by the old one. No note gives back less than nothing for that.
#[test]
fn a_debit_note_between_credits_makes_none_of_them_negative() {
    let untaxed = |minor| DocumentLine { vat: standard("0"), ..line(Revenue::Parts, minor) };
    let to_tens = Rounding { payable_step: NonZeroU32::new(10), ..Rounding::default() };
    for (first, debited, rounding, credited, expected) in [
        (line(Revenue::Parts, 10), line(Revenue::Parts, 3), Rounding::default(), 8, [(8, 2, 0, 10), (1, 0, 0, 1), (4, 0, 0, 4)]),
        (untaxed(5), untaxed(14), to_tens, 4, [(4, 0, 4, 8), (1, 0, -1, 0), (14, 0, -2, 12)]),
    ] {
        let debit = Command::ApproveDebitNote(ApproveDebitNote { lines: vec![debited], rounding, ..debit() });
        let wishes = [another(1, &[(1, credited)]), debit, issue_debit(), another(2, &[(1, 1)]), cancel()];
        let events = told([issued_as(repair(vec![first], rounding).unwrap())], wishes);
        assert_eq!(all_promised(&events).into_iter().map(|note| amounts(&note.document)).collect::<Vec<_>>(), expected);
    }
}
