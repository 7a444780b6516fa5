//! Explained bills a second on one core, for a five-slab tariff. Target: a million, lines and reasons included.

use std::{hint::black_box, num::NonZeroU32};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use daftar_domain::{
    BillingPeriod, UsageBasis, UsageSegment,
    ids::ReadingId,
    premises::PremisesFacts,
    rating::{Rounding, Supply, rate},
    tariff::{Series, Tariff},
};
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

const WATER: &str = include_str!("../../fixtures/tariffs/ksa-water-2016.json");
const KSA_2018: &str = include_str!("../../fixtures/tariffs/ksa-sec-residential-2018.json");
const KSA_2020: &str = include_str!("../../fixtures/tariffs/ksa-sec-residential-2020-07.json");

fn period(from: &str, to: &str) -> BillingPeriod {
    BillingPeriod::new(from.parse().expect("a date"), to.parse().expect("a date")).expect("a period")
}

fn series(texts: &[&str]) -> Series {
    Series::of(texts.iter().map(|text| text.parse::<Tariff>().expect("a tariff"))).expect("a series")
}

/// A thousand quantities that between them end in each slab.
fn usage(period: BillingPeriod, step: &str) -> Vec<[UsageSegment; 1]> {
    let step: Decimal = step.parse().expect("a number");
    let readings = vec![ReadingId::new(Uuid::from_u128(1)), ReadingId::new(Uuid::from_u128(2))];
    let segment = |number: u64| {
        [UsageSegment {
            period,
            quantity: step * Decimal::from(number),
            readings: readings.clone(),
            basis: UsageBasis::Measured,
            corrects: vec![],
        }]
    };
    (0..1000).map(segment).collect()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("explained bills");
    group.throughput(Throughput::Elements(1000));
    let month = period("2024-06-01", "2024-07-01");
    let area = "RUH-07".parse().expect("a code");
    let (premises, rounding) =
        (PremisesFacts { dwellings: NonZeroU32::MIN, breaker_amps: Some(60), load_kva: None, area }, Rounding::default());

    for (name, texts, period, step) in [
        ("five slabs, a month", &[WATER][..], month, "0.077"),
        ("five slabs, 61 days", &[WATER][..], period("2024-06-01", "2024-08-01"), "0.154"),
        ("two slabs, across a VAT change", &[KSA_2018, KSA_2020][..], period("2020-06-16", "2020-07-16"), "9.5"),
    ] {
        let (series, usages) = (series(texts), usage(period, step));
        let rate = |usage: &[UsageSegment; 1]| rate(&series, &Supply::new(period, usage, &premises), rounding).expect("a bill");
        group.bench_function(name, |bencher| {
            bencher.iter(|| usages.iter().for_each(|usage| drop(black_box(rate(black_box(usage))))));
        });
    }

    let (series, usages) = (series(&[WATER]), usage(month, "0.077"));
    group.bench_function("five slabs, a month, as the JSON that is stored", |bencher| {
        bencher.iter(|| {
            for usage in &usages {
                let bill = rate(&series, &Supply::new(month, usage, &premises), rounding).expect("a bill");
                black_box(daftar_domain::write(&bill));
            }
        });
    });
    group.bench_function("baseline: the same amounts in decimals, no lines, no reasons", |bencher| {
        let quantities: Vec<Decimal> = usages.iter().map(|[segment]| segment.quantity).collect();
        let slabs: Vec<(Option<Decimal>, Decimal)> = series.versions()[0].tariff.brackets[0]
            .segments
            .iter()
            .map(|segment| (segment.width.map(|width| width.to_decimal()), segment.price.get()))
            .collect();
        bencher.iter(|| {
            for quantity in &quantities {
                black_box(in_decimals(&slabs, *quantity));
            }
        });
    });
    group.finish();
}

fn in_decimals(slabs: &[(Option<Decimal>, Decimal)], quantity: Decimal) -> Decimal {
    let (mut left, mut sum) = (quantity, Decimal::ZERO);
    for (width, price) in slabs {
        let taken = width.map_or(left, |width| width.min(left));
        sum += (taken * price).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        left -= taken;
        if left.is_zero() {
            break;
        }
    }
    sum
}

criterion_group!(benches, bench);
criterion_main!(benches);
