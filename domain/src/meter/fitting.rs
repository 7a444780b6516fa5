//! Putting the meter up and taking it down, with the readings that make sure nothing it measures is lost.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Breaker, EstimateReading, Event, Meter, Reading, ReadingContext, ReadingKind, Rejection, Seal, Status, readings::Installation,
};
use crate::{
    Code, Decider, Reason, Service,
    ids::{AccountId, MeterId, PremisesId, ReadingId},
};

/// The meter goes up. That no other measures the service there is for the service point to decide, and that the fee is paid for the
/// application, both before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstallMeter {
    pub premises_id: PremisesId,
    pub account_id: AccountId,
    pub service: Service,
    pub on: NaiveDate,
    pub breaker: Breaker,
    pub seals: Vec<Seal>,
    /// One for each register.
    pub initial_reads: Vec<Reading>,
    /// The application or order it is reserved for, if it is.
    pub reserved_for: Option<Uuid>,
    /// The meter whose place it takes.
    pub replaces: Option<MeterId>,
    pub context: ReadingContext,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoveMeter {
    pub takedown: Takedown,
}

/// Another meter takes its place. The successor's own installation names this one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExchangeMeter {
    pub successor: MeterId,
    pub takedown: Takedown,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Takedown {
    pub on: NaiveDate,
    pub reason: Reason,
    pub final_reads: Vec<Reading>,
    /// For a dial that could not be read: burnt, stolen, blank.
    pub estimates: Vec<EstimateReading>,
    pub context: ReadingContext,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterInstalled {
    pub premises_id: PremisesId,
    /// The account that had it put up. Who is billed since is the service point's to say.
    pub account_id: AccountId,
    pub service: Service,
    pub on: NaiveDate,
    pub breaker: Breaker,
    pub seals: Vec<Seal>,
    pub initial_reads: Vec<ReadingId>,
    pub replaces: Option<MeterId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterRemoved {
    pub on: NaiveDate,
    pub reason: Reason,
    /// One for each register; the estimated ones are marked as such where they stand.
    pub final_reads: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterExchanged {
    pub successor: MeterId,
    pub on: NaiveDate,
    pub reason: Reason,
    pub final_reads: Vec<ReadingId>,
}

impl Meter {
    pub(super) fn install(&self, wish: InstallMeter) -> Result<Vec<Event>, Rejection> {
        let InstallMeter { premises_id, account_id, service, on, breaker, seals, initial_reads, reserved_for, replaces, context } = wish;
        let ids = initial_reads.iter().map(|reading| reading.reading_id).collect();
        let installed = MeterInstalled { premises_id, account_id, service, on, breaker, seals, initial_reads: ids, replaces };
        match self.status()? {
            Status::InStock => {}
            Status::Reserved if self.reserved_for == reserved_for => {}
            Status::Reserved => return Err(Rejection::ReservedForAnother),
            Status::Installed | Status::Disconnected if self.installed.as_ref() == Some(&installed) => {
                return self.readings_of(initial_reads, &context).map(|(events, _)| events);
            }
            Status::Installed | Status::Disconnected => return Err(Rejection::AlreadyInstalled),
            other @ (Status::Removed | Status::OnBench | Status::Scrapped) => return Err(Rejection::NotWhile(other)),
        }
        if self.certified_until.is_some_and(|last| last < on) {
            return Err(Rejection::CertificateExpired);
        }
        // Strictly after: on one day, a reading could belong to either place.
        match self.installations.last().and_then(|installation| installation.to) {
            Some(removed_on) if on <= removed_on => return Err(Rejection::OutOfOrder { since: removed_on }),
            Some(_) | None => {}
        }
        self.components.check_new(&installed.seals)?;
        self.one_for_each_register(&initial_reads, &[], ReadingKind::Initial, on)?;
        let installed = Event::from(installed);
        let (events, _) = self.clone().evolve(&installed).readings_of(initial_reads, &context)?;
        Ok([vec![installed], events].concat())
    }

    pub(super) fn remove(&self, wish: RemoveMeter) -> Result<Vec<Event>, Rejection> {
        self.take_down(wish.takedown, |on, reason, final_reads| MeterRemoved { on, reason, final_reads }.into())
    }

    pub(super) fn exchange(&self, wish: ExchangeMeter) -> Result<Vec<Event>, Rejection> {
        let ExchangeMeter { successor, takedown } = wish;
        if self.device()?.meter_id == successor {
            return Err(Rejection::ExchangedForItself);
        }
        self.take_down(takedown, |on, reason, final_reads| MeterExchanged { successor, on, reason, final_reads }.into())
    }

    /// The meter comes down with a last figure for each register, so that nothing it measured is lost.
    fn take_down(
        &self,
        takedown: Takedown,
        fact: impl FnOnce(NaiveDate, Reason, Vec<ReadingId>) -> Event,
    ) -> Result<Vec<Event>, Rejection> {
        let Takedown { on, reason, final_reads, estimates, context } = takedown;
        let read = final_reads.iter().map(|reading| reading.reading_id);
        let down = fact(on, reason, read.chain(estimates.iter().map(|estimate| estimate.reading_id)).collect());
        match self.status()? {
            Status::Installed | Status::Disconnected => {}
            Status::Removed if self.taken_down.as_ref() == Some(&down) => {
                return self.readings_of(final_reads, &context).map(|(events, _)| events);
            }
            other @ (Status::InStock | Status::Reserved | Status::Removed | Status::OnBench | Status::Scrapped) => {
                return Err(Rejection::NotWhile(other));
            }
        }
        self.not_before(on)?;
        self.one_for_each_register(&final_reads, &estimates, ReadingKind::Final, on)?;
        let (mut events, mut after) = self.readings_of(final_reads, &context)?;
        for estimate in estimates {
            let estimated = after.estimate(estimate)?;
            after = estimated.iter().fold(after, Self::evolve);
            events.extend(estimated);
        }
        events.push(down);
        Ok(events)
    }

    /// The events of several readings, and the meter after them.
    fn readings_of(&self, readings: Vec<Reading>, context: &ReadingContext) -> Result<(Vec<Event>, Self), Rejection> {
        let mut events = Vec::new();
        let mut after = self.clone();
        for reading in readings {
            let recorded = after.record_within(reading, context)?;
            after = recorded.iter().fold(after, Self::evolve);
            events.extend(recorded);
        }
        Ok((events, after))
    }

    fn one_for_each_register(
        &self,
        reads: &[Reading],
        estimates: &[EstimateReading],
        kind: ReadingKind,
        on: NaiveDate,
    ) -> Result<(), Rejection> {
        let registers = &self.device()?.registers;
        for register in registers {
            let read = reads.iter().filter(|reading| reading.register == register.code);
            let estimated = estimates.iter().filter(|estimate| estimate.register == register.code);
            if read.count() + estimated.count() != 1 {
                return Err(Rejection::OneReadPerRegister(register.code.clone()));
            }
        }
        let known = |code: &Code| registers.iter().any(|register| register.code == *code);
        let codes = reads.iter().map(|reading| &reading.register).chain(estimates.iter().map(|estimate| &estimate.register));
        if let Some(unknown) = codes.into_iter().find(|code| !known(code)) {
            return Err(Rejection::NoSuchRegister(unknown.clone()));
        }
        let fits = |reading: &Reading| reading.kind == kind && reading.taken_on == on;
        if !reads.iter().all(fits) || estimates.iter().any(|estimate| estimate.taken_on != on) {
            return Err(Rejection::NotAReadOfThatDay { kind, on });
        }
        Ok(())
    }

    pub(super) fn put_up(&mut self, fact: &MeterInstalled) {
        self.move_to(Status::Installed, fact.on);
        self.reserved_for = None;
        self.components.fitted(fact);
        let installation = Installation { premises_id: fact.premises_id, from: fact.on, to: None, disconnections: vec![] };
        self.installations.push(installation);
        self.installed = Some(fact.clone());
    }

    pub(super) fn put_down(&mut self, on: NaiveDate, fact: Event) {
        self.move_to(Status::Removed, on);
        self.components.taken_off(on);
        if let Some(installation) = self.installations.last_mut() {
            installation.to = Some(on);
        }
        self.installed = None;
        self.taken_down = Some(fact);
    }
}
