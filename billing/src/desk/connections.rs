//! The fee of a new connection: billed as it was quoted, heard of when it is paid and when it is taken back, and given back if nothing is
//! connected.

use daftar_domain::{
    BillingEvent, Recorded, StreamName,
    account::Account,
    application::{self, Application, ApplicationCancelled, ConnectionFeeInvoiced, NoteFeePaid, NoteFeeReopened},
    ids::{ApplicationId, InvoiceId, connection_refund_id},
    invoice::{self, CancelInvoice, DiscardDraft, Draft, Invoice, InvoiceIssued, Subject, Surplus},
    policy,
};

use super::{Bill, Desk};
use crate::{follower::Interruption, refusals};

const BILL_CONNECTION: &str = "billConnection";
const TELL_FEE: &str = "tellConnectionFee";
const GIVE_BACK: &str = "giveBackConnectionFee";

impl Desk {
    pub(super) async fn hear_of_connections(&self, fact: &Recorded<BillingEvent>) -> Result<(), Interruption> {
        match &fact.event {
            BillingEvent::Application(event) => self.hear_of_application(fact, event).await,
            BillingEvent::Invoice(event) => self.hear_of_invoice(fact, event).await,
            BillingEvent::Account(_)
            | BillingEvent::AccountingPeriods(_)
            | BillingEvent::AppointmentDay(_)
            | BillingEvent::Audit(_)
            | BillingEvent::BillRun(_)
            | BillingEvent::Branch(_)
            | BillingEvent::ConnectionPrices(_)
            | BillingEvent::Correction(_)
            | BillingEvent::Disconnection(_)
            | BillingEvent::Dunning(_)
            | BillingEvent::Meter(_)
            | BillingEvent::Part(_)
            | BillingEvent::Payment(_)
            | BillingEvent::Premises(_)
            | BillingEvent::ReadCycle(_)
            | BillingEvent::RefusedRequest(_)
            | BillingEvent::Register(_)
            | BillingEvent::Repair(_)
            | BillingEvent::Reservation(_)
            | BillingEvent::ServicePoint(_)
            | BillingEvent::Settlement(_)
            | BillingEvent::Stock(_)
            | BillingEvent::Tariff(_)
            | BillingEvent::User(_) => Ok(()),
        }
    }

    async fn hear_of_application(&self, fact: &Recorded<BillingEvent>, event: &application::Event) -> Result<(), Interruption> {
        use application::Event;
        match event {
            Event::ConnectionFeeInvoiced(fee) => self.bill_connection(fact, fee).await,
            Event::ApplicationCancelled(cancelled) => self.give_back(fact, cancelled).await,
            Event::ApplicationSubmitted(_)
            | Event::ReviewBegun(_)
            | Event::InformationAsked(_)
            | Event::InformationGiven(_)
            | Event::SiteInspected(_)
            | Event::ConnectionPriced(_)
            | Event::ConnectionFeePaid(_)
            | Event::ConnectionFeeReopened(_)
            | Event::InstallationScheduled(_)
            | Event::ConnectionInstalled(_)
            | Event::ConnectionActivated(_)
            | Event::ApplicationRejected(_) => Ok(()),
        }
    }

    async fn hear_of_invoice(&self, fact: &Recorded<BillingEvent>, event: &invoice::Event) -> Result<(), Interruption> {
        use invoice::Event;
        match event {
            // Cancelled while it was being issued: whichever came later sees the other.
            Event::InvoiceIssued(InvoiceIssued { subject: Subject::Connection { application_id }, .. }) => {
                let application = self.look::<Application>(*application_id).await?;
                match application.cancelled() {
                    Some(cancelled) => self.give_back(fact, cancelled).await,
                    None => Ok(()),
                }
            }
            Event::InvoiceSettled(settled) => {
                self.tell(fact, application::Command::NoteFeePaid(NoteFeePaid { as_of: fact.revision, on: settled.on })).await
            }
            Event::InvoiceReopened(reopened) => {
                self.tell(fact, application::Command::NoteFeeReopened(NoteFeeReopened { as_of: fact.revision, on: reopened.on })).await
            }
            Event::InvoiceDrafted(_)
            | Event::InvoiceHeld(_)
            | Event::InvoiceReleased(_)
            | Event::DraftDiscarded(_)
            | Event::InvoiceApproved(_)
            | Event::InvoiceIssued(_)
            | Event::CreditNoteApproved(_)
            | Event::CreditNoteIssued(_)
            | Event::InvoiceCancelled(_)
            | Event::DebitNoteApproved(_)
            | Event::DebitNoteIssued(_)
            | Event::InvoicePartlyPaid(_)
            | Event::InvoiceFellOverdue(_)
            | Event::InvoiceWrittenOff(_) => Ok(()),
        }
    }

