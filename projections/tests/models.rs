//! Every model with one of every event of every aggregate, and what the queries make of it.

use chrono::NaiveDate;
use daftar_domain::{
    Code, Position,
    agreement::example::METER as MEASURING,
    ids::{AccountId, MeterId, PremisesId},
    meter::example::METER,
};
use daftar_projections::{
    AsOf,
    agreements::{self, Agreements},
    meters::{self, Meters, Status},
    readings::{self, Readings, Word},
    tariffs::{self, Tariffs},
};
use expect_test::expect;
use uuid::Uuid;

use crate::spec::{database, everything, project_all, projecting, service_point};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[tokio::test]
async fn agreements() {
    projecting::<Agreements>().when(everything()).then_all(expect![[r#"
        {"table":"agreement","row":{"service": "electricity", "position": 66, "revision": 4, "valid_to": "2024-09-01", "end_cause": "moveOut", "account_id": "00000000-0000-0000-0000-0000000002bd", "end_reason": "asked for", "valid_from": "2024-01-01", "premises_id": "00000000-0000-0000-0000-000000000029", "start_cause": "moveIn", "agreement_id": "00000000-0000-0000-0000-000000000259", "service_point_id": "fd5c5bb0-79b5-5f07-b83e-ee4f91c077ff"}}
        {"table":"ended","row":{"position": 66, "valid_to": "2024-09-01", "agreement_id": "00000000-0000-0000-0000-000000000259"}}
        {"table":"meter","row":{"attached": true, "meter_id": "00000000-0000-0000-0000-000000000040", "position": 62, "effective_on": "2024-01-01", "service_point_id": "fd5c5bb0-79b5-5f07-b83e-ee4f91c077ff"}}
        {"table":"meter","row":{"attached": false, "meter_id": "00000000-0000-0000-0000-000000000040", "position": 67, "effective_on": "2024-09-01", "service_point_id": "fd5c5bb0-79b5-5f07-b83e-ee4f91c077ff"}}
        {"table":"premises","row":{"address": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a224167222c2266696e6765727072696e74223a2241674943416749434167494341674943416749434167227d", "position": 61, "revision": 2, "premises_id": "00000000-0000-0000-0000-000000000029", "registered_on": "2024-01-01"}}
        {"table":"premises_facts","row":{"area": "RUH-07", "reason": null, "load_kva": 12.5, "position": 59, "dwellings": 1, "premises_id": "00000000-0000-0000-0000-000000000029", "breaker_amps": 100, "effective_on": "2024-01-01"}}
        {"table":"premises_facts","row":{"area": "RUH-07", "reason": "two flats added", "load_kva": null, "position": 60, "dwellings": 3, "premises_id": "00000000-0000-0000-0000-000000000029", "breaker_amps": 100, "effective_on": "2024-01-31"}}
        {"table":"read_cycle","row":{"reason": null, "position": 63, "agreement_id": "00000000-0000-0000-0000-000000000259", "effective_on": "2024-01-01", "read_cycle_id": "00000000-0000-0000-0000-000000000033"}}
        {"table":"read_cycle","row":{"reason": "asked for", "position": 65, "agreement_id": "00000000-0000-0000-0000-000000000259", "effective_on": "2024-04-01", "read_cycle_id": "00000000-0000-0000-0000-000000000034"}}
        {"table":"tariff_series","row":{"reason": null, "position": 63, "agreement_id": "00000000-0000-0000-0000-000000000259", "effective_on": "2024-01-01", "tariff_series": "made-up-residential"}}
        {"table":"tariff_series","row":{"reason": "asked for", "position": 64, "agreement_id": "00000000-0000-0000-0000-000000000259", "effective_on": "2024-03-01", "tariff_series": "made-up-commercial"}}
    "#]]).await;
}

#[tokio::test]
async fn meters() {
    projecting::<Meters>().when(everything()).then_all(expect![[r#"
        {"table":"component","row":{"amps": 100, "part": "breaker", "place": null, "change": "fitted", "number": "B-1", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 74, "effective_on": "2024-01-01"}}
        {"table":"component","row":{"amps": null, "part": "seal", "place": "cover", "change": "fitted", "number": "S-1", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 74, "effective_on": "2024-01-01"}}
        {"table":"component","row":{"amps": null, "part": "breaker", "place": null, "change": "replaced", "number": "B-1", "reason": "larger load", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 83, "effective_on": "2024-04-01"}}
        {"table":"component","row":{"amps": 150, "part": "breaker", "place": null, "change": "fitted", "number": "B-2", "reason": "larger load", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 83, "effective_on": "2024-04-01"}}
        {"table":"component","row":{"amps": null, "part": "seal", "place": "terminal", "change": "fitted", "number": "S-2", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 84, "effective_on": "2024-04-01"}}
        {"table":"component","row":{"amps": null, "part": "seal", "place": null, "change": "broken", "number": "S-2", "reason": "inspection", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 85, "effective_on": "2024-04-02"}}
        {"table":"component","row":{"amps": null, "part": "seal", "place": null, "change": "replaced", "number": "S-1", "reason": "inspection", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 86, "effective_on": "2024-04-02"}}
        {"table":"component","row":{"amps": null, "part": "seal", "place": "cover", "change": "fitted", "number": "S-3", "reason": "inspection", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 86, "effective_on": "2024-04-02"}}
        {"table":"meter","row":{"kind": "traditional", "maker": "ACME", "serial": "0042", "status": "scrapped", "service": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 93, "revision": 22, "account_id": null, "premises_id": null, "reserved_for": null, "registered_on": "2024-01-01", "certified_until": "2034-06-06"}}
        {"table":"register","row":{"code": "1.8.0", "unit": "kWh", "digits": 5, "decimals": 0, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 71, "direction": "import", "multiplier": 1}}
        {"table":"status","row":{"reason": null, "status": "inStock", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 71, "premises_id": null, "effective_on": "2024-01-01"}}
        {"table":"status","row":{"reason": null, "status": "reserved", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 72, "premises_id": null, "effective_on": null}}
        {"table":"status","row":{"reason": null, "status": "inStock", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 73, "premises_id": null, "effective_on": null}}
        {"table":"status","row":{"reason": null, "status": "installed", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 74, "premises_id": "00000000-0000-0000-0000-000000000029", "effective_on": "2024-01-01"}}
        {"table":"status","row":{"reason": "unpaid", "status": "disconnected", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 87, "premises_id": null, "effective_on": "2024-05-01"}}
        {"table":"status","row":{"reason": "paid", "status": "installed", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 88, "premises_id": null, "effective_on": "2024-05-03"}}
        {"table":"status","row":{"reason": "house pulled down", "status": "removed", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 89, "premises_id": null, "effective_on": "2024-06-01"}}
        {"table":"status","row":{"reason": "larger load", "status": "removed", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 90, "premises_id": null, "effective_on": "2024-06-01"}}
        {"table":"status","row":{"reason": "periodic", "status": "onBench", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 91, "premises_id": null, "effective_on": "2024-06-05"}}
        {"table":"status","row":{"reason": null, "status": "inStock", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 92, "premises_id": null, "effective_on": "2024-06-06"}}
        {"table":"status","row":{"reason": "worn out", "status": "scrapped", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 93, "premises_id": null, "effective_on": "2024-07-01"}}
        {"table":"test","row":{"passed": true, "test_id": "00000000-0000-0000-0000-000000000054", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 92, "tested_on": "2024-06-06", "error_percent": -0.35, "certified_until": "2034-06-06"}}
    "#]]).await;
}

#[tokio::test]
async fn readings() {
    projecting::<Readings>().when(everything()).then_all(expect![[r#"
        {"table":"bill","row":{"stands": false, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 78, "invoice_id": "00000000-0000-0000-0000-000000000053", "reading_id": "00000000-0000-0000-0000-0003fad1a081"}}
        {"table":"bill","row":{"stands": true, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 81, "invoice_id": "00000000-0000-0000-0000-000000000053", "reading_id": "00000000-0000-0000-0000-0003f9534d81"}}
        {"table":"bill","row":{"stands": false, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 82, "invoice_id": "00000000-0000-0000-0000-000000000053", "reading_id": null}}
        {"table":"reading","row":{"kind": "manual", "value": 500, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 75, "register": "1.8.0", "revision": 4, "taken_at": "2024-02-01T12:00:00+00:00", "taken_on": "2024-02-01", "reading_id": "00000000-0000-0000-0000-0003f9534d81", "rolled_over": false}}
        {"table":"reading","row":{"kind": "manual", "value": 90000, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 76, "register": "1.8.0", "revision": 5, "taken_at": "2024-03-01T12:00:00+00:00", "taken_on": "2024-03-01", "reading_id": "00000000-0000-0000-0000-0003fad1a081", "rolled_over": false}}
        {"table":"reading","row":{"kind": "estimated", "value": 980, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 79, "register": "1.8.0", "revision": 8, "taken_at": "2024-03-02T12:00:00+00:00", "taken_on": "2024-03-02", "reading_id": "00000000-0000-0000-0000-0003fadecf84", "rolled_over": false}}
        {"table":"true_up","row":{"settled": 450.5, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 80, "register": "1.8.0", "actual_id": "00000000-0000-0000-0000-0003fad1a081", "estimated": 480, "period_to": "2024-03-03", "settlement": "rebilled", "estimate_id": "00000000-0000-0000-0000-0003fadecf84", "period_from": "2024-02-02"}}
        {"table":"word","row":{"word": "recorded", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 75, "revision": 4, "reading_id": "00000000-0000-0000-0000-0003f9534d81"}}
        {"table":"word","row":{"word": "held", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 76, "revision": 5, "reading_id": "00000000-0000-0000-0000-0003fad1a081"}}
        {"table":"word","row":{"word": "released", "reason": "seen on a photograph", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 77, "revision": 6, "reading_id": "00000000-0000-0000-0000-0003fad1a081"}}
        {"table":"word","row":{"word": "reversed", "reason": "wrong meter", "meter_id": "00000000-0000-0000-0000-000000000051", "position": 78, "revision": 7, "reading_id": "00000000-0000-0000-0000-0003fad1a081"}}
        {"table":"word","row":{"word": "restored", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 78, "revision": 7, "reading_id": "00000000-0000-0000-0000-0003fadecf84"}}
        {"table":"word","row":{"word": "recorded", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 79, "revision": 8, "reading_id": "00000000-0000-0000-0000-0003fadecf84"}}
        {"table":"word","row":{"word": "superseded", "reason": null, "meter_id": "00000000-0000-0000-0000-000000000051", "position": 80, "revision": 9, "reading_id": "00000000-0000-0000-0000-0003fadecf84"}}
    "#]]).await;
}

#[tokio::test]
async fn tariffs() {
    projecting::<Tariffs>().when(everything()).then_all(expect![[r#"
        {"table":"closed","row":{"code": "made-up-everything", "position": 99, "series_id": "00000000-0000-0000-0000-00000000005f", "successor": "made-up-next", "effective_to": "2023-07-01"}}
        {"table":"version","row":{"code": "made-up-everything", "class": "residential", "series": "made-up", "service": "electricity", "currency": "SAR", "position": 98, "series_id": "00000000-0000-0000-0000-00000000005f", "effective_to": "2024-01-01", "effective_from": "2022-01-01"}}
    "#]]).await;
}

#[tokio::test]
async fn an_agreement_has_the_terms_of_the_date_as_they_were_known() {
    let (_database, pool) = database().await;
    let events: Vec<_> = everything().into_iter().filter(|(id, _)| *id == Uuid::from(service_point())).collect();
    project_all::<Agreements>(&pool, events).await;
    let account = AccountId::new(Uuid::from_u128(701));
    let ask = async |as_of| {
        let found = agreements::of_account(&pool, account, as_of).await.unwrap();
        assert!(found.iter().all(|agreement| agreement.account_id == account));
        found.into_iter().map(|found| (found.tariff_series, found.valid_to, found.meter_id)).collect::<Vec<_>>()
    };
    let (residential, commercial) = ("made-up-residential".to_owned(), "made-up-commercial".to_owned());
    let ends = Some(day("2024-09-01"));
    assert_eq!(ask(AsOf::now_known(day("2023-12-31"))).await, []);
    assert_eq!(ask(AsOf::now_known(day("2024-01-01"))).await, [(residential.clone(), ends, Some(MEASURING))]);
    assert_eq!(ask(AsOf::now_known(day("2024-03-01"))).await, [(commercial.clone(), ends, Some(MEASURING))]);
    assert_eq!(ask(AsOf::now_known(day("2024-09-01"))).await, []);
    // Before the end was recorded, and before the other series was.
    assert_eq!(ask(AsOf::recorded(Position::single(4), day("2024-09-01"))).await, [(commercial, None, Some(MEASURING))]);
    assert_eq!(ask(AsOf::recorded(Position::single(2), day("2024-09-01"))).await, [(residential, None, Some(MEASURING))]);
    assert_eq!(ask(AsOf::recorded(Position::single(1), day("2024-09-01"))).await, []);
}

#[tokio::test]
async fn a_meter_is_found_by_its_id_and_where_it_hangs() {
    let (_database, pool) = database().await;
    let events: Vec<_> = everything().into_iter().filter(|(id, _)| *id == Uuid::from(METER)).collect();
    project_all::<Meters>(&pool, events.iter().take(4).cloned()).await;
    let [meter] = &meters::at(&pool, PremisesId::new(Uuid::from_u128(41))).await.unwrap()[..] else { panic!("one meter") };
    assert_eq!((meter.id, meter.status, meter.revision), (METER, Status::Installed, 3));
    assert_eq!(meters::by_id(&pool, METER).await.unwrap().as_ref(), Some(meter));
    assert_eq!(meters::by_id(&pool, MeterId::new(Uuid::nil())).await.unwrap(), None);
}

#[tokio::test]
async fn a_reading_counts_by_the_last_word_that_was_known() {
    let (_database, pool) = database().await;
    let events: Vec<_> = everything().into_iter().filter(|(id, _)| *id == Uuid::from(METER)).collect();
    project_all::<Readings>(&pool, events).await;
    let words = async |position, date: &str| {
        let as_of = AsOf::recorded(Position::single(position), day(date));
        let known = readings::of_meter(&pool, METER, as_of).await.unwrap();
        known.into_iter().map(|reading| (reading.value.to_string(), reading.word)).collect::<Vec<_>>()
    };
    let known = |value: &str, word| (value.to_owned(), word);
    assert_eq!(words(4, "2024-12-31").await, []);
    assert_eq!(words(6, "2024-12-31").await, [known("500", Word::Recorded), known("90000", Word::Held)]);
    assert_eq!(words(7, "2024-12-31").await, [known("500", Word::Recorded), known("90000", Word::Released)]);
    assert_eq!(words(7, "2024-02-29").await, [known("500", Word::Recorded)]);
    let all = [known("500", Word::Recorded), known("90000", Word::Reversed), known("980", Word::Superseded)];
    assert_eq!(words(99, "2024-12-31").await, all);
    assert_eq!(all.map(|(_, word)| word.counts()), [true, false, false]);
}

#[tokio::test]
async fn a_tariff_ends_where_its_successor_was_known_to_begin() {
    let (_database, pool) = database().await;
    let events: Vec<_> = everything().into_iter().filter(|(id, _)| *id == Uuid::from_u128(95)).collect();
    let codes = events.len();
    project_all::<Tariffs>(&pool, events).await;
    let series: String = sqlx::query_scalar("SELECT series FROM read_tariffs.version").fetch_one(&pool).await.unwrap();
    let series = Code::new(series).unwrap();
    let known = async |position| {
        let as_of = AsOf::recorded(Position::single(position), day("2023-08-01"));
        let versions = tariffs::versions(&pool, &series, as_of).await.unwrap();
        let applies = tariffs::on(&pool, &series, as_of).await.unwrap().is_some();
        (versions.into_iter().map(|version| (version.tariff.code.to_string(), version.effective_to)).collect::<Vec<_>>(), applies)
    };
    assert_eq!((known(0).await, codes), ((vec![], false), 2));
    expect![[r#"
        [
            (
                [
                    (
                        "made-up-everything",
                        Some(
                            2024-01-01,
                        ),
                    ),
                ],
                true,
            ),
            (
                [
                    (
                        "made-up-everything",
                        Some(
                            2023-07-01,
                        ),
                    ),
                ],
                false,
            ),
        ]
    "#]]
    .assert_debug_eq(&[known(1).await, known(2).await]);
}
