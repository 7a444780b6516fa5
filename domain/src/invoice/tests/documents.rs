//! What a document comes to, and which there cannot be.

use std::num::NonZeroU32;

use super::*;
use crate::{
    BillingPeriod, Currency, Money, Sealed, SealedFor, Service, UsageBasis, UsageSegment, VatCategory,
    premises::PremisesFacts,
    rating::{Supply, rate},
    tariff::{Series, Tariff, example::everything},
};

fn fee(minor: i64) -> DocumentLine {
    line(Revenue::Parts, minor)
}

fn taxed(minor: i64, category: VatCategory, rate: &str, reason: Option<&str>) -> DocumentLine {
    let vat = VatTreatment { category, rate: rate.parse().unwrap(), reason: reason.map(code) };
    DocumentLine { vat, ..fee(minor) }
}

#[test]
fn vat_is_rounded_once_for_each_treatment() {
    for (lines, vat, total) in [
        (vec![fee(1_010), fee(1_010), fee(1_010)], vec![455], 3_485),
        (vec![fee(109_150)], vec![16_373], 125_523),
        (vec![fee(100), taxed(100, VatCategory::Z, "0", Some("VATEX-SA-32")), fee(3)], vec![15, 0], 218),
        (vec![fee(100), taxed(100, VatCategory::S, "0.05", None)], vec![15, 5], 220),
        (vec![fee(100), fee(-30)], vec![11], 81),
        (vec![fee(0)], vec![0], 0),
    ] {
        let document = repair(lines, Rounding::default()).unwrap().document;
        assert_eq!(document.vat_totals.iter().map(|total| total.amount.minor).collect::<Vec<_>>(), vat);
        assert_eq!(document.total, sar(total));
    }
}

#[test]
fn a_total_is_paid_in_coins_that_exist() {
    let rounding = Rounding { payable_step: NonZeroU32::new(25), ..Rounding::default() };
    let document = repair(vec![fee(87_157)], rounding).unwrap().document;
    assert_eq!((document.net, document.vat, document.rounding, document.total), (sar(87_157), sar(13_074), sar(-6), sar(100_225)));
}

#[test]
fn documents_that_cannot_be() {
    let in_pounds = DocumentLine { net: Money::new(1, Currency::EGP), ..fee(1) };
    for (lines, error) in [
        (vec![], DocumentError::NoLines),
        (vec![fee(1), in_pounds], DocumentError::OtherCurrency { expected: Currency::SAR, found: Currency::EGP }),
        (vec![taxed(1, VatCategory::E, "0", None)], DocumentError::VatReasonMissing(VatCategory::E)),
        (vec![taxed(1, VatCategory::O, "0.15", Some("x"))], DocumentError::RateWithoutTax(VatCategory::O)),
        (vec![fee(10), taxed(-1, VatCategory::Z, "0", Some("x"))], DocumentError::BelowZero(VatCategory::Z)),
        (vec![fee(i64::MAX), fee(1)], DocumentError::TooLarge),
        (vec![fee(i64::MAX)], DocumentError::TooLarge),
        // No account could be charged with it, and by then it would have a number.
        (vec![taxed(Money::LARGEST + 1, VatCategory::Z, "0", Some("x"))], DocumentError::TooLarge),
    ] {
        assert_eq!(repair(lines, Rounding::default()).unwrap_err(), error);
    }
    assert!(repair(vec![taxed(Money::LARGEST, VatCategory::Z, "0", Some("x"))], Rounding::default()).is_ok());
}

