//! What all meters together measured, month by month.
//!
//! A reading, or a word about one, changes what was used back to the actual reading before it and on to the next one, and nothing beyond. So
//! each fact is folded by the meter's own rules with as many months of readings as lie between these, however long the meter's life.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Months, NaiveDate};
use daftar_domain::{
    BillingEvent, Code, Decider, EventSchema, Recorded, Service, UsageBasis,
    ids::ReadingId,
    meter::{
        EstimatesTruedUp, Event, Meter, MeterExchanged, MeterRemoved, Reading, ReadingEstimated, ReadingHeld, ReadingRecorded,
        ReadingReleased, ReadingReversed,
    },
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{from_name, month, position, to_name},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Fleet {
    meters: Current<MeterRow>,
    registers: Current<RegisterRow>,
    months: Current<MonthRow>,
    readings: Current<ReadingRow>,
    used: Current<UsedRow>,
    changes: History<ChangeRow>,
}

rows! {
    struct MeterRow in meter { meter_id: Uuid, facts: String, position: i64, }

    struct RegisterRow in register { meter_id: Uuid, register: String, months: String, position: i64, }

    struct MonthRow in month { meter_id: Uuid, register: String, month: NaiveDate, facts: String, position: i64, }

    struct ReadingRow in reading { meter_id: Uuid, reading_id: Uuid, register: String, month: NaiveDate, position: i64, }

    struct UsedRow in used { service: String, month: NaiveDate, quantity: Decimal, position: i64, }

    struct ChangeRow in change { service: String, month: NaiveDate, quantity: Decimal, position: i64, }
}

keys! {
    MeterRow by meter_id: Uuid;
    RegisterRow by meter_id: Uuid, register: String;
    MonthRow by meter_id: Uuid, register: String, month: NaiveDate;
    ReadingRow by meter_id: Uuid, reading_id: Uuid;
    UsedRow by service: String, month: NaiveDate;
}

impl Projector for Fleet {
    const NAME: &'static str = "fleet";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[Meter::CATEGORY];
    const TABLES: &'static str = include_str!("../models/fleet/tables.sql");
    const INDEXES: &'static str = include_str!("../models/fleet/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Meter(event) = &fact.event {
            self.meter(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { meters, registers, months, readings, used, changes } = self;
        vec![meters, registers, months, readings, used, changes]
    }
}

impl Fleet {
    fn meter(&mut self, fact: &Recorded<BillingEvent>, event: &Event) {
        match event {
            Event::MeterRegistered(_) => {
                self.meters.insert(MeterRow { meter_id: fact.stream.id(), facts: line(fact), position: position(fact) });
            }
            Event::MeterInstalled(_) => self.lived(fact),
            Event::MeterRemoved(MeterRemoved { on, .. }) | Event::MeterExchanged(MeterExchanged { on, .. }) => {
                self.taken_down(fact, event, *on);
            }
            Event::ReadingRecorded(ReadingRecorded { reading, .. })
            | Event::ReadingHeld(ReadingHeld { reading, .. })
            | Event::ReadingEstimated(ReadingEstimated { reading, .. }) => self.read(fact, event, reading),
            Event::ReadingReleased(ReadingReleased { reading_id, .. }) => self.said(fact, event, [*reading_id]),
            Event::ReadingReversed(ReadingReversed { reading_id, restored, .. }) => {
                self.said(fact, event, restored.iter().copied().chain([*reading_id]));
            }
            Event::EstimatesTruedUp(EstimatesTruedUp { superseded, .. }) => self.said(fact, event, superseded.iter().copied()),
            // Nothing is measured by it.
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
            | Event::SealReplaced(_)
            | Event::ReadingsBilled(_)
            | Event::ReadingsUnbilled(_) => {}
        }
    }

    fn lived(&mut self, fact: &Recorded<BillingEvent>) {
        let Some(meter) = self.meters.get_mut(&fact.stream.id()) else { return };
        meter.facts.push_str(&line(fact));
        meter.position = position(fact);
    }

    /// Readings after that day, if there are any, no longer count.
    fn taken_down(&mut self, fact: &Recorded<BillingEvent>, event: &Event, on: NaiveDate) {
        let id = fact.stream.id();
        let Some(meter) = self.meters.get(&id).map(|row| folded([row.facts.as_str()])) else { return };
        for (service, register) in counting(&meter) {
            if let Some(last) = self.months_of(id, &register).last()
                && let Some(before) = self.about(id, &register, (month(on), *last))
            {
                self.count(fact, event, before, (service, &register));
            }
        }
        self.lived(fact);
    }

    fn read(&mut self, fact: &Recorded<BillingEvent>, event: &Event, reading: &Reading) {
        let row = ReadingRow {
            meter_id: fact.stream.id(),
            reading_id: reading.reading_id.into(),
            register: reading.register.to_string(),
            month: month(reading.taken_on),
            position: position(fact),
        };
        self.told(fact, event, &reading.register, BTreeSet::from([row.month]));
        self.readings.insert(row);
    }

    fn said(&mut self, fact: &Recorded<BillingEvent>, event: &Event, readings: impl IntoIterator<Item = ReadingId>) {
        let rows = readings.into_iter().filter_map(|id| self.readings.get(&(fact.stream.id(), id.into())).cloned());
        let rows: Vec<ReadingRow> = rows.collect();
        let register = rows.first().and_then(|row| Code::new(row.register.clone()).ok());
        if let Some(register) = register {
            self.told(fact, event, &register, rows.iter().map(|row| row.month).collect());
        }
    }

    /// Something was said of readings of a register, taken in these months.
    fn told(&mut self, fact: &Recorded<BillingEvent>, event: &Event, register: &Code, months: BTreeSet<NaiveDate>) {
        let (Some(first), Some(last)) = (months.first(), months.last()) else { return };
        let Some(before) = self.about(fact.stream.id(), register, (*first, *last)) else { return };
        let Some(counting) = counting(&before).into_iter().find(|(_, counting)| counting == register) else { return };
        self.count(fact, event, before, (counting.0, register));
        for month in months {
            self.keep(fact, register, month);
        }
    }

    fn keep(&mut self, fact: &Recorded<BillingEvent>, register: &Code, month: NaiveDate) {
        let (meter_id, register, position) = (fact.stream.id(), register.to_string(), position(fact));
        match self.months.get_mut(&(meter_id, register.clone(), month)) {
            Some(row) => {
                row.facts.push_str(&line(fact));
                row.position = position;
            }
            None => self.months.put(MonthRow { meter_id, register: register.clone(), month, facts: line(fact), position }),
        }
        match self.registers.get_mut(&(meter_id, register.clone())) {
            Some(row) => {
                let mut months = listed(&row.months);
                if let Err(place) = months.binary_search(&month) {
                    months.insert(place, month);
                    (row.months, row.position) = (list(&months), position);
                }
            }
            None => self.registers.put(RegisterRow { meter_id, register, months: list(&[month]), position }),
        }
    }

    /// What the fact changes in what was used.
    fn count(&mut self, fact: &Recorded<BillingEvent>, event: &Event, before: Meter, (service, register): (Service, &Code)) {
        let after = before.clone().evolve(event);
        let mut changes: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
        for (meter, sign) in [(before, Decimal::NEGATIVE_ONE), (after, Decimal::ONE)] {
            for segment in meter.usage_by_month(register) {
                *changes.entry(month(segment.period.from())).or_default() += sign * segment.quantity;
            }
        }
        let (service, position) = (to_name(&service), position(fact));
        for (month, quantity) in changes.into_iter().filter(|(_, quantity)| !quantity.is_zero()) {
            match self.used.get_mut(&(service.clone(), month)) {
                Some(row) => (row.quantity, row.position) = ((row.quantity + quantity).normalize(), position),
                None => self.used.put(UsedRow { service: service.clone(), month, quantity: quantity.normalize(), position }),
            }
            self.changes.add(ChangeRow { service: service.clone(), month, quantity: quantity.normalize(), position });
        }
    }

    /// The meter with its readings of some months, and of as many about these as it takes for all others to make no difference. Nothing, as
    /// long as they are not at hand.
    fn about(&mut self, id: Uuid, register: &Code, (first, last): (NaiveDate, NaiveDate)) -> Option<Meter> {
        let life = self.meters.get(&id)?.facts.clone();
        let months = self.months_of(id, register);
        let (begin, end) = (months.partition_point(|month| *month < first), months.partition_point(|month| *month <= last));
        // An actual reading is known by the one before it, and as a rule both are in the months before.
        let (mut begin, mut end) = (begin.saturating_sub(2), end);
        loop {
            let facts =
                months[begin..end].iter().map(|month| self.months.get(&(id, register.to_string(), *month)).map(|row| row.facts.clone()));
            // All are asked for before one is missed, so that they are fetched together.
            let facts = facts.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()?;
            let meter = folded([life.as_str()].into_iter().chain(facts.iter().map(String::as_str)));
            let borders = read_borders(&meter, register);
            let bounded_before = begin == 0 || borders.iter().any(|border| *border <= first);
            let bounded_after = end == months.len() || borders.iter().any(|border| *border > last + Months::new(1));
            if bounded_before && bounded_after {
                return Some(meter);
            }
            begin -= usize::from(!bounded_before);
            end += usize::from(!bounded_after);
        }
    }

    fn months_of(&mut self, id: Uuid, register: &Code) -> Vec<NaiveDate> {
        self.registers.get(&(id, register.to_string())).map(|row| listed(&row.months)).unwrap_or_default()
    }
}

/// The registers of a meter that count what a service delivers.
fn counting(meter: &Meter) -> Vec<(Service, Code)> {
    Service::ALL.iter().flat_map(|service| meter.registers_for(*service).map(|register| (*service, register.clone()))).collect()
}

/// Up to where actual readings say what was used since another reading.
fn read_borders(meter: &Meter, register: &Code) -> Vec<NaiveDate> {
    let read = meter.usage_by_month(register).into_iter().filter(|segment| segment.basis != UsageBasis::Estimated);
    read.filter_map(|segment| Some(meter.reading(*segment.readings.last()?)?.border())).collect()
}

fn line(fact: &Recorded<BillingEvent>) -> String {
    let (kind, version, data) = (fact.event.event_type(), fact.event.version(), fact.event.encode());
    format!("{} {kind} {version} {}\n", position(fact), String::from_utf8_lossy(&data))
}

/// What these lines make of a meter. One that stands in several months happened once, and where it stands first is when.
fn folded<'a>(facts: impl IntoIterator<Item = &'a str>) -> Meter {
    let lines = facts.into_iter().flat_map(str::lines).filter_map(|line| line.split_once(' '));
    let lines: BTreeMap<i64, &str> = lines.filter_map(|(position, rest)| Some((position.parse().ok()?, rest))).collect();
    lines.into_values().fold(Meter::default(), |meter, line| {
        let mut parts = line.splitn(3, ' ');
        let [kind, version, data] = [(); 3].map(|()| parts.next().unwrap_or_default());
        let event = Event::decode(kind, version.parse().unwrap_or_default(), data.as_bytes());
        meter.evolve(&event.expect("written by `line`, and every version stays readable"))
    })
}

