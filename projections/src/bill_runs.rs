//! Bill runs: what each is for, how far it has come, what its invoices come to, and which accounts it left to people.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Code, Currency, Decider, Money, Reason, Recorded,
    bill_run::{self, BillRun, BillRunPlanned, BlockFrozen, BlockIssued, Failure, Listed, Outcome, Plan, Tally, Totals},
    ids::{AccountId, BillRunId},
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{from_bigint, from_name, position, to_bigint, to_name, uuids, whole},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct BillRuns {
    runs: Current<RunRow>,
    blocks: Current<BlockRow>,
    totals: History<TotalRow>,
    exceptions: History<ExceptionRow>,
}

rows! {
    struct RunRow in run {
        run_id: Uuid,
        cycle: String,
        cut_off: NaiveDate,
        issued_on: NaiveDate,
        plan: String,
        blocks: i32,
        open_blocks: i32,
        billed: i64,
        held: i64,
        failed: i64,
        last_account_id: Option<Uuid>,
        planned_at: DateTime<Utc>,
        moved_at: DateTime<Utc>,
        finished_at: Option<DateTime<Utc>>,
        revision: i64,
        position: i64,
    }

    struct BlockRow in block {
        run_id: Uuid,
        block: i32,
        billed: i64,
        held: i64,
        failed: i64,
        first_account_id: Uuid,
        last_account_id: Uuid,
        rated_as_of: i64,
        list_digest: String,
        frozen_at: DateTime<Utc>,
        issued_at: Option<DateTime<Utc>>,
        position: i64,
    }

    struct TotalRow in total {
        run_id: Uuid,
        block: i32,
        currency: String,
        invoices: i64,
        net: i64,
        vat: i64,
        rounding: i64,
        total: i64,
        smallest: i64,
        largest: i64,
        issued_on: NaiveDate,
        position: i64,
    }

    struct ExceptionRow in exception {
        run_id: Uuid,
        account_id: Uuid,
        block: i32,
        outcome: String,
        code: Option<String>,
        why: Option<String>,
        position: i64,
    }
}

keys! {
    RunRow by run_id: Uuid;
    BlockRow by run_id: Uuid, block: i32;
}

impl Projector for BillRuns {
    const NAME: &'static str = "bill_runs";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[BillRun::CATEGORY];
    const TABLES: &'static str = include_str!("../models/bill_runs/tables.sql");
    const INDEXES: &'static str = include_str!("../models/bill_runs/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::BillRun(event) = &fact.event {
            match event {
                bill_run::Event::BillRunPlanned(event) => self.planned(fact, event),
                bill_run::Event::BlockFrozen(event) => self.frozen(fact, event),
                bill_run::Event::BlockIssued(event) => self.issued(fact, event),
                // Abandoned, it is as over as finished: what it has not come to is in none of its figures.
                bill_run::Event::BillRunFinished(_) | bill_run::Event::BillRunAbandoned(_) => {
                    self.change(fact, |run| run.finished_at = Some(fact.metadata.recorded_at));
                }
            }
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.runs, &mut self.blocks, &mut self.totals, &mut self.exceptions]
    }
}

