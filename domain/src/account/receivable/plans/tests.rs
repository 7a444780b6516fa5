//! Plans by examples, a grid of every state and command, and what is always so.

use proptest::prelude::*;

use super::*;
use crate::{
    Actor, Decider,
    account::{
        ApplyDeposit, AssessLateFee, ChargeKind, Command, DisputeItem, FreeAllocations, LateFee, LateFeeRule, RecordPayment,
        ReviewLateFees, SettleFinally, Tender, WriteOff, WriteOffSmallBalances, example::*,
    },
    invoice::Surplus,
    spec::given,
};

/// Two bills that are late and one that is not due yet.
fn three() -> [Event; 3] {
    [("2024-02-15", 1), ("2024-03-16", 2), ("2024-04-16", 3)].map(|(due, n)| charged(ChargeOf { n, due, ..ChargeOf::default() }))
}

const THIRDS: [(&str, i64); 3] = [("2024-05-01", 7_666), ("2024-06-02", 7_666), ("2024-07-01", 7_668)];

fn over_two() -> PlanAgreed {
    plan_agreed(1, &[(1, 11_500), (2, 11_500)], &THIRDS)
}

fn on_a_plan() -> Vec<Event> {
    [&three()[..], &[over_two().into()]].concat()
}

fn after(facts: impl IntoIterator<Item = Event>, command: impl Into<Command>) -> (Vec<Event>, Vec<Event>) {
    let facts: Vec<_> = facts.into_iter().collect();
    let events = decided(&account(facts.clone()), command);
    ([facts, events.clone()].concat(), events)
}

fn paid_on(n: u32, minor: i64, on: &str) -> RecordPayment {
    let value_on = day(on);
    RecordPayment { value_on, received_at: value_on.and_hms_opt(9, 0, 0).unwrap().and_utc(), ..record_payment(n, minor) }
}

fn cancel(n: u128) -> CancelPlan {
    CancelPlan { plan_id: plan_id(n), on: day("2024-05-07"), reason: reason("a new plan follows") }
}

fn asked() -> CancelCause {
    CancelCause::Asked { reason: reason("a new plan follows") }
}

fn missed(due: &str, minor: i64, on: &str) -> Event {
    InstalmentMissed { plan_id: plan_id(1), due_on: day(due), missing: sar(minor), on: day(on) }.into()
}

fn completed(on: &str) -> Event {
    PlanCompleted { plan_id: plan_id(1), on: day(on) }.into()
}

fn planned(facts: &[Event]) -> (i64, i64) {
    let account = account(facts.iter().cloned());
    let receivable = account.receivable();
    (receivable.planned(Currency::SAR).minor, receivable.due(Currency::SAR).minor)
}

fn rule(change: impl FnOnce(&mut serde_json::Value)) -> Result<PlanRule, serde_json::Error> {
    let mut terms = serde_json::from_str(include_str!("../../../../../fixtures/collections/plans-ksa.json")).unwrap();
    change(&mut terms);
    serde_json::from_value(terms)
}

#[test]
fn what_is_due_is_divided_and_the_last_part_takes_what_does_not_divide() {
    given::<Account>([&[opened()][..], &three()].concat()).when(agree_plan(1, 3).into()).then([over_two().into()]);
    assert_eq!(planned(&on_a_plan()), (23_000, 34_500));
    let rest_first = rule(|terms| (terms["remainder"], terms["downPaymentPercent"]) = ("first".into(), "0".into())).unwrap();
    let first = AgreePlan { rule: rest_first, ..agree_plan(1, 3) };
    let (_, events) = after(three(), first);
    let Event::PlanAgreed(fact) = &events[0] else { panic!("{events:?}") };
    assert_eq!(fact.instalments.iter().map(|part| part.amount.minor).collect::<Vec<_>>(), [7_668, 7_666, 7_666]);
}

