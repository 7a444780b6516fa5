//! Deals with head-ends: what was planned is sent out, what is out is asked about, what was recalled is called back, and the clock is looked at.
//!
//! Schedule, do, record: an order says that it was sent before its head-end hears of it, and the head-end knows it by an id that follows from the
//! order. Whoever dies between two of these is followed by whoever asks next. Nobody guesses: what a head-end has not said is unanswered, and
//! stays so until it says it.

use std::time::Duration;

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use daftar_domain::{
    Actor, CommandHash, Reason, StreamName,
    disconnection::{
        CheckClock, Command, Disconnection, DispatchReconnection, Done, Errand, Moment, NotDone, NoteSwitchUnanswered, Rejection, Stage,
        Turn, Way,
    },
    ids::DisconnectionId,
    meter::Meter,
    policy,
};
use daftar_projections::collections::to_do;
use daftar_store::{CommandContext, ExecuteError, Outcome as Executed};
use futures::{StreamExt, stream};
use sqlx::PgPool;
use thiserror::Error;
use tokio::time::sleep;

use super::{Collections, Source, Unknown};
use crate::{
    gateway::NotGenuine,
    head_end::{HeadEnd, MeterSwitch, Outcome, Report, SwitchError, SwitchOrder},
    refusals::{self, Refused},
};

/// Who speaks for the head-ends in the log.
const ACTOR: &str = "head end";

const SWITCH: &str = "switchMeter";

/// Orders that are dealt with at one time.
const AT_ONCE: usize = 16;

const PAGE: u32 = 1_000;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a head-end is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From a command to the word that it was carried out.
    pub answer: TimeDelta,
    /// After the first command that was not answered; the next pauses are twice as long each.
    pub first_pause: TimeDelta,
    pub longest_pause: TimeDelta,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: TimeDelta::minutes(5), first_pause: TimeDelta::seconds(30), longest_pause: TimeDelta::minutes(30) }
    }
}

impl Patience {
    fn pause(self, attempt: u32) -> TimeDelta {
        let doubled = 2_i32.checked_pow(attempt.saturating_sub(1)).and_then(|times| self.first_pause.checked_mul(times));
        doubled.unwrap_or(self.longest_pause).min(self.longest_pause)
    }
}

