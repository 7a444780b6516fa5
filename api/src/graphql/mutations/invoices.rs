//! Documents: what happens to an invoice before it is issued, and what corrects it afterwards. Numbers and charges follow by themselves.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_billing::{correction::CorrectInvoice, drafts};
use daftar_domain::{
    CommandHash,
    ids::{InvoiceId, NoteId, ReadingId},
    invoice::{
        self, ApproveCreditNote, ApproveDebitNote, ApproveInvoice, CancelInvoice, Command, CreditLine, DiscardDraft, DocumentLine,
        HoldInvoice, Invoice, LineRef, ReleaseInvoice, VatTreatment,
    },
    tariff::{Figure, Quantity},
};

use super::{
    By::{self, Staff},
    MoneyInput, Record, mutations,
};
use crate::{
    app::{Wish, Written},
    caller::Role,
    graphql::{
        enums::{LineUnit, Revenue, Surplus, VatCategory},
        scalars::{Date, Decimal},
    },
    input,
    problem::{Flaw, Problem},
};

const OFFICE: By = Staff(&[Role::Billing, Role::Finance]);

mutations! {
    InvoiceMutation

    /// Holds a drafted invoice back, until somebody has looked at it.
    hold_invoice(HoldInvoiceInput) -> InvoicePayload, by OFFICE;
    /// Lets a held invoice go on, in the name of whoever looked at it.
    release_invoice(ReleaseInvoiceInput) -> InvoicePayload, by OFFICE;
    /// Throws a draft away. It has no number yet, so none is missing.
    discard_draft(DiscardDraftInput) -> InvoicePayload, by OFFICE;
    /// Lets a draft be issued: its number follows, and the account is charged. From here on it is only corrected by notes.
    issue_invoice(IssueInvoiceInput) -> InvoicePayload, by OFFICE;
    /// Takes something off an issued invoice, by a credit note. What was paid of it already becomes credit or is given back.
    credit_invoice(CreditInvoiceInput) -> NotePayload, by OFFICE;
    /// Takes all off an issued invoice that is left of it, by a credit note that cancels it.
    cancel_invoice(CancelInvoiceInput) -> NotePayload, by OFFICE;
    /// Adds something to an issued invoice, by a debit note.
    debit_invoice(DebitInvoiceInput) -> NotePayload, by OFFICE;
    /// Cancels an invoice and bills its days anew, by readings and tariffs as they should have been. Later invoices that start from a reading which changed follow.
    correct_invoice(CorrectInvoiceInput) -> CorrectionPayload, by OFFICE;
}

/// A draft that is to wait.
#[derive(Debug, InputObject)]
struct HoldInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A held draft that is to go on.
#[derive(Debug, InputObject)]
struct ReleaseInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A draft that is to be thrown away.
#[derive(Debug, InputObject)]
struct DiscardDraftInput {
    /// Which invoice.
    invoice_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A draft that is to be issued.
#[derive(Debug, InputObject)]
struct IssueInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// The date on it. When it is due follows from the company's terms.
    issued_on: Date,
}

/// What is taken off an invoice.
#[derive(Debug, InputObject)]
struct CreditInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// The date on the note.
    issued_on: Date,
    /// What is taken off, line by line.
    lines: Vec<CreditLineInput>,
    /// What becomes of that part of it which was paid already.
    surplus: Surplus,
    /// Why, in a phrase without personal data. It stands on the note.
    reason: String,
}

/// What is taken off a line.
#[derive(Debug, InputObject)]
struct CreditLineInput {
    /// The debit note that the line stands on; the invoice itself, if absent.
    debit_note_id: Option<ID>,
    /// Which line, counted from 1.
    line: i32,
    /// How much of it, before VAT.
    net: MoneyInput,
}

/// An invoice that is to be cancelled.
#[derive(Debug, InputObject)]
struct CancelInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// The date on the note.
    issued_on: Date,
    /// What becomes of that part of it which was paid already.
    surplus: Surplus,
    /// Why, in a phrase without personal data. It stands on the note.
    reason: String,
}

/// What is added to an invoice.
#[derive(Debug, InputObject)]
struct DebitInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// The date on the note. When it is due follows from the company's terms.
    issued_on: Date,
    /// The first day on which what is added was supplied.
    supplied_from: Date,
    /// The day after the last.
    supplied_to: Date,
    /// What is added.
    lines: Vec<DebitLineInput>,
    /// Why, in a phrase without personal data. It stands on the note.
    reason: String,
}

