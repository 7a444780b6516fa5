//! The orders to cut and restore, as whoever carries them out sees them.

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Currency, Money, Recorded,
    disconnection::{self, DisconnectionRequested, Lift, LiftCause, Moment, Way},
    ids::{AccountId, DisconnectionId, MeterId},
};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Collections, EntryRow, OrderRow};
use crate::{
    Projector, QueryError,
    columns::{from_bigint, from_name, position, to_bigint, to_name, uuids},
};

/// As the aggregate has it, without what goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    Requested,
    Approved,
    Scheduled,
    Dispatched,
    Recalled,
    Failed,
    Cancelled,
    Cut,
    Restoring,
    Restored,
}

impl OrderRow {
    pub(super) fn new(fact: &Recorded<BillingEvent>, request: &DisconnectionRequested) -> Self {
        let DisconnectionRequested { disconnection_id, account_id, meter_id, way, owed, at } = request;
        Self {
            disconnection_id: (*disconnection_id).into(),
            account_id: (*account_id).into(),
            meter_id: (*meter_id).into(),
            way: to_name(way),
            stage: to_name(&Stage::Requested),
            currency: to_name(&owed.currency),
            owed: owed.minor,
            requested_at: at.to_utc(),
            planned_for: None,
            attempts: 0,
            unanswered: false,
            cut_at: None,
            lift_cause: None,
            lifted_at: None,
            due_by: None,
            fee: None,
            terms_currency: None,
            compensation: None,
            compensated_on: None,
            restored_at: None,
            note: None,
            moved_at: fact.metadata.recorded_at,
            revision: to_bigint(fact.revision),
            position: position(fact),
        }
    }

    /// What the event makes of the order: when it happened, and what is said of it. An example walks the aggregate through the same.
    pub(super) fn learn(&mut self, event: &disconnection::Event) -> (Moment, Option<String>) {
        use disconnection::Event;
        let mut note = None;
        let (stage, at) = match event {
            Event::DisconnectionRequested(fact) => (Stage::Requested, fact.at),
            Event::DisconnectionApproved(fact) => (Stage::Approved, fact.at),
            Event::DisconnectionScheduled(fact) => {
                self.planned_for = Some(fact.planned_for.to_utc());
                (Stage::Scheduled, fact.at)
            }
            Event::DisconnectionDispatched(fact) => {
                self.sent(fact.attempt);
                (Stage::Dispatched, fact.at)
            }
            Event::DisconnectionExecuted(fact) => {
                (self.cut_at, self.unanswered) = (Some(fact.at.to_utc()), false);
                (Stage::Cut, fact.at)
            }
            Event::DisconnectionFailed(fact) => {
                note = Some(fact.reason.to_string());
                self.unanswered = false;
                (Stage::Failed, fact.at)
            }
            Event::DisconnectionRecalled(fact) => {
                note = self.lifted(&fact.lift);
                (Stage::Recalled, fact.lift.at)
            }
            Event::DisconnectionCancelled(fact) => {
                note = self.lifted(&fact.lift);
                self.unanswered = false;
                (Stage::Cancelled, fact.at)
            }
            Event::ReconnectionRequested(fact) => {
                note = self.lifted(&fact.lift);
                (self.due_by, self.fee) = (Some(fact.due_by.to_utc()), fact.fee.map(|fee| fee.minor));
                (self.attempts, self.unanswered) = (0, false);
                (Stage::Restoring, fact.lift.at)
            }
            Event::ReconnectionDispatched(fact) => {
                self.sent(fact.attempt);
                (Stage::Restoring, fact.at)
            }
            Event::ReconnectionExecuted(fact) => {
                (self.restored_at, self.unanswered) = (Some(fact.at.to_utc()), false);
                (Stage::Restored, fact.at)
            }
            Event::ReconnectionFailed(fact) => {
                note = Some(fact.reason.to_string());
                self.unanswered = false;
                (Stage::Restoring, fact.at)
            }
            Event::ReconnectionFellLate(fact) => {
                self.compensation = Some(fact.compensation.minor);
                (Stage::Restoring, fact.at)
            }
            Event::SwitchUnanswered(fact) => {
                self.unanswered = true;
                return (fact.at, None);
            }
        };
        self.stage = to_name(&stage);
        if note.is_some() {
            self.note.clone_from(&note);
        }
        (at, note)
    }

