//! Orders by examples, a grid of every state and command, and what is always so.

use proptest::prelude::*;

use super::{example::*, *};
use crate::spec::given;

fn fold(facts: &[Event]) -> Disconnection {
    facts.iter().fold(Disconnection::default(), Disconnection::evolve)
}

fn dispatch(time: &str) -> Command {
    Command::DispatchDisconnection(DispatchDisconnection { at: at(time), guard: guard(), evidence: evidence() })
}

fn schedule(time: &str) -> Command {
    let planned_for = at(time);
    Command::ScheduleDisconnection(ScheduleDisconnection { at: at("07:20"), planned_for, guard: guard(), evidence: evidence() })
}

fn settle(time: &str) -> Command {
    Command::LiftDisconnection(lift(time, LiftCause::DebtSettled))
}

fn out(way: Way) -> Vec<Event> {
    vec![requested(way), approved(), scheduled(), dispatched(way, "08:00", 1)]
}

fn after(more: &[Event]) -> Vec<Event> {
    out(Way::Crew).into_iter().chain(more.iter().cloned()).collect()
}

#[test]
fn from_the_request_to_the_supply_again() {
    let order = |facts: Vec<Event>| given::<Disconnection>(facts);
    order(vec![]).when(Command::RequestDisconnection(request(Way::Crew))).then([requested(Way::Crew)]);
    let approve = Command::ApproveDisconnection(ApproveDisconnection { at: at("07:10") });
    order(vec![requested(Way::Crew)]).when(approve).then([approved()]);
    order(vec![requested(Way::Crew), approved()]).when(schedule("08:00")).then([scheduled()]);
    order(vec![requested(Way::Crew), approved(), scheduled()]).when(dispatch("08:00")).then([dispatched(Way::Crew, "08:00", 1)]);
    order(after(&[])).when(Command::ReportDisconnected(done("08:30"))).then([executed("08:30", false)]);
    let cut = [executed("08:30", false)];
    order(after(&cut)).when(settle("13:00")).then([restore("13:00", "15:00", true)]);
    let lifted = [executed("08:30", false), restore("13:00", "15:00", true)];
    let send = Command::DispatchReconnection(DispatchReconnection { at: at("13:05") });
    order(after(&lifted)).when(send).then([restore_dispatched(Way::Crew, "13:05", 1)]);
    let sent = [&lifted[..], &[restore_dispatched(Way::Crew, "13:05", 1)]].concat();
    order(after(&sent)).when(Command::ReportReconnected(done("15:00"))).then([restored("15:00")]);
}

#[test]
fn what_the_law_forbids_is_refused_with_every_reason() {
    let held = Evidence { held: Some(crate::dunning::HoldGround::OpenComplaint), ..evidence() };
    let noon = Prohibited::TooLateInTheDay { before: guard().hours.before };
    let wish = ScheduleDisconnection { at: at("07:20"), planned_for: at("12:00"), guard: guard(), evidence: held.clone() };
    given::<Disconnection>([requested(Way::Crew), approved()])
        .when(Command::ScheduleDisconnection(wish))
        .then_rejected(Rejection::Prohibited(vec![Prohibited::ComplaintOpen, noon.clone()]));
    // What was allowed in the morning is asked again when somebody is sent.
    let wish = DispatchDisconnection { at: at("09:00"), guard: guard(), evidence: held };
    given::<Disconnection>([requested(Way::Crew), approved(), scheduled()])
        .when(Command::DispatchDisconnection(wish))
        .then_rejected(Rejection::Prohibited(vec![Prohibited::ComplaintOpen]));
    given::<Disconnection>([requested(Way::Crew), approved(), scheduled()])
        .when(dispatch("12:00"))
        .then_rejected(Rejection::Prohibited(vec![noon]));
}

