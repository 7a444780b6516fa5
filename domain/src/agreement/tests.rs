use uuid::Uuid;

use super::{example::*, *};
use crate::spec::given;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn reason() -> Reason {
    Reason::new("asked for").unwrap()
}

fn started(n: u128, from: &str, cause: StartCause, reads: Vec<ReadingId>) -> Event {
    let agreement = agreement(n, day(from));
    let service_point_id = service_point_id(agreement.premises_id, agreement.service);
    AgreementStarted { service_point_id, agreement, cause, reads }.into()
}

fn ended(n: u128, to: &str, cause: EndCause, reads: Vec<ReadingId>) -> Event {
    let Agreement { agreement_id, account_id, .. } = agreement(n, day("2024-01-01"));
    AgreementEnded { agreement_id, account_id, to: day(to), cause, reads, reason: reason() }.into()
}

fn start(n: u128, from: &str) -> Command {
    Command::StartAgreement(StartAgreement { agreement: agreement(n, day(from)) })
}

fn id(n: u128) -> AgreementId {
    agreement(n, day("2024-01-01")).agreement_id
}

fn end(n: u128, to: &str) -> Command {
    Command::EndAgreement(EndAgreement { agreement_id: id(n), to: day(to), reason: reason() })
}

fn first() -> Event {
    started(1, "2024-01-01", StartCause::NewService, vec![])
}

#[test]
fn no_two_agreements_run_at_one_time() {
    let ended = ended(1, "2024-06-01", EndCause::ServiceEnded, vec![]);
    given::<ServicePoint>([]).when(start(1, "2024-01-01")).then([first()]);
    given::<ServicePoint>([first()]).when(end(1, "2024-06-01")).then([ended.clone()]);
    for (facts, from, outcome) in [
        (vec![first()], "2024-06-01", Err(Rejection::Overlaps(id(1)))),
        (vec![first()], "2023-06-01", Err(Rejection::Overlaps(id(1)))),
        (vec![first(), ended.clone()], "2024-05-31", Err(Rejection::Overlaps(id(1)))),
        (vec![first(), ended.clone()], "2023-06-01", Err(Rejection::Overlaps(id(1)))),
        (vec![first(), ended.clone()], "2024-06-01", Ok(())),
        (vec![first(), ended.clone()], "2024-07-01", Ok(())),
    ] {
        let when = given::<ServicePoint>(facts).when(start(2, from));
        match outcome {
            Ok(()) => when.then([started(2, from, StartCause::NewService, vec![])]),
            Err(rejection) => when.then_rejected(rejection),
        }
    }
}

#[test]
fn an_agreement_id_is_used_once() {
    given::<ServicePoint>([first()]).when(start(1, "2024-01-02")).then_rejected(Rejection::AgreementIdReused(id(1)));
    let gone = [first(), ended(1, "2024-06-01", EndCause::ServiceEnded, vec![])];
    given::<ServicePoint>(gone).when(start(1, "2024-01-01")).then_nothing();
}

#[test]
fn an_agreement_ends_once_and_after_it_began() {
    given::<ServicePoint>([]).when(end(1, "2024-06-01")).then_rejected(Rejection::NoSuchAgreement(id(1)));
    given::<ServicePoint>([first()]).when(end(1, "2024-01-01")).then_rejected(Rejection::OutsideAgreement(day("2024-01-01")));
    given::<ServicePoint>([first()]).when(end(1, "2024-01-02")).then([ended(1, "2024-01-02", EndCause::ServiceEnded, vec![])]);
    given::<ServicePoint>([first(), ended(1, "2024-06-01", EndCause::ServiceEnded, vec![])])
        .when(end(1, "2024-07-01"))
        .then_rejected(Rejection::AlreadyEnded { agreement_id: id(1), to: day("2024-06-01") });
}

#[test]
fn moving_needs_a_reading() {
    let move_in = |reads| Command::MoveIn(MoveIn { agreement: agreement(1, day("2024-01-01")), reads });
    let move_out = |reads| Command::MoveOut(MoveOut { agreement_id: id(1), to: day("2024-06-01"), reads, reason: reason() });
    given::<ServicePoint>([]).when(move_in(vec![])).then_rejected(Rejection::ReadMissing);
    given::<ServicePoint>([]).when(move_in(reads())).then([started(1, "2024-01-01", StartCause::MoveIn, reads())]);
    given::<ServicePoint>([first()]).when(move_out(vec![])).then_rejected(Rejection::ReadMissing);
    given::<ServicePoint>([first()]).when(move_out(reads())).then([ended(1, "2024-06-01", EndCause::MoveOut, reads())]);
}

