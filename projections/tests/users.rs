//! Who may come in, and what they did, as admins and auditors see it.

use std::collections::BTreeSet;

use daftar_domain::{
    BillingEvent, Code,
    ids::UserId,
    user::{
        CustomerRegistered, Role, StaffRegistered,
        audit::{self, NoteAct, Outcome},
        example::{self, CASHIER, CUSTOMER, account},
    },
};
use daftar_projections::users::{ActFilter, Filter, Users, accounts_of, acts, by_ids, count, count_acts, list};
use expect_test::expect;
use uuid::Uuid;

use crate::spec::{database, project_all, projecting};

/// One of every event.
pub fn everybody() -> Vec<(Uuid, BillingEvent)> {
    let staff = example::of_staff().into_iter().map(|event| (CASHIER.into(), event.into()));
    let customer = example::of_customer().into_iter().map(|event| (CUSTOMER.into(), event.into()));
    let noted = audit::example::events().into_iter().map(|event| (Uuid::from_u128(54), event.into()));
    staff.chain(customer).chain(noted).collect()
}

#[tokio::test]
async fn users_and_acts_are_told() {
    projecting::<Users>().when(everybody()).then_all(expect![[r#"
        {"table":"act","row":{"act": "changeRoles", "act_id": "00000000-0000-0000-0000-000000000036", "address": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241774d44222c2266696e6765727072696e74223a2241774d4441774d4441774d4441774d4441774d444177227d", "refused": "FORBIDDEN", "subject": "00000000-0000-0000-0000-000000000035", "user_id": "00000000-0000-0000-0000-000000000033", "noted_at": "2024-01-01T00:00:06+00:00", "position": 6}}
        {"table":"claim","row":{"user_id": "00000000-0000-0000-0000-000000000034", "position": 4, "account_id": "00000000-0000-0000-0000-000000000007"}}
        {"table":"claim","row":{"user_id": "00000000-0000-0000-0000-000000000034", "position": 5, "account_id": "00000000-0000-0000-0000-000000000008"}}
        {"table":"person","row":{"roles": "billing,finance", "user_id": "00000000-0000-0000-0000-000000000033", "position": 3, "revision": 2, "user_name": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241514542222c2266696e6765727072696e74223a2241514542415145424151454241514542415145424151227d", "registered_at": "2024-01-01T00:00:01+00:00", "deactivated_because": "left the company", "registered_position": 1}}
        {"table":"person","row":{"roles": null, "user_id": "00000000-0000-0000-0000-000000000034", "position": 5, "revision": 1, "user_name": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241674943222c2266696e6765727072696e74223a2241674943416749434167494341674943416749434167227d", "registered_at": "2024-01-01T00:00:04+00:00", "deactivated_because": null, "registered_position": 4}}
    "#]]).await;
}

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn staff(n: u128, roles: &[Role]) -> (Uuid, BillingEvent) {
    let roles = roles.iter().copied().collect();
    (Uuid::from_u128(n), daftar_domain::user::Event::from(StaffRegistered { user_id: user(n), user_name: example::name(1), roles }).into())
}

fn customer(n: u128, account_id: u128) -> (Uuid, BillingEvent) {
    let registered = CustomerRegistered { user_id: user(n), user_name: example::name(2), account_id: account(account_id) };
    (Uuid::from_u128(n), daftar_domain::user::Event::from(registered).into())
}

#[tokio::test]
async fn users_are_found_by_role_by_account_and_by_whether_they_may_come_in() {
    let (_database, pool) = database().await;
    let deactivated = (Uuid::from_u128(2), example::deactivated().into());
    let told = [staff(1, &[Role::Cashier, Role::Billing]), staff(2, &[Role::Finance]), customer(3, 7), customer(4, 8), deactivated];
    project_all::<Users>(&pool, told).await;
    let found = async |filter: &Filter| {
        let users = list(&pool, filter, None, 100).await.unwrap();
        assert_eq!(count(&pool, filter).await.unwrap(), u64::try_from(users.len()).unwrap());
        users.into_iter().map(|user| Uuid::from(user.id).as_u128()).collect::<Vec<_>>()
    };
    let all = Filter::default();
    assert_eq!(found(&all).await, [4, 3, 2, 1]);
    assert_eq!(found(&Filter { role: Some(Role::Billing), ..all.clone() }).await, [1]);
    assert_eq!(found(&Filter { role: Some(Role::Admin), ..all.clone() }).await, []);
    assert_eq!(found(&Filter { account_id: Some(account(7)), ..all.clone() }).await, [3]);
    assert_eq!(found(&Filter { active: Some(false), ..all.clone() }).await, [2]);
    let first = list(&pool, &all, None, 3).await.unwrap();
    let rest = list(&pool, &all, first.last().map(|user| user.place), 3).await.unwrap();
    assert_eq!(rest.iter().map(|user| user.id).collect::<Vec<_>>(), [user(1)]);
    assert_eq!(rest[0].roles, BTreeSet::from([Role::Cashier, Role::Billing]));
    assert_eq!(accounts_of(&pool, &[user(3), user(4), user(1)]).await.unwrap(), [(user(3), account(7)), (user(4), account(8))]);
    assert_eq!(by_ids(&pool, &[user(2), user(9)]).await.unwrap()[0].deactivated_because.as_deref(), Some("left the company"));
}

#[tokio::test]
async fn acts_are_found_by_who_what_whom_and_when() {
    let (_database, pool) = database().await;
    let code = |text: &str| Code::new(text).unwrap();
    let act = |n: u128, act: &str, outcome: Outcome, user_id: Option<UserId>| {
        let NoteAct { subject, from, .. } = audit::example::note();
        let noted = audit::ActNoted { act: code(act), outcome, user_id, subject, from };
        (Uuid::from_u128(n), audit::Event::from(noted).into())
    };
    let refused = || Outcome::Refused(code("FORBIDDEN"));
    let told = [
        act(1, "signIn", Outcome::Done, Some(user(1))),
        act(2, "signIn", refused(), None),
        act(3, "changeRoles", Outcome::Done, Some(user(1))),
        act(4, "changeRoles", refused(), Some(user(2))),
    ];
    project_all::<Users>(&pool, told).await;
    let found = async |filter: &ActFilter| {
        let acts = acts(&pool, filter, None, 100).await.unwrap();
        assert_eq!(count_acts(&pool, filter).await.unwrap(), u64::try_from(acts.len()).unwrap());
        acts.into_iter().map(|act| act.id.as_u128()).collect::<Vec<_>>()
    };
    let all = ActFilter::default();
    assert_eq!(found(&all).await, [4, 3, 2, 1]);
    assert_eq!(found(&ActFilter { act: Some(code("signIn")), ..all.clone() }).await, [2, 1]);
    assert_eq!(found(&ActFilter { user_id: Some(user(1)), refused: Some(false), ..all.clone() }).await, [3, 1]);
    assert_eq!(found(&ActFilter { refused: Some(true), ..all.clone() }).await, [4, 2]);
    assert_eq!(found(&ActFilter { subject: Some(Uuid::from_u128(53)), ..all.clone() }).await, [4, 3, 2, 1]);
    assert_eq!(found(&ActFilter { subject: Some(Uuid::from_u128(99)), ..all.clone() }).await, []);
    let first = acts(&pool, &all, None, 3).await.unwrap();
    let rest = acts(&pool, &all, first.last().map(|act| act.place), 3).await.unwrap();
    assert_eq!((rest.len(), rest[0].id, rest[0].refused.clone()), (1, Uuid::from_u128(1), None));
    let at = rest[0].noted_at;
    assert_eq!(found(&ActFilter { until: Some(at), ..all.clone() }).await, []);
    assert!(found(&ActFilter { since: Some(at), ..all.clone() }).await.contains(&1));
}
