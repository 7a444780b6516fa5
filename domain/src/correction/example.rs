//! A made-up correction for examples and tests: the example invoice billed 100 kWh where 60 were used.

use uuid::Uuid;

use super::*;
use crate::invoice::example as invoices;

pub const CORRECTION: CorrectionId = CorrectionId::new(Uuid::from_u128(70));
pub const METERS: [MeterId; 2] = [MeterId::new(Uuid::from_u128(32)), MeterId::new(Uuid::from_u128(33))];
pub const LATER: InvoiceId = InvoiceId::new(Uuid::from_u128(53));

pub fn terms() -> Terms {
    let reading = |n| ReadingId::new(Uuid::from_u128(n));
    let readings = |(n, meter_id): (u128, MeterId)| MeterReadings { meter_id, reading_ids: vec![reading(n), reading(n + 10)] };
    Terms {
        account_id: invoices::ACCOUNT,
        invoice_id: invoices::INVOICE,
        replacement: Box::new(invoices::draft_of("60")),
        dates: Dates::new(invoices::day("2024-08-05"), invoices::day("2024-08-20")).expect("dates in order"),
        credit_numbering: invoices::numbering("CRN"),
        invoice_numbering: invoices::numbering("INV"),
        reason: invoices::reason("digits swapped in the reading"),
        readings: vec![wrong_reading()],
        meters: (1..).zip(METERS).map(readings).collect(),
        later: vec![LATER],
        follows: None,
    }
}

/// The dial showed 60, and not 100.
fn wrong_reading() -> WrongReading {
    let right = crate::meter::example::reading("60", "2024-06-30");
    let reading_id = ReadingId::new(Uuid::from_u128(11));
    WrongReading { meter_id: METERS[0], reading_id, right: Some(right), bills: vec![invoices::INVOICE, LATER] }
}

pub fn opened() -> Event {
    CorrectionOpened { correction_id: CORRECTION, terms: terms() }.into()
}

/// The steps before this one, taken.
pub fn taken_before(step: Step) -> Vec<Event> {
    Step::ALL.iter().take_while(|taken| **taken != step).map(|taken| self::taken(*taken)).collect()
}

pub fn taken(step: Step) -> Event {
    StepTaken { step, number: number(step) }.into()
}

pub fn number(step: Step) -> Option<DocumentNumber> {
    match step {
        Step::NumberCreditNote => Some(invoices::number("CRN", 3)),
        Step::NumberReplacement => Some(invoices::number("INV", 43)),
        Step::ApproveCancellation
        | Step::FreeAllocations
        | Step::IssueCreditNote
        | Step::CreditAccount
        | Step::ReleaseReadings
        | Step::IssueReplacement
        | Step::BillReadings
        | Step::ChargeAccount
        | Step::ReapplyCredit
        | Step::ReviewLateFees
        | Step::CascadeLaterBills => None,
    }
}

pub fn finished() -> Event {
    let Terms { account_id, invoice_id, .. } = terms();
    CorrectionFinished { account_id, invoice_id, replacement_id: correction_invoice_id(CORRECTION) }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let refused = CorrectionRefused { why: invoices::reason("the invoice is cancelled, or being cancelled") };
    vec![opened(), taken(Step::NumberCreditNote), refused.into(), finished()]
}