#[derive(Debug, Error)]
pub enum HearError {
    #[error("this deployment has no head-end")]
    NoHeadEnd,
    #[error(transparent)]
    NotGenuine(#[from] NotGenuine),
    #[error("there is no such order")]
    NoSuchOrder,
    /// To be told again.
    #[error("what the head-end says could not be recorded")]
    Store(#[source] Source),
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub looked_after: u64,
    /// What was out of reach, and is left to the next round.
    pub put_off: u64,
}

/// All that deals with head-ends. Cheap to clone. Any number of processes may: whatever is asked twice is one thing.
#[derive(Clone, Debug)]
pub struct Switching {
    collections: Collections,
    head_end: HeadEnd,
    patience: Patience,
}

impl Switching {
    /// Without a head-end smart meters wait for a crew or a head-end, and the clock is looked at all the same.
    pub fn new(collections: Collections, head_end: HeadEnd, patience: Patience) -> Self {
        Self { collections, head_end, patience }
    }

    /// Round after round, for ever.
    pub async fn look_after(&self, read_models: &PgPool) {
        loop {
            match self.round(read_models, self.collections.engine.now()).await {
                Ok(Round { put_off: 0, .. }) => {}
                Ok(round) => tracing::info!(?round, "orders were looked after"),
                Err(error) => tracing::warn!(error, "orders cannot be looked after; trying again"),
            }
            sleep(PAUSE).await;
        }
    }

    /// Everything that may be to be done by itself, once.
    pub async fn round(&self, read_models: &PgPool, now: DateTime<Utc>) -> Result<Round, Source> {
        let (mut round, mut after) = (Round::default(), None);
        loop {
            let page = to_do(read_models, after, PAGE).await?;
            let Some(last) = page.last().copied() else { return Ok(round) };
            let mut done = stream::iter(page).map(|id| async move { (id, self.drive(id, now).await) }).buffer_unordered(AT_ONCE);
            while let Some((id, done)) = done.next().await {
                round.looked_after += 1;
                if let Err(error) = done {
                    round.put_off += 1;
                    tracing::warn!(%id, error, "an order cannot be looked after; trying again");
                }
            }
            after = Some(last);
        }
    }

    /// Does for one order what its time has come for.
    pub async fn drive(&self, id: DisconnectionId, now: DateTime<Utc>) -> Result<(), Source> {
        let at = self.collections.moment(now);
        let order = self.look(id).await?;
        let reachable = order.way() == Some(Way::HeadEnd) && self.head_end.get().is_some();
        match order.stage() {
            Some(Stage::Scheduled { planned_for }) if reachable && planned_for <= at => {
                self.send_to_cut(id, &order, at).await?;
            }
            Some(Stage::Restoring { due_by, attempts, out, late }) => {
                if !late && at > due_by {
                    self.ask(id, "clock", now, Command::CheckClock(CheckClock { at })).await?;
                }
                let rested = attempts == 0 || order.sent_at().is_none_or(|sent_at| at >= sent_at + self.patience.pause(attempts));
                if reachable && !out && rested {
                    self.send_to_restore(id, attempts, at).await?;
                }
            }
            _ => {}
        }
        match self.look(id).await?.errand() {
            Some(errand) if errand.way == Way::HeadEnd => self.run(id, errand, now).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Sends it out, if the law allows it. Why not, if not: recorded once for each attempt.
    async fn send_to_cut(&self, id: DisconnectionId, order: &Disconnection, at: Moment) -> Result<bool, Source> {
        let dispatch = self.collections.dispatch(id, at).await?;
        self.ask(id, &format!("cut {}", order.attempts() + 1), at.to_utc(), dispatch).await
    }

    async fn send_to_restore(&self, id: DisconnectionId, attempts: u32, at: Moment) -> Result<bool, Source> {
        let dispatch = Command::DispatchReconnection(DispatchReconnection { at });
        self.ask(id, &format!("restore {}", attempts + 1), at.to_utc(), dispatch).await
    }

    /// Tells the head-end what is to be done, again if need be: told twice, it answers what has become of it.
    async fn run(&self, id: DisconnectionId, errand: Errand, now: DateTime<Utc>) -> Result<(), Source> {
        let Some(head_end) = self.head_end.get() else { return Ok(()) };
        let meter = self.collections.look::<Meter>(errand.meter_id).await?;
        let device = meter.device()?;
        let Errand { switch_id, turn, .. } = errand;
        let order = SwitchOrder { switch_id, disconnection_id: id, turn, maker: device.maker.clone(), serial: device.serial.clone() };
        let at = self.collections.moment(now);
        let mut attempt = errand.attempt;
        if errand.recalled {
            return self.call_back(head_end, &order, now).await;
        }
        if let Some(unanswered_at) = errand.unanswered_at {
            if at < unanswered_at + self.patience.pause(attempt) {
                return Ok(());
            }
            let sent = match turn {
                Turn::Off => self.send_to_cut(id, &self.look(id).await?, at).await?,
                Turn::On => self.send_to_restore(id, attempt, at).await?,
            };
            if !sent {
                // By now the law forbids what may be on its way: it is not to happen later either.
                return self.call_back(head_end, &order, now).await;
            }
            attempt += 1;
        }
        let silent = |since: Moment| at - since >= self.patience.answer;
        match head_end.turn(&order).await {
            Ok(Report { outcome: Outcome::Pending, .. }) if !silent(errand.sent_at) => Ok(()),
            Ok(Report { outcome: Outcome::Pending, .. }) => self.unanswered(id, attempt, at).await,
            Ok(report) => self.believe(report, now).await,
            Err(SwitchError::Refused { cause }) => {
                let report = Report { switch_id, disconnection_id: id, turn, at: now, outcome: Outcome::Failed { cause } };
                self.believe(report, now).await
            }
            Err(SwitchError::NoAnswer(error)) => {
                tracing::warn!(%id, %error, "a head-end gives no answer");
                self.unanswered(id, attempt, at).await
            }
        }
    }

    async fn unanswered(&self, id: DisconnectionId, attempt: u32, at: Moment) -> Result<(), Source> {
        let note = Command::NoteSwitchUnanswered(NoteSwitchUnanswered { attempt, at });
        self.ask(id, &CommandHash::of(&note).to_string(), at.to_utc(), note).await.map(drop)
    }

    async fn call_back(&self, head_end: &dyn MeterSwitch, order: &SwitchOrder, now: DateTime<Utc>) -> Result<(), Source> {
        match head_end.call_back(order).await {
            Ok(report) => self.believe(report, now).await,
            Err(error) => {
                tracing::warn!(id = %order.disconnection_id, %error, "a head-end cannot be called back");
                Ok(())
            }
        }
    }

    /// What a head-end calls to say. Whatever was recorded before is recorded no second time.
    pub async fn hear(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<(), HearError> {
        let report = self.head_end.get().ok_or(HearError::NoHeadEnd)?.hear(headers, body, now)?;
        let order = self.look(report.disconnection_id).await.map_err(|unknown| HearError::Store(unknown.into()))?;
        if order.account_id().is_none() {
            return Err(HearError::NoSuchOrder);
        }
        self.believe(report, now).await.map_err(HearError::Store)
    }

    /// Records what a head-end says. That a switch was turned is believed of whatever command; that it was not, of the one that is out alone.
    async fn believe(&self, report: Report, now: DateTime<Utc>) -> Result<(), Source> {
        let Report { switch_id, disconnection_id: id, turn, at, outcome } = report;
        let at = self.collections.moment(at.min(now));
        let is_out = || async { Ok::<_, Source>(self.look(id).await?.errand().is_some_and(|errand| errand.switch_id == switch_id)) };
        let not_done = |reason: String| Ok::<_, Source>(NotDone { at, reason: Reason::new(reason)? });
        let command = match (outcome, turn) {
            (Outcome::Pending, _) => return Ok(()),
            (Outcome::Done { reading }, turn) => {
                let done = Done { at, reading, seal: None, photo: None };
                match turn {
                    Turn::Off => Command::ReportDisconnected(done),
                    Turn::On => Command::ReportReconnected(done),
                }
            }
            (Outcome::Failed { .. } | Outcome::CalledBack, _) if !is_out().await? => return Ok(()),
            (Outcome::Failed { cause }, Turn::Off) => Command::ReportNotDisconnected(not_done(format!("head-end: {cause}"))?),
            (Outcome::Failed { cause }, Turn::On) => Command::ReportNotReconnected(not_done(format!("head-end: {cause}"))?),
            (Outcome::CalledBack, Turn::Off) => Command::ReportNotDisconnected(not_done("head-end: called back".to_owned())?),
            (Outcome::CalledBack, Turn::On) => Command::ReportNotReconnected(not_done("head-end: called back".to_owned())?),
        };
        self.ask(id, &CommandHash::of(&command).to_string(), now, command).await.map(drop)
    }

    /// Whether the rules agreed; what they refuse is recorded, for somebody to look at.
    async fn ask(&self, id: DisconnectionId, what: &str, now: DateTime<Utc>, command: Command) -> Result<bool, Source> {
        let stream = StreamName::of::<Disconnection>(id);
        let command_id = policy::request_id(id.into(), what);
        let context = CommandContext { command_id, ..CommandContext::new(Actor::job(ACTOR), SWITCH, &now.to_rfc3339(), now) };
        match self.collections.engine.execute::<Disconnection>(&stream, &context, command).await {
            // Another process has asked for the same a moment ago.
            Ok(Executed::Recorded { .. } | Executed::AlreadyTrue { .. }) | Err(ExecuteError::IdempotencyKeyReused { .. }) => Ok(true),
            Err(ExecuteError::Rejected(rejection)) => {
                let reason = rejection.to_string();
                let refused = Refused { policy: SWITCH, event_id: None, stream: &stream, reason: &reason };
                match rejection {
                    // It came to another end meanwhile.
                    Rejection::Recalled | Rejection::Cancelled | Rejection::AlreadyCut | Rejection::BeforeItsTime { .. } => {}
                    _ => refusals::note(&self.collections.engine, &context, refused).await?,
                }
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn look(&self, id: DisconnectionId) -> Result<Disconnection, Unknown> {
        self.collections.look::<Disconnection>(id).await
    }
}
