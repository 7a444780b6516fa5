//! Collections: how far dunning has come with each account and what holds it up, and the orders to cut and restore that came of it.

mod orders;
mod queries;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Decider, Money, Recorded,
    account::{self, Account, CompensationCredited},
    disconnection::{self, Disconnection},
    dunning::{self, Dunning, DunningEnded, DunningHeld, DunningHoldLifted, DunningStepTaken},
};
use uuid::Uuid;

pub use orders::{Entry, Filter, Lifted, Order, Stage, count, list, order, orders_of, timelines_of, to_do};
pub use queries::{
    Arrears, Case, Hold, Notice, Outcome, arrears, arrears_by_step, arrears_count, cases_of, holds_of, notices_of, outcomes,
};

use crate::{
    Projector,
    columns::{position, to_bigint, to_name},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Collections {
    dunning: Current<DunningRow>,
    notices: History<NoticeRow>,
    outcomes: History<OutcomeRow>,
    holds: Current<HoldRow>,
    orders: Current<OrderRow>,
    entries: History<EntryRow>,
}

rows! {
    struct DunningRow in dunning {
        account_id: Uuid,
        ladder: String,
        step: String,
        action: String,
        since: NaiveDate,
        taken_on: NaiveDate,
        currency: String,
        owed: i64,
        runs: bool,
        position: i64,
    }

    struct NoticeRow in notice {
        account_id: Uuid,
        ladder: String,
        step: String,
        action: String,
        channel: String,
        template: String,
        taken_on: NaiveDate,
        since: NaiveDate,
        currency: String,
        owed: i64,
        position: i64,
    }

    struct OutcomeRow in outcome {
        account_id: Uuid,
        step: String,
        action: String,
        since: NaiveDate,
        currency: String,
        owed: i64,
        cause: String,
        ended_on: NaiveDate,
        position: i64,
    }

    struct HoldRow in hold {
        hold_id: Uuid,
        account_id: Uuid,
        ground: String,
        currency: Option<String>,
        promised: Option<i64>,
        held_from: NaiveDate,
        held_until: Option<NaiveDate>,
        reason: String,
        lifted_on: Option<NaiveDate>,
        lift_reason: Option<String>,
        position: i64,
    }

    struct OrderRow in work_order {
        disconnection_id: Uuid,
        account_id: Uuid,
        meter_id: Uuid,
        way: String,
        stage: String,
        currency: String,
        owed: i64,
        requested_at: DateTime<Utc>,
        planned_for: Option<DateTime<Utc>>,
        attempts: i32,
        unanswered: bool,
        cut_at: Option<DateTime<Utc>>,
        lift_cause: Option<String>,
        lifted_at: Option<DateTime<Utc>>,
        due_by: Option<DateTime<Utc>>,
        fee: Option<i64>,
        terms_currency: Option<String>,
        compensation: Option<i64>,
        compensated_on: Option<NaiveDate>,
        restored_at: Option<DateTime<Utc>>,
        note: Option<String>,
        moved_at: DateTime<Utc>,
        revision: i64,
        position: i64,
    }

    struct EntryRow in entry {
        disconnection_id: Uuid,
        revision: i64,
        what: String,
        stage: String,
        actor: String,
        note: Option<String>,
        at: DateTime<Utc>,
        recorded_at: DateTime<Utc>,
        position: i64,
    }
}

keys! {
    DunningRow by account_id: Uuid;
    HoldRow by account_id: Uuid, hold_id: Uuid;
    OrderRow by disconnection_id: Uuid;
}

impl Projector for Collections {
    const NAME: &'static str = "collections";
    const VERSION: i32 = 2;
    const CATEGORIES: &'static [&'static str] = &[Account::CATEGORY, Disconnection::CATEGORY, Dunning::CATEGORY];
    const TABLES: &'static str = include_str!("../../models/collections/tables.sql");
    const INDEXES: &'static str = include_str!("../../models/collections/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::Dunning(event) => match event {
                dunning::Event::DunningStepTaken(event) => self.step_taken(fact, event),
                dunning::Event::DunningEnded(event) => self.ended(fact, event),
                dunning::Event::DunningHeld(event) => self.held(fact, event),
                dunning::Event::DunningHoldLifted(event) => self.hold_lifted(fact, event),
            },
            BillingEvent::Disconnection(event) => self.ordered(fact, event),
            BillingEvent::Account(account::Event::CompensationCredited(event)) => self.compensated(fact, event),
            _ => {}
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { dunning, notices, outcomes, holds, orders, entries } = self;
        vec![dunning, notices, outcomes, holds, orders, entries]
    }
}

