//! What a bill run needs to know, by account: who is supplied where, what was measured and what was billed.
//!
//! The rows are facts and not results. A page of accounts is read with a few statements, and the domain's own folds make of it what they
//! would make of the streams, as these stood at any position: what was rated once can be rated again, however much has happened since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Currency, Decider, EventSchema, Money, Overestimate, Position, Recorded, Service,
    account::{self, Account},
    agreement::{self, AgreementStarted, MeterAttached, ServicePoint},
    correction::{self, Correction, CorrectionOpened},
    ids::{AccountId, AgreementId, CorrectionId, InvoiceId, MeterId, PremisesId, ServicePointId},
    invoice::{self, Invoice, InvoiceDrafted, InvoiceIssued, Subject},
    ledger::{self, LedgerAccount},
    meter::{self, Meter},
    premises::{self, Premises},
    tariff::{self, Series, TariffSeries},
};
use serde::de::Error as _;
use sqlx::{Executor, PgConnection, PgExecutor, PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    as_of::AsOf,
    checkpoint::reached,
    columns::{from_bigint, from_name, position, to_bigint, to_name, uuids},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Billable {
    facts: History<FactRow>,
    series: History<SeriesRow>,
    supplies: History<SupplyRow>,
    meters: History<MeterRow>,
    billed: History<BilledRow>,
    drafts: History<DraftRow>,
    voids: History<VoidRow>,
    corrections: History<CorrectionRow>,
    corrected: History<CorrectedRow>,
    stands: Current<StandRow>,
}

rows! {
    struct FactRow in fact { stream_id: Uuid, event_type: String, version: i64, data: String, position: i64, }

    struct SeriesRow in series { series_id: Uuid, position: i64, }

    struct SupplyRow in supply {
        account_id: Uuid,
        agreement_id: Uuid,
        service_point_id: Uuid,
        premises_id: Uuid,
        service: String,
        position: i64,
    }

    struct MeterRow in meter { service_point_id: Uuid, meter_id: Uuid, position: i64, }

    struct BilledRow in billed {
        account_id: Uuid,
        agreement_id: Uuid,
        invoice_id: Uuid,
        billed_to: NaiveDate,
        carried: Option<String>,
        total: i64,
        currency: String,
        position: i64,
    }

    struct DraftRow in draft { account_id: Uuid, agreement_id: Uuid, invoice_id: Uuid, position: i64, }

    struct VoidRow in void { invoice_id: Uuid, position: i64, }

    struct CorrectionRow in correction { account_id: Uuid, correction_id: Uuid, position: i64, }

    struct CorrectedRow in corrected { correction_id: Uuid, position: i64, }

    struct StandRow in stand { stream_id: Uuid, revision: i64, recorded_at: DateTime<Utc>, unapplied: i64, position: i64, }
}

keys! { StandRow by stream_id: Uuid; }

impl Projector for Billable {
    const NAME: &'static str = "billable";
    const VERSION: i32 = 3;
    const CATEGORIES: &'static [&'static str] = &[
        Account::CATEGORY,
        Correction::CATEGORY,
        ServicePoint::CATEGORY,
        Premises::CATEGORY,
        Meter::CATEGORY,
        Invoice::CATEGORY,
        TariffSeries::CATEGORY,
    ];
    const TABLES: &'static str = include_str!("../models/billable/tables.sql");
    const INDEXES: &'static str = include_str!("../models/billable/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::Account(event) => self.account(fact, event),
            BillingEvent::Correction(event) => self.correction(fact, event),
            BillingEvent::ServicePoint(event) => self.service_point(fact, event),
            BillingEvent::Premises(event) => self.premises(fact, event),
            BillingEvent::Meter(event) => self.meter(fact, event),
            BillingEvent::Invoice(event) => self.invoice(fact, event),
            BillingEvent::Tariff(event) => self.tariff(fact, event),
            // None of another category comes here.
            _ => {}
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { facts, series, supplies, meters, billed, drafts, voids, corrections, corrected, stands } = self;
        vec![facts, series, supplies, meters, billed, drafts, voids, corrections, corrected, stands]
    }
}

