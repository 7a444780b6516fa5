//! Consumption as it is told on any day: held against the rules' own segments, through estimates, true-ups and corrections.

use chrono::{Datelike, Days, NaiveDate};
use daftar_domain::{
    BillingEvent, BillingPeriod, Decider, EventSchema, Position, Reason, Service, agreement,
    ids::{PremisesId, service_point_id},
    meter::{self, Meter, ReadingKind, ReverseReading, example as meters},
};
use daftar_projections::{
    AsOf,
    billable::Billable,
    consumption::{self, Used},
};
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::spec::{database, project_all};

const PLACE: (PremisesId, Service) = (meters::PREMISES, Service::Electricity);

fn period(from: &str, to: &str) -> BillingPeriod {
    BillingPeriod::new(meters::day(from), meters::day(to)).unwrap()
}

/// A winter and a spring of one meter: read, estimated, estimated again, read, and a reading taken back in the end.
fn history() -> Vec<meter::Event> {
    let mut meter = Meter::default();
    let mut events: Vec<meter::Event> = vec![];
    let mut happened = |more: Vec<meter::Event>| {
        assert!(!more.is_empty());
        for event in more {
            meter = std::mem::take(&mut meter).evolve(&event);
            events.push(event);
        }
        meter.clone()
    };
    let mut now = happened(meters::installed());
    let read = |value, on| meters::reading_at(value, on, 12, ReadingKind::Manual);
    for (value, on) in [("310", "2024-02-01"), ("640", "2024-03-05"), ("", "2024-04-01"), ("", "2024-05-01"), ("1300", "2024-05-20")] {
        let reading = if value.is_empty() { meters::reading_at("0", on, 12, ReadingKind::Estimated) } else { read(value, on) };
        let command = if value.is_empty() {
            let meter::Reading { reading_id, register, taken_on, taken_at, .. } = reading;
            let rules = meter::EstimationRules { class_daily_average: Some(Decimal::from(9)), ..meter::EstimationRules::default() };
            meter::Command::EstimateReading(meter::EstimateReading { reading_id, register, taken_on, taken_at, rules })
        } else {
            let meter::ReadingContext { received_at, validation, true_up } = meters::context();
            let wish = meter::RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up };
            meter::Command::RecordReading(wish)
        };
        now = happened(now.decide(command).unwrap());
    }
    let taken_back = ReverseReading {
        reading_id: read("640", "2024-03-05").reading_id,
        reason: Reason::new("misread").unwrap(),
        cancels_bills: vec![],
        rollover: meter::RolloverRule::default(),
    };
    happened(now.decide(meter::Command::ReverseReading(taken_back)).unwrap());
    events
}

async fn projected() -> (daftar_cluster::testing::TestDatabase, PgPool, Vec<meter::Event>) {
    let (database, pool) = database().await;
    let history = history();
    let point = service_point_id(PLACE.0, PLACE.1);
    let attached = agreement::MeterAttached { service_point_id: point, meter_id: meters::METER, on: meters::day("2024-01-01") };
    let attached: agreement::Event = attached.into();
    let events = history.iter().map(|event| (meters::METER.into(), BillingEvent::from(event.clone())));
    project_all::<Billable>(&pool, [(Uuid::from(point), attached.into())].into_iter().chain(events)).await;
    (database, pool, history)
}

/// What was known once so many of the meter's events were.
fn known(events: usize) -> AsOf {
    AsOf::recorded(Position::single(events as u64 + 1), meters::day("2024-12-31"))
}

