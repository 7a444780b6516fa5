//! What all meters measured, held against each meter's own account of its whole life.

// Here a few events are asked for among all.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use daftar_domain::{
    Actor, BillingEvent, Code, Decider, Position, Reason, Service,
    ids::ReadingId,
    meter::{
        Command, Direction, EstimateReading, EstimationRules, Event, Meter, MeterRegistered, Reading, ReadingContext, ReadingKind,
        RecordReading, Register, ReleaseReading, RemoveMeter, Resolution, ReverseReading, RolloverRule, Takedown, Unit, example as meters,
    },
};
use daftar_projections::{
    AsOf,
    fleet::{self, Fleet, Used},
};
use expect_test::expect;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::spec::{database, everything, project_all, projecting};

#[tokio::test]
async fn fleet() {
    projecting::<Fleet>().when(everything()).then_all(expect![[r#"
        {"table":"change","row":{"month": "2024-02-01", "service": "electricity", "position": 77, "quantity": 86413.793103}}
        {"table":"change","row":{"month": "2024-03-01", "service": "electricity", "position": 77, "quantity": 3086.206897}}
        {"table":"change","row":{"month": "2024-02-01", "service": "electricity", "position": 78, "quantity": -86413.793103}}
        {"table":"change","row":{"month": "2024-03-01", "service": "electricity", "position": 78, "quantity": -3086.206897}}
        {"table":"change","row":{"month": "2024-02-01", "service": "electricity", "position": 79, "quantity": 448}}
        {"table":"change","row":{"month": "2024-03-01", "service": "electricity", "position": 79, "quantity": 32}}
        {"table":"change","row":{"month": "2024-02-01", "service": "electricity", "position": 80, "quantity": -448}}
        {"table":"change","row":{"month": "2024-03-01", "service": "electricity", "position": 80, "quantity": -32}}
        {"table":"meter","row":{"facts": "71 MeterRegistered 1 {\"device\":{\"meter_id\":\"00000000-0000-0000-0000-000000000051\",\"maker\":\"ACME\",\"serial\":\"0042\",\"kind\":\"traditional\",\"registers\":[{\"code\":\"1.8.0\",\"digits\":5,\"decimals\":0,\"multiplier\":\"1\",\"direction\":\"import\",\"unit\":\"kWh\"}],\"certified_until\":\"2034-01-01\"},\"registered_on\":\"2024-01-01\"}\n74 MeterInstalled 1 {\"premises_id\":\"00000000-0000-0000-0000-000000000029\",\"account_id\":\"00000000-0000-0000-0000-000000000007\",\"service\":\"electricity\",\"on\":\"2024-01-01\",\"breaker\":{\"number\":\"B-1\",\"amps\":100},\"seals\":[{\"number\":\"S-1\",\"place\":\"cover\"}],\"initial_reads\":[\"00000000-0000-0000-0000-0003f7b750c6\"],\"replaces\":null}\n89 MeterRemoved 1 {\"on\":\"2024-06-01\",\"reason\":\"house pulled down\",\"final_reads\":[\"00000000-0000-0000-0000-0003f9534d81\"]}\n90 MeterExchanged 1 {\"successor\":\"00000000-0000-0000-0000-000000000055\",\"on\":\"2024-06-01\",\"reason\":\"larger load\",\"final_reads\":[\"00000000-0000-0000-0000-000401de21a5\"]}\n", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 90}}
        {"table":"month","row":{"facts": "75 ReadingRecorded 1 {\"reading\":{\"reading_id\":\"00000000-0000-0000-0000-0003f9534d81\",\"register\":\"1.8.0\",\"kind\":\"manual\",\"value\":\"500\",\"taken_on\":\"2024-02-01\",\"taken_at\":\"2024-02-01T12:00:00Z\"},\"findings\":[{\"check\":\"zeroConsumption\",\"severity\":\"warn\",\"measured\":\"0\",\"limit\":null}],\"rolled_over\":false}\n", "month": "2024-02-01", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 75, "register": "1.8.0"}}
        {"table":"month","row":{"facts": "76 ReadingHeld 1 {\"reading\":{\"reading_id\":\"00000000-0000-0000-0000-0003fad1a081\",\"register\":\"1.8.0\",\"kind\":\"manual\",\"value\":\"90000\",\"taken_on\":\"2024-03-01\",\"taken_at\":\"2024-03-01T12:00:00Z\"},\"findings\":[{\"check\":\"highConsumption\",\"severity\":\"hold\",\"measured\":\"89500\",\"limit\":\"800.25\"}]}\n77 ReadingReleased 1 {\"reading_id\":\"00000000-0000-0000-0000-0003fad1a081\",\"resolution\":\"asRead\",\"released_by\":\"user:17\",\"reason\":\"seen on a photograph\"}\n78 ReadingReversed 1 {\"reading_id\":\"00000000-0000-0000-0000-0003fad1a081\",\"reason\":\"wrong meter\",\"cancels_bills\":[\"00000000-0000-0000-0000-000000000053\"],\"restored\":[\"00000000-0000-0000-0000-0003fadecf84\"]}\n79 ReadingEstimated 1 {\"reading\":{\"reading_id\":\"00000000-0000-0000-0000-0003fadecf84\",\"register\":\"1.8.0\",\"kind\":\"estimated\",\"value\":\"980\",\"taken_on\":\"2024-03-02\",\"taken_at\":\"2024-03-02T12:00:00Z\"},\"method\":\"lastActualPeriod\",\"days\":30,\"daily_average\":\"16.129032\",\"reckoned\":\"483.870968\",\"quantity\":\"483\",\"successive\":1}\n80 EstimatesTruedUp 1 {\"register\":\"1.8.0\",\"since\":\"00000000-0000-0000-0000-0003f9534d81\",\"actual\":\"00000000-0000-0000-0000-0003fad1a081\",\"settlement\":\"rebilled\",\"superseded\":[\"00000000-0000-0000-0000-0003fadecf84\"],\"parts\":[{\"period\":{\"from\":\"2024-02-02\",\"to\":\"2024-03-03\"},\"estimate\":\"00000000-0000-0000-0000-0003fadecf84\",\"estimated\":\"480\",\"settled\":\"450.5\"}]}\n", "month": "2024-03-01", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 80, "register": "1.8.0"}}
        {"table":"reading","row":{"month": "2024-02-01", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 75, "register": "1.8.0", "reading_id": "00000000-0000-0000-0000-0003f9534d81"}}
        {"table":"reading","row":{"month": "2024-03-01", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 76, "register": "1.8.0", "reading_id": "00000000-0000-0000-0000-0003fad1a081"}}
        {"table":"reading","row":{"month": "2024-03-01", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 79, "register": "1.8.0", "reading_id": "00000000-0000-0000-0000-0003fadecf84"}}
        {"table":"register","row":{"months": "2024-02-01 2024-03-01", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 76, "register": "1.8.0"}}
        {"table":"used","row":{"month": "2024-02-01", "service": "electricity", "position": 80, "quantity": 0}}
        {"table":"used","row":{"month": "2024-03-01", "service": "electricity", "position": 80, "quantity": 0}}
    "#]]).await;
}

/// In whatever batches, and from the first day: what a fact changes depends on facts of other months, which are not all at hand.
#[tokio::test]
async fn a_history_of_readings_comes_to_the_same_in_any_batches() {
    let sql = "SELECT service, count(*) AS months, sum(quantity) > 0 AS used FROM read_fleet.used GROUP BY service ORDER BY service";
    projecting::<Fleet>()
        .when(history(1, 150))
        .then(
            sql,
            expect![[r#"
        {"service":"electricity","months":22,"used":true}
        {"service":"water","months":12,"used":true}
    "#]],
        )
        .await;
}

#[tokio::test]
async fn months_are_those_of_all_meters_as_they_were_known_at_any_moment() {
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 2..=5 {
        let history = history(seed, 300);
        let (_database, pool) = database().await;
        project_all::<Fleet>(&pool, history.clone()).await;
        let (mut known, mut told) = (BTreeMap::new(), vec![]);
        for (n, (id, event)) in history.iter().enumerate() {
            let BillingEvent::Meter(event) = event else { continue };
            let meter: &mut Meter = known.entry(*id).or_default();
            *meter = std::mem::take(meter).evolve(event);
            let as_of = AsOf::recorded(Position::single(n as u64 + 1), meters::day("2030-01-01"));
            let months = fleet::monthly(&pool, meters::day("2000-01-01"), as_of).await.unwrap();
            assert_eq!(months, by_meters(known.values()), "seed {seed} after event {n}: {event:?}");
            told.push(months);
        }
        history.iter().for_each(|(_, event)| *met.entry(event.event_type()).or_default() += 1);
        told.dedup();
        assert!(told.len() > 60 && told.last().unwrap().len() > 20, "{} {:?}", told.len(), told.last());
    }
    for name in ["ReadingHeld", "ReadingReleased", "ReadingReversed", "ReadingEstimated", "EstimatesTruedUp", "MeterRemoved"] {
        assert!(met.get(name).is_some_and(|times| *times > 2), "{name}: {met:?}");
    }
}

/// The same by hand: all days of all meters.
fn by_meters<'a>(meters: impl Iterator<Item = &'a Meter>) -> Vec<Used> {
    let mut months: BTreeMap<(NaiveDate, &str), Used> = BTreeMap::new();
    let always = daftar_domain::BillingPeriod::new(meters::day("2023-01-01"), meters::day("2030-01-01")).unwrap();
    for meter in meters {
        for service in Service::ALL {
            for register in meter.registers_for(*service) {
                for day in meter.usage_by_day(meters::PREMISES, register, always) {
                    let month = day.period.from().with_day(1).unwrap();
                    let nothing = Used { month, service: *service, quantity: Decimal::ZERO };
                    months.entry((month, service.code())).or_insert(nothing).quantity += day.quantity;
                }
            }
        }
    }
    months.into_values().filter(|used| !used.quantity.is_zero()).collect()
}

#[tokio::test]
async fn a_month_that_begins_after_the_moment_is_not_told() {
    let (_database, pool) = database().await;
    let read = [("310", "2024-02-01"), ("590", "2024-03-10")].map(|(value, on)| meters::recorded(meters::reading(value, on)));
    let events = meters::installed().into_iter().chain(read).map(|event| (Uuid::from(meters::METER), event.into()));
    project_all::<Fleet>(&pool, events).await;
    let months = async |from, to| fleet::monthly(&pool, meters::day(from), AsOf::now_known(meters::day(to))).await.unwrap();
    let used = |on, quantity: i64| Used { month: meters::day(on), service: Service::Electricity, quantity: Decimal::from(quantity) };
    // The readings tell of 2 January to 1 February, and from then on to 10 March.
    let february = Used { quantity: "216.315789".parse().unwrap(), ..used("2024-02-01", 0) };
    assert_eq!(months("2024-01-01", "2024-02-29").await, [used("2024-01-01", 300), february]);
    assert_eq!(months("2024-02-01", "2024-02-01").await, [february]);
    assert_eq!(months("2024-03-01", "2024-03-31").await.len(), 1);
}

const METERS: u128 = 3;

/// What the aggregates allow of readings that come late and out of order, are held, released and taken back; of estimates and what settles
/// them; of months without any, and of meters that are taken down before the day on which they were last read.
pub fn history(seed: u64, acts: u32) -> Vec<(Uuid, BillingEvent)> {
    let mut lot = StdRng::seed_from_u64(seed);
    let mut fleet: BTreeMap<u128, Meter> = BTreeMap::new();
    let mut log: Vec<(u128, Event)> = vec![];
    let mut happened = |fleet: &mut BTreeMap<u128, Meter>, n, event: Event| {
        let meter = fleet.entry(n).or_default();
        *meter = std::mem::take(meter).evolve(&event);
        log.push((n, event));
    };
    let mut known: BTreeMap<u128, Vec<ReadingId>> = BTreeMap::new();
    for n in 1..=METERS {
        let Event::MeterRegistered(MeterRegistered { mut device, registered_on }) = meters::registered() else { panic!("registered") };
        device.registers = registers(n);
        let initial = registers(n).into_iter().zip(0..).map(|(register, index)| {
            let reading_id = ReadingId::new(Uuid::from_u128(n * 10 + index));
            meters::recorded(Reading { reading_id, register: register.code, ..meters::initial() })
        });
        let events = [MeterRegistered { device, registered_on }.into(), meters::installed_alone()];
        events.into_iter().chain(initial).for_each(|event| happened(&mut fleet, n, event));
    }
    for act in 1..=acts {
        let n = lot.random_range(1..=METERS);
        let after = if lot.random_ratio(1, 3) { lot.random_range(1..700) } else { u64::from(act) * 2 };
        let taken_on = meters::day("2024-01-01") + Days::new(after);
        let far_above = if lot.random_ratio(1, 8) { 20_000 } else { lot.random_range(0..10) };
        let reading = |index: usize, kind| Reading {
            reading_id: ReadingId::new(Uuid::from_u128(u128::from(act) * 1_000 + index as u128)),
            register: registers(n).swap_remove(index).code,
            kind,
            value: Decimal::from(after * 10 + far_above),
            taken_on,
            taken_at: meters::instant(&taken_on.to_string(), act % 20),
        };
        let (index, reason) = ([0, 0, 0, 1, 1, 2][lot.random_range(0..6)], Reason::new("drawn by lot").unwrap());
        let ReadingContext { received_at, validation, true_up } = meters::context();
        let ids = known.entry(n).or_default();
        let any = if ids.is_empty() { ReadingId::new(Uuid::nil()) } else { ids[lot.random_range(0..ids.len())] };
        let command = match lot.random_range(0..24) {
            0..=11 => {
                let reading = reading(index, ReadingKind::Manual);
                Command::RecordReading(RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up })
            }
            12..=15 => {
                let Reading { reading_id, register, taken_on, taken_at, .. } = reading(index, ReadingKind::Estimated);
                let rules = EstimationRules { class_daily_average: Some(Decimal::from(lot.random_range(5..15))), ..Default::default() };
                Command::EstimateReading(EstimateReading { reading_id, register, taken_on, taken_at, rules })
            }
            16..=18 => {
                let rollover = RolloverRule::default();
                Command::ReverseReading(ReverseReading { reading_id: any, reason, cancels_bills: vec![], rollover })
            }
            19..=22 => {
                let (resolution, released_by) = (Resolution::AsRead, Actor::user("9"));
                Command::ReleaseReading(ReleaseReading { reading_id: any, resolution, released_by, reason, true_up })
            }
            // Late, or nothing would follow.
            _ if act > acts / 2 => {
                let final_reads = (0..3).map(|index| reading(index, ReadingKind::Final)).collect();
                let takedown = Takedown { on: taken_on, reason, final_reads, estimates: vec![], context: meters::context() };
                Command::RemoveMeter(RemoveMeter { takedown })
            }
            _ => continue,
        };
        for event in fleet[&n].decide(command).unwrap_or_default() {
            match &event {
                Event::ReadingRecorded(event) => ids.push(event.reading.reading_id),
                Event::ReadingEstimated(event) => ids.push(event.reading.reading_id),
                // Those wait for somebody.
                Event::ReadingHeld(event) => ids.extend([event.reading.reading_id; 4]),
                _ => {}
            }
            happened(&mut fleet, n, event);
        }
    }
    log.into_iter().map(|(n, event)| (Uuid::from_u128(n), event.into())).collect()
}

/// One counts electricity through a transformer, one water, and the last what is given back.
fn registers(n: u128) -> Vec<Register> {
    let code = |code: &str| Code::new(code).unwrap();
    vec![
        Register { multiplier: Decimal::from_i128_with_scale(i128::try_from(n).unwrap() * 5, 1), ..meters::register() },
        Register { code: code("8.1.0"), unit: Unit::CubicMetre, ..meters::register() },
        Register { code: code("2.8.0"), direction: Direction::Export, ..meters::register() },
    ]
}