impl Billable {
    fn account(&mut self, fact: &Recorded<BillingEvent>, event: &account::Event) {
        use account::Event;
        match event {
            Event::AccountOpened(_)
            | Event::AccountReclassified(_)
            | Event::HolderRenamed(_)
            | Event::IdentityRecorded(_)
            | Event::CurrencyChosen(_)
            | Event::AddressAdded(_)
            | Event::AddressChanged(_)
            | Event::AddressRemoved(_)
            | Event::VatStatusSet(_)
            | Event::SubsidyGranted(_)
            | Event::SubsidyEnded(_) => self.keep(fact),
            Event::LanguageChosen(_)
            | Event::ContactAdded(_)
            | Event::ContactChanged(_)
            | Event::ContactRemoved(_)
            | Event::LinkedToLedger(_)
            | Event::ServiceBegun(_)
            | Event::ServiceEnded(_)
            | Event::MeterFitted(_)
            | Event::MeterTakenOff(_)
            | Event::ConnectionCleared(_)
            | Event::ConnectionWithdrawn(_)
            | Event::AccountSuspended(_)
            | Event::AccountResumed(_)
            | Event::AccountClosed(_)
            | Event::OpeningBalanceImported(_)
            | Event::OpeningBalanceReversed(_)
            | Event::AccountCharged(_)
            | Event::ItemDisputed(_)
            | Event::DisputeResolved(_)
            | Event::PaymentReceived(_)
            | Event::PaymentReversed(_)
            | Event::CreditAllocated(_)
            | Event::AllocationFreed(_)
            | Event::AccountCredited(_)
            | Event::CompensationCredited(_)
            | Event::SubsidyCredited(_)
            | Event::SubsidyTakenBack(_)
            | Event::CreditRefunded(_)
            | Event::RefundReturned(_)
            | Event::DepositTaken(_)
            | Event::DepositReleased(_)
            | Event::DepositReturned(_)
            | Event::LateFeeAssessed(_)
            | Event::LateFeeWaived(_)
            | Event::DebtWrittenOff(_)
            | Event::CreditWrittenOff(_)
            | Event::DebtRecovered(_)
            | Event::VatReliefClaimed(_)
            | Event::RebillBegun(_)
            | Event::RebillEnded(_)
            | Event::ChequeCleared(_)
            | Event::AllocationPolicyChosen(_)
            | Event::PlanAgreed(_)
            | Event::InstalmentMissed(_)
            | Event::PlanBroken(_)
            | Event::PlanCancelled(_)
            | Event::PlanCompleted(_) => {}
        }
        self.stands_at(fact, unapplied(fact));
    }

    fn correction(&mut self, fact: &Recorded<BillingEvent>, event: &correction::Event) {
        use correction::Event;
        let (correction_id, position) = (fact.stream.id(), position(fact));
        match event {
            Event::CorrectionOpened(CorrectionOpened { terms, .. }) => {
                self.corrections.add(CorrectionRow { account_id: terms.account_id.into(), correction_id, position });
            }
            Event::CorrectionRefused(_) | Event::CorrectionFinished(_) => self.corrected.add(CorrectedRow { correction_id, position }),
            Event::StepTaken(_) => {}
        }
    }

    fn service_point(&mut self, fact: &Recorded<BillingEvent>, event: &agreement::Event) {
        use agreement::Event;
        match event {
            Event::AgreementStarted(AgreementStarted { service_point_id, agreement, .. }) => self.supplies.add(SupplyRow {
                account_id: agreement.account_id.into(),
                agreement_id: agreement.agreement_id.into(),
                service_point_id: (*service_point_id).into(),
                premises_id: agreement.premises_id.into(),
                service: to_name(&agreement.service),
                position: position(fact),
            }),
            Event::MeterAttached(MeterAttached { service_point_id, meter_id, on: _ }) => self.meters.add(MeterRow {
                service_point_id: (*service_point_id).into(),
                meter_id: (*meter_id).into(),
                position: position(fact),
            }),
            Event::AgreementEnded(_) | Event::TariffSeriesChanged(_) | Event::ReadCycleChanged(_) | Event::MeterDetached(_) => {}
            // How it came to be connected is not billed.
            Event::ConnectionAwaited(_) | Event::ConnectionMade(_) | Event::ConnectionForgone(_) => return,
        }
        self.keep(fact);
    }

    fn premises(&mut self, fact: &Recorded<BillingEvent>, event: &premises::Event) {
        match event {
            premises::Event::PremisesRegistered(_) | premises::Event::PremisesAmended(_) => self.keep(fact),
            premises::Event::AddressCorrected(_) => {}
        }
    }

