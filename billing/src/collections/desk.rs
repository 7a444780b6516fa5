//! The desk that raises orders to cut, lifts those that have lost their reason, and hands to meters what was read on the way.
//!
//! It follows the log from where it had come to, for ever, and each thing that it asks has an id that follows from the event: seen again after
//! a crash, it is found done. Which orders are open it learns from the log too, and so it knows exactly those that were there before the payment
//! that it hears of; an order that comes after the payment is looked at when the desk hears of the order. Each fact is judged by what was known
//! at it, so that a desk that comes late lifts what it would have lifted in time, as of the same moments.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use daftar_domain::{
    BillingEvent, Decider, Position, Recorded, StreamName,
    account::{self, Account},
    disconnection::{
        self, Command, Disconnection, DisconnectionExecuted, DisconnectionRequested, Moment, ReconnectionExecuted, RequestDisconnection,
        Way,
    },
    dunning::{self, Action, Dunning, DunningHeld, DunningStepTaken},
    ids::{AccountId, DisconnectionId, MeterId, ReadingId, created_id},
    meter::{self, Meter, Reading, ReadingContext, ReadingKind, RecordReading},
    policy,
};
use daftar_projections::{chain, elected, in_office};
use daftar_store::{CommandContext, Followed, Scope};
use futures::{StreamExt, TryStreamExt};
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::sleep;

use super::{Collections, Unknown};
use crate::{
    follower::{self, Interruption, advance, reached},
    refusals,
};

/// By which its place in the log is remembered.
const NAME: &str = "collections";

const REQUEST: &str = "requestDisconnection";
const LIFT: &str = "liftDisconnection";
const RECORD: &str = "recordReadingOfOrder";

const CATEGORIES: &[&str] = &[Account::CATEGORY, Disconnection::CATEGORY, Dunning::CATEGORY];

/// Before what failed is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Any number of processes may run it; one of them works.
#[derive(Clone, Debug)]
pub struct Desk {
    collections: Collections,
    database: PgConnectOptions,
}

/// The orders that may yet be cut, or are.
type Open = HashMap<AccountId, BTreeMap<DisconnectionId, MeterId>>;

impl Desk {
    pub fn new(collections: Collections, database: PgConnectOptions) -> Self {
        Self { collections, database }
    }

    /// For ever; whatever fails is tried again.
    pub async fn keep(&self) {
        loop {
            let interruption = match self.follow().await {
                Ok(()) => Interruption::LogEnded,
                Err(interruption) => interruption,
            };
            tracing::warn!(reason = %chain(&interruption), "the desk of collections was interrupted; trying again");
            sleep(PAUSE).await;
        }
    }

    async fn follow(&self) -> Result<(), Interruption> {
        let mut db = PgConnection::connect_with(&self.database).await?;
        elected(&mut db, "daftar collections").await?;
        let reached = reached(&mut db, NAME).await?;
        let mut open = self.open_until(reached).await?;
        let mut waiting = self.collections.engine.store().subscribe(reached, Scope::categories(CATEGORIES));
        while let Some(followed) = in_office(&mut db, waiting.next()).await? {
            match followed? {
                Followed::Event(stored) => {
                    let fact = stored.decode_billing().map_err(|unreadable| Interruption::Execution(unreadable.into()))?;
                    if self.hear(&fact, &mut open).await? {
                        advance(&mut db, NAME, fact.position).await?;
                    }
                }
                Followed::Checkpoint(position) => advance(&mut db, NAME, position).await?,
                Followed::CaughtUp => {}
            }
        }
        Ok(())
    }

    /// What the log says of orders up to where the desk had come.
    async fn open_until(&self, reached: Option<Position>) -> Result<Open, Interruption> {
        let mut open = Open::default();
        let Some(reached) = reached else { return Ok(open) };
        let mut orders = self.collections.engine.store().read_all(None, Scope::categories(&[Disconnection::CATEGORY]));
        while let Some(stored) = orders.try_next().await?.filter(|stored| stored.position <= reached) {
            let fact = stored.decode_billing().map_err(|unreadable| Interruption::Execution(unreadable.into()))?;
            if let BillingEvent::Disconnection(event) = &fact.event {
                note(&mut open, DisconnectionId::new(fact.stream.id()), event);
            }
        }
        Ok(open)
    }

    /// All that the log asks from a position on, once, for whoever tells a history; how far it was read.
    pub async fn carry_out(&self, after: Option<Position>) -> Result<Option<Position>, Interruption> {
        let (mut reached, mut open) = (after, self.open_until(after).await?);
        loop {
            let store = self.collections.engine.store();
            let stored: Vec<_> = store.read_all(reached, Scope::categories(CATEGORIES)).try_collect().await?;
            let Some(last) = stored.last() else { return Ok(reached) };
            reached = Some(last.position);
            for stored in stored {
                let fact = stored.decode_billing().map_err(|unreadable| Interruption::Execution(unreadable.into()))?;
                self.hear(&fact, &mut open).await?;
            }
        }
    }

