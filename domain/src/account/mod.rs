//! The account: who is billed, in which class and currency, and what stands between the customer and us.
//!
//! Each file beside this one is a part of the account with its commands, events and rules; they share one stream and one state.

mod connections;
mod contacts;
pub mod example;
mod holder;
mod number;
mod receivable;
mod standing;
mod subsidies;
mod tax;

use chrono::NaiveDate;
use serde::Serialize;
use thiserror::Error;

pub use connections::{ClearConnection, Clearance, ConnectionCleared, ConnectionWithdrawn, WithdrawConnection, Withdrawal};
pub use contacts::{
    AddAddress, AddContact, Address, AddressAdded, AddressChanged, AddressKind, AddressRemoved, ChangeAddress, ChangeContact, Contact,
    ContactAdded, ContactChanged, ContactKind, ContactRemoved, Contacts, RemoveAddress, RemoveContact,
};
pub use holder::{
    AccountOpened, AccountReclassified, ChooseCurrency, ChooseLanguage, CurrencyChosen, CustomerClass, HolderRenamed, IdentityDocument,
    IdentityRecorded, Language, LanguageChosen, OpenAccount, Reclassify, RecordIdentity, RenameHolder,
};
pub use number::{AccountNumber, NotAnAccountNumber, latin_digit};
pub use receivable::{
    AccountCharged, AccountCredited, AgeBand, Aged, AgreePlan, AllocationFreed, AllocationPolicy, AllocationPolicyChosen, ApplyDeposit,
    Approval, AssessLateFee, BreakCause, CancelCause, CancelPlan, ChargeAccount, ChargeKind, ChargedSubsidy, ChequeCleared,
    ChooseAllocationPolicy, ClaimVatRelief, ClearCheque, CompensationCredited, Covered, Credit, CreditAccount, CreditAllocated,
    CreditCompensation, CreditId, CreditRefunded, CreditWrittenOff, Debt, DebtRecovered, DebtWrittenOff, DepositReleased, DepositReturned,
    DepositTaken, DisputeItem, DisputeResolved, DownPayment, Echo, FreeAllocations, FreeCause, ImportOpeningBalance, Instalment,
    InstalmentMissed, Item, ItemDisputed, ItemId, LateFee, LateFeeAssessed, LateFeeRule, LateFeeWaived, OpeningBalanceImported,
    OpeningBalanceReversed, OpeningItem, Owed, PaymentReceived, PaymentReversed, Plan, PlanAgreed, PlanBroken, PlanCancelled,
    PlanCompleted, PlanRule, PlanRuleError, PlanRuleTerms, PlanState, ReapplyCredit, RebillBegun, RebillEnded, Receivable, RecordPayment,
    RefundCredit, RefundReturned, Remainder, ResolveDispute, ReturnDeposit, ReturnRefund, ReversalCause, ReverseOpeningBalance,
    ReversePayment, ReviewLateFees, ReviewPlan, SettleFinally, SubsidyCredited, SubsidyTakenBack, TakeDeposit, Tender, VatReliefClaimed,
    WaiveLateFee, WriteOff, WriteOffSmallBalances,
};
pub use standing::{
    AccountClosed, AccountResumed, AccountSuspended, BeginService, CloseAccount, EndService, MeterFitted, MeterTakenOff, NoteMeterFitted,
    NoteMeterTakenOff, ResumeAccount, ServiceBegun, ServiceEnded, Standing, SuspendAccount,
};
pub use subsidies::{EndSubsidy, GrantSubsidy, SubsidyEnded, SubsidyGranted};
pub use tax::{LinkToLedger, LinkedToLedger, SetVatStatus, VatStatusSet};