    fn meter(&mut self, fact: &Recorded<BillingEvent>, event: &meter::Event) {
        use meter::Event;
        match event {
            Event::MeterRegistered(_)
            | Event::MeterInstalled(_)
            | Event::MeterRemoved(_)
            | Event::MeterExchanged(_)
            | Event::ReadingRecorded(_)
            | Event::ReadingHeld(_)
            | Event::ReadingEstimated(_)
            | Event::ReadingReleased(_)
            | Event::ReadingReversed(_)
            | Event::EstimatesTruedUp(_)
            | Event::ReadingsBilled(_)
            | Event::ReadingsUnbilled(_) => self.keep(fact),
            Event::MeterReserved(_)
            | Event::MeterUnreserved(_)
            | Event::MeterDisconnected(_)
            | Event::MeterReconnected(_)
            | Event::SentToBench(_)
            | Event::MeterTested(_)
            | Event::MeterScrapped(_)
            | Event::BreakerReplaced(_)
            | Event::SealApplied(_)
            | Event::SealBroken(_)
            | Event::SealReplaced(_) => {}
        }
        self.stands_at(fact, 0);
    }

    fn invoice(&mut self, fact: &Recorded<BillingEvent>, event: &invoice::Event) {
        use invoice::Event;
        match event {
            Event::InvoiceIssued(InvoiceIssued { invoice_id, account_id, subject: Subject::Supply { supplies }, document, .. }) => {
                for supply in supplies {
                    self.billed.add(BilledRow {
                        account_id: (*account_id).into(),
                        agreement_id: supply.agreement_id.into(),
                        invoice_id: (*invoice_id).into(),
                        billed_to: supply.bill.period.to(),
                        carried: supply.bill.carried.as_ref().map(to_json),
                        total: document.total.minor,
                        currency: to_name(&document.currency),
                        position: position(fact),
                    });
                }
            }
            Event::InvoiceDrafted(InvoiceDrafted { invoice_id, account_id, draft }) => {
                let supplies = match &draft.subject {
                    Subject::Supply { supplies } => &supplies[..],
                    Subject::Repair { .. } | Subject::Connection { .. } | Subject::Fees => &[],
                };
                for supply in supplies {
                    self.drafts.add(DraftRow {
                        account_id: (*account_id).into(),
                        agreement_id: supply.agreement_id.into(),
                        invoice_id: (*invoice_id).into(),
                        position: position(fact),
                    });
                }
            }
            Event::InvoiceCancelled(_) | Event::DraftDiscarded(_) => {
                self.voids.add(VoidRow { invoice_id: fact.stream.id(), position: position(fact) })
            }
            Event::InvoiceIssued(_)
            | Event::InvoiceHeld(_)
            | Event::InvoiceReleased(_)
            | Event::InvoiceApproved(_)
            | Event::CreditNoteApproved(_)
            | Event::CreditNoteIssued(_)
            | Event::DebitNoteApproved(_)
            | Event::DebitNoteIssued(_)
            | Event::InvoicePartlyPaid(_)
            | Event::InvoiceSettled(_)
            | Event::InvoiceReopened(_)
            | Event::InvoiceFellOverdue(_)
            | Event::InvoiceWrittenOff(_) => {}
        }
    }

    fn tariff(&mut self, fact: &Recorded<BillingEvent>, event: &tariff::Event) {
        match event {
            tariff::Event::TariffPublished(_) => self.series.add(SeriesRow { series_id: fact.stream.id(), position: position(fact) }),
            tariff::Event::TariffClosed(_) => {}
        }
        self.keep(fact);
    }

    fn keep(&mut self, fact: &Recorded<BillingEvent>) {
        self.facts.add(FactRow {
            stream_id: fact.stream.id(),
            event_type: fact.event.event_type().to_owned(),
            version: fact.event.version().into(),
            data: String::from_utf8_lossy(&fact.event.encode()).into_owned(),
            position: position(fact),
        });
    }

