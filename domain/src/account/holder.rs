//! Who holds the account: opening it, and what may change about the holder since.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, AccountNumber, Event, Rejection};
use crate::{Code, Currency, Reason, Sealed, SealedFor, ids::AccountId};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenAccount {
    pub account_id: AccountId,
    /// Held by this account before it is opened: see [`Unique::AccountNumber`](crate::reservation::Unique).
    pub number: AccountNumber,
    pub holder_name: Sealed,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reclassify {
    pub class: CustomerClass,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RenameHolder {
    pub holder_name: Sealed,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordIdentity {
    pub document: IdentityDocument,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChooseLanguage {
    pub language: Language,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChooseCurrency {
    pub currency: Currency,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountOpened {
    pub account_id: AccountId,
    pub number: AccountNumber,
    pub holder_name: Sealed,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountReclassified {
    pub class: CustomerClass,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HolderRenamed {
    pub holder_name: Sealed,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityRecorded {
    pub document: IdentityDocument,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LanguageChosen {
    pub language: Language,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurrencyChosen {
    pub currency: Currency,
}

/// The class decides which tariffs apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CustomerClass {
    Residential,
    Commercial,
    Industrial,
    Government,
    Agricultural,
}

impl CustomerClass {
    /// Buys for a business, which may deduct the tax and so needs an invoice that names it in full.
    pub const fn is_business(self) -> bool {
        match self {
            Self::Commercial | Self::Industrial | Self::Government => true,
            Self::Residential | Self::Agricultural => false,
        }
    }
}

/// What the customer's documents and messages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Language {
    Arabic,
    English,
}

/// What proves who the holder is: a national identity, a residence permit, a commercial registration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityDocument {
    pub kind: Code,
    /// Sealed for legal use: it stands on tax documents, which the law keeps for years.
    pub number: Sealed,
    pub expires_on: Option<NaiveDate>,
}

/// The holder as of now; the class by the date from which it applies.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    opened: AccountOpened,
    pub(super) name: Sealed,
    pub(super) currency: Currency,
    pub(super) language: Language,
    classes: BTreeMap<NaiveDate, CustomerClass>,
    identity: Option<IdentityDocument>,
}

impl From<&AccountOpened> for Holder {
    fn from(opened: &AccountOpened) -> Self {
        Self {
            opened: opened.clone(),
            name: opened.holder_name.clone(),
            currency: opened.currency,
            language: opened.language,
            classes: BTreeMap::new(),
            identity: None,
        }
    }
}

impl Holder {
    pub(super) fn number(&self) -> &AccountNumber {
        &self.opened.number
    }

    pub(super) fn opened_on(&self) -> NaiveDate {
        self.opened.opened_on
    }

    pub(super) fn class_on(&self, date: NaiveDate) -> CustomerClass {
        self.classes.range(..=date).next_back().map_or(self.opened.class, |(_, class)| *class)
    }

    pub(super) fn identity(&self) -> Option<&IdentityDocument> {
        self.identity.as_ref()
    }

    pub(super) fn reclassified(&mut self, fact: &AccountReclassified) {
        self.classes.insert(fact.effective_on, fact.class);
    }

    pub(super) fn renamed(&mut self, fact: &HolderRenamed) {
        self.name = fact.holder_name.clone();
    }

    pub(super) fn identity_recorded(&mut self, fact: &IdentityRecorded) {
        self.identity = Some(fact.document.clone());
    }

    pub(super) fn language_chosen(&mut self, fact: &LanguageChosen) {
        self.language = fact.language;
    }

    pub(super) fn currency_chosen(&mut self, fact: &CurrencyChosen) {
        self.currency = fact.currency;
    }
}

impl Account {
    pub(super) fn open(&self, wish: OpenAccount) -> Result<Vec<Event>, Rejection> {
        let OpenAccount { account_id, number, holder_name, class, currency, language, opened_on } = wish;
        let opened = AccountOpened { account_id, number, holder_name, class, currency, language, opened_on };
        match &self.holder {
            None => Ok(vec![opened.into()]),
            // Against what it opened with, not what it has become: a retry that arrives after a change of name is still a retry.
            Some(holder) if holder.opened == opened => Ok(vec![]),
            Some(_) => Err(Rejection::AlreadyOpen),
        }
    }

    pub(super) fn reclassify(&self, wish: Reclassify) -> Result<Vec<Event>, Rejection> {
        let holder = self.changeable()?;
        let Reclassify { class, effective_on, reason } = wish;
        if effective_on < holder.opened_on() {
            return Err(Rejection::BeforeOpening { opened_on: holder.opened_on() });
        }
        if holder.class_on(effective_on) == class {
            return Ok(vec![]);
        }
        Ok(vec![AccountReclassified { class, effective_on, reason }.into()])
    }

    pub(super) fn rename(&self, wish: RenameHolder) -> Result<Vec<Event>, Rejection> {
        let holder = self.changeable()?;
        let RenameHolder { holder_name, effective_on, reason } = wish;
        if holder.name == holder_name {
            return Ok(vec![]);
        }
        Ok(vec![HolderRenamed { holder_name, effective_on, reason }.into()])
    }

    pub(super) fn record_identity(&self, wish: RecordIdentity) -> Result<Vec<Event>, Rejection> {
        let holder = self.changeable()?;
        let RecordIdentity { document } = wish;
        if document.number.key() != SealedFor::Legal {
            return Err(Rejection::NotSealedAsLegal);
        }
        if holder.identity.as_ref() == Some(&document) {
            return Ok(vec![]);
        }
        Ok(vec![IdentityRecorded { document }.into()])
    }

    pub(super) fn choose_language(&self, wish: ChooseLanguage) -> Result<Vec<Event>, Rejection> {
        let holder = self.changeable()?;
        let ChooseLanguage { language } = wish;
        if holder.language == language { Ok(vec![]) } else { Ok(vec![LanguageChosen { language }.into()]) }
    }

    pub(super) fn choose_currency(&self, wish: ChooseCurrency) -> Result<Vec<Event>, Rejection> {
        let holder = self.changeable()?;
        let ChooseCurrency { currency } = wish;
        if holder.currency == currency {
            return Ok(vec![]);
        }
        if !self.receivable.is_untouched() {
            return Err(Rejection::CurrencyFixed);
        }
        Ok(vec![CurrencyChosen { currency }.into()])
    }
}

/// Before accounts had numbers.
pub(super) mod v1 {
    use chrono::NaiveDate;
    use serde::Deserialize;

    use super::{AccountNumber, CustomerClass, Language};
    use crate::{Currency, Sealed, ids::AccountId};

    #[derive(Deserialize)]
    pub(in crate::account) struct AccountOpened {
        account_id: AccountId,
        holder_name: Sealed,
        class: CustomerClass,
        currency: Currency,
        language: Language,
        opened_on: NaiveDate,
    }

    impl From<AccountOpened> for super::AccountOpened {
        fn from(old: AccountOpened) -> Self {
            let AccountOpened { account_id, holder_name, class, currency, language, opened_on } = old;
            Self { account_id, number: AccountNumber::generated(account_id, 0), holder_name, class, currency, language, opened_on }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Command, example},
        spec::given,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn reason() -> Reason {
        Reason::new("deed of marriage").unwrap()
    }

    fn sealed(key: SealedFor, fingerprint: u8) -> Sealed {
        Sealed::new(key, vec![1], [fingerprint; 16])
    }

    #[test]
    fn an_account_opens_once() {
        given::<Account>([]).when(example::open()).then([example::opened()]);
        given::<Account>([example::opened()]).when(example::open()).then_nothing();
    }

    #[test]
    fn a_retry_sealed_anew_is_still_a_retry() {
        let Command::OpenAccount(mut wish) = example::open() else { unreachable!() };
        wish.holder_name = Sealed::new(SealedFor::Contact, vec![9, 9, 9, 9], [9; 16]);
        given::<Account>([example::opened()]).when(Command::OpenAccount(wish)).then_nothing();
    }

    #[test]
    fn an_open_account_does_not_open_with_other_details() {
        let Command::OpenAccount(wish) = example::open() else { unreachable!() };
        for other in [
            OpenAccount { currency: Currency::EGP, ..wish.clone() },
            OpenAccount { class: CustomerClass::Commercial, ..wish.clone() },
            OpenAccount { holder_name: Sealed::new(SealedFor::Contact, vec![1, 2, 3], [8; 16]), ..wish },
        ] {
            given::<Account>([example::opened()]).when(Command::OpenAccount(other)).then_rejected(Rejection::AlreadyOpen);
        }
    }

    #[test]
    fn a_retry_of_opening_that_arrives_after_a_new_name_is_still_a_retry() {
        let renamed = HolderRenamed { holder_name: sealed(SealedFor::Contact, 4), effective_on: day("2024-05-01"), reason: reason() };
        let rename = RenameHolder { holder_name: sealed(SealedFor::Contact, 4), effective_on: day("2024-05-01"), reason: reason() };
        given::<Account>([example::opened()]).when(Command::RenameHolder(rename)).then([renamed.clone().into()]);
        given::<Account>([example::opened(), renamed.into()]).when(example::open()).then_nothing();
    }

    #[test]
    fn a_class_applies_from_its_date() {
        let commercial = AccountReclassified { class: CustomerClass::Commercial, effective_on: day("2024-06-01"), reason: reason() };
        let reclassify = |class, on: &str| {
            Command::Reclassify(Reclassify { class, effective_on: day(on), reason: Reason::new("deed of marriage").unwrap() })
        };
        given::<Account>([example::opened()]).when(reclassify(CustomerClass::Commercial, "2024-06-01")).then([commercial.clone().into()]);
        given::<Account>([example::opened()]).when(reclassify(CustomerClass::Residential, "2024-06-01")).then_nothing();
        given::<Account>([example::opened()])
            .when(reclassify(CustomerClass::Commercial, "2024-01-30"))
            .then_rejected(Rejection::BeforeOpening { opened_on: day("2024-01-31") });
        let from_the_start = AccountReclassified { effective_on: day("2024-01-31"), ..commercial.clone() };
        given::<Account>([example::opened()]).when(reclassify(CustomerClass::Commercial, "2024-01-31")).then([from_the_start.into()]);
        let account = example::account([commercial.into()]);
        for (on, class) in [
            ("2024-01-31", CustomerClass::Residential),
            ("2024-05-31", CustomerClass::Residential),
            ("2024-06-01", CustomerClass::Commercial),
            ("2025-01-01", CustomerClass::Commercial),
        ] {
            assert_eq!(account.class_on(day(on)), Some(class), "{on}");
        }
    }

    #[test]
    fn identity_is_sealed_for_the_law() {
        let document = |key| IdentityDocument { kind: Code::new("national-id").unwrap(), number: sealed(key, 5), expires_on: None };
        given::<Account>([example::opened()])
            .when(Command::RecordIdentity(RecordIdentity { document: document(SealedFor::Contact) }))
            .then_rejected(Rejection::NotSealedAsLegal);
        given::<Account>([example::opened()])
            .when(Command::RecordIdentity(RecordIdentity { document: document(SealedFor::Legal) }))
            .then([IdentityRecorded { document: document(SealedFor::Legal) }.into()]);
    }

    #[test]
    fn language_and_currency_can_be_chosen_anew() {
        given::<Account>([example::opened()])
            .when(Command::ChooseLanguage(ChooseLanguage { language: Language::English }))
            .then([LanguageChosen { language: Language::English }.into()]);
        given::<Account>([example::opened()])
            .when(Command::ChooseCurrency(ChooseCurrency { currency: Currency::USD }))
            .then([CurrencyChosen { currency: Currency::USD }.into()]);
    }

    #[test]
    fn the_currency_is_fixed_by_the_first_posting() {
        for facts in [vec![example::opening_balance()], vec![example::opening_balance(), example::opening_balance_reversed()]] {
            given::<Account>([example::opened()].into_iter().chain(facts))
                .when(Command::ChooseCurrency(ChooseCurrency { currency: Currency::USD }))
                .then_rejected(Rejection::CurrencyFixed);
        }
    }
}