#[tokio::test]
async fn days_are_those_of_the_meters_own_segments_at_any_moment() {
    let (_database, pool, history) = projected().await;
    let (whole, mut told) = (period("2024-01-01", "2024-07-01"), vec![]);
    for events in 1..=history.len() {
        let meter = meters::meter(history[..events].iter().cloned());
        let days = consumption::daily(&pool, PLACE, whole, known(events)).await.unwrap();
        let register = &meters::register().code;
        for segment in meter.usage(PLACE.0, register, whole) {
            let inside = days.iter().filter(|day| segment.period.contains(day.on));
            assert_eq!(inside.map(|day| day.quantity).sum::<Decimal>(), segment.quantity, "after {}", history[events - 1].event_type());
        }
        let measured = meter.measured(PLACE.0, register, meters::day("2024-07-01"));
        assert_eq!(days.len(), measured.map_or(0, |measured| measured.each_day().count()));
        assert_eq!(consumption::of_meter(&pool, meters::METER, PLACE, whole, known(events)).await.unwrap(), days);
        told.push(days);
    }
    told.dedup();
    assert!(told.len() >= 6, "each reading, estimate and correction tells another story: {}", told.len());
}

#[tokio::test]
async fn months_are_the_sums_of_their_days_to_the_last_digit() {
    let (_database, pool, history) = projected().await;
    let asked = period("2024-01-20", "2024-05-10");
    for events in 3..=history.len() {
        let days = consumption::daily(&pool, PLACE, asked, known(events)).await.unwrap();
        let months = consumption::monthly(&pool, PLACE, asked, known(events)).await.unwrap();
        for month in &months {
            let inside: Vec<_> = days.iter().filter(|day| day.on.with_day(1) == Some(month.on)).collect();
            assert_eq!(month.quantity, inside.iter().map(|day| day.quantity).sum::<Decimal>());
            assert_eq!((month.days as usize, month.estimated), (inside.len(), inside.iter().map(|day| day.estimated).sum::<u32>()));
        }
        assert_eq!(months.iter().map(|month| month.days as usize).sum::<usize>(), days.len());
    }
}

/// A true-up changes the days it settles, and a reading that is taken back those around it; what came before stays.
#[tokio::test]
async fn a_correction_changes_its_days_and_no_others() {
    let (_database, pool, history) = projected().await;
    let at = |name: &str| history.iter().position(|event| event.event_type() == name).unwrap();
    let ask = async |events| consumption::daily(&pool, PLACE, period("2024-01-01", "2024-07-01"), known(events)).await.unwrap();
    let changed = |before: &[Used], after: &[Used]| -> Vec<NaiveDate> {
        let there = |day: &NaiveDate| before.iter().find(|used| used.on == *day) != after.iter().find(|used| used.on == *day);
        meters::day("2024-01-01").iter_days().take(182).filter(there).collect()
    };
    let (estimated, trued_up) = (ask(at("ReadingRecorded") + 5).await, ask(at("EstimatesTruedUp") + 1).await);
    let days = changed(&estimated, &trued_up);
    assert_eq!((days.first().copied(), days.last().copied()), (Some(meters::day("2024-03-06")), Some(meters::day("2024-05-20"))));
    assert!(estimated.iter().any(|day| day.estimated == 1) && trued_up.iter().all(|day| day.estimated == 0));
    let reversed = ask(at("ReadingReversed") + 1).await;
    let days = changed(&trued_up, &reversed);
    assert_eq!((days.first().copied(), days.last().copied()), (Some(meters::day("2024-02-02")), Some(meters::day("2024-05-20"))));
    let total = |days: &[Used]| days.iter().map(|day| day.quantity).sum::<Decimal>();
    assert_eq!((total(&trued_up), total(&reversed)), (Decimal::from(1300), Decimal::from(1300)));

    // Nothing of days that are not over by the date.
    let then = AsOf::now_known(meters::day("2024-03-10"));
    let days = consumption::daily(&pool, PLACE, period("2024-01-01", "2024-07-01"), then).await.unwrap();
    assert_eq!(days.last().map(|day| day.on), Some(meters::day("2024-03-10")));
    assert_eq!(days.first().map(|day| day.on), Some(meters::day("2024-01-01") + Days::new(1)));
}
