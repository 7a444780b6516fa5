//! What the books are asked.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use daftar_domain::{
    BillingPeriod, Currency, Digest, Money, Position,
    ids::{AccountId, CashSessionId},
    ledger::{Entry, LedgerAccount, Side, SubLedger, TrialBalance},
};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::Ledger;
use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{from_bigint, from_name},
};

/// Which books were known at the end of that second, as they apply on a date.
pub async fn at_instant(db: impl PgExecutor<'_>, instant: DateTime<Utc>, effective: NaiveDate) -> Result<AsOf, QueryError> {
    let first_unknown =
        sqlx::query_scalar!("SELECT position FROM read_ledger.second WHERE second > $1 ORDER BY second LIMIT 1", instant.trunc_subsecs(0),)
            .fetch_optional(db)
            .await?;
    Ok(first_unknown.map_or(AsOf::now_known(effective), |first| AsOf::before(Position::single(from_bigint(first)), effective)))
}

/// What every account of the books stands at.
pub async fn trial_balance(db: impl PgExecutor<'_>, as_of: AsOf) -> Result<TrialBalance, QueryError> {
    let balances = sqlx::query!(
        r#"SELECT account AS "account!", currency AS "currency!", sum(balance) AS "balance!"
           FROM (SELECT account, currency, debit::numeric - credit AS balance FROM read_ledger.day WHERE effective_on <= $1
                 UNION ALL
                 -- What was learned later is in the day's sums, and comes off.
                 SELECT account, currency, credit::numeric - debit FROM read_ledger.entry WHERE effective_on <= $1 AND position > $2) known
           GROUP BY account, currency HAVING sum(balance) <> 0"#,
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    balances.into_iter().map(|row| Ok((ledger_account(row.account)?, currency(row.currency)?, minor(row.balance)))).collect()
}

/// What a customer's part of the books stands at.
pub async fn of_customer(db: impl PgExecutor<'_>, account_id: AccountId, as_of: AsOf) -> Result<TrialBalance, QueryError> {
    let balances = sqlx::query!(
        r#"SELECT account, currency, sum(debit) - sum(credit) AS "balance!" FROM read_ledger.entry
           WHERE customer_id = $1 AND effective_on <= $2 AND position <= $3
           GROUP BY account, currency HAVING sum(debit) <> sum(credit)"#,
        Uuid::from(account_id),
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    balances.into_iter().map(|row| Ok((ledger_account(row.account)?, currency(row.currency)?, minor(row.balance)))).collect()
}

/// An entry, and the event that it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub at: Cursor,
    pub event_id: Uuid,
    pub event_type: String,
    pub entry: Entry,
}

/// A place among the entries of an account, which are in the order of their days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub effective_on: NaiveDate,
    pub position: u64,
    pub line: i32,
}

/// The books' side of an event; nothing, if it moved no money.
pub async fn journal(db: impl PgExecutor<'_>, event_id: Uuid) -> Result<Vec<Line>, QueryError> {
    let found = sqlx::query_as!(
        Found,
        "SELECT position, line, event_id, event_type, account, customer_id, till_id, currency, debit, credit, entry.effective_on
         FROM read_ledger.entry JOIN read_ledger.journal USING (position) WHERE event_id = $1 ORDER BY line",
        event_id,
    )
    .fetch_all(db)
    .await?;
    found.into_iter().map(Found::line).collect()
}

/// Some entries of an account, and what it stood at before the first of them: debits less credits.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub opening: i128,
    pub lines: Vec<Line>,
}

/// The entries of an account from a day on, or after one that was seen, up to the date and as they were known.
pub async fn general_ledger(
    db: &mut PgConnection,
    (account, currency): (LedgerAccount, Currency),
    from: NaiveDate,
    after: Option<Cursor>,
    as_of: AsOf,
    limit: u32,
) -> Result<Page, QueryError> {
    let (day, position, line) =
        after.map_or((from, -1, -1), |seen| (seen.effective_on, crate::columns::to_bigint(seen.position), seen.line));
    let (account, currency) = (i32::from(account.number()), currency.code());
    let opening = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(balance), 0) AS "opening!"
           FROM (SELECT debit::numeric - credit AS balance FROM read_ledger.day
                 WHERE account = $1 AND currency = $2 AND effective_on < $3
                 UNION ALL
                 SELECT credit::numeric - debit FROM read_ledger.entry
                 WHERE account = $1 AND currency = $2 AND effective_on < $3 AND position > $6
                 UNION ALL
                 SELECT debit::numeric - credit FROM read_ledger.entry
                 WHERE account = $1 AND currency = $2 AND effective_on = $3 AND (position, line) <= ($4, $5) AND position <= $6) before"#,
        account,
        currency,
        day,
        position,
        line,
        as_of.position(),
    )
    .fetch_one(&mut *db)
    .await?;
    let found = sqlx::query_as!(
        Found,
        "SELECT position, line, event_id, event_type, account, customer_id, till_id, currency, debit, credit, entry.effective_on
         FROM read_ledger.entry JOIN read_ledger.journal USING (position)
         WHERE account = $1 AND currency = $2 AND (entry.effective_on, position, line) > ($3, $4, $5) AND entry.effective_on <= $6
               AND position <= $7
         ORDER BY entry.effective_on, position, line LIMIT $8",
        account,
        currency,
        day,
        position,
        line,
        as_of.effective,
        as_of.position(),
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    Ok(Page { opening: minor(opening), lines: found.into_iter().map(Found::line).collect::<Result<_, _>>()? })
}

