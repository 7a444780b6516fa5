//! What is always so, whatever is wished in whatever order.

use daftar_domain::{
    Actor, BillingPeriod, Code, Decider, EventSchema, Reason, UsageBasis,
    account::{self, Account},
    agreement::{self, ServicePoint},
    ids::{InvoiceId, MeterId, MeterTestId},
    meter::{self, Command, EstimateReading, EstimationRules, Meter, Overestimated, ReadingKind, Resolution, TrueUpRules, example},
};
use proptest::{prelude::*, sample::Index};
use rust_decimal::Decimal;
use uuid::Uuid;

/// A wish is heard twice; whatever it brought the first time survives the disk, and the second time brings nothing.
fn wish<D>(state: D, command: D::Command) -> D
where
    D: Decider<Event: PartialEq + std::fmt::Debug, Command: std::fmt::Debug>,
{
    let Ok(events) = state.decide(command.clone()) else { return state };
    for event in &events {
        let back = D::Event::decode(event.event_type(), event.version(), &event.encode());
        assert_eq!(back.as_ref().ok(), Some(event), "read back from disk");
    }
    let after = events.iter().fold(state, D::evolve);
    match after.decide(command.clone()) {
        Ok(again) => assert_eq!(again, [], "the same wish again: {command:?}"),
        Err(rejection) => panic!("the same wish again was rejected: {rejection}: {command:?}"),
    }
    after
}

fn reason() -> Reason {
    Reason::new("drawn by lot").unwrap()
}

fn day(n: u32) -> String {
    (example::day("2024-01-01") + chrono::Days::new(n.into())).to_string()
}

fn true_up() -> impl Strategy<Value = TrueUpRules> {
    let overestimated = prop_oneof![Just(Overestimated::Rebill), Just(Overestimated::Credit)];
    (any::<bool>(), overestimated).prop_map(|(respread, overestimated)| TrueUpRules { respread, overestimated })
}

fn reading() -> impl Strategy<Value = meter::Reading> {
    let kind = prop_oneof![Just(ReadingKind::Manual), Just(ReadingKind::Smart), Just(ReadingKind::Customer), Just(ReadingKind::Special)];
    // Mostly upwards with time; sometimes anywhere on the dial.
    let figure = prop_oneof![4 => (0_u32..40).prop_map(Some), 1 => Just(None)];
    (0_u32..400, figure, 0_u32..100_000, 0_u32..3, kind).prop_map(|(n, noise, anywhere, hour, kind)| {
        let value = noise.map_or(anywhere, |noise| n * 700 % 100_000 + noise);
        example::reading_at(&value.to_string(), &day(n), 6 + 6 * hour, kind)
    })
}

/// A reading taken, or one reckoned, and the wish for it.
fn reading_command() -> impl Strategy<Value = (meter::Reading, Command)> {
    let record = (reading(), true_up()).prop_map(|(reading, true_up)| {
        let wish = meter::RecordReading {
            reading: reading.clone(),
            received_at: example::instant("2030-01-01", 0),
            intervals: None,
            multiplier_seen: None,
            validation: meter::ValidationRules::default(),
            true_up,
        };
        (reading, Command::RecordReading(wish))
    });
    let estimate = (0_u32..400, 1_u32..900).prop_map(|(n, average)| {
        let reading = example::reading_at("0", &day(n), 12, ReadingKind::Estimated);
        let meter::Reading { reading_id, register, taken_on, taken_at, .. } = reading.clone();
        let rules = EstimationRules { class_daily_average: Some(Decimal::from(average)), ..EstimationRules::default() };
        (reading, Command::EstimateReading(EstimateReading { reading_id, register, taken_on, taken_at, rules }))
    });
    prop_oneof![6 => record, 3 => estimate]
}

