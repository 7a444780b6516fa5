//! Every state × every command, and what each transition asks for.

use super::*;
use crate::ids::MeterTestId;

const FOR: Uuid = Uuid::from_u128(82);

fn fact(status: &str) -> Event {
    let on = |text: &str| day(text);
    match status {
        "reserved" => MeterReserved { reserved_for: FOR }.into(),
        "off" => MeterDisconnected { on: on("2024-05-01"), reason: because() }.into(),
        "removed" => MeterRemoved { on: on("2024-06-01"), reason: because(), final_reads: vec![last().reading_id] }.into(),
        "bench" => SentToBench { on: on("2024-06-05"), reason: because() }.into(),
        "scrapped" => MeterScrapped { on: on("2024-06-10"), reason: because() }.into(),
        other => panic!("{other}"),
    }
}

fn last() -> Reading {
    reading_at("100", "2024-06-01", 9, ReadingKind::Final)
}

fn takedown() -> Takedown {
    Takedown { on: day("2024-06-01"), reason: because(), final_reads: vec![last()], estimates: vec![], context: context() }
}

fn test(passed: bool) -> MeterTest {
    MeterTest {
        test_id: MeterTestId::new(Uuid::from_u128(84)),
        on: day("2024-06-06"),
        passed,
        error_percent: dec("0.1"),
        certified_until: Some(day("2034-06-06")),
    }
}

fn commands() -> Vec<Command> {
    let on = day("2024-06-10");
    let successor = crate::ids::MeterId::new(Uuid::from_u128(85));
    vec![
        Command::ReserveMeter(ReserveMeter { reserved_for: FOR }),
        Command::UnreserveMeter(UnreserveMeter { reserved_for: FOR }),
        Command::InstallMeter(InstallMeter { reserved_for: Some(FOR), ..install() }),
        Command::DisconnectMeter(DisconnectMeter { on: day("2024-05-01"), reason: because() }),
        Command::ReconnectMeter(ReconnectMeter { on: day("2024-05-02"), reason: because() }),
        Command::RemoveMeter(RemoveMeter { takedown: takedown() }),
        Command::ExchangeMeter(ExchangeMeter { successor, takedown: takedown() }),
        Command::SendToBench(SendToBench { on, reason: because() }),
        Command::RecordTest(RecordTest { test: MeterTest { on, ..test(true) } }),
        Command::ScrapMeter(ScrapMeter { on, reason: because() }),
    ]
}

#[test]
fn every_state_and_every_command() {
    let up = installed();
    let and = |facts: &[Event], more: &[&str]| [facts.to_vec(), more.iter().map(|status| fact(status)).collect()].concat();
    let down = and(&[up.clone(), vec![recorded(last())]].concat(), &["removed"]);
    // + something happens, . it already holds, - not while in this state
    let grid = [
        (vec![], "reserve - unreserve - install - off - on - remove - exchange - bench - test - scrap -"),
        (vec![registered()], "reserve + unreserve . install + off - on - remove - exchange - bench + test - scrap +"),
        (and(&[registered()], &["reserved"]), "reserve . unreserve + install + off - on - remove - exchange - bench - test - scrap -"),
        (up.clone(), "reserve - unreserve - install . off + on . remove + exchange + bench - test - scrap -"),
        (and(&up, &["off"]), "reserve - unreserve - install . off . on + remove + exchange + bench - test - scrap -"),
        (down.clone(), "reserve - unreserve - install - off - on - remove . exchange - bench + test - scrap +"),
        (and(&down, &["bench"]), "reserve - unreserve - install - off - on - remove - exchange - bench . test + scrap +"),
        (and(&down, &["bench", "scrapped"]), "reserve - unreserve - install - off - on - remove - exchange - bench - test - scrap ."),
    ];
    let names = ["reserve", "unreserve", "install", "off", "on", "remove", "exchange", "bench", "test", "scrap"];
    for (facts, expected) in grid {
        let meter = meter(facts.clone());
        let outcome = |(name, command): (&str, Command)| match meter.decide(command.clone()) {
            Ok(events) if events.is_empty() => format!("{name} ."),
            Ok(events) => {
                given::<Meter>(facts.clone()).when(command).then(events);
                format!("{name} +")
            }
            Err(Rejection::NotWhile(_) | Rejection::NotRegistered) => format!("{name} -"),
            Err(other) => panic!("{name} in {:?}: {other}", meter.status()),
        };
        let found: Vec<_> = names.into_iter().zip(commands()).map(outcome).collect();
        assert_eq!(found.join(" "), expected, "{:?}", meter.status());
    }
}

