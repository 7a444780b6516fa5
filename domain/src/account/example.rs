//! A made-up account for examples and tests.

use chrono::NaiveDate;
use uuid::Uuid;

use super::*;
use crate::{Code, Reason, SealedFor, ids::AccountId, ids::ImportBatchId};

pub fn open() -> Command {
    let AccountOpened { account_id, holder_name, class, currency, language, opened_on } = payload();
    Command::OpenAccount(OpenAccount { account_id, holder_name, class, currency, language, opened_on })
}

pub fn opened() -> Event {
    payload().into()
}

/// The account after it opened and these facts.
pub fn account(facts: impl IntoIterator<Item = Event>) -> Account {
    facts.into_iter().fold(Account::default().evolve(&opened()), |account, fact| account.evolve(&fact))
}

pub fn import_opening_balance() -> ImportOpeningBalance {
    ImportOpeningBalance {
        batch_id: ImportBatchId::new(Uuid::from_u128(12)),
        row: 3,
        source_hash: code("8d969eef"),
        as_of: date(2024, 1, 31),
        items: vec![OpeningItem {
            document: code("OLD-2023-118"),
            issued_on: date(2023, 11, 1),
            due_on: date(2023, 11, 16),
            amount: Money::new(12_500, Currency::SAR),
        }],
        unapplied_credit: Money::new(500, Currency::SAR),
        deposit: Money::zero(Currency::SAR),
    }
}

pub fn opening_balance() -> Event {
    let ImportOpeningBalance { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit } = import_opening_balance();
    let balance = Money::new(12_000, Currency::SAR);
    OpeningBalanceImported { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit, balance }.into()
}

pub fn opening_balance_reversed() -> Event {
    let ImportOpeningBalance { batch_id, row, deposit, .. } = import_opening_balance();
    OpeningBalanceReversed { batch_id, row, balance: Money::new(12_000, Currency::SAR), deposit, reason: reason("wrong file") }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let contact_id = ContactId::new(Uuid::from_u128(21));
    let address_id = AddressId::new(Uuid::from_u128(22));
    let agreement_id = AgreementId::new(Uuid::from_u128(31));
    let meter_id = MeterId::new(Uuid::from_u128(32));
    let contact = |n| Contact { kind: ContactKind::Mobile, name: Some(sealed(n)), value: sealed(n + 1) };
    let address = |n| Address { kind: AddressKind::Billing, text: sealed(n) };
    let number = Sealed::new(SealedFor::Legal, vec![4, 5, 6], [6; 16]);
    vec![
        opened(),
        AccountReclassified { class: CustomerClass::Commercial, effective_on: date(2024, 6, 1), reason: reason("shop opened") }.into(),
        HolderRenamed { holder_name: sealed(5), effective_on: date(2024, 6, 1), reason: reason("deed of marriage") }.into(),
        IdentityRecorded { document: IdentityDocument { kind: code("national-id"), number, expires_on: Some(date(2030, 1, 1)) } }.into(),
        LanguageChosen { language: Language::English }.into(),
        CurrencyChosen { currency: Currency::USD }.into(),
        ContactAdded { contact_id, contact: contact(1) }.into(),
        ContactChanged { contact_id, contact: contact(3) }.into(),
        ContactRemoved { contact_id }.into(),
        AddressAdded { address_id, address: address(1) }.into(),
        AddressChanged { address_id, address: address(2) }.into(),
        AddressRemoved { address_id }.into(),
        VatStatusSet {
            category: VatCategory::E,
            reason: Some(code("VATEX-SA-DIPLOMAT")),
            from: date(2024, 2, 1),
            to: Some(date(2025, 2, 1)),
        }
        .into(),
        LinkedToLedger { ledger_account: code("1100.0007") }.into(),
        ServiceBegun { agreement_id, from: date(2024, 2, 1) }.into(),
        ServiceEnded { agreement_id, to: date(2024, 9, 1) }.into(),
        MeterFitted { meter_id, fitted_on: date(2024, 2, 1) }.into(),
        MeterTakenOff { meter_id, taken_off_on: date(2024, 9, 1) }.into(),
        AccountSuspended { suspended_on: date(2024, 7, 1), reason: reason("asked for") }.into(),
        AccountResumed { resumed_on: date(2024, 8, 1), reason: reason("asked for") }.into(),
        opening_balance(),
        opening_balance_reversed(),
        AccountClosed { closed_on: date(2024, 10, 1), reason: reason("moved away") }.into(),
    ]
}

fn payload() -> AccountOpened {
    AccountOpened {
        account_id: AccountId::new(Uuid::from_u128(7)),
        holder_name: Sealed::new(SealedFor::Contact, vec![1, 2, 3], [9; 16]),
        class: CustomerClass::Residential,
        currency: Currency::SAR,
        language: Language::Arabic,
        opened_on: date(2024, 1, 31),
    }
}

fn sealed(n: u8) -> Sealed {
    Sealed::new(SealedFor::Contact, vec![n, n, n], [n; 16])
}

fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}
