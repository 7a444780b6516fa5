//! Meters: the devices, their registers, what became of them, and the parts at the customer.

mod many;

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Decider, Reason, Recorded, Service,
    ids::{AccountId, MeterId, PremisesId},
    meter::{
        self, Breaker, BreakerReplaced, Meter, MeterInstalled, MeterKind, MeterRegistered, MeterTested, Seal, SealApplied, SealBroken,
        SealReplaced,
    },
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Page, Projector, QueryError, Spot,
    as_of::AsOf,
    columns::{beginning_with, from_bigint, from_name, position, to_bigint, to_name},
    keys,
    order::page,
    rows,
    rows::{Current, History, Table},
};

pub use many::*;

#[derive(Debug, Default)]
pub struct Meters {
    meters: Current<MeterRow>,
    registers: History<RegisterRow>,
    statuses: History<StatusRow>,
    components: History<ComponentRow>,
    tests: History<TestRow>,
}

rows! {
    struct MeterRow in meter {
        meter_id: Uuid,
        maker: String,
        serial: String,
        kind: String,
        certified_until: Option<NaiveDate>,
        status: String,
        reserved_for: Option<Uuid>,
        premises_id: Option<Uuid>,
        service: Option<String>,
        account_id: Option<Uuid>,
        registered_on: NaiveDate,
        revision: i64,
        position: i64,
    }

    struct RegisterRow in register {
        meter_id: Uuid,
        code: String,
        digits: i64,
        decimals: i64,
        multiplier: Decimal,
        direction: String,
        unit: String,
        position: i64,
    }

    struct StatusRow in status {
        meter_id: Uuid,
        status: String,
        effective_on: Option<NaiveDate>,
        premises_id: Option<Uuid>,
        reason: Option<String>,
        position: i64,
    }

    struct ComponentRow in component {
        meter_id: Uuid,
        part: String,
        number: String,
        change: String,
        amps: Option<i64>,
        place: Option<String>,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }

    struct TestRow in test {
        meter_id: Uuid,
        test_id: Uuid,
        tested_on: NaiveDate,
        passed: bool,
        error_percent: Decimal,
        certified_until: Option<NaiveDate>,
        position: i64,
    }
}

keys! { MeterRow by meter_id: Uuid; }

/// Where a meter is in its life, as the meter's own rules have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    InStock,
    Reserved,
    Installed,
    Disconnected,
    Removed,
    OnBench,
    Scrapped,
}

/// A part that is at the customer, and changed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Breaker,
    Seal,
}

/// What was done to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    Fitted,
    Broken,
    /// Another took its place, which is a change of its own.
    Replaced,
}

impl Projector for Meters {
    const NAME: &'static str = "meters";
    const VERSION: i32 = 3;
    const CATEGORIES: &'static [&'static str] = &[Meter::CATEGORY];
    const TABLES: &'static str = include_str!("../models/meters/tables.sql");
    const INDEXES: &'static str = include_str!("../models/meters/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Meter(event) = &fact.event {
            self.meter(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.meters, &mut self.registers, &mut self.statuses, &mut self.components, &mut self.tests]
    }
}