impl BillRuns {
    fn planned(&mut self, fact: &Recorded<BillingEvent>, event: &BillRunPlanned) {
        let BillRunPlanned { run_id, plan } = event;
        self.runs.insert(RunRow {
            run_id: (*run_id).into(),
            cycle: plan.cycle.to_string(),
            cut_off: plan.cut_off,
            issued_on: plan.dates.issued_on,
            plan: String::from_utf8_lossy(&daftar_domain::write(plan)).into_owned(),
            blocks: 0,
            open_blocks: 0,
            billed: 0,
            held: 0,
            failed: 0,
            last_account_id: None,
            planned_at: fact.metadata.recorded_at,
            moved_at: fact.metadata.recorded_at,
            finished_at: None,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
    }

    fn frozen(&mut self, fact: &Recorded<BillingEvent>, event: &BlockFrozen) {
        let BlockFrozen { block, accounts, as_of, list_digest } = event;
        let [Some(first), Some(last)] = [accounts.first(), accounts.last()] else { return };
        let (block, mut row) = (number(*block), block_row(fact, *block, [first, last]));
        (row.rated_as_of, row.list_digest) = (to_bigint(as_of.commit), list_digest.to_string());
        for Listed { account_id, outcome } in accounts {
            let (counted, failure) = match outcome {
                Outcome::Billed(_) => (&mut row.billed, None),
                Outcome::Held => (&mut row.held, None),
                Outcome::Failed(failure) => (&mut row.failed, Some(failure)),
            };
            *counted += 1;
            if let Some(outcome) = exception(outcome) {
                self.exceptions.add(ExceptionRow {
                    run_id: fact.stream.id(),
                    account_id: (*account_id).into(),
                    block,
                    outcome: to_name(&outcome),
                    code: failure.map(|failure| failure.code.to_string()),
                    why: failure.map(|failure| failure.why.to_string()),
                    position: position(fact),
                });
            }
        }
        self.change(fact, |run| {
            run.blocks += 1;
            run.open_blocks += i32::from(row.has_work());
            (run.billed, run.held, run.failed) = (run.billed + row.billed, run.held + row.held, run.failed + row.failed);
            run.last_account_id = Some(row.last_account_id);
        });
        self.blocks.insert(row);
    }

    fn issued(&mut self, fact: &Recorded<BillingEvent>, event: &BlockIssued) {
        let BlockIssued { block, totals } = event;
        let (run_id, block) = (fact.stream.id(), number(*block));
        if let Some(row) = self.blocks.get_mut(&(run_id, block)) {
            (row.issued_at, row.position) = (Some(fact.metadata.recorded_at), position(fact));
        }
        self.change(fact, |run| run.open_blocks -= 1);
        let issued_on = self.runs.get(&run_id).map(|run| run.issued_on).unwrap_or_default();
        for (currency, totals) in totals {
            let Totals { invoices, net, vat, rounding, total, smallest, largest } = totals;
            self.totals.add(TotalRow {
                run_id,
                block,
                currency: to_name(currency),
                invoices: to_bigint(*invoices),
                net: net.minor,
                vat: vat.minor,
                rounding: rounding.minor,
                total: total.minor,
                smallest: smallest.minor,
                largest: largest.minor,
                issued_on,
                position: position(fact),
            });
        }
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut RunRow)) {
        if let Some(run) = self.runs.get_mut(&fact.stream.id()) {
            change(run);
            (run.moved_at, run.revision, run.position) = (fact.metadata.recorded_at, to_bigint(fact.revision), position(fact));
        }
    }
}

impl BlockRow {
    /// Something of it is to be issued, or drafted for a person.
    fn has_work(&self) -> bool {
        self.billed + self.held > 0
    }
}

/// A block in which nobody is yet.
fn block_row(fact: &Recorded<BillingEvent>, block: u32, [first, last]: [&Listed; 2]) -> BlockRow {
    BlockRow {
        run_id: fact.stream.id(),
        block: number(block),
        billed: 0,
        held: 0,
        failed: 0,
        first_account_id: first.account_id.into(),
        last_account_id: last.account_id.into(),
        rated_as_of: 0,
        list_digest: String::new(),
        frozen_at: fact.metadata.recorded_at,
        issued_at: None,
        position: position(fact),
    }
}

/// What kept an account from being billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Drafted, and waiting for a person.
    Held,
    Failed,
}

fn exception(outcome: &Outcome) -> Option<Kind> {
    match outcome {
        Outcome::Billed(_) => None,
        Outcome::Held => Some(Kind::Held),
        Outcome::Failed(_) => Some(Kind::Failed),
    }
}