/// One thing that is added.
#[derive(Debug, InputObject)]
struct DebitLineInput {
    /// What it is called by programs.
    code: String,
    /// What the code alone does not say, without personal data.
    text: Option<String>,
    /// What kind of income it is.
    revenue: Revenue,
    /// How much of it.
    quantity: Decimal,
    /// What the quantity counts.
    unit: LineUnit,
    /// What one of it costs.
    price: Decimal,
    /// What all of it costs, before VAT.
    net: MoneyInput,
    /// How it is taxed.
    vat_category: VatCategory,
    /// The rate, as a fraction: `"0.15"`.
    vat_rate: Decimal,
    /// The law's code for why, where it is not taxed at the standard rate.
    vat_reason: Option<String>,
}

/// An invoice that was wrong.
#[derive(Debug, InputObject)]
struct CorrectInvoiceInput {
    /// Which invoice.
    invoice_id: ID,
    /// The date on the credit note and on the new invoice; today, if absent.
    issued_on: Option<Date>,
    /// Readings that were wrong.
    readings: Option<Vec<WrongReadingInput>>,
    /// Why, in a phrase without personal data. It stands on the note.
    reason: String,
}

/// A reading that was wrong.
#[derive(Debug, InputObject)]
struct WrongReadingInput {
    /// Which reading.
    reading_id: ID,
    /// The figure that was right, if it is known.
    value: Option<Decimal>,
}

