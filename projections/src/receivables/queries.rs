//! What receivables are asked, as of any moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use daftar_domain::{
    Currency, Money,
    account::{AgeBand, Aged, ChargeKind, ItemId},
    ids::{AccountId, InstalmentPlanId, PaymentId},
};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{Cause, PlanEnd, PlanState, Receivables};
use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{from_bigint, from_name, to_bigint, to_name, uuids, whole},
};

/// What all accounts together owe, by age; in each currency.
pub async fn aged(db: &mut PgConnection, as_of: AsOf) -> Result<BTreeMap<Currency, Aged>, QueryError> {
    let mut aged = BTreeMap::new();
    let open = sqlx::query!(
        r#"SELECT currency AS "currency!", due_on AS "due_on!", sum(open) AS "open!", sum(planned) AS "planned!",
                  disputed AS "disputed!"
           FROM (SELECT account_id, item_id, currency, due_on, sum(open) AS open, sum(planned) AS planned
                 FROM (SELECT account_id, item_id, currency, due_on, open, planned FROM read_receivables.item WHERE open <> 0
                       UNION ALL
                       -- What has moved since is in what is open now, and comes off.
                       SELECT account_id, item_id, currency, due_on, -owed, -planned FROM read_receivables.movement
                       WHERE (owed <> 0 OR planned <> 0) AND (effective_on > $1 OR position > $2)) known
                 GROUP BY account_id, item_id, currency, due_on HAVING sum(open) <> 0) item
           CROSS JOIN LATERAL (
                 SELECT coalesce((SELECT disputed FROM read_receivables.dispute
                                  WHERE account_id = item.account_id AND item_id = item.item_id AND effective_on <= $1 AND position <= $2
                                  ORDER BY position DESC LIMIT 1), false) AS disputed) word
           GROUP BY currency, due_on, disputed"#,
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(&mut *db)
    .await?;
    for row in open {
        let currency = currency(row.currency)?;
        let (open, planned) = (money(row.open, currency)?, money(row.planned, currency)?);
        add(entry(&mut aged, currency, currency), AgeBand::of(row.due_on, as_of.effective), row.disputed, open, planned);
    }
    let unapplied = sqlx::query!(
        r#"SELECT currency AS "currency!", sum(unapplied) AS "unapplied!"
           FROM (SELECT currency, unspent AS unapplied FROM read_receivables.credit WHERE unspent <> 0
                 UNION ALL
                 SELECT currency, -unapplied FROM read_receivables.movement
                 WHERE unapplied <> 0 AND (effective_on > $1 OR position > $2)) known
           GROUP BY currency HAVING sum(unapplied) <> 0"#,
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    for row in unapplied {
        let currency = currency(row.currency)?;
        entry(&mut aged, currency, currency).unapplied = money(row.unapplied, currency)?;
    }
    Ok(aged)
}

/// What each of these accounts owes, by age. One that owes nothing and has no credit is left out.
pub async fn aged_of(
    db: &mut PgConnection,
    accounts: &[AccountId],
    as_of: AsOf,
) -> Result<BTreeMap<(AccountId, Currency), Aged>, QueryError> {
    let (mut aged, ids) = (BTreeMap::new(), uuids(accounts));
    let open = sqlx::query!(
        r#"SELECT account_id, currency, due_on AS "due_on!", sum(open) AS "open!", sum(planned) AS "planned!", disputed AS "disputed!"
           FROM (SELECT account_id, item_id, currency, due_on, sum(owed) AS open, sum(planned) AS planned FROM read_receivables.movement
                 WHERE account_id = ANY($3) AND item_id IS NOT NULL AND effective_on <= $1 AND position <= $2
                 GROUP BY account_id, item_id, currency, due_on HAVING sum(owed) <> 0) item
           CROSS JOIN LATERAL (
                 SELECT coalesce((SELECT disputed FROM read_receivables.dispute
                                  WHERE account_id = item.account_id AND item_id = item.item_id AND effective_on <= $1 AND position <= $2
                                  ORDER BY position DESC LIMIT 1), false) AS disputed) word
           GROUP BY account_id, currency, due_on, disputed"#,
        as_of.effective,
        as_of.position(),
        &ids,
    )
    .fetch_all(&mut *db)
    .await?;
    for row in open {
        let currency = currency(row.currency)?;
        let aged = entry(&mut aged, (AccountId::new(row.account_id), currency), currency);
        let (open, planned) = (money(row.open, currency)?, money(row.planned, currency)?);
        add(aged, AgeBand::of(row.due_on, as_of.effective), row.disputed, open, planned);
    }
    let unapplied = sqlx::query!(
        r#"SELECT account_id, currency, sum(unapplied) AS "unapplied!" FROM read_receivables.movement
           WHERE account_id = ANY($3) AND effective_on <= $1 AND position <= $2
           GROUP BY account_id, currency HAVING sum(unapplied) <> 0"#,
        as_of.effective,
        as_of.position(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    for row in unapplied {
        let currency = currency(row.currency)?;
        entry(&mut aged, (AccountId::new(row.account_id), currency), currency).unapplied = money(row.unapplied, currency)?;
    }
    Ok(aged)
}

/// What was charged in one month and in one currency, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cohort {
    /// The first day of the month in which the items were issued.
    pub issued_in: NaiveDate,
    pub charged: Money,
    /// With money, whenever that came.
    pub paid: Money,
    /// With credit notes.
    pub credited: Money,
    pub written_off: Money,
    pub open: Money,
    /// Of what is open: due before the date.
    pub overdue: Money,
}

/// What was charged month by month, from a month on.
pub async fn cohorts(db: impl PgExecutor<'_>, from: NaiveDate, as_of: AsOf) -> Result<Vec<Cohort>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT issued_in AS "issued_in!", currency AS "currency!", sum(charged) AS "charged!", sum(paid) AS "paid!",
                  sum(credited) AS "credited!", sum(written_off) AS "written_off!",
                  coalesce(sum(charged - paid - credited - written_off) FILTER (WHERE due_on < $1), 0) AS "overdue!"
           FROM (SELECT issued_in, due_on, currency, charged, paid, credited, written_off FROM read_receivables.cohort
                 UNION ALL
                 -- What has moved since is in the sums of the months, and comes off.
                 SELECT date_trunc('month', item.issued_on::timestamp)::date, item.due_on, movement.currency,
                        CASE WHEN cause IN ('opening', 'openingReversed', 'charge') THEN -owed ELSE 0 END,
                        CASE WHEN cause IN ('allocation', 'allocationFreed') AND credit.kind NOT IN ('creditNote', 'compensation') THEN owed ELSE 0 END,
                        CASE WHEN cause IN ('allocation', 'allocationFreed') AND credit.kind IN ('creditNote', 'compensation') THEN owed ELSE 0 END,
                        CASE WHEN cause IN ('debtWrittenOff', 'debtRecovered') THEN owed ELSE 0 END
                 FROM read_receivables.movement
                 JOIN read_receivables.item USING (account_id, item_id)
                 LEFT JOIN read_receivables.credit USING (account_id, credit_id)
                 WHERE owed <> 0 AND (movement.effective_on > $1 OR movement.position > $2)) known
           WHERE issued_in >= $3
           GROUP BY issued_in, currency
           HAVING sum(charged) <> 0 OR sum(paid) <> 0 OR sum(credited) <> 0 OR sum(written_off) <> 0
           ORDER BY issued_in, currency"#,
        as_of.effective,
        as_of.position(),
        from,
    );
    let cohorts = found.fetch_all(db).await?.into_iter().map(|row| {
        let currency = currency(row.currency)?;
        let sums = [row.charged, row.paid, row.credited, row.written_off, row.overdue].map(|sum| money(sum, currency));
        let [charged, paid, credited, written_off, overdue] = sums;
        let (charged, paid, credited, written_off) = (charged?, paid?, credited?, written_off?);
        let open = Money::new(charged.minor - paid.minor - credited.minor - written_off.minor, currency);
        Ok(Cohort { issued_in: row.issued_in, charged, paid, credited, written_off, open, overdue: overdue? })
    });
    cohorts.collect()
}

/// What an authority owes for subsidies in one currency, and how that came about.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorityDebt {
    pub authority: String,
    /// What it was to pay of invoices.
    pub credited: Money,
    /// What of that it is not to pay after all.
    pub taken_back: Money,
    /// What it has paid.
    pub settled: Money,
    /// Below zero if it has paid more than it was to.
    pub owed: Money,
}

/// What authorities owe, in the order of their codes; together what the books call receivable for subsidies.
pub async fn subsidies_owed(db: impl PgExecutor<'_>, as_of: AsOf) -> Result<Vec<AuthorityDebt>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT authority AS "authority!", currency AS "currency!", sum(credited) AS "credited!", sum(taken_back) AS "taken_back!",
                  sum(settled) AS "settled!"
           FROM (SELECT authority, currency, credited, taken_back, settled FROM read_receivables.subsidy_day WHERE effective_on <= $1
                 UNION ALL
                 -- What was learned later is in the day's sums, and comes off.
                 SELECT authority, currency, -credited, -taken_back, -settled FROM read_receivables.subsidy
                 WHERE effective_on <= $1 AND position > $2) known
           GROUP BY authority, currency
           HAVING sum(credited) <> 0 OR sum(taken_back) <> 0 OR sum(settled) <> 0
           ORDER BY authority, currency"#,
        as_of.effective,
        as_of.position(),
    );
    let debts = found.fetch_all(db).await?.into_iter().map(|row| {
        let currency = currency(row.currency)?;
        let (credited, taken_back, settled) =
            (money(row.credited, currency)?, money(row.taken_back, currency)?, money(row.settled, currency)?);
        let owed = Money::new(credited.minor - taken_back.minor - settled.minor, currency);
        Ok(AuthorityDebt { authority: row.authority, credited, taken_back, settled, owed })
    });
    debts.collect()
}

