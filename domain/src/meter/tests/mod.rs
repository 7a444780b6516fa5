//! The meter's rules as examples. Those of one file alone stand at its end.

mod estimation;
mod lifecycle;
mod readings;
mod true_up;
mod validation;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{example::*, *};
use crate::{
    Actor, Reason,
    ids::InvoiceId,
    spec::{Given, given},
};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn because() -> Reason {
    Reason::new("asked for").unwrap()
}

fn record(reading: Reading) -> Command {
    record_with(reading, TrueUpRules::for_tariff(false))
}

fn record_with(reading: Reading, true_up: TrueUpRules) -> Command {
    Command::RecordReading(RecordReading {
        reading,
        received_at: instant("2030-01-01", 0),
        intervals: None,
        multiplier_seen: None,
        validation: ValidationRules { bands: vec![], ..ValidationRules::default() },
        true_up,
    })
}

fn release(reading: &Reading, resolution: Resolution) -> ReleaseReading {
    ReleaseReading {
        reading_id: reading.reading_id,
        resolution,
        released_by: Actor::user("17"),
        reason: because(),
        true_up: TrueUpRules::for_tariff(false),
    }
}

fn released(reading: &Reading, resolution: Resolution) -> Event {
    ReadingReleased { reading_id: reading.reading_id, resolution, released_by: Actor::user("17"), reason: because() }.into()
}

fn reverse(reading: &Reading) -> ReverseReading {
    ReverseReading { reading_id: reading.reading_id, reason: because(), cancels_bills: vec![], rollover: RolloverRule::default() }
}

fn reversed(reading: &Reading) -> Event {
    ReadingReversed { reading_id: reading.reading_id, reason: because(), cancels_bills: vec![], restored: vec![] }.into()
}

fn held(reading: &Reading, check: Check, measured: &str) -> Event {
    let finding = Finding { check, severity: Severity::Hold, measured: Some(dec(measured)), limit: None };
    ReadingHeld { reading: reading.clone(), findings: vec![finding] }.into()
}

fn warned(reading: &Reading, check: Check) -> Event {
    let finding = Finding { check, severity: Severity::Warn, measured: None, limit: None };
    ReadingRecorded { reading: reading.clone(), findings: vec![finding], rolled_over: false }.into()
}

/// An estimate as a fact, with made-up grounds.
fn estimated(value: &str, on: &str) -> Event {
    let reading = reading_at(value, on, 12, ReadingKind::Estimated);
    let method = EstimationMethod::ClassDefault;
    let zero = Decimal::ZERO;
    ReadingEstimated { reading, method, days: 0, daily_average: zero, reckoned: zero, quantity: zero, successive: 0 }.into()
}

fn installed_then(facts: impl IntoIterator<Item = Event>) -> Given<Meter> {
    given::<Meter>(installed().into_iter().chain(facts))
}

/// The usage of a period as text, for tables.
fn used(meter: &Meter, from: &str, to: &str) -> String {
    let period = crate::BillingPeriod::new(day(from), day(to)).unwrap();
    let one = |segment: &crate::UsageSegment| {
        format!("{}..{} {:?} {}", segment.period.from(), segment.period.to(), segment.basis, segment.quantity.normalize())
    };
    meter.usage(PREMISES, &register().code, period).iter().map(one).collect::<Vec<_>>().join("; ")
}