    /// Does what the fact asks; whether it asked anything.
    async fn hear(&self, fact: &Recorded<BillingEvent>, open: &mut Open) -> Result<bool, Interruption> {
        match &fact.event {
            BillingEvent::Dunning(dunning::Event::DunningStepTaken(step)) if step.action == Action::OrderDisconnection => {
                self.raise(fact, step, open).await?;
            }
            BillingEvent::Dunning(dunning::Event::DunningHeld(DunningHeld { account_id, .. })) => {
                self.reconsider(fact, *account_id, open).await?;
            }
            BillingEvent::Disconnection(event) => {
                let id = DisconnectionId::new(fact.stream.id());
                note(open, id, event);
                return self.hear_of_order(fact, id, event).await;
            }
            BillingEvent::Account(event) if lessens(event) => {
                let account_id = AccountId::new(fact.stream.id());
                if !open.contains_key(&account_id) {
                    return Ok(false);
                }
                self.reconsider(fact, account_id, open).await?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn hear_of_order(
        &self,
        fact: &Recorded<BillingEvent>,
        id: DisconnectionId,
        event: &disconnection::Event,
    ) -> Result<bool, Interruption> {
        use disconnection::Event;
        match event {
            // What the order was decided on may have changed while it was decided.
            Event::DisconnectionRequested(_) | Event::DisconnectionDispatched(_) => self.reconsider_one(fact, id).await?,
            Event::DisconnectionExecuted(DisconnectionExecuted { meter_id, at, reading, .. }) => {
                self.record(fact, id, *meter_id, *at, *reading).await?;
                self.reconsider_one(fact, id).await?;
            }
            Event::ReconnectionExecuted(ReconnectionExecuted { meter_id, at, reading, .. }) => {
                self.record(fact, id, *meter_id, *at, *reading).await?;
            }
            Event::DisconnectionApproved(_)
            | Event::DisconnectionScheduled(_)
            | Event::DisconnectionFailed(_)
            | Event::DisconnectionRecalled(_)
            | Event::DisconnectionCancelled(_)
            | Event::SwitchUnanswered(_)
            | Event::ReconnectionRequested(_)
            | Event::ReconnectionDispatched(_)
            | Event::ReconnectionFailed(_)
            | Event::ReconnectionFellLate(_) => return Ok(false),
        }
        Ok(true)
    }

    /// What whoever turned the switch has read is the meter's reading, if the meter believes it. The order goes on either way.
    async fn record(
        &self,
        fact: &Recorded<BillingEvent>,
        id: DisconnectionId,
        meter_id: MeterId,
        at: Moment,
        reading: Option<Decimal>,
    ) -> Result<(), Interruption> {
        let Some(value) = reading else { return Ok(()) };
        let context = self.context(fact, RECORD, policy::request_id(fact.id, RECORD));
        let stream = StreamName::of::<Meter>(meter_id);
        let way = self.collections.look::<Disconnection>(id).await.map_err(unread)?.way();
        let meter = self.collections.look::<Meter>(meter_id).await.map_err(unread)?;
        let register = match meter.only_register() {
            Ok(Some(register)) => register.clone(),
            Ok(None) => {
                return refusals::refused(&self.collections.engine, &context, &stream, "nobody has said which register was read").await;
            }
            Err(rejection) => return refusals::refused(&self.collections.engine, &context, &stream, &rejection.to_string()).await,
        };
        let kind = match way {
            Some(Way::HeadEnd) => ReadingKind::Smart,
            Some(Way::Crew) | None => ReadingKind::Manual,
        };
        let reading_id = ReadingId::new(created_id(context.command_id, Meter::CATEGORY));
        let reading = Reading { reading_id, register, kind, value, taken_on: at.date_naive(), taken_at: at.to_utc() };
        let ReadingContext { received_at, validation, true_up } = ReadingContext::usual(fact.metadata.recorded_at);
        let wish = RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up };
        refusals::ask::<Meter>(&self.collections.engine, &context, &stream, meter::Command::RecordReading(wish)).await
    }

    /// An order for each meter of the account that has none.
    async fn raise(&self, fact: &Recorded<BillingEvent>, step: &DunningStepTaken, open: &Open) -> Result<(), Interruption> {
        let account = self.collections.look::<Account>(step.account_id).await.map_err(unread)?;
        let before = open.get(&step.account_id);
        for meter_id in account.meters().filter(|meter_id| before.is_none_or(|open| open.values().all(|ordered| ordered != meter_id))) {
            let command_id = policy::request_id(policy::request_id(fact.id, REQUEST), &meter_id.to_string());
            let disconnection_id = DisconnectionId::new(created_id(command_id, Disconnection::CATEGORY));
            let wish = RequestDisconnection {
                disconnection_id,
                account_id: step.account_id,
                meter_id,
                way: self.collections.way(meter_id).await.map_err(unread)?,
                owed: step.owed,
                at: self.collections.moment(fact.metadata.recorded_at),
            };
            let (context, stream) = (self.context(fact, REQUEST, command_id), StreamName::of::<Disconnection>(disconnection_id));
            refusals::ask::<Disconnection>(&self.collections.engine, &context, &stream, Command::RequestDisconnection(wish)).await?;
        }
        Ok(())
    }

    async fn reconsider(&self, fact: &Recorded<BillingEvent>, account_id: AccountId, open: &Open) -> Result<(), Interruption> {
        for id in open.get(&account_id).into_iter().flat_map(BTreeMap::keys) {
            self.reconsider_one(fact, *id).await?;
        }
        Ok(())
    }

    /// Lifts the order if it has lost its reason: at the moment at which that was recorded, from which its clock runs.
    async fn reconsider_one(&self, fact: &Recorded<BillingEvent>, id: DisconnectionId) -> Result<(), Interruption> {
        let order = self.collections.look::<Disconnection>(id).await.map_err(unread)?;
        let Some(account_id) = order.account_id() else { return Ok(()) };
        let account = self.as_of::<Account>(account_id, fact.position).await?;
        let dunning = self.as_of::<Dunning>(account_id, fact.position).await?;
        let at = self.collections.moment(fact.metadata.recorded_at);
        let held = dunning.held(at.date_naive());
        let Some(cause) = order.cause_to_lift(account.receivable(), &self.collections.terms().ladder, held) else { return Ok(()) };
        let lift = self.collections.lift(id, at, cause).await.map_err(unread)?;
        let command_id = policy::request_id(policy::request_id(fact.id, LIFT), &id.to_string());
        refusals::ask::<Disconnection>(
            &self.collections.engine,
            &self.context(fact, LIFT, command_id),
            &StreamName::of::<Disconnection>(id),
            lift,
        )
        .await
    }

    /// A stream as it stood when the fact was recorded. What came later is heard of later, and has its own moment.
    async fn as_of<D: Decider>(&self, id: impl Into<uuid::Uuid>, position: Position) -> Result<D, Interruption> {
        let mut events = self.collections.engine.store().read(&StreamName::of::<D>(id), 0);
        let mut state = D::default();
        while let Some(stored) = events.try_next().await?.filter(|stored| stored.position <= position) {
            let fact = stored.decode::<D::Event>().map_err(|unreadable| Interruption::Execution(unreadable.into()))?;
            state = state.evolve(&fact.event);
        }
        Ok(state)
    }

    fn context(&self, fact: &Recorded<BillingEvent>, name: &str, command_id: uuid::Uuid) -> CommandContext {
        follower::because_of(&self.collections.engine, fact, name, command_id)
    }
}

/// What may leave less to pay, or less that may be asked for.
fn lessens(event: &account::Event) -> bool {
    use account::Event;
    matches!(
        event,
        Event::CreditAllocated(_)
            | Event::DebtWrittenOff(_)
            | Event::OpeningBalanceReversed(_)
            | Event::ItemDisputed(_)
            | Event::PlanAgreed(_)
            | Event::RebillBegun(_)
    )
}

fn note(open: &mut Open, id: DisconnectionId, event: &disconnection::Event) {
    use disconnection::Event;
    match event {
        Event::DisconnectionRequested(DisconnectionRequested { account_id, meter_id, .. }) => {
            open.entry(*account_id).or_default().insert(id, *meter_id);
        }
        // One of these is in every order's stream by the time that nothing is left to lift.
        Event::DisconnectionCancelled(_) | Event::ReconnectionExecuted(_) => open.retain(|_, orders| {
            orders.remove(&id);
            !orders.is_empty()
        }),
        Event::DisconnectionApproved(_)
        | Event::DisconnectionScheduled(_)
        | Event::DisconnectionDispatched(_)
        | Event::DisconnectionExecuted(_)
        | Event::DisconnectionFailed(_)
        | Event::DisconnectionRecalled(_)
        | Event::SwitchUnanswered(_)
        | Event::ReconnectionRequested(_)
        | Event::ReconnectionDispatched(_)
        | Event::ReconnectionFailed(_)
        | Event::ReconnectionFellLate(_) => {}
    }
}

fn unread(unknown: Unknown) -> Interruption {
    Interruption::Execution(unknown.into())
}