fn list(months: &[NaiveDate]) -> String {
    months.iter().map(NaiveDate::to_string).collect::<Vec<_>>().join(" ")
}

fn listed(months: &str) -> Vec<NaiveDate> {
    months.split(' ').filter_map(|month| month.parse().ok()).collect()
}

/// What all meters measured for a service in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Its first day.
    pub month: NaiveDate,
    pub service: Service,
    /// In the service's unit.
    pub quantity: Decimal,
}

/// The months from one to that of the moment, whole, as readings that were known then tell of them.
pub async fn monthly(db: impl PgExecutor<'_>, from: NaiveDate, as_of: AsOf) -> Result<Vec<Used>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT month AS "month!", service AS "service!", sum(quantity) AS "quantity!"
           FROM (SELECT month, service, quantity FROM read_fleet.used WHERE month BETWEEN $1 AND $2
                 UNION ALL
                 -- What was not yet known is in the sums, and comes off.
                 SELECT month, service, -quantity FROM read_fleet.change WHERE month BETWEEN $1 AND $2 AND position > $3) known
           GROUP BY month, service HAVING sum(quantity) <> 0 ORDER BY month, service"#,
        from,
        as_of.effective,
        as_of.position(),
    );
    let used = found.fetch_all(db).await?.into_iter().map(|row| {
        let malformed = |source| QueryError::Malformed { model: Fleet::NAME, column: "service", source };
        Ok(Used { month: row.month, service: from_name(row.service).map_err(malformed)?, quantity: row.quantity.normalize() })
    });
    used.collect()
}
