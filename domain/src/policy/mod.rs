//! Policies: what one fact asks of another stream.
//!
//! A policy is a pure function from one event to at most one request. Whether the wish makes sense is for the aggregate that receives it to
//! decide. The request's command id comes from the event's, so that an event told twice asks the same thing and not a second one; whoever
//! sends the same wish for a reason of its own, as a bill run does, uses [`request_id`] and is the one who was first, or is not needed.

mod connections;
mod errand;
mod notice;
mod plans;
pub mod refused;
mod supply;
#[cfg(test)]
mod tests;
mod workshop;

use chrono::NaiveDate;
use uuid::Uuid;

pub use connections::keep_request;
pub use errand::{ERRANDS, Errand, errand};
pub use notice::{Notice, notice};
pub use plans::{HOLD_FOR_PLAN, LIFT_AFTER_PLAN};
pub use refused::RefusedRequest;

use crate::{
    Actor, BillingEvent, Decider, Money, Reason, Recorded, StreamName,
    account::{self, Account, Approval, ChargeAccount, ChargeKind, ChargedSubsidy, CreditAccount, CreditId, Echo, RecordPayment, Tender},
    agreement::{self, ServicePoint},
    application::{self, Application},
    disconnection::Disconnection,
    dunning,
    ids::{self, AccountId, DisconnectionId, InvoiceId},
    invoice::{
        self, BilledSupply, CreditNoteApproved, DebitNoteApproved, Invoice, InvoiceApproved, InvoiceIssued, IssueCreditNote,
        IssueDebitNote, IssueInvoice, MarkOverdue, NoteAllocation, NoteWriteOff, Revenue, Subject, TaxDocument,
    },
    meter,
    payment::{self, Payment, RequestGatewayRefund},
    rating::Subsidised,
    register::{self, AssignNumber, DocumentRef, NumberAssigned, Numbering, Register},
    repair::{self, Repair},
    stock::{self, Stock},
};

/// A wish for another stream.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks, as [`Actor::policy`] or [`Actor::job`] has it.
    pub name: &'static str,
    pub command_id: Uuid,
    pub stream: StreamName,
    pub wish: Wish,
}

#[derive(Clone, Debug)]
pub enum Wish {
    Account(Box<account::Command>),
    Application(Box<application::Command>),
    Dunning(Box<dunning::Command>),
    Invoice(Box<invoice::Command>),
    Meter(Box<meter::Command>),
    Payment(Box<payment::Command>),
    Register(Box<register::Command>),
    Repair(Box<repair::Command>),
    ServicePoint(Box<agreement::Command>),
    Stock(Box<stock::Command>),
}

/// The id of what a policy asks because of an event.
pub fn request_id(event_id: Uuid, policy: &str) -> Uuid {
    ids::policy_command_id(event_id, policy)
}

pub const NUMBER_DOCUMENT: &str = "numberDocument";
pub const ISSUE_DOCUMENT: &str = "issueDocument";
pub const CHARGE_ACCOUNT: &str = "chargeAccount";
pub const CREDIT_ACCOUNT: &str = "creditAccount";
pub const CREDIT_COMPENSATION: &str = "creditCompensation";
pub const TELL_INVOICE: &str = "tellInvoice";
pub const RECORD_PAYMENT: &str = "recordPayment";
pub const REFUND_THROUGH_GATEWAY: &str = "refundThroughGateway";
pub const RETURN_REFUND: &str = "returnRefund";
pub const MARK_OVERDUE: &str = "markOverdue";
pub const ASK_STOCK: &str = "askStock";
pub const TELL_REPAIR: &str = "tellRepair";
pub const TELL_METER: &str = "tellMeter";
pub const KEEP_PLACE: &str = "keepPlace";
pub const TELL_APPLICATION: &str = "tellApplication";

