//! Repairs: where each stands, what was offered for it, what was said and shown, and the parts that it waits for.

mod belongings;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    Actor, BillingEvent, Code, Currency, Decider, Description, Money, Recorded, Sealed,
    ids::{AccountId, BranchId, CommentId, InvoiceId, PartId, PartRequestId, RepairId},
    repair::{self, Audience, Coverage, Device, Estimate, FileAttached, PartRequested, Repair, RepairRequested, Side, Status},
};
use sqlx::PgExecutor;
use uuid::Uuid;

pub use belongings::{AskedPart, Entry, File, Offer, Which, entry_counts, files, offers, parts, timeline};

use crate::{
    Page, Projector, QueryError, Spot,
    columns::{from_bigint, from_name, position, sealed, to_bigint, to_name},
    keys,
    order::page,
    rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Repairs {
    repairs: Current<RepairRow>,
    estimates: History<EstimateRow>,
    entries: History<EntryRow>,
    files: History<FileRow>,
    parts: Current<PartRequestRow>,
}

rows! {
    struct RepairRow in repair {
        repair_id: Uuid,
        account_id: Uuid,
        branch_id: Uuid,
        status: String,
        stage: String,
        work_has_begun: bool,
        parts_on_way: i32,
        visit: i32,
        device_kind: String,
        device_name: String,
        device_model: String,
        device_serial: Option<String>,
        technician: Option<String>,
        complaint: Vec<u8>,
        coverage: Option<String>,
        estimate_number: Option<i32>,
        currency: Option<String>,
        estimated_total: Option<i64>,
        approved_total: Option<i64>,
        invoice_id: Option<Uuid>,
        warranty_until: Option<NaiveDate>,
        ready_on: Option<NaiveDate>,
        waiting_since: Option<DateTime<Utc>>,
        requested_at: DateTime<Utc>,
        moved_at: DateTime<Utc>,
        revision: i64,
        position: i64,
    }

    struct EstimateRow in estimate {
        repair_id: Uuid,
        visit: i32,
        number: i32,
        estimate: String,
        currency: String,
        net: i64,
        vat: i64,
        total: i64,
        needs_approval: bool,
        valid_until: NaiveDate,
        offered_on: NaiveDate,
        position: i64,
    }

    struct EntryRow in entry {
        repair_id: Uuid,
        revision: i64,
        what: String,
        status: String,
        actor: String,
        audience: String,
        comment_id: Option<Uuid>,
        side: Option<String>,
        words: Option<Vec<u8>>,
        note: Option<String>,
        recorded_at: DateTime<Utc>,
        position: i64,
    }

    struct FileRow in file {
        repair_id: Uuid,
        attachment_id: Uuid,
        name: Vec<u8>,
        media_type: String,
        bytes: i64,
        digest: String,
        actor: String,
        side: String,
        audience: String,
        attached_at: DateTime<Utc>,
        position: i64,
    }

    struct PartRequestRow in part_request {
        request_id: Uuid,
        repair_id: Uuid,
        visit: i32,
        part_id: Uuid,
        quantity: i32,
        here: bool,
        missing: Option<i32>,
        used: i32,
        returned: i32,
        position: i64,
    }
}

keys! {
    RepairRow by repair_id: Uuid;
    PartRequestRow by request_id: Uuid;
}

impl Projector for Repairs {
    const NAME: &'static str = "repairs";
    const VERSION: i32 = 2;
    const CATEGORIES: &'static [&'static str] = &[Repair::CATEGORY];
    const TABLES: &'static str = include_str!("../models/repairs/tables.sql");
    const INDEXES: &'static str = include_str!("../models/repairs/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        let BillingEvent::Repair(event) = &fact.event else { return };
        match event {
            repair::Event::RepairRequested(event) => self.requested(fact, event),
            repair::Event::PartRequested(event) => self.part_requested(fact, event),
            repair::Event::PartReserved(event) => self.part(fact, event.request_id, |part| part.here = true),
            repair::Event::PartShort(event) => self.part(fact, event.request_id, |part| part.missing = Some(pieces(event.missing))),
            repair::Event::PartUsed(event) => self.part(fact, event.request_id, |part| part.used = pieces(event.used_in_all)),
            repair::Event::PartReturned(event) => self.part(fact, event.request_id, |part| part.returned = pieces(event.returned_in_all)),
            repair::Event::FileAttached(event) => self.attached(fact, event),
            repair::Event::RepairEstimated(event) => {
                self.estimated(fact, event.number, &event.estimate, event.needs_approval, event.on);
            }
            repair::Event::EstimateRepriced(event) => {
                self.estimated(fact, event.number, &event.estimate, event.needs_approval, event.on);
            }
            repair::Event::DeviceDescribed(_)
            | repair::Event::TechnicianAssigned(_)
            | repair::Event::DiagnosisRecorded(_)
            | repair::Event::EstimateApproved(_)
            | repair::Event::EstimateDeclined(_)
            | repair::Event::RepairDepositNoted(_)
            | repair::Event::WorkStarted(_)
            | repair::Event::WorkFinished(_)
            | repair::Event::CheckPassed(_)
            | repair::Event::CheckFailed(_)
            | repair::Event::StorageCharged(_)
            | repair::Event::RepairDelivered(_)
            | repair::Event::RepairClosed(_)
            | repair::Event::RepairCancelled(_)
            | repair::Event::ReturnedUnderWarranty(_)
            | repair::Event::CommentMade(_)
            | repair::Event::UpdateAsked(_) => {}
        }
        self.moved(fact, event);
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.repairs, &mut self.estimates, &mut self.entries, &mut self.files, &mut self.parts]
    }
}

