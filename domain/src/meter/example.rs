//! A made-up meter for examples and tests.

use chrono::{DateTime, NaiveTime, Utc};

use super::*;
use crate::{
    Actor, BillingPeriod, Reason, Service,
    ids::{AccountId, MeterId, PremisesId},
};

pub const METER: MeterId = MeterId::new(Uuid::from_u128(81));
pub const PREMISES: PremisesId = PremisesId::new(Uuid::from_u128(41));

pub fn register() -> Register {
    Register {
        code: code("1.8.0"),
        digits: 5,
        decimals: 0,
        multiplier: Decimal::ONE,
        direction: Direction::Import,
        unit: Unit::KilowattHour,
    }
}

pub fn device() -> Device {
    Device {
        meter_id: METER,
        maker: code("ACME"),
        serial: code("0042"),
        kind: MeterKind::Traditional,
        registers: vec![register()],
        certified_until: Some(day("2034-01-01")),
    }
}

pub fn registered() -> Event {
    MeterRegistered { device: device(), registered_on: day("2024-01-01") }.into()
}

/// A manual reading at noon.
pub fn reading(value: &str, on: &str) -> Reading {
    reading_at(value, on, 12, ReadingKind::Manual)
}

/// Its id comes from day, hour and kind.
pub fn reading_at(value: &str, on: &str, hour: u32, kind: ReadingKind) -> Reading {
    let at = instant(on, hour);
    let kind_number: u128 = match kind {
        ReadingKind::Manual => 1,
        ReadingKind::Smart => 2,
        ReadingKind::Customer => 3,
        ReadingKind::Estimated => 4,
        ReadingKind::Final => 5,
        ReadingKind::Initial => 6,
        ReadingKind::Special => 7,
    };
    let id = u128::from(at.timestamp().unsigned_abs()) * 10 + kind_number;
    Reading {
        reading_id: ReadingId::new(Uuid::from_u128(id)),
        register: register().code,
        kind,
        value: number(value),
        taken_on: day(on),
        taken_at: at,
    }
}

pub fn recorded(reading: Reading) -> Event {
    ReadingRecorded { reading, findings: vec![], rolled_over: false }.into()
}

pub fn install() -> InstallMeter {
    InstallMeter {
        premises_id: PREMISES,
        account_id: AccountId::new(Uuid::from_u128(7)),
        service: Service::Electricity,
        on: day("2024-01-01"),
        breaker: Breaker { number: code("B-1"), amps: 100 },
        seals: vec![Seal { number: code("S-1"), place: code("cover") }],
        initial_reads: vec![initial()],
        reserved_for: None,
        replaces: None,
        context: context(),
    }
}

pub fn context() -> ReadingContext {
    ReadingContext {
        received_at: instant("2030-01-01", 0),
        validation: ValidationRules::default(),
        true_up: TrueUpRules::for_tariff(false),
    }
}

/// Zero, in the first hours of 2024.
pub fn initial() -> Reading {
    reading_at("0", "2024-01-01", 6, ReadingKind::Initial)
}

/// Registered and put up with a zero on its dial.
pub fn installed() -> Vec<Event> {
    vec![registered(), installed_alone(), recorded(initial())]
}

pub fn installed_alone() -> Event {
    let InstallMeter { premises_id, account_id, service, on, breaker, seals, replaces, .. } = install();
    let initial_reads = vec![initial().reading_id];
    MeterInstalled { premises_id, account_id, service, on, breaker, seals, initial_reads, replaces }.into()
}

pub fn meter(facts: impl IntoIterator<Item = Event>) -> Meter {
    facts.into_iter().fold(Meter::default(), |meter, fact| meter.evolve(&fact))
}

pub fn installed_and<const N: usize>(readings: [Reading; N]) -> Meter {
    meter(installed().into_iter().chain(readings.map(recorded)))
}

pub fn installed_with(readings: &[(&str, &str)]) -> Meter {
    meter(installed().into_iter().chain(readings.iter().map(|(value, on)| recorded(reading(value, on)))))
}