use crate::{
    Currency, Decider, Money, Sealed, SubsidyGrants, VatCategory, VatStatuses,
    ids::{AddressId, AgreementId, ContactId, InstalmentPlanId, MeterId},
    schema::events,
};
use receivable::Posting;

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    OpenAccount(OpenAccount),
    Reclassify(Reclassify),
    RenameHolder(RenameHolder),
    RecordIdentity(RecordIdentity),
    ChooseLanguage(ChooseLanguage),
    ChooseCurrency(ChooseCurrency),
    AddContact(AddContact),
    ChangeContact(ChangeContact),
    RemoveContact(RemoveContact),
    AddAddress(AddAddress),
    ChangeAddress(ChangeAddress),
    RemoveAddress(RemoveAddress),
    SetVatStatus(SetVatStatus),
    LinkToLedger(LinkToLedger),
    GrantSubsidy(GrantSubsidy),
    EndSubsidy(EndSubsidy),
    BeginService(BeginService),
    EndService(EndService),
    NoteMeterFitted(NoteMeterFitted),
    NoteMeterTakenOff(NoteMeterTakenOff),
    ClearConnection(ClearConnection),
    WithdrawConnection(WithdrawConnection),
    SuspendAccount(SuspendAccount),
    ResumeAccount(ResumeAccount),
    CloseAccount(CloseAccount),
    ImportOpeningBalance(ImportOpeningBalance),
    ReverseOpeningBalance(ReverseOpeningBalance),
    ChargeAccount(ChargeAccount),
    DisputeItem(DisputeItem),
    ResolveDispute(ResolveDispute),
    RecordPayment(RecordPayment),
    ReversePayment(ReversePayment),
    CreditAccount(CreditAccount),
    CreditCompensation(CreditCompensation),
    RefundCredit(RefundCredit),
    ReturnRefund(ReturnRefund),
    TakeDeposit(TakeDeposit),
    ApplyDeposit(ApplyDeposit),
    ReturnDeposit(ReturnDeposit),
    AssessLateFee(AssessLateFee),
    WaiveLateFee(WaiveLateFee),
    ReviewLateFees(ReviewLateFees),
    WriteOff(WriteOff),
    WriteOffSmallBalances(WriteOffSmallBalances),
    ClaimVatRelief(ClaimVatRelief),
    FreeAllocations(FreeAllocations),
    ReapplyCredit(ReapplyCredit),
    ClearCheque(ClearCheque),
    ChooseAllocationPolicy(ChooseAllocationPolicy),
    SettleFinally(SettleFinally),
    AgreePlan(AgreePlan),
    ReviewPlan(ReviewPlan),
    CancelPlan(CancelPlan),
}