#[test]
fn a_transfer_leaves_no_day_without_an_account_and_none_with_two() {
    let to = |n| {
        let agreement = agreement(n, day("2024-06-01"));
        Command::TransferAgreement(TransferAgreement { from_agreement: id(1), agreement, reads: reads(), reason: reason() })
    };
    let facts = [ended(1, "2024-06-01", EndCause::Transfer, reads()), started(2, "2024-06-01", StartCause::Transfer, reads())];
    given::<ServicePoint>([first()]).when(to(2)).then(facts.clone());
    given::<ServicePoint>([]).when(to(2)).then_rejected(Rejection::NoSuchAgreement(id(1)));
    given::<ServicePoint>([first()]).when(to(1)).then_rejected(Rejection::SameAccount);
    let point = [vec![first()], facts.to_vec()].concat().iter().fold(ServicePoint::default(), ServicePoint::evolve);
    for (on, expected) in [("2023-12-31", None), ("2024-01-01", Some(id(1))), ("2024-05-31", Some(id(1))), ("2024-06-01", Some(id(2)))] {
        assert_eq!(point.agreement_on(day(on)).map(|agreement| agreement.agreement_id), expected, "{on}");
    }
}

#[test]
fn series_and_cycle_change_from_a_date() {
    let series = |text: &str, on: &str| {
        let tariff_series = Code::new(text).unwrap();
        ChangeTariffSeries { agreement_id: id(1), tariff_series, effective_on: day(on), reason: reason() }
    };
    let cycle = |n, on: &str| {
        let read_cycle_id = ReadCycleId::new(Uuid::from_u128(n));
        ChangeReadCycle { agreement_id: id(1), read_cycle_id, effective_on: day(on), reason: reason() }
    };
    let gone = || [first(), ended(1, "2024-06-01", EndCause::ServiceEnded, vec![])];
    for on in ["2023-12-31", "2024-06-01"] {
        given::<ServicePoint>(gone())
            .when(Command::ChangeTariffSeries(series("other", on)))
            .then_rejected(Rejection::OutsideAgreement(day(on)));
        given::<ServicePoint>(gone()).when(Command::ChangeReadCycle(cycle(52, on))).then_rejected(Rejection::OutsideAgreement(day(on)));
    }
    given::<ServicePoint>([first()]).when(Command::ChangeTariffSeries(series("made-up-residential", "2024-03-01"))).then_nothing();
    given::<ServicePoint>([first()]).when(Command::ChangeReadCycle(cycle(51, "2024-03-01"))).then_nothing();
    let ChangeTariffSeries { agreement_id, tariff_series, effective_on, reason: because } = series("other", "2024-03-01");
    let changed = TariffSeriesChanged { agreement_id, tariff_series, effective_on, reason: because };
    given::<ServicePoint>([first()]).when(Command::ChangeTariffSeries(series("other", "2024-03-01"))).then([changed.clone().into()]);
    let ChangeReadCycle { agreement_id, read_cycle_id, effective_on, reason: because } = cycle(52, "2024-04-01");
    let recycled = ReadCycleChanged { agreement_id, read_cycle_id, effective_on, reason: because };
    given::<ServicePoint>([first()]).when(Command::ChangeReadCycle(cycle(52, "2024-04-01"))).then([recycled.clone().into()]);

    let facts = [first(), changed.into(), recycled.into()];
    let point = facts.iter().fold(ServicePoint::default(), ServicePoint::evolve);
    for (on, series, cycle) in
        [("2024-02-29", "made-up-residential", 51), ("2024-03-01", "other", 51), ("2024-03-31", "other", 51), ("2024-04-01", "other", 52)]
    {
        let agreement = point.agreement_on(day(on)).unwrap();
        assert_eq!((agreement.tariff_series.as_str(), agreement.read_cycle_id), (series, ReadCycleId::new(Uuid::from_u128(cycle))), "{on}");
    }
    // An end before a change that was agreed would leave the change outside.
    given::<ServicePoint>(facts.clone()).when(end(1, "2024-04-01")).then_rejected(Rejection::OutsideAgreement(day("2024-04-01")));
    given::<ServicePoint>(facts).when(end(1, "2024-04-02")).then([ended(1, "2024-04-02", EndCause::ServiceEnded, vec![])]);
}

#[test]
fn a_service_point_serves_its_own_premises_and_service_only() {
    let elsewhere = Agreement { service: Service::Water, ..agreement(2, day("2024-07-01")) };
    given::<ServicePoint>([first()])
        .when(Command::StartAgreement(StartAgreement { agreement: elsewhere }))
        .then_rejected(Rejection::AnotherServicePoint);
}