#[test]
fn a_buyer_is_sealed_for_the_law_and_a_standard_invoice_names_them_in_full() {
    use TaxForm::{Simplified, Standard};
    let legal = || Sealed::new(SealedFor::Legal, vec![1], [1; 16]);
    let contact = || Sealed::new(SealedFor::Contact, vec![1], [1; 16]);
    let named = Buyer { name: legal(), vat_number: None, identity: None, address: None };
    let identity = |number| Some(BuyerIdentity { scheme: code("NAT"), number });
    let full = Buyer { vat_number: Some(legal()), address: Some(legal()), ..named.clone() };
    for (form, buyer, expected) in [
        (Simplified, None, Ok(())),
        (Standard, None, Err(DocumentError::BuyerIncomplete)),
        (Simplified, Some(named.clone()), Ok(())),
        (Standard, Some(named.clone()), Err(DocumentError::BuyerIncomplete)),
        (Standard, Some(full.clone()), Ok(())),
        (Standard, Some(Buyer { vat_number: None, identity: identity(legal()), ..full.clone() }), Ok(())),
        (Standard, Some(Buyer { vat_number: None, ..full.clone() }), Err(DocumentError::BuyerIncomplete)),
        (Standard, Some(Buyer { address: None, ..full.clone() }), Err(DocumentError::BuyerIncomplete)),
        (Simplified, Some(Buyer { name: contact(), ..named.clone() }), Err(DocumentError::NotSealedAsLegal)),
        (Simplified, Some(Buyer { vat_number: Some(contact()), ..named.clone() }), Err(DocumentError::NotSealedAsLegal)),
        (Simplified, Some(Buyer { identity: identity(contact()), ..named.clone() }), Err(DocumentError::NotSealedAsLegal)),
        (Simplified, Some(Buyer { address: Some(contact()), ..named }), Err(DocumentError::NotSealedAsLegal)),
    ] {
        let heading = Heading { form, buyer, ..heading() };
        assert_eq!(Draft::of_fees(heading.clone(), vec![fee(1)], Rounding::default()).map(|_| ()), expected, "{heading:?}");
    }
}

fn billed(tariff: &Tariff, service: Service, usage: &str) -> BilledSupply {
    let period = BillingPeriod::new(day("2022-06-01"), day("2022-07-01")).unwrap();
    let usage = UsageSegment { period, quantity: usage.parse().unwrap(), readings: vec![], basis: UsageBasis::Measured, corrects: vec![] };
    let premises = PremisesFacts { dwellings: NonZeroU32::MIN, breaker_amps: Some(60), load_kva: None, area: code("RUH-07") };
    let series = Series::of([tariff.clone()]).unwrap();
    BilledSupply { service, bill: rate(&series, &Supply::new(period, &[usage], &premises), Rounding::default()).unwrap(), ..supply("1") }
}

#[test]
fn each_charge_of_a_bill_is_income_of_its_kind() {
    let shown = |supply: &BilledSupply| {
        let lines = lines_of(supply, &VatReasons::new()).unwrap();
        lines.iter().map(|line| format!("{} {:?} {}", line.code, line.revenue, line.net.to_decimal())).collect::<Vec<_>>().join(", ")
    };
    let all = everything();
    let shown = [(Service::Electricity, "0"), (Service::Electricity, "150"), (Service::Water, "150")]
        .map(|(service, usage)| shown(&billed(&all, service, usage)));
    let expected = [
        "usage Energy 0.00, minimum-charge Energy 10.00, zero-usage-fee FixedFee 9.00, meter-fee FixedFee 15.00, network-fee FixedFee 5.00",
        "usage Energy 27.00, bracket-fee FixedFee 2.50, meter-fee FixedFee 15.00, network-fee FixedFee 5.00, sewer Sewer 13.50, support Energy -2.50",
        "usage Water 27.00, bracket-fee FixedFee 2.50, meter-fee FixedFee 15.00, network-fee FixedFee 5.00, sewer Sewer 13.50, support Water -2.50",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn one_bill_makes_an_invoice_of_its_own_figures_and_two_share_the_rounding_of_vat() {
    let alone = supply("0.33");
    let document = Draft::of_supplies(heading(), vec![alone.clone()], &VatReasons::new(), Rounding::default()).unwrap().document;
    let bill = &alone.bill;
    assert_eq!((document.net, document.vat, document.total), (bill.net, bill.vat, bill.total));
    let pair = Draft::of_supplies(heading(), vec![alone.clone(), alone.clone()], &VatReasons::new(), Rounding::default()).unwrap();
    assert_eq!((bill.net, bill.vat), (sar(3_033), sar(455)));
    assert_eq!((pair.document.net, pair.document.vat), (sar(6_066), sar(910)));
    let Subject::Supply { supplies } = pair.subject else { panic!("an invoice for supplies") };
    assert_eq!(supplies, [alone.clone(), alone]);
}

#[test]
fn a_bill_outside_the_standard_rate_says_by_which_clause() {
    let untaxed = billed(&crate::tariff::example::open_from("a", "2020-01-01"), Service::Electricity, "10");
    assert_eq!(lines_of(&untaxed, &VatReasons::new()), Err(DocumentError::VatReasonMissing(VatCategory::O)));
    let reasons = VatReasons::from([(VatCategory::O, code("VATEX-SA-OOS"))]);
    let lines = lines_of(&untaxed, &reasons).unwrap();
    assert_eq!(lines[0].vat.reason, Some(code("VATEX-SA-OOS")));
}