impl Repairs {
    fn requested(&mut self, fact: &Recorded<BillingEvent>, event: &RepairRequested) {
        let RepairRequested { repair_id: _, account_id, branch_id, device, complaint, requested_at } = event;
        let status = to_name(&Status::Received);
        self.repairs.insert(RepairRow {
            repair_id: fact.stream.id(),
            account_id: (*account_id).into(),
            branch_id: (*branch_id).into(),
            status: status.clone(),
            stage: status,
            work_has_begun: false,
            parts_on_way: 0,
            visit: 1,
            device_kind: device.kind.to_string(),
            device_name: device.name.to_string(),
            device_model: device.model.to_string(),
            device_serial: device.serial.as_ref().map(ToString::to_string),
            technician: None,
            complaint: sealed(complaint),
            coverage: None,
            estimate_number: None,
            currency: None,
            estimated_total: None,
            approved_total: None,
            invoice_id: None,
            warranty_until: None,
            ready_on: None,
            waiting_since: None,
            requested_at: *requested_at,
            moved_at: fact.metadata.recorded_at,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
    }

    fn estimated(&mut self, fact: &Recorded<BillingEvent>, number: u32, estimate: &Estimate, needs_approval: bool, on: NaiveDate) {
        let Some(repair) = self.repairs.get(&fact.stream.id()) else { return };
        self.estimates.add(EstimateRow {
            repair_id: repair.repair_id,
            visit: repair.visit,
            number: pieces(number),
            estimate: String::from_utf8_lossy(&daftar_domain::write(estimate)).into_owned(),
            currency: to_name(&estimate.terms.currency),
            net: estimate.net.minor,
            vat: estimate.vat.minor,
            total: estimate.total.minor,
            needs_approval,
            valid_until: estimate.terms.valid_until,
            offered_on: on,
            position: position(fact),
        });
    }

    fn attached(&mut self, fact: &Recorded<BillingEvent>, event: &FileAttached) {
        let FileAttached { attachment_id, by, side, audience, name, media_type, bytes, digest, at } = event;
        self.files.add(FileRow {
            repair_id: fact.stream.id(),
            attachment_id: (*attachment_id).into(),
            name: sealed(name),
            media_type: media_type.to_string(),
            bytes: to_bigint(*bytes),
            digest: digest.to_string(),
            actor: by.to_string(),
            side: to_name(side),
            audience: to_name(audience),
            attached_at: *at,
            position: position(fact),
        });
    }

    fn part_requested(&mut self, fact: &Recorded<BillingEvent>, event: &PartRequested) {
        let Some(repair) = self.repairs.get_mut(&fact.stream.id()) else { return };
        repair.parts_on_way += 1;
        self.parts.insert(PartRequestRow {
            request_id: event.request_id.into(),
            repair_id: repair.repair_id,
            visit: repair.visit,
            part_id: event.part_id.into(),
            quantity: pieces(event.quantity),
            here: false,
            missing: None,
            used: 0,
            returned: 0,
            position: position(fact),
        });
    }

    fn part(&mut self, fact: &Recorded<BillingEvent>, id: PartRequestId, change: impl FnOnce(&mut PartRequestRow)) {
        let Some(part) = self.parts.get_mut(&id.into()) else { return };
        let before = part.is_on_way();
        change(part);
        part.position = position(fact);
        let arrived = i32::from(before) - i32::from(part.is_on_way());
        if let Some(repair) = self.repairs.get_mut(&fact.stream.id()) {
            repair.parts_on_way -= arrived;
        }
    }

    /// What the event makes of the repair, and its line in the timeline.
    fn moved(&mut self, fact: &Recorded<BillingEvent>, event: &repair::Event) {
        let Some(repair) = self.repairs.get_mut(&fact.stream.id()) else { return };
        repair.learn(event);
        let status = repair.status();
        if status != repair.status {
            repair.waiting_since = None;
            repair.status = status;
        }
        (repair.moved_at, repair.revision, repair.position) = (fact.metadata.recorded_at, to_bigint(fact.revision), position(fact));
        let Said { audience, side, comment_id, words, note } = said(event);
        self.entries.add(EntryRow {
            repair_id: repair.repair_id,
            revision: repair.revision,
            what: fact.event.event_type().to_owned(),
            status: repair.status.clone(),
            actor: fact.metadata.actor.to_string(),
            audience: to_name(&audience),
            comment_id: comment_id.map(Uuid::from),
            side: side.map(|side| to_name(&side)),
            words: words.map(sealed),
            note,
            recorded_at: fact.metadata.recorded_at,
            position: repair.position,
        });
    }
}

impl PartRequestRow {
    fn is_on_way(&self) -> bool {
        !self.here && self.quantity > self.used + self.returned
    }
}

impl RepairRow {
    /// As the aggregate itself would: an example walks both through the same histories.
    fn learn(&mut self, event: &repair::Event) {
        use repair::Event;
        let stage = match event {
            Event::DeviceDescribed(fact) => {
                let Device { kind, name, model, serial } = &fact.device;
                (self.device_kind, self.device_name, self.device_model) = (kind.to_string(), name.to_string(), model.to_string());
                self.device_serial = serial.as_ref().map(ToString::to_string);
                return;
            }
            Event::TechnicianAssigned(fact) => {
                self.technician = Some(fact.technician.to_string());
                return;
            }
            Event::DiagnosisRecorded(fact) => {
                self.coverage = Some(to_name(&fact.coverage));
                match fact.coverage {
                    Coverage::Customer => Status::Diagnosed,
                    Coverage::Warranty => Status::Approved,
                }
            }
            Event::RepairEstimated(fact) => return self.offered(fact.number, &fact.estimate, fact.needs_approval),
            Event::EstimateRepriced(fact) => return self.offered(fact.number, &fact.estimate, fact.needs_approval),
            Event::EstimateApproved(fact) => {
                self.approved_total = Some(fact.total.minor);
                if self.work_has_begun { Status::InProgress } else { Status::Approved }
            }
            Event::EstimateDeclined(_) => Status::Declined,
            Event::WorkStarted(_) => {
                self.work_has_begun = true;
                Status::InProgress
            }
            Event::WorkFinished(_) => Status::QualityCheck,
            Event::CheckPassed(fact) => {
                self.ready_on = Some(fact.on);
                Status::Ready
            }
            Event::CheckFailed(_) => Status::InProgress,
            Event::RepairDelivered(_) => Status::Delivered,
            Event::RepairClosed(fact) => {
                self.invoice_id = fact.bill.as_ref().map(|bill| bill.invoice_id.into());
                self.warranty_until = fact.warranty_until;
                Status::Closed
            }
            Event::RepairCancelled(_) => Status::Cancelled,
            Event::ReturnedUnderWarranty(fact) => {
                (self.visit, self.work_has_begun, self.parts_on_way) = (pieces(fact.visit), false, 0);
                (self.coverage, self.estimate_number, self.ready_on) = (None, None, None);
                (self.currency, self.estimated_total, self.approved_total, self.invoice_id) = (None, None, None, None);
                Status::WarrantyReturn
            }
            Event::UpdateAsked(fact) => {
                self.waiting_since = Some(fact.at);
                return;
            }
            Event::CommentMade(fact) => {
                if (fact.side, fact.audience) == (Side::Staff, Audience::Public) {
                    self.waiting_since = None;
                }
                return;
            }
            Event::RepairRequested(_)
            | Event::RepairDepositNoted(_)
            | Event::PartRequested(_)
            | Event::PartReserved(_)
            | Event::PartShort(_)
            | Event::PartUsed(_)
            | Event::PartReturned(_)
            | Event::StorageCharged(_)
            | Event::FileAttached(_) => return,
        };
        self.stage = to_name(&stage);
    }

    fn offered(&mut self, number: u32, estimate: &Estimate, needs_approval: bool) {
        self.estimate_number = Some(pieces(number));
        self.currency = Some(to_name(&estimate.terms.currency));
        self.estimated_total = Some(estimate.total.minor);
        if needs_approval {
            self.stage = to_name(&Status::Estimated);
        }
    }

    fn status(&self) -> String {
        let works = [Status::Approved, Status::InProgress].iter().any(|stage| to_name(stage) == self.stage);
        if works && self.parts_on_way > 0 { to_name(&Status::PartsPending) } else { self.stage.clone() }
    }
}

/// What an event's line in the timeline says, and to whom.
struct Said<'a> {
    audience: Audience,
    side: Option<Side>,
    comment_id: Option<CommentId>,
    words: Option<&'a Sealed>,
    note: Option<String>,
}

fn said(event: &repair::Event) -> Said<'_> {
    use repair::Event;
    let silent = Said { audience: Audience::Public, side: None, comment_id: None, words: None, note: None };
    match event {
        Event::RepairRequested(fact) => Said { side: Some(Side::Customer), words: Some(&fact.complaint), ..silent },
        Event::ReturnedUnderWarranty(fact) => Said { words: Some(&fact.complaint), ..silent },
        Event::CommentMade(fact) => {
            Said { audience: fact.audience, side: Some(fact.side), comment_id: Some(fact.comment_id), words: Some(&fact.text), note: None }
        }
        Event::FileAttached(fact) => Said { audience: fact.audience, side: Some(fact.side), words: Some(&fact.name), ..silent },
        Event::UpdateAsked(_) => Said { side: Some(Side::Customer), ..silent },
        Event::DiagnosisRecorded(fact) => Said { note: Some(fact.findings.to_string()), ..silent },
        Event::EstimateDeclined(fact) => Said { note: Some(fact.reason.to_string()), ..silent },
        Event::RepairCancelled(fact) => Said { note: Some(fact.reason.to_string()), ..silent },
        // How the workshop sees to its parts and finds its own mistakes is not the customer's to follow.
        Event::CheckFailed(fact) => Said { audience: Audience::Internal, note: Some(fact.reason.to_string()), ..silent },
        Event::PartRequested(_) | Event::PartReserved(_) | Event::PartShort(_) | Event::PartUsed(_) | Event::PartReturned(_) => {
            Said { audience: Audience::Internal, ..silent }
        }
        Event::DeviceDescribed(_)
        | Event::TechnicianAssigned(_)
        | Event::RepairEstimated(_)
        | Event::EstimateRepriced(_)
        | Event::EstimateApproved(_)
        | Event::RepairDepositNoted(_)
        | Event::WorkStarted(_)
        | Event::WorkFinished(_)
        | Event::CheckPassed(_)
        | Event::StorageCharged(_)
        | Event::RepairDelivered(_)
        | Event::RepairClosed(_) => silent,
    }
}