/// An old meter that came down on 16 July and the new one, with a multiplier of 40, that went up.
pub fn exchanged() -> [Meter; 2] {
    let last = reading_at("120", "2024-07-16", 9, ReadingKind::Final);
    let old = meter(installed().into_iter().chain([recorded(reading("100", "2024-07-01")), recorded(last), exchange(day("2024-07-16"))]));
    let first = reading_at("7", "2024-07-16", 10, ReadingKind::Initial);
    let mut device = device();
    device.meter_id = successor();
    device.registers[0].multiplier = Decimal::from(40);
    let Event::MeterInstalled(installed) = installed_alone() else { unreachable!("the example is an installation") };
    let installed = MeterInstalled { on: day("2024-07-16"), initial_reads: vec![first.reading_id], replaces: Some(METER), ..installed };
    let registered = MeterRegistered { device, registered_on: day("2024-01-01") };
    let new = meter([registered.into(), installed.into(), recorded(first), recorded(reading("12", "2024-08-01"))]);
    [old, new]
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let reserved_for = Uuid::from_u128(82);
    let invoice_id = InvoiceId::new(Uuid::from_u128(83));
    let (first, second) = (reading("500", "2024-02-01"), reading("90000", "2024-03-01"));
    let finding =
        Finding { check: Check::HighConsumption, severity: Severity::Hold, measured: Some(number("89500")), limit: Some(number("800.25")) };
    let estimate = reading_at("980", "2024-03-02", 12, ReadingKind::Estimated);
    let period = BillingPeriod::new(day("2024-02-02"), day("2024-03-03")).expect("a period");
    vec![
        registered(),
        MeterReserved { reserved_for }.into(),
        MeterUnreserved { reserved_for }.into(),
        installed_alone(),
        ReadingRecorded {
            reading: first.clone(),
            findings: vec![Finding { check: Check::ZeroConsumption, severity: Severity::Warn, measured: Some(Decimal::ZERO), limit: None }],
            rolled_over: false,
        }
        .into(),
        ReadingHeld { reading: second.clone(), findings: vec![finding] }.into(),
        ReadingReleased {
            reading_id: second.reading_id,
            resolution: Resolution::AsRead,
            released_by: Actor::user("17"),
            reason: reason("seen on a photograph"),
        }
        .into(),
        ReadingReversed {
            reading_id: second.reading_id,
            reason: reason("wrong meter"),
            cancels_bills: vec![invoice_id],
            restored: vec![estimate.reading_id],
        }
        .into(),
        ReadingEstimated {
            reading: estimate.clone(),
            method: EstimationMethod::LastActualPeriod,
            days: 30,
            daily_average: number("16.129032"),
            reckoned: number("483.870968"),
            quantity: number("483"),
            successive: 1,
        }
        .into(),
        EstimatesTruedUp {
            register: register().code,
            since: first.reading_id,
            actual: second.reading_id,
            settlement: Settlement::Rebilled,
            superseded: vec![estimate.reading_id],
            parts: vec![TrueUpPart { period, estimate: Some(estimate.reading_id), estimated: number("480"), settled: number("450.5") }],
        }
        .into(),
        ReadingsBilled { invoice_id, reading_ids: vec![first.reading_id] }.into(),
        ReadingsUnbilled { invoice_id }.into(),
        BreakerReplaced {
            old_number: code("B-1"),
            new: Breaker { number: code("B-2"), amps: 150 },
            on: day("2024-04-01"),
            reason: reason("larger load"),
        }
        .into(),
        SealApplied { seal: Seal { number: code("S-2"), place: code("terminal") }, on: day("2024-04-01") }.into(),
        SealBroken { number: code("S-2"), on: day("2024-04-02"), reason: reason("inspection") }.into(),
        SealReplaced {
            old_number: code("S-1"),
            new: Seal { number: code("S-3"), place: code("cover") },
            on: day("2024-04-02"),
            reason: reason("inspection"),
        }
        .into(),
        MeterDisconnected { on: day("2024-05-01"), reason: reason("unpaid") }.into(),
        MeterReconnected { on: day("2024-05-03"), reason: reason("paid") }.into(),
        MeterRemoved { on: day("2024-06-01"), reason: reason("house pulled down"), final_reads: vec![first.reading_id] }.into(),
        exchange(day("2024-06-01")),
        SentToBench { on: day("2024-06-05"), reason: reason("periodic") }.into(),
        MeterTested {
            test: MeterTest {
                test_id: MeterTestId::new(Uuid::from_u128(84)),
                on: day("2024-06-06"),
                passed: true,
                error_percent: number("-0.35"),
                certified_until: Some(day("2034-06-06")),
            },
        }
        .into(),
        MeterScrapped { on: day("2024-07-01"), reason: reason("worn out") }.into(),
    ]
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub fn instant(on: &str, hour: u32) -> DateTime<Utc> {
    day(on).and_time(NaiveTime::from_hms_opt(hour, 0, 0).expect("a time")).and_utc()
}

fn successor() -> MeterId {
    MeterId::new(Uuid::from_u128(85))
}

fn exchange(on: NaiveDate) -> Event {
    let last = reading_at("120", "2024-07-16", 9, ReadingKind::Final);
    MeterExchanged { successor: successor(), on, reason: reason("larger load"), final_reads: vec![last.reading_id] }.into()
}

fn number(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}
