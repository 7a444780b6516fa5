//! Whether the account is served: what it is supplied with, suspending, resuming and closing it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Event, Rejection};
use crate::{
    Reason,
    ids::{AgreementId, MeterId},
};

/// Asked before the service point starts the agreement, so that a closed or suspended account can still refuse it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BeginService {
    pub agreement_id: AgreementId,
    pub from: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndService {
    pub agreement_id: AgreementId,
    /// The day after the last.
    pub to: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteMeterFitted {
    pub meter_id: MeterId,
    pub fitted_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteMeterTakenOff {
    pub meter_id: MeterId,
    pub taken_off_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuspendAccount {
    pub suspended_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResumeAccount {
    pub resumed_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloseAccount {
    pub closed_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceBegun {
    pub agreement_id: AgreementId,
    pub from: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceEnded {
    pub agreement_id: AgreementId,
    pub to: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterFitted {
    pub meter_id: MeterId,
    pub fitted_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterTakenOff {
    pub meter_id: MeterId,
    pub taken_off_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountSuspended {
    pub suspended_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountResumed {
    pub resumed_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountClosed {
    pub closed_on: NaiveDate,
    pub reason: Reason,
}

/// A suspended account is still billed and still pays; it begins nothing new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Active,
    Suspended,
    Closed,
}

/// The agreements that run and the meters that are fitted: what keeps an account from closing.
#[derive(Clone, Debug, Default)]
pub(super) struct Supplies {
    agreements: BTreeSet<AgreementId>,
    ended: BTreeSet<AgreementId>,
    meters: BTreeSet<MeterId>,
}

impl Supplies {
    pub(super) fn meters(&self) -> impl Iterator<Item = MeterId> {
        self.meters.iter().copied()
    }

    pub(super) fn service_begun(&mut self, fact: &ServiceBegun) {
        self.agreements.insert(fact.agreement_id);
    }

    pub(super) fn service_ended(&mut self, fact: &ServiceEnded) {
        self.agreements.remove(&fact.agreement_id);
        self.ended.insert(fact.agreement_id);
    }

    pub(super) fn meter_fitted(&mut self, fact: &MeterFitted) {
        self.meters.insert(fact.meter_id);
    }

    pub(super) fn meter_taken_off(&mut self, fact: &MeterTakenOff) {
        self.meters.remove(&fact.meter_id);
    }

    pub(super) fn has(&self, meter_id: MeterId) -> bool {
        self.meters.contains(&meter_id)
    }
}

impl Account {
    /// An agreement begins once: told again after its end, it does not begin anew.
    pub(super) fn begin_service(&self, wish: BeginService) -> Result<Vec<Event>, Rejection> {
        let BeginService { agreement_id, from } = wish;
        if self.supplies.agreements.contains(&agreement_id) || self.supplies.ended.contains(&agreement_id) {
            return Ok(vec![]);
        }
        self.able_to_begin()?;
        Ok(vec![ServiceBegun { agreement_id, from }.into()])
    }

    pub(super) fn end_service(&self, wish: EndService) -> Result<Vec<Event>, Rejection> {
        let EndService { agreement_id, to } = wish;
        self.holder()?;
        if !self.supplies.agreements.contains(&agreement_id) {
            return Ok(vec![]);
        }
        Ok(vec![ServiceEnded { agreement_id, to }.into()])
    }

    pub(super) fn note_meter_fitted(&self, wish: NoteMeterFitted) -> Result<Vec<Event>, Rejection> {
        let NoteMeterFitted { meter_id, fitted_on } = wish;
        if self.supplies.meters.contains(&meter_id) {
            return Ok(vec![]);
        }
        self.able_to_begin()?;
        Ok(vec![MeterFitted { meter_id, fitted_on }.into()])
    }

    pub(super) fn note_meter_taken_off(&self, wish: NoteMeterTakenOff) -> Result<Vec<Event>, Rejection> {
        let NoteMeterTakenOff { meter_id, taken_off_on } = wish;
        self.holder()?;
        if !self.supplies.meters.contains(&meter_id) {
            return Ok(vec![]);
        }
        Ok(vec![MeterTakenOff { meter_id, taken_off_on }.into()])
    }

    pub(super) fn suspend(&self, wish: SuspendAccount) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let SuspendAccount { suspended_on, reason } = wish;
        match self.standing {
            Standing::Active => Ok(vec![AccountSuspended { suspended_on, reason }.into()]),
            Standing::Suspended => Ok(vec![]),
            Standing::Closed => Err(Rejection::Closed),
        }
    }

    pub(super) fn resume(&self, wish: ResumeAccount) -> Result<Vec<Event>, Rejection> {
        self.holder()?;
        let ResumeAccount { resumed_on, reason } = wish;
        match self.standing {
            Standing::Active => Ok(vec![]),
            Standing::Suspended => Ok(vec![AccountResumed { resumed_on, reason }.into()]),
            Standing::Closed => Err(Rejection::Closed),
        }
    }

    /// Only what is settled and no longer supplied can close: afterwards there is nobody to bill.
    pub(super) fn close(&self, wish: CloseAccount) -> Result<Vec<Event>, Rejection> {
        let holder = self.holder()?;
        let CloseAccount { closed_on, reason } = wish;
        if self.standing == Standing::Closed {
            return Ok(vec![]);
        }
        self.has_left(closed_on)?;
        if !self.receivable.is_settled() {
            return Err(Rejection::NotSettled { balance: self.receivable.balance(holder.currency) });
        }
        Ok(vec![AccountClosed { closed_on, reason }.into()])
    }

    pub(super) fn is_closed(&self) -> bool {
        self.standing == Standing::Closed
    }

    /// Nothing is supplied to it any more.
    pub(super) fn has_left(&self, on: NaiveDate) -> Result<(), Rejection> {
        let opened_on = self.holder()?.opened_on();
        if on < opened_on {
            return Err(Rejection::BeforeOpening { opened_on });
        }
        if let Some(agreement_id) = self.supplies.agreements.first() {
            return Err(Rejection::StillServed(*agreement_id));
        }
        if let Some(meter_id) = self.supplies.meters.first() {
            return Err(Rejection::MeterStillFitted(*meter_id));
        }
        Ok(())
    }

    pub(super) fn able_to_begin(&self) -> Result<(), Rejection> {
        self.holder()?;
        match self.standing {
            Standing::Active => Ok(()),
            Standing::Suspended => Err(Rejection::Suspended),
            Standing::Closed => Err(Rejection::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        Currency, Money,
        account::{Command, example},
        spec::given,
    };

    const AGREEMENT: AgreementId = AgreementId::new(Uuid::from_u128(31));
    const METER: MeterId = MeterId::new(Uuid::from_u128(32));

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn on() -> NaiveDate {
        day("2024-07-01")
    }

    fn reason() -> Reason {
        Reason::new("asked for").unwrap()
    }

    fn suspended() -> Event {
        AccountSuspended { suspended_on: on(), reason: reason() }.into()
    }

    fn closed() -> Event {
        AccountClosed { closed_on: on(), reason: reason() }.into()
    }

    fn close() -> Command {
        Command::CloseAccount(CloseAccount { closed_on: on(), reason: reason() })
    }

    /// Every standing × every command that it decides.
    #[test]
    fn what_each_standing_allows() {
        use Rejection::{Closed, NotOpen, Suspended};
        let commands = [
            Command::SuspendAccount(SuspendAccount { suspended_on: on(), reason: reason() }),
            Command::ResumeAccount(ResumeAccount { resumed_on: on(), reason: reason() }),
            close(),
            Command::BeginService(BeginService { agreement_id: AGREEMENT, from: on() }),
            Command::NoteMeterFitted(NoteMeterFitted { meter_id: METER, fitted_on: on() }),
            Command::EndService(EndService { agreement_id: AGREEMENT, to: on() }),
            Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id: METER, taken_off_on: on() }),
            Command::ChooseLanguage(crate::account::ChooseLanguage { language: crate::account::Language::English }),
        ];
        let opened = example::opened;
        type Row = (Vec<Event>, [Result<usize, Rejection>; 8]);
        let grid: [Row; 4] = [
            (vec![], [const { Err(NotOpen) }; 8]),
            (vec![opened()], [Ok(1), Ok(0), Ok(1), Ok(1), Ok(1), Ok(0), Ok(0), Ok(1)]),
            (vec![opened(), suspended()], [Ok(0), Ok(1), Ok(1), Err(Suspended), Err(Suspended), Ok(0), Ok(0), Ok(1)]),
            (vec![opened(), closed()], [Err(Closed), Err(Closed), Ok(0), Err(Closed), Err(Closed), Ok(0), Ok(0), Err(Closed)]),
        ];
        for (facts, expected) in grid {
            for (command, expected) in commands.iter().zip(expected) {
                use crate::Decider;
                let account = facts.iter().fold(Account::default(), Account::evolve);
                assert_eq!(account.decide(command.clone()).map(|events| events.len()), expected, "{facts:?} {command:?}");
                if expected.is_ok() {
                    let events = account.decide(command.clone()).unwrap();
                    given::<Account>(facts.clone()).when(command.clone()).then(events);
                }
            }
        }
    }

    #[test]
    fn an_account_closes_only_when_nothing_is_supplied_and_nothing_is_owed() {
        let begun: Event = ServiceBegun { agreement_id: AGREEMENT, from: on() }.into();
        let ended: Event = ServiceEnded { agreement_id: AGREEMENT, to: on() }.into();
        let fitted: Event = MeterFitted { meter_id: METER, fitted_on: on() }.into();
        let off: Event = MeterTakenOff { meter_id: METER, taken_off_on: on() }.into();
        let after = |facts: &[&Event]| given::<Account>([example::opened()].into_iter().chain(facts.iter().map(|&fact| fact.clone())));
        after(&[&begun]).when(close()).then_rejected(Rejection::StillServed(AGREEMENT));
        after(&[&begun, &ended, &fitted]).when(close()).then_rejected(Rejection::MeterStillFitted(METER));
        after(&[&begun, &ended, &fitted, &off]).when(close()).then([closed()]);
        after(&[&example::opening_balance()])
            .when(close())
            .then_rejected(Rejection::NotSettled { balance: Money::new(12_000, Currency::SAR) });
        after(&[&example::opening_balance(), &example::opening_balance_reversed()]).when(close()).then([closed()]);
        let same_day = AccountClosed { closed_on: day("2024-01-31"), reason: reason() };
        let wish = CloseAccount { closed_on: same_day.closed_on, reason: reason() };
        after(&[]).when(Command::CloseAccount(wish)).then([same_day.into()]);
        let early = CloseAccount { closed_on: day("2024-01-30"), reason: reason() };
        after(&[]).when(Command::CloseAccount(early)).then_rejected(Rejection::BeforeOpening { opened_on: day("2024-01-31") });
    }

    #[test]
    fn an_agreement_that_has_ended_does_not_begin_anew() {
        let begun: Event = ServiceBegun { agreement_id: AGREEMENT, from: on() }.into();
        let ended: Event = ServiceEnded { agreement_id: AGREEMENT, to: on() }.into();
        let begin = Command::BeginService(BeginService { agreement_id: AGREEMENT, from: on() });
        given::<Account>([example::opened(), begun, ended]).when(begin).then_nothing();
    }
}