/// The invoice that was asked for something.
#[derive(Debug, SimpleObject)]
struct InvoicePayload {
    /// The invoice's id.
    invoice_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The note as it was approved.
#[derive(Debug, SimpleObject)]
struct NotePayload {
    /// The note's id, for ever.
    note_id: ID,
    /// The invoice that it corrects.
    invoice_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The correction as it was carried out.
#[derive(Debug, SimpleObject)]
struct CorrectionPayload {
    /// The correction's id, for ever.
    correction_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn hold_invoice(wish: &Wish<'_>, input: HoldInvoiceInput) -> Result<InvoicePayload, Problem> {
    let id = invoice_id(&input.invoice_id)?;
    let hold = HoldInvoice { reason: input::reason("reason", &input.reason)? };
    Ok(payload(id, wish.ask::<Invoice>(id, Command::HoldInvoice(hold)).await?))
}

async fn release_invoice(wish: &Wish<'_>, input: ReleaseInvoiceInput) -> Result<InvoicePayload, Problem> {
    let id = invoice_id(&input.invoice_id)?;
    let release = ReleaseInvoice { released_by: wish.actor(), reason: input::reason("reason", &input.reason)? };
    Ok(payload(id, wish.ask::<Invoice>(id, Command::ReleaseInvoice(release)).await?))
}

async fn discard_draft(wish: &Wish<'_>, input: DiscardDraftInput) -> Result<InvoicePayload, Problem> {
    let id = invoice_id(&input.invoice_id)?;
    let discard = DiscardDraft { reason: input::reason("reason", &input.reason)? };
    drafts::discard(&wish.app.engine, &wish.context, id, discard.clone()).await?;
    // It is done by now: this waits until it can be read.
    Ok(payload(id, wish.ask::<Invoice>(id, Command::DiscardDraft(discard)).await?))
}

async fn issue_invoice(wish: &Wish<'_>, input: IssueInvoiceInput) -> Result<InvoicePayload, Problem> {
    let (id, issued_on, terms) = (invoice_id(&input.invoice_id)?, input.issued_on.day("issuedOn")?, wish.app.terms()?);
    let approve = ApproveInvoice { dates: terms.dates(issued_on), numbering: terms.numbering.clone() };
    let written = wish.ask_as::<Invoice>(id, Command::ApproveInvoice(approve), CommandHash::of(&issued_on)).await?;
    Ok(payload(id, written))
}

async fn credit_invoice(wish: &Wish<'_>, input: CreditInvoiceInput) -> Result<NotePayload, Problem> {
    let id = invoice_id(&input.invoice_id)?;
    let credit = ApproveCreditNote {
        note_id: wish.created_in(id, "note", NoteId::new),
        issued_on: input.issued_on.day("issuedOn")?,
        lines: input::each("lines", input.lines, CreditLineInput::parse)?,
        surplus: input.surplus.into(),
        reason: input::reason("reason", &input.reason)?,
        numbering: wish.app.terms()?.credit_numbering(),
    };
    let (note_id, said) = (credit.note_id, CommandHash::of(&(credit.issued_on, &credit.lines, credit.surplus, &credit.reason)));
    note(wish, id, note_id, Command::ApproveCreditNote(credit), said).await
}

async fn cancel_invoice(wish: &Wish<'_>, input: CancelInvoiceInput) -> Result<NotePayload, Problem> {
    let id = invoice_id(&input.invoice_id)?;
    let cancel = CancelInvoice {
        note_id: wish.created_in(id, "note", NoteId::new),
        issued_on: input.issued_on.day("issuedOn")?,
        surplus: input.surplus.into(),
        reason: input::reason("reason", &input.reason)?,
        numbering: wish.app.terms()?.credit_numbering(),
    };
    let (note_id, said) = (cancel.note_id, CommandHash::of(&(cancel.issued_on, cancel.surplus, &cancel.reason)));
    note(wish, id, note_id, Command::CancelInvoice(cancel), said).await
}

async fn debit_invoice(wish: &Wish<'_>, input: DebitInvoiceInput) -> Result<NotePayload, Problem> {
    let (id, terms, issued_on) = (invoice_id(&input.invoice_id)?, wish.app.terms()?, input.issued_on.day("issuedOn")?);
    let debit = ApproveDebitNote {
        note_id: wish.created_in(id, "note", NoteId::new),
        dates: terms.dates(issued_on),
        supplied: input::period("suppliedTo", input.supplied_from.day("suppliedFrom")?, input.supplied_to.day("suppliedTo")?)?,
        lines: input::each("lines", input.lines, DebitLineInput::parse)?,
        rounding: terms.rounding,
        reason: input::reason("reason", &input.reason)?,
        numbering: terms.debit_numbering(),
    };
    let (note_id, said) = (debit.note_id, CommandHash::of(&(issued_on, debit.supplied, &debit.lines, &debit.reason)));
    note(wish, id, note_id, Command::ApproveDebitNote(debit), said).await
}

async fn correct_invoice(wish: &Wish<'_>, input: CorrectInvoiceInput) -> Result<CorrectionPayload, Problem> {
    let correct = CorrectInvoice {
        invoice_id: invoice_id(&input.invoice_id)?,
        reason: input::reason("reason", &input.reason)?,
        issued_on: input.issued_on.map(|day| day.day("issuedOn")).transpose()?.unwrap_or_else(|| wish.app.today()),
        readings: input::each("readings", input.readings.unwrap_or_default(), WrongReadingInput::parse)?,
    };
    let (id, written) = wish.correct_invoice(&correct).await?;
    Ok(CorrectionPayload { correction_id: id.to_string().into(), record: written.into() })
}

async fn note(wish: &Wish<'_>, id: InvoiceId, note_id: NoteId, command: Command, said: CommandHash) -> Result<NotePayload, Problem> {
    let written = wish.ask_as::<Invoice>(id, command, said).await?;
    Ok(NotePayload { note_id: note_id.to_string().into(), invoice_id: id.to_string().into(), record: written.into() })
}

fn payload(id: InvoiceId, written: Written) -> InvoicePayload {
    InvoicePayload { invoice_id: id.to_string().into(), record: written.into() }
}

fn invoice_id(id: &ID) -> Result<InvoiceId, Problem> {
    input::id("invoiceId", id, InvoiceId::new)
}

impl CreditLineInput {
    fn parse(self) -> Result<CreditLine, Problem> {
        let debit_note = self.debit_note_id.map(|id| input::id("debitNoteId", &id, NoteId::new)).transpose()?;
        let line = LineRef { debit_note, line: input::count("line", self.line, 1, i32::MAX.unsigned_abs())? };
        Ok(CreditLine { line, net: self.net.parse().map_err(|problem| problem.within("net"))? })
    }
}

impl DebitLineInput {
    fn parse(self) -> Result<DocumentLine, Problem> {
        let net = self.net.parse().map_err(|problem| problem.within("net"))?;
        let price = figure("price", self.price)?.get();
        // Nothing is rounded for whoever typed it: what they say it costs is what they say it costs.
        Ok(DocumentLine {
            code: input::code("code", &self.code)?,
            text: self.text.map(|text| input::description("text", &text)).transpose()?,
            revenue: self.revenue.into(),
            quantity: Quantity::new(self.quantity.number("quantity")?).map_err(|error| unreadable("quantity", error.to_string()))?,
            unit: invoice::Unit::from(self.unit),
            price,
            net,
            vat: VatTreatment {
                category: self.vat_category.into(),
                rate: figure("vatRate", self.vat_rate)?,
                reason: self.vat_reason.map(|reason| input::code("vatReason", &reason)).transpose()?,
            },
            credits: None,
        })
    }
}

impl WrongReadingInput {
    fn parse(self) -> Result<(ReadingId, Option<rust_decimal::Decimal>), Problem> {
        let id = input::id("readingId", &self.reading_id, ReadingId::new)?;
        Ok((id, self.value.map(|value| value.number("value")).transpose()?))
    }
}

fn figure(field: &'static str, number: Decimal) -> Result<Figure, Problem> {
    number.number(field)?.to_string().parse().map_err(|reason| unreadable(field, reason))
}

fn unreadable(field: &'static str, reason: String) -> Problem {
    Problem::invalid(field, Flaw::Unreadable { reason })
}