#[test]
fn a_payment_that_meets_an_execution_ends_in_one_of_two_ways() {
    // Paid, then found not to be cut.
    given::<Disconnection>(after(&[])).when(settle("08:15")).then([recalled("08:15")]);
    given::<Disconnection>(after(&[recalled("08:15")]))
        .when(Command::ReportNotDisconnected(not_done("08:20")))
        .then([cancelled("08:20", "08:15")]);
    // Paid, but cut before: the clock runs from the payment.
    given::<Disconnection>(after(&[recalled("08:15")]))
        .when(Command::ReportDisconnected(done("08:10")))
        .then([executed("08:10", true), restore("08:15", "10:15", true)]);
    // Paid, and cut all the same: our mistake, and so free of charge.
    given::<Disconnection>(after(&[recalled("08:15")]))
        .when(Command::ReportDisconnected(done("08:45")))
        .then([executed("08:45", true), restore("08:15", "10:45", false)]);
    // The same, where the cut was recorded before anybody had heard of the payment.
    given::<Disconnection>(after(&[executed("08:45", false)])).when(settle("08:15")).then([restore("08:15", "10:45", false)]);
    // A word that comes after the last one is believed all the same.
    given::<Disconnection>(after(&[recalled("08:15"), cancelled("08:20", "08:15")]))
        .when(Command::ReportDisconnected(done("08:45")))
        .then([executed("08:45", true), restore("08:15", "10:45", false)]);
}

#[test]
fn a_silent_head_end_is_asked_again_under_the_same_order_and_turns_the_switch_once() {
    let silent = |facts: &[Event]| out(Way::HeadEnd).into_iter().chain(facts.iter().cloned()).collect::<Vec<_>>();
    let note = |attempt| Command::NoteSwitchUnanswered(NoteSwitchUnanswered { attempt, at: at("08:05") });
    given::<Disconnection>(silent(&[])).when(dispatch("08:05")).then_nothing();
    given::<Disconnection>(silent(&[])).when(note(1)).then([unanswered("08:05", 1)]);
    given::<Disconnection>(silent(&[])).when(note(2)).then_nothing();
    let again = [unanswered("08:05", 1), dispatched(Way::HeadEnd, "08:06", 2)];
    given::<Disconnection>(silent(&again[..1])).when(dispatch("08:06")).then([again[1].clone()]);
    // Both are answered in the end: the first answer is the one.
    given::<Disconnection>(silent(&again)).when(Command::ReportDisconnected(done("08:07"))).then([executed("08:07", false)]);
    let answered = [&again[..], &[executed("08:07", false)]].concat();
    given::<Disconnection>(silent(&answered)).when(Command::ReportDisconnected(done("08:09"))).then_nothing();
    given::<Disconnection>(silent(&answered)).when(note(2)).then_nothing();
}

#[test]
fn what_failed_is_scheduled_anew_and_a_late_success_is_believed() {
    given::<Disconnection>(after(&[failed("08:10")])).when(schedule("09:00")).then([DisconnectionScheduled {
        at: at("07:20"),
        planned_for: at("09:00"),
        rules: guard().version,
    }
    .into()]);
    for more in [vec![failed("08:10")], vec![failed("08:10"), scheduled()]] {
        given::<Disconnection>(after(&more)).when(Command::ReportDisconnected(done("08:30"))).then([executed("08:30", false)]);
    }
}

#[test]
fn a_supply_that_is_not_back_in_time_costs_us() {
    let lifted = [executed("08:30", false), restore("09:00", "11:00", true), restore_dispatched(Way::Crew, "09:05", 1)];
    let check = |time| Command::CheckClock(CheckClock { at: at(time) });
    given::<Disconnection>(after(&lifted)).when(check("11:00")).then_nothing();
    given::<Disconnection>(after(&lifted)).when(check("11:01")).then([fell_late("11:01", "11:00")]);
    given::<Disconnection>(after(&lifted))
        .when(Command::ReportReconnected(done("11:30")))
        .then([fell_late("11:30", "11:00"), restored("11:30")]);
    let late = [&lifted[..], &[fell_late("11:01", "11:00")]].concat();
    given::<Disconnection>(after(&late)).when(check("11:02")).then_nothing();
    given::<Disconnection>(after(&late)).when(Command::ReportReconnected(done("11:30"))).then([restored("11:30")]);
}

#[test]
fn an_order_that_should_not_have_been_is_free() {
    let cause = LiftCause::Withdrawn { reason: reason("wrong meter") };
    let expected = ReconnectionRequested {
        account_id: ACCOUNT,
        meter_id: METER,
        lift: lifted("09:00", cause.clone()),
        due_by: at("11:00"),
        fee: None,
    };
    given::<Disconnection>(after(&[executed("08:30", false)]))
        .when(Command::LiftDisconnection(lift("09:00", cause)))
        .then([expected.into()]);
}