/// The accounts that owed something or had credit, in the order of their ids, after one that was seen.
pub async fn accounts_with_open_items(
    db: impl PgExecutor<'_>,
    after: Option<AccountId>,
    as_of: AsOf,
    limit: u32,
) -> Result<Vec<AccountId>, QueryError> {
    let found = sqlx::query_scalar!(
        r#"SELECT DISTINCT account_id AS "account_id!"
           FROM (SELECT account_id
                 FROM (SELECT account_id, item_id AS what, open FROM read_receivables.item WHERE open <> 0 AND account_id > $3
                       UNION ALL
                       SELECT account_id, credit_id, unspent FROM read_receivables.credit WHERE unspent <> 0 AND account_id > $3
                       UNION ALL
                       SELECT account_id, item_id, -owed FROM read_receivables.movement
                       WHERE owed <> 0 AND account_id > $3 AND (effective_on > $1 OR position > $2)
                       UNION ALL
                       SELECT account_id, credit_id, -unapplied FROM read_receivables.movement
                       WHERE unapplied <> 0 AND account_id > $3 AND (effective_on > $1 OR position > $2)) known
                 GROUP BY account_id, what HAVING sum(open) <> 0) open
           ORDER BY account_id LIMIT $4"#,
        as_of.effective,
        as_of.position(),
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().map(AccountId::new).collect())
}

