//! The account: who is billed, in which class and currency, and what stands between the customer and us.
//!
//! Each file beside this one is a part of the account with its commands, events and rules; they share one stream and one state.

mod contacts;
pub mod example;
mod holder;
mod receivable;
mod standing;
mod tax;

use chrono::NaiveDate;
use serde::Serialize;
use thiserror::Error;

pub use contacts::{
    AddAddress, AddContact, Address, AddressAdded, AddressChanged, AddressKind, AddressRemoved, ChangeAddress, ChangeContact, Contact,
    ContactAdded, ContactChanged, ContactKind, ContactRemoved, Contacts, RemoveAddress, RemoveContact,
};
pub use holder::{
    AccountOpened, AccountReclassified, ChooseCurrency, ChooseLanguage, CurrencyChosen, CustomerClass, HolderRenamed, IdentityDocument,
    IdentityRecorded, Language, LanguageChosen, OpenAccount, Reclassify, RecordIdentity, RenameHolder,
};
pub use receivable::{
    ImportOpeningBalance, OpeningBalanceImported, OpeningBalanceReversed, OpeningItem, Receivable, ReverseOpeningBalance,
};
pub use standing::{
    AccountClosed, AccountResumed, AccountSuspended, BeginService, CloseAccount, EndService, MeterFitted, MeterTakenOff, NoteMeterFitted,
    NoteMeterTakenOff, ResumeAccount, ServiceBegun, ServiceEnded, Standing, SuspendAccount,
};
pub use tax::{LinkToLedger, LinkedToLedger, SetVatStatus, VatStatusSet};

use crate::{
    Currency, Decider, Money, Sealed, VatCategory, VatStatuses,
    ids::{AddressId, AgreementId, ContactId, MeterId},
    schema::events,
};

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
    BeginService(BeginService),
    EndService(EndService),
    NoteMeterFitted(NoteMeterFitted),
    NoteMeterTakenOff(NoteMeterTakenOff),
    SuspendAccount(SuspendAccount),
    ResumeAccount(ResumeAccount),
    CloseAccount(CloseAccount),
    ImportOpeningBalance(ImportOpeningBalance),
    ReverseOpeningBalance(ReverseOpeningBalance),
}

events! {
    AccountOpened 1
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
    ServiceBegun 1
    ServiceEnded 1
    MeterFitted 1
    MeterTakenOff 1
    AccountSuspended 1
    AccountResumed 1
    AccountClosed 1
    OpeningBalanceImported 1
    OpeningBalanceReversed 1
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
    #[error("agreement {0} still runs")]
    StillServed(AgreementId),
    #[error("meter {0} is still fitted")]
    MeterStillFitted(MeterId),
    #[error("the account still owes, or is owed, {balance}")]
    NotSettled { balance: Money },
    #[error("the account is in {expected}, not in {found}")]
    OtherCurrency { expected: Currency, found: Currency },
    #[error("an opening item must be more than zero, and credit and deposit not less")]
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
}

/// What the rules need to know of an account's history.
#[derive(Clone, Debug, Default)]
pub struct Account {
    holder: Option<holder::Holder>,
    contacts: Contacts,
    tax: tax::Tax,
    supplies: standing::Supplies,
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
            Command::BeginService(wish) => self.begin_service(wish),
            Command::EndService(wish) => self.end_service(wish),
            Command::NoteMeterFitted(wish) => self.note_meter_fitted(wish),
            Command::NoteMeterTakenOff(wish) => self.note_meter_taken_off(wish),
            Command::SuspendAccount(wish) => self.suspend(wish),
            Command::ResumeAccount(wish) => self.resume(wish),
            Command::CloseAccount(wish) => self.close(wish),
            Command::ImportOpeningBalance(wish) => self.import_opening_balance(wish),
            Command::ReverseOpeningBalance(wish) => self.reverse_opening_balance(wish),
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
            Event::ServiceBegun(fact) => self.supplies.service_begun(fact),
            Event::ServiceEnded(fact) => self.supplies.service_ended(fact),
            Event::MeterFitted(fact) => self.supplies.meter_fitted(fact),
            Event::MeterTakenOff(fact) => self.supplies.meter_taken_off(fact),
            Event::AccountSuspended(_) => self.standing = Standing::Suspended,
            Event::AccountResumed(_) => self.standing = Standing::Active,
            Event::AccountClosed(_) => self.standing = Standing::Closed,
            Event::OpeningBalanceImported(fact) => self.receivable.opening_imported(fact),
            Event::OpeningBalanceReversed(fact) => self.receivable.opening_reversed(fact),
        }
        self
    }
}

impl Account {
    pub fn class_on(&self, date: NaiveDate) -> Option<CustomerClass> {
        self.holder.as_ref().map(|holder| holder.class_on(date))
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