impl Collections {
    fn step_taken(&mut self, fact: &Recorded<BillingEvent>, event: &DunningStepTaken) {
        let DunningStepTaken { account_id, ladder, step, action, channel, template, on, since, owed } = event;
        let Money { minor, currency } = *owed;
        self.dunning.put(DunningRow {
            account_id: (*account_id).into(),
            ladder: ladder.to_string(),
            step: step.to_string(),
            action: to_name(action),
            since: *since,
            taken_on: *on,
            currency: to_name(&currency),
            owed: minor,
            runs: true,
            position: position(fact),
        });
        self.notices.add(NoticeRow {
            account_id: (*account_id).into(),
            ladder: ladder.to_string(),
            step: step.to_string(),
            action: to_name(action),
            channel: to_name(channel),
            template: template.to_string(),
            taken_on: *on,
            since: *since,
            currency: to_name(&currency),
            owed: minor,
            position: position(fact),
        });
    }

    fn ended(&mut self, fact: &Recorded<BillingEvent>, event: &DunningEnded) {
        let DunningEnded { account_id, on, cause } = event;
        let Some(row) = self.dunning.get_mut(&(*account_id).into()) else { return };
        row.runs = false;
        row.position = position(fact);
        let DunningRow { account_id, step, action, since, currency, owed, position, .. } = row.clone();
        self.outcomes.add(OutcomeRow { account_id, step, action, since, currency, owed, cause: to_name(cause), ended_on: *on, position });
    }

    fn held(&mut self, fact: &Recorded<BillingEvent>, event: &DunningHeld) {
        let DunningHeld { account_id, hold_id, ground, promised, from, until, reason } = event;
        self.holds.insert(HoldRow {
            hold_id: (*hold_id).into(),
            account_id: (*account_id).into(),
            ground: to_name(ground),
            currency: promised.map(|promised| to_name(&promised.currency)),
            promised: promised.map(|promised| promised.minor),
            held_from: *from,
            held_until: *until,
            reason: reason.to_string(),
            lifted_on: None,
            lift_reason: None,
            position: position(fact),
        });
    }

    fn hold_lifted(&mut self, fact: &Recorded<BillingEvent>, event: &DunningHoldLifted) {
        let DunningHoldLifted { account_id, hold_id, on, reason } = event;
        let Some(row) = self.holds.get_mut(&((*account_id).into(), (*hold_id).into())) else { return };
        (row.lifted_on, row.lift_reason, row.position) = (Some(*on), Some(reason.to_string()), position(fact));
    }

    fn ordered(&mut self, fact: &Recorded<BillingEvent>, event: &disconnection::Event) {
        if let disconnection::Event::DisconnectionRequested(request) = event {
            self.orders.insert(OrderRow::new(fact, request));
        }
        let Some(row) = self.orders.get_mut(&fact.stream.id()) else { return };
        let (at, note) = row.learn(event);
        (row.moved_at, row.revision, row.position) = (fact.metadata.recorded_at, to_bigint(fact.revision), position(fact));
        self.entries.add(EntryRow {
            disconnection_id: row.disconnection_id,
            revision: row.revision,
            what: fact.event.event_type().to_owned(),
            stage: row.stage.clone(),
            actor: fact.metadata.actor.to_string(),
            note,
            at: at.to_utc(),
            recorded_at: row.moved_at,
            position: row.position,
        });
    }
    /// What the order promised has reached the account. The order itself has not moved.
    fn compensated(&mut self, fact: &Recorded<BillingEvent>, event: &CompensationCredited) {
        let Some(row) = self.orders.get_mut(&event.disconnection_id.into()) else { return };
        (row.compensated_on, row.position) = (Some(event.on), position(fact));
    }
}