    fn stands_at(&mut self, fact: &Recorded<BillingEvent>, more_unapplied: i64) {
        let (stream_id, revision, recorded_at) = (fact.stream.id(), to_bigint(fact.revision), fact.metadata.recorded_at);
        if fact.revision == 0 {
            self.stands.insert(StandRow { stream_id, revision, recorded_at, unapplied: more_unapplied, position: position(fact) });
        } else if let Some(stand) = self.stands.get_mut(&stream_id) {
            let unapplied = stand.unapplied.saturating_add(more_unapplied);
            *stand = StandRow { stream_id, revision, recorded_at, unapplied, position: position(fact) };
        }
    }
}

/// What an event adds to credit that has paid nothing yet: what the books say of it.
fn unapplied(fact: &Recorded<BillingEvent>) -> i64 {
    let Ok(Some(journal)) = ledger::post(fact) else { return 0 };
    let entries = journal.entries().iter().filter(|entry| entry.account == LedgerAccount::Unapplied);
    i64::try_from(-entries.map(|entry| entry.signed()).sum::<i128>()).unwrap_or_default()
}

fn to_json(carried: &Overestimate) -> String {
    String::from_utf8_lossy(&daftar_domain::write(carried)).into_owned()
}

/// Some accounts in the order of their ids, with all that their bills can depend on.
#[derive(Debug)]
pub struct Page {
    /// What was recorded up to here is in it, and nothing after.
    pub as_of: Position,
    accounts: BTreeSet<Uuid>,
    facts: HashMap<Uuid, Vec<Fact>>,
    supplies: HashMap<Uuid, Vec<SupplyRow>>,
    meters: HashMap<Uuid, Vec<Uuid>>,
    billed: HashMap<Uuid, Vec<BilledRow>>,
    /// By agreement.
    drafts: HashMap<Uuid, InvoiceId>,
    /// By account.
    corrections: HashMap<Uuid, CorrectionId>,
    stands: HashMap<Uuid, StandRow>,
}

#[derive(Debug)]
struct Fact {
    event_type: String,
    version: i64,
    data: String,
}

/// An account that may be billed.
#[derive(Debug)]
pub struct Customer {
    pub account: Known<Account>,
    /// Credit waits in the account that may pay the next charge.
    pub has_credit: bool,
    pub supplies: Vec<Supplied>,
    /// What the latest invoices for supplies came to, each with its id; the newest last.
    pub bills: Vec<(InvoiceId, Money)>,
    /// A correction of one of its bills that has begun and has not ended.
    pub under_correction: Option<CorrectionId>,
}

/// One service at one place under one agreement.
#[derive(Debug)]
pub struct Supplied {
    pub agreement_id: AgreementId,
    pub service_point_id: ServicePointId,
    pub premises_id: PremisesId,
    pub service: Service,
    pub service_point: ServicePoint,
    pub premises: Premises,
    pub meters: Vec<(MeterId, Known<Meter>)>,
    /// What was billed and not cancelled, in the order of its days.
    pub billed: Vec<Billed>,
    /// A bill that is drafted and waits for a person.
    pub drafted: Option<InvoiceId>,
}

/// A bill under the agreement.
#[derive(Clone, Debug, PartialEq)]
pub struct Billed {
    pub invoice_id: InvoiceId,
    /// Up to and without which day.
    pub to: NaiveDate,
    /// What it left to be given back.
    pub carried: Option<Overestimate>,
}

impl Supplied {
    /// Up to and without which day the agreement was billed.
    pub fn billed_to(&self) -> Option<NaiveDate> {
        self.billed.last().map(|last| last.to)
    }
}

/// An aggregate by what is kept of its facts here.
#[derive(Clone, Debug)]
pub struct Known<D> {
    pub state: D,
    /// Where its stream stood: the revision, and the time of its last event. Nothing, if it has gone on since: the state is then no longer
    /// what is at the stream's end.
    pub stood: Option<(u64, DateTime<Utc>)>,
}

/// All statements see the rows and the checkpoint as they were when the first one did, and find theirs by key. Left alone, the planner goes by
/// what there was when the tables were last analysed: of what a run itself adds there was nothing, and each page would read all of it.
async fn at_one_moment(db: &PgPool) -> Result<Transaction<'static, Postgres>, QueryError> {
    let mut db = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    db.execute("SET LOCAL enable_seqscan = off").await?;
    Ok(db)
}