    fn sent(&mut self, attempt: u32) {
        (self.attempts, self.unanswered) = (i32::try_from(attempt).unwrap_or(i32::MAX), false);
    }

    /// Why it was lifted, if somebody has said it in words.
    fn lifted(&mut self, lift: &Lift) -> Option<String> {
        let (cause, note) = match &lift.cause {
            LiftCause::DebtSettled => ("debtSettled", None),
            LiftCause::PlanAgreed => ("planAgreed", None),
            LiftCause::Withdrawn { reason } => ("withdrawn", Some(reason.to_string())),
        };
        (self.lift_cause, self.lifted_at) = (Some(cause.to_owned()), Some(lift.at.to_utc()));
        self.terms_currency = Some(to_name(&lift.terms.fee.currency));
        note
    }
}

/// Why an order was lifted. What was said of it is the order's note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lifted {
    DebtSettled,
    PlanAgreed,
    Withdrawn,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub id: DisconnectionId,
    pub account_id: AccountId,
    pub meter_id: MeterId,
    pub way: Way,
    pub stage: Stage,
    pub owed: Money,
    pub requested_at: DateTime<Utc>,
    pub planned_for: Option<DateTime<Utc>>,
    pub attempts: u32,
    pub unanswered: bool,
    pub cut_at: Option<DateTime<Utc>>,
    pub lifted: Option<(Lifted, DateTime<Utc>)>,
    pub due_by: Option<DateTime<Utc>>,
    pub fee: Option<Money>,
    pub compensation: Option<Money>,
    /// When the account was credited with it.
    pub compensated_on: Option<NaiveDate>,
    pub restored_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub moved_at: DateTime<Utc>,
}

impl TryFrom<OrderRow> for Order {
    type Error = QueryError;

    fn try_from(row: OrderRow) -> Result<Self, QueryError> {
        let terms: Option<Currency> = row.terms_currency.map(|code| from_name(code).map_err(malformed("terms_currency"))).transpose()?;
        let cause = row.lift_cause.map(|cause| from_name(cause).map_err(malformed("lift_cause"))).transpose()?;
        Ok(Self {
            id: DisconnectionId::new(row.disconnection_id),
            account_id: AccountId::new(row.account_id),
            meter_id: MeterId::new(row.meter_id),
            way: from_name(row.way).map_err(malformed("way"))?,
            stage: from_name(row.stage).map_err(malformed("stage"))?,
            owed: Money::new(row.owed, from_name(row.currency).map_err(malformed("currency"))?),
            requested_at: row.requested_at,
            planned_for: row.planned_for,
            attempts: row.attempts.unsigned_abs(),
            unanswered: row.unanswered,
            cut_at: row.cut_at,
            lifted: cause.zip(row.lifted_at),
            due_by: row.due_by,
            fee: row.fee.zip(terms).map(|(minor, currency)| Money::new(minor, currency)),
            compensation: row.compensation.zip(terms).map(|(minor, currency)| Money::new(minor, currency)),
            compensated_on: row.compensated_on,
            restored_at: row.restored_at,
            note: row.note,
            moved_at: row.moved_at,
        })
    }
}

pub async fn order(db: impl PgExecutor<'_>, id: DisconnectionId) -> Result<Option<Order>, QueryError> {
    let row = sqlx::query_as!(OrderRow, "SELECT * FROM read_collections.work_order WHERE disconnection_id = $1", Uuid::from(id));
    row.fetch_optional(db).await?.map(Order::try_from).transpose()
}

