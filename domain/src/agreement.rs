//! The service point: one service at one premises, with the sequence of agreements under which it was billed and the meter that measures it.
//!
//! No two agreements may run there at one time and no two meters may measure it. Such a rule needs one place that sees both, so agreements have no
//! streams of their own: the service point's stream holds them all, and its revision guards the rule. A transfer is then one append, with
//! no day on which nobody or everybody pays. The stream's id is derived from premises and service (see [`service_point_id`]), so
//! there cannot be two service points for them either.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Code, Decider, Reason, Service,
    ids::{AccountId, AgreementId, MeterId, PremisesId, ReadCycleId, ReadingId, ServicePointId, service_point_id},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    StartAgreement(StartAgreement),
    EndAgreement(EndAgreement),
    MoveIn(MoveIn),
    MoveOut(MoveOut),
    TransferAgreement(TransferAgreement),
    ChangeTariffSeries(ChangeTariffSeries),
    ChangeReadCycle(ChangeReadCycle),
    AttachMeter(AttachMeter),
    DetachMeter(DetachMeter),
    ExchangeMeter(ExchangeMeter),
}

/// Service that begins without a reading: a new connection whose meter brings its own initial one, or an unmetered supply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StartAgreement {
    pub agreement: Agreement,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndAgreement {
    pub agreement_id: AgreementId,
    /// The day after the last.
    pub to: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoveIn {
    pub agreement: Agreement,
    /// The readings, in the meter's stream, from which the newcomer pays.
    pub reads: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoveOut {
    pub agreement_id: AgreementId,
    /// The day after the last.
    pub to: NaiveDate,
    /// The readings, in the meter's stream, up to which the leaver pays.
    pub reads: Vec<ReadingId>,
    pub reason: Reason,
}

/// The supply passes from one account to another on a day. Debts stay with the account that made them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TransferAgreement {
    pub from_agreement: AgreementId,
    /// Starts on the day the other ends.
    pub agreement: Agreement,
    /// One set of readings closes the one and opens the other.
    pub reads: Vec<ReadingId>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeTariffSeries {
    pub agreement_id: AgreementId,
    pub tariff_series: Code,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeReadCycle {
    pub agreement_id: AgreementId,
    pub read_cycle_id: ReadCycleId,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

/// Asked before a meter is installed, so that a second one is refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttachMeter {
    pub premises_id: PremisesId,
    pub service: Service,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetachMeter {
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExchangeMeter {
    pub old: MeterId,
    pub new: MeterId,
    pub on: NaiveDate,
}

events! {
    AgreementStarted 1
    AgreementEnded 1
    TariffSeriesChanged 1
    ReadCycleChanged 1
    MeterAttached 1
    MeterDetached 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgreementStarted {
    pub service_point_id: ServicePointId,
    pub agreement: Agreement,
    pub cause: StartCause,
    pub reads: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgreementEnded {
    pub agreement_id: AgreementId,
    pub account_id: AccountId,
    /// The day after the last.
    pub to: NaiveDate,
    pub cause: EndCause,
    pub reads: Vec<ReadingId>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TariffSeriesChanged {
    pub agreement_id: AgreementId,
    pub tariff_series: Code,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadCycleChanged {
    pub agreement_id: AgreementId,
    pub read_cycle_id: ReadCycleId,
    pub effective_on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterAttached {
    pub service_point_id: ServicePointId,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterDetached {
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

/// Who is billed for what, by which tariff, read when, from which day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub agreement_id: AgreementId,
    pub account_id: AccountId,
    pub premises_id: PremisesId,
    pub service: Service,
    pub tariff_series: Code,
    pub read_cycle_id: ReadCycleId,
    pub from: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartCause {
    NewService,
    MoveIn,
    Transfer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndCause {
    ServiceEnded,
    MoveOut,
    Transfer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("agreement {0} is already there with other terms")]
    AgreementIdReused(AgreementId),
    #[error("there is no agreement {0} here")]
    NoSuchAgreement(AgreementId),
    #[error("agreement {0} covers days of that time")]
    Overlaps(AgreementId),
    #[error("agreement {agreement_id} has already ended, on {to}")]
    AlreadyEnded { agreement_id: AgreementId, to: NaiveDate },
    #[error("the agreement does not run on {0}")]
    OutsideAgreement(NaiveDate),
    #[error("moving needs a reading of the meter")]
    ReadMissing,
    #[error("the premises or the service are another service point's")]
    AnotherServicePoint,
    #[error("a transfer needs another account")]
    SameAccount,
    #[error("meter {0} already measures this service")]
    MeterPresent(MeterId),
    #[error("meter {0} does not measure this service")]
    MeterAbsent(MeterId),
    #[error("the last meter came or went on {0}, after that date")]
    MeterOutOfOrder(NaiveDate),
}

#[derive(Clone, Debug, Default)]
pub struct ServicePoint {
    id: Option<ServicePointId>,
    agreements: BTreeMap<AgreementId, Course>,
    meter: Option<MeterId>,
    meter_since: Option<NaiveDate>,
}

/// An agreement as it started and what became of it.
#[derive(Clone, Debug)]
struct Course {
    started: AgreementStarted,
    ended: Option<AgreementEnded>,
    series: BTreeMap<NaiveDate, Code>,
    cycles: BTreeMap<NaiveDate, ReadCycleId>,
}

impl Decider for ServicePoint {
    const CATEGORY: &'static str = "service_point";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::StartAgreement(StartAgreement { agreement }) => self.start(agreement, StartCause::NewService, vec![]),
            Command::EndAgreement(EndAgreement { agreement_id, to, reason }) => {
                self.end(agreement_id, to, EndCause::ServiceEnded, vec![], reason)
            }
            Command::MoveIn(wish) => self.move_in(wish),
            Command::MoveOut(wish) => self.move_out(wish),
            Command::TransferAgreement(wish) => self.transfer(wish),
            Command::ChangeTariffSeries(wish) => self.change_tariff_series(wish),
            Command::ChangeReadCycle(wish) => self.change_read_cycle(wish),
            Command::AttachMeter(wish) => self.attach_meter(wish),
            Command::DetachMeter(wish) => self.detach_meter(wish),
            Command::ExchangeMeter(wish) => self.exchange_meter(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::AgreementStarted(fact) => {
                self.id = Some(fact.service_point_id);
                let course = Course { started: fact.clone(), ended: None, series: BTreeMap::new(), cycles: BTreeMap::new() };
                self.agreements.insert(fact.agreement.agreement_id, course);
            }
            Event::AgreementEnded(fact) => self.change(fact.agreement_id, |course| course.ended = Some(fact.clone())),
            Event::TariffSeriesChanged(fact) => self.change(fact.agreement_id, |course| {
                course.series.insert(fact.effective_on, fact.tariff_series.clone());
            }),
            Event::ReadCycleChanged(fact) => self.change(fact.agreement_id, |course| {
                course.cycles.insert(fact.effective_on, fact.read_cycle_id);
            }),
            Event::MeterAttached(fact) => {
                self.id = Some(fact.service_point_id);
                self.meter = Some(fact.meter_id);
                self.meter_since = Some(fact.on);
            }
            Event::MeterDetached(fact) => {
                self.meter = None;
                self.meter_since = Some(fact.on);
            }
        }
        self
    }
}

impl Course {
    fn terms(&self) -> &Agreement {
        &self.started.agreement
    }

    fn to(&self) -> Option<NaiveDate> {
        self.ended.as_ref().map(|ended| ended.to)
    }

    fn runs_on(&self, date: NaiveDate) -> bool {
        self.terms().from <= date && self.to().is_none_or(|to| date < to)
    }

    fn series_on(&self, date: NaiveDate) -> &Code {
        self.series.range(..=date).next_back().map_or(&self.terms().tariff_series, |(_, series)| series)
    }

    fn cycle_on(&self, date: NaiveDate) -> ReadCycleId {
        self.cycles.range(..=date).next_back().map_or(self.terms().read_cycle_id, |(_, cycle)| *cycle)
    }
}

impl ServicePoint {
    /// The agreement that runs on a date, with the series and cycle of that date.
    pub fn agreement_on(&self, date: NaiveDate) -> Option<Agreement> {
        let course = self.agreements.values().find(|course| course.runs_on(date))?;
        let (tariff_series, read_cycle_id) = (course.series_on(date).clone(), course.cycle_on(date));
        Some(Agreement { tariff_series, read_cycle_id, ..course.terms().clone() })
    }

    /// The meter that measures the service now.
    pub fn meter(&self) -> Option<MeterId> {
        self.meter
    }

    fn move_in(&self, wish: MoveIn) -> Result<Vec<Event>, Rejection> {
        let MoveIn { agreement, reads } = wish;
        if reads.is_empty() {
            return Err(Rejection::ReadMissing);
        }
        self.start(agreement, StartCause::MoveIn, reads)
    }

    fn move_out(&self, wish: MoveOut) -> Result<Vec<Event>, Rejection> {
        let MoveOut { agreement_id, to, reads, reason } = wish;
        if reads.is_empty() {
            return Err(Rejection::ReadMissing);
        }
        self.end(agreement_id, to, EndCause::MoveOut, reads, reason)
    }

    /// Out and in at once: one fact cannot be recorded without the other.
    fn transfer(&self, wish: TransferAgreement) -> Result<Vec<Event>, Rejection> {
        let TransferAgreement { from_agreement, agreement, reads, reason } = wish;
        let leaver = self.agreements.get(&from_agreement).ok_or(Rejection::NoSuchAgreement(from_agreement))?;
        if leaver.terms().account_id == agreement.account_id {
            return Err(Rejection::SameAccount);
        }
        let ended = self.end(from_agreement, agreement.from, EndCause::Transfer, reads.clone(), reason)?;
        let after = ended.iter().fold(self.clone(), Self::evolve);
        let started = after.start(agreement, StartCause::Transfer, reads)?;
        Ok([ended, started].concat())
    }

    fn start(&self, agreement: Agreement, cause: StartCause, reads: Vec<ReadingId>) -> Result<Vec<Event>, Rejection> {
        let service_point_id = self.identified(agreement.premises_id, agreement.service)?;
        let started = AgreementStarted { service_point_id, agreement, cause, reads };
        let Agreement { agreement_id, from, .. } = started.agreement;
        match self.agreements.get(&agreement_id) {
            Some(already) if already.started == started => return Ok(vec![]),
            Some(_) => return Err(Rejection::AgreementIdReused(agreement_id)),
            None => {}
        }
        // Open to the end: it may not start before one that is yet to come either, or the two would meet.
        match self.agreements.values().find(|other| other.to().is_none_or(|to| from < to)) {
            Some(other) => Err(Rejection::Overlaps(other.terms().agreement_id)),
            None => Ok(vec![started.into()]),
        }
    }

    fn end(
        &self,
        agreement_id: AgreementId,
        to: NaiveDate,
        cause: EndCause,
        reads: Vec<ReadingId>,
        reason: Reason,
    ) -> Result<Vec<Event>, Rejection> {
        let course = self.running_or_ended(agreement_id)?;
        let ended = AgreementEnded { agreement_id, account_id: course.terms().account_id, to, cause, reads, reason };
        match &course.ended {
            Some(already) if *already == ended => return Ok(vec![]),
            Some(already) => return Err(Rejection::AlreadyEnded { agreement_id, to: already.to }),
            None => {}
        }
        let last_change = course.series.keys().chain(course.cycles.keys()).max();
        if to <= course.terms().from || last_change.is_some_and(|change| to <= *change) {
            return Err(Rejection::OutsideAgreement(to));
        }
        Ok(vec![ended.into()])
    }

    fn change_tariff_series(&self, wish: ChangeTariffSeries) -> Result<Vec<Event>, Rejection> {
        let ChangeTariffSeries { agreement_id, tariff_series, effective_on, reason } = wish;
        let course = self.running_or_ended(agreement_id)?;
        if !course.runs_on(effective_on) {
            return Err(Rejection::OutsideAgreement(effective_on));
        }
        if *course.series_on(effective_on) == tariff_series {
            return Ok(vec![]);
        }
        Ok(vec![TariffSeriesChanged { agreement_id, tariff_series, effective_on, reason }.into()])
    }

    fn change_read_cycle(&self, wish: ChangeReadCycle) -> Result<Vec<Event>, Rejection> {
        let ChangeReadCycle { agreement_id, read_cycle_id, effective_on, reason } = wish;
        let course = self.running_or_ended(agreement_id)?;
        if !course.runs_on(effective_on) {
            return Err(Rejection::OutsideAgreement(effective_on));
        }
        if course.cycle_on(effective_on) == read_cycle_id {
            return Ok(vec![]);
        }
        Ok(vec![ReadCycleChanged { agreement_id, read_cycle_id, effective_on, reason }.into()])
    }

    fn attach_meter(&self, wish: AttachMeter) -> Result<Vec<Event>, Rejection> {
        let AttachMeter { premises_id, service, meter_id, on } = wish;
        let service_point_id = self.identified(premises_id, service)?;
        match self.meter {
            Some(already) if already == meter_id => Ok(vec![]),
            Some(other) => Err(Rejection::MeterPresent(other)),
            None => {
                self.meter_changes_on(on)?;
                Ok(vec![MeterAttached { service_point_id, meter_id, on }.into()])
            }
        }
    }

    fn detach_meter(&self, wish: DetachMeter) -> Result<Vec<Event>, Rejection> {
        let DetachMeter { meter_id, on } = wish;
        match self.meter {
            None => Ok(vec![]),
            Some(present) if present == meter_id => {
                self.meter_changes_on(on)?;
                Ok(vec![MeterDetached { meter_id, on }.into()])
            }
            Some(other) => Err(Rejection::MeterPresent(other)),
        }
    }

    fn exchange_meter(&self, wish: ExchangeMeter) -> Result<Vec<Event>, Rejection> {
        let ExchangeMeter { old, new, on } = wish;
        match (self.meter, self.id) {
            (Some(present), _) if present == new => Ok(vec![]),
            (Some(present), Some(service_point_id)) if present == old => {
                self.meter_changes_on(on)?;
                let detached = MeterDetached { meter_id: old, on };
                Ok(vec![detached.into(), MeterAttached { service_point_id, meter_id: new, on }.into()])
            }
            (Some(other), _) => Err(Rejection::MeterPresent(other)),
            (None, _) => Err(Rejection::MeterAbsent(old)),
        }
    }

    fn meter_changes_on(&self, on: NaiveDate) -> Result<(), Rejection> {
        match self.meter_since {
            Some(since) if on < since => Err(Rejection::MeterOutOfOrder(since)),
            Some(_) | None => Ok(()),
        }
    }

    /// This service point's id, if premises and service are its own.
    fn identified(&self, premises_id: PremisesId, service: Service) -> Result<ServicePointId, Rejection> {
        let id = service_point_id(premises_id, service);
        if self.id.is_none_or(|own| own == id) { Ok(id) } else { Err(Rejection::AnotherServicePoint) }
    }

    fn running_or_ended(&self, agreement_id: AgreementId) -> Result<&Course, Rejection> {
        self.agreements.get(&agreement_id).ok_or(Rejection::NoSuchAgreement(agreement_id))
    }

    fn change(&mut self, agreement_id: AgreementId, change: impl FnOnce(&mut Course)) {
        if let Some(course) = self.agreements.get_mut(&agreement_id) {
            change(course);
        }
    }
}

/// Made-up agreements for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;

    pub const METER: MeterId = MeterId::new(Uuid::from_u128(64));
    pub const NEW_METER: MeterId = MeterId::new(Uuid::from_u128(65));

    /// The n-th agreement, of the n-th account.
    pub fn agreement(n: u128, from: NaiveDate) -> Agreement {
        Agreement {
            agreement_id: AgreementId::new(Uuid::from_u128(600 + n)),
            account_id: AccountId::new(Uuid::from_u128(700 + n)),
            premises_id: PremisesId::new(Uuid::from_u128(41)),
            service: Service::Electricity,
            tariff_series: Code::new("made-up-residential").expect("a code"),
            read_cycle_id: ReadCycleId::new(Uuid::from_u128(51)),
            from,
        }
    }

    pub fn reads() -> Vec<ReadingId> {
        vec![ReadingId::new(Uuid::from_u128(66))]
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let day = |month| NaiveDate::from_ymd_opt(2024, month, 1).expect("a date");
        let reason = || Reason::new("asked for").expect("a reason");
        let agreement = agreement(1, day(1));
        let Agreement { agreement_id, account_id, premises_id, service, .. } = agreement;
        let service_point_id = service_point_id(premises_id, service);
        vec![
            MeterAttached { service_point_id, meter_id: METER, on: day(1) }.into(),
            AgreementStarted { service_point_id, agreement, cause: StartCause::MoveIn, reads: reads() }.into(),
            TariffSeriesChanged {
                agreement_id,
                tariff_series: Code::new("made-up-commercial").expect("a code"),
                effective_on: day(3),
                reason: reason(),
            }
            .into(),
            ReadCycleChanged { agreement_id, read_cycle_id: ReadCycleId::new(Uuid::from_u128(52)), effective_on: day(4), reason: reason() }
                .into(),
            AgreementEnded { agreement_id, account_id, to: day(9), cause: EndCause::MoveOut, reads: reads(), reason: reason() }.into(),
            MeterDetached { meter_id: METER, on: day(9) }.into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{example::*, *};
    use crate::spec::given;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn reason() -> Reason {
        Reason::new("asked for").unwrap()
    }

    fn started(n: u128, from: &str, cause: StartCause, reads: Vec<ReadingId>) -> Event {
        let agreement = agreement(n, day(from));
        let service_point_id = service_point_id(agreement.premises_id, agreement.service);
        AgreementStarted { service_point_id, agreement, cause, reads }.into()
    }

    fn ended(n: u128, to: &str, cause: EndCause, reads: Vec<ReadingId>) -> Event {
        let Agreement { agreement_id, account_id, .. } = agreement(n, day("2024-01-01"));
        AgreementEnded { agreement_id, account_id, to: day(to), cause, reads, reason: reason() }.into()
    }

    fn start(n: u128, from: &str) -> Command {
        Command::StartAgreement(StartAgreement { agreement: agreement(n, day(from)) })
    }

    fn id(n: u128) -> AgreementId {
        agreement(n, day("2024-01-01")).agreement_id
    }

    fn end(n: u128, to: &str) -> Command {
        Command::EndAgreement(EndAgreement { agreement_id: id(n), to: day(to), reason: reason() })
    }

    fn first() -> Event {
        started(1, "2024-01-01", StartCause::NewService, vec![])
    }

    #[test]
    fn no_two_agreements_run_at_one_time() {
        let ended = ended(1, "2024-06-01", EndCause::ServiceEnded, vec![]);
        given::<ServicePoint>([]).when(start(1, "2024-01-01")).then([first()]);
        given::<ServicePoint>([first()]).when(end(1, "2024-06-01")).then([ended.clone()]);
        for (facts, from, outcome) in [
            (vec![first()], "2024-06-01", Err(Rejection::Overlaps(id(1)))),
            (vec![first()], "2023-06-01", Err(Rejection::Overlaps(id(1)))),
            (vec![first(), ended.clone()], "2024-05-31", Err(Rejection::Overlaps(id(1)))),
            (vec![first(), ended.clone()], "2023-06-01", Err(Rejection::Overlaps(id(1)))),
            (vec![first(), ended.clone()], "2024-06-01", Ok(())),
            (vec![first(), ended.clone()], "2024-07-01", Ok(())),
        ] {
            let when = given::<ServicePoint>(facts).when(start(2, from));
            match outcome {
                Ok(()) => when.then([started(2, from, StartCause::NewService, vec![])]),
                Err(rejection) => when.then_rejected(rejection),
            }
        }
    }

    #[test]
    fn an_agreement_id_is_used_once() {
        given::<ServicePoint>([first()]).when(start(1, "2024-01-02")).then_rejected(Rejection::AgreementIdReused(id(1)));
        let gone = [first(), ended(1, "2024-06-01", EndCause::ServiceEnded, vec![])];
        given::<ServicePoint>(gone).when(start(1, "2024-01-01")).then_nothing();
    }

    #[test]
    fn an_agreement_ends_once_and_after_it_began() {
        given::<ServicePoint>([]).when(end(1, "2024-06-01")).then_rejected(Rejection::NoSuchAgreement(id(1)));
        given::<ServicePoint>([first()]).when(end(1, "2024-01-01")).then_rejected(Rejection::OutsideAgreement(day("2024-01-01")));
        given::<ServicePoint>([first()]).when(end(1, "2024-01-02")).then([ended(1, "2024-01-02", EndCause::ServiceEnded, vec![])]);
        given::<ServicePoint>([first(), ended(1, "2024-06-01", EndCause::ServiceEnded, vec![])])
            .when(end(1, "2024-07-01"))
            .then_rejected(Rejection::AlreadyEnded { agreement_id: id(1), to: day("2024-06-01") });
    }

    #[test]
    fn moving_needs_a_reading() {
        let move_in = |reads| Command::MoveIn(MoveIn { agreement: agreement(1, day("2024-01-01")), reads });
        let move_out = |reads| Command::MoveOut(MoveOut { agreement_id: id(1), to: day("2024-06-01"), reads, reason: reason() });
        given::<ServicePoint>([]).when(move_in(vec![])).then_rejected(Rejection::ReadMissing);
        given::<ServicePoint>([]).when(move_in(reads())).then([started(1, "2024-01-01", StartCause::MoveIn, reads())]);
        given::<ServicePoint>([first()]).when(move_out(vec![])).then_rejected(Rejection::ReadMissing);
        given::<ServicePoint>([first()]).when(move_out(reads())).then([ended(1, "2024-06-01", EndCause::MoveOut, reads())]);
    }

    #[test]
    fn a_transfer_leaves_no_day_without_an_account_and_none_with_two() {
        let to = |n| {
            let agreement = agreement(n, day("2024-06-01"));
            Command::TransferAgreement(TransferAgreement { from_agreement: id(1), agreement, reads: reads(), reason: reason() })
        };
        let facts = [ended(1, "2024-06-01", EndCause::Transfer, reads()), started(2, "2024-06-01", StartCause::Transfer, reads())];
        given::<ServicePoint>([first()]).when(to(2)).then(facts.clone());
        given::<ServicePoint>([]).when(to(2)).then_rejected(Rejection::NoSuchAgreement(id(1)));
        given::<ServicePoint>([first()]).when(to(1)).then_rejected(Rejection::SameAccount);
        let point = [vec![first()], facts.to_vec()].concat().iter().fold(ServicePoint::default(), ServicePoint::evolve);
        for (on, expected) in [("2023-12-31", None), ("2024-01-01", Some(id(1))), ("2024-05-31", Some(id(1))), ("2024-06-01", Some(id(2)))]
        {
            assert_eq!(point.agreement_on(day(on)).map(|agreement| agreement.agreement_id), expected, "{on}");
        }
    }

    #[test]
    fn series_and_cycle_change_from_a_date() {
        let series = |text: &str, on: &str| {
            let tariff_series = Code::new(text).unwrap();
            ChangeTariffSeries { agreement_id: id(1), tariff_series, effective_on: day(on), reason: reason() }
        };
        let cycle = |n, on: &str| {
            let read_cycle_id = ReadCycleId::new(Uuid::from_u128(n));
            ChangeReadCycle { agreement_id: id(1), read_cycle_id, effective_on: day(on), reason: reason() }
        };
        let gone = || [first(), ended(1, "2024-06-01", EndCause::ServiceEnded, vec![])];
        for on in ["2023-12-31", "2024-06-01"] {
            given::<ServicePoint>(gone())
                .when(Command::ChangeTariffSeries(series("other", on)))
                .then_rejected(Rejection::OutsideAgreement(day(on)));
            given::<ServicePoint>(gone()).when(Command::ChangeReadCycle(cycle(52, on))).then_rejected(Rejection::OutsideAgreement(day(on)));
        }
        given::<ServicePoint>([first()]).when(Command::ChangeTariffSeries(series("made-up-residential", "2024-03-01"))).then_nothing();
        given::<ServicePoint>([first()]).when(Command::ChangeReadCycle(cycle(51, "2024-03-01"))).then_nothing();
        let ChangeTariffSeries { agreement_id, tariff_series, effective_on, reason: because } = series("other", "2024-03-01");
        let changed = TariffSeriesChanged { agreement_id, tariff_series, effective_on, reason: because };
        given::<ServicePoint>([first()]).when(Command::ChangeTariffSeries(series("other", "2024-03-01"))).then([changed.clone().into()]);
        let ChangeReadCycle { agreement_id, read_cycle_id, effective_on, reason: because } = cycle(52, "2024-04-01");
        let recycled = ReadCycleChanged { agreement_id, read_cycle_id, effective_on, reason: because };
        given::<ServicePoint>([first()]).when(Command::ChangeReadCycle(cycle(52, "2024-04-01"))).then([recycled.clone().into()]);

        let facts = [first(), changed.into(), recycled.into()];
        let point = facts.iter().fold(ServicePoint::default(), ServicePoint::evolve);
        for (on, series, cycle) in [
            ("2024-02-29", "made-up-residential", 51),
            ("2024-03-01", "other", 51),
            ("2024-03-31", "other", 51),
            ("2024-04-01", "other", 52),
        ] {
            let agreement = point.agreement_on(day(on)).unwrap();
            assert_eq!(
                (agreement.tariff_series.as_str(), agreement.read_cycle_id),
                (series, ReadCycleId::new(Uuid::from_u128(cycle))),
                "{on}"
            );
        }
        // An end before a change that was agreed would leave the change outside.
        given::<ServicePoint>(facts.clone()).when(end(1, "2024-04-01")).then_rejected(Rejection::OutsideAgreement(day("2024-04-01")));
        given::<ServicePoint>(facts).when(end(1, "2024-04-02")).then([ended(1, "2024-04-02", EndCause::ServiceEnded, vec![])]);
    }

    #[test]
    fn a_service_point_serves_its_own_premises_and_service_only() {
        let elsewhere = Agreement { service: Service::Water, ..agreement(2, day("2024-07-01")) };
        given::<ServicePoint>([first()])
            .when(Command::StartAgreement(StartAgreement { agreement: elsewhere }))
            .then_rejected(Rejection::AnotherServicePoint);
    }

    #[test]
    fn one_meter_measures_a_service() {
        let Agreement { premises_id, service, .. } = agreement(1, day("2024-01-01"));
        let attach = |meter_id, on: &str| Command::AttachMeter(AttachMeter { premises_id, service, meter_id, on: day(on) });
        let detach = |meter_id, on: &str| Command::DetachMeter(DetachMeter { meter_id, on: day(on) });
        let exchange = |on: &str| Command::ExchangeMeter(ExchangeMeter { old: METER, new: NEW_METER, on: day(on) });
        let service_point_id = service_point_id(premises_id, service);
        let attached = |meter_id, on: &str| Event::from(MeterAttached { service_point_id, meter_id, on: day(on) });
        let detached = |meter_id, on: &str| Event::from(MeterDetached { meter_id, on: day(on) });
        let here = || attached(METER, "2024-01-01");

        given::<ServicePoint>([]).when(attach(METER, "2024-01-01")).then([here()]);
        given::<ServicePoint>([here()]).when(attach(NEW_METER, "2024-02-01")).then_rejected(Rejection::MeterPresent(METER));
        given::<ServicePoint>([here()]).when(detach(NEW_METER, "2024-02-01")).then_rejected(Rejection::MeterPresent(METER));
        given::<ServicePoint>([here()]).when(detach(METER, "2023-12-31")).then_rejected(Rejection::MeterOutOfOrder(day("2024-01-01")));
        given::<ServicePoint>([here()]).when(detach(METER, "2024-01-01")).then([detached(METER, "2024-01-01")]);
        given::<ServicePoint>([here(), detached(METER, "2024-02-01")])
            .when(attach(NEW_METER, "2024-01-31"))
            .then_rejected(Rejection::MeterOutOfOrder(day("2024-02-01")));
        given::<ServicePoint>([here()])
            .when(exchange("2024-02-01"))
            .then([detached(METER, "2024-02-01"), attached(NEW_METER, "2024-02-01")]);
        given::<ServicePoint>([]).when(exchange("2024-02-01")).then_rejected(Rejection::MeterAbsent(METER));
        let other = MeterId::new(Uuid::from_u128(9));
        given::<ServicePoint>([attached(other, "2024-01-01")]).when(exchange("2024-02-01")).then_rejected(Rejection::MeterPresent(other));
        given::<ServicePoint>([]).when(detach(METER, "2024-02-01")).then_nothing();
    }
}