/// The accounts with something open that is due on a day or before it, in the order of their ids, after one that was seen.
pub async fn accounts_owing_by(
    db: impl PgExecutor<'_>,
    day: NaiveDate,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<AccountId>, QueryError> {
    let found = sqlx::query_scalar!(
        "SELECT DISTINCT account_id FROM read_receivables.item WHERE open <> 0 AND due_on <= $1 AND account_id > $2
         ORDER BY account_id LIMIT $3",
        day,
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(AccountId::new).collect())
}

/// What an account stands at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    pub owed: Money,
    /// The part of what is owed that is under an instalment plan.
    pub planned: Money,
    pub unapplied: Money,
    pub deposit: Money,
}

/// In each currency in which anything was ever moved.
pub async fn balances(db: impl PgExecutor<'_>, account_id: AccountId, as_of: AsOf) -> Result<Vec<Balance>, QueryError> {
    Ok(balances_of(db, &[account_id], as_of).await?.into_iter().map(|(_, balance)| balance).collect())
}

/// Of each account what it stands at, in each currency in which anything was ever moved.
pub async fn balances_of(db: impl PgExecutor<'_>, accounts: &[AccountId], as_of: AsOf) -> Result<Vec<(AccountId, Balance)>, QueryError> {
    let ids = uuids(accounts);
    let found = sqlx::query!(
        r#"SELECT account_id, currency, sum(owed) AS "owed!", sum(planned) AS "planned!", sum(unapplied) AS "unapplied!",
                  sum(deposit) AS "deposit!"
           FROM read_receivables.movement WHERE account_id = ANY($1) AND effective_on <= $2 AND position <= $3
           GROUP BY account_id, currency ORDER BY account_id, currency"#,
        &ids,
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    let balances = found.into_iter().map(|row| {
        let currency = currency(row.currency)?;
        let sums = [row.owed, row.planned, row.unapplied, row.deposit].map(|sum| money(sum, currency));
        let [owed, planned, unapplied, deposit] = sums;
        Ok((AccountId::new(row.account_id), Balance { owed: owed?, planned: planned?, unapplied: unapplied?, deposit: deposit? }))
    });
    balances.collect()
}

/// Something to be paid.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenItem {
    pub id: ItemId,
    pub document: String,
    pub kind: ChargeKind,
    pub amount: Money,
    pub open: Money,
    /// The part of what is left that is under an instalment plan.
    pub planned: Money,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub disputed: bool,
}

