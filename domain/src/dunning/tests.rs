//! Dunning by examples, a grid of every state and command, and what is always so.

use chrono::Days;
use proptest::prelude::*;

use super::{example::*, *};
use crate::spec::given;

fn fold(facts: &[Event]) -> Dunning {
    facts.iter().fold(Dunning::default(), Dunning::evolve)
}

/// Every day from one to another, each of them ended as often as said.
fn run(facts: &mut Vec<Event>, from: &str, to: &str, times: usize, debt: &Debt) {
    for on in day(from).iter_days().take_while(|on| *on <= day(to)) {
        for _ in 0..times {
            facts.extend(fold(facts).decide(advance(on, debt.clone())).unwrap());
        }
    }
}

fn told(facts: &[Event]) -> Vec<String> {
    let tell = |event: &Event| match event {
        Event::DunningStepTaken(fact) => format!("{} {}", fact.on, fact.step),
        Event::DunningEnded(fact) => format!("{} ended: {:?}", fact.on, fact.cause),
        Event::DunningHeld(fact) => format!("{} held: {:?}", fact.from, fact.ground),
        Event::DunningHoldLifted(fact) => format!("{} lifted", fact.on),
    };
    facts.iter().map(tell).collect()
}

/// A bill that nobody pays, through the ladder that is suggested.
const UNPAID: [&str; 8] = [
    "2024-04-12 soon",
    "2024-04-16 first",
    "2024-04-25 warning",
    "2024-05-15 initial-warning",
    "2024-06-10 final-notice",
    "2024-06-14 cut",
    "2024-10-12 legal",
    "2025-04-15 give-up",
];

#[test]
fn an_unpaid_bill_climbs_the_ladder() {
    let mut facts = vec![];
    run(&mut facts, "2024-04-01", "2025-12-31", 1, &debt(&["2024-04-15"]));
    assert_eq!(told(&facts), UNPAID);
    assert_eq!(fold(&facts).taken_on(Action::InitialWarning), Some(day("2024-05-15")));
}

#[test]
fn a_day_that_ends_three_times_has_ended_once() {
    let mut facts = vec![];
    run(&mut facts, "2024-04-01", "2025-12-31", 3, &debt(&["2024-04-15"]));
    assert_eq!(told(&facts), UNPAID);
    // A day long over, ended again, comes too late to say anything.
    given::<Dunning>(facts).when(advance(day("2024-05-01"), debt(&[]))).then_nothing();
}

#[test]
fn notices_that_were_missed_are_passed_over_but_nothing_that_is_more() {
    let old = debt(&["2023-01-15"]);
    let mut facts = vec![];
    run(&mut facts, "2024-04-01", "2024-06-30", 1, &old);
    assert_eq!(told(&facts), ["2024-04-01 initial-warning", "2024-04-27 final-notice", "2024-05-01 cut", "2024-05-31 legal"]);
}

#[test]
fn too_little_is_not_asked_for_and_not_cut_for() {
    let of = |minor| {
        let mut debt = debt(&["2024-04-15"]);
        debt.owed[0].amount = sar(minor);
        let mut facts = vec![];
        run(&mut facts, "2024-04-01", "2024-12-31", 1, &debt);
        told(&facts).last().cloned()
    };
    assert_eq!(of(4_999), None);
    assert_eq!(of(39_999).as_deref(), Some("2024-06-10 final-notice"));
    assert_eq!(of(40_000).as_deref(), Some("2024-10-12 legal"));
}

#[test]
fn what_is_paid_ends_it_and_a_later_bill_begins_at_the_first_step() {
    let mut facts = vec![];
    run(&mut facts, "2024-04-01", "2024-05-20", 1, &debt(&["2024-04-15"]));
    run(&mut facts, "2024-05-21", "2024-05-21", 2, &debt(&["2024-05-15"]));
    run(&mut facts, "2024-05-22", "2024-05-24", 2, &debt(&[]));
    let expected = ["2024-05-21 ended: OldestSettled", "2024-05-21 first", "2024-05-22 ended: Settled"];
    assert_eq!(told(&facts)[4..], expected);
    assert_eq!(fold(&facts).stage(day("2024-05-24")), Stage::Quiet);
    // The payment bounces: the warning from before no longer counts.
    assert_eq!(fold(&facts).taken_on(Action::InitialWarning), None);
}