impl Meters {
    fn meter(&mut self, fact: &Recorded<BillingEvent>, event: &meter::Event) {
        match event {
            meter::Event::MeterRegistered(event) => self.registered(fact, event),
            meter::Event::MeterReserved(event) => {
                self.becomes(fact, Status::Reserved, None, None);
                self.change(fact, |meter| meter.reserved_for = Some(event.reserved_for));
            }
            meter::Event::MeterUnreserved(_) => {
                self.becomes(fact, Status::InStock, None, None);
                self.change(fact, |meter| meter.reserved_for = None);
            }
            meter::Event::MeterInstalled(event) => self.installed(fact, event),
            meter::Event::MeterDisconnected(event) => self.becomes(fact, Status::Disconnected, Some(event.on), Some(&event.reason)),
            meter::Event::MeterReconnected(event) => self.becomes(fact, Status::Installed, Some(event.on), Some(&event.reason)),
            meter::Event::MeterRemoved(event) => self.taken_down(fact, event.on, &event.reason),
            meter::Event::MeterExchanged(event) => self.taken_down(fact, event.on, &event.reason),
            meter::Event::SentToBench(event) => self.becomes(fact, Status::OnBench, Some(event.on), Some(&event.reason)),
            meter::Event::MeterTested(event) => self.tested(fact, event),
            meter::Event::MeterScrapped(event) => self.becomes(fact, Status::Scrapped, Some(event.on), Some(&event.reason)),
            meter::Event::BreakerReplaced(BreakerReplaced { old_number, new, on, reason }) => {
                self.breaker(fact, old_number.to_string(), None, Change::Replaced, *on, Some(reason));
                self.breaker(fact, new.number.to_string(), Some(new), Change::Fitted, *on, Some(reason));
            }
            meter::Event::SealApplied(SealApplied { seal, on }) => {
                self.seal(fact, seal.number.to_string(), Some(seal), Change::Fitted, *on, None);
            }
            meter::Event::SealBroken(SealBroken { number, on, reason }) => {
                self.seal(fact, number.to_string(), None, Change::Broken, *on, Some(reason));
            }
            meter::Event::SealReplaced(SealReplaced { old_number, new, on, reason }) => {
                self.seal(fact, old_number.to_string(), None, Change::Replaced, *on, Some(reason));
                self.seal(fact, new.number.to_string(), Some(new), Change::Fitted, *on, Some(reason));
            }
            meter::Event::ReadingRecorded(_)
            | meter::Event::ReadingHeld(_)
            | meter::Event::ReadingEstimated(_)
            | meter::Event::ReadingReleased(_)
            | meter::Event::ReadingReversed(_)
            | meter::Event::EstimatesTruedUp(_)
            | meter::Event::ReadingsBilled(_)
            | meter::Event::ReadingsUnbilled(_) => {}
        }
    }

