//! Every slab model, at its borders and beyond.

use super::*;

#[test]
fn marginal_slabs_price_each_unit_by_the_slab_it_falls_in() {
    check(
        &[tariff(KSA_2020)],
        "
        usage               | net
        0                   | 0.00
        0.001               | 0.00
        0.027               | 0.00
        0.028               | 0.01
        1                   | 0.18
        5999.999            | 1080.00
        6000                | 1080.00
        6000.001            | 1080.00
        6000.5              | 1080.15
        10000               | 2280.00
        999999999999.999999 | 299999999280.00
        ",
    );
}

#[test]
fn the_largest_quantity_there_is_is_rated_exactly_or_refused() {
    for (tariff, net) in [
        (tariff(EGYPT), "1450000000040.00"),
        (tariff(JORDAN), "199999999925.000"),
        // Its charge is no quantity that a percentage could be of.
        (tariff(WATER), "the amounts are too large to bill"),
        (bracketed("100: rest@1; rest: rest@0.5"), "500000000000.00"),
    ] {
        check(&[tariff], &format!("usage | net\n 999999999999.999999 | {net}"));
    }
    check(&[tariff(WATER)], "usage | net\n 100000000000 | 899999999642.25");
}

#[test]
fn the_second_slab_begins_just_above_the_border_and_not_on_it() {
    check(
        &[tariff(KSA_2020)],
        "
        usage       | lines
        0           | 30d×1 usage 0@0.18=0.00
        6000        | 30d×1 usage 6000@0.18=1080.00
        6000.000001 | 30d×1 usage 6000@0.18=1080.00, 30d×1 usage 0.000001@0.3=0.00
        6000.001    | 30d×1 usage 6000@0.18=1080.00, 30d×1 usage 0.001@0.3=0.00
        6000.5      | 30d×1 usage 6000@0.18=1080.00, 30d×1 usage 0.5@0.3=0.15
        ",
    );
}

#[test]
fn whole_quantity_tariffs_jump_at_the_border() {
    check(
        &[bracketed("100: rest@1; 200.5: rest@2; rest: rest@0.5")],
        "
        usage    | net
        0        | 0.00
        100      | 100.00
        100.001  | 200.00
        100.0025 | 200.01
        200.5    | 401.00
        200.501  | 100.25
        1000000  | 500000.00
        ",
    );
}

#[test]
fn egypt_resets_its_blocks_and_has_a_fee_for_each_bracket() {
    check(
        &[tariff(EGYPT)],
        "
        usage    | net
        0        | 1.00
        1        | 1.38
        50       | 20.00
        50.001   | 21.00
        100      | 45.00
        100.001  | 71.00
        200      | 136.00
        200.001  | 141.00
        350      | 285.00
        350.001  | 289.00
        650      | 643.00
        650.001  | 792.00
        1000     | 1205.00
        1000.001 | 1490.00
        5000     | 7290.00
        ",
    );
    check(
        &[tariff(EGYPT)],
        "
        usage | lines
        75    | 30d×1 usage 50@0.38=19.00, 30d×1 usage 25@0.48=12.00, 30d×1 bracket-fee 1@2=2.00
        ",
    );
}

#[test]
fn jordan_takes_its_support_off() {
    check(
        &[tariff(JORDAN)],
        "
        usage   | net
        0       | 0.000
        50      | 2.500
        50.001  | 0.000
        51      | 0.050
        200     | 7.500
        200.001 | 8.000
        200.5   | 8.025
        201     | 8.050
        300     | 13.000
        300.001 | 13.000
        600     | 43.000
        600.001 | 45.000
        601     | 45.200
        1000    | 125.000
        ",
    );
}

#[test]
fn saudi_water_adds_half_for_the_sewer() {
    check(
        &[tariff(WATER)],
        "
        usage  | net
        0      | 0.00
        0.1    | 0.02
        15     | 2.25
        15.001 | 2.25
        15.01  | 2.27
        30     | 24.75
        45     | 92.25
        60     | 182.25
        61     | 191.25
        ",
    );
}