/// A million accounts are a thousand blocks.
fn number(block: u32) -> i32 {
    i32::try_from(block).unwrap_or(i32::MAX)
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: BillRunId,
    pub plan: Plan,
    /// Blocks that were frozen, and how many of them are not issued yet.
    pub blocks: u32,
    pub open_blocks: u32,
    pub tally: Tally,
    pub planned_at: DateTime<Utc>,
    pub moved_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

pub async fn by_id(db: impl PgExecutor<'_>, id: BillRunId) -> Result<Option<Run>, QueryError> {
    let row = sqlx::query_as!(RunRow, "SELECT * FROM read_bill_runs.run WHERE run_id = $1", Uuid::from(id));
    row.fetch_optional(db).await?.map(Run::try_from).transpose()
}

/// All runs, the latest planned first, after one that was seen.
pub async fn all(db: impl PgExecutor<'_>, after: Option<(DateTime<Utc>, BillRunId)>, limit: u32) -> Result<Vec<Run>, QueryError> {
    let (planned_at, id) = after.unzip();
    let rows = sqlx::query_as!(
        RunRow,
        "SELECT * FROM read_bill_runs.run WHERE (planned_at, run_id) < ($1, $2) OR $1 IS NULL
         ORDER BY planned_at DESC, run_id DESC LIMIT $3",
        planned_at,
        id.map(Uuid::from),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Run::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM read_bill_runs.run"#).fetch_one(db).await?;
    Ok(from_bigint(count))
}

/// A thousand accounts of a run, or the rest of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Counted from 0.
    pub number: u32,
    pub tally: Tally,
    pub first: AccountId,
    pub last: AccountId,
    pub frozen_at: DateTime<Utc>,
    /// Empty as long as something of it is left to do, and where there was nothing to.
    pub issued_at: Option<DateTime<Utc>>,
}

/// The blocks of a run in their order, after one that was seen.
pub async fn blocks(db: impl PgExecutor<'_>, id: BillRunId, after: Option<u32>, limit: u32) -> Result<Vec<Block>, QueryError> {
    let rows = sqlx::query_as!(
        BlockRow,
        "SELECT * FROM read_bill_runs.block WHERE run_id = $1 AND block > $2 ORDER BY block LIMIT $3",
        Uuid::from(id),
        after.map_or(-1, number),
        i64::from(limit),
    );
    let rows = rows.fetch_all(db).await?;
    Ok(rows.into_iter().map(Block::from).collect())
}

/// What the invoices of a run come to, in each currency: those of the blocks that were issued by the moment.
pub async fn totals(db: impl PgExecutor<'_>, id: BillRunId, as_of: AsOf) -> Result<BTreeMap<Currency, Totals>, QueryError> {
    let totals = totals_of(db, &[id], as_of).await?.remove(&id).unwrap_or_default();
    Ok(totals.into_iter().map(|totals| (totals.total.currency, totals)).collect())
}

/// The same of many runs.
pub async fn totals_of(db: impl PgExecutor<'_>, ids: &[BillRunId], as_of: AsOf) -> Result<HashMap<BillRunId, Vec<Totals>>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT run_id, currency, sum(invoices) AS "invoices!", sum(net) AS "net!", sum(vat) AS "vat!", sum(rounding) AS "rounding!",
                  sum(total) AS "total!", min(smallest) AS "smallest!", max(largest) AS "largest!"
           FROM read_bill_runs.total WHERE run_id = ANY($1) AND issued_on <= $2 AND position <= $3
           GROUP BY run_id, currency ORDER BY run_id, currency"#,
        &uuids(ids),
        as_of.effective,
        as_of.position(),
    );
    let mut of_runs: HashMap<BillRunId, Vec<Totals>> = HashMap::new();
    for row in found.fetch_all(db).await? {
        let currency: Currency = from_name(row.currency).map_err(malformed("currency"))?;
        let sum = |sum: Decimal| Ok::<_, QueryError>(Money::new(whole(sum).map_err(malformed("total"))?, currency));
        of_runs.entry(BillRunId::new(row.run_id)).or_default().push(Totals {
            invoices: from_bigint(whole(row.invoices).map_err(malformed("invoices"))?),
            net: sum(row.net)?,
            vat: sum(row.vat)?,
            rounding: sum(row.rounding)?,
            total: sum(row.total)?,
            smallest: Money::new(row.smallest, currency),
            largest: Money::new(row.largest, currency),
        });
    }
    Ok(of_runs)
}

