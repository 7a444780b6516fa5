//! The service point: one service at one premises, with the sequence of agreements under which it was billed and the meter that measures it.
//!
//! No two agreements may run there at one time and no two meters may measure it. Such a rule needs one place that sees both, so agreements have no
//! streams of their own: the service point's stream holds them all, and its revision guards the rule. A transfer is then one append, with
//! no day on which nobody or everybody pays. The stream's id is derived from premises and service (see [`service_point_id`]), so
//! there cannot be two service points for them either.

mod connection;
pub mod example;
mod meters;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use connection::{AwaitConnection, ConnectMeter, ConnectionAwaited, ConnectionForgone, ConnectionMade, ForgoConnection};
pub use meters::{AttachMeter, DetachMeter, ExchangeMeter, MeterAttached, MeterDetached};

use crate::{
    BillingPeriod, Code, Decider, Reason, Service,
    ids::{AccountId, AgreementId, ApplicationId, MeterId, PremisesId, ReadCycleId, ReadingId, ServicePointId, service_point_id},
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
    AwaitConnection(AwaitConnection),
    ConnectMeter(ConnectMeter),
    ForgoConnection(ForgoConnection),
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

events! {
    AgreementStarted 1
    AgreementEnded 1
    TariffSeriesChanged 1
    ReadCycleChanged 1
    MeterAttached 1
    MeterDetached 1
    ConnectionAwaited 1
    ConnectionMade 1
    ConnectionForgone 1
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
    #[error("application {0} is to be connected here: a meter goes up once its fee is paid")]
    ConnectionAwaited(ApplicationId),
    #[error("no application is to be connected here")]
    NoConnectionAwaited,
}

#[derive(Clone, Debug, Default)]
pub struct ServicePoint {
    id: Option<ServicePointId>,
    agreements: BTreeMap<AgreementId, Course>,
    meter: Option<MeterId>,
    meter_since: Option<NaiveDate>,
    /// The application that is to be connected here, and that no meter goes up without.
    awaited: Option<ApplicationId>,
    /// The last that was.
    connected: Option<ApplicationId>,
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
            Command::AwaitConnection(wish) => self.await_connection(wish),
            Command::ConnectMeter(wish) => self.connect_meter(wish),
            Command::ForgoConnection(wish) => self.forgo_connection(wish),
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
            Event::ConnectionAwaited(fact) => {
                self.id = Some(fact.service_point_id);
                self.awaited = Some(fact.application_id);
            }
            Event::ConnectionMade(fact) => {
                self.awaited = None;
                self.connected = Some(fact.application_id);
            }
            Event::ConnectionForgone(_) => self.awaited = None,
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

    /// An agreement on the terms on which it started.
    pub fn agreement(&self, agreement_id: AgreementId) -> Option<&Agreement> {
        self.agreements.get(&agreement_id).map(Course::terms)
    }

    /// From which day an agreement runs, and the day after its last if it has ended.
    pub fn course(&self, agreement_id: AgreementId) -> Option<(NaiveDate, Option<NaiveDate>)> {
        self.agreements.get(&agreement_id).map(|course| (course.terms().from, course.to()))
    }

    /// The days of a period in runs on which one tariff series applies to an agreement.
    pub fn series_during(&self, agreement_id: AgreementId, period: BillingPeriod) -> Vec<(BillingPeriod, &Code)> {
        let Some(course) = self.agreements.get(&agreement_id) else { return vec![] };
        let changes = course.series.keys().copied().filter(|day| period.contains(*day) && *day != period.from());
        let borders: Vec<_> = [period.from()].into_iter().chain(changes).chain([period.to()]).collect();
        let runs = borders.windows(2).filter_map(|pair| BillingPeriod::new(pair[0], pair[1]).ok());
        runs.map(|days| (days, course.series_on(days.from()))).collect()
    }

    /// The read cycle of an agreement on a date.
    pub fn read_cycle_on(&self, agreement_id: AgreementId, date: NaiveDate) -> Option<ReadCycleId> {
        self.agreements.get(&agreement_id).map(|course| course.cycle_on(date))
    }

    /// The meter that measures the service now.
    pub fn meter(&self) -> Option<MeterId> {
        self.meter
    }

    /// The application that is to be connected here, if one is.
    pub fn awaited(&self) -> Option<ApplicationId> {
        self.awaited
    }

    /// The application that was last connected here.
    pub fn connected(&self) -> Option<ApplicationId> {
        self.connected
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