events! {
    AccountOpened 2, 1 => holder::v1::AccountOpened
    AccountReclassified 1
    HolderRenamed 1
    IdentityRecorded 1
    LanguageChosen 1
    CurrencyChosen 1
    ContactAdded 1
    ContactChanged 1
    ContactRemoved 1
    AddressAdded 1
    AddressChanged 1
    AddressRemoved 1
    VatStatusSet 1
    LinkedToLedger 1
    SubsidyGranted 1
    SubsidyEnded 1
    ServiceBegun 1
    ServiceEnded 1
    MeterFitted 1
    MeterTakenOff 1
    ConnectionCleared 1
    ConnectionWithdrawn 1
    AccountSuspended 1
    AccountResumed 1
    AccountClosed 1
    OpeningBalanceImported 1
    OpeningBalanceReversed 2, 1 => receivable::v1::OpeningBalanceReversed
    AccountCharged 1
    ItemDisputed 1
    DisputeResolved 1
    PaymentReceived 1
    PaymentReversed 1
    CreditAllocated 1
    AllocationFreed 1
    AccountCredited 1
    CompensationCredited 1
    SubsidyCredited 1
    SubsidyTakenBack 1
    CreditRefunded 1
    RefundReturned 1
    DepositTaken 1
    DepositReleased 1
    DepositReturned 1
    LateFeeAssessed 1
    LateFeeWaived 1
    DebtWrittenOff 1
    CreditWrittenOff 1
    DebtRecovered 1
    VatReliefClaimed 1
    RebillBegun 1
    RebillEnded 1
    ChequeCleared 1
    AllocationPolicyChosen 1
    PlanAgreed 1
    InstalmentMissed 1
    PlanBroken 1
    PlanCancelled 1
    PlanCompleted 1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such account")]
    NotOpen,
    #[error("the account is already open with other details")]
    AlreadyOpen,
    #[error("the account is closed")]
    Closed,
    #[error("the account is suspended")]
    Suspended,
    #[error("the account opened on {opened_on}, after that date")]
    BeforeOpening { opened_on: NaiveDate },
    #[error("contact {0} is already there with other details")]
    ContactIdReused(ContactId),
    #[error("there is no contact {0}")]
    NoSuchContact(ContactId),
    #[error("address {0} is already there with other details")]
    AddressIdReused(AddressId),
    #[error("there is no address {0}")]
    NoSuchAddress(AddressId),
    #[error("identity that goes on tax documents must be sealed with the legal key")]
    NotSealedAsLegal,
    #[error("the currency is fixed once something has been posted")]
    CurrencyFixed,
    #[error("a status other than standard needs its reason code")]
    VatReasonMissing,
    #[error("a VAT status must end after it begins")]
    VatPeriodEmpty,
    #[error("a subsidy is granted for at least a day")]
    SubsidyPeriodEmpty,
    #[error("the account is granted no such subsidy, on that day or after it")]
    SubsidyNotGranted,
    #[error("agreement {0} still runs")]
    StillServed(AgreementId),
    #[error("meter {0} is still fitted")]
    MeterStillFitted(MeterId),
    #[error("the connection's fee is not paid: no meter goes up before it is")]
    ConnectionFeeUnpaid,
    #[error("meter {0} has gone up for the application")]
    ConnectionCleared(MeterId),
    #[error("the application was withdrawn: no meter goes up for it")]
    ConnectionWithdrawn,
    #[error("the account still owes, or is owed, {balance}")]
    NotSettled { balance: Money },
    #[error("the account is in {expected}, not in {found}")]
    OtherCurrency { expected: Currency, found: Currency },
    #[error("an amount must be more than zero; credit, deposit or VAT may be nothing, but not less")]
    AmountNotPositive,
    #[error("the amount is too large")]
    AmountTooLarge,
    #[error("an opening balance from elsewhere already stands")]
    OpeningBalanceStands,
    #[error("the row of that batch was imported with other content")]
    OpeningBalanceReused,
    #[error("that opening balance was reversed; a corrected one comes in a new batch")]
    OpeningBalanceWasReversed,
    #[error("there is no such opening balance")]
    NoSuchOpeningBalance,
    #[error("the opening balance has been refunded, drawn on or written off in part, and cannot be taken back as a whole")]
    OpeningBalanceUsed,
    #[error("the document was already charged with other content")]
    ChargeReused,
    #[error("VAT is part of the amount: from nothing to all of it")]
    VatOutsideAmount,
    #[error("the account has no such item")]
    NoSuchItem,
    #[error("a payment with that reference was already recorded with other content")]
    PaymentReferenceReused,
    #[error("a payment with that id was already recorded under another reference")]
    PaymentIdReused,
    #[error("there is no such payment")]
    NoSuchPayment,
    #[error("the payment was reversed")]
    PaymentWasReversed,
    #[error("part of the payment was refunded: a debit note claims it back")]
    PaymentWasRefunded,
    #[error("the credit note was already posted with other content")]
    CreditNoteReused,
    #[error("the compensation was already credited with other content")]
    CompensationReused,
    #[error("it was not paid by cheque")]
    NotACheque,
    #[error("the account has no such credit")]
    NoSuchCredit,
    #[error("the credit waits for an invoice that is being billed anew")]
    CreditHeld,
    #[error("a subsidy is the authority's, and is not refunded to a customer")]
    SubsidyNotRefunded,
    #[error("only {left} is left to refund")]
    RefundTooLarge { left: Money },
    #[error("money goes back as it came: {paid_by:?}")]
    OtherTender { paid_by: Tender },
    #[error("the refund was already recorded with other content")]
    RefundIdReused,
    #[error("there is no such refund")]
    NoSuchRefund,
    #[error("the deposit was already taken with other content")]
    DepositIdReused,
    #[error("there is no such deposit")]
    NoSuchDeposit,
    #[error("that is more than {limit}, which may be approved at once")]
    OverApprovalLimit { limit: Money },
    #[error("no VAT of it was given up")]
    NoVatGivenUp,
    #[error("relief from its VAT can be claimed from {from} on")]
    ReliefTooEarly { from: NaiveDate },
    #[error("the plan was already agreed with other content")]
    PlanIdReused,
    #[error("there is no such plan")]
    NoSuchPlan,
    #[error("instalment plan {0} runs: end it first")]
    PlanRuns(InstalmentPlanId),
    #[error("it is under instalment plan {0}: end the plan first")]
    OnAPlan(InstalmentPlanId),
    #[error("a plan was broken: there is another from {from} on")]
    PlanBrokenBefore { from: NaiveDate },
    #[error("a plan has from one to {most} instalments")]
    TooManyInstalments { most: u32 },
    #[error("the first instalment is due after the day of the agreement, and on {last} at the latest")]
    FirstInstalmentTooLate { last: NaiveDate },
    #[error("no plan covers what is paid, disputed, not issued yet, being billed anew, or given up in part")]
    NotForAPlan,
    #[error("for less than {least} there is no plan")]
    DebtTooSmall { least: Money },
    #[error("a payment of {least} towards the debt comes before the plan")]
    DownPaymentTooSmall { least: Money },
}