/// What may follow, about some of the readings that are known.
fn other_command(known: Vec<meter::Reading>) -> impl Strategy<Value = Command> {
    let ids: Vec<_> = known.iter().map(|reading| reading.reading_id).collect();
    let invoice_id = InvoiceId::new(Uuid::from_u128(1));
    let set_to = |figure: u32| Resolution::AsReset { to: Decimal::from(figure) };
    let resolution = prop_oneof![Just(Resolution::AsRead), Just(Resolution::AsRollover), Just(set_to(0)), (0..9_000_u32).prop_map(set_to)];
    (0..5_u32, proptest::sample::select(ids.clone()), proptest::sample::select(ids), any::<bool>(), true_up(), resolution).prop_map(
        move |(which, reading_id, another, flag, true_up, resolution)| match which {
            0 | 1 => {
                let (released_by, reason) = (Actor::user("1"), reason());
                Command::ReleaseReading(meter::ReleaseReading { reading_id, resolution, released_by, reason, true_up })
            }
            2 => {
                let cancels_bills = if flag { vec![invoice_id] } else { vec![] };
                let (reason, rollover) = (reason(), meter::RolloverRule::default());
                Command::ReverseReading(meter::ReverseReading { reading_id, reason, cancels_bills, rollover })
            }
            3 => Command::NoteReadingsBilled(meter::NoteReadingsBilled { invoice_id, reading_ids: vec![reading_id, another] }),
            _ => Command::NoteBillCancelled(meter::NoteBillCancelled { invoice_id }),
        },
    )
}

/// A figure far below the others, late in the year, and a person who says that the register was reset.
fn reset() -> impl Strategy<Value = Vec<Command>> {
    (300_u32..400, 0_u32..50, true_up()).prop_map(|(n, value, true_up)| {
        let reading = example::reading_at(&value.to_string(), &day(n), 18, ReadingKind::Manual);
        let (reading_id, resolution) = (reading.reading_id, Resolution::AsReset { to: Decimal::ZERO });
        let release = meter::ReleaseReading { reading_id, resolution, released_by: Actor::user("1"), reason: reason(), true_up };
        let record = meter::RecordReading {
            reading,
            received_at: example::instant("2030-01-01", 0),
            intervals: None,
            multiplier_seen: None,
            validation: meter::ValidationRules::default(),
            true_up,
        };
        vec![Command::RecordReading(record), Command::ReleaseReading(release)]
    })
}

/// Readings, and then more readings with releases and reversals of the first among them, and now and then a reset.
fn history() -> impl Strategy<Value = Vec<Command>> {
    proptest::collection::vec(reading_command(), 1..25).prop_flat_map(|first| {
        let (known, first): (Vec<_>, Vec<_>) = first.into_iter().unzip();
        let one_more = reading_command().prop_map(|(_, command)| vec![command]);
        let other = other_command(known).prop_map(|command| vec![command]);
        let more = proptest::collection::vec(prop_oneof![3 => one_more, 6 => other, 1 => reset()], 0..15);
        more.prop_map(move |more| [first.clone(), more.concat()].concat())
    })
}

