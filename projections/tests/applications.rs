//! Applications for a connection, as their customers and the office see them.

use std::collections::BTreeMap;

use daftar_domain::{
    BillingEvent, Decider,
    application::{Application, Command, Event, NoteFeePaid, NoteFeeReopened, Status, example as applications},
    ids::ApplicationId,
};
use daftar_projections::{
    Direction, Page,
    applications::{self as rows, Applications, Filter, Order, board, by_id, count, list, steps_of},
};
use expect_test::expect;
use uuid::Uuid;

use crate::{
    lists::{Orders, in_all_orders},
    spec::{database, project_all, projecting},
};

fn of(id: ApplicationId, events: Vec<Event>) -> Vec<(Uuid, BillingEvent)> {
    events.into_iter().map(|event| (id.into(), event.into())).collect()
}

#[tokio::test]
async fn every_event_of_an_application_is_told() {
    projecting::<Applications>().when(of(applications::APPLICATION, applications::events())).then_all(expect![[r#"
        {"table":"application","row":{"area": "riyadh-north", "site": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a224151222c2266696e6765727072696e74223a2241514542415145424151454241514542415145424151227d", "meter": "smart", "phase": "three", "quote": "{\"prices\":\"electricity-made-up-2024\",\"specification\":{\"class\":\"residential\",\"capacity\":{\"electricity\":{\"load_kva\":\"25\",\"phase\":\"three\"}},\"distance_m\":\"80\",\"area\":\"riyadh-north\",\"meter\":\"smart\"},\"lines\":[{\"line\":{\"code\":\"connection-load\",\"text\":\"رسوم القدرة\",\"revenue\":\"connectionFee\",\"quantity\":\"20\",\"unit\":\"kVA\",\"price\":\"62.50\",\"net\":{\"minor\":125000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}},\"case\":2,\"because\":{\"classes\":[\"residential\",\"agricultural\"]},\"step\":1},{\"line\":{\"code\":\"connection-load\",\"text\":\"رسوم القدرة\",\"revenue\":\"connectionFee\",\"quantity\":\"5\",\"unit\":\"kVA\",\"price\":\"75\",\"net\":{\"minor\":37500,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}},\"case\":2,\"because\":{\"classes\":[\"residential\",\"agricultural\"]},\"step\":2},{\"line\":{\"code\":\"connection-line\",\"text\":\"تمديد الشبكة\",\"revenue\":\"connectionFee\",\"quantity\":\"50\",\"unit\":\"m\",\"price\":\"45\",\"net\":{\"minor\":225000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}},\"case\":2,\"step\":2},{\"line\":{\"code\":\"connection-meter\",\"text\":\"العداد\",\"revenue\":\"connectionFee\",\"quantity\":\"1\",\"unit\":\"piece\",\"price\":\"450\",\"net\":{\"minor\":45000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}},\"case\":1,\"because\":{\"phases\":[\"three\"],\"meters\":[\"smart\"]}},{\"line\":{\"code\":\"connection-survey\",\"text\":\"المعاينة\",\"revenue\":\"connectionFee\",\"quantity\":\"1\",\"unit\":\"piece\",\"price\":\"100\",\"net\":{\"minor\":10000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}},\"case\":2}],\"rounding\":{\"mode\":\"halfUp\"},\"net\":{\"minor\":442500,\"currency\":\"SAR\"},\"vat\":{\"minor\":66375,\"currency\":\"SAR\"},\"total\":{\"minor\":508875,\"currency\":\"SAR\"},\"valid_until\":\"2024-04-05\"}", "total": 508875, "answer": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a224167222c2266696e6765727072696e74223a2241674943416749434167494341674943416749434167227d", "reason": "sold the house", "status": "cancelled", "service": "electricity", "currency": "SAR", "fee_paid": false, "load_kva": 25, "meter_id": "00000000-0000-0000-0000-000000000040", "position": 14, "question": "whose is the land?", "revision": 13, "account_id": "00000000-0000-0000-0000-000000000007", "changed_on": "2024-03-11", "distance_m": 80, "invoice_id": "73e17c51-a66e-5989-8efa-cfb09fb8101f", "planned_on": "2024-03-12", "diameter_mm": null, "premises_id": "00000000-0000-0000-0000-000000000029", "valid_until": "2024-04-05", "agreement_id": "00000000-0000-0000-0000-000000000259", "submitted_on": "2024-03-01", "application_id": "00000000-0000-0000-0000-000000000051", "service_point_id": "fd5c5bb0-79b5-5f07-b83e-ee4f91c077ff"}}
        {"table":"step","row":{"note": null, "status": "submitted", "position": 1, "effective_on": "2024-03-01", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "underReview", "position": 2, "effective_on": "2024-03-02", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": "whose is the land?", "status": "needsInformation", "position": 3, "effective_on": "2024-03-02", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "underReview", "position": 4, "effective_on": "2024-03-03", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "siteInspected", "position": 5, "effective_on": "2024-03-05", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "priced", "position": 6, "effective_on": "2024-03-06", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "feeInvoiced", "position": 7, "effective_on": "2024-03-07", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "feePaid", "position": 8, "effective_on": "2024-03-08", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "feeInvoiced", "position": 9, "effective_on": "2024-03-09", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": "2024-03-12", "status": "installScheduled", "position": 10, "effective_on": "2024-03-10", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "installed", "position": 11, "effective_on": "2024-03-12", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": null, "status": "activated", "position": 12, "effective_on": "2024-03-12", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": "no network there", "status": "rejected", "position": 13, "effective_on": "2024-03-11", "application_id": "00000000-0000-0000-0000-000000000051"}}
        {"table":"step","row":{"note": "sold the house", "status": "cancelled", "position": 14, "effective_on": "2024-03-11", "application_id": "00000000-0000-0000-0000-000000000051"}}
    "#]]).await;
}

/// The row says what the aggregate says, also when payments come and go.
#[tokio::test]
async fn a_row_stands_where_its_application_stands() {
    let mut wishes = vec![Command::SubmitApplication(applications::submit())];
    wishes.extend(applications::to_the_end(applications::sealed(2)));
    let on = applications::day("2024-03-09");
    let reopen = |as_of| Command::NoteFeeReopened(NoteFeeReopened { as_of, on });
    let pay = |as_of| Command::NoteFeePaid(NoteFeePaid { as_of, on });
    // Before somebody is to come, and after.
    wishes.splice(8..8, [reopen(5), pay(6)]);
    wishes.splice(11..11, [reopen(7), pay(8), reopen(9), pay(10)]);
    let (mut state, mut told) = (Application::default(), vec![]);
    let mut stood: BTreeMap<usize, Status> = BTreeMap::new();
    for wish in wishes {
        let events = state.decide(wish).unwrap();
        state = events.iter().fold(state, Application::evolve);
        told.extend(events);
        stood.insert(told.len(), state.status().unwrap());
    }
    let (_database, pool) = database().await;
    let each: Vec<_> = (9_000..).map(|n| ApplicationId::new(Uuid::from_u128(n))).zip(stood).collect();
    project_all::<Applications>(&pool, each.iter().flat_map(|(id, (length, _))| of(*id, told[..*length].to_vec()))).await;
    for (id, (length, status)) in each {
        let row = by_id(&pool, id).await.unwrap().unwrap();
        assert_eq!((row.status, row.fee_paid), (status, told[..length].iter().rev().find_map(paid).unwrap_or(false)), "{length}");
        assert_eq!(steps_of(&pool, &[id]).await.unwrap().len(), length);
    }
    let counted: u64 = board(&pool).await.unwrap().iter().map(|(_, count)| count).sum();
    let everybody = Filter::default();
    assert_eq!(counted, count(&pool, &everybody).await.unwrap());
    let whole = Page { by: Order::SubmittedOn, direction: Direction::Ascending, after: None, limit: 100 };
    let found = list(&pool, &everybody, &whole).await.unwrap();
    assert_eq!(u64::try_from(found.len()).unwrap(), counted);
    let orders: Orders<'_, rows::Application, Order> =
        &[(Order::SubmittedOn, |a, b| a.submitted_on.cmp(&b.submitted_on)), (Order::ChangedOn, |a, b| a.changed_on.cmp(&b.changed_on))];
    let read = async |page: &Page<Order>| list(&pool, &everybody, page).await.unwrap();
    in_all_orders(&found, orders, 3, read, rows::Application::spot).await;
    let scheduled = Filter { status: Some(Status::InstallScheduled), account_id: Some(applications::ACCOUNT) };
    assert_eq!(count(&pool, &scheduled).await.unwrap(), 3);
}

fn paid(event: &Event) -> Option<bool> {
    match event {
        Event::ConnectionFeePaid(_) => Some(true),
        Event::ConnectionFeeReopened(_) => Some(false),
        _ => None,
    }
}