/// No request is for more.
fn pieces(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A repair as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub id: RepairId,
    pub account_id: AccountId,
    pub branch_id: BranchId,
    pub status: Status,
    /// How often the device has come in.
    pub visit: u32,
    pub device: Device,
    pub technician: Option<String>,
    pub complaint: Sealed,
    pub coverage: Option<Coverage>,
    /// The number of the estimate on offer or taken up, and what it comes to.
    pub estimated: Option<(u32, Money)>,
    pub approved: Option<Money>,
    pub invoice_id: Option<InvoiceId>,
    pub warranty_until: Option<NaiveDate>,
    /// Since when it can be fetched.
    pub ready_on: Option<NaiveDate>,
    pub waiting_since: Option<DateTime<Utc>>,
    pub requested_at: DateTime<Utc>,
    pub moved_at: DateTime<Utc>,
}

pub async fn by_id(db: impl PgExecutor<'_>, id: RepairId) -> Result<Option<Found>, QueryError> {
    let row = sqlx::query_as!(RepairRow, "SELECT * FROM read_repairs.repair WHERE repair_id = $1", Uuid::from(id));
    row.fetch_optional(db).await?.map(Found::try_from).transpose()
}

/// Which repairs are meant: those to which all that is named here applies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of any of these.
    pub accounts: Option<Vec<AccountId>>,
    pub branch_id: Option<BranchId>,
    pub status: Option<Status>,
    pub technician: Option<Actor>,
    /// Those whose customers wait for a word.
    pub waiting: Option<bool>,
}