fn lifecycle_command() -> impl Strategy<Value = Command> {
    (0_u32..400, 0..15_u32, any::<bool>(), 0_u128..3, true_up()).prop_map(|(n, which, flag, number, true_up)| {
        let on = example::day(&day(n));
        let reason = reason();
        let seal = meter::Seal { number: Code::new(format!("S-{}", n % 7)).unwrap(), place: Code::new("cover").unwrap() };
        let breaker = meter::Breaker { number: Code::new(format!("B-{}", n % 3)).unwrap(), amps: 100 };
        let old_number = Code::new(format!("S-{}", n % 5)).unwrap();
        let reserved_for = Uuid::from_u128(number);
        let context = meter::ReadingContext { true_up, ..example::context() };
        let takedown = || meter::Takedown {
            on,
            reason: reason.clone(),
            final_reads: vec![example::reading_at(&(n * 700 % 100_000).to_string(), &day(n), 18, ReadingKind::Final)],
            estimates: vec![],
            context: context.clone(),
        };
        let test_id = MeterTestId::new(reserved_for);
        match which {
            0 => Command::ReserveMeter(meter::ReserveMeter { reserved_for }),
            1 => Command::UnreserveMeter(meter::UnreserveMeter { reserved_for }),
            2 | 3 => Command::InstallMeter(meter::InstallMeter {
                on,
                seals: vec![seal],
                initial_reads: vec![example::reading_at("0", &day(n), 6, ReadingKind::Initial)],
                reserved_for: flag.then_some(reserved_for),
                context,
                ..example::install()
            }),
            4 => Command::DisconnectMeter(meter::DisconnectMeter { on, reason }),
            5 => Command::ReconnectMeter(meter::ReconnectMeter { on, reason }),
            6 => Command::RemoveMeter(meter::RemoveMeter { takedown: takedown() }),
            7 => Command::ExchangeMeter(meter::ExchangeMeter {
                successor: MeterId::new(Uuid::from_u128(number + 500)),
                takedown: takedown(),
            }),
            8 => Command::SendToBench(meter::SendToBench { on, reason }),
            9 | 10 => {
                let (error_percent, certified_until) = (Decimal::ZERO, None);
                Command::RecordTest(meter::RecordTest {
                    test: meter::MeterTest { test_id, on, passed: flag, error_percent, certified_until },
                })
            }
            11 if n % 20 == 0 => Command::ScrapMeter(meter::ScrapMeter { on, reason }),
            11 | 12 => Command::ApplySeal(meter::ApplySeal { seal, on }),
            13 if flag => Command::BreakSeal(meter::BreakSeal { number: old_number, on, reason }),
            13 => Command::ReplaceSeal(meter::ReplaceSeal { old_number, new: seal, on, reason }),
            _ => {
                let old_number = Code::new(format!("B-{}", (n + 1) % 3)).unwrap();
                Command::ReplaceBreaker(meter::ReplaceBreaker { old_number, new: breaker, on, reason })
            }
        }
    })
}

fn total(meter: &Meter, from: u32, to: u32) -> Decimal {
    let period = BillingPeriod::new(example::day(&day(from)), example::day(&day(to))).unwrap();
    let segments = meter.usage(example::PREMISES, &example::register().code, period);
    for segment in &segments {
        let credit = segment.basis == UsageBasis::TrueUp;
        assert!(segment.quantity >= Decimal::ZERO || credit, "consumption is below zero only as a true-up: {segment:?}");
        assert!(segment.quantity.scale() <= 6, "{segment:?}");
    }
    for pair in segments.windows(2) {
        assert!(pair[0].period.to() <= pair[1].period.from(), "segments follow one another");
    }
    segments.iter().map(|segment| segment.quantity).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readings_in_any_order(commands in history(), cuts in proptest::collection::btree_set(1_u32..420, 0..6)) {
        let meter = commands.into_iter().fold(example::meter(example::installed()), wish);
        let ends: Vec<u32> = [0].into_iter().chain(cuts).chain([420]).collect();
        let parts: Decimal = ends.windows(2).map(|pair| total(&meter, pair[0], pair[1])).sum();
        prop_assert_eq!(parts, total(&meter, 0, 420), "adjoining periods sum to the whole");
    }

    #[test]
    fn a_life_in_any_order(commands in proptest::collection::vec(prop_oneof![3 => lifecycle_command(), 1 => reading_command().prop_map(|(_, command)| command)], 1..40)) {
        let meter = commands.into_iter().fold(example::meter([example::registered()]), wish);
        total(&meter, 0, 420);
    }

    #[test]
    fn agreements_in_any_order(commands in proptest::collection::vec(agreement_command(), 1..30)) {
        let point = commands.into_iter().fold(ServicePoint::default(), wish);
        // Whoever runs on a day runs alone: of all agreements, each day has the one that the service point names.
        let mut last = None;
        for n in 0..120 {
            let running = point.agreement_on(example::day(&day(n))).map(|agreement| agreement.agreement_id);
            prop_assert!(running.is_none() || last.is_none_or(|(_, seen)| seen != running) || last == Some((n - 1, running)), "an agreement runs in one piece");
            if running.is_some() {
                last = Some((n, running));
            }
        }
    }

    #[test]
    fn an_account_in_any_order(indices in proptest::collection::vec(any::<Index>(), 1..60)) {
        let commands = account_commands();
        indices.into_iter().fold(Account::default(), |account, index| wish(account, index.get(&commands).clone()));
    }
}

