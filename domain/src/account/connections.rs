//! The gate before a new connection: no meter goes up for an application before its fee is paid.
//!
//! What is paid, net of what was taken back, is known here and nowhere else, so the last word is said in this stream: a payment that is reversed
//! and an installer who confirms meet at one revision, and one of them is first. The words that let a meter up, or an application end, are
//! values that only an account makes.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Event, ItemId, MeterFitted, Rejection};
use crate::ids::{ApplicationId, InvoiceId, MeterId};

/// A meter goes up for an application, if its fee is paid at this moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClearConnection {
    pub application_id: ApplicationId,
    /// The fee's.
    pub invoice_id: InvoiceId,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

/// The application ends without a connection: no meter goes up for it any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WithdrawConnection {
    pub application_id: ApplicationId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionCleared {
    pub application_id: ApplicationId,
    pub invoice_id: InvoiceId,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionWithdrawn {
    pub application_id: ApplicationId,
    pub on: NaiveDate,
}

/// The fee was paid when this meter went up. Only an account says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Clearance {
    application_id: ApplicationId,
    meter_id: MeterId,
}

/// No meter will go up for this application. Only an account says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    application_id: ApplicationId,
}

impl Clearance {
    pub fn application_id(&self) -> ApplicationId {
        self.application_id
    }

    pub fn meter_id(&self) -> MeterId {
        self.meter_id
    }
}

impl Withdrawal {
    pub fn application_id(&self) -> ApplicationId {
        self.application_id
    }
}

/// What was said last of each application.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(BTreeMap<ApplicationId, Word>);

#[derive(Clone, Copy, Debug)]
enum Word {
    Cleared(Clearance),
    Withdrawn(Withdrawal),
}

impl Connections {
    pub(super) fn cleared(&mut self, fact: &ConnectionCleared) {
        let ConnectionCleared { application_id, meter_id, .. } = *fact;
        self.0.insert(application_id, Word::Cleared(Clearance { application_id, meter_id }));
    }

    pub(super) fn withdrawn(&mut self, fact: &ConnectionWithdrawn) {
        let application_id = fact.application_id;
        self.0.insert(application_id, Word::Withdrawn(Withdrawal { application_id }));
    }

    /// A meter that is down again cleared nothing: the next one asks anew.
    pub(super) fn meter_taken_off(&mut self, meter_id: MeterId) {
        self.0.retain(|_, word| !matches!(word, Word::Cleared(clearance) if clearance.meter_id == meter_id));
    }
}

impl Account {
    /// What lets a meter up for the application, if it was cleared.
    pub fn clearance(&self, application_id: ApplicationId) -> Option<Clearance> {
        match self.connections.0.get(&application_id)? {
            Word::Cleared(clearance) => Some(*clearance),
            Word::Withdrawn(_) => None,
        }
    }

    /// What lets the application end, if it was withdrawn.
    pub fn withdrawal(&self, application_id: ApplicationId) -> Option<Withdrawal> {
        match self.connections.0.get(&application_id)? {
            Word::Cleared(_) => None,
            Word::Withdrawn(withdrawal) => Some(*withdrawal),
        }
    }

    pub(super) fn clear_connection(&self, wish: ClearConnection) -> Result<Vec<Event>, Rejection> {
        let ClearConnection { application_id, invoice_id, meter_id, on } = wish;
        match self.connections.0.get(&application_id) {
            Some(Word::Cleared(already)) if already.meter_id == meter_id => return Ok(vec![]),
            Some(Word::Cleared(already)) => return Err(Rejection::ConnectionCleared(already.meter_id)),
            Some(Word::Withdrawn(_)) => return Err(Rejection::ConnectionWithdrawn),
            None => {}
        }
        self.able_to_begin()?;
        // A fee that was given up is not paid; one that is not charged yet is not either.
        if !self.receivable.item(ItemId::Invoice(invoice_id)).is_some_and(super::Item::is_paid) {
            return Err(Rejection::ConnectionFeeUnpaid);
        }
        let fitted = (!self.supplies.has(meter_id)).then_some(MeterFitted { meter_id, fitted_on: on }.into());
        Ok([ConnectionCleared { application_id, invoice_id, meter_id, on }.into()].into_iter().chain(fitted).collect())
    }