#[test]
fn a_promise_holds_until_its_day_and_a_broken_one_lets_the_ladder_go_on() {
    let promise = hold(HoldGround::PromiseToPay, "2024-04-20", Some("2024-04-27"));
    let mut facts = vec![];
    run(&mut facts, "2024-04-01", "2024-04-19", 1, &debt(&["2024-04-15"]));
    facts.push(held(promise));
    run(&mut facts, "2024-04-20", "2024-05-01", 1, &debt(&["2024-04-15"]));
    assert_eq!(told(&facts)[2..], ["2024-04-20 held: PromiseToPay", "2024-04-28 warning"]);
    let dunning = fold(&facts);
    assert_eq!(dunning.stage(day("2024-04-27")), Stage::Held(HoldGround::PromiseToPay));
    assert_eq!(dunning.stage(day("2024-04-28")), Stage::Reached(&Code::new("warning").unwrap()));
}

/// Every state × every command: how many facts come of it, or why none.
#[test]
fn what_each_state_allows() {
    let due = debt(&["2024-04-15"]);
    let first = || taken("first", Action::Reminder, Channel::Sms, "2024-04-16", "2024-04-15");
    let protect = || hold(HoldGround::ProtectedCustomer, "2024-04-10", None);
    let commands = [
        advance(day("2024-04-25"), due),
        advance(day("2024-04-25"), debt(&[])),
        Command::HoldDunning(protect()),
        Command::HoldDunning(HoldDunning { until: Some(day("2024-06-01")), ..protect() }),
        Command::LiftDunningHold(lift("2024-04-24")),
    ];
    let reused = Err(Rejection::HoldIdReused(HOLD));
    let none = Err(Rejection::NoSuchHold(HOLD));
    type Row = (Vec<Event>, [Result<usize, Rejection>; 5]);
    let grid: [Row; 6] = [
        (vec![], [Ok(1), Ok(0), Ok(1), Ok(1), none]),
        (vec![first()], [Ok(1), Ok(1), Ok(1), Ok(1), none]),
        (vec![held(protect())], [Ok(0), Ok(0), Ok(0), reused, Ok(1)]),
        (vec![first(), held(protect())], [Ok(0), Ok(1), Ok(0), reused, Ok(1)]),
        (vec![first(), held(protect()), lifted("2024-04-24")], [Ok(1), Ok(1), Ok(0), reused, Ok(0)]),
        (vec![first(), ended("2024-04-20", EndCause::Settled)], [Ok(1), Ok(0), Ok(1), Ok(1), none]),
    ];
    for (facts, expected) in grid {
        for (command, expected) in commands.iter().zip(expected) {
            let found = fold(&facts).decide(command.clone());
            assert_eq!(found.clone().map(|events| events.len()), expected, "{facts:?} {command:?}");
            if let Ok(events) = found {
                given::<Dunning>(facts.clone()).when(command.clone()).then(events);
            }
        }
    }
}

#[test]
fn holds_that_say_too_little_or_too_much() {
    let promise = || hold(HoldGround::PromiseToPay, "2024-04-20", Some("2024-04-27"));
    let refused = |wish, why| given::<Dunning>([]).when(Command::HoldDunning(wish)).then_rejected(why);
    refused(HoldDunning { promised: None, ..promise() }, Rejection::PromiseIncomplete);
    refused(HoldDunning { promised: Some(sar(0)), ..promise() }, Rejection::PromiseIncomplete);
    refused(HoldDunning { until: None, ..promise() }, Rejection::PromiseIncomplete);
    refused(HoldDunning { until: Some(day("2024-04-19")), ..promise() }, Rejection::HoldEndsBeforeItBegins);
    let early = Command::LiftDunningHold(lift("2024-04-19"));
    given::<Dunning>([held(promise())]).when(early).then_rejected(Rejection::BeforeHold { from: day("2024-04-20") });
}