    fn registered(&mut self, fact: &Recorded<BillingEvent>, event: &MeterRegistered) {
        let MeterRegistered { device, registered_on } = event;
        self.meters.insert(MeterRow {
            meter_id: device.meter_id.into(),
            maker: device.maker.to_string(),
            serial: device.serial.to_string(),
            kind: to_name(&device.kind),
            certified_until: device.certified_until,
            status: to_name(&Status::InStock),
            reserved_for: None,
            premises_id: None,
            service: None,
            account_id: None,
            registered_on: *registered_on,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
        for register in &device.registers {
            self.registers.add(RegisterRow {
                meter_id: device.meter_id.into(),
                code: register.code.to_string(),
                digits: register.digits.into(),
                decimals: register.decimals.into(),
                multiplier: register.multiplier,
                direction: to_name(&register.direction),
                unit: to_name(&register.unit),
                position: position(fact),
            });
        }
        self.becomes(fact, Status::InStock, Some(*registered_on), None);
    }

    fn installed(&mut self, fact: &Recorded<BillingEvent>, event: &MeterInstalled) {
        let MeterInstalled { premises_id, account_id, service, on, breaker, seals, initial_reads: _, replaces: _ } = event;
        self.change(fact, |meter| {
            meter.reserved_for = None;
            meter.premises_id = Some((*premises_id).into());
            meter.service = Some(to_name(service));
            meter.account_id = Some((*account_id).into());
        });
        self.stands(fact, Status::Installed, Some(*on), Some((*premises_id).into()), None);
        self.breaker(fact, breaker.number.to_string(), Some(breaker), Change::Fitted, *on, None);
        for seal in seals {
            self.seal(fact, seal.number.to_string(), Some(seal), Change::Fitted, *on, None);
        }
    }

    fn taken_down(&mut self, fact: &Recorded<BillingEvent>, on: NaiveDate, reason: &Reason) {
        self.change(fact, |meter| (meter.premises_id, meter.service, meter.account_id) = (None, None, None));
        self.becomes(fact, Status::Removed, Some(on), Some(reason));
    }

    fn tested(&mut self, fact: &Recorded<BillingEvent>, event: &MeterTested) {
        let test = &event.test;
        self.tests.add(TestRow {
            meter_id: fact.stream.id(),
            test_id: test.test_id.into(),
            tested_on: test.on,
            passed: test.passed,
            error_percent: test.error_percent,
            certified_until: test.certified_until,
            position: position(fact),
        });
        self.becomes(fact, if test.passed { Status::InStock } else { Status::OnBench }, Some(test.on), None);
        if test.passed {
            self.change(fact, |meter| meter.certified_until = test.certified_until);
        }
    }

    fn becomes(&mut self, fact: &Recorded<BillingEvent>, status: Status, on: Option<NaiveDate>, reason: Option<&Reason>) {
        self.stands(fact, status, on, None, reason);
    }

    fn stands(
        &mut self,
        fact: &Recorded<BillingEvent>,
        status: Status,
        effective_on: Option<NaiveDate>,
        premises_id: Option<Uuid>,
        reason: Option<&Reason>,
    ) {
        self.statuses.add(StatusRow {
            meter_id: fact.stream.id(),
            status: to_name(&status),
            effective_on,
            premises_id,
            reason: reason.map(Reason::to_string),
            position: position(fact),
        });
        self.change(fact, |meter| meter.status = to_name(&status));
    }

    fn breaker(
        &mut self,
        fact: &Recorded<BillingEvent>,
        number: String,
        breaker: Option<&Breaker>,
        change: Change,
        effective_on: NaiveDate,
        reason: Option<&Reason>,
    ) {
        let amps = breaker.map(|breaker| breaker.amps.into());
        self.component(fact, ComponentRow { part: to_name(&Part::Breaker), amps, ..component(fact, number, change, effective_on, reason) });
    }

    fn seal(
        &mut self,
        fact: &Recorded<BillingEvent>,
        number: String,
        seal: Option<&Seal>,
        change: Change,
        effective_on: NaiveDate,
        reason: Option<&Reason>,
    ) {
        let place = seal.map(|seal| seal.place.to_string());
        self.component(fact, ComponentRow { part: to_name(&Part::Seal), place, ..component(fact, number, change, effective_on, reason) });
    }

    fn component(&mut self, fact: &Recorded<BillingEvent>, component: ComponentRow) {
        self.components.add(component);
        self.change(fact, |_| {});
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut MeterRow)) {
        if let Some(meter) = self.meters.get_mut(&fact.stream.id()) {
            change(meter);
            (meter.revision, meter.position) = (to_bigint(fact.revision), position(fact));
        }
    }
}

fn component(
    fact: &Recorded<BillingEvent>,
    number: String,
    change: Change,
    effective_on: NaiveDate,
    reason: Option<&Reason>,
) -> ComponentRow {
    ComponentRow {
        meter_id: fact.stream.id(),
        part: String::new(),
        number,
        change: to_name(&change),
        amps: None,
        place: None,
        effective_on,
        reason: reason.map(Reason::to_string),
        position: position(fact),
    }
}

/// A meter as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub id: MeterId,
    pub maker: String,
    pub serial: String,
    pub kind: MeterKind,
    pub certified_until: Option<NaiveDate>,
    pub status: Status,
    pub premises_id: Option<PremisesId>,
    pub service: Option<Service>,
    /// The account that had it put up.
    pub account_id: Option<AccountId>,
    pub revision: u64,
}

pub async fn by_id(db: impl PgExecutor<'_>, id: MeterId) -> Result<Option<Device>, QueryError> {
    let row = sqlx::query_as!(MeterRow, "SELECT * FROM read_meters.meter WHERE meter_id = $1", Uuid::from(id),).fetch_optional(db).await?;
    row.map(Device::try_from).transpose()
}

/// The meters at premises.
pub async fn at(db: impl PgExecutor<'_>, premises_id: PremisesId) -> Result<Vec<Device>, QueryError> {
    let rows =
        sqlx::query_as!(MeterRow, "SELECT * FROM read_meters.meter WHERE premises_id = $1 ORDER BY meter_id", Uuid::from(premises_id),)
            .fetch_all(db)
            .await?;
    rows.into_iter().map(Device::try_from).collect()
}

/// Which meters are meant: those to which all that is named here applies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub kind: Option<MeterKind>,
    pub status: Option<Status>,
    pub service: Option<Service>,
    /// The account that had it put up.
    pub account_id: Option<AccountId>,
    /// What the serial number begins with.
    pub serial: Option<String>,
}