/// An account that a run left to people.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    pub account_id: AccountId,
    pub block: u32,
    /// Nothing if it is held: then its draft says why.
    pub failure: Option<Failure>,
}

/// The accounts that a run did not bill for this reason, or for any, in the order of their ids; after one that was seen.
pub async fn exceptions(
    db: impl PgExecutor<'_>,
    id: BillRunId,
    (kind, code): (Option<Kind>, Option<&Code>),
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Exception>, QueryError> {
    let found = sqlx::query_as!(
        ExceptionRow,
        "SELECT * FROM read_bill_runs.exception
         WHERE run_id = $1 AND (outcome = $2 OR $2 IS NULL) AND (code = $3 OR $3 IS NULL) AND (account_id > $4 OR $4 IS NULL)
         ORDER BY account_id LIMIT $5",
        Uuid::from(id),
        kind.map(|kind| to_name(&kind)),
        code.map(Code::as_str),
        after.map(Uuid::from),
        i64::from(limit),
    );
    let exceptions = found.fetch_all(db).await?.into_iter().map(|row| {
        let failure = match row.code.zip(row.why) {
            Some((code, why)) => Some(Failure {
                code: from_name::<Code>(code).map_err(malformed("code"))?,
                why: from_name::<Reason>(why).map_err(malformed("why"))?,
            }),
            None => None,
        };
        Ok(Exception { account_id: AccountId::new(row.account_id), block: row.block.unsigned_abs(), failure })
    });
    exceptions.collect()
}

/// How many accounts a run left to people, by what kept them from being billed.
pub async fn count_exceptions(db: impl PgExecutor<'_>, id: BillRunId) -> Result<BTreeMap<(Kind, Option<Code>), u64>, QueryError> {
    let counts = count_exceptions_of(db, &[id]).await?.into_iter().map(|((_, kind, code), count)| {
        let code = code.map(|code| from_name(code).map_err(malformed("code"))).transpose()?;
        Ok(((kind, code), count))
    });
    counts.collect()
}

/// The same of many runs.
pub async fn count_exceptions_of(
    db: impl PgExecutor<'_>,
    ids: &[BillRunId],
) -> Result<Vec<((BillRunId, Kind, Option<String>), u64)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT run_id, outcome, code, count(*) AS "count!" FROM read_bill_runs.exception WHERE run_id = ANY($1)
           GROUP BY run_id, outcome, code ORDER BY run_id, outcome, code"#,
        &uuids(ids),
    );
    let counts = found.fetch_all(db).await?.into_iter().map(|row| {
        let kind = from_name(row.outcome).map_err(malformed("outcome"))?;
        Ok(((BillRunId::new(row.run_id), kind, row.code), from_bigint(row.count)))
    });
    counts.collect()
}

impl TryFrom<RunRow> for Run {
    type Error = QueryError;

    fn try_from(row: RunRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: BillRunId::new(row.run_id),
            plan: serde_json::from_str(&row.plan).map_err(malformed("plan"))?,
            blocks: row.blocks.unsigned_abs(),
            open_blocks: row.open_blocks.unsigned_abs(),
            tally: tally([row.billed, row.held, row.failed]),
            planned_at: row.planned_at,
            moved_at: row.moved_at,
            finished_at: row.finished_at,
        })
    }
}

impl From<BlockRow> for Block {
    fn from(row: BlockRow) -> Self {
        Self {
            number: row.block.unsigned_abs(),
            tally: tally([row.billed, row.held, row.failed]),
            first: AccountId::new(row.first_account_id),
            last: AccountId::new(row.last_account_id),
            frozen_at: row.frozen_at,
            issued_at: row.issued_at,
        }
    }
}

fn tally(counts: [i64; 3]) -> Tally {
    let [billed, held, failed] = counts.map(from_bigint);
    Tally { billed, held, failed }
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: BillRuns::NAME, column, source }
}
