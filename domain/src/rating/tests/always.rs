//! What holds for every tariff, usage and period.

use proptest::{collection::vec, option, prelude::*, sample::select};
use rust_decimal::Decimal;

use super::*;
use crate::{
    Currency, Overestimate, VatCategory, VatStatuses,
    money::round_half_up,
    tariff::{Bracket, FixedCharge, MidPeriodChange, NormalPeriod, Per, Reduction, Segment, Surcharge, UnitsMultiplier, Vat, When},
};

/// A decimal of so many digits, the last `scale` of them behind the point.
fn digits(number: u64, scale: u32) -> String {
    Decimal::new(i64::try_from(number).unwrap(), scale).to_string()
}

fn figure(max: u64, scale_max: u32) -> impl Strategy<Value = crate::tariff::Figure> {
    (0..=max, 0..=scale_max).prop_map(|(number, scale)| digits(number, scale).parse().unwrap())
}

fn quantity(range: std::ops::Range<u64>) -> impl Strategy<Value = Quantity> {
    // Round numbers often, so that usage meets borders.
    prop_oneof![(range.clone(), 0..=6_u32).prop_map(|(number, scale)| digits(number, scale)), range.prop_map(|number| digits(number, 0))]
        .prop_map(|text| text.parse().unwrap())
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    (vec((quantity(1..500), figure(10_000, 6)), 0..5), figure(10_000, 6)).prop_map(|(steps, price)| {
        let steps = steps.into_iter().map(|(width, price)| Segment { width: Some(width), price });
        steps.chain([Segment { width: None, price }]).collect()
    })
}

/// Any segments, cut where the bracket ends.
fn bracket(up_to: Option<Quantity>, fee: crate::tariff::Figure, segments: Vec<Segment>) -> Bracket {
    let mut reached = Quantity::ZERO;
    let mut kept = Vec::new();
    for segment in segments {
        let end = segment.width.and_then(|width| reached.checked_add(width));
        let last = end.is_none() || up_to.is_some() && end >= up_to;
        kept.push(Segment { width: segment.width.filter(|_| !last), ..segment });
        if last {
            break;
        }
        reached = end.unwrap();
    }
    Bracket { up_to, fee, segments: kept }
}

fn brackets() -> impl Strategy<Value = Vec<Bracket>> {
    (vec((quantity(1..300), figure(2_000, 2), segments()), 0..4), figure(2_000, 2), segments()).prop_map(|(bounded, fee, rest)| {
        let mut below = Quantity::ZERO;
        let bounded = bounded.into_iter().map(|(width, fee, segments)| {
            below = below.checked_add(width).unwrap();
            bracket(Some(below), fee, segments)
        });
        let mut brackets: Vec<Bracket> = bounded.collect();
        brackets.push(bracket(None, fee, rest));
        brackets
    })
}