/// What an account had to pay, the oldest first.
pub async fn open_items(db: impl PgExecutor<'_>, account_id: AccountId, as_of: AsOf) -> Result<Vec<OpenItem>, QueryError> {
    Ok(open_items_of(db, &[account_id], as_of).await?.into_iter().map(|(_, item)| item).collect())
}

/// Of each account what it had to pay, the oldest first.
pub async fn open_items_of(db: impl PgExecutor<'_>, accounts: &[AccountId], as_of: AsOf) -> Result<Vec<(AccountId, OpenItem)>, QueryError> {
    let ids = uuids(accounts);
    let found = sqlx::query!(
        r#"SELECT account_id, reference, document, kind, currency, amount, known.open AS "open!", known.planned AS "planned!",
                  issued_on, due_on, word.disputed AS "disputed!"
           FROM (SELECT account_id, item_id, sum(owed) AS open, sum(planned) AS planned FROM read_receivables.movement
                 WHERE account_id = ANY($1) AND item_id IS NOT NULL AND effective_on <= $2 AND position <= $3
                 GROUP BY account_id, item_id HAVING sum(owed) <> 0) known
           JOIN read_receivables.item USING (account_id, item_id)
           CROSS JOIN LATERAL (
                 SELECT coalesce((SELECT disputed FROM read_receivables.dispute
                                  WHERE account_id = item.account_id AND item_id = item.item_id AND effective_on <= $2 AND position <= $3
                                  ORDER BY position DESC LIMIT 1), false) AS disputed) word
           ORDER BY account_id, due_on, issued_on, item.position, item_id"#,
        &ids,
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    let items = found.into_iter().map(|row| {
        let currency = currency(row.currency)?;
        let item = OpenItem {
            id: serde_json::from_str(&row.reference).map_err(malformed("reference"))?,
            document: row.document,
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            amount: Money::new(row.amount, currency),
            open: money(row.open, currency)?,
            planned: money(row.planned, currency)?,
            issued_on: row.issued_on,
            due_on: row.due_on,
            disputed: row.disputed,
        };
        Ok((AccountId::new(row.account_id), item))
    });
    items.collect()
}

/// A debt that was given up, and not recovered since.
#[derive(Clone, Debug, PartialEq)]
pub struct BadDebt {
    pub account_id: AccountId,
    pub item_id: Uuid,
    pub id: ItemId,
    pub document: String,
    pub written_off: Money,
    /// The VAT in it, and what of that was claimed back.
    pub vat: Money,
    pub relieved: Money,
    pub issued_on: NaiveDate,
    pub given_up_on: NaiveDate,
}

/// Which of them are meant: those to which all that is named here applies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BadDebtFilter {
    pub account_id: Option<AccountId>,
    /// Whether all of the VAT in it was claimed back.
    pub relieved: Option<bool>,
}

