//! Rating as grids: a row for each bill, what came of it in the last column.

mod always;
mod charges;
mod customers;
mod explained;
mod overestimates;
mod periods;
mod slabs;
mod subsidies;

use std::{collections::BTreeMap, num::NonZeroU32};

use chrono::{Days, NaiveDate};

use super::*;
use crate::{
    UsageBasis,
    ids::ReadingId,
    tariff::{
        Quantity, Tariff, Terms,
        example::{changed, open_from},
    },
};

const EGYPT: &str = include_str!("../../../../fixtures/tariffs/egypt-residential-2020-21.json");
const JORDAN: &str = include_str!("../../../../fixtures/tariffs/jordan-2022-subsidised.json");
const KSA_2018: &str = include_str!("../../../../fixtures/tariffs/ksa-sec-residential-2018.json");
const KSA_2020: &str = include_str!("../../../../fixtures/tariffs/ksa-sec-residential-2020-07.json");
const WATER: &str = include_str!("../../../../fixtures/tariffs/ksa-water-2016.json");

fn tariff(text: &str) -> Tariff {
    text.parse().unwrap()
}

/// A made-up tariff with these brackets, in the short form `up to: width@price width@price; …`.
fn bracketed(brackets: &str) -> Tariff {
    changed(open_from("made-up", "2020-01-01"), |terms| terms.brackets = brackets.split(';').map(bracket).collect())
}

fn bracket(text: &str) -> crate::tariff::Bracket {
    let (up_to, segments) = text.split_once(':').unwrap();
    let rest = |text: &str| (text.trim() != "rest").then(|| text.trim().parse().unwrap());
    let segments = segments.split_whitespace().map(|segment| {
        let (width, price) = segment.split_once('@').unwrap();
        crate::tariff::Segment { width: rest(width), price: price.parse().unwrap() }
    });
    crate::tariff::Bracket { up_to: rest(up_to), fee: "0".parse().unwrap(), segments: segments.collect() }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(from: &str, to: &str) -> BillingPeriod {
    BillingPeriod::new(day(from), day(to)).unwrap()
}

fn segment(from: &str, to: &str, quantity: &str, readings: &[u128]) -> UsageSegment {
    let readings = readings.iter().map(|number| ReadingId::new(uuid::Uuid::from_u128(*number))).collect();
    UsageSegment { period: days(from, to), quantity: quantity.parse().unwrap(), readings, basis: UsageBasis::Measured, corrects: vec![] }
}

fn premises(dwellings: u32, breaker_amps: Option<u32>) -> PremisesFacts {
    PremisesFacts { dwellings: NonZeroU32::new(dwellings).unwrap(), breaker_amps, load_kva: None, area: "RUH-07".parse().unwrap() }
}

/// One dwelling, of which nothing is known.
fn a_home() -> PremisesFacts {
    premises(1, None)
}

/// The bill of a customer like any other.
fn rate(
    series: &Series,
    period: BillingPeriod,
    usage: &[UsageSegment],
    premises: &PremisesFacts,
    rounding: Rounding,
) -> Result<Bill, RatingError> {
    super::rate(series, &Supply::new(period, usage, premises), rounding)
}

/// Columns are named: `usage`, `days` from 2022-05-01 or `from` and `to`, `dwellings`, `amps`; the last says what to look at: `net`, `vat`,
/// `total`, or `lines`.
#[track_caller]
fn check(tariffs: &[Tariff], grid: &str) {
    let series = Series::of(tariffs.iter().cloned()).unwrap();
    let mut rows = grid.lines().map(str::trim).filter(|row| !row.is_empty()).map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let names = rows.next().expect("a header");
    let wanted = *names.last().expect("a last column");
    for row in rows {
        assert_eq!(row.len(), names.len(), "a cell for each column: {row:?}");
        let cells: BTreeMap<&str, &str> = names.iter().copied().zip(row.iter().copied()).collect();
        let from = day(cells.get("from").unwrap_or(&"2022-05-01"));
        let to = cells.get("to").map_or_else(|| from + Days::new(cells.get("days").map_or(30, |days| days.parse().unwrap())), |to| day(to));
        let period = BillingPeriod::new(from, to).unwrap();
        let usage = [UsageSegment {
            period,
            quantity: cells["usage"].parse().unwrap(),
            readings: vec![],
            basis: UsageBasis::Measured,
            corrects: vec![],
        }];
        let dwellings = cells.get("dwellings").map_or(1, |dwellings| dwellings.parse().unwrap());
        let premises = premises(dwellings, cells.get("amps").and_then(|amps| amps.parse().ok()));
        let bill = rate(&series, period, &usage, &premises, Rounding::default());
        let answer = bill.map_or_else(|error| error.to_string(), |bill| shown(&bill, wanted));
        assert_eq!(answer, row[row.len() - 1], "{row:?}");
    }
}

fn shown(bill: &Bill, wanted: &str) -> String {
    match wanted {
        "net" => bill.net.to_decimal().to_string(),
        "vat" => bill.vat_lines.iter().map(|group| group.amount.to_decimal().to_string()).collect::<Vec<_>>().join(" + "),
        "total" => bill.total.to_decimal().to_string(),
        "lines" => {
            let line = |line: &Line| {
                let days = bill.part(line).days();
                let factor = bill.part(line).factor;
                format!("{days}d×{factor} {} {}@{}={}", line.charge.code(), line.quantity, line.price.normalize(), line.amount.to_decimal())
            };
            bill.lines.iter().map(line).collect::<Vec<_>>().join(", ")
        }
        _ => panic!("no such column: {wanted}"),
    }
}