/// What meters can be listed in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Serial,
    /// Those that need no certificate are the last.
    CertifiedUntil,
}

impl Device {
    pub fn spot(&self, by: Order) -> Spot {
        let ids = [self.id.into()];
        match by {
            Order::Serial => Spot::new(&self.serial, ids),
            Order::CertifiedUntil => Spot::of(self.certified_until, ids),
        }
    }
}

pub async fn list(db: impl PgExecutor<'_>, filter: &Filter, page: &Page<Order>) -> Result<Vec<Device>, QueryError> {
    let (from, to) = beginning_with(filter.serial.as_deref());
    macro_rules! by {
        ($by:literal as $key:ty) => {
            page!(
                db,
                page,
                MeterRow,
                "SELECT * FROM read_meters.meter
                 WHERE (kind = $4 OR $4 IS NULL) AND (status = $5 OR $5 IS NULL) AND (service = $6 OR $6 IS NULL)
                   AND (account_id = $7 OR $7 IS NULL) AND (serial >= $8 OR $8 IS NULL) AND (serial < $9 OR $9 IS NULL)",
                $by as $key,
                ("meter_id" 0) behind "($2, $3)",
                [
                    filter.kind.map(|kind| to_name(&kind)),
                    filter.status.map(|status| to_name(&status)),
                    filter.service.map(|service| to_name(&service)),
                    filter.account_id.map(Uuid::from),
                    from,
                    to,
                ]
            )
        };
    }
    let rows = match page.by {
        Order::Serial => by!("serial" as String),
        Order::CertifiedUntil => by!("COALESCE(certified_until, DATE '9999-12-31')" as NaiveDate),
    };
    rows.into_iter().map(Device::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<u64, QueryError> {
    let (from, to) = beginning_with(filter.serial.as_deref());
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_meters.meter
           WHERE (kind = $1 OR $1 IS NULL) AND (status = $2 OR $2 IS NULL) AND (service = $3 OR $3 IS NULL)
             AND (account_id = $4 OR $4 IS NULL) AND (serial >= $5 OR $5 IS NULL) AND (serial < $6 OR $6 IS NULL)"#,
        filter.kind.map(|kind| to_name(&kind)),
        filter.status.map(|status| to_name(&status)),
        filter.service.map(|service| to_name(&service)),
        filter.account_id.map(Uuid::from),
        from,
        to,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// Something that was done to a part of a meter.
#[derive(Clone, Debug, PartialEq)]
pub struct PartChange {
    pub part: Part,
    pub number: String,
    pub change: Change,
    /// Of a breaker.
    pub amps: Option<u64>,
    /// Of a seal.
    pub place: Option<String>,
    pub effective_on: NaiveDate,
    pub reason: Option<String>,
}

/// What was done to the parts of a meter, in the order in which it was recorded.
pub async fn parts(db: impl PgExecutor<'_>, id: MeterId, as_of: AsOf) -> Result<Vec<PartChange>, QueryError> {
    Ok(parts_of(db, &[id], as_of).await?.into_iter().map(|(_, part)| part).collect())
}

/// A step in a meter's life.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub status: Status,
    /// A reservation has no date of its own.
    pub effective_on: Option<NaiveDate>,
    pub premises_id: Option<PremisesId>,
    pub reason: Option<String>,
}

/// What became of a meter, in the order in which it was recorded.
pub async fn life(db: impl PgExecutor<'_>, id: MeterId, as_of: AsOf) -> Result<Vec<Step>, QueryError> {
    Ok(lives_of(db, &[id], as_of).await?.into_iter().map(|(_, step)| step).collect())
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Meters::NAME, column, source }
}

impl TryFrom<MeterRow> for Device {
    type Error = QueryError;

    fn try_from(row: MeterRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: MeterId::new(row.meter_id),
            maker: row.maker,
            serial: row.serial,
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            certified_until: row.certified_until,
            status: from_name(row.status).map_err(malformed("status"))?,
            premises_id: row.premises_id.map(PremisesId::new),
            service: row.service.map(|service| from_name(service).map_err(malformed("service"))).transpose()?,
            account_id: row.account_id.map(AccountId::new),
            revision: from_bigint(row.revision),
        })
    }
}