/// So that a wish can be written as itself where it is clear that it is the account's.
macro_rules! commands_from {
    ($($name:ident)+) => {$(
        impl From<$name> for Command {
            fn from(wish: $name) -> Self {
                Self::$name(wish)
            }
        }
    )+};
}

commands_from! {
    ClearConnection WithdrawConnection
    ChargeAccount DisputeItem ResolveDispute RecordPayment ReversePayment CreditAccount CreditCompensation
    RefundCredit ReturnRefund TakeDeposit ApplyDeposit ReturnDeposit SettleFinally AssessLateFee
    WaiveLateFee ReviewLateFees WriteOff WriteOffSmallBalances ClaimVatRelief FreeAllocations ReapplyCredit ClearCheque ChooseAllocationPolicy
    AgreePlan ReviewPlan CancelPlan
}

/// What the rules need to know of an account's history.
#[derive(Clone, Debug, Default)]
pub struct Account {
    holder: Option<holder::Holder>,
    contacts: Contacts,
    tax: tax::Tax,
    subsidies: subsidies::Subsidies,
    supplies: standing::Supplies,
    connections: connections::Connections,
    standing: Standing,
    receivable: Receivable,
}

impl Decider for Account {
    const CATEGORY: &'static str = "account";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::OpenAccount(wish) => self.open(wish),
            Command::Reclassify(wish) => self.reclassify(wish),
            Command::RenameHolder(wish) => self.rename(wish),
            Command::RecordIdentity(wish) => self.record_identity(wish),
            Command::ChooseLanguage(wish) => self.choose_language(wish),
            Command::ChooseCurrency(wish) => self.choose_currency(wish),
            Command::AddContact(wish) => self.add_contact(wish),
            Command::ChangeContact(wish) => self.change_contact(wish),
            Command::RemoveContact(wish) => self.remove_contact(wish),
            Command::AddAddress(wish) => self.add_address(wish),
            Command::ChangeAddress(wish) => self.change_address(wish),
            Command::RemoveAddress(wish) => self.remove_address(wish),
            Command::SetVatStatus(wish) => self.set_vat_status(wish),
            Command::LinkToLedger(wish) => self.link_to_ledger(wish),
            Command::GrantSubsidy(wish) => self.grant_subsidy(wish),
            Command::EndSubsidy(wish) => self.end_subsidy(wish),
            Command::BeginService(wish) => self.begin_service(wish),
            Command::EndService(wish) => self.end_service(wish),
            Command::NoteMeterFitted(wish) => self.note_meter_fitted(wish),
            Command::NoteMeterTakenOff(wish) => self.note_meter_taken_off(wish),
            Command::ClearConnection(wish) => self.clear_connection(wish),
            Command::WithdrawConnection(wish) => self.withdraw_connection(wish),
            Command::SuspendAccount(wish) => self.suspend(wish),
            Command::ResumeAccount(wish) => self.resume(wish),
            Command::CloseAccount(wish) => self.close(wish),
            Command::ImportOpeningBalance(wish) => self.import_opening_balance(wish),
            Command::ReverseOpeningBalance(wish) => self.reverse_opening_balance(wish),
            Command::ChargeAccount(wish) => self.charge(wish),
            Command::DisputeItem(wish) => self.dispute(wish),
            Command::ResolveDispute(wish) => self.resolve_dispute(wish),
            Command::RecordPayment(wish) => self.record_payment(wish),
            Command::ReversePayment(wish) => self.reverse_payment(wish),
            Command::CreditAccount(wish) => self.credit_account(wish),
            Command::CreditCompensation(wish) => self.credit_compensation(wish),
            Command::RefundCredit(wish) => self.refund(wish),
            Command::ReturnRefund(wish) => self.return_refund(wish),
            Command::TakeDeposit(wish) => self.take_deposit(wish),
            Command::ApplyDeposit(wish) => self.apply_deposit(wish),
            Command::ReturnDeposit(wish) => self.return_deposit(wish),
            Command::SettleFinally(wish) => self.settle_finally(wish),
            Command::AssessLateFee(wish) => self.assess_late_fee(wish),
            Command::WaiveLateFee(wish) => self.waive_late_fee(wish),
            Command::ReviewLateFees(wish) => self.review_late_fees(wish),
            Command::WriteOff(wish) => self.write_off(wish),
            Command::WriteOffSmallBalances(wish) => self.write_off_small_balances(wish),
            Command::ClaimVatRelief(wish) => self.claim_vat_relief(wish),
            Command::FreeAllocations(wish) => self.free_allocations(wish),
            Command::ClearCheque(wish) => self.clear_cheque(wish),
            Command::ChooseAllocationPolicy(wish) => self.choose_allocation_policy(wish),
            Command::ReapplyCredit(wish) => self.reapply_credit(wish),
            Command::AgreePlan(wish) => self.agree_plan(wish),
            Command::ReviewPlan(wish) => self.review_plan(wish),
            Command::CancelPlan(wish) => self.cancel_plan(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::AccountOpened(fact) => self.holder = Some(holder::Holder::from(fact)),
            Event::AccountReclassified(fact) => self.change_holder(|holder| holder.reclassified(fact)),
            Event::HolderRenamed(fact) => self.change_holder(|holder| holder.renamed(fact)),
            Event::IdentityRecorded(fact) => self.change_holder(|holder| holder.identity_recorded(fact)),
            Event::LanguageChosen(fact) => self.change_holder(|holder| holder.language_chosen(fact)),
            Event::CurrencyChosen(fact) => self.change_holder(|holder| holder.currency_chosen(fact)),
            Event::ContactAdded(fact) => self.contacts.contact_added(fact),
            Event::ContactChanged(fact) => self.contacts.contact_changed(fact),
            Event::ContactRemoved(fact) => self.contacts.contact_removed(fact),
            Event::AddressAdded(fact) => self.contacts.address_added(fact),
            Event::AddressChanged(fact) => self.contacts.address_changed(fact),
            Event::AddressRemoved(fact) => self.contacts.address_removed(fact),
            Event::VatStatusSet(fact) => self.tax.vat_status_set(fact),
            Event::LinkedToLedger(fact) => self.tax.linked_to_ledger(fact),
            Event::SubsidyGranted(fact) => self.subsidies.granted(fact),
            Event::SubsidyEnded(fact) => self.subsidies.ended(fact),
            Event::ServiceBegun(fact) => self.supplies.service_begun(fact),
            Event::ServiceEnded(fact) => self.supplies.service_ended(fact),
            Event::MeterFitted(fact) => self.supplies.meter_fitted(fact),
            Event::MeterTakenOff(fact) => {
                self.supplies.meter_taken_off(fact);
                self.connections.meter_taken_off(fact.meter_id);
            }
            Event::ConnectionCleared(fact) => self.connections.cleared(fact),
            Event::ConnectionWithdrawn(fact) => self.connections.withdrawn(fact),
            Event::AccountSuspended(_) => self.standing = Standing::Suspended,
            Event::AccountResumed(_) => self.standing = Standing::Active,
            Event::AccountClosed(_) => self.standing = Standing::Closed,
            Event::OpeningBalanceImported(fact) => fact.post(&mut self.receivable),
            Event::OpeningBalanceReversed(fact) => fact.post(&mut self.receivable),
            Event::AccountCharged(fact) => fact.post(&mut self.receivable),
            Event::ItemDisputed(fact) => fact.post(&mut self.receivable),
            Event::DisputeResolved(fact) => fact.post(&mut self.receivable),
            Event::PaymentReceived(fact) => fact.post(&mut self.receivable),
            Event::PaymentReversed(fact) => fact.post(&mut self.receivable),
            Event::CreditAllocated(fact) => fact.post(&mut self.receivable),
            Event::AllocationFreed(fact) => fact.post(&mut self.receivable),
            Event::AccountCredited(fact) => fact.post(&mut self.receivable),
            Event::CompensationCredited(fact) => fact.post(&mut self.receivable),
            Event::SubsidyCredited(fact) => fact.post(&mut self.receivable),
            Event::SubsidyTakenBack(fact) => fact.post(&mut self.receivable),
            Event::CreditRefunded(fact) => fact.post(&mut self.receivable),
            Event::RefundReturned(fact) => fact.post(&mut self.receivable),
            Event::DepositTaken(fact) => fact.post(&mut self.receivable),
            Event::DepositReleased(fact) => fact.post(&mut self.receivable),
            Event::DepositReturned(fact) => fact.post(&mut self.receivable),
            Event::LateFeeAssessed(fact) => fact.post(&mut self.receivable),
            Event::LateFeeWaived(fact) => fact.post(&mut self.receivable),
            Event::DebtWrittenOff(fact) => fact.post(&mut self.receivable),
            Event::CreditWrittenOff(fact) => fact.post(&mut self.receivable),
            Event::DebtRecovered(fact) => fact.post(&mut self.receivable),
            Event::VatReliefClaimed(fact) => fact.post(&mut self.receivable),
            Event::RebillBegun(fact) => fact.post(&mut self.receivable),
            Event::RebillEnded(fact) => fact.post(&mut self.receivable),
            Event::ChequeCleared(fact) => fact.post(&mut self.receivable),
            Event::AllocationPolicyChosen(fact) => fact.post(&mut self.receivable),
            Event::PlanAgreed(fact) => fact.post(&mut self.receivable),
            Event::InstalmentMissed(fact) => fact.post(&mut self.receivable),
            Event::PlanBroken(fact) => fact.post(&mut self.receivable),
            Event::PlanCancelled(fact) => fact.post(&mut self.receivable),
            Event::PlanCompleted(fact) => fact.post(&mut self.receivable),
        }
        self
    }
}