    async fn bill_connection(&self, fact: &Recorded<BillingEvent>, fee: &ConnectionFeeInvoiced) -> Result<(), Interruption> {
        let ConnectionFeeInvoiced { application_id, account_id, invoice_id, rounding, on, .. } = *fee;
        let drafting = self.context(fact, BILL_CONNECTION, policy::request_id(fact.id, BILL_CONNECTION));
        // Given up before anybody was asked for money: nobody is.
        if self.look::<Application>(application_id).await?.cancelled().is_some() {
            return Ok(());
        }
        let account = self.look::<Account>(account_id).await?;
        let draft = self.heading(&account, on).and_then(|heading| {
            Draft::of_connection(application_id, heading, fee.lines.clone(), rounding).map_err(|error| error.to_string())
        });
        self.bill(&drafting, Bill { invoice_id, account_id, on }, draft).await
    }

    /// If it is about a connection's fee at all.
    async fn tell(&self, fact: &Recorded<BillingEvent>, wish: application::Command) -> Result<(), Interruption> {
        let Some(application_id) = self.connection_of(InvoiceId::new(fact.stream.id())).await? else { return Ok(()) };
        let context = self.context(fact, TELL_FEE, policy::request_id(fact.id, TELL_FEE));
        refusals::ask::<Application>(&self.engine, &context, &StreamName::of::<Application>(application_id), wish).await
    }

    async fn connection_of(&self, invoice_id: InvoiceId) -> Result<Option<ApplicationId>, Interruption> {
        let invoice = self.look::<Invoice>(invoice_id).await?;
        Ok(match invoice.issued().map(|issued| &issued.subject) {
            Some(Subject::Connection { application_id }) => Some(*application_id),
            Some(Subject::Supply { .. } | Subject::Repair { .. } | Subject::Fees) | None => None,
        })
    }

    /// Credits the fee in full. What was paid of it is kept for its refund, and pays nothing else.
    async fn give_back(&self, fact: &Recorded<BillingEvent>, cancelled: &ApplicationCancelled) -> Result<(), Interruption> {
        let ApplicationCancelled { application_id, invoice_id: Some(invoice_id), reason, on, .. } = cancelled else { return Ok(()) };
        let stream = StreamName::of::<Invoice>(*invoice_id);
        let invoice = self.look::<Invoice>(*invoice_id).await?;
        let id = policy::request_id(policy::request_id(fact.id, GIVE_BACK), &application_id.to_string());
        let context = self.context(fact, GIVE_BACK, id);
        let command = match invoice.status() {
            // On its way: when it is issued, the desk hears of it.
            None | Some(invoice::Status::Approved | invoice::Status::Discarded) => return Ok(()),
            Some(invoice::Status::Draft | invoice::Status::Held) => invoice::Command::DiscardDraft(DiscardDraft { reason: reason.clone() }),
            Some(_) => invoice::Command::CancelInvoice(CancelInvoice {
                note_id: connection_refund_id(*application_id),
                issued_on: (*on).max(invoice.issued().map_or(*on, |issued| issued.dates.issued_on)),
                surplus: Surplus::Refund,
                reason: reason.clone(),
                numbering: self.terms.credit_numbering(),
            }),
        };
        refusals::ask::<Invoice>(&self.engine, &context, &stream, command).await
    }
}