/// Which orders are meant: those to which all that is named here applies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filter {
    pub account_id: Option<AccountId>,
    pub meter_id: Option<MeterId>,
    pub stage: Option<Stage>,
    pub way: Option<Way>,
}

/// Orders, the latest asked for first, after one that was seen.
pub async fn list(
    db: impl PgExecutor<'_>,
    filter: &Filter,
    after: Option<(DateTime<Utc>, DisconnectionId)>,
    limit: u32,
) -> Result<Vec<Order>, QueryError> {
    let (requested_at, id) = after.unzip();
    let rows = sqlx::query_as!(
        OrderRow,
        "SELECT * FROM read_collections.work_order
         WHERE (account_id = $1 OR $1 IS NULL) AND (meter_id = $2 OR $2 IS NULL) AND (stage = $3 OR $3 IS NULL) AND (way = $4 OR $4 IS NULL)
           AND ((requested_at, disconnection_id) < ($5, $6) OR $5 IS NULL)
         ORDER BY requested_at DESC, disconnection_id DESC LIMIT $7",
        filter.account_id.map(Uuid::from),
        filter.meter_id.map(Uuid::from),
        filter.stage.map(|stage| to_name(&stage)),
        filter.way.map(|way| to_name(&way)),
        requested_at,
        id.map(Uuid::from),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Order::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_collections.work_order
           WHERE (account_id = $1 OR $1 IS NULL) AND (meter_id = $2 OR $2 IS NULL) AND (stage = $3 OR $3 IS NULL)
             AND (way = $4 OR $4 IS NULL)"#,
        filter.account_id.map(Uuid::from),
        filter.meter_id.map(Uuid::from),
        filter.stage.map(|stage| to_name(&stage)),
        filter.way.map(|way| to_name(&way)),
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// Of each account its orders, the latest first.
pub async fn orders_of(db: impl PgExecutor<'_>, accounts: &[AccountId]) -> Result<Vec<(AccountId, Order)>, QueryError> {
    let ids = uuids(accounts);
    let rows = sqlx::query_as!(
        OrderRow,
        "SELECT * FROM read_collections.work_order WHERE account_id = ANY($1) ORDER BY account_id, requested_at DESC, disconnection_id",
        &ids
    );
    rows.fetch_all(db).await?.into_iter().map(|row| Order::try_from(row).map(|order| (order.account_id, order))).collect()
}

/// Orders in which something may be to be done by itself: sent out, asked about, or found late; after one that was seen.
pub async fn to_do(db: impl PgExecutor<'_>, after: Option<DisconnectionId>, limit: u32) -> Result<Vec<DisconnectionId>, QueryError> {
    let found = sqlx::query_scalar!(
        "SELECT disconnection_id FROM read_collections.work_order
         WHERE stage IN ('scheduled', 'dispatched', 'recalled', 'restoring') AND disconnection_id > $1
         ORDER BY disconnection_id LIMIT $2",
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(DisconnectionId::new).collect())
}

/// A line of an order's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub revision: u64,
    /// The event's type.
    pub what: String,
    pub stage: Stage,
    pub actor: String,
    pub note: Option<String>,
    pub at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
}

/// Of each order what happened to it, in its order. Pauses double between attempts, so that there are never many.
pub async fn timelines_of(db: impl PgExecutor<'_>, orders: &[DisconnectionId]) -> Result<Vec<(DisconnectionId, Entry)>, QueryError> {
    let ids = uuids(orders);
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT * FROM read_collections.entry WHERE disconnection_id = ANY($1) ORDER BY disconnection_id, revision",
        &ids
    );
    let entries = rows.fetch_all(db).await?.into_iter().map(|row| {
        let entry = Entry {
            revision: from_bigint(row.revision),
            what: row.what,
            stage: from_name(row.stage).map_err(malformed("stage"))?,
            actor: row.actor,
            note: row.note,
            at: row.at,
            recorded_at: row.recorded_at,
        };
        Ok((DisconnectionId::new(row.disconnection_id), entry))
    });
    entries.collect()
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Collections::NAME, column, source }
}