/// How many entries an account has from a day on.
pub async fn entries(
    db: impl PgExecutor<'_>,
    (account, currency): (LedgerAccount, Currency),
    from: NaiveDate,
    as_of: AsOf,
) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_ledger.entry
           WHERE account = $1 AND currency = $2 AND effective_on BETWEEN $3 AND $4 AND position <= $5"#,
        i32::from(account.number()),
        currency.code(),
        from,
        as_of.effective,
        as_of.position(),
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// An accounting period, and where its books end if it is closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    pub period: BillingPeriod,
    pub closed: Option<(Position, Digest)>,
}

/// The accounting periods in their order, as they were known.
pub async fn periods(db: impl PgExecutor<'_>, as_of: AsOf) -> Result<Vec<Period>, QueryError> {
    let found = sqlx::query!(
        "SELECT opened.period_from, opened.period_to, closed.closed_at AS \"closed_at?\", closed.digest AS \"digest?\"
         FROM read_ledger.period opened
         LEFT JOIN read_ledger.period closed ON closed.closed AND closed.period_from = opened.period_from AND closed.position <= $1
         WHERE NOT opened.closed AND opened.position <= $1 ORDER BY opened.period_from",
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    let periods = found.into_iter().map(|row| {
        let period = BillingPeriod::new(row.period_from, row.period_to);
        let period = period.map_err(|error| malformed("period_to")(serde::de::Error::custom(error)))?;
        let closed = row
            .closed_at
            .zip(row.digest)
            .map(|(at, digest)| Ok::<_, QueryError>((Position::single(from_bigint(at)), from_name(digest).map_err(malformed("digest"))?)));
        Ok(Period { period, closed: closed.transpose()? })
    });
    periods.collect()
}

/// What an accounting period moved on an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turnover {
    pub account: LedgerAccount,
    pub currency: Currency,
    pub debit: i128,
    pub credit: i128,
}

/// What is posted in an accounting period: what is for its days and was known when it closed, and what came late for those before it.
///
/// Its books end where the digest of its trial balance was taken. What is later goes to the first period that is open.
pub async fn turnover(db: &mut PgConnection, period: BillingPeriod, as_of: AsOf) -> Result<Vec<Turnover>, QueryError> {
    let periods = periods(&mut *db, as_of).await?;
    let closed_at = |period: &Period| period.closed.map(|(position, _)| crate::columns::to_bigint(position.commit));
    let Some(place) = periods.iter().position(|known| known.period == period) else { return Ok(vec![]) };
    let until = closed_at(&periods[place]).unwrap_or(i64::MAX).min(as_of.position());
    // After which position what is for earlier days belongs here: never, while the period before is open.
    let late = match place.checked_sub(1).map(|before| closed_at(&periods[before])) {
        None => -1,
        Some(Some(closed_at)) => closed_at,
        Some(None) => i64::MAX,
    };
    let found = sqlx::query!(
        r#"SELECT account, currency, sum(debit) AS "debit!", sum(credit) AS "credit!" FROM read_ledger.entry
           WHERE effective_on < $2 AND position <= $3 AND (effective_on >= $1 OR position > $4)
           GROUP BY account, currency ORDER BY account, currency"#,
        period.from(),
        period.to(),
        until,
        late,
    )
    .fetch_all(db)
    .await?;
    let turnovers = found.into_iter().map(|row| {
        let (account, currency) = (ledger_account(row.account)?, currency(row.currency)?);
        Ok(Turnover { account, currency, debit: minor(row.debit), credit: minor(row.credit) })
    });
    turnovers.collect()
}

struct Found {
    position: i64,
    line: i32,
    event_id: Uuid,
    event_type: String,
    account: i32,
    customer_id: Option<Uuid>,
    till_id: Option<Uuid>,
    currency: String,
    debit: i64,
    credit: i64,
    effective_on: NaiveDate,
}

impl Found {
    fn line(self) -> Result<Line, QueryError> {
        let customer = self.customer_id.map(|id| SubLedger::Customer(AccountId::new(id)));
        let entry = Entry {
            account: ledger_account(self.account)?,
            sub_ledger: customer.or(self.till_id.map(|id| SubLedger::Till(CashSessionId::new(id)))),
            side: if self.debit == 0 { Side::Credit } else { Side::Debit },
            amount: Money::new(self.debit + self.credit, currency(self.currency)?),
        };
        let at = Cursor { effective_on: self.effective_on, position: from_bigint(self.position), line: self.line };
        Ok(Line { at, event_id: self.event_id, event_type: self.event_type, entry })
    }
}

fn ledger_account(number: i32) -> Result<LedgerAccount, QueryError> {
    serde_json::from_value(Value::from(number)).map_err(malformed("account"))
}

fn currency<T: DeserializeOwned>(code: String) -> Result<T, QueryError> {
    from_name(code).map_err(malformed("currency"))
}

/// Sums of whole numbers have no decimals.
fn minor(sum: Decimal) -> i128 {
    sum.trunc().mantissa()
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Ledger::NAME, column, source }
}