impl Filter {
    fn account_ids(&self) -> Option<Vec<Uuid>> {
        self.accounts.as_ref().map(|accounts| accounts.iter().map(|id| (*id).into()).collect())
    }
}

/// What repairs can be listed in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    RequestedAt,
    MovedAt,
    /// Those whose customers wait for nothing are the last.
    WaitingSince,
}

impl Found {
    pub fn spot(&self, by: Order) -> Spot {
        let ids = [self.id.into()];
        match by {
            Order::RequestedAt => Spot::new(&self.requested_at, ids),
            Order::MovedAt => Spot::new(&self.moved_at, ids),
            Order::WaitingSince => Spot::of(self.waiting_since, ids),
        }
    }
}

pub async fn list(db: impl PgExecutor<'_>, filter: &Filter, page: &Page<Order>) -> Result<Vec<Found>, QueryError> {
    let accounts = filter.account_ids();
    macro_rules! by {
        ($by:literal) => {
            page!(
                db,
                page,
                RepairRow,
                "SELECT * FROM read_repairs.repair
                 WHERE (account_id = ANY($4) OR $4 IS NULL) AND (branch_id = $5 OR $5 IS NULL) AND (status = $6 OR $6 IS NULL)
                   AND (technician = $7 OR $7 IS NULL) AND ((waiting_since IS NOT NULL) = $8 OR $8 IS NULL)",
                $by as DateTime<Utc>,
                ("repair_id" 0) behind "($2, $3)",
                [
                    accounts.as_deref(),
                    filter.branch_id.map(Uuid::from),
                    filter.status.map(|status| to_name(&status)),
                    filter.technician.as_ref().map(Actor::as_str),
                    filter.waiting,
                ]
            )
        };
    }
    let rows = match page.by {
        Order::RequestedAt => by!("requested_at"),
        Order::MovedAt => by!("moved_at"),
        Order::WaitingSince => by!("COALESCE(waiting_since, TIMESTAMPTZ '9999-12-31 00:00:00+00')"),
    };
    rows.into_iter().map(Found::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<u64, QueryError> {
    let accounts = filter.account_ids();
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_repairs.repair
           WHERE (account_id = ANY($1) OR $1 IS NULL) AND (branch_id = $2 OR $2 IS NULL) AND (status = $3 OR $3 IS NULL)
             AND (technician = $4 OR $4 IS NULL) AND ((waiting_since IS NOT NULL) = $5 OR $5 IS NULL)"#,
        accounts.as_deref(),
        filter.branch_id.map(Uuid::from),
        filter.status.map(|status| to_name(&status)),
        filter.technician.as_ref().map(Actor::as_str),
        filter.waiting,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// Repairs whose price is still open and that are to have this part: a new price is theirs to hear.
pub async fn open_with_part(db: impl PgExecutor<'_>, part_id: PartId) -> Result<Vec<RepairId>, QueryError> {
    let found = sqlx::query_scalar!(
        "SELECT repair_id FROM read_repairs.repair
         WHERE status IN ('estimated', 'approved', 'partsPending', 'inProgress') AND EXISTS (
             SELECT FROM read_repairs.estimate
             WHERE estimate.repair_id = repair.repair_id AND visit = repair.visit AND number = estimate_number
               AND estimate::jsonb -> 'lines' @> jsonb_build_array(jsonb_build_object('part_id', $1::text)))
         ORDER BY repair_id",
        part_id.to_string(),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(RepairId::new).collect())
}

impl TryFrom<RepairRow> for Found {
    type Error = QueryError;

    fn try_from(row: RepairRow) -> Result<Self, QueryError> {
        let currency: Option<Currency> = row.currency.map(|currency| from_name(currency).map_err(malformed("currency"))).transpose()?;
        let money = |minor: Option<i64>| Some(Money::new(minor?, currency?));
        let serial = row.device_serial.map(|serial| from_name::<Code>(serial).map_err(malformed("device_serial"))).transpose()?;
        Ok(Self {
            id: RepairId::new(row.repair_id),
            account_id: AccountId::new(row.account_id),
            branch_id: BranchId::new(row.branch_id),
            status: from_name(row.status).map_err(malformed("status"))?,
            visit: row.visit.unsigned_abs(),
            device: Device {
                kind: from_name(row.device_kind).map_err(malformed("device_kind"))?,
                name: from_name::<Description>(row.device_name).map_err(malformed("device_name"))?,
                model: from_name::<Description>(row.device_model).map_err(malformed("device_model"))?,
                serial,
            },
            technician: row.technician,
            complaint: unsealed(&row.complaint)?,
            coverage: row.coverage.map(|coverage| from_name(coverage).map_err(malformed("coverage"))).transpose()?,
            estimated: row.estimate_number.map(i32::unsigned_abs).zip(money(row.estimated_total)),
            approved: money(row.approved_total),
            invoice_id: row.invoice_id.map(InvoiceId::new),
            warranty_until: row.warranty_until,
            ready_on: row.ready_on,
            waiting_since: row.waiting_since,
            requested_at: row.requested_at,
            moved_at: row.moved_at,
        })
    }
}

fn unsealed(bytes: &[u8]) -> Result<Sealed, QueryError> {
    serde_json::from_slice(bytes).map_err(malformed("sealed"))
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Repairs::NAME, column, source }
}