fn agreement_command() -> impl Strategy<Value = agreement::Command> {
    (0..8_u32, 1_u128..6, 1_u128..6, 0_u32..100).prop_map(|(which, n, m, from)| {
        use agreement::{Command, example::*};
        let on = example::day(&day(from));
        let terms = agreement(n, on);
        let (agreement_id, premises_id, service) = (terms.agreement_id, terms.premises_id, terms.service);
        let other = Code::new(format!("series-{m}")).unwrap();
        match which {
            0 => Command::StartAgreement(agreement::StartAgreement { agreement: terms }),
            1 => Command::MoveIn(agreement::MoveIn { agreement: terms, reads: reads() }),
            2 => Command::EndAgreement(agreement::EndAgreement { agreement_id, to: on, reason: reason() }),
            3 => Command::MoveOut(agreement::MoveOut { agreement_id, to: on, reads: reads(), reason: reason() }),
            4 => {
                let from_agreement = agreement(m, on).agreement_id;
                let (agreement, reads) = (terms, reads());
                Command::TransferAgreement(agreement::TransferAgreement { from_agreement, agreement, reads, reason: reason() })
            }
            5 => {
                let (tariff_series, effective_on) = (other, on);
                Command::ChangeTariffSeries(agreement::ChangeTariffSeries { agreement_id, tariff_series, effective_on, reason: reason() })
            }
            6 if m % 2 == 0 => Command::AttachMeter(agreement::AttachMeter { premises_id, service, meter_id: METER, on }),
            6 => Command::DetachMeter(agreement::DetachMeter { meter_id: METER, on }),
            _ => Command::ExchangeMeter(agreement::ExchangeMeter { old: METER, new: NEW_METER, on }),
        }
    })
}

