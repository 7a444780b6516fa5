//! The meter: what measures, where it is in its life, and everything it ever showed.
//!
//! Each file beside this one is a part of the meter with its commands, events and rules; they share one stream and one state.

mod components;
mod consumption;
mod correct;
mod device;
mod estimation;
pub mod example;
mod fitting;
mod lifecycle;
mod readings;
mod record;
mod rollover;
mod true_up;
mod validation;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;

pub use components::{
    ApplySeal, BreakSeal, Breaker, BreakerReplaced, ComponentFact, Components, ReplaceBreaker, ReplaceSeal, Seal, SealApplied, SealBroken,
    SealReplaced,
};
pub use consumption::usage_between;
pub use correct::{
    NoteBillCancelled, NoteReadingsBilled, ReadingReleased, ReadingReversed, ReadingsBilled, ReadingsUnbilled, ReleaseReading, Resolution,
    ReverseReading,
};
pub use device::{Device, Direction, MeterKind, MeterRegistered, Register, RegisterMeter, Unit};
pub use estimation::{EstimateReading, EstimationMethod, EstimationRules, ReadingEstimated};
pub use fitting::{ExchangeMeter, InstallMeter, MeterExchanged, MeterInstalled, MeterRemoved, RemoveMeter, Takedown};
pub use lifecycle::{
    DisconnectMeter, MeterDisconnected, MeterReconnected, MeterReserved, MeterScrapped, MeterTest, MeterTested, MeterUnreserved,
    ReconnectMeter, RecordTest, ReserveMeter, ScrapMeter, SendToBench, SentToBench, Status, UnreserveMeter,
};
use readings::{Installation, Neighbours, ReadingState, Readings};
pub use readings::{Reading, ReadingKind};
pub use record::{ReadingContext, ReadingHeld, ReadingRecorded, RecordReading};
pub use rollover::{Advance, RolloverRule};
pub use true_up::{EstimatesTruedUp, Overestimated, Settlement, TrueUpPart, TrueUpRules};
pub use validation::{Band, Check, Finding, Limit, Severity, ValidationRules};

use crate::{
    Code, Decider,
    ids::{InvoiceId, MeterTestId, ReadingId},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RegisterMeter(RegisterMeter),
    ReserveMeter(ReserveMeter),
    UnreserveMeter(UnreserveMeter),
    InstallMeter(InstallMeter),
    DisconnectMeter(DisconnectMeter),
    ReconnectMeter(ReconnectMeter),
    RemoveMeter(RemoveMeter),
    ExchangeMeter(ExchangeMeter),
    SendToBench(SendToBench),
    RecordTest(RecordTest),
    ScrapMeter(ScrapMeter),
    ReplaceBreaker(ReplaceBreaker),
    ApplySeal(ApplySeal),
    BreakSeal(BreakSeal),
    ReplaceSeal(ReplaceSeal),
    RecordReading(RecordReading),
    EstimateReading(EstimateReading),
    ReleaseReading(ReleaseReading),
    ReverseReading(ReverseReading),
    NoteReadingsBilled(NoteReadingsBilled),
    NoteBillCancelled(NoteBillCancelled),
}

