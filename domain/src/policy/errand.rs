//! What the desk does because of a fact. It takes more than one stream, or rows, or the company's terms, and so is no request of one other
//! stream.

use chrono::NaiveDate;

use crate::{
    BillingEvent, Decider,
    account::{self, Account, AccountCharged, AccountOpened, AccountReclassified, ChargeKind, CustomerClass},
    part::{self, Part, PartPriceChanged},
    repair::{self, Repair, RepairBill, RepairClosed},
};

#[derive(Clone, Copy, Debug)]
pub enum Errand<'a> {
    /// A closed repair becomes an invoice.
    Bill(&'a RepairBill, NaiveDate),
    /// What was paid ahead pays what is charged for a repair.
    ApplyDeposits(&'a AccountCharged),
    /// Each class has its order of paying.
    ChooseAllocationPolicy(CustomerClass),
    /// A part's new price reaches the open estimates.
    CarryPrice(&'a PartPriceChanged),
}

/// Whose events may be one.
pub const ERRANDS: &[&str] = &[Account::CATEGORY, Part::CATEGORY, Repair::CATEGORY];

pub fn errand(event: &BillingEvent) -> Option<Errand<'_>> {
    match event {
        BillingEvent::Account(event) => of_account(event),
        BillingEvent::Part(event) => of_part(event),
        BillingEvent::Repair(event) => of_repair(event),
        BillingEvent::AccountingPeriods(_)
        | BillingEvent::Application(_)
        | BillingEvent::AppointmentDay(_)
        | BillingEvent::Audit(_)
        | BillingEvent::BillRun(_)
        | BillingEvent::Branch(_)
        | BillingEvent::ConnectionPrices(_)
        | BillingEvent::Correction(_)
        | BillingEvent::Disconnection(_)
        | BillingEvent::Dunning(_)
        | BillingEvent::Invoice(_)
        | BillingEvent::Meter(_)
        | BillingEvent::Payment(_)
        | BillingEvent::Premises(_)
        | BillingEvent::ReadCycle(_)
        | BillingEvent::RefusedRequest(_)
        | BillingEvent::Register(_)
        | BillingEvent::Reservation(_)
        | BillingEvent::ServicePoint(_)
        | BillingEvent::Settlement(_)
        | BillingEvent::Stock(_)
        | BillingEvent::Tariff(_)
        | BillingEvent::User(_) => None,
    }
}

/// A debit note is paid like any other: the deposit was for the work.
fn of_account(event: &account::Event) -> Option<Errand<'_>> {
    use account::Event;
    match event {
        Event::AccountCharged(charged) => {
            let is_repair = charged.kind == ChargeKind::Repair && charged.debit_note_id.is_none();
            is_repair.then_some(Errand::ApplyDeposits(charged))
        }
        Event::AccountOpened(AccountOpened { class, .. }) | Event::AccountReclassified(AccountReclassified { class, .. }) => {
            Some(Errand::ChooseAllocationPolicy(*class))
        }
        Event::HolderRenamed(_)
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
        | Event::AccountSuspended(_)
        | Event::AccountResumed(_)
        | Event::AccountClosed(_)
        | Event::OpeningBalanceImported(_)
        | Event::OpeningBalanceReversed(_)
        | Event::ItemDisputed(_)
        | Event::DisputeResolved(_)
        | Event::PaymentReceived(_)
        | Event::PaymentReversed(_)
        | Event::CreditAllocated(_)
        | Event::AllocationFreed(_)
        | Event::AccountCredited(_)
        | Event::CompensationCredited(_)
        | Event::SubsidyCredited(_)
        | Event::SubsidyTakenBack(_)
        | Event::CreditRefunded(_)
        | Event::RefundReturned(_)
        | Event::DepositTaken(_)
        | Event::DepositReleased(_)
        | Event::DepositReturned(_)
        | Event::LateFeeAssessed(_)
        | Event::LateFeeWaived(_)
        | Event::DebtWrittenOff(_)
        | Event::CreditWrittenOff(_)
        | Event::DebtRecovered(_)
        | Event::VatReliefClaimed(_)
        | Event::RebillBegun(_)
        | Event::RebillEnded(_)
        | Event::ChequeCleared(_)
        | Event::AllocationPolicyChosen(_)
        | Event::PlanAgreed(_)
        | Event::InstalmentMissed(_)
        | Event::PlanBroken(_)
        | Event::PlanCancelled(_)
        | Event::PlanCompleted(_)
        | Event::ConnectionCleared(_)
        | Event::ConnectionWithdrawn(_) => None,
    }
}

fn of_part(event: &part::Event) -> Option<Errand<'_>> {
    use part::Event;
    match event {
        Event::PartPriceChanged(changed) => Some(Errand::CarryPrice(changed)),
        Event::PartRegistered(_) | Event::PartRetired(_) | Event::PartReinstated(_) => None,
    }
}

fn of_repair(event: &repair::Event) -> Option<Errand<'_>> {
    use repair::Event;
    match event {
        Event::RepairClosed(RepairClosed { bill, on, .. }) => bill.as_ref().map(|bill| Errand::Bill(bill, *on)),
        Event::RepairRequested(_)
        | Event::DeviceDescribed(_)
        | Event::TechnicianAssigned(_)
        | Event::DiagnosisRecorded(_)
        | Event::RepairEstimated(_)
        | Event::EstimateRepriced(_)
        | Event::EstimateApproved(_)
        | Event::EstimateDeclined(_)
        | Event::RepairDepositNoted(_)
        | Event::PartRequested(_)
        | Event::PartReserved(_)
        | Event::PartShort(_)
        | Event::PartUsed(_)
        | Event::PartReturned(_)
        | Event::WorkStarted(_)
        | Event::WorkFinished(_)
        | Event::CheckPassed(_)
        | Event::CheckFailed(_)
        | Event::StorageCharged(_)
        | Event::RepairDelivered(_)
        | Event::RepairCancelled(_)
        | Event::ReturnedUnderWarranty(_)
        | Event::CommentMade(_)
        | Event::UpdateAsked(_)
        | Event::FileAttached(_) => None,
    }
}