/// Debts that were given up, the latest first, after one that was seen.
pub async fn bad_debts(
    db: impl PgExecutor<'_>,
    filter: &BadDebtFilter,
    after: Option<(NaiveDate, Uuid)>,
    limit: u32,
) -> Result<Vec<BadDebt>, QueryError> {
    let (given_up_on, item_id) = after.unzip();
    let found = sqlx::query!(
        r#"SELECT account_id, item_id, reference, document, currency, written_off, written_off_vat, relieved, issued_on,
                  given_up_on AS "given_up_on!"
           FROM read_receivables.item
           WHERE written_off <> 0 AND (account_id = $1 OR $1 IS NULL) AND ((relieved = written_off_vat) = $2 OR $2 IS NULL)
             AND ((given_up_on, item_id) < ($3, $4) OR $3 IS NULL)
           ORDER BY given_up_on DESC, item_id DESC LIMIT $5"#,
        filter.account_id.map(Uuid::from),
        filter.relieved,
        given_up_on,
        item_id,
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    let debts = found.into_iter().map(|row| {
        let currency = currency(row.currency)?;
        let money = |minor| Money::new(minor, currency);
        Ok(BadDebt {
            account_id: AccountId::new(row.account_id),
            item_id: row.item_id,
            id: serde_json::from_str(&row.reference).map_err(malformed("reference"))?,
            document: row.document,
            written_off: money(row.written_off),
            vat: money(row.written_off_vat),
            relieved: money(row.relieved),
            issued_on: row.issued_on,
            given_up_on: row.given_up_on,
        })
    });
    debts.collect()
}

pub async fn bad_debts_count(db: impl PgExecutor<'_>, filter: &BadDebtFilter) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_receivables.item
           WHERE written_off <> 0 AND (account_id = $1 OR $1 IS NULL) AND ((relieved = written_off_vat) = $2 OR $2 IS NULL)"#,
        filter.account_id.map(Uuid::from),
        filter.relieved,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// A debt that is paid in parts, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub plan_id: InstalmentPlanId,
    pub total: Money,
    /// Of the total: by money, or by credit notes.
    pub paid: Money,
    pub down_payment: Option<(PaymentId, Money)>,
    pub agreed_on: NaiveDate,
    pub state: PlanState,
    /// Of the last warning about an instalment that was missed.
    pub warned_on: Option<NaiveDate>,
    pub ended_on: Option<NaiveDate>,
    pub ended_because: Option<PlanEnd>,
    pub reason: Option<String>,
    pub instalments: Vec<Instalment>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instalment {
    pub due_on: NaiveDate,
    pub amount: Money,
    /// Of this one: what was paid of the plan pays its instalments one after the other.
    pub paid: Money,
}

impl Plan {
    /// Of the first instalment that is not paid; none, if nobody asks for one any more.
    pub fn next_due_on(&self) -> Option<NaiveDate> {
        let next = || self.instalments.iter().find(|instalment| instalment.paid.minor < instalment.amount.minor);
        match self.state {
            PlanState::Running => next().map(|instalment| instalment.due_on),
            PlanState::Completed | PlanState::Broken | PlanState::Cancelled => None,
        }
    }
}

/// Which plans are meant: those to which all that is named here applies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlanFilter {
    pub account_id: Option<AccountId>,
    pub state: Option<PlanState>,
    /// The next instalment is due on this day or before.
    pub due_by: Option<NaiveDate>,
}

/// Plans, the latest agreed first, after one that was seen.
pub async fn plans(
    db: impl PgExecutor<'_> + Copy,
    filter: &PlanFilter,
    after: Option<(NaiveDate, InstalmentPlanId)>,
    limit: u32,
) -> Result<Vec<(AccountId, Plan)>, QueryError> {
    let (agreed_on, id) = after.unzip();
    let page = sqlx::query!(
        "SELECT account_id, plan_id FROM read_receivables.plan
         WHERE (account_id = $1 OR $1 IS NULL) AND (state = $2 OR $2 IS NULL)
           AND ($3::date IS NULL OR state = 'running' AND paid < (SELECT sum(amount) FROM read_receivables.instalment part
                WHERE part.account_id = plan.account_id AND part.plan_id = plan.plan_id AND due_on <= $3))
           AND ((agreed_on, plan_id) < ($4, $5) OR $4 IS NULL)
         ORDER BY agreed_on DESC, plan_id DESC LIMIT $6",
        filter.account_id.map(Uuid::from),
        filter.state.map(|state| to_name(&state)),
        filter.due_by,
        agreed_on,
        id.map(Uuid::from),
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    let accounts: BTreeSet<_> = page.iter().map(|row| AccountId::new(row.account_id)).collect();
    let found = plans_of(db, &accounts.into_iter().collect::<Vec<_>>()).await?;
    let mut found: HashMap<(Uuid, Uuid), _> = found.into_iter().map(|(of, plan)| ((of.into(), plan.plan_id.into()), (of, plan))).collect();
    Ok(page.into_iter().filter_map(|row| found.remove(&(row.account_id, row.plan_id))).collect())
}

pub async fn plans_count(db: impl PgExecutor<'_>, filter: &PlanFilter) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_receivables.plan
           WHERE (account_id = $1 OR $1 IS NULL) AND (state = $2 OR $2 IS NULL)
             AND ($3::date IS NULL OR state = 'running' AND paid < (SELECT sum(amount) FROM read_receivables.instalment part
                  WHERE part.account_id = plan.account_id AND part.plan_id = plan.plan_id AND due_on <= $3))"#,
        filter.account_id.map(Uuid::from),
        filter.state.map(|state| to_name(&state)),
        filter.due_by,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// Of each account its plans, the latest first.
pub async fn plans_of(db: impl PgExecutor<'_>, accounts: &[AccountId]) -> Result<Vec<(AccountId, Plan)>, QueryError> {
    let ids = uuids(accounts);
    let found = sqlx::query!(
        r#"SELECT account_id, plan_id, currency, total, paid, down_payment_id, down_payment, agreed_on, state, warned_on, ended_on,
                  ended_because, reason, due_on, instalment.amount,
                  greatest(0, least(instalment.amount, paid - (sum(instalment.amount) OVER earlier - instalment.amount)))::bigint AS "of_it!"
           FROM read_receivables.plan JOIN read_receivables.instalment USING (account_id, plan_id)
           WHERE account_id = ANY($1)
           WINDOW earlier AS (PARTITION BY account_id, plan_id ORDER BY number)
           ORDER BY account_id, agreed_on DESC, plan_id, number"#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let mut plans: Vec<(AccountId, Plan)> = vec![];
    for row in found {
        let (account_id, plan_id) = (AccountId::new(row.account_id), InstalmentPlanId::new(row.plan_id));
        let currency = currency(row.currency)?;
        let money = |minor| Money::new(minor, currency);
        let instalment = Instalment { due_on: row.due_on, amount: money(row.amount), paid: money(row.of_it) };
        if let Some((_, plan)) = plans.last_mut().filter(|(of, plan)| (*of, plan.plan_id) == (account_id, plan_id)) {
            plan.instalments.push(instalment);
            continue;
        }
        let plan = Plan {
            plan_id,
            total: money(row.total),
            paid: money(row.paid),
            down_payment: row.down_payment_id.zip(row.down_payment).map(|(id, minor)| (PaymentId::new(id), money(minor))),
            agreed_on: row.agreed_on,
            state: from_name(row.state).map_err(malformed("state"))?,
            warned_on: row.warned_on,
            ended_on: row.ended_on,
            ended_because: row.ended_because.map(from_name).transpose().map_err(malformed("ended_because"))?,
            reason: row.reason,
            instalments: vec![instalment],
        };
        plans.push((account_id, plan));
    }
    Ok(plans)
}

/// The accounts on whose debts a plan runs, in the order of their ids, after one that was seen.
pub async fn accounts_on_plans(db: impl PgExecutor<'_>, after: Option<AccountId>, limit: u32) -> Result<Vec<AccountId>, QueryError> {
    let found = sqlx::query_scalar!(
        "SELECT account_id FROM read_receivables.plan WHERE state = 'running' AND account_id > $1 ORDER BY account_id LIMIT $2",
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(AccountId::new).collect())
}

/// An account's statement, or a page of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What was owed before the first line, less what credit there was.
    pub opening: Money,
    pub lines: Vec<StatementLine>,
    /// After the last line of the page.
    pub closing: Money,
}

/// An event that changed what the customer owes. Which credit pays which item changes nothing, and is not among them.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementLine {
    pub place: Place,
    pub cause: Cause,
    pub document: Option<String>,
    /// More owed, or less if negative.
    pub amount: Money,
    /// Afterwards.
    pub balance: Money,
}

/// Where in a statement, which is in the order of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub effective_on: NaiveDate,
    pub position: u64,
}

/// What happened on an account from a day on, or after a line that was seen, up to the date and as it was known.
pub async fn statement(
    db: &mut PgConnection,
    (account_id, currency): (AccountId, Currency),
    from: NaiveDate,
    after: Option<Place>,
    as_of: AsOf,
    limit: u32,
) -> Result<Statement, QueryError> {
    let (day, position) = after.map_or((from, -1), |seen| (seen.effective_on, to_bigint(seen.position)));
    let before = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(owed) - sum(unapplied), 0) AS "balance!" FROM read_receivables.movement
           WHERE account_id = $1 AND currency = $2 AND (effective_on, position) <= ($3, $4) AND position <= $5"#,
        Uuid::from(account_id),
        currency.code(),
        day,
        position,
        as_of.position(),
    )
    .fetch_one(&mut *db)
    .await?;
    let found = sqlx::query!(
        r#"SELECT effective_on, position, cause, min(document) AS document, sum(owed) - sum(unapplied) AS "amount!"
           FROM read_receivables.movement
           WHERE account_id = $1 AND currency = $2 AND (effective_on, position) > ($3, $4) AND effective_on <= $5 AND position <= $6
           GROUP BY effective_on, position, cause HAVING sum(owed) <> sum(unapplied)
           ORDER BY effective_on, position LIMIT $7"#,
        Uuid::from(account_id),
        currency.code(),
        day,
        position,
        as_of.effective,
        as_of.position(),
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    let opening = money(before, currency)?;
    let mut balance = opening;
    let lines = found.into_iter().map(|row| {
        let amount = money(row.amount, currency)?;
        balance.minor += amount.minor;
        let place = Place { effective_on: row.effective_on, position: from_bigint(row.position) };
        let cause = from_name(row.cause).map_err(malformed("cause"))?;
        Ok::<_, QueryError>(StatementLine { place, cause, document: row.document, amount, balance })
    });
    let lines = lines.collect::<Result<_, _>>()?;
    Ok(Statement { opening, lines, closing: balance })
}

