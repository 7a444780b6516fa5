use super::{example::*, *};
use crate::{Currency, spec::given};

fn states() -> [(&'static str, Vec<Event>); 7] {
    let [started, pending, unknown, failed, expired, completed, ..] = &example::events()[..] else { unreachable!() };
    let after = |event: &Event| vec![started.clone(), event.clone()];
    [
        ("none", vec![]),
        ("started", vec![started.clone()]),
        ("pending", after(pending)),
        ("unknown", after(unknown)),
        ("completed", after(completed)),
        ("failed", after(failed)),
        ("expired", after(expired)),
    ]
}

/// Every state × everything that may be heard of it: how many facts follow, or why not.
#[test]
fn every_state_and_everything_that_may_be_heard() {
    use Rejection::{AlreadyCompleted, NotStarted, NotYetExpired, OutcomeUnknown};
    let commands = [
        Command::NotePending(NotePending { gateway_reference: code("G-77"), at: at(1) }),
        Command::NoteCompleted(complete()),
        Command::NoteFailed(NoteFailed { cause: code("declined"), at: at(4) }),
        Command::NoteUnknown(NoteUnknown { asked_at: at(3) }),
        Command::ExpirePayment(ExpirePayment { at: at(15) }),
        Command::ExpirePayment(ExpirePayment { at: at(14) }),
    ];
    let early = || Err(NotYetExpired { expires_at: at(15) });
    let missing = [const { Err(NotStarted) }; 6];
    let grid = [
        missing,
        [Ok(1), Ok(1), Ok(1), Ok(1), Ok(1), early()],
        [Ok(0), Ok(1), Ok(1), Ok(1), Ok(1), early()],
        [Ok(1), Ok(1), Ok(1), Ok(0), Err(OutcomeUnknown), Err(OutcomeUnknown)],
        [Ok(0), Ok(0), Err(AlreadyCompleted), Ok(0), Ok(0), Ok(0)],
        [Ok(0), Ok(1), Ok(0), Ok(0), Ok(0), Ok(0)],
        [Ok(0), Ok(1), Ok(0), Ok(0), Ok(0), Ok(0)],
    ];
    for ((state, facts), row) in states().into_iter().zip(grid) {
        for (command, expected) in commands.iter().zip(row) {
            let payment = facts.iter().fold(Payment::default(), Payment::evolve);
            let outcome = payment.decide(command.clone());
            assert_eq!(outcome.as_ref().map(Vec::len).map_err(Clone::clone), expected, "{state}: {command:?}");
            if let Ok(events) = outcome {
                given::<Payment>(facts.clone()).when(command.clone()).then(events);
            }
        }
    }
}

#[test]
fn a_late_success_is_honoured_once() {
    let [.., (_, failed), (_, expired)] = states();
    for facts in [failed, expired] {
        given::<Payment>(facts.clone()).when(Command::NoteCompleted(complete())).then([completed(true)]);
        given::<Payment>(facts.into_iter().chain([completed(true)])).when(Command::NoteCompleted(complete())).then_nothing();
    }
}

#[test]
fn an_unknown_payment_is_asked_about_again_and_counted() {
    let [_, _, _, (_, unknown), ..] = states();
    let ask = |minutes| Command::NoteUnknown(NoteUnknown { asked_at: at(minutes) });
    given::<Payment>(unknown).when(ask(8)).then([PaymentUnknown { asked_at: at(8), times: 2 }.into()]);
}

#[test]
fn a_success_of_something_else_is_none() {
    let [_, _, (_, pending), _, (_, completed), ..] = states();
    let other = NoteCompleted { gateway_reference: code("G-78"), ..complete() };
    for facts in [&pending, &completed] {
        let rejection = Rejection::OtherReference(code("G-77"));
        given::<Payment>(facts.clone()).when(Command::NoteCompleted(other.clone())).then_rejected(rejection);
    }
    // A thousand to the dinar: a gateway that thinks in hundreds is caught.
    for amount in [Money::new(1_150, Currency::SAR), Money::new(11_500, Currency::KWD)] {
        let wrong = Command::NoteCompleted(NoteCompleted { amount, ..complete() });
        given::<Payment>(pending.clone()).when(wrong).then_rejected(Rejection::AmountDiffers { expected: start().amount, found: amount });
    }
}

#[test]
fn a_payment_is_started_once() {
    given::<Payment>([]).when(Command::StartPayment(start())).then([started()]);
    let other = StartPayment { amount: Money::new(1, Currency::SAR), ..start() };
    given::<Payment>([started()]).when(Command::StartPayment(other)).then_rejected(Rejection::PaymentIdReused);
    let minimum = start().minimum;
    for (wish, rejection) in [
        (StartPayment { amount: Money::new(0, Currency::SAR), ..start() }, Rejection::AmountNotPositive),
        (StartPayment { amount: Money::new(999, Currency::SAR), ..start() }, Rejection::BelowMinimum { minimum }),
        (StartPayment { amount: Money::new(5_000, Currency::KWD), ..start() }, Rejection::BelowMinimum { minimum }),
        (StartPayment { expires_at: at(0), ..start() }, Rejection::ExpiresBeforeStart),
    ] {
        given::<Payment>([]).when(Command::StartPayment(wish)).then_rejected(rejection);
    }
}

#[test]
fn a_debt_of_less_than_the_least_payment_is_paid_as_a_whole_or_not_at_all() {
    let wish = |minor, owed| {
        let [amount, owed] = [minor, owed].map(|minor| Money::new(minor, Currency::SAR));
        Command::StartPayment(StartPayment { amount, owed, ..start() })
    };
    let started = |minor| {
        let Event::PaymentStarted(fact) = started() else { unreachable!() };
        Event::from(PaymentStarted { amount: Money::new(minor, Currency::SAR), ..fact })
    };
    let below = Rejection::BelowMinimum { minimum: start().minimum };
    given::<Payment>([]).when(wish(999, 999)).then([started(999)]);
    given::<Payment>([]).when(wish(1_000, 5_000)).then([started(1_000)]);
    for (minor, owed) in [(998, 999), (999, 1_001), (999, 0)] {
        given::<Payment>([]).when(wish(minor, owed)).then_rejected(below.clone());
    }
}

/// Whatever the gateway keeps to itself it is asked about: soon, and less often the longer it is silent.
#[test]
fn when_a_gateway_is_asked() {
    let minutes = |payment: &Payment| payment.ask_at().map(|ask_at| (ask_at - at(0)).num_minutes());
    let expected = [None, Some(2), Some(2), Some(5), None, None, None];
    for ((state, facts), expected) in states().into_iter().zip(expected) {
        let payment = facts.iter().fold(Payment::default(), Payment::evolve);
        assert_eq!(minutes(&payment), expected, "{state}");
    }
    let silent = |times| Payment::default().evolve(&started()).evolve(&PaymentUnknown { asked_at: at(0), times }.into());
    assert_eq!([1, 2, 3, 6, 7, u32::MAX].map(|times| minutes(&silent(times))), [2, 4, 8, 64, 64, 64].map(Some));
}

#[test]
fn a_refund_is_open_until_the_gateway_answers() {
    let [.., requested, failed, _] = &example::events()[..] else { unreachable!() };
    let open = |facts: &[Event]| facts.iter().fold(Payment::default(), Payment::evolve).open_refunds().count();
    let paid = [started(), completed(false), requested.clone()];
    assert_eq!((open(&paid), open(&[&paid[..], std::slice::from_ref(failed)].concat())), (1, 0));
}