#[test]
fn a_ladder_that_contradicts_itself_is_refused_with_its_step() {
    let good = include_str!("../../../fixtures/collections/ladder-ksa.json");
    let refused = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        serde_json::from_str::<Ladder>(&good.replacen(from, to, 1)).unwrap_err().to_string()
    };
    for (from, to, why) in [
        (r#""code": "first""#, r#""code": "soon""#, "steps: `soon` is there twice"),
        (r#""daysAfterDue": 10"#, r#""daysAfterDue": 0"#, "steps: `warning` comes earlier after the due date than the step before it"),
        (r#""step": "initial-warning""#, r#""step": "cut""#, "steps: `final-notice` follows `cut`, which is not a step before it"),
        (r#""days": 26"#, r#""days": 0"#, "steps: `final-notice` follows another at once: it needs a day between them"),
        (r#""minor": 5000"#, r#""minor": -1"#, "smallestDebts: an amount in SAR is below zero, or there twice"),
        (r#""channel": "sms""#, r#""channel": "pigeon""#, "unknown variant `pigeon`"),
        (r#""version""#, r#""verson""#, "unknown field `verson`"),
    ] {
        let found = refused(from, to);
        assert!(found.contains(why), "{found}");
    }
    assert!(serde_json::from_str::<Ladder>(r#"{"version": "x", "steps": []}"#).unwrap_err().to_string().contains("a ladder has a step"));
}

#[derive(Clone, Debug)]
enum Turn {
    Days(u8),
    Bill,
    PayOldest,
    PayAll,
    Hold(HoldGround, u8),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let ground = prop_oneof![
        Just(HoldGround::PromiseToPay),
        Just(HoldGround::InstalmentPlan),
        Just(HoldGround::OpenComplaint),
        Just(HoldGround::ProtectedCustomer)
    ];
    let turn = prop_oneof![
        6 => (1..20_u8).prop_map(Turn::Days),
        3 => Just(Turn::Bill),
        1 => Just(Turn::PayOldest),
        1 => Just(Turn::PayAll),
        1 => (ground, 0..40_u8).prop_map(|(ground, days)| Turn::Hold(ground, days)),
    ];
    prop::collection::vec(turn, 1..60)
}

proptest! {
    /// Whatever is billed, paid and held: nobody is told anything while held, the law's days lie between its steps, no step is taken
    /// twice for one oldest bill, and a day ended twice has ended once.
    #[test]
    fn the_ladder_keeps_its_distances(turns in turns()) {
        let mut today = day("2024-01-01");
        let mut debt = debt(&[]);
        let mut facts: Vec<Event> = vec![];
        for (n, turn) in turns.into_iter().enumerate() {
            match turn {
                Turn::Bill => debt.owed.extend(example::debt(&[&(today + Days::new(15)).to_string()]).owed),
                Turn::PayOldest if debt.owed.is_empty() => {}
                Turn::PayOldest => {
                    debt.owed.remove(0);
                }
                Turn::PayAll => debt.owed.clear(),
                Turn::Hold(ground, days) => {
                    let hold_id = DunningHoldId::new(uuid::Uuid::from_u128(n as u128));
                    let until = (today + Days::new(days.into())).to_string();
                    let wish = HoldDunning { hold_id, ..hold(ground, &today.to_string(), Some(&until)) };
                    facts.extend(fold(&facts).decide(Command::HoldDunning(wish)).unwrap());
                }
                Turn::Days(days) => for _ in 0..days {
                    let before = fold(&facts);
                    let new = before.decide(advance(today, debt.clone())).unwrap();
                    let step = new.iter().find_map(|event| match event {
                        Event::DunningStepTaken(fact) => Some(fact),
                        Event::DunningEnded(_) | Event::DunningHeld(_) | Event::DunningHoldLifted(_) => None,
                    });
                    if let Some(step) = step {
                        prop_assert!(before.held(today).is_none());
                        prop_assert!(step.owed.minor > 0);
                        let after = |action, days| before.taken_on(action).is_some_and(|on| (today - on).num_days() >= days);
                        let case = before.case.as_ref().filter(|case| case.since >= step.since);
                        prop_assert!(case.is_none_or(|case| !case.taken.contains_key(&step.step)));
                        match step.action {
                            Action::FinalNotice => prop_assert!(after(Action::InitialWarning, 26)),
                            Action::OrderDisconnection => prop_assert!(after(Action::InitialWarning, 30) && after(Action::FinalNotice, 4)),
                            Action::Reminder | Action::Warning | Action::InitialWarning | Action::LegalAction | Action::ProposeWriteOff => {}
                        }
                    }
                    facts.extend(new);
                    prop_assert_eq!(fold(&facts).decide(advance(today, debt.clone())).unwrap(), vec![]);
                    today = today.succ_opt().unwrap();
                },
            }
        }
    }
}