/// How many lines a statement has from a day on.
pub async fn statement_lines(
    db: impl PgExecutor<'_>,
    (account_id, currency): (AccountId, Currency),
    from: NaiveDate,
    as_of: AsOf,
) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM (SELECT position, cause FROM read_receivables.movement
                 WHERE account_id = $1 AND currency = $2 AND effective_on BETWEEN $3 AND $4 AND position <= $5
                 GROUP BY effective_on, position, cause HAVING sum(owed) <> sum(unapplied)) line"#,
        Uuid::from(account_id),
        currency.code(),
        from,
        as_of.effective,
        as_of.position(),
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

fn entry<K: Ord>(aged: &mut BTreeMap<K, Aged>, key: K, currency: Currency) -> &mut Aged {
    let nothing = Money::zero(currency);
    aged.entry(key).or_insert_with(|| Aged { bands: BTreeMap::new(), disputed: nothing, planned: nothing, unapplied: nothing })
}

/// Sums of minor units are far below what overflows: no account, and no utility, is owed a millionth of that.
fn add(aged: &mut Aged, band: AgeBand, disputed: bool, open: Money, planned: Money) {
    aged.planned.minor += planned.minor;
    if open != planned {
        aged.bands.entry(band).or_insert(Money::zero(open.currency)).minor += open.minor - planned.minor;
    }
    if disputed {
        aged.disputed.minor += open.minor;
    }
}

fn currency<T: DeserializeOwned>(code: String) -> Result<T, QueryError> {
    from_name(code).map_err(malformed("currency"))
}

/// Sums are whole numbers.
fn money(sum: Decimal, currency: Currency) -> Result<Money, QueryError> {
    Ok(Money::new(whole(sum).map_err(malformed("owed"))?, currency))
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Receivables::NAME, column, source }
}
