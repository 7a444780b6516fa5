//! The steps of a correction, in the order in which they are taken, and what each asks of whom.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{CorrectionOpened, MeterReadings, Terms};
use crate::{
    Reason, StreamName,
    account::Account,
    correction::Correction,
    ids::{AccountId, CorrectionId, InvoiceId, MeterId, NoteId, cascaded_correction_id},
    invoice::{self, CancelInvoice, Dates, Draft, Invoice, IssueAtOnce, IssueCreditNote, Surplus},
    meter::{self, Meter, NoteBillCancelled, NoteReadingsBilled},
    register::{self, AssignNumber, DocumentNumber, DocumentRef, Numbering, Register},
};

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Step { $($(#[$doc])* $name,)+ }

        impl Step {
            /// Every step, in its turn.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

steps! {
    /// The one that can be refused. Readings that were wrong are put right with it.
    ApproveCancellation
    /// What paid the wrong invoice waits for the right one.
    FreeAllocations
    NumberCreditNote
    /// The ledger's reversal follows from it.
    IssueCreditNote
    /// The wrong invoice is paid by its own cancellation.
    CreditAccount
    ReleaseReadings
    NumberReplacement
    IssueReplacement
    BillReadings
    ChargeAccount
    /// What was freed pays again, in the account's own order, as of the days on which it was paid.
    ReapplyCredit
    /// Late fees and warnings that only the wrong invoice caused are taken back.
    ReviewLateFees
    /// Each later invoice that starts from a changed reading gets a correction of its own.
    CascadeLaterBills
}

/// A step and all that is asked in it.
#[derive(Clone, Debug)]
pub struct Task {
    pub step: Step,
    pub requests: Vec<Request>,
}

/// A wish to another stream. It can be wished any number of times.
#[derive(Clone, Debug)]
pub enum Request {
    Invoice {
        invoice_id: InvoiceId,
        command: invoice::Command,
    },
    Register {
        numbering: Numbering,
        command: register::Command,
    },
    Meter {
        meter_id: MeterId,
        command: meter::Command,
    },
    FreeAllocations {
        account_id: AccountId,
        invoice_id: InvoiceId,
        on: NaiveDate,
        reason: Reason,
    },
    CreditAccount {
        account_id: AccountId,
        invoice_id: InvoiceId,
        note_id: NoteId,
    },
    ChargeAccount {
        account_id: AccountId,
        invoice_id: InvoiceId,
    },
    ReapplyCredit {
        account_id: AccountId,
        wrong: InvoiceId,
        on: NaiveDate,
    },
    ReviewLateFees {
        account_id: AccountId,
        wrong: InvoiceId,
        right: InvoiceId,
        on: NaiveDate,
        reason: Reason,
    },
    /// Its terms are found as those of any correction: by rating the invoice's period anew.
    Correct {
        correction_id: CorrectionId,
        invoice_id: InvoiceId,
        follows: CorrectionId,
    },
}

impl Step {
    pub const fn asks_for_number(self) -> bool {
        match self {
            Self::NumberCreditNote | Self::NumberReplacement => true,
            Self::ApproveCancellation
            | Self::FreeAllocations
            | Self::IssueCreditNote
            | Self::CreditAccount
            | Self::ReleaseReadings
            | Self::IssueReplacement
            | Self::BillReadings
            | Self::ChargeAccount
            | Self::ReapplyCredit
            | Self::ReviewLateFees
            | Self::CascadeLaterBills => false,
        }
    }
}

impl Request {
    /// Whose wish it is.
    pub fn stream(&self) -> StreamName {
        match self {
            Self::Invoice { invoice_id, .. } => StreamName::of::<Invoice>(*invoice_id),
            Self::Register { numbering, .. } => Register::stream(&numbering.register),
            Self::Meter { meter_id, .. } => StreamName::of::<Meter>(*meter_id),
            Self::FreeAllocations { account_id, .. }
            | Self::CreditAccount { account_id, .. }
            | Self::ChargeAccount { account_id, .. }
            | Self::ReapplyCredit { account_id, .. }
            | Self::ReviewLateFees { account_id, .. } => StreamName::of::<Account>(*account_id),
            Self::Correct { correction_id, .. } => StreamName::of::<Correction>(*correction_id),
        }
    }
}

/// A numbered step has its number by the time it is asked for: steps are taken in turn.
pub(super) fn task<'a>(opened: &CorrectionOpened, step: Step, number: impl Fn(Step) -> Option<&'a DocumentNumber>) -> Task {
    let Terms { account_id, invoice_id, dates: Dates { issued_on: on, .. }, .. } = opened.terms;
    let (note_id, replacement_id) = (opened.note_id(), opened.replacement_id());
    let requests = match step {
        Step::ApproveCancellation => opened.put_readings_right().into_iter().chain([opened.cancel()]).collect(),
        Step::FreeAllocations => vec![Request::FreeAllocations { account_id, invoice_id, on, reason: opened.terms.reason.clone() }],
        Step::NumberCreditNote => {
            vec![opened.ask_number(&opened.terms.credit_numbering, DocumentRef::CreditNote { invoice_id, note_id })]
        }
        Step::IssueCreditNote => {
            let issue = |number: &DocumentNumber| {
                let command = invoice::Command::IssueCreditNote(IssueCreditNote { note_id, number: number.clone() });
                Request::Invoice { invoice_id, command }
            };
            number(Step::NumberCreditNote).map(issue).into_iter().collect()
        }
        Step::CreditAccount => vec![Request::CreditAccount { account_id, invoice_id, note_id }],
        Step::ReleaseReadings => opened.release_readings(),
        Step::NumberReplacement => {
            vec![opened.ask_number(&opened.terms.invoice_numbering, DocumentRef::Invoice { invoice_id: replacement_id })]
        }
        Step::IssueReplacement => number(Step::NumberReplacement).map(|number| opened.issue_replacement(number)).into_iter().collect(),
        Step::BillReadings => opened.of_meters(|readings| {
            let reading_ids = readings.reading_ids.clone();
            meter::Command::NoteReadingsBilled(NoteReadingsBilled { invoice_id: replacement_id, reading_ids })
        }),
        Step::ChargeAccount => vec![Request::ChargeAccount { account_id, invoice_id: replacement_id }],
        Step::ReapplyCredit => vec![Request::ReapplyCredit { account_id, wrong: invoice_id, on }],
        Step::ReviewLateFees => {
            let reason = opened.terms.reason.clone();
            vec![Request::ReviewLateFees { account_id, wrong: invoice_id, right: replacement_id, on, reason }]
        }
        Step::CascadeLaterBills => opened.terms.later.iter().map(|later| opened.cascade(*later)).collect(),
    };
    Task { step, requests }
}

impl CorrectionOpened {
    /// What is asked of the wrong invoice first of all.
    pub fn cancel(&self) -> Request {
        let Terms { invoice_id, dates, ref reason, ref credit_numbering, .. } = self.terms;
        let command = invoice::Command::CancelInvoice(CancelInvoice {
            note_id: self.note_id(),
            issued_on: dates.issued_on,
            surplus: Surplus::AccountCredit,
            reason: reason.clone(),
            numbering: credit_numbering.clone(),
        });
        Request::Invoice { invoice_id, command }
    }

    /// Of the later invoices too: the meters let no bill stand beside one on estimates that gave way, and those are about to go.
    pub fn release_readings(&self) -> Vec<Request> {
        let wrong = [self.terms.invoice_id].into_iter().chain(self.terms.later.iter().copied());
        wrong.flat_map(|invoice_id| self.of_meters(|_| meter::Command::NoteBillCancelled(NoteBillCancelled { invoice_id }))).collect()
    }

    fn ask_number(&self, numbering: &Numbering, document: DocumentRef) -> Request {
        let wish = AssignNumber { numbering: numbering.clone(), issued_on: self.terms.dates.issued_on, document };
        Request::Register { numbering: numbering.clone(), command: register::Command::AssignNumber(wish) }
    }

    fn issue_replacement(&self, number: &DocumentNumber) -> Request {
        let Terms { account_id, dates, ref replacement, .. } = self.terms;
        let invoice_id = self.replacement_id();
        let (draft, number) = (Draft::clone(replacement), number.clone());
        let command = invoice::Command::IssueAtOnce(IssueAtOnce { invoice_id, account_id, draft, dates, number });
        Request::Invoice { invoice_id, command }
    }

    fn of_meters(&self, command: impl Fn(&MeterReadings) -> meter::Command) -> Vec<Request> {
        let request = |readings: &MeterReadings| Request::Meter { meter_id: readings.meter_id, command: command(readings) };
        self.terms.meters.iter().map(request).collect()
    }

    fn cascade(&self, later: InvoiceId) -> Request {
        let follows = self.correction_id;
        Request::Correct { correction_id: cascaded_correction_id(follows, later), invoice_id: later, follows }
    }
}
