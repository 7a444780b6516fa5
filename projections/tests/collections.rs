//! How far dunning has come, and what became of orders.

use daftar_domain::{
    BillingEvent, Decider,
    account::example as accounts,
    disconnection::{self, Disconnection, example as orders},
    dunning::{self, EndCause, example as dunnings},
    ids::AccountId,
};
use daftar_projections::collections::{
    Collections, Filter, Stage, arrears, arrears_by_step, arrears_count, cases_of, count, holds_of, list, notices_of, order, orders_of,
    outcomes, timelines_of, to_do,
};
use expect_test::expect;
use uuid::Uuid;

use crate::spec::{database, project_all, projecting};

pub fn of_dunning(events: Vec<dunning::Event>) -> Vec<(Uuid, BillingEvent)> {
    events.into_iter().map(|event| (dunnings::ACCOUNT.into(), event.into())).collect()
}

pub fn of_order(events: Vec<disconnection::Event>) -> Vec<(Uuid, BillingEvent)> {
    events.into_iter().map(|event| (orders::ORDER.into(), event.into())).collect()
}

#[tokio::test]
async fn every_event_of_dunning_is_told() {
    projecting::<Collections>().when(of_dunning(dunnings::events())).then_all(expect![[r#"
        {"table":"dunning","row":{"owed": 50000, "runs": false, "step": "first", "since": "2024-04-15", "action": "reminder", "ladder": "ksa-1", "currency": "SAR", "position": 4, "taken_on": "2024-04-16", "account_id": "00000000-0000-0000-0000-000000000007"}}
        {"table":"hold","row":{"ground": "promiseToPay", "reason": "called on the phone", "hold_id": "00000000-0000-0000-0000-0000000003b7", "currency": "SAR", "position": 3, "promised": 50000, "held_from": "2024-04-20", "lifted_on": "2024-04-22", "account_id": "00000000-0000-0000-0000-000000000007", "held_until": "2024-04-27", "lift_reason": "has ended"}}
        {"table":"notice","row":{"owed": 50000, "step": "first", "since": "2024-04-15", "action": "reminder", "ladder": "ksa-1", "channel": "sms", "currency": "SAR", "position": 1, "taken_on": "2024-04-16", "template": "dunning-first", "account_id": "00000000-0000-0000-0000-000000000007"}}
        {"table":"outcome","row":{"owed": 50000, "step": "first", "cause": "settled", "since": "2024-04-15", "action": "reminder", "currency": "SAR", "ended_on": "2024-04-23", "position": 4, "account_id": "00000000-0000-0000-0000-000000000007"}}
    "#]]).await;
}

#[tokio::test]
async fn every_event_of_an_order_is_told() {
    let credited = (orders::ACCOUNT.into(), accounts::compensation_credited(1, 7_500).into());
    projecting::<Collections>().when(of_order(orders::events()).into_iter().chain([credited])).then_all(expect![[r#"
        {"table":"entry","row":{"at": "2024-07-15T04:00:00+00:00", "note": null, "what": "DisconnectionRequested", "actor": "job:spec", "stage": "requested", "position": 1, "revision": 0, "recorded_at": "2024-01-01T00:00:01+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T04:10:00+00:00", "note": null, "what": "DisconnectionApproved", "actor": "job:spec", "stage": "approved", "position": 2, "revision": 1, "recorded_at": "2024-01-01T00:00:02+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T04:20:00+00:00", "note": null, "what": "DisconnectionScheduled", "actor": "job:spec", "stage": "scheduled", "position": 3, "revision": 2, "recorded_at": "2024-01-01T00:00:03+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:00:00+00:00", "note": null, "what": "DisconnectionDispatched", "actor": "job:spec", "stage": "dispatched", "position": 4, "revision": 3, "recorded_at": "2024-01-01T00:00:04+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:05:00+00:00", "note": null, "what": "SwitchUnanswered", "actor": "job:spec", "stage": "dispatched", "position": 5, "revision": 4, "recorded_at": "2024-01-01T00:00:05+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:10:00+00:00", "note": null, "what": "DisconnectionExecuted", "actor": "job:spec", "stage": "cut", "position": 6, "revision": 5, "recorded_at": "2024-01-01T00:00:06+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:10:00+00:00", "note": "nobody opened", "what": "DisconnectionFailed", "actor": "job:spec", "stage": "failed", "position": 7, "revision": 6, "recorded_at": "2024-01-01T00:00:07+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:15:00+00:00", "note": null, "what": "DisconnectionRecalled", "actor": "job:spec", "stage": "recalled", "position": 8, "revision": 7, "recorded_at": "2024-01-01T00:00:08+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:20:00+00:00", "note": null, "what": "DisconnectionCancelled", "actor": "job:spec", "stage": "cancelled", "position": 9, "revision": 8, "recorded_at": "2024-01-01T00:00:09+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:15:00+00:00", "note": null, "what": "ReconnectionRequested", "actor": "job:spec", "stage": "restoring", "position": 10, "revision": 9, "recorded_at": "2024-01-01T00:00:10+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:16:00+00:00", "note": null, "what": "ReconnectionDispatched", "actor": "job:spec", "stage": "restoring", "position": 11, "revision": 10, "recorded_at": "2024-01-01T00:00:11+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T05:30:00+00:00", "note": "nobody opened", "what": "ReconnectionFailed", "actor": "job:spec", "stage": "restoring", "position": 12, "revision": 11, "recorded_at": "2024-01-01T00:00:12+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T07:16:00+00:00", "note": null, "what": "ReconnectionFellLate", "actor": "job:spec", "stage": "restoring", "position": 13, "revision": 12, "recorded_at": "2024-01-01T00:00:13+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"entry","row":{"at": "2024-07-15T07:20:00+00:00", "note": null, "what": "ReconnectionExecuted", "actor": "job:spec", "stage": "restored", "position": 14, "revision": 13, "recorded_at": "2024-01-01T00:00:14+00:00", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
        {"table":"work_order","row":{"fee": 5000, "way": "headEnd", "note": "nobody opened", "owed": 50000, "stage": "restored", "cut_at": "2024-07-15T05:10:00+00:00", "due_by": "2024-07-15T07:15:00+00:00", "attempts": 1, "currency": "SAR", "meter_id": "00000000-0000-0000-0000-000000000020", "moved_at": "2024-01-01T00:00:14+00:00", "position": 15, "revision": 13, "lifted_at": "2024-07-15T05:15:00+00:00", "account_id": "00000000-0000-0000-0000-000000000007", "lift_cause": "debtSettled", "unanswered": false, "planned_for": "2024-07-15T05:00:00+00:00", "restored_at": "2024-07-15T07:20:00+00:00", "compensation": 7500, "requested_at": "2024-07-15T04:00:00+00:00", "compensated_on": "2024-04-01", "terms_currency": "SAR", "disconnection_id": "00000000-0000-0000-0000-0000000003cb"}}
    "#]]).await;
}

/// The rows say of an order what the order itself would.
#[tokio::test]
async fn stages_are_those_of_the_aggregate() {
    let stage = |stage: disconnection::Stage| match stage {
        disconnection::Stage::Requested => Stage::Requested,
        disconnection::Stage::Approved => Stage::Approved,
        disconnection::Stage::Scheduled { .. } => Stage::Scheduled,
        disconnection::Stage::Dispatched => Stage::Dispatched,
        disconnection::Stage::Recalled => Stage::Recalled,
        disconnection::Stage::Failed => Stage::Failed,
        disconnection::Stage::Cancelled => Stage::Cancelled,
        disconnection::Stage::Cut => Stage::Cut,
        disconnection::Stage::Restoring { .. } => Stage::Restoring,
        disconnection::Stage::Restored => Stage::Restored,
    };
    let mut told = Vec::new();
    let mut state = Disconnection::default();
    for event in orders::events() {
        state = state.evolve(&event);
        told.push(state.stage().map(stage).unwrap());
    }
    let (_database, pool) = database().await;
    project_all::<Collections>(&pool, of_order(orders::events())).await;
    let seen = timelines_of(&pool, &[orders::ORDER]).await.unwrap();
    assert_eq!(seen.into_iter().map(|(_, entry)| entry.stage).collect::<Vec<_>>(), told);
}

#[tokio::test]
async fn debtors_and_orders_are_found() {
    let (_database, pool) = database().await;
    let db = &pool;
    let events = [of_dunning(vec![dunnings::events().remove(0)]), of_order(orders::events())].concat();
    let other = AccountId::new(Uuid::from_u128(8));
    let ended = dunnings::ended("2024-04-23", EndCause::OldestSettled);
    let more = [dunnings::taken("warning", dunning::Action::Warning, dunning::Channel::Letter, "2024-04-20", "2024-04-01"), ended];
    let of_other = |event: dunning::Event| match event {
        dunning::Event::DunningStepTaken(fact) => dunning::DunningStepTaken { account_id: other, ..fact }.into(),
        dunning::Event::DunningEnded(fact) => dunning::DunningEnded { account_id: other, ..fact }.into(),
        event @ (dunning::Event::DunningHeld(_) | dunning::Event::DunningHoldLifted(_)) => event,
    };
    let more = more.into_iter().map(|event| (Uuid::from(other), BillingEvent::from(of_other(event))));
    project_all::<Collections>(db, events.into_iter().chain(more)).await;

    let both = [dunnings::ACCOUNT, other];
    let step = |case: &daftar_projections::collections::Case| case.step.to_string();
    assert_eq!(cases_of(db, &both).await.unwrap().iter().map(step).collect::<Vec<_>>(), ["first"]);
    let first = dunnings::ladder().version().clone();
    assert_eq!(arrears(db, Some(&first), None, 9).await.unwrap(), []);
    assert_eq!(arrears(db, None, None, 9).await.unwrap().len(), 1);
    assert_eq!(arrears(db, None, Some(dunnings::ACCOUNT), 9).await.unwrap(), []);
    assert_eq!((arrears_count(db, None).await.unwrap(), arrears_count(db, Some(&first)).await.unwrap()), (1, 0));
    let steps = arrears_by_step(db).await.unwrap();
    assert_eq!(steps.iter().map(|step| (step.accounts, step.owed)).collect::<Vec<_>>(), [(1, dunnings::sar(50_000))]);
    let found = outcomes(db, dunnings::day("2024-04-23"), dunnings::day("2024-04-24")).await.unwrap();
    assert_eq!(found.iter().map(|found| (found.step.as_str(), found.cause)).collect::<Vec<_>>(), [("warning", EndCause::OldestSettled)]);
    assert_eq!(outcomes(db, dunnings::day("2024-04-01"), dunnings::day("2024-04-23")).await.unwrap(), []);
    let notices = notices_of(db, &both, 1).await.unwrap();
    assert_eq!(
        notices.iter().map(|(id, notice)| (*id, notice.step.as_str())).collect::<Vec<_>>(),
        [(both[0], "first"), (both[1], "warning")]
    );
    assert_eq!(holds_of(db, &both).await.unwrap(), []);

    let restored = Filter { account_id: Some(orders::ACCOUNT), stage: Some(Stage::Restored), ..Filter::default() };
    assert_eq!((count(db, &restored).await.unwrap(), list(db, &restored, None, 9).await.unwrap().len()), (1, 1));
    assert_eq!(count(db, &Filter { way: Some(disconnection::Way::Crew), ..restored }).await.unwrap(), 0);
    let found = order(db, orders::ORDER).await.unwrap().unwrap();
    assert_eq!(list(db, &restored, Some((found.requested_at, found.id)), 9).await.unwrap(), []);
    assert_eq!(
        (found.fee, found.compensation, found.meter_id),
        (Some(orders::terms().fee), Some(orders::terms().compensation), orders::METER)
    );
    assert_eq!(orders_of(db, &both).await.unwrap().len(), 1);
    // Nothing is left to do for it.
    assert_eq!(to_do(db, None, 9).await.unwrap(), []);
}