#[test]
fn a_reserved_meter_goes_to_no_other() {
    let facts = || [registered(), fact("reserved")];
    let other = Uuid::from_u128(9);
    for command in [
        Command::ReserveMeter(ReserveMeter { reserved_for: other }),
        Command::UnreserveMeter(UnreserveMeter { reserved_for: other }),
        Command::InstallMeter(InstallMeter { reserved_for: Some(other), ..install() }),
        Command::InstallMeter(install()),
    ] {
        given::<Meter>(facts()).when(command).then_rejected(Rejection::ReservedForAnother);
    }
}

#[test]
fn installing_needs_a_seal_a_valid_certificate_and_a_reading_for_each_register() {
    let code = || register().code;
    let wish = |change: &dyn Fn(&mut InstallMeter)| {
        let mut wish = install();
        change(&mut wish);
        Command::InstallMeter(wish)
    };
    given::<Meter>([registered()]).when(wish(&|_| {})).then([installed_alone(), recorded(initial())]);
    let early = Reading { taken_on: day("2023-12-31"), ..initial() };
    let manual = reading_at("0", "2024-01-01", 6, ReadingKind::Manual);
    let stranger = Reading { register: Code::new("9.9.9").unwrap(), ..initial() };
    let expired = |on: &str| {
        let mut wish = install();
        wish.on = day(on);
        wish.initial_reads = vec![reading_at("0", on, 6, ReadingKind::Initial)];
        wish.context.received_at = instant("2040-01-01", 0);
        meter([registered()]).decide(Command::InstallMeter(wish)).map(|events| events.len())
    };
    let not_of_that_day = || Rejection::NotAReadOfThatDay { kind: ReadingKind::Initial, on: day("2024-01-01") };
    let seal = install().seals.remove(0);
    for (command, rejection) in [
        (wish(&|wish| wish.seals.clear()), Rejection::SealMissing),
        (wish(&|wish| wish.seals.push(seal.clone())), Rejection::SealUsedBefore(seal.number.clone())),
        (wish(&|wish| wish.initial_reads.clear()), Rejection::OneReadPerRegister(code())),
        (wish(&|wish| wish.initial_reads.push(initial())), Rejection::OneReadPerRegister(code())),
        (wish(&|wish| wish.initial_reads.push(stranger.clone())), Rejection::NoSuchRegister(stranger.register.clone())),
        (wish(&|wish| wish.initial_reads = vec![early.clone()]), not_of_that_day()),
        (wish(&|wish| wish.initial_reads = vec![manual.clone()]), not_of_that_day()),
    ] {
        given::<Meter>([registered()]).when(command).then_rejected(rejection);
    }
    assert_eq!(expired("2034-01-01"), Ok(2));
    assert_eq!(expired("2034-01-02"), Err(Rejection::CertificateExpired));
}

#[test]
fn a_meter_with_two_registers_is_read_on_both() {
    let reactive = Register { code: Code::new("3.8.0").unwrap(), unit: Unit::KilovarHour, ..register() };
    let mut device = device();
    device.registers.push(reactive.clone());
    let registered = || Event::from(MeterRegistered { device: device.clone(), registered_on: day("2024-01-01") });
    let second = Reading { register: reactive.code.clone(), reading_id: ReadingId::new(Uuid::from_u128(2)), ..initial() };
    let install = |initial_reads: Vec<Reading>| Command::InstallMeter(InstallMeter { initial_reads, ..install() });
    let Event::MeterInstalled(installed) = installed_alone() else { unreachable!() };
    let both = MeterInstalled { initial_reads: vec![initial().reading_id, second.reading_id], ..installed };
    let facts = [both.into(), recorded(initial()), recorded(second.clone())];
    given::<Meter>([registered()]).when(install(vec![initial(), second.clone()])).then(facts);
    given::<Meter>([registered()]).when(install(vec![initial()])).then_rejected(Rejection::OneReadPerRegister(reactive.code));
    given::<Meter>([registered()]).when(install(vec![second])).then_rejected(Rejection::OneReadPerRegister(register().code));
}

