//! What is asked about dunning.

use chrono::NaiveDate;
use daftar_domain::{
    Code, Currency, Money,
    dunning::{Action, Channel, EndCause, HoldGround},
    ids::{AccountId, DunningHoldId},
};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Collections, DunningRow, HoldRow, NoticeRow};
use crate::{
    Projector, QueryError,
    columns::{from_bigint, from_name, uuids, whole},
};

/// How far it has come with an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub account_id: AccountId,
    pub step: Code,
    pub action: Action,
    /// When the oldest of what it is about was due.
    pub since: NaiveDate,
    pub taken_on: NaiveDate,
    /// When the step was taken.
    pub owed: Money,
}

impl TryFrom<DunningRow> for Case {
    type Error = QueryError;

    fn try_from(row: DunningRow) -> Result<Self, QueryError> {
        Ok(Self {
            account_id: AccountId::new(row.account_id),
            step: named("step", row.step)?,
            action: named("action", row.action)?,
            since: row.since,
            taken_on: row.taken_on,
            owed: Money::new(row.owed, named("currency", row.currency)?),
        })
    }
}

/// The cases that run, of these accounts.
pub async fn cases_of(db: impl PgExecutor<'_>, accounts: &[AccountId]) -> Result<Vec<Case>, QueryError> {
    let ids = uuids(accounts);
    let rows = sqlx::query_as!(DunningRow, "SELECT * FROM read_collections.dunning WHERE runs AND account_id = ANY($1)", &ids);
    rows.fetch_all(db).await?.into_iter().map(Case::try_from).collect()
}

/// The cases that run, or those that have come as far as a step and no further; in the order of their accounts, after one that was seen.
pub async fn arrears(db: impl PgExecutor<'_>, step: Option<&Code>, after: Option<AccountId>, limit: u32) -> Result<Vec<Case>, QueryError> {
    let rows = sqlx::query_as!(
        DunningRow,
        "SELECT * FROM read_collections.dunning WHERE runs AND (step = $1 OR $1 IS NULL) AND account_id > $2 ORDER BY account_id LIMIT $3",
        step.map(Code::as_str),
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Case::try_from).collect()
}

pub async fn arrears_count(db: impl PgExecutor<'_>, step: Option<&Code>) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_collections.dunning WHERE runs AND (step = $1 OR $1 IS NULL)"#,
        step.map(Code::as_str)
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// The accounts that have come as far as a step, in one currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrears {
    pub step: Code,
    pub action: Action,
    pub accounts: u64,
    /// When the step was taken, of all of them.
    pub owed: Money,
    /// When the oldest of it was due.
    pub since: NaiveDate,
}

/// In the order in which steps follow one another, as far as their kind says.
pub async fn arrears_by_step(db: impl PgExecutor<'_>) -> Result<Vec<Arrears>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT step, action, currency, count(*) AS "accounts!", sum(owed) AS "owed!", min(since) AS "since!"
           FROM read_collections.dunning WHERE runs GROUP BY step, action, currency
           ORDER BY array_position(ARRAY['reminder', 'warning', 'initialWarning', 'finalNotice', 'orderDisconnection', 'legalAction',
                                         'proposeWriteOff'], action), step, currency"#
    );
    let arrears = found.fetch_all(db).await?.into_iter().map(|row| {
        Ok(Arrears {
            step: named("step", row.step)?,
            action: named("action", row.action)?,
            accounts: from_bigint(row.accounts),
            owed: sum(row.owed, named("currency", row.currency)?)?,
            since: row.since,
        })
    });
    arrears.collect()
}

/// The cases that ended at a step, in one currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub step: Code,
    pub action: Action,
    pub cause: EndCause,
    pub accounts: u64,
    /// When the step was taken, of all of them.
    pub owed: Money,
}