fn reductions() -> impl Strategy<Value = Vec<Reduction>> {
    vec((0..100_u64, 1..300_u64, figure(500_000, 3)), 0..3).prop_map(|parts| {
        let mut from = 1;
        let reduction = |(index, (gap, length, amount)): (usize, (u64, u64, _))| {
            let first = from + gap;
            from = first + length;
            let (from, to) = (digits(first, 0).parse().unwrap(), digits(first + length - 1, 0).parse().unwrap());
            Reduction { code: format!("support-{}", index % 2).parse().unwrap(), from, to, amount }
        };
        parts.into_iter().enumerate().map(reduction).collect()
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let vat = prop_oneof![
        Just((VatCategory::S, "0.15")),
        Just((VatCategory::S, "0.05")),
        Just((VatCategory::Z, "0")),
        Just((VatCategory::E, "0")),
        Just((VatCategory::O, "0"))
    ]
    .prop_map(|(category, rate)| Vat { category, rate: rate.parse().unwrap(), reason: None });
    let amps = |min: u32, length: u32| Some(When { breaker_amps_min: Some(min), breaker_amps_max: Some(min + length) });
    let fixed = option::of((figure(10_000, 3), 0..100_u32, 0..200_u32)).prop_map(move |charge| {
        let charge = charge.map(|(amount, min, length)| FixedCharge {
            code: "fixed".parse().unwrap(),
            amount,
            per: Per::Period,
            when: amps(min, length),
        });
        Vec::from_iter(charge)
    });
    let surcharge = option::of(figure(200, 1)).prop_map(|percent| {
        Vec::from_iter(percent.map(|percent_of_usage| Surcharge { code: "surcharge".parse().unwrap(), percent_of_usage }))
    });
    let period = (1..=60_u16, 0..10_u16)
        .prop_map(|(normal_days, tolerance)| NormalPeriod { normal_days, tolerance_days: tolerance.min(normal_days - 1) });
    let policy = select(vec![MidPeriodChange::Prorate, MidPeriodChange::RateAtEnd, MidPeriodChange::RateAtStart]);
    let multiplier = select(vec![None, Some(UnitsMultiplier::PerDwelling)]);
    let rest = (option::of(figure(5_000, 2)), option::of(figure(5_000, 2)), multiplier, policy);
    (brackets(), fixed, surcharge, reductions(), vat, period, rest).prop_map(
        |(
            brackets,
            fixed_charges,
            surcharges,
            reductions,
            vat,
            period,
            (minimum_charge, zero_usage_fee, units_multiplier, mid_period_change),
        )| Terms {
            brackets,
            fixed_charges,
            surcharges,
            reductions,
            vat,
            period,
            minimum_charge,
            zero_usage_fee,
            units_multiplier,
            mid_period_change,
            ..Terms::clone(&open_from("made-up", "2020-01-01"))
        },
    )
}

prop_compose! {
    /// Up to three versions, in one currency, a few days apart.
    pub(super) fn series()(terms in vec(terms(), 1..4), starts in vec(1..50_u64, 3), currency in select(vec![Currency::SAR, Currency::KWD])) -> Series {
        let mut from = day("2020-01-01");
        let versions = terms.into_iter().enumerate().map(|(index, terms)| {
            let version = Terms { code: format!("version-{index}").parse().unwrap(), effective_from: from, currency, ..terms };
            from = from + Days::new(starts[index]);
            Tariff::try_from(version).unwrap()
        });
        Series::of(versions.collect::<Vec<_>>()).unwrap()
    }
}

prop_compose! {
    pub(super) fn supply()(
        start in 0..60_u64,
        lengths in vec(1..50_u64, 1..4),
        quantities in vec(quantity(0..2_000), 4),
        dwellings in 1..4_u32,
        breaker_amps in (0..300_u32).prop_map(Some),
        mode in select(vec![RoundingMode::HalfUp, RoundingMode::HalfEven, RoundingMode::Down, RoundingMode::Up]),
        step in option::of(1..100_u32),
    ) -> (BillingPeriod, Vec<UsageSegment>, PremisesFacts, Rounding) {
        let from = day("2020-01-01") + Days::new(start);
        let mut at = from;
        let usage = lengths.iter().zip(quantities).map(|(length, quantity)| {
            let period = BillingPeriod::new(at, at + Days::new(*length)).unwrap();
            at = period.to();
            used_in(period, quantity)
        });
        let usage: Vec<UsageSegment> = usage.collect();
        (BillingPeriod::new(from, at).unwrap(), usage, premises(dwellings, breaker_amps), Rounding { mode, payable_step: step.and_then(NonZeroU32::new) })
    }
}

prop_compose! {
    /// A few statuses about the days of [`supply`], some of them over others.
    fn statuses()(
        rows in vec((select(vec![VatCategory::S, VatCategory::Z, VatCategory::E, VatCategory::O]), 0..90_u64, option::of(1..60_u64), 0..2), 0..4)
    ) -> VatStatuses {
        let row = |(category, start, length, reason): (VatCategory, u64, Option<u64>, i32)| {
            let from = day("2020-01-01") + Days::new(start);
            let reason = Some(format!("reason-{reason}").parse().unwrap());
            crate::VatStatus { category, reason, from, to: length.map(|length| from + Days::new(length)) }
        };
        rows.into_iter().map(row).collect()
    }
}

fn used_in(period: BillingPeriod, quantity: Quantity) -> UsageSegment {
    UsageSegment { period, quantity: quantity.to_decimal(), readings: vec![], basis: UsageBasis::Measured, corrects: vec![] }
}

fn micro(quantities: impl IntoIterator<Item = Quantity>) -> i64 {
    quantities.into_iter().map(Quantity::micro).sum()
}

proptest! {
    #[test]
    fn every_bill_adds_up_and_none_is_negative(series in series(), (period, usage, premises, rounding) in supply(), vat in statuses()) {
        let bill = super::super::rate(&series, &Supply { vat: &vat, ..Supply::new(period, &usage, &premises) }, rounding).unwrap();

        let sum = |amounts: Vec<Money>| Money::sum(bill.currency, amounts).unwrap();
        prop_assert_eq!(sum(bill.lines.iter().map(|line| line.amount).collect()), bill.net);
        prop_assert_eq!(sum(bill.vat_lines.iter().map(|group| group.amount).collect()), bill.vat);
        prop_assert_eq!(sum(bill.vat_lines.iter().map(|group| group.taxable).collect()), bill.net);
        prop_assert_eq!(sum(vec![bill.net, bill.vat, bill.rounding]), bill.total);

        prop_assert!(bill.net.minor >= 0 && bill.vat.minor >= 0 && bill.total.minor >= 0);
        prop_assert!(bill.vat_lines.iter().all(|group| group.taxable.minor >= 0 && group.amount.minor >= 0));
        let reduction = |line: &&Line| matches!(line.charge, Charge::Reduction { .. });
        prop_assert!(bill.lines.iter().filter(|line| !reduction(line)).all(|line| line.amount.minor >= 0));
        prop_assert!(bill.rounding.minor.unsigned_abs() * 2 <= u64::from(rounding.payable_step.map_or(0, NonZeroU32::get)));

        prop_assert_eq!(micro(bill.parts.iter().map(|part| part.usage)), micro(usage.iter().map(|segment| Quantity::new(segment.quantity).unwrap())));
        prop_assert_eq!(bill.parts.iter().map(Part::days).sum::<i64>(), period.days());
        for (index, part) in bill.parts.iter().enumerate() {
            let slabs = bill.lines.iter().filter(|line| line.part == index && matches!(line.charge, Charge::Usage(_)));
            prop_assert_eq!(micro(slabs.map(|line| line.quantity)), part.usage.micro());
            // Every day is taxed as the customer's status on it says.
            for day in (0..part.days()).map(|days| part.period.from() + chrono::TimeDelta::days(days)) {
                match vat.on(day).filter(|status| status.category != VatCategory::S) {
                    Some(status) => prop_assert_eq!((part.vat.category, &part.vat.reason), (status.category, &status.reason)),
                    None => prop_assert_eq!(&part.vat, &series.on(day).unwrap().tariff.vat),
                }
            }
        }
    }

    #[test]
    fn what_was_billed_too_much_is_given_back_to_the_last_millionth(
        series in series(),
        (period, usage, premises, rounding) in supply(),
        before in quantity(0..2_000),
        too_much in vec(option::of(quantity(0..2_000)), 4),
    ) {
        let earlier = BillingPeriod::new(period.from() - Days::new(30), period.from()).unwrap();
        let usage: Vec<UsageSegment> = usage.into_iter().zip(&too_much).map(|(segment, too_much)| match too_much {
            Some(too_much) => UsageSegment { quantity: -too_much.to_decimal(), basis: UsageBasis::TrueUp, corrects: vec![earlier], ..segment },
            None => segment,
        }).collect();
        let negative = |segment: &&UsageSegment| segment.quantity < Decimal::ZERO;
        let of = |quantity: Decimal| Quantity::new(quantity.abs()).unwrap().micro();
        let used: i64 = usage.iter().filter(|segment| !negative(segment)).map(|segment| of(segment.quantity)).sum();
        let owed = before.micro() + usage.iter().filter(negative).map(|segment| of(segment.quantity)).sum::<i64>();

        let brought = Overestimate { quantity: before, periods: vec![earlier] };
        let supply = Supply { brought: Some(&brought), ..Supply::new(period, &usage, &premises) };
        match super::super::rate(&series, &supply, rounding) {
            Ok(bill) => {
                let carried = bill.carried.as_ref().map_or(0, |carried| carried.quantity.micro());
                prop_assert_eq!(micro(bill.parts.iter().map(|part| part.usage)) + bill.given_back.micro(), used);
                prop_assert_eq!(bill.given_back.micro() + carried, owed);
                // Nothing is carried while there is usage to give it back in.
                prop_assert!(carried == 0 || bill.parts.iter().all(|part| part.usage.is_zero()));
                prop_assert!(bill.net.minor >= 0 && bill.total.minor >= 0);
            }
            Err(refused) => {
                prop_assert!(owed > 0 && series.versions().iter().any(|version| !version.tariff.is_marginal()));
                prop_assert_eq!(refused, RatingError::RebillFirst { periods: vec![earlier] });
            }
        }
    }

    #[test]
    fn bills_and_tariffs_survive_the_disk(series in series(), (period, usage, premises, rounding) in supply()) {
        let bill = rate(&series, period, &usage, &premises, rounding).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Bill>(&crate::write(&bill)).unwrap(), &bill);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&bill.to_json()).is_ok());
        for version in series.versions() {
            prop_assert_eq!(&serde_json::from_slice::<Tariff>(&crate::write(&version.tariff)).unwrap(), &version.tariff);
        }
    }

    #[test]
    fn using_more_of_a_marginal_tariff_never_costs_less(segments in segments(), less in quantity(0..2_000), more in quantity(0..2_000), length in 1..90_u64) {
        let one_bracket = changed(open_from("made-up", "2020-01-01"), |terms| {
            terms.brackets = vec![bracket(None, "0".parse().unwrap(), segments)];
        });
        let series = Series::of([one_bracket]).unwrap();
        let period = BillingPeriod::new(day("2020-01-01"), day("2020-01-01") + Days::new(length)).unwrap();
        let net = |quantity| {
            let usage = [used_in(period, quantity)];
            rate(&series, period, &usage, &a_home(), Rounding { mode: RoundingMode::Down, payable_step: None }).unwrap()
        };
        let (less, more) = (less.min(more), less.max(more));
        let slab = |bill: &Bill, index: usize| bill.lines.get(index).map_or(0, |line| line.amount.minor);
        let (cheaper, dearer) = (net(less), net(more));
        prop_assert!(cheaper.net.minor <= dearer.net.minor);
        prop_assert!((0..dearer.lines.len()).all(|index| slab(&cheaper, index) <= slab(&dearer, index)));
    }

    #[test]
    fn whole_numbers_bill_what_decimals_and_fractions_do(segments in segments(), used in quantity(0..3_000), length in 1..100_u64, dwellings in 1..4_u32) {
        let tariff = changed(open_from("made-up", "2020-01-01"), |terms| {
            terms.brackets = vec![bracket(None, "0".parse().unwrap(), segments.clone())];
            terms.units_multiplier = Some(UnitsMultiplier::PerDwelling);
        });
        let period = BillingPeriod::new(day("2020-01-01"), day("2020-01-01") + Days::new(length)).unwrap();
        let usage = [used_in(period, used)];
        let bill = rate(&Series::of([tariff]).unwrap(), period, &usage, &premises(dwellings, None), Rounding::default()).unwrap();
        let amounts: Vec<i64> = bill.lines.iter().map(|line| line.amount.minor).collect();

        let normal = if (27..=33).contains(&length) { length } else { 30 };
        prop_assert_eq!(&amounts, &by_fractions(&segments, used, (i128::from(length) * i128::from(dwellings), i128::from(normal))));
        // Where the factor is a whole number, decimals are exact too.
        if length % normal == 0 {
            prop_assert_eq!(&amounts, &by_decimals(&segments, used, Decimal::from(length / normal * u64::from(dwellings))));
        }
    }
}