#[test]
fn an_installed_meter_is_not_installed_otherwise() {
    let elsewhere = InstallMeter { premises_id: crate::ids::PremisesId::new(Uuid::from_u128(1)), ..install() };
    given::<Meter>(installed()).when(Command::InstallMeter(elsewhere)).then_rejected(Rejection::AlreadyInstalled);
    let other_figure = InstallMeter { initial_reads: vec![Reading { value: dec("1"), ..initial() }], ..install() };
    given::<Meter>(installed()).when(Command::InstallMeter(other_figure)).then_rejected(Rejection::ReadingIdReused(initial().reading_id));
}

#[test]
fn a_meter_comes_down_with_a_figure_for_each_register() {
    let remove = |change: &dyn Fn(&mut Takedown)| {
        let mut takedown = takedown();
        change(&mut takedown);
        Command::RemoveMeter(RemoveMeter { takedown })
    };
    installed_then([]).when(remove(&|_| {})).then([recorded(last()), fact("removed")]);
    let not_of_that_day = || Rejection::NotAReadOfThatDay { kind: ReadingKind::Final, on: day("2024-06-01") };
    let estimate = EstimateReading {
        reading_id: ReadingId::new(Uuid::from_u128(5)),
        register: register().code,
        taken_on: day("2024-06-01"),
        taken_at: instant("2024-06-01", 9),
        rules: EstimationRules { class_daily_average: Some(dec("2")), ..EstimationRules::default() },
    };
    let other_day = EstimateReading { taken_on: day("2024-05-31"), ..estimate.clone() };
    for (command, rejection) in [
        (remove(&|down| down.final_reads.clear()), Rejection::OneReadPerRegister(register().code)),
        (remove(&|down| down.estimates.push(estimate.clone())), Rejection::OneReadPerRegister(register().code)),
        (remove(&|down| down.final_reads[0].kind = ReadingKind::Manual), not_of_that_day()),
        (remove(&|down| down.on = day("2024-06-02")), Rejection::NotAReadOfThatDay { kind: ReadingKind::Final, on: day("2024-06-02") }),
        (remove(&|down| (down.final_reads, down.estimates) = (vec![], vec![other_day.clone()])), not_of_that_day()),
    ] {
        installed_then([]).when(command).then_rejected(rejection);
    }
    // A dial that nobody can read is estimated, and says so.
    let burnt = remove(&|down| (down.final_reads, down.estimates) = (vec![], vec![estimate.clone()]));
    let events = meter(installed()).decide(burnt.clone()).unwrap();
    let [Event::ReadingEstimated(reckoned), Event::MeterRemoved(removed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((reckoned.reading.value, removed.final_reads[0]), (dec("304"), estimate.reading_id));
    installed_then([]).when(burnt).then(events);
}

#[test]
fn what_happens_to_a_meter_happens_in_order() {
    let off = |on: &str| Command::DisconnectMeter(DisconnectMeter { on: day(on), reason: because() });
    let back_on = |on: &str| Command::ReconnectMeter(ReconnectMeter { on: day(on), reason: because() });
    let since = |on: &str| Rejection::OutOfOrder { since: day(on) };
    installed_then([]).when(off("2023-12-31")).then_rejected(since("2024-01-01"));
    installed_then([]).when(off("2024-01-01")).then([MeterDisconnected { on: day("2024-01-01"), reason: because() }.into()]);
    installed_then([fact("off")]).when(back_on("2024-04-30")).then_rejected(since("2024-05-01"));
    installed_then([fact("off")]).when(back_on("2024-05-01")).then([MeterReconnected { on: day("2024-05-01"), reason: because() }.into()]);
    let down = [recorded(last()), fact("removed")];
    let early = Command::SendToBench(SendToBench { on: day("2024-05-31"), reason: because() });
    installed_then(down.clone()).when(early).then_rejected(since("2024-06-01"));
    let early = Command::ScrapMeter(ScrapMeter { on: day("2024-05-31"), reason: because() });
    installed_then(down.clone()).when(early).then_rejected(since("2024-06-01"));
    let early = Command::RecordTest(RecordTest { test: MeterTest { on: day("2024-06-04"), ..test(true) } });
    installed_then(down.into_iter().chain([fact("bench")])).when(early).then_rejected(since("2024-06-05"));
    let late_off = [MeterDisconnected { on: day("2024-06-02"), reason: because() }.into()];
    installed_then(late_off).when(Command::RemoveMeter(RemoveMeter { takedown: takedown() })).then_rejected(since("2024-06-02"));
}

#[test]
fn a_meter_that_passed_its_test_can_go_up_again_on_a_later_day() {
    let tested = |test| Event::from(MeterTested { test });
    let record = |test| Command::RecordTest(RecordTest { test });
    let bench = || installed().into_iter().chain([recorded(last()), fact("removed"), fact("bench")]);
    given::<Meter>(bench()).when(record(test(false))).then([tested(test(false))]);
    given::<Meter>(bench()).when(record(test(true))).then([tested(test(true))]);
    given::<Meter>(bench().chain([tested(test(true))]))
        .when(record(test(false)))
        .then_rejected(Rejection::TestIdReused(test(true).test_id));
    assert_eq!(meter(bench().chain([tested(test(false))])).status(), Ok(Status::OnBench));
    let stocked = || bench().chain([tested(test(true))]);
    assert_eq!(meter(stocked()).status(), Ok(Status::InStock));

    let again = |on: &str| {
        let mut wish = install();
        wish.on = day(on);
        wish.seals[0].number = Code::new("S-7").unwrap();
        wish.initial_reads = vec![reading_at("100", on, 6, ReadingKind::Initial)];
        Command::InstallMeter(wish)
    };
    given::<Meter>(stocked()).when(again("2024-06-01")).then_rejected(Rejection::OutOfOrder { since: day("2024-06-01") });
    assert_eq!(meter(stocked()).decide(again("2024-06-02")).map(|events| events.len()), Ok(2));
    let old_seal =
        InstallMeter { on: day("2024-07-01"), initial_reads: vec![reading_at("100", "2024-07-01", 6, ReadingKind::Initial)], ..install() };
    given::<Meter>(stocked()).when(Command::InstallMeter(old_seal)).then_rejected(Rejection::SealUsedBefore(Code::new("S-1").unwrap()));
}

#[test]
fn a_meter_that_is_up_for_the_second_time_starts_its_count_anew() {
    let start = installed().into_iter().chain([recorded(last()), fact("removed"), fact("bench"), MeterTested { test: test(true) }.into()]);
    let Event::MeterInstalled(first) = installed_alone() else { unreachable!() };
    let initial = reading_at("40", "2024-07-01", 6, ReadingKind::Initial);
    let second = MeterInstalled { on: day("2024-07-01"), initial_reads: vec![initial.reading_id], ..first };
    let meter = meter(start.chain([second.into(), recorded(initial), recorded(reading("50", "2024-08-01"))]));
    assert_eq!(used(&meter, "2024-01-02", "2024-08-02"), "2024-01-02..2024-06-02 Measured 100; 2024-07-02..2024-08-02 Measured 10");
}

#[test]
fn an_exchange_names_another_meter() {
    let exchange = |successor| Command::ExchangeMeter(ExchangeMeter { successor, takedown: takedown() });
    installed_then([]).when(exchange(METER)).then_rejected(Rejection::ExchangedForItself);
    let successor = crate::ids::MeterId::new(Uuid::from_u128(85));
    let Takedown { on, reason, .. } = takedown();
    let exchanged = MeterExchanged { successor, on, reason, final_reads: vec![last().reading_id] };
    installed_then([]).when(exchange(successor)).then([recorded(last()), exchanged.into()]);
}