/// Every state × every command: how many facts come of it, or why none.
#[test]
fn what_each_state_allows() {
    use Rejection::{
        AlreadyCut, Cancelled, NoSuchOrder, NotApproved, NotDispatched, NotLifted, NotScheduled, OrderIdReused, Out, Recalled,
    };
    let commands = [
        Command::RequestDisconnection(request(Way::Crew)),
        Command::RequestDisconnection(request(Way::HeadEnd)),
        Command::ApproveDisconnection(ApproveDisconnection { at: at("07:10") }),
        schedule("09:00"),
        dispatch("09:00"),
        Command::ReportDisconnected(done("09:10")),
        Command::ReportNotDisconnected(not_done("09:10")),
        settle("09:20"),
        Command::DispatchReconnection(DispatchReconnection { at: at("09:30") }),
        Command::ReportReconnected(done("09:40")),
        Command::ReportNotReconnected(not_done("09:40")),
        Command::NoteSwitchUnanswered(NoteSwitchUnanswered { attempt: 1, at: at("09:15") }),
        Command::CheckClock(CheckClock { at: at("20:00") }),
    ];
    let cut = || executed("08:30", false);
    let lifted = || restore("09:00", "11:00", true);
    let sent = || restore_dispatched(Way::Crew, "09:05", 1);
    let back_failed = || -> Event { ReconnectionFailed { at: at("09:10"), reason: reason("nobody opened") }.into() };
    type Row = (Vec<Event>, [Result<usize, Rejection>; 13]);
    let twice = || Err(OrderIdReused);
    #[rustfmt::skip]
    let grid: Vec<Row> = vec![
        (vec![], [Ok(1), Ok(1), Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder),
            Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder), Err(NoSuchOrder)]),
        (vec![requested(Way::Crew)], [Ok(0), twice(), Ok(1), Err(NotApproved), Err(NotApproved), Err(NotDispatched), Err(NotDispatched), Ok(1),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Err(NotDispatched), Ok(0)]),
        (vec![requested(Way::Crew), approved()], [Ok(0), twice(), Ok(0), Ok(1), Err(NotScheduled), Err(NotDispatched), Err(NotDispatched), Ok(1),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Err(NotDispatched), Ok(0)]),
        (vec![requested(Way::Crew), approved(), scheduled()], [Ok(0), twice(), Ok(0), Ok(1), Ok(1), Err(NotDispatched), Err(NotDispatched), Ok(1),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Err(NotDispatched), Ok(0)]),
        (after(&[]), [Ok(0), twice(), Ok(0), Err(Out), Ok(0), Ok(1), Ok(1), Ok(1),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Ok(1), Ok(0)]),
        (after(&[failed("08:10")]), [Ok(0), twice(), Ok(0), Ok(1), Err(NotScheduled), Ok(1), Ok(0), Ok(1),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Ok(0), Ok(0)]),
        (after(&[recalled("08:15")]), [Ok(0), twice(), Err(Recalled), Err(Recalled), Err(Recalled), Ok(2), Ok(1), Ok(0),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Ok(1), Ok(0)]),
        (vec![requested(Way::Crew), cancelled("08:00", "08:00")], [Ok(0), twice(), Err(Cancelled), Err(Cancelled), Err(Cancelled),
            Err(NotDispatched), Err(NotDispatched), Ok(0), Err(Cancelled), Err(Cancelled), Err(Cancelled), Ok(0), Ok(0)]),
        (after(&[recalled("08:15"), cancelled("08:20", "08:15")]), [Ok(0), twice(), Err(Cancelled), Err(Cancelled), Err(Cancelled),
            Ok(2), Ok(0), Ok(0), Err(Cancelled), Err(Cancelled), Err(Cancelled), Ok(0), Ok(0)]),
        (after(&[cut()]), [Ok(0), twice(), Err(AlreadyCut), Err(AlreadyCut), Err(AlreadyCut), Ok(0), Err(AlreadyCut), Ok(1),
            Err(NotLifted), Err(NotLifted), Err(NotLifted), Ok(0), Ok(0)]),
        (after(&[cut(), lifted()]), [Ok(0), twice(), Err(AlreadyCut), Err(AlreadyCut), Err(AlreadyCut), Ok(0), Err(AlreadyCut), Ok(0),
            Ok(1), Err(NotDispatched), Err(NotDispatched), Ok(0), Ok(1)]),
        (after(&[cut(), lifted(), sent()]), [Ok(0), twice(), Err(AlreadyCut), Err(AlreadyCut), Err(AlreadyCut), Ok(0), Err(AlreadyCut), Ok(0),
            Ok(0), Ok(1), Ok(1), Ok(1), Ok(1)]),
        (after(&[cut(), lifted(), sent(), back_failed()]), [Ok(0), twice(), Err(AlreadyCut), Err(AlreadyCut), Err(AlreadyCut), Ok(0),
            Err(AlreadyCut), Ok(0), Ok(1), Ok(1), Ok(0), Ok(0), Ok(1)]),
        (after(&[cut(), lifted(), sent(), restored("10:00")]), [Ok(0), twice(), Err(AlreadyCut), Err(AlreadyCut), Err(AlreadyCut), Ok(0),
            Err(AlreadyCut), Ok(0), Ok(0), Ok(0), Ok(0), Ok(0), Ok(0)]),
    ];
    for (facts, expected) in grid {
        for (command, expected) in commands.iter().zip(expected) {
            let found = fold(&facts).decide(command.clone());
            assert_eq!(found.clone().map(|events| events.len()), expected, "{:?} {command:?}", fold(&facts).stage());
            if let Ok(events) = found {
                given::<Disconnection>(facts.clone()).when(command.clone()).then(events);
            }
        }
    }
}

