//! What holds for every invoice, whatever is credited, added, paid and cancelled in whatever order.

use std::{collections::BTreeMap, num::NonZeroU32};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{EventSchema, VatCategory};

/// A wish whose details depend on what is there when its turn comes.
#[derive(Clone, Debug)]
enum Move {
    /// So much, in thousandths of what is left, of some of the lines.
    Credit(Vec<(Index, u16)>),
    /// More than there is, of a line.
    CreditTooMuch(Index),
    Debit(Vec<DocumentLine>),
    IssueNote(Index),
    Cancel,
    Allocate(u16),
    WriteOff(u16),
    DayEnd(u8),
}

fn some_line() -> impl Strategy<Value = DocumentLine> {
    let treatment = prop_oneof![
        3 => Just(standard("0.15")),
        1 => Just(standard("0.2333")),
        1 => Just(VatTreatment { category: VatCategory::Z, rate: "0".parse().unwrap(), reason: Some(code("VATEX-SA-32")) }),
    ];
    (prop_oneof![1 => Just(0), 6 => 1..50_000_i64, 1 => -300..0_i64], treatment)
        .prop_map(|(minor, vat)| DocumentLine { vat, ..line(Revenue::Parts, minor) })
}

fn some_lines() -> impl Strategy<Value = Vec<DocumentLine>> {
    // What takes off a charge stands beside one that is larger, or there would be no document.
    vec(some_line(), 1..5).prop_map(|mut lines| {
        let charges: Vec<DocumentLine> =
            lines.iter().filter(|line| line.net.minor < 0).map(|line| DocumentLine { net: sar(301), ..line.clone() }).collect();
        lines.extend(charges);
        lines
    })
}

fn rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![2 => Just(None), 1 => Just(NonZeroU32::new(5)), 1 => Just(NonZeroU32::new(50))]
        .prop_map(|payable_step| Rounding { payable_step, ..Rounding::default() })
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => vec((any::<Index>(), 0..=1_000_u16), 1..4).prop_map(Move::Credit),
        1 => any::<Index>().prop_map(Move::CreditTooMuch),
        2 => some_lines().prop_map(Move::Debit),
        6 => any::<Index>().prop_map(Move::IssueNote),
        1 => Just(Move::Cancel),
        3 => (0..1_200_u16).prop_map(Move::Allocate),
        1 => (0..300_u16).prop_map(Move::WriteOff),
        2 => (0..40_u8).prop_map(Move::DayEnd),
    ]
}

/// The wish that a move is for an invoice with this history.
fn wish(history: &History, turn: u128, step: Move) -> Command {
    let issued = history.state.as_issued().unwrap();
    let left = issued.left.everything();
    let terms = CancelInvoice {
        note_id: note_id(turn),
        issued_on: day("2024-07-10"),
        surplus: Surplus::AccountCredit,
        reason: reason("x"),
        numbering: numbering("CRN"),
    };
    let credit_of = |lines| {
        let CancelInvoice { note_id, issued_on, surplus, reason, numbering } = terms.clone();
        Command::ApproveCreditNote(ApproveCreditNote { note_id, issued_on, lines, surplus, reason, numbering })
    };
    match step {
        Move::Credit(parts) if !left.is_empty() => {
            let chosen: BTreeMap<LineRef, Money> = parts
                .into_iter()
                .map(|(index, part)| {
                    let CreditLine { line, net } = *index.get(&left);
                    (line, sar(net.minor * i64::from(part) / 1_000))
                })
                .collect();
            credit_of(chosen.into_iter().map(|(line, net)| CreditLine { line, net }).collect())
        }
        Move::CreditTooMuch(index) if !left.is_empty() => {
            let CreditLine { line, net } = *index.get(&left);
            credit_of(vec![CreditLine { line, net: sar(net.minor + net.minor.signum().max(1)) }])
        }
        Move::Debit(lines) => {
            let dates = Dates::new(day("2024-07-12"), day("2024-07-27")).unwrap();
            Command::ApproveDebitNote(ApproveDebitNote { note_id: note_id(turn), dates, lines, ..debit() })
        }
        Move::IssueNote(index) if !history.promised.is_empty() => history.issue(*index.get(&history.promised)),
        Move::Credit(_) | Move::CreditTooMuch(_) | Move::Cancel | Move::IssueNote(_) => Command::CancelInvoice(terms),
        Move::Allocate(part) => {
            let paid = sar(issued.invoice.document.total.minor * i64::from(part) / 1_000);
            Command::NoteAllocation(NoteAllocation { paid, as_of: u64::try_from(turn).unwrap(), on: day("2024-07-14") })
        }
        Move::WriteOff(part) => {
            let written_off = sar(issued.invoice.document.total.minor * i64::from(part) / 1_000);
            Command::NoteWriteOff(NoteWriteOff { written_off, on: day("2024-12-31"), reason: reason("x") })
        }
        Move::DayEnd(days) => Command::MarkOverdue(MarkOverdue { as_of: day("2024-07-05") + chrono::Days::new(days.into()) }),
    }
}

/// An invoice and every document of its stream.
struct History {
    state: Invoice,
    documents: Vec<TaxDocument>,
    lines: BTreeMap<LineRef, i64>,
    credits: Vec<TaxDocument>,
    issued_credits: Vec<TaxDocument>,
    promised: Vec<(NoteId, bool)>,
    numbers: u64,
}

impl History {
    fn of(event: Event) -> Self {
        let Event::InvoiceIssued(invoice) = &event else { panic!("an invoice") };
        let state = Invoice::default().evolve(&event);
        let (documents, lines) = (vec![], BTreeMap::new());
        let mut history = Self { state, documents, lines, credits: vec![], issued_credits: vec![], promised: vec![], numbers: 0 };
        history.charge(None, &invoice.document);
        history
    }

