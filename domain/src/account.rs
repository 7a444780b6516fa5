//! The account: who is billed, in which class and currency.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Currency, Decider, DecodeError, EventSchema, Sealed, ids::AccountId, read, write};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    OpenAccount(OpenAccount),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenAccount {
    pub account_id: AccountId,
    pub holder_name: Sealed,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    AccountOpened(AccountOpened),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountOpened {
    pub account_id: AccountId,
    pub holder_name: Sealed,
    pub class: CustomerClass,
    pub currency: Currency,
    pub language: Language,
    pub opened_on: NaiveDate,
}

/// The class decides which tariffs apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CustomerClass {
    Residential,
    Commercial,
    Industrial,
    Government,
    Agricultural,
}

/// What the customer's documents and messages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Language {
    Arabic,
    English,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("the account is already open with other details")]
    AlreadyOpen,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    opened: Option<AccountOpened>,
}

impl Decider for Account {
    const CATEGORY: &'static str = "account";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::OpenAccount(wish) => self.open(wish),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::AccountOpened(opened) => Self { opened: Some(opened.clone()) },
        }
    }
}

impl Account {
    fn open(&self, wish: OpenAccount) -> Result<Vec<Event>, Rejection> {
        let OpenAccount { account_id, holder_name, class, currency, language, opened_on } = wish;
        let opened = AccountOpened { account_id, holder_name, class, currency, language, opened_on };
        match &self.opened {
            None => Ok(vec![Event::AccountOpened(opened)]),
            Some(already) if *already == opened => Ok(vec![]),
            Some(_) => Err(Rejection::AlreadyOpen),
        }
    }
}

impl EventSchema for Event {
    fn event_type(&self) -> &'static str {
        match self {
            Event::AccountOpened(_) => "AccountOpened",
        }
    }

    fn version(&self) -> u16 {
        match self {
            Event::AccountOpened(_) => 1,
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Event::AccountOpened(payload) => write(payload),
        }
    }

    fn decode(event_type: &str, version: u16, data: &[u8]) -> Result<Self, DecodeError> {
        match (event_type, version) {
            ("AccountOpened", 1) => read(event_type, version, data).map(Event::AccountOpened),
            _ => Err(DecodeError::unknown(event_type, version)),
        }
    }
}

/// A made-up account for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;
    use crate::SealedFor;

    pub fn open() -> Command {
        let AccountOpened { account_id, holder_name, class, currency, language, opened_on } = payload();
        Command::OpenAccount(OpenAccount { account_id, holder_name, class, currency, language, opened_on })
    }

    pub fn opened() -> Event {
        Event::AccountOpened(payload())
    }

    fn payload() -> AccountOpened {
        AccountOpened {
            account_id: AccountId::new(Uuid::from_u128(7)),
            holder_name: Sealed::new(SealedFor::Contact, vec![1, 2, 3], [9; 16]),
            class: CustomerClass::Residential,
            currency: Currency::SAR,
            language: Language::Arabic,
            opened_on: NaiveDate::from_ymd_opt(2024, 1, 31).expect("a date"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SealedFor, spec::given};

    #[test]
    fn an_account_opens_once() {
        given::<Account>([]).when(example::open()).then([example::opened()]);
        given::<Account>([example::opened()]).when(example::open()).then_nothing();
    }

    #[test]
    fn a_retry_sealed_anew_is_still_a_retry() {
        let Command::OpenAccount(mut wish) = example::open();
        wish.holder_name = Sealed::new(SealedFor::Contact, vec![9, 9, 9, 9], [9; 16]);
        given::<Account>([example::opened()]).when(Command::OpenAccount(wish)).then_nothing();
    }

    #[test]
    fn an_open_account_does_not_open_with_other_details() {
        let Command::OpenAccount(wish) = example::open();
        for other in [
            OpenAccount { currency: Currency::EGP, ..wish.clone() },
            OpenAccount { class: CustomerClass::Commercial, ..wish.clone() },
            OpenAccount { holder_name: Sealed::new(SealedFor::Contact, vec![1, 2, 3], [8; 16]), ..wish },
        ] {
            given::<Account>([example::opened()]).when(Command::OpenAccount(other)).then_rejected(Rejection::AlreadyOpen);
        }
    }
}