#[test]
fn widths_and_limits_grow_with_the_period_outside_the_tolerance() {
    check(
        &[tariff(KSA_2020)],
        "
        days | usage     | net
        27   | 6000      | 1080.00
        26   | 5200      | 936.00
        26   | 6000      | 1176.00
        33   | 6001      | 1080.30
        34   | 6800      | 1224.00
        34   | 6800.1    | 1224.03
        34   | 7000      | 1284.00
        60   | 12000     | 2160.00
        60   | 12000.001 | 2160.00
        60   | 14000     | 2760.00
        1    | 200       | 36.00
        1    | 201       | 36.30
        365  | 73000     | 13140.00
        365  | 73001     | 13140.30
        ",
    );
    check(
        &[tariff(EGYPT)],
        "
        days | usage   | net
        60   | 0       | 2.00
        60   | 100     | 40.00
        60   | 100.001 | 42.00
        60   | 200     | 90.00
        60   | 200.001 | 142.00
        ",
    );
    check(
        &[tariff(JORDAN)],
        "
        days | usage   | net
        60   | 100     | 5.000
        60   | 100.02  | 0.001
        60   | 400     | 15.000
        60   | 400.001 | 16.000
        60   | 1200    | 86.000
        60   | 1200.01 | 90.002
        ",
    );
}

#[test]
fn a_border_between_millionths_is_still_exact() {
    // 10 × 7/30 = 2.333…: the quantities are printed to six decimals, the amounts come of the fractions.
    check(
        &[bracketed("rest: 10@300 rest@0")],
        "
        days | usage    | lines
        7    | 2.333333 | 7d×7/30 usage 2.333333@300=700.00
        7    | 2.333334 | 7d×7/30 usage 2.333333@300=700.00, 7d×7/30 usage 0.000001@0=0.00
        7    | 3        | 7d×7/30 usage 2.333333@300=700.00, 7d×7/30 usage 0.666667@0=0.00
        ",
    );
}

#[test]
fn dwellings_widen_slabs_and_brackets_where_the_tariff_says_so_and_nothing_else() {
    let per_dwelling = |terms: &mut Terms| terms.units_multiplier = Some(crate::tariff::UnitsMultiplier::PerDwelling);
    check(
        &[changed(tariff(WATER), per_dwelling)],
        "
        dwellings | days | usage  | net
        1         | 30   | 30     | 24.75
        2         | 30   | 30     | 4.50
        2         | 30   | 31     | 6.00
        4         | 60   | 120    | 18.00
        4         | 60   | 121    | 19.50
        ",
    );
    check(
        &[tariff(WATER)],
        "
        dwellings | usage | net
        2         | 30    | 24.75
        ",
    );
    // Egypt's fee and limits: two dwellings may use 100 at the price and fee of 50.
    check(
        &[changed(tariff(EGYPT), per_dwelling)],
        "
        dwellings | usage   | net
        2         | 100     | 39.00
        2         | 100.001 | 40.00
        ",
    );
    // Jordan's support is for a meter, not for a dwelling: 400 units are not yet 201 to two dwellings' 200.
    check(
        &[changed(tariff(JORDAN), per_dwelling)],
        "
        dwellings | usage   | net
        2         | 200     | 7.500
        2         | 200.001 | 8.000
        2         | 600     | 28.000
        2         | 600.001 | 30.000
        ",
    );
}

#[test]
fn what_cannot_be_paid_is_refused() {
    check(
        &[bracketed("rest: rest@999999999")],
        "
        usage               | net
        92233720            | 92233719907766280.00
        92233721            | the amounts are too large to bill
        999999999999.999999 | the amounts are too large to bill
        ",
    );
    check(
        &[bracketed("rest: rest@999999999.999999999999")],
        "
        usage               | days | net
        1                   | 31   | 1000000000.00
        1                   | 47   | 1000000000.00
        999999999999.999999 | 47   | the amounts are too large to bill
        ",
    );
}