proptest! {
    /// Whatever is wished and reported in whatever order: the switch is turned off at most once and on at most once, on only after off;
    /// one reconnection and one fee; and once it is lifted and the last word is in, the supply is on or on its way.
    #[test]
    fn the_switch_is_turned_once_each_way(turns in prop::collection::vec((0..11_usize, 0..200_u32), 1..40)) {
        let mut facts = vec![requested(Way::HeadEnd)];
        for (turn, minute) in turns {
            let time = format!("{:02}:{:02}", 8 + minute / 60, minute % 60);
            let time = time.as_str();
            let command = match turn {
                0 => Command::ApproveDisconnection(ApproveDisconnection { at: at(time) }),
                1 => schedule("08:00"),
                2 => dispatch(time),
                3 => Command::ReportDisconnected(done(time)),
                4 => Command::ReportNotDisconnected(not_done(time)),
                5 => settle(time),
                6 => Command::DispatchReconnection(DispatchReconnection { at: at(time) }),
                7 => Command::ReportReconnected(done(time)),
                8 => Command::ReportNotReconnected(not_done(time)),
                9 => Command::NoteSwitchUnanswered(NoteSwitchUnanswered { attempt: 1 + minute % 3, at: at(time) }),
                _ => Command::CheckClock(CheckClock { at: at(time) }),
            };
            if let Ok(events) = fold(&facts).decide(command.clone()) {
                facts.extend(events);
                prop_assert_eq!(fold(&facts).decide(command), Ok(vec![]), "asked twice, it has been asked once");
            }
        }
        let place = |name: &str| facts.iter().positions(name);
        let (off, on, asked) = (place("DisconnectionExecuted"), place("ReconnectionExecuted"), place("ReconnectionRequested"));
        prop_assert!(off.len() <= 1 && on.len() <= 1 && asked.len() <= 1 && place("ReconnectionFellLate").len() <= 1);
        prop_assert!(on.first().is_none_or(|on| off.first().is_some_and(|off| off < on)));
        let order = fold(&facts).order.unwrap();
        match order.stage {
            Stage::Cut => prop_assert!(order.lift.is_none()),
            Stage::Requested | Stage::Approved | Stage::Scheduled { .. } | Stage::Dispatched | Stage::Failed => {
                prop_assert!(order.lift.is_none() && off.is_empty());
            }
            Stage::Recalled | Stage::Cancelled => prop_assert!(order.lift.is_some() && off.is_empty()),
            Stage::Restoring { .. } | Stage::Restored => prop_assert!(order.lift.is_some() && off.len() == 1),
        }
    }
}

trait Positions {
    fn positions(self, event_type: &str) -> Vec<usize>;
}

impl<'a, I: Iterator<Item = &'a Event>> Positions for I {
    fn positions(self, event_type: &str) -> Vec<usize> {
        use crate::EventSchema;
        self.enumerate().filter(|(_, event)| event.event_type() == event_type).map(|(at, _)| at).collect()
    }
}