#[test]
fn instalments_are_a_month_apart_and_on_no_day_of_rest() {
    let wish = AgreePlan { on: day("2024-01-20"), first_on: day("2024-01-31"), ..agree_plan(1, 5) };
    let (_, events) = after([charged(ChargeOf { issued: "2023-12-01", due: "2023-12-16", ..ChargeOf::default() })], wish);
    let Event::PlanAgreed(fact) = &events[0] else { panic!("{events:?}") };
    let dates: Vec<_> = fact.instalments.iter().map(|part| part.due_on.to_string()).collect();
    // The 31st of March was a Sunday; the 29th of February a Thursday.
    assert_eq!(dates, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-06-02"]);
}

#[test]
fn what_is_named_is_covered_also_before_it_is_due() {
    let wish = AgreePlan { items: vec![invoice(3)], ..agree_plan(1, 2) };
    let agreed = plan_agreed(1, &[(3, 11_500)], &[("2024-05-01", 5_750), ("2024-06-02", 5_750)]);
    given::<Account>([&[opened()][..], &three()].concat()).when(wish.into()).then([agreed.into()]);
}

#[test]
fn credit_that_lies_idle_pays_before_the_rest_is_divided() {
    let wish = AgreePlan { on: day("2024-04-02"), ..agree_plan(1, 1) };
    let (facts, events) = after([opening_balance()], wish);
    assert_eq!(allocations(&events), [(opening_item(), 500)]);
    assert_eq!(planned(&facts), (12_000, 12_000));
}

#[test]
fn the_current_instalment_is_paid_first_then_other_debts_and_then_the_rest_of_the_plan() {
    for (minor, paid) in [
        (7_000, vec![(invoice(1), 7_000)]),
        (8_000, vec![(invoice(1), 7_666), (invoice(3), 334)]),
        (20_000, vec![(invoice(1), 7_666), (invoice(3), 11_500), (invoice(1), 834)]),
        (34_500, vec![(invoice(1), 7_666), (invoice(3), 11_500), (invoice(1), 3_834), (invoice(2), 11_500)]),
    ] {
        assert_eq!(allocations(&after(on_a_plan(), paid_on(1, minor, "2024-04-20")).1), paid, "{minor}");
    }
    // In the next month the next one is current, whether the first was paid or not.
    let june = |facts| allocations(&after(facts, paid_on(2, 16_000, "2024-05-20")).1);
    assert_eq!(june(on_a_plan()), [(invoice(1), 11_500), (invoice(2), 3_832), (invoice(3), 668)]);
    let (paid, _) = after(on_a_plan(), paid_on(1, 7_666, "2024-04-20"));
    assert_eq!(june(paid), [(invoice(1), 3_834), (invoice(2), 3_832), (invoice(3), 8_334)]);
    // In proportion, too, the plan is one debt and the others another.
    let shared = RecordPayment { policy: Some(AllocationPolicy::ProRata), ..paid_on(1, 8_000, "2024-04-20") };
    assert_eq!(allocations(&after(on_a_plan(), shared).1), [(invoice(1), 7_666), (invoice(3), 334)]);
}

#[test]
fn what_the_customer_says_goes_before_the_plan() {
    let directed = RecordPayment { directed: vec![invoice(3)], ..paid_on(1, 12_000, "2024-04-20") };
    assert_eq!(allocations(&after(on_a_plan(), directed).1), [(invoice(3), 11_500), (invoice(1), 500)]);
}

#[test]
fn a_payment_says_that_it_pays_of_a_plan_and_the_last_completes_it() {
    let (facts, events) = after(on_a_plan(), paid_on(1, 34_500, "2024-04-20"));
    let plans: Vec<_> =
        events.iter().filter_map(|event| if let Event::CreditAllocated(fact) = event { Some(fact.plan) } else { None }).collect();
    let ours = Some(plan_id(1));
    assert_eq!(plans, [ours, None, ours, ours]);
    assert_eq!(events.last(), Some(&completed("2024-04-20")));
    assert_eq!(planned(&facts), (0, 0));
    assert_eq!(
        account(facts).receivable().plans().next().map(|plan| (plan.state(), plan.paid())),
        Some((PlanState::Completed, sar(23_000)))
    );
}

/// The books of a plan do not move before those of its agreement, and its end not before its payments.
#[test]
fn money_that_came_before_the_agreement_and_is_told_after_it_moves_the_books_after_it() {
    let (facts, events) = after(on_a_plan(), paid_on(1, 500, "2024-03-20"));
    let Event::CreditAllocated(fact) = &events[1] else { panic!("{events:?}") };
    assert_eq!((fact.paid_on, fact.effective_on), (day("2024-03-20"), day("2024-04-01")));
    let (facts, _) = after(facts, paid_on(2, 500, "2024-05-20"));
    let (_, events) = after(facts, cancel(1));
    let Event::PlanCancelled(fact) = &events[0] else { panic!("{events:?}") };
    assert_eq!((fact.on, fact.effective_on, fact.remaining), (day("2024-05-07"), day("2024-05-20"), sar(22_000)));
}

#[test]
fn an_instalment_that_is_missed_is_warned_about_and_then_breaks_the_plan() {
    let on_plan = || [vec![opened()], on_a_plan()].concat();
    given::<Account>(on_plan()).when(review_plan("2024-05-01").into()).then_nothing();
    given::<Account>(on_plan()).when(review_plan("2024-05-02").into()).then([missed("2024-05-01", 7_666, "2024-05-02")]);
    let warned = || [on_plan(), vec![missed("2024-05-01", 7_666, "2024-05-02")]].concat();
    given::<Account>(warned()).when(review_plan("2024-05-06").into()).then_nothing();
    // A day long over, ended again.
    given::<Account>(warned()).when(review_plan("2024-04-30").into()).then_nothing();
    let broken = plan_broken(1, BreakCause::InstalmentMissed { due_on: day("2024-05-01") }, &[(1, 11_500), (2, 11_500)], "2024-05-07");
    given::<Account>(warned()).when(review_plan("2024-05-07").into()).then([broken.clone()]);
    given::<Account>([warned(), vec![broken]].concat()).when(review_plan("2024-05-08").into()).then_nothing();
    // All but a halala is not all.
    let (facts, _) = after(on_a_plan(), paid_on(1, 7_665, "2024-04-30"));
    assert_eq!(decided(&account(facts.clone()), review_plan("2024-05-02")), [missed("2024-05-01", 1, "2024-05-02")]);
    let (facts, _) = after(facts, paid_on(2, 1, "2024-05-03"));
    assert_eq!(decided(&account(facts), review_plan("2024-05-07")), []);
}

#[test]
fn a_review_that_comes_late_leaves_its_days_of_grace_and_one_without_any_breaks_at_once() {
    assert_eq!(decided(&account(on_a_plan()), review_plan("2024-06-20")), [missed("2024-05-01", 15_332, "2024-06-20")]);
    let strict = PlanAgreed { grace_days: 0, ..over_two() };
    let cause = BreakCause::InstalmentMissed { due_on: day("2024-05-01") };
    let broken = plan_broken(1, cause, &[(1, 11_500), (2, 11_500)], "2024-05-02");
    given::<Account>([&[opened()][..], &three(), &[strict.into()]].concat())
        .when(review_plan("2024-05-02").into())
        .then([missed("2024-05-01", 7_666, "2024-05-02"), broken]);
}

#[test]
fn a_broken_plan_leaves_the_debt_as_old_as_it_is() {
    let before = account(three());
    let cause = BreakCause::InstalmentMissed { due_on: day("2024-05-01") };
    let broken = plan_broken(1, cause, &[(1, 11_500), (2, 11_500)], "2024-05-07");
    let on_plan = account(on_a_plan());
    let as_of = day("2024-05-07");
    let aged = |account: &Account| account.receivable().aged(Currency::SAR, as_of);
    assert_eq!((aged(&on_plan).planned, aged(&on_plan).bands.values().map(|band| band.minor).sum::<i64>()), (sar(23_000), 11_500));
    let debt = |account: &Account| account.receivable().debt(Currency::SAR);
    assert_eq!(debt(&on_plan).owed.len(), 1, "what is under the plan is not asked for");
    assert_eq!(on_plan.receivable().debt_with_disputed(Currency::SAR), debt(&on_plan));
    let after = account([on_a_plan(), vec![broken]].concat());
    assert_eq!((aged(&after), debt(&after)), (aged(&before), debt(&before)));
}

#[test]
fn a_payment_that_bounces_breaks_the_plan_that_it_had_paid_of() {
    let (facts, _) = after(on_a_plan(), paid_on(1, 7_666, "2024-04-20"));
    let (facts, events) = after(facts, reverse_payment(1));
    assert_eq!(events[0], plan_broken(1, BreakCause::PaymentReversed, &[(1, 3_834), (2, 11_500)], "2025-05-01"));
    assert!(matches!(&events[1..], [Event::AllocationFreed(_), Event::PaymentReversed(_)]), "{events:?}");
    assert_eq!(planned(&facts), (0, 34_500));
    // One that had paid another debt does not.
    let directed = RecordPayment { directed: vec![invoice(3)], ..paid_on(1, 11_500, "2024-04-20") };
    let (facts, _) = after(on_a_plan(), directed);
    assert_eq!(planned(&after(facts, reverse_payment(1)).0), (23_000, 34_500));
}

#[test]
fn a_payment_from_before_that_bounces_makes_the_debt_another_and_ends_the_plan() {
    let (facts, _) = after(three(), paid_on(1, 1_000, "2024-03-20"));
    let (facts, _) = after(facts, agree_plan(1, 3));
    let (facts, events) = after(facts, reverse_payment(1));
    assert_eq!(events[0], plan_broken(1, BreakCause::PaymentReversed, &[(1, 10_500), (2, 11_500)], "2025-05-01"));
    assert_eq!(planned(&facts), (0, 34_500));
}

#[test]
fn a_completed_plan_whose_money_had_not_come_is_broken_after_all() {
    let (facts, _) = after(on_a_plan(), paid_on(1, 34_500, "2024-04-20"));
    let (facts, events) = after(facts, reverse_payment(1));
    assert_eq!(events[0], plan_broken(1, BreakCause::PaymentReversed, &[], "2025-05-01"));
    let soon = AgreePlan { on: day("2025-06-01"), first_on: day("2025-06-10"), ..agree_plan(2, 3) };
    assert_eq!(account(facts).decide(soon.into()), Err(Rejection::PlanBrokenBefore { from: day("2026-05-01") }));
}

#[test]
fn the_down_payment_comes_before_the_plan_and_ends_it_if_it_bounces() {
    let with = |down_payment| AgreePlan { down_payment, rule: rule(|_| ()).unwrap(), on: day("2024-04-09"), ..agree_plan(1, 3) };
    let refused = |facts: Vec<Event>, wish: AgreePlan, why| assert_eq!(account(facts).decide(wish.into()), Err(why));
    let least = |minor| Rejection::DownPaymentTooSmall { least: sar(minor) };
    refused(three().to_vec(), with(None), least(11_500));
    refused(three().to_vec(), with(Some(payment_id(1))), Rejection::NoSuchPayment);
    let (little, _) = after(three(), record_payment(1, 11_499));
    refused(little, with(Some(payment_id(1))), least(11_500));
    // Half of what was due, and what is left in three parts.
    let (facts, _) = after(three(), record_payment(1, 11_500));
    let (facts, events) = after(facts, with(Some(payment_id(1))));
    let Event::PlanAgreed(fact) = &events[0] else { panic!("{events:?}") };
    let paid = DownPayment { payment_id: payment_id(1), amount: sar(11_500) };
    assert_eq!((fact.total, fact.down_payment, fact.instalments[2].amount), (sar(11_500), Some(paid), sar(3_834)));
    let (bounced, events) = after(facts.clone(), reverse_payment(1));
    assert_eq!(events[0], plan_broken(1, BreakCause::PaymentReversed, &[(2, 11_500)], "2025-05-01"));
    // It opens one plan, and only one, and not if it came before the debt was due.
    let (again, _) = after(facts, CancelPlan { on: day("2024-04-09"), ..cancel(1) });
    refused(again, AgreePlan { plan_id: plan_id(2), ..with(Some(payment_id(1))) }, least(5_750));
    let later = AgreePlan { on: day("2025-05-02"), first_on: day("2025-05-03"), rule: again_at_once(), ..with(Some(payment_id(1))) };
    refused(bounced, AgreePlan { plan_id: plan_id(2), ..later }, Rejection::PaymentWasReversed);
    let (early, _) = after(three(), paid_on(1, 11_500, "2024-02-14"));
    refused(early, with(Some(payment_id(1))), least(5_750));
}

fn again_at_once() -> PlanRule {
    rule(|terms| terms["brokenWithinMonths"] = 0.into()).unwrap()
}

#[test]
fn whoever_broke_a_plan_waits_for_another() {
    let broken = plan_broken(1, BreakCause::PaymentReversed, &[(1, 11_500), (2, 11_500)], "2024-05-07");
    let facts = [vec![opened()], on_a_plan(), vec![broken]].concat();
    let wish = |on: &str| AgreePlan { on: day(on), first_on: day(on) + Days::new(1), ..agree_plan(2, 3) };
    given::<Account>(facts.clone()).when(wish("2025-05-06").into()).then_rejected(Rejection::PlanBrokenBefore { from: day("2025-05-07") });
    assert_eq!(decided(&account(facts.into_iter().skip(1)), wish("2025-05-07")).len(), 1);
    // One that was cancelled is not held against anybody.
    let facts = [on_a_plan(), vec![plan_cancelled(1, asked(), &[(1, 11_500), (2, 11_500)], "2024-04-01")]].concat();
    assert_eq!(decided(&account(facts), agree_plan(2, 3)).len(), 1);
}

#[test]
fn plans_that_are_refused() {
    let late = Rejection::FirstInstalmentTooLate { last: day("2024-05-02") };
    let with = |facts: &[Event], wish: AgreePlan, why| {
        given::<Account>([&[opened()][..], facts].concat()).when(wish.into()).then_rejected(why);
    };
    with(&three(), AgreePlan { first_on: day("2024-04-01"), ..agree_plan(1, 3) }, late);
    with(&three(), AgreePlan { first_on: day("2024-05-03"), ..agree_plan(1, 3) }, late);
    with(&three(), agree_plan(1, 0), Rejection::TooManyInstalments { most: 12 });
    with(&three(), agree_plan(1, 13), Rejection::TooManyInstalments { most: 12 });
    with(&[], agree_plan(1, 3), Rejection::DebtTooSmall { least: sar(10_000) });
    with(&[charged(ChargeOf { minor: 9_999, ..ChargeOf::default() })], agree_plan(1, 3), Rejection::DebtTooSmall { least: sar(10_000) });
    with(&three(), AgreePlan { items: vec![invoice(9)], ..agree_plan(1, 3) }, Rejection::NoSuchItem);
    let disputed = [&three()[..], &[item_disputed(1)]].concat();
    with(&disputed, AgreePlan { items: vec![invoice(1)], ..agree_plan(1, 3) }, Rejection::NotForAPlan);
    let unissued = charged(ChargeOf { issued: "2024-04-02", due: "2024-04-17", ..ChargeOf::default() });
    with(&[unissued], AgreePlan { items: vec![invoice(1)], ..agree_plan(1, 3) }, Rejection::NotForAPlan);
    given::<Account>([]).when(agree_plan(1, 3).into()).then_rejected(Rejection::NotOpen);
    // Too little for a part each.
    let tiny = rule(|terms| (terms["smallestDebts"], terms["downPaymentPercent"]) = (serde_json::json!([]), "0".into())).unwrap();
    with(
        &[charged(ChargeOf { minor: 2, vat: 0, ..ChargeOf::default() })],
        AgreePlan { rule: tiny, ..agree_plan(1, 3) },
        Rejection::DebtTooSmall { least: sar(3) },
    );
}

#[test]
fn nothing_of_it_is_covered_while_it_is_disputed_or_was_given_up() {
    let disputed = [&three()[..], &[item_disputed(1)]].concat();
    let (facts, _) = after(disputed, agree_plan(1, 3));
    assert_eq!(planned(&facts), (11_500, 34_500));
}

/// Every state of a plan × every command about it, or about what it covers.
#[test]
fn what_each_state_of_a_plan_allows() {
    use Rejection::{NoSuchPlan, OnAPlan, PlanBrokenBefore, PlanIdReused, PlanRuns};
    let (id, item, on) = (plan_id(1), invoice(1), day("2024-05-07"));
    let why = || reason("made up");
    let given_up = || WriteOff { item, approved_by: Actor::user("9"), limit: sar(99_999), on, reason: why() };
    let late = || LateFeeRule { fee: LateFee::Fixed(sar(100)), cap: None, grace_days: 0 };
    let commands: [Command; 9] = [
        agree_plan(1, 3).into(),
        agree_plan(1, 4).into(),
        agree_plan(2, 3).into(),
        review_plan("2024-05-07").into(),
        cancel(1).into(),
        DisputeItem { item, on, reason: why() }.into(),
        given_up().into(),
        AssessLateFee { item, rule: late(), on }.into(),
        FreeAllocations { item, on, reason: why() }.into(),
    ];
    let open = [(1, 11_500), (2, 11_500)];
    let plan = || [vec![opened()], on_a_plan()].concat();
    let ended = |event: Event| [plan(), vec![event]].concat();
    let (paid, _) = after(on_a_plan(), paid_on(1, 23_000 + 11_500, "2024-04-01"));
    let from = day("2025-04-01");
    type Row = (&'static str, Vec<Event>, [Result<usize, Rejection>; 9]);
    let free = [Ok(1), Ok(1), Ok(1), Ok(1)];
    let grid: [Row; 6] = [
        ("none", [&[opened()][..], &three()].concat(), rows([Ok(1), Ok(1), Ok(1), Ok(0), Err(NoSuchPlan)], free)),
        (
            "running",
            plan(),
            rows([Ok(0), Err(PlanIdReused), Err(PlanRuns(id)), Ok(1), Ok(1)], [Err(OnAPlan(id)), Err(OnAPlan(id)), Ok(0), Ok(2)]),
        ),
        (
            "warned",
            ended(missed("2024-05-01", 7_666, "2024-05-02")),
            rows([Ok(0), Err(PlanIdReused), Err(PlanRuns(id)), Ok(1), Ok(1)], [Err(OnAPlan(id)), Err(OnAPlan(id)), Ok(0), Ok(2)]),
        ),
        (
            "broken",
            ended(plan_broken(1, BreakCause::PaymentReversed, &open, "2024-04-01")),
            rows([Ok(0), Err(PlanIdReused), Err(PlanBrokenBefore { from }), Ok(0), Ok(0)], free),
        ),
        ("cancelled", ended(plan_cancelled(1, asked(), &open, "2024-04-01")), rows([Ok(0), Err(PlanIdReused), Ok(1), Ok(0), Ok(0)], free)),
        (
            "completed",
            [vec![opened()], paid].concat(),
            rows(
                [Ok(0), Err(PlanIdReused), Err(Rejection::DebtTooSmall { least: sar(10_000) }), Ok(0), Ok(0)],
                // Of the three allocations that had paid it, one was before the other debt.
                [Ok(1), Ok(0), Ok(0), Ok(2)],
            ),
        ),
    ];
    for (state, facts, expected) in grid {
        for (command, expected) in commands.iter().zip(expected) {
            let account = facts.iter().fold(Account::default(), Account::evolve);
            let found = account.decide(command.clone());
            assert_eq!(found.clone().map(|events| events.len()), expected, "{state} {command:?}");
            if let Ok(events) = found {
                given::<Account>(facts.clone()).when(command.clone()).then(events);
            }
        }
    }
}

fn rows(plan: [Result<usize, Rejection>; 5], covered: [Result<usize, Rejection>; 4]) -> [Result<usize, Rejection>; 9] {
    let [a, b, c, d, e] = plan;
    let [f, g, h, i] = covered;
    [a, b, c, d, e, f, g, h, i]
}

#[test]
fn what_is_billed_anew_ends_the_plan_without_a_reproach() {
    let (facts, events) = after(on_a_plan(), FreeAllocations { item: invoice(2), on: day("2024-05-07"), reason: reason("wrong tariff") });
    assert_eq!(events[0], plan_cancelled(1, CancelCause::Rebill, &[(1, 11_500), (2, 11_500)], "2024-05-07"));
    assert_eq!(planned(&facts), (0, 34_500));
    // Another bill's rebilling is nothing to it.
    let other = FreeAllocations { item: invoice(3), on: day("2024-05-07"), reason: reason("wrong tariff") };
    assert_eq!(planned(&after(on_a_plan(), other).0), (23_000, 34_500));
}

#[test]
fn an_opening_balance_that_was_wrong_ends_the_plan_over_it() {
    let (facts, _) = after([opening_balance()], AgreePlan { on: day("2024-04-02"), ..agree_plan(1, 1) });
    let Event::OpeningBalanceReversed(crate::account::OpeningBalanceReversed { batch_id, row, reason, .. }) = opening_balance_reversed()
    else {
        unreachable!()
    };
    let reverse = Command::ReverseOpeningBalance(crate::account::ReverseOpeningBalance { batch_id, row, reason });
    let (facts, events) = after(facts, reverse);
    assert!(
        matches!(&events[0], Event::PlanCancelled(PlanCancelled { cause: CancelCause::OpeningReversed, remaining, .. }) if *remaining == sar(12_000)),
        "{events:?}"
    );
    assert_eq!(planned(&facts), (0, 0));
}

#[test]
fn a_credit_note_for_what_is_covered_pays_the_instalments_that_come_first() {
    let (facts, events) = after(on_a_plan(), credit_account(1, 2, 7_666, Surplus::AccountCredit));
    assert_eq!(allocations(&events), [(invoice(2), 7_666)]);
    assert_eq!(decided(&account(facts.clone()), review_plan("2024-05-07")), []);
    assert_eq!(decided(&account(facts), review_plan("2024-06-03")), [missed("2024-06-02", 7_666, "2024-06-03")]);
}

#[test]
fn a_deposit_pays_of_it_and_whoever_leaves_goes_on_paying() {
    let facts = [on_a_plan(), vec![deposit_taken(1, 20_000)]].concat();
    let apply = ApplyDeposit { deposit_id: deposit_id(1), item: invoice(2), on: day("2024-04-20") };
    assert_eq!(planned(&after(facts.clone(), apply).0), (11_500, 23_000));
    let settle = SettleFinally {
        refund_id: refund_id(7),
        tender: Tender::Transfer,
        approved_by: Actor::user("9"),
        on: day("2024-04-20"),
        reason: reason("moved away"),
    };
    let (facts, events) = after(facts, settle.clone());
    assert_eq!(allocations(&events), [(invoice(1), 7_666), (invoice(3), 11_500), (invoice(1), 834)]);
    assert_eq!(planned(&facts), (14_500, 14_500));
    assert_eq!(decided(&account(facts.clone()), settle.clone()), [], "the account stays while the plan runs");
    let (facts, events) = after(facts, paid_on(1, 14_500, "2024-05-01"));
    assert_eq!(events.last(), Some(&completed("2024-05-01")));
    assert!(matches!(&decided(&account(facts), settle)[..], [Event::AccountClosed(_)]));
}

#[test]
fn less_than_a_coin_of_a_plan_is_not_given_up_while_it_runs() {
    let (facts, _) = after(on_a_plan(), paid_on(1, 34_450, "2024-04-20"));
    assert_eq!(planned(&facts), (50, 50));
    assert_eq!(decided(&account(facts.clone()), WriteOffSmallBalances { on: day("2024-08-01") }), []);
    let (facts, _) = after(facts, cancel(1));
    assert_eq!(decided(&account(facts), WriteOffSmallBalances { on: day("2024-08-01") }).len(), 1);
}

#[test]
fn fees_for_lateness_begin_again_when_the_plan_is_over() {
    let fee = |facts: Vec<Event>| {
        let rule = LateFeeRule { fee: LateFee::Fixed(sar(100)), cap: None, grace_days: 0 };
        decided(&account(facts), AssessLateFee { item: invoice(1), rule, on: day("2024-05-07") }).len()
    };
    assert_eq!(fee(on_a_plan()), 0);
    assert_eq!(fee(after(on_a_plan(), cancel(1)).0), 1);
    let review = ReviewLateFees { wrong: invoice(1), right: invoice(2), on: day("2024-05-07"), reason: reason("billed anew") };
    assert_eq!(decided(&account(on_a_plan()), review), []);
}

#[test]
fn a_repair_can_be_paid_in_parts_as_well() {
    let repair = charged(ChargeOf { kind: ChargeKind::Repair, ..ChargeOf::default() });
    assert_eq!(planned(&after([repair], agree_plan(1, 2)).0), (11_500, 11_500));
}

#[test]
fn a_rule_that_cannot_be_kept_is_refused_with_its_place() {
    for (name, value, why) in [
        ("smallestDebts", serde_json::json!([{ "minor": -1, "currency": "SAR" }]), "smallestDebts: an amount in SAR is below zero"),
        ("mostInstalments", 0.into(), "mostInstalments: a plan has from one to 120"),
        ("mostInstalments", 121.into(), "mostInstalments: a plan has from one to 120"),
        ("downPaymentPercent", "100".into(), "downPaymentPercent: from nothing to less than a hundred"),
        ("downPaymentPercent", "-1".into(), "downPaymentPercent: from nothing to less than a hundred"),
        ("firstWithinDays", 0.into(), "firstWithinDays: the first instalment is a day after"),
        ("restDays", serde_json::json!(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]), "restDays: a week has a day"),
        ("graceDay", 3.into(), "unknown field `graceDay`"),
    ] {
        let error = rule(|terms| terms[name] = value).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[derive(Clone, Debug)]
enum Turn {
    Days(u64),
    Bill(i64),
    Pay(i64),
    Direct(u128, i64),
    Reverse(u32),
    Credit(u128, i64),
    Agree(u32),
    Cancel,
    Rebill(u128),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        4 => (1..20_u64).prop_map(Turn::Days),
        3 => (100_i64..30_000).prop_map(Turn::Bill),
        4 => (1_i64..30_000).prop_map(Turn::Pay),
        1 => (1..12_u128, 1_i64..9_000).prop_map(|(n, minor)| Turn::Direct(n, minor)),
        1 => (1..20_u32).prop_map(Turn::Reverse),
        1 => (1..12_u128, 1_i64..9_000).prop_map(|(n, minor)| Turn::Credit(n, minor)),
        3 => (1..6_u32).prop_map(Turn::Agree),
        1 => Just(Turn::Cancel),
        1 => (1..12_u128).prop_map(Turn::Rebill),
    ];
    prop::collection::vec(turn, 1..60)
}

proptest! {
    /// Whatever is billed, paid, credited and taken back: instalments sum to what was covered, what was paid and is open and was handed back is
    /// the total, and the plan that runs is what is open of its items.
    #[test]
    fn plans_add_up(turns in turns()) {
        let (mut now, mut today) = (account([]), day("2024-03-01"));
        let (mut bills, mut payments, mut notes, mut plans) = (0, 0, 0, 0);
        for turn in turns {
            let command: Command = match turn {
                Turn::Days(days) => {
                    today = today + Days::new(days);
                    ReviewPlan { on: today }.into()
                }
                Turn::Bill(minor) => {
                    bills += 1;
                    let bill = charge(ChargeOf { n: bills, minor, vat: minor / 9, ..ChargeOf::default() });
                    crate::account::ChargeAccount { issued_on: today, due_on: today + Days::new(15), ..bill }.into()
                }
                Turn::Pay(minor) => {
                    payments += 1;
                    pay(payments, minor, today, vec![]).into()
                }
                Turn::Direct(n, minor) => {
                    payments += 1;
                    pay(payments, minor, today, vec![invoice(n)]).into()
                }
                Turn::Reverse(n) => crate::account::ReversePayment { on: today, ..reverse_payment(n) }.into(),
                Turn::Credit(n, minor) => {
                    notes += 1;
                    credit_account(notes, n, minor, Surplus::AccountCredit).into()
                }
                Turn::Agree(count) => {
                    plans += 1;
                    let first_on = today + Days::new(7);
                    AgreePlan { on: today, first_on, rule: any_plan_rule(), ..agree_plan(plans, count) }.into()
                }
                Turn::Cancel => CancelPlan { plan_id: plan_id(plans), on: today, ..cancel(plans) }.into(),
                Turn::Rebill(n) => FreeAllocations { item: invoice(n), on: today, reason: reason("wrong tariff") }.into(),
            };
            let Ok(events) = now.decide(command.clone()) else { continue };
            for event in &events {
                now = now.evolve(event);
                if let Event::PlanBroken(PlanBroken { plan_id, open, remaining, .. }) | Event::PlanCancelled(PlanCancelled { plan_id, open, remaining, .. }) = event {
                    prop_assert_eq!(open.iter().map(|open| open.amount.minor).sum::<i64>(), remaining.minor);
                    let plan = &now.receivable().plans[plan_id];
                    prop_assert_eq!(plan.paid.minor + remaining.minor, plan.agreed.total.minor);
                }
            }
            prop_assert_eq!(now.decide(command), Ok(vec![]));
            let receivable = now.receivable();
            prop_assert!(receivable.is_at_rest());
            for plan in receivable.plans() {
                let PlanAgreed { total, covered, instalments, .. } = plan.agreed();
                prop_assert_eq!(instalments.iter().map(|part| part.amount.minor).sum::<i64>(), total.minor);
                prop_assert_eq!(covered.iter().map(|part| part.amount.minor).sum::<i64>(), total.minor);
                prop_assert!(instalments.windows(2).all(|two| two[0].due_on < two[1].due_on && two[0].amount.minor > 0));
                if plan.state() == PlanState::Running {
                    prop_assert_eq!(plan.paid.minor + receivable.planned(Currency::SAR).minor, total.minor);
                    prop_assert!(plan.paid.minor < total.minor);
                }
            }
            prop_assert!(receivable.plans().filter(|plan| plan.state() == PlanState::Running).count() <= 1);
            prop_assert!(receivable.plan().is_some() || receivable.planned(Currency::SAR).is_zero());
        }
    }
}

fn pay(n: u32, minor: i64, value_on: NaiveDate, directed: Vec<ItemId>) -> RecordPayment {
    let received_at = value_on.and_hms_opt(9, 0, 0).unwrap().and_utc();
    let external_reference = code(&format!("R-{n}"));
    RecordPayment { payment_id: payment_id(n), external_reference, value_on, received_at, directed, ..record_payment(1, minor) }
}