/// The next accounts that are, or were, supplied with anything, after an account; as everything stands in the rows.
pub async fn after(db: &PgPool, after: Option<AccountId>, limit: i64) -> Result<Option<Page>, QueryError> {
    let mut db = at_one_moment(db).await?;
    let Some(as_of) = reached(&mut *db, Billable::NAME).await? else { return Ok(None) };
    let accounts = sqlx::query_scalar!(
        "SELECT DISTINCT account_id FROM read_billable.supply WHERE account_id > $1 OR $1 IS NULL ORDER BY account_id LIMIT $2",
        after.map(Uuid::from),
        limit,
    )
    .fetch_all(&mut *db)
    .await?;
    if accounts.is_empty() { Ok(None) } else { page(&mut db, accounts, as_of).await.map(Some) }
}

/// How many accounts come after one.
pub async fn count_after(db: impl PgExecutor<'_>, after: Option<AccountId>) -> Result<u64, QueryError> {
    let counted = sqlx::query_scalar!(
        r#"SELECT count(DISTINCT account_id) AS "count!" FROM read_billable.supply WHERE account_id > $1 OR $1 IS NULL"#,
        after.map(Uuid::from),
    )
    .fetch_one(db)
    .await?;
    Ok(from_bigint(counted))
}

/// These accounts as everything stood at a position, which the rows must have reached.
pub async fn of(db: &PgPool, accounts: &[AccountId], as_of: Position) -> Result<Page, QueryError> {
    page(&mut *at_one_moment(db).await?, uuids(accounts), as_of).await
}

async fn page(db: &mut PgConnection, accounts: Vec<Uuid>, as_of: Position) -> Result<Page, QueryError> {
    let until = to_bigint(as_of.commit);
    let supplies = sqlx::query_as!(
        SupplyRow,
        "SELECT account_id, agreement_id, service_point_id, premises_id, service, position FROM read_billable.supply
         WHERE account_id = ANY($1) AND position <= $2 ORDER BY account_id, agreement_id",
        &accounts,
        until,
    )
    .fetch_all(&mut *db)
    .await?;
    let service_points: Vec<Uuid> = supplies.iter().map(|supply| supply.service_point_id).collect();
    let measured = sqlx::query!(
        "SELECT DISTINCT service_point_id, meter_id FROM read_billable.meter
         WHERE service_point_id = ANY($1) AND position <= $2 ORDER BY service_point_id, meter_id",
        &service_points,
        until,
    )
    .fetch_all(&mut *db)
    .await?;
    let billed = sqlx::query_as!(
        BilledRow,
        "SELECT account_id, agreement_id, billed.invoice_id, billed_to, carried, total, currency, billed.position
         FROM read_billable.billed
         WHERE account_id = ANY($1) AND billed.position <= $2 AND NOT EXISTS (
             SELECT FROM read_billable.void WHERE void.invoice_id = billed.invoice_id AND void.position <= $2)
         ORDER BY account_id, billed.position, billed_to",
        &accounts,
        until,
    )
    .fetch_all(&mut *db)
    .await?;
    let drafts = sqlx::query_as!(
        DraftRow,
        "SELECT account_id, agreement_id, invoice_id, position FROM read_billable.draft
         WHERE account_id = ANY($1) AND position <= $2
           AND NOT EXISTS (SELECT FROM read_billable.void WHERE void.invoice_id = draft.invoice_id AND void.position <= $2)
           AND NOT EXISTS (
             SELECT FROM read_billable.billed
             WHERE billed.account_id = draft.account_id AND billed.agreement_id = draft.agreement_id
               AND billed.invoice_id = draft.invoice_id AND billed.position <= $2)",
        &accounts,
        until,
    )
    .fetch_all(&mut *db)
    .await?;
    let corrections = sqlx::query!(
        "SELECT account_id, correction_id FROM read_billable.correction
         WHERE account_id = ANY($1) AND position <= $2 AND NOT EXISTS (
             SELECT FROM read_billable.corrected
             WHERE corrected.correction_id = correction.correction_id AND corrected.position <= $2)",
        &accounts,
        until,
    )
    .fetch_all(&mut *db)
    .await?;
    let meters = measured.iter().map(|row| row.meter_id);
    let places = supplies.iter().flat_map(|supply| [supply.service_point_id, supply.premises_id]);
    let streams: Vec<Uuid> = accounts.iter().copied().chain(places).chain(meters).collect::<BTreeSet<_>>().into_iter().collect();
    // Each stream's few facts are put in order here: PostgreSQL would sort all of the page's by themselves.
    let mut facts = sqlx::query_as!(
        FactRow,
        "SELECT stream_id, event_type, version, data, position FROM read_billable.fact WHERE stream_id = ANY($1) AND position <= $2",
        &streams,
        until,
    )
    .fetch_all(&mut *db)
    .await?;
    facts.sort_unstable_by_key(|row| row.position);
    let stands = sqlx::query_as!(
        StandRow,
        "SELECT stream_id, revision, recorded_at, unapplied, position FROM read_billable.stand WHERE stream_id = ANY($1)",
        &streams,
    )
    .fetch_all(&mut *db)
    .await?;
    let fact = |row: &mut HashMap<Uuid, Vec<Fact>>, stream_id, fact| row.entry(stream_id).or_default().push(fact);
    let mut by_stream = HashMap::with_capacity(streams.len());
    for row in facts {
        fact(&mut by_stream, row.stream_id, Fact { event_type: row.event_type, version: row.version, data: row.data });
    }
    Ok(Page {
        as_of,
        accounts: accounts.into_iter().collect(),
        facts: by_stream,
        supplies: grouped(supplies, |row| row.account_id),
        meters: grouped(measured, |row| row.service_point_id)
            .into_iter()
            .map(|(id, rows)| (id, rows.into_iter().map(|row| row.meter_id).collect()))
            .collect(),
        billed: grouped(billed, |row| row.account_id),
        drafts: drafts.into_iter().map(|row| (row.agreement_id, InvoiceId::new(row.invoice_id))).collect(),
        corrections: corrections.into_iter().map(|row| (row.account_id, CorrectionId::new(row.correction_id))).collect(),
        stands: stands.into_iter().map(|row| (row.stream_id, row)).collect(),
    })
}