/// After which step how many paid: of the cases that ended from one day to another, the last not among them.
pub async fn outcomes(db: impl PgExecutor<'_>, from: NaiveDate, to: NaiveDate) -> Result<Vec<Outcome>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT step, action, cause, currency, count(*) AS "accounts!", sum(owed) AS "owed!"
           FROM read_collections.outcome WHERE ended_on >= $1 AND ended_on < $2 GROUP BY step, action, cause, currency
           ORDER BY array_position(ARRAY['reminder', 'warning', 'initialWarning', 'finalNotice', 'orderDisconnection', 'legalAction',
                                         'proposeWriteOff'], action), step, cause, currency"#,
        from,
        to,
    );
    let outcomes = found.fetch_all(db).await?.into_iter().map(|row| {
        Ok(Outcome {
            step: named("step", row.step)?,
            action: named("action", row.action)?,
            cause: named("cause", row.cause)?,
            accounts: from_bigint(row.accounts),
            owed: sum(row.owed, named("currency", row.currency)?)?,
        })
    });
    outcomes.collect()
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub step: Code,
    pub action: Action,
    pub channel: Channel,
    pub template: Code,
    pub taken_on: NaiveDate,
    pub since: NaiveDate,
    pub owed: Money,
}

/// Of each account the steps that were taken, the latest first; no more than so many of each.
pub async fn notices_of(db: impl PgExecutor<'_>, accounts: &[AccountId], each: u32) -> Result<Vec<(AccountId, Notice)>, QueryError> {
    let ids = uuids(accounts);
    let rows = sqlx::query_as!(
        NoticeRow,
        r#"SELECT notice.account_id AS "account_id!", ladder AS "ladder!", step AS "step!", action AS "action!", channel AS "channel!",
                  template AS "template!", taken_on AS "taken_on!", since AS "since!", currency AS "currency!", owed AS "owed!",
                  position AS "position!"
           FROM unnest($1::uuid[]) wanted (account_id)
           CROSS JOIN LATERAL (SELECT * FROM read_collections.notice WHERE account_id = wanted.account_id
                               ORDER BY position DESC LIMIT $2) notice
           ORDER BY notice.account_id, position DESC"#,
        &ids,
        i64::from(each),
    );
    let notices = rows.fetch_all(db).await?.into_iter().map(|row| {
        let notice = Notice {
            step: named("step", row.step)?,
            action: named("action", row.action)?,
            channel: named("channel", row.channel)?,
            template: named("template", row.template)?,
            taken_on: row.taken_on,
            since: row.since,
            owed: Money::new(row.owed, named("currency", row.currency)?),
        };
        Ok((AccountId::new(row.account_id), notice))
    });
    notices.collect()
}

/// What holds dunning up, or did.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub id: DunningHoldId,
    pub ground: HoldGround,
    pub promised: Option<Money>,
    pub from: NaiveDate,
    /// The last day; without one until it is lifted.
    pub until: Option<NaiveDate>,
    pub reason: String,
    /// The first day that it no longer held.
    pub lifted_on: Option<NaiveDate>,
}

/// Of each account what holds its dunning up, or did; the latest first.
pub async fn holds_of(db: impl PgExecutor<'_>, accounts: &[AccountId]) -> Result<Vec<(AccountId, Hold)>, QueryError> {
    let ids = uuids(accounts);
    let rows = sqlx::query_as!(
        HoldRow,
        "SELECT * FROM read_collections.hold WHERE account_id = ANY($1) ORDER BY account_id, held_from DESC, hold_id",
        &ids
    );
    let holds = rows.fetch_all(db).await?.into_iter().map(|row| {
        let currency: Option<Currency> = row.currency.map(|currency| named("currency", currency)).transpose()?;
        let hold = Hold {
            id: DunningHoldId::new(row.hold_id),
            ground: named("ground", row.ground)?,
            promised: row.promised.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
            from: row.held_from,
            until: row.held_until,
            reason: row.reason,
            lifted_on: row.lifted_on,
        };
        Ok((AccountId::new(row.account_id), hold))
    });
    holds.collect()
}

fn named<T: DeserializeOwned>(column: &'static str, name: String) -> Result<T, QueryError> {
    from_name(name).map_err(malformed(column))
}

/// Sums are whole numbers.
fn sum(sum: Decimal, currency: Currency) -> Result<Money, QueryError> {
    Ok(Money::new(whole(sum).map_err(malformed("owed"))?, currency))
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Collections::NAME, column, source }
}
