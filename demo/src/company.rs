//! The company itself: Daftar Water & Power of Riyadh, on what terms it bills, by which tariffs, and when it reads.

use chrono::{Datelike, NaiveDate};
use daftar_billing::Terms;
use daftar_domain::{
    ids::ReadCycleId,
    read_cycle::{self, DefineReadCycle, Interval, ReadCycle},
    tariff::{self, PublishTariff, Tariff, TariffSeries},
};

use crate::{
    DemoError,
    life::READING_DAYS,
    people::text,
    world::{Staff, World},
};

/// In the order in which they are published: the versions of a series from the oldest.
const TARIFFS: &[&str] = &[
    include_str!("../../fixtures/tariffs/ksa-sec-residential-2018.json"),
    include_str!("../../fixtures/tariffs/ksa-sec-residential-2020-07.json"),
    include_str!("../../fixtures/tariffs/ksa-water-2016.json"),
    include_str!("../../fixtures/tariffs/made-up/daftar-shops-2021.json"),
    include_str!("../../fixtures/tariffs/made-up/daftar-industry-2021.json"),
    include_str!("../../fixtures/tariffs/made-up/daftar-offices-2021.json"),
    include_str!("../../fixtures/tariffs/made-up/daftar-farms-2021.json"),
    include_str!("../../fixtures/tariffs/made-up/daftar-water-2021.json"),
    include_str!("../../fixtures/tariffs/made-up/daftar-shops-2026-04.json"),
];

pub fn terms() -> Terms {
    include_str!("../../fixtures/demo/terms.json").parse().expect("terms of ours")
}

pub async fn found(world: &World, cycles: [ReadCycleId; 3], first: NaiveDate) -> Result<(), DemoError> {
    for tariff in TARIFFS {
        let tariff: Tariff = tariff.parse().expect("a tariff of ours");
        let (series, code) = (TariffSeries::stream(tariff.series()).id(), tariff.code.clone());
        let wish = tariff::Command::PublishTariff(PublishTariff { tariff });
        world.ask::<TariffSeries>(Staff::Billing, series, &format!("publish {code}"), wish).await?;
    }
    for (read_cycle_id, day_of_month) in cycles.into_iter().zip(READING_DAYS) {
        let code = text(&format!("RUH-{day_of_month}"));
        let wish = DefineReadCycle {
            read_cycle_id,
            code,
            every: Interval::Monthly,
            first_month: first.with_day(1).unwrap_or(first),
            day_of_month,
        };
        let key = format!("cycle {day_of_month}");
        world.ask::<ReadCycle>(Staff::Billing, read_cycle_id, &key, read_cycle::Command::DefineReadCycle(wish)).await?;
    }
    Ok(())
}

/// A day of the date's month; the last of a shorter month.
pub fn day_of_month(date: NaiveDate, day: u32) -> NaiveDate {
    let first = date.with_day(1).unwrap_or(date);
    first.with_day(day).or_else(|| crate::people::month(first, 1).pred_opt()).unwrap_or(first)
}