/// The wishes behind the account's example events, and a few that get in their way.
fn account_commands() -> Vec<account::Command> {
    use account::{Command, Event};
    let of = |event| {
        Some(match event {
            Event::AccountOpened(_) => account::example::open(),
            Event::AccountReclassified(e) => {
                Command::Reclassify(account::Reclassify { class: e.class, effective_on: e.effective_on, reason: e.reason })
            }
            Event::HolderRenamed(e) => {
                Command::RenameHolder(account::RenameHolder { holder_name: e.holder_name, effective_on: e.effective_on, reason: e.reason })
            }
            Event::IdentityRecorded(e) => Command::RecordIdentity(account::RecordIdentity { document: e.document }),
            Event::LanguageChosen(e) => Command::ChooseLanguage(account::ChooseLanguage { language: e.language }),
            Event::CurrencyChosen(e) => Command::ChooseCurrency(account::ChooseCurrency { currency: e.currency }),
            Event::ContactAdded(e) => Command::AddContact(account::AddContact { contact_id: e.contact_id, contact: e.contact }),
            Event::ContactChanged(e) => Command::ChangeContact(account::ChangeContact { contact_id: e.contact_id, contact: e.contact }),
            Event::ContactRemoved(e) => Command::RemoveContact(account::RemoveContact { contact_id: e.contact_id }),
            Event::AddressAdded(e) => Command::AddAddress(account::AddAddress { address_id: e.address_id, address: e.address }),
            Event::AddressChanged(e) => Command::ChangeAddress(account::ChangeAddress { address_id: e.address_id, address: e.address }),
            Event::AddressRemoved(e) => Command::RemoveAddress(account::RemoveAddress { address_id: e.address_id }),
            Event::VatStatusSet(e) => {
                Command::SetVatStatus(account::SetVatStatus { category: e.category, reason: e.reason, from: e.from, to: e.to })
            }
            Event::SubsidyGranted(e) => Command::GrantSubsidy(account::GrantSubsidy {
                scheme: e.scheme,
                from: e.from,
                to: e.to,
                proof: e.proof,
                renew_by: e.renew_by,
            }),
            Event::SubsidyEnded(e) => Command::EndSubsidy(account::EndSubsidy { scheme: e.scheme, on: e.on, reason: e.reason }),
            Event::LinkedToLedger(e) => Command::LinkToLedger(account::LinkToLedger { ledger_account: e.ledger_account }),
            Event::ServiceBegun(e) => Command::BeginService(account::BeginService { agreement_id: e.agreement_id, from: e.from }),
            Event::ServiceEnded(e) => Command::EndService(account::EndService { agreement_id: e.agreement_id, to: e.to }),
            Event::MeterFitted(e) => Command::NoteMeterFitted(account::NoteMeterFitted { meter_id: e.meter_id, fitted_on: e.fitted_on }),
            Event::MeterTakenOff(e) => {
                Command::NoteMeterTakenOff(account::NoteMeterTakenOff { meter_id: e.meter_id, taken_off_on: e.taken_off_on })
            }
            Event::ConnectionCleared(e) => Command::ClearConnection(account::ClearConnection {
                application_id: e.application_id,
                invoice_id: e.invoice_id,
                meter_id: e.meter_id,
                on: e.on,
            }),
            Event::ConnectionWithdrawn(e) => {
                Command::WithdrawConnection(account::WithdrawConnection { application_id: e.application_id, on: e.on })
            }
            Event::AccountSuspended(e) => {
                Command::SuspendAccount(account::SuspendAccount { suspended_on: e.suspended_on, reason: e.reason })
            }
            Event::AccountResumed(e) => Command::ResumeAccount(account::ResumeAccount { resumed_on: e.resumed_on, reason: e.reason }),
            Event::AccountClosed(e) => Command::CloseAccount(account::CloseAccount { closed_on: e.closed_on, reason: e.reason }),
            Event::OpeningBalanceImported(_) => Command::ImportOpeningBalance(account::example::import_opening_balance()),
            Event::OpeningBalanceReversed(e) => {
                Command::ReverseOpeningBalance(account::ReverseOpeningBalance { batch_id: e.batch_id, row: e.row, reason: e.reason })
            }
            // Wishes about money are drawn where their sums are checked: see `books.rs`.
            Event::AccountCharged(_)
            | Event::ItemDisputed(_)
            | Event::DisputeResolved(_)
            | Event::PaymentReceived(_)
            | Event::PaymentReversed(_)
            | Event::CreditAllocated(_)
            | Event::AllocationFreed(_)
            | Event::AccountCredited(_)
            | Event::CompensationCredited(_)
            | Event::SubsidyCredited(_)
            | Event::SubsidyTakenBack(_)
            | Event::CreditRefunded(_)
            | Event::RefundReturned(_)
            | Event::DepositTaken(_)
            | Event::DepositReleased(_)
            | Event::DepositReturned(_)
            | Event::LateFeeAssessed(_)
            | Event::LateFeeWaived(_)
            | Event::DebtWrittenOff(_)
            | Event::CreditWrittenOff(_)
            | Event::DebtRecovered(_)
            | Event::VatReliefClaimed(_)
            | Event::RebillBegun(_)
            | Event::RebillEnded(_)
            | Event::ChequeCleared(_)
            | Event::AllocationPolicyChosen(_)
            | Event::PlanAgreed(_)
            | Event::InstalmentMissed(_)
            | Event::PlanBroken(_)
            | Event::PlanCancelled(_)
            | Event::PlanCompleted(_) => return None,
        })
    };
    let open = std::iter::repeat_with(account::example::open).take(6);
    account::example::events().into_iter().filter_map(of).chain(open).collect()
}