events! {
    MeterRegistered 1
    MeterReserved 1
    MeterUnreserved 1
    MeterInstalled 1
    MeterDisconnected 1
    MeterReconnected 1
    MeterRemoved 1
    MeterExchanged 1
    SentToBench 1
    MeterTested 1
    MeterScrapped 1
    BreakerReplaced 1
    SealApplied 1
    SealBroken 1
    SealReplaced 1
    ReadingRecorded 1
    ReadingHeld 1
    ReadingEstimated 1
    ReadingReleased 1
    ReadingReversed 1
    EstimatesTruedUp 1
    ReadingsBilled 1
    ReadingsUnbilled 1
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such meter")]
    NotRegistered,
    #[error("the meter is already registered with other details")]
    AlreadyRegistered,
    #[error("a meter has at least one register")]
    NoRegister,
    #[error("register {0} is there twice")]
    RegisterTwice(Code),
    #[error("no meter has a register like {0}: 1 to 12 digits, up to 6 decimals, a multiplier above 0 and up to 1000000")]
    UnsoundRegister(Code),
    #[error("the meter has no register {0}")]
    NoSuchRegister(Code),
    #[error("not while the meter is {0}")]
    NotWhile(Status),
    #[error("the meter is reserved for another")]
    ReservedForAnother,
    #[error("the meter is already installed otherwise")]
    AlreadyInstalled,
    #[error("the meter's verification has expired")]
    CertificateExpired,
    #[error("the last that happened to the meter was on {since}")]
    OutOfOrder { since: NaiveDate },
    #[error("a meter is not exchanged for itself")]
    ExchangedForItself,
    #[error("test {0} is already recorded with another outcome")]
    TestIdReused(MeterTestId),
    #[error("a meter is sealed when it goes up")]
    SealMissing,
    #[error("seal {0} was used before")]
    SealUsedBefore(Code),
    #[error("there is no whole seal {0} on the meter")]
    NoSuchSeal(Code),
    #[error("breaker {0} is not the one at the meter")]
    NoSuchBreaker(Code),
    #[error("register {0} needs one reading, read or estimated")]
    OneReadPerRegister(Code),
    #[error("all readings must be of {on} and of the kind {kind:?}")]
    NotAReadOfThatDay { kind: ReadingKind, on: NaiveDate },
    #[error("the meter was not installed on {0}")]
    NotInstalledThen(NaiveDate),
    #[error("reading {0} is already there with other content")]
    ReadingIdReused(ReadingId),
    #[error("reading {with} shows another figure at the same time")]
    ConflictingReading { with: ReadingId },
    #[error("the register cannot show {0}")]
    NotAFigureOfTheDial(Decimal),
    #[error("the reading is refused: {0:?}")]
    ReadingRefused(Check),
    #[error("an estimate is reckoned, not recorded")]
    EstimatesAreReckoned,
    #[error("there is no reading {0}")]
    NoSuchReading(ReadingId),
    #[error("reading {0} is not held")]
    NotHeld(ReadingId),
    #[error("only a person may release a reading")]
    OnlyAPersonReleases,
    #[error("reading {0} is still below one before or above one after it")]
    StillNegative(ReadingId),
    #[error("reading {0} is no rollover")]
    NotARollover(ReadingId),
    #[error("reading {0} is not below the one before, so no reset shows")]
    NotAReset(ReadingId),
    #[error("invoice {0} stands on the reading and must be cancelled first, or with it")]
    Billed(InvoiceId),
    #[error("reading {0} was believed because of this one and must be reversed first")]
    NextReadingDependsOnIt(ReadingId),
    #[error("reading {0} does not count, so no bill can stand on it")]
    DoesNotCount(ReadingId),
    #[error("estimates gave way to a reading, and the bills on them must be cancelled first: {0:?}")]
    RebillFirst(Vec<InvoiceId>),
    #[error("a prepaid meter is not estimated")]
    PrepaidIsNotEstimated,
    #[error("there is nothing to estimate from")]
    NothingToEstimateFrom,
    #[error("reading {0} is as late or later")]
    LaterReadingKnown(ReadingId),
    #[error("no day has passed since the last reading")]
    NoDaysToEstimate,
    #[error("{estimates} estimates in a row: someone must read the meter")]
    VisitDue { estimates: usize },
    #[error("the estimate would pass the end of the dial twice")]
    EstimateTooLarge,
}

/// What the rules need to know of a meter's history.
#[derive(Clone, Debug)]
pub struct Meter {
    registered: Option<MeterRegistered>,
    status: Status,
    since: Option<NaiveDate>,
    reserved_for: Option<Uuid>,
    certified_until: Option<NaiveDate>,
    installed: Option<MeterInstalled>,
    taken_down: Option<Event>,
    installations: Vec<Installation>,
    components: Components,
    tests: Vec<MeterTest>,
    readings: Readings,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            registered: None,
            status: Status::InStock,
            since: None,
            reserved_for: None,
            certified_until: None,
            installed: None,
            taken_down: None,
            installations: Vec::new(),
            components: Components::default(),
            tests: Vec::new(),
            readings: Readings::default(),
        }
    }
}