/// The meters that ever measured a service, as they were known.
pub(crate) async fn meters_of(
    db: impl PgExecutor<'_>,
    service_point_id: ServicePointId,
    as_of: AsOf,
) -> Result<BTreeMap<MeterId, Meter>, QueryError> {
    let facts = sqlx::query!(
        "SELECT stream_id, event_type, version, data FROM read_billable.fact
         WHERE stream_id IN (SELECT meter_id FROM read_billable.meter WHERE service_point_id = $1 AND position <= $2) AND position <= $2
         ORDER BY stream_id, position",
        Uuid::from(service_point_id),
        as_of.position(),
    );
    let facts = facts.fetch_all(db).await?.into_iter();
    folded_meters(facts.map(|row| (row.stream_id, Fact { event_type: row.event_type, version: row.version, data: row.data })).collect())
}

/// These meters as they were known.
pub(crate) async fn meters(db: impl PgExecutor<'_>, ids: &[MeterId], as_of: AsOf) -> Result<BTreeMap<MeterId, Meter>, QueryError> {
    let ids = uuids(ids);
    let facts = sqlx::query!(
        "SELECT stream_id, event_type, version, data FROM read_billable.fact
         WHERE stream_id = ANY($1) AND position <= $2 ORDER BY stream_id, position",
        &ids,
        as_of.position(),
    );
    let facts = facts.fetch_all(db).await?.into_iter();
    folded_meters(facts.map(|row| (row.stream_id, Fact { event_type: row.event_type, version: row.version, data: row.data })).collect())
}

fn folded_meters(facts: Vec<(Uuid, Fact)>) -> Result<BTreeMap<MeterId, Meter>, QueryError> {
    let meters = grouped(facts, |(id, _)| *id).into_iter();
    meters.map(|(id, facts)| Ok((MeterId::new(id), folded(facts.iter().map(|(_, fact)| fact))?))).collect()
}

/// Every tariff series as it was known at a position.
pub async fn tariffs(db: impl PgExecutor<'_>, as_of: Position) -> Result<Vec<Series>, QueryError> {
    let facts = sqlx::query!(
        "SELECT fact.stream_id, event_type, version, data FROM read_billable.fact
         WHERE stream_id IN (SELECT series_id FROM read_billable.series) AND fact.position <= $1 ORDER BY stream_id, position",
        to_bigint(as_of.commit),
    )
    .fetch_all(db)
    .await?;
    let facts = facts.into_iter().map(|row| (row.stream_id, Fact { event_type: row.event_type, version: row.version, data: row.data }));
    let series = grouped(facts.collect(), |(id, _)| *id).into_values();
    series.map(|facts| Ok(folded::<TariffSeries>(facts.iter().map(|(_, fact)| fact))?.series().clone())).collect()
}