    pub(super) fn withdraw_connection(&self, wish: WithdrawConnection) -> Result<Vec<Event>, Rejection> {
        let WithdrawConnection { application_id, on } = wish;
        self.holder()?;
        match self.connections.0.get(&application_id) {
            Some(Word::Withdrawn(_)) => Ok(vec![]),
            Some(Word::Cleared(already)) => Err(Rejection::ConnectionCleared(already.meter_id)),
            None => Ok(vec![ConnectionWithdrawn { application_id, on }.into()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        account::{Command, MeterTakenOff, NoteMeterTakenOff, WriteOff, example::*},
        spec::given,
    };

    const APPLICATION: ApplicationId = ApplicationId::new(Uuid::from_u128(81));
    const METER: MeterId = MeterId::new(Uuid::from_u128(82));
    const OTHER: MeterId = MeterId::new(Uuid::from_u128(83));

    fn clear(meter_id: MeterId) -> Command {
        ClearConnection { application_id: APPLICATION, invoice_id: invoice_id(1), meter_id, on: day("2024-04-02") }.into()
    }

    fn withdraw() -> Command {
        WithdrawConnection { application_id: APPLICATION, on: day("2024-04-02") }.into()
    }

    fn cleared() -> [Event; 2] {
        let fitted = MeterFitted { meter_id: METER, fitted_on: day("2024-04-02") };
        let cleared = ConnectionCleared { application_id: APPLICATION, invoice_id: invoice_id(1), meter_id: METER, on: day("2024-04-02") };
        [cleared.into(), fitted.into()]
    }

    fn withdrawn() -> Event {
        ConnectionWithdrawn { application_id: APPLICATION, on: day("2024-04-02") }.into()
    }

    /// The account, after what was decided since.
    fn told(wishes: Vec<Command>) -> Vec<Event> {
        let mut facts = vec![opened()];
        for wish in wishes {
            facts.extend(decided(&account(facts[1..].to_vec()), wish));
        }
        facts
    }

    fn pay(n: u32, minor: i64) -> Command {
        record_payment(n, minor).into()
    }

    #[test]
    fn the_gate_opens_with_the_last_coin_and_closes_with_the_first_that_is_taken_back() {
        let fee = || charge(ChargeOf::default()).into();
        let refused = |wishes| given::<Account>(told(wishes)).when(clear(METER)).then_rejected(Rejection::ConnectionFeeUnpaid);
        refused(vec![]);
        refused(vec![fee()]);
        refused(vec![fee(), pay(1, 11_499)]);
        refused(vec![fee(), pay(1, 11_500), reverse_payment(1).into()]);
        refused(vec![pay(1, 11_500)]);
        let waived = WriteOff {
            item: invoice(1),
            approved_by: crate::Actor::user("9"),
            limit: sar(20_000),
            on: day("2024-04-01"),
            reason: reason("a friend's"),
        };
        refused(vec![fee(), waived.into()]);
        given::<Account>(told(vec![fee(), pay(1, 11_500)])).when(clear(METER)).then(cleared());
        given::<Account>(told(vec![fee(), pay(1, 11_500), reverse_payment(1).into(), pay(2, 11_500)])).when(clear(METER)).then(cleared());
    }

    #[test]
    fn what_is_cleared_stays_so_until_the_meter_comes_down() {
        let paid = || told(vec![charge(ChargeOf::default()).into(), pay(1, 11_500)]);
        let up = || paid().into_iter().chain(cleared());
        given::<Account>(up()).when(clear(OTHER)).then_rejected(Rejection::ConnectionCleared(METER));
        given::<Account>(up()).when(withdraw()).then_rejected(Rejection::ConnectionCleared(METER));
        // Taken back afterwards, the money is owed again, and the meter hangs.
        let reversed = decided(&account(up().skip(1)), reverse_payment(1));
        let after = account(up().skip(1).chain(reversed.clone()));
        assert_eq!(after.clearance(APPLICATION).map(|clearance| clearance.meter_id()), Some(METER));
        let down = MeterTakenOff { meter_id: METER, taken_off_on: day("2024-04-03") };
        let down = || up().chain(reversed.clone()).chain([down.clone().into()]);
        assert_eq!(account(down().skip(1)).clearance(APPLICATION), None);
        given::<Account>(down()).when(clear(METER)).then_rejected(Rejection::ConnectionFeeUnpaid);
        let off = Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id: METER, taken_off_on: day("2024-04-03") });
        given::<Account>(up()).when(off).then([MeterTakenOff { meter_id: METER, taken_off_on: day("2024-04-03") }.into()]);
    }

    #[test]
    fn what_is_withdrawn_is_never_cleared() {
        let paid = || told(vec![charge(ChargeOf::default()).into(), pay(1, 11_500)]);
        given::<Account>(paid()).when(withdraw()).then([withdrawn()]);
        given::<Account>([opened()]).when(withdraw()).then([withdrawn()]);
        given::<Account>(paid().into_iter().chain([withdrawn()])).when(clear(METER)).then_rejected(Rejection::ConnectionWithdrawn);
        given::<Account>([]).when(withdraw()).then_rejected(Rejection::NotOpen);
        given::<Account>([]).when(clear(METER)).then_rejected(Rejection::NotOpen);
    }
}