/// Σ min(max(q − lo, 0), hi − lo) × p as it is written in the rules, over decimals.
fn by_decimals(segments: &[Segment], used: Quantity, factor: Decimal) -> Vec<i64> {
    let used = used.to_decimal();
    let mut lower = Decimal::ZERO;
    let mut amounts = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let taken = (used - lower).max(Decimal::ZERO);
        let taken = segment.width.map_or(taken, |width| taken.min(width.to_decimal() * factor));
        if index == 0 || taken > Decimal::ZERO {
            let amount = round_half_up(taken * segment.price.get(), 2);
            amounts.push(
                i64::try_from((amount * Decimal::ONE_HUNDRED).mantissa() / 10_i128.pow((amount * Decimal::ONE_HUNDRED).scale())).unwrap(),
            );
        }
        lower += segment.width.map_or(Decimal::ZERO, |width| width.to_decimal() * factor);
    }
    amounts
}

/// The same over fractions with the common denominator 10^12 × the factor's.
fn by_fractions(segments: &[Segment], used: Quantity, (numerator, denominator): (i128, i128)) -> Vec<i64> {
    let used = i128::from(used.micro()) * denominator;
    let mut lower = 0;
    let mut amounts = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let width = segment.width.map(|width| i128::from(width.micro()) * numerator);
        let taken = (used - lower).max(0).min(width.unwrap_or(i128::MAX));
        if index == 0 || taken > 0 {
            let mut price = segment.price.get();
            price.rescale(6);
            let (halala, unit) = (taken * price.mantissa() * 100, denominator * 1_000_000_000_000);
            amounts.push(i64::try_from((2 * halala + unit) / (2 * unit)).unwrap());
        }
        lower += width.unwrap_or(0);
    }
    amounts
}