/// Whose events may ask for something: who carries policies out reads these.
pub const CATEGORIES: &[&str] = &[
    Account::CATEGORY,
    Disconnection::CATEGORY,
    Application::CATEGORY,
    Invoice::CATEGORY,
    Payment::CATEGORY,
    Register::CATEGORY,
    Repair::CATEGORY,
    ServicePoint::CATEGORY,
    Stock::CATEGORY,
];

/// What an event asks of another stream, if anything.
pub fn request(recorded: &Recorded<BillingEvent>) -> Option<Request> {
    let (name, stream, wish) = match &recorded.event {
        BillingEvent::Account(event) => of_account(AccountId::new(recorded.stream.id()), event, recorded.revision)?,
        BillingEvent::Disconnection(event) => supply::of_disconnection(DisconnectionId::new(recorded.stream.id()), event)?,
        BillingEvent::Application(event) => connections::of_application(event)?,
        BillingEvent::Invoice(event) => of_invoice(InvoiceId::new(recorded.stream.id()), event)?,
        BillingEvent::Payment(event) => of_payment(event)?,
        BillingEvent::Register(event) => of_register(event)?,
        BillingEvent::Repair(event) => workshop::of_repair(event)?,
        BillingEvent::ServicePoint(event) => connections::of_service_point(event)?,
        BillingEvent::Stock(event) => workshop::of_stock(event)?,
        BillingEvent::AccountingPeriods(_)
        | BillingEvent::AppointmentDay(_)
        | BillingEvent::Audit(_)
        | BillingEvent::BillRun(_)
        | BillingEvent::Branch(_)
        | BillingEvent::ConnectionPrices(_)
        | BillingEvent::Correction(_)
        | BillingEvent::Dunning(_)
        | BillingEvent::Meter(_)
        | BillingEvent::Part(_)
        | BillingEvent::Premises(_)
        | BillingEvent::ReadCycle(_)
        | BillingEvent::RefusedRequest(_)
        | BillingEvent::Reservation(_)
        | BillingEvent::Settlement(_)
        | BillingEvent::Tariff(_)
        | BillingEvent::User(_) => return None,
    };
    Some(Request { name, command_id: request_id(recorded.id, name), stream, wish })
}

/// What an invoice's issue, as this event, asks of its account. Whoever has issued it may ask at once: the policy then finds it done.
pub fn charge_request(event_id: Uuid, issued: &InvoiceIssued) -> (Uuid, ChargeAccount) {
    (request_id(event_id, CHARGE_ACCOUNT), charge(issued))
}

/// The end of a day makes an invoice overdue, if anything of it is left. Wished once for each invoice and day, however often the day ends.
pub fn day_end(invoice_id: InvoiceId, day: NaiveDate) -> Request {
    let key = format!("{invoice_id} {day}");
    let command_id = ids::command_id(&Actor::job(MARK_OVERDUE), MARK_OVERDUE, &key);
    let (_, stream, wish) = to_invoice(MARK_OVERDUE, invoice_id, invoice::Command::MarkOverdue(MarkOverdue { as_of: day }));
    Request { name: MARK_OVERDUE, command_id, stream, wish }
}