impl Page {
    /// In the order of their ids.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied().map(AccountId::new)
    }

    /// An account of the page; nothing if it was not there yet.
    pub fn customer(&self, account_id: AccountId) -> Result<Option<Customer>, QueryError> {
        let id = Uuid::from(account_id);
        let Some(account) = self.known::<Account>(id)? else { return Ok(None) };
        let billed = self.billed.get(&id).map_or(&[][..], Vec::as_slice);
        let mut bills: Vec<(InvoiceId, Money)> = Vec::new();
        for row in billed {
            let currency: Currency = from_name(row.currency.clone()).map_err(malformed("currency"))?;
            let bill = (InvoiceId::new(row.invoice_id), Money::new(row.total, currency));
            if !bills.contains(&bill) {
                bills.push(bill);
            }
        }
        let supplies = self.supplies.get(&id).map_or(&[][..], Vec::as_slice);
        Ok(Some(Customer {
            account,
            has_credit: self.stands.get(&id).is_none_or(|stand| stand.unapplied != 0),
            supplies: supplies.iter().map(|supply| self.supplied(supply, billed)).collect::<Result<_, _>>()?,
            bills,
            under_correction: self.corrections.get(&id).copied(),
        }))
    }

    fn supplied(&self, supply: &SupplyRow, billed: &[BilledRow]) -> Result<Supplied, QueryError> {
        let meters = self.meters.get(&supply.service_point_id).map_or(&[][..], Vec::as_slice).iter();
        let meters = meters.map(|id| Ok(self.known::<Meter>(*id)?.map(|meter| (MeterId::new(*id), meter))));
        let mut billed: Vec<_> = billed.iter().filter(|row| row.agreement_id == supply.agreement_id).collect();
        billed.sort_by_key(|row| (row.billed_to, row.position));
        let bill = |row: &BilledRow| {
            let carried = row.carried.as_deref().map(serde_json::from_str).transpose().map_err(malformed("carried"))?;
            Ok(Billed { invoice_id: InvoiceId::new(row.invoice_id), to: row.billed_to, carried })
        };
        Ok(Supplied {
            agreement_id: AgreementId::new(supply.agreement_id),
            service_point_id: ServicePointId::new(supply.service_point_id),
            premises_id: PremisesId::new(supply.premises_id),
            service: from_name(supply.service.clone()).map_err(malformed("service"))?,
            service_point: folded(self.facts(supply.service_point_id))?,
            premises: folded(self.facts(supply.premises_id))?,
            meters: meters.filter_map(Result::transpose).collect::<Result<_, QueryError>>()?,
            billed: billed.into_iter().map(bill).collect::<Result<_, QueryError>>()?,
            drafted: self.drafts.get(&supply.agreement_id).copied(),
        })
    }

    fn known<D: Decider>(&self, id: Uuid) -> Result<Option<Known<D>>, QueryError> {
        let Some(facts) = self.facts.get(&id) else { return Ok(None) };
        let stand = self.stands.get(&id).filter(|stand| stand.position <= to_bigint(self.as_of.commit));
        let stood = stand.map(|stand| (from_bigint(stand.revision), stand.recorded_at));
        Ok(Some(Known { state: folded(facts.iter())?, stood }))
    }

    fn facts(&self, id: Uuid) -> impl Iterator<Item = &Fact> {
        self.facts.get(&id).map_or(&[][..], Vec::as_slice).iter()
    }
}

fn folded<'a, D: Decider>(facts: impl Iterator<Item = &'a Fact>) -> Result<D, QueryError> {
    facts.into_iter().try_fold(D::default(), |state, fact| {
        let version = u16::try_from(fact.version).unwrap_or_default();
        let event = D::Event::decode(&fact.event_type, version, fact.data.as_bytes())
            .map_err(|error| malformed("data")(serde_json::Error::custom(error)))?;
        Ok(state.evolve(&event))
    })
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Billable::NAME, column, source }
}

fn grouped<K: Eq + std::hash::Hash, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut groups: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
