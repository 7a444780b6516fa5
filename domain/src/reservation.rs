//! A value that only one may hold: a meter's serial, a user's name.
//!
//! The stream's id is derived from the value, so whoever wants it meets whoever has it: the store lets only one writer open a stream.
//! A unique index in a read model would come too late, because read models follow the log.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    Code, Decider,
    account::{AccountNumber, Tender},
    ids,
    ids::ReservationId,
    schema::events,
};

/// What can be held by one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unique<'a> {
    /// A serial is unique per maker, and makers print it in either case.
    MeterSerial {
        maker: &'a Code,
        serial: &'a Code,
    },
    AccountNumber(&'a AccountNumber),
    /// What the outside calls a payment. A bank's references are the bank's, whoever reads them off a statement; a till's receipts and a gateway's
    /// payments are numbered by their till and gateway.
    PaymentReference {
        realm: &'a str,
        reference: &'a Code,
    },
    /// Only a fingerprint of the name arrives here: a stream's name is on every disk for ever.
    UserName {
        fingerprint: &'a [u8; 16],
    },
    /// One run bills at a time: what another bills meanwhile is not in the rows that it rates from, and would be billed twice.
    BillRun,
}

impl<'a> Unique<'a> {
    pub fn payment_reference(tender: Tender, channel: &'a Code, reference: &'a Code) -> Self {
        let realm = match tender {
            Tender::Transfer => "transfer",
            Tender::Cash | Tender::Cheque | Tender::Pos | Tender::Card | Tender::Wallet => channel.as_str(),
        };
        Self::PaymentReference { realm, reference }
    }

    /// The id of the stream that decides who holds the value.
    pub fn reservation_id(&self) -> ReservationId {
        match self {
            Self::MeterSerial { maker, serial } => {
                ids::reservation_id("meterSerial", &[&maker.as_str().to_ascii_uppercase(), &serial.as_str().to_ascii_uppercase()])
            }
            Self::AccountNumber(number) => ids::reservation_id("accountNumber", &[number.as_str()]),
            Self::PaymentReference { realm, reference } => ids::reservation_id("paymentReference", &[realm, reference.as_str()]),
            Self::BillRun => ids::reservation_id("billRun", &[]),
            Self::UserName { fingerprint } => ids::reservation_id("userName", &[&Uuid::from_bytes(**fingerprint).to_string()]),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    Reserve(Reserve),
    Release(Release),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reserve {
    /// The aggregate that is to hold the value.
    pub holder: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Release {
    pub holder: Uuid,
}

events! {
    ValueReserved 1
    ValueReleased 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueReserved {
    pub holder: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueReleased {
    pub holder: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("the value is held by {holder}")]
    Taken { holder: Uuid },
}

#[derive(Clone, Debug, Default)]
pub struct Reservation {
    holder: Option<Uuid>,
}

impl Reservation {
    pub fn holder(&self) -> Option<Uuid> {
        self.holder
    }
}

impl Decider for Reservation {
    const CATEGORY: &'static str = "reservation";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Reserve(Reserve { holder }) => match self.holder {
                None => Ok(vec![ValueReserved { holder }.into()]),
                Some(already) if already == holder => Ok(vec![]),
                Some(holder) => Err(Rejection::Taken { holder }),
            },
            Command::Release(Release { holder }) => match self.holder {
                None => Ok(vec![]),
                Some(already) if already == holder => Ok(vec![ValueReleased { holder }.into()]),
                Some(holder) => Err(Rejection::Taken { holder }),
            },
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::ValueReserved(reserved) => Self { holder: Some(reserved.holder) },
            Event::ValueReleased(_) => Self { holder: None },
        }
    }
}

/// Made-up reservations for examples and tests.
pub mod example {
    use super::*;

    pub const HOLDER: Uuid = Uuid::from_u128(7);

    /// One of every event.
    pub fn events() -> Vec<Event> {
        vec![ValueReserved { holder: HOLDER }.into(), ValueReleased { holder: HOLDER }.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::{example::HOLDER, *};
    use crate::spec::given;

    const OTHER: Uuid = Uuid::from_u128(8);

    fn reserve(holder: Uuid) -> Command {
        Command::Reserve(Reserve { holder })
    }

    fn release(holder: Uuid) -> Command {
        Command::Release(Release { holder })
    }

    #[test]
    fn a_value_is_held_by_one_at_a_time() {
        let [reserved, released]: [Event; 2] = example::events().try_into().unwrap();
        given::<Reservation>([]).when(reserve(HOLDER)).then([reserved.clone()]);
        given::<Reservation>([reserved.clone()]).when(reserve(OTHER)).then_rejected(Rejection::Taken { holder: HOLDER });
        given::<Reservation>([reserved.clone()]).when(release(OTHER)).then_rejected(Rejection::Taken { holder: HOLDER });
        given::<Reservation>([reserved.clone()]).when(release(HOLDER)).then([released.clone()]);
        given::<Reservation>([reserved, released.clone()]).when(reserve(OTHER)).then([ValueReserved { holder: OTHER }.into()]);
        given::<Reservation>([]).when(release(HOLDER)).then_nothing();
    }

    #[test]
    fn one_value_has_one_reservation_however_it_is_spelled() {
        let code = |text: &str| Code::new(text).unwrap();
        let id = |maker: &str, serial: &str| Unique::MeterSerial { maker: &code(maker), serial: &code(serial) }.reservation_id();
        assert_eq!(id("Acme", "ab-7"), id("ACME", "AB-7"));
        assert_ne!(id("ACME", "AB-7"), id("ACMEA", "B-7"));
        assert_ne!(id("ACME", "AB-7"), id("ACME", "AB-8"));
        let payment = |tender, channel: &str| Unique::payment_reference(tender, &code(channel), &code("R-1")).reservation_id();
        assert_eq!(payment(Tender::Transfer, "branch-7"), payment(Tender::Transfer, "branch-8"));
        assert_ne!(payment(Tender::Cash, "branch-7"), payment(Tender::Cash, "branch-8"));
        assert_ne!(payment(Tender::Cash, "branch-7"), payment(Tender::Transfer, "branch-7"));
        assert_ne!(
            Unique::UserName { fingerprint: &[1; 16] }.reservation_id(),
            Unique::UserName { fingerprint: &[2; 16] }.reservation_id()
        );
    }
}