type Asked = (&'static str, StreamName, Wish);

fn to_account(name: &'static str, id: AccountId, command: impl Into<account::Command>) -> Asked {
    (name, StreamName::of::<Account>(id), Wish::Account(Box::new(command.into())))
}

fn to_invoice(name: &'static str, id: InvoiceId, command: invoice::Command) -> Asked {
    (name, StreamName::of::<Invoice>(id), Wish::Invoice(Box::new(command)))
}

fn to_register(document: DocumentRef, numbering: &Numbering, issued_on: NaiveDate) -> Asked {
    let wish = AssignNumber { numbering: numbering.clone(), issued_on, document };
    (NUMBER_DOCUMENT, Register::stream(&numbering.register), Wish::Register(Box::new(register::Command::AssignNumber(wish))))
}

/// What is approved is numbered, what is issued is charged, and what is credited is credited.
fn of_invoice(invoice_id: InvoiceId, event: &invoice::Event) -> Option<Asked> {
    use invoice::Event;
    match event {
        Event::InvoiceApproved(InvoiceApproved { dates, numbering }) => {
            Some(to_register(DocumentRef::Invoice { invoice_id }, numbering, dates.issued_on))
        }
        Event::CreditNoteApproved(CreditNoteApproved { note, numbering }) => {
            Some(to_register(DocumentRef::CreditNote { invoice_id, note_id: note.note_id }, numbering, note.issued_on))
        }
        Event::DebitNoteApproved(DebitNoteApproved { note, numbering }) => {
            Some(to_register(DocumentRef::DebitNote { invoice_id, note_id: note.note_id }, numbering, note.dates.issued_on))
        }
        Event::InvoiceIssued(fact) => Some(to_account(CHARGE_ACCOUNT, fact.account_id, charge(fact))),
        Event::DebitNoteIssued(fact) => {
            let invoice::DebitNote { note_id, dates, document, .. } = &fact.note;
            let wish = ChargeAccount {
                invoice_id: fact.invoice_id,
                debit_note_id: Some(*note_id),
                number: fact.number.clone(),
                kind: fee_kind(document),
                amount: document.total,
                vat: vat_to_pay(document),
                supply: document.heading.supplied,
                issued_on: dates.issued_on,
                due_on: dates.due_on,
                subsidies: vec![],
            };
            Some(to_account(CHARGE_ACCOUNT, fact.account_id, wish))
        }
        Event::CreditNoteIssued(fact) => {
            let invoice::CreditNote { note_id, issued_on, surplus, document, .. } = &fact.note;
            let wish = CreditAccount {
                note_id: *note_id,
                invoice_id: fact.invoice_id,
                number: fact.number.clone(),
                amount: document.total,
                vat: vat_to_pay(document),
                issued_on: *issued_on,
                surplus: *surplus,
            };
            Some(to_account(CREDIT_ACCOUNT, fact.account_id, wish))
        }
        Event::InvoiceDrafted(_)
        | Event::InvoiceHeld(_)
        | Event::InvoiceReleased(_)
        | Event::DraftDiscarded(_)
        | Event::InvoiceCancelled(_)
        | Event::InvoicePartlyPaid(_)
        | Event::InvoiceSettled(_)
        | Event::InvoiceReopened(_)
        | Event::InvoiceFellOverdue(_)
        | Event::InvoiceWrittenOff(_) => None,
    }
}

/// An invoice hears what its account has done with it; a gateway, what is to go back; dunning, whether a plan runs.
fn of_account(account_id: AccountId, event: &account::Event, as_of: u64) -> Option<Asked> {
    use account::Event;
    let paid = |echo: &Option<Echo>, on| {
        let Echo { invoice_id, total } = (*echo)?;
        Some(to_invoice(TELL_INVOICE, invoice_id, invoice::Command::NoteAllocation(NoteAllocation { paid: total, as_of, on })))
    };
    match event {
        Event::CreditAllocated(fact) => paid(&fact.echo, fact.effective_on),
        Event::AllocationFreed(fact) => paid(&fact.echo, fact.effective_on),
        Event::DebtWrittenOff(fact) => {
            let Echo { invoice_id, total } = fact.echo?;
            let reason = match &fact.approval {
                Approval::Given { reason, .. } => reason.clone(),
                Approval::SmallBalance => Reason::new("small balance").ok()?,
            };
            let wish = NoteWriteOff { written_off: total, on: fact.on, reason };
            Some(to_invoice(TELL_INVOICE, invoice_id, invoice::Command::NoteWriteOff(wish)))
        }
        Event::CreditRefunded(fact) => match (fact.credit, fact.tender) {
            (CreditId::Payment(payment_id), Tender::Card | Tender::Wallet) => {
                let wish = RequestGatewayRefund { refund_id: fact.refund_id, amount: fact.amount };
                let command = payment::Command::RequestGatewayRefund(wish);
                Some((REFUND_THROUGH_GATEWAY, StreamName::of::<Payment>(payment_id), Wish::Payment(Box::new(command))))
            }
            (_, Tender::Cash | Tender::Cheque | Tender::Transfer | Tender::Pos | Tender::Card | Tender::Wallet) => None,
        },
        Event::PlanAgreed(fact) => plans::agreed(account_id, fact),
        Event::PlanBroken(fact) => plans::ended(account_id, fact.plan_id, fact.on),
        Event::PlanCancelled(fact) => plans::ended(account_id, fact.plan_id, fact.on),
        Event::PlanCompleted(fact) => plans::ended(account_id, fact.plan_id, fact.on),
        Event::AccountOpened(_)
        | Event::AccountReclassified(_)
        | Event::HolderRenamed(_)
        | Event::IdentityRecorded(_)
        | Event::LanguageChosen(_)
        | Event::CurrencyChosen(_)
        | Event::ContactAdded(_)
        | Event::ContactChanged(_)
        | Event::ContactRemoved(_)
        | Event::AddressAdded(_)
        | Event::AddressChanged(_)
        | Event::AddressRemoved(_)
        | Event::VatStatusSet(_)
        | Event::LinkedToLedger(_)
        | Event::SubsidyGranted(_)
        | Event::SubsidyEnded(_)
        | Event::ServiceBegun(_)
        | Event::ServiceEnded(_)
        | Event::MeterFitted(_)
        | Event::MeterTakenOff(_)
        | Event::ConnectionCleared(_)
        | Event::ConnectionWithdrawn(_)
        | Event::AccountSuspended(_)
        | Event::AccountResumed(_)
        | Event::AccountClosed(_)
        | Event::OpeningBalanceImported(_)
        | Event::OpeningBalanceReversed(_)
        | Event::AccountCharged(_)
        | Event::ItemDisputed(_)
        | Event::DisputeResolved(_)
        | Event::PaymentReceived(_)
        | Event::PaymentReversed(_)
        | Event::AccountCredited(_)
        | Event::CompensationCredited(_)
        | Event::SubsidyCredited(_)
        // Another pays instead: of the invoice as much is paid as before.
        | Event::SubsidyTakenBack(_)
        | Event::RefundReturned(_)
        | Event::DepositTaken(_)
        | Event::DepositReleased(_)
        | Event::DepositReturned(_)
        | Event::LateFeeAssessed(_)
        | Event::LateFeeWaived(_)
        | Event::CreditWrittenOff(_)
        // The invoice stays written off: what is recovered of it is told by the allocation that follows.
        | Event::DebtRecovered(_)
        | Event::VatReliefClaimed(_)
        | Event::RebillBegun(_)
        | Event::RebillEnded(_)
        | Event::ChequeCleared(_)
        | Event::AllocationPolicyChosen(_)
        | Event::InstalmentMissed(_) => None,
    }
}

/// What has its number is issued. So nothing that a crash left between the two stays without a document.
fn of_register(event: &register::Event) -> Option<Asked> {
    use register::Event;
    match event {
        Event::NumberAssigned(NumberAssigned { document, number }) => {
            let number = number.clone();
            let command = match *document {
                DocumentRef::Invoice { .. } => invoice::Command::IssueInvoice(IssueInvoice { number }),
                DocumentRef::CreditNote { note_id, .. } => invoice::Command::IssueCreditNote(IssueCreditNote { note_id, number }),
                DocumentRef::DebitNote { note_id, .. } => invoice::Command::IssueDebitNote(IssueDebitNote { note_id, number }),
            };
            Some(to_invoice(ISSUE_DOCUMENT, document.invoice_id(), command))
        }
        // Only the run knows what its documents say.
        Event::BlockAssigned(_) => None,
    }
}

/// A completed payment is the account's money; a refund that failed is its credit again.
fn of_payment(event: &payment::Event) -> Option<Asked> {
    use payment::Event;
    match event {
        Event::PaymentCompleted(fact) => {
            let wish = RecordPayment {
                payment_id: fact.payment_id,
                external_reference: fact.gateway_reference.clone(),
                tender: fact.tender,
                channel: fact.gateway.clone(),
                session: None,
                amount: fact.amount,
                received_at: fact.at,
                value_on: fact.value_on,
                directed: fact.directed.clone(),
                policy: None,
            };
            Some(to_account(RECORD_PAYMENT, fact.account_id, wish))
        }
        Event::GatewayRefundFailed(fact) => {
            let reason = Reason::new(format!("gateway: {}", fact.cause)).ok()?;
            let wish = account::ReturnRefund { refund_id: fact.refund_id, on: fact.on, reason };
            Some(to_account(RETURN_REFUND, fact.account_id, wish))
        }
        Event::PaymentStarted(_)
        | Event::PaymentPending(_)
        | Event::PaymentFailed(_)
        | Event::PaymentUnknown(_)
        | Event::PaymentExpired(_)
        | Event::GatewayRefundRequested(_)
        | Event::GatewayRefundCompleted(_) => None,
    }
}

fn charge(fact: &InvoiceIssued) -> ChargeAccount {
    let InvoiceIssued { invoice_id, dates, document, .. } = fact;
    ChargeAccount {
        invoice_id: *invoice_id,
        debit_note_id: None,
        number: fact.number.clone(),
        kind: match fact.subject {
            Subject::Supply { .. } => ChargeKind::Supply,
            Subject::Repair { .. } => ChargeKind::Repair,
            Subject::Connection { .. } => ChargeKind::ConnectionFee,
            Subject::Fees => fee_kind(document),
        },
        amount: document.total,
        vat: vat_to_pay(document),
        supply: document.heading.supplied,
        issued_on: dates.issued_on,
        due_on: dates.due_on,
        subsidies: match &fact.subject {
            Subject::Supply { supplies } => subsidies(*invoice_id, supplies),
            Subject::Repair { .. } | Subject::Connection { .. } | Subject::Fees => vec![],
        },
    }
}

/// Of each supply what each authority pays under each scheme, whatever parts it is made of.
fn subsidies(invoice_id: InvoiceId, supplies: &[BilledSupply]) -> Vec<ChargedSubsidy> {
    let mut charged: Vec<ChargedSubsidy> = vec![];
    for (n, supply) in supplies.iter().enumerate() {
        for Subsidised { subsidy, amount, .. } in &supply.bill.subsidies {
            let subsidy_id = ids::subsidy_id(invoice_id, n, &subsidy.code, &subsidy.authority);
            match charged.iter_mut().find(|charged| charged.subsidy_id == subsidy_id) {
                Some(charged) => charged.amount.minor += amount.minor,
                None => {
                    let (scheme, authority) = (subsidy.code.clone(), subsidy.authority.clone());
                    charged.push(ChargedSubsidy { subsidy_id, scheme, authority, amount: *amount });
                }
            }
        }
    }
    charged
}

/// What a document of several fees is for is what its first line is for.
fn fee_kind(document: &TaxDocument) -> ChargeKind {
    document.lines.first().map_or(ChargeKind::Supply, |line| match line.revenue {
        Revenue::Energy | Revenue::Water | Revenue::Sewer | Revenue::FixedFee => ChargeKind::Supply,
        Revenue::ConnectionFee => ChargeKind::ConnectionFee,
        Revenue::ReconnectFee => ChargeKind::ReconnectFee,
        Revenue::LateFee => ChargeKind::LateFee,
        Revenue::BouncedPaymentFee => ChargeKind::BouncedPaymentFee,
        Revenue::RepairLabour | Revenue::Parts => ChargeKind::Repair,
    })
}

/// Rounding to coins that exist may leave less to pay than the VAT alone.
fn vat_to_pay(document: &TaxDocument) -> Money {
    if document.total.minor < document.vat.minor { document.total } else { document.vat }
}