    fn charge(&mut self, debit_note: Option<NoteId>, document: &TaxDocument) {
        let numbered = document.lines.iter().zip(1..);
        self.lines.extend(numbered.map(|(line, number)| (LineRef { debit_note, line: number }, line.net.minor)));
        self.documents.push(document.clone());
    }

    fn issue(&self, (note_id, is_credit): (NoteId, bool)) -> Command {
        if is_credit {
            Command::IssueCreditNote(IssueCreditNote { note_id, number: number("CRN", self.numbers) })
        } else {
            Command::IssueDebitNote(IssueDebitNote { note_id, number: number("DBN", self.numbers) })
        }
    }

    fn hear(&mut self, wish: Command) {
        let is_issue = matches!(wish, Command::IssueCreditNote(_) | Command::IssueDebitNote(_));
        let events = match self.state.decide(wish.clone()) {
            Ok(events) => events,
            Err(rejection) => return assert!(!is_issue, "what is promised is issued: {rejection}"),
        };
        self.numbers += 1;
        for event in &events {
            assert_eq!(Event::decode(event.event_type(), event.version(), &event.encode()).as_ref().ok(), Some(event));
            self.state = std::mem::take(&mut self.state).evolve(event);
            self.note(event);
        }
        assert_eq!(self.state.decide(wish.clone()), Ok(vec![]), "the same wish again: {wish:?}");
    }

    fn note(&mut self, event: &Event) {
        if let Event::CreditNoteApproved(fact) = event {
            self.credits.push(*fact.note.document.clone());
            self.promised.push((fact.note.note_id, true));
        }
        if let Event::DebitNoteApproved(fact) = event {
            self.promised.push((fact.note.note_id, false));
        }
        if let Event::CreditNoteIssued(fact) = event {
            self.issued_credits.push(*fact.note.document.clone());
            self.promised.retain(|promised| *promised != (fact.note.note_id, true));
        }
        if let Event::DebitNoteIssued(fact) = event {
            self.charge(Some(fact.note.note_id), &fact.note.document);
            self.promised.retain(|promised| *promised != (fact.note.note_id, false));
        }
    }

    fn holds(&self) {
        for document in self.documents.iter().chain(&self.credits) {
            let lines: i64 = document.lines.iter().map(|line| line.net.minor).sum();
            let vat: i64 = document.vat_totals.iter().map(|total| total.amount.minor).sum();
            assert_eq!((document.net.minor, document.vat.minor), (lines, vat));
            assert_eq!(document.total.minor, lines + vat + document.rounding.minor);
            assert!(
                document.total.minor >= 0 && document.vat_totals.iter().all(|total| total.taxable.minor >= 0 && total.amount.minor >= 0)
            );
        }
        let (charged, credited) = (sums(&self.documents), sums(&self.credits));
        for (treatment, (net, vat)) in &credited.by_treatment {
            let (charged_net, charged_vat) = charged.by_treatment[treatment];
            assert!(*net <= charged_net && *vat <= charged_vat, "{treatment:?}: {net} + {vat} of {charged_net} + {charged_vat}");
        }
        assert!(credited.total <= charged.total);
        let mut by_line: BTreeMap<LineRef, i64> = BTreeMap::new();
        for line in self.credits.iter().flat_map(|note| &note.lines) {
            *by_line.entry(line.credits.unwrap()).or_default() += line.net.minor;
        }
        for (line, credited) in by_line {
            let charged = self.lines[&line];
            assert!((charged.min(0)..=charged.max(0)).contains(&credited), "{line:?}: {credited} of {charged}");
        }
    }
}

#[derive(Debug, PartialEq)]
struct Sums {
    by_treatment: BTreeMap<VatTreatment, (i64, i64)>,
    rounding: i64,
    total: i64,
}

fn sums(documents: &[TaxDocument]) -> Sums {
    let mut sums = Sums { by_treatment: BTreeMap::new(), rounding: 0, total: 0 };
    for document in documents {
        for VatTotal { vat, taxable, amount } in &document.vat_totals {
            let (net, tax) = sums.by_treatment.entry(vat.clone()).or_default();
            (*net, *tax) = (*net + taxable.minor, *tax + amount.minor);
        }
        sums.rounding += document.rounding.minor;
        sums.total += document.total.minor;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_more_is_credited_than_was_invoiced(lines in some_lines(), rounding in rounding(), moves in vec(a_move(), 1..25)) {
        let mut history = History::of(issued_as(repair(lines, rounding).unwrap()));
        for (step, turn) in moves.into_iter().zip(1_000..) {
            let wish = wish(&history, turn, step);
            history.hear(wish);
            history.holds();
        }
        // In the end everything that is promised is issued and the rest is cancelled: what was charged comes back to the last halala.
        for promised in history.promised.clone() {
            history.hear(history.issue(promised));
        }
        let rest = wish(&history, 1, Move::Cancel);
        history.hear(rest);
        history.holds();
        for promised in history.promised.clone() {
            history.hear(history.issue(promised));
        }
        prop_assert_eq!(history.credits.len(), history.issued_credits.len());
        let mut charged = sums(&history.documents);
        let credited = sums(&history.credits);
        charged.by_treatment.retain(|_, sums| *sums != (0, 0));
        let credited = Sums { by_treatment: credited.by_treatment.into_iter().filter(|(_, sums)| *sums != (0, 0)).collect(), ..credited };
        prop_assert_eq!(charged, credited);
        prop_assert_eq!(history.state.left_to_pay(), Some(sar(0)));
    }
}
