//! What stands on a bill besides usage, and the VAT on it all.

use super::*;
use crate::{
    VatCategory,
    tariff::{Reduction, Vat, example::everything},
};

#[test]
fn a_bill_may_have_every_kind_of_line() {
    check(
        &[everything()],
        "
        amps | usage | lines
        60   | 0     | 30d×1 usage 0@0.1=0.00, 30d×1 minimum-charge 1@10=10.00, 30d×1 zero-usage-fee 1@9=9.00, 30d×1 meter-fee 1@15=15.00, 30d×1 network-fee 1@5=5.00
        60   | 50    | 30d×1 usage 40@0.1=4.00, 30d×1 usage 10@0.125=1.25, 30d×1 minimum-charge 1@10=4.75, 30d×1 bracket-fee 1@1=1.00, 30d×1 meter-fee 1@15=15.00, 30d×1 network-fee 1@5=5.00, 30d×1 sewer 5.25@0.5=2.63
        60   | 200   | 30d×1 usage 200@0.18=36.00, 30d×1 bracket-fee 1@2.5=2.50, 30d×1 meter-fee 1@15=15.00, 30d×1 network-fee 1@5=5.00, 30d×1 sewer 36@0.5=18.00, 30d×1 support 1@-2.5=-2.50
        101  | 7000  | 30d×1 usage 6000@0.18=1080.00, 30d×1 usage 1000@0.3=300.00, 30d×1 meter-fee 1@21=21.00, 30d×1 network-fee 1@5=5.00, 30d×1 sewer 1380@0.5=690.00
        ",
    );
}

#[test]
fn a_charge_for_certain_breakers_is_for_those_only() {
    check(
        &[everything()],
        "
        amps    | usage | net
        0       | 1000  | 292.50
        100     | 1000  | 292.50
        101     | 1000  | 298.50
        400     | 1000  | 298.50
        unknown | 1000  | fixed charge `meter-fee` depends on the breaker, whose amps are not given
        ",
    );
    let for_all = changed(everything(), |terms| terms.fixed_charges.retain(|charge| charge.when.is_none()));
    check(
        &[for_all],
        "
        amps    | usage | net
        unknown | 1000  | 277.50
        ",
    );
}

#[test]
fn dwellings_multiply_no_fee_and_the_period_multiplies_them_all() {
    check(
        &[everything()],
        "
        amps | dwellings | days | usage | lines
        60   | 3         | 30   | 0     | 30d×1 usage 0@0.1=0.00, 30d×1 minimum-charge 1@10=10.00, 30d×1 zero-usage-fee 1@9=9.00, 30d×1 meter-fee 1@15=15.00, 30d×1 network-fee 1@5=5.00
        60   | 3         | 60   | 600   | 60d×2 usage 240@0.1=24.00, 60d×2 usage 360@0.125=45.00, 60d×2 bracket-fee 1@1=2.00, 60d×2 meter-fee 1@15=30.00, 60d×2 network-fee 1@5=10.00, 60d×2 sewer 69@0.5=34.50, 60d×2 support 1@-2=-4.00
        60   | 1         | 45   | 0     | 45d×3/2 usage 0@0.1=0.00, 45d×3/2 minimum-charge 1@10=15.00, 45d×3/2 zero-usage-fee 1@9=13.50, 45d×3/2 meter-fee 1@15=22.50, 45d×3/2 network-fee 1@5=7.50
        ",
    );
}

#[test]
fn the_minimum_is_topped_up_to_and_never_beyond() {
    let minimum = changed(bracketed("rest: rest@0.10"), |terms| terms.minimum_charge = Some("10".parse().unwrap()));
    check(
        &[minimum],
        "
        days | usage   | lines
        30   | 0       | 30d×1 usage 0@0.1=0.00, 30d×1 minimum-charge 1@10=10.00
        30   | 99.9    | 30d×1 usage 99.9@0.1=9.99, 30d×1 minimum-charge 1@10=0.01
        30   | 100     | 30d×1 usage 100@0.1=10.00
        30   | 100.1   | 30d×1 usage 100.1@0.1=10.01
        60   | 100     | 60d×2 usage 100@0.1=10.00, 60d×2 minimum-charge 1@10=10.00
        ",
    );
}

#[test]
fn a_fee_for_nothing_is_for_nothing_at_all() {
    let zero_fee = changed(tariff(EGYPT), |terms| terms.zero_usage_fee = Some("9".parse().unwrap()));
    check(
        &[zero_fee],
        "
        usage    | net
        0        | 9.00
        0.000001 | 1.00
        ",
    );
    // Not for a part of the period in which nothing was used, either: half the fee of nothing, half the bracket's would be 5.00.
    let half = |code: &str, from: &str| {
        changed(open_from(code, from), |terms| {
            terms.zero_usage_fee = Some("9".parse().unwrap());
            terms.brackets[0].fee = "1".parse().unwrap();
        })
    };
    check(
        &[half("before", "2022-01-01"), half("after", "2022-05-16")],
        "
        usage    | net
        0        | 9.00
        0.000001 | 1.00
        ",
    );
}

#[test]
fn a_reduction_never_exceeds_the_charge() {
    let reduction = |from: &str, to: &str| Reduction {
        code: "support".parse().unwrap(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        amount: "2.5".parse().unwrap(),
    };
    let tariff = changed(bracketed("rest: rest@0.10"), |terms| {
        terms.reductions = vec![reduction("0", "100"), reduction("101", "101")];
        terms.brackets[0].fee = "1".parse().unwrap();
    });
    check(
        &[tariff],
        "
        usage   | net
        0       | 1.00
        10      | 1.00
        25      | 1.00
        25.1    | 1.01
        100     | 8.50
        100.001 | 8.50
        101     | 8.60
        101.001 | 11.10
        ",
    );
}

#[test]
fn vat_is_rounded_once_for_its_category() {
    let standard =
        |tariff| changed(tariff, |terms| terms.vat = Vat { category: VatCategory::S, rate: "0.15".parse().unwrap(), reason: None });
    // Three lines of 10.10 owe 4.545, which is 4.55; three VATs of 1.515 would be 4.56.
    check(
        &[standard(bracketed("rest: 10@1.01 10@1.01 rest@1.01"))],
        "
        usage | vat
        30    | 4.55
        ",
    );
    check(
        &[standard(bracketed("rest: rest@1"))],
        "
        usage   | vat
        1091.50 | 163.73
        869.57  | 130.44
        0       | 0.00
        ",
    );
    check(
        &[standard(bracketed("rest: rest@55"))],
        "
        usage | net
        0.067 | 3.69
        ",
    );
}

#[test]
fn a_total_in_whole_coins_says_what_was_rounded() {
    let series = Series::of([tariff(KSA_2020)]).unwrap();
    let period = days("2022-01-01", "2022-01-31");
    let rounding = Rounding { payable_step: NonZeroU32::new(5), ..Rounding::default() };
    for (usage, net, vat, rounding_minor, total) in [("100", 1800, 270, 0, 2070), ("1", 18, 3, -1, 20), ("11", 198, 30, 2, 230)] {
        let bill = rate(&series, period, &[segment("2022-01-01", "2022-01-31", usage, &[])], &a_home(), rounding).unwrap();
        assert_eq!((bill.net.minor, bill.vat.minor, bill.rounding.minor, bill.total.minor), (net, vat, rounding_minor, total), "{usage}");
    }
}