impl Decider for Meter {
    const CATEGORY: &'static str = "meter";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::RegisterMeter(wish) => self.register(wish),
            Command::ReserveMeter(wish) => self.reserve(wish),
            Command::UnreserveMeter(wish) => self.unreserve(wish),
            Command::InstallMeter(wish) => self.install(wish),
            Command::DisconnectMeter(wish) => self.disconnect(wish),
            Command::ReconnectMeter(wish) => self.reconnect(wish),
            Command::RemoveMeter(wish) => self.remove(wish),
            Command::ExchangeMeter(wish) => self.exchange(wish),
            Command::SendToBench(wish) => self.send_to_bench(wish),
            Command::RecordTest(wish) => self.record_test(wish),
            Command::ScrapMeter(wish) => self.scrap(wish),
            Command::ReplaceBreaker(wish) => self.replace_breaker(wish),
            Command::ApplySeal(wish) => self.apply_seal(wish),
            Command::BreakSeal(wish) => self.break_seal(wish),
            Command::ReplaceSeal(wish) => self.replace_seal(wish),
            Command::RecordReading(wish) => self.record(wish),
            Command::EstimateReading(wish) => self.estimate(wish),
            Command::ReleaseReading(wish) => self.release(wish),
            Command::ReverseReading(wish) => self.reverse(wish),
            Command::NoteReadingsBilled(wish) => self.note_billed(wish),
            Command::NoteBillCancelled(wish) => self.note_bill_cancelled(wish),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::MeterRegistered(fact) => {
                self.certified_until = fact.device.certified_until;
                self.since = Some(fact.registered_on);
                self.registered = Some(fact.clone());
            }
            Event::MeterReserved(fact) => {
                self.status = Status::Reserved;
                self.reserved_for = Some(fact.reserved_for);
            }
            Event::MeterUnreserved(_) => {
                self.status = Status::InStock;
                self.reserved_for = None;
            }
            Event::MeterInstalled(fact) => self.put_up(fact),
            Event::MeterDisconnected(fact) => self.switched(fact.on, false),
            Event::MeterReconnected(fact) => self.switched(fact.on, true),
            Event::MeterRemoved(fact) => self.put_down(fact.on, event.clone()),
            Event::MeterExchanged(fact) => self.put_down(fact.on, event.clone()),
            Event::SentToBench(fact) => self.move_to(Status::OnBench, fact.on),
            Event::MeterTested(fact) => self.tested(&fact.test),
            Event::MeterScrapped(fact) => self.move_to(Status::Scrapped, fact.on),
            Event::BreakerReplaced(fact) => self.components.breaker_replaced(fact),
            Event::SealApplied(fact) => self.components.seal_applied(fact),
            Event::SealBroken(fact) => self.components.seal_broken(fact),
            Event::SealReplaced(fact) => self.components.seal_replaced(fact),
            Event::ReadingRecorded(fact) => self.readings.keep(&fact.reading, ReadingState::Standing),
            Event::ReadingHeld(fact) => self.readings.held(fact),
            Event::ReadingEstimated(fact) => self.readings.keep(&fact.reading, ReadingState::Standing),
            Event::ReadingReleased(fact) => self.readings.released(fact),
            Event::ReadingReversed(fact) => self.readings.reversed(fact),
            Event::EstimatesTruedUp(fact) => self.readings.trued_up(fact),
            Event::ReadingsBilled(fact) => self.readings.billed(fact.invoice_id, &fact.reading_ids),
            Event::ReadingsUnbilled(fact) => self.readings.unbilled(fact.invoice_id),
        }
        self
    }
}

impl Meter {
    /// Where it is, and for whom it measures.
    pub fn installed(&self) -> Option<&MeterInstalled> {
        self.installed.as_ref()
    }
}