impl Account {
    pub fn class_on(&self, date: NaiveDate) -> Option<CustomerClass> {
        self.holder.as_ref().map(|holder| holder.class_on(date))
    }

    pub fn number(&self) -> Option<&AccountNumber> {
        self.holder.as_ref().map(|holder| holder.number())
    }

    /// What proves who the holder is.
    pub fn identity(&self) -> Option<&IdentityDocument> {
        self.holder.as_ref().and_then(|holder| holder.identity())
    }

    pub fn holder_name(&self) -> Option<&Sealed> {
        self.holder.as_ref().map(|holder| &holder.name)
    }

    pub fn currency(&self) -> Option<Currency> {
        self.holder.as_ref().map(|holder| holder.currency)
    }

    pub fn language(&self) -> Option<Language> {
        self.holder.as_ref().map(|holder| holder.language)
    }

    /// For rating: which of the account's days are taxed otherwise than the tariff says.
    pub fn vat_statuses(&self) -> &VatStatuses {
        self.tax.vat_statuses()
    }

    /// For rating: which subsidies it is granted.
    pub fn subsidies(&self) -> &SubsidyGrants {
        self.subsidies.grants()
    }

    pub fn vat_category_on(&self, date: NaiveDate) -> VatCategory {
        self.tax.vat_category_on(date)
    }

    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    pub fn receivable(&self) -> &Receivable {
        &self.receivable
    }

    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The meters that measure what it is supplied with.
    pub fn meters(&self) -> impl Iterator<Item = MeterId> {
        self.supplies.meters()
    }

    fn holder(&self) -> Result<&holder::Holder, Rejection> {
        self.holder.as_ref().ok_or(Rejection::NotOpen)
    }

    /// The holder, if the account may still change.
    fn changeable(&self) -> Result<&holder::Holder, Rejection> {
        match self.standing {
            Standing::Active | Standing::Suspended => self.holder(),
            Standing::Closed => Err(Rejection::Closed),
        }
    }

    fn change_holder(&mut self, change: impl FnOnce(&mut holder::Holder)) {
        if let Some(holder) = &mut self.holder {
            change(holder);
        }
    }
}
