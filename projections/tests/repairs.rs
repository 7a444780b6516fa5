//! Repairs, and the workshop that they are done in.

use std::collections::BTreeSet;

use daftar_domain::{
    BillingEvent, Decider, appointment,
    branch::{self, example::BRANCH},
    ids::{PartId, appointment_day_id, stock_id},
    part,
    repair::{self, Audience, Repair, Status, example as repairs},
    stock::{self, Stock},
};
use daftar_projections::{
    Direction, Page,
    repairs::{Filter, Order, Repairs, Which, by_id, count, entry_counts, files, list, offers, open_with_part, parts, timeline},
    workshop::{self, Workshop},
};
use expect_test::expect;
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::spec::{database, project_all, projecting};

pub fn of_repair(events: Vec<repair::Event>) -> Vec<(Uuid, BillingEvent)> {
    events.into_iter().map(|event| (repairs::request().repair_id.into(), event.into())).collect()
}

/// One of every event of the workshop.
pub fn workshop() -> Vec<(Uuid, BillingEvent)> {
    let part_id = part::example::register().part_id;
    let stock = stock::example::events().into_iter().map(|event| (stock_id(BRANCH, part_id).into(), event.into()));
    let parts = part::example::events().into_iter().map(|event| (part_id.into(), event.into()));
    let branches = branch::example::events().into_iter().map(|event| (BRANCH.into(), event.into()));
    let day = appointment_day_id(BRANCH, appointment::example::book(1).day);
    let appointments = [1, 2].map(appointment::example::booked).into_iter().chain([appointment::example::cancelled(1)]);
    let appointments = appointments.map(|event| (day.into(), event.into()));
    parts.chain(stock).chain(branches).chain(appointments).collect()
}

#[tokio::test]
async fn every_event_of_a_repair_is_told() {
    projecting::<Repairs>().when(of_repair(repairs::events())).then_all(expect![[r#"
        {"table":"entry","row":{"note": null, "side": "customer", "what": "RepairRequested", "actor": "job:spec", "words": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241514944222c2266696e6765727072696e74223a2241514542415145424151454241514542415145424151227d", "status": "received", "audience": "public", "position": 1, "revision": 0, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:01+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "DeviceDescribed", "actor": "job:spec", "words": null, "status": "received", "audience": "public", "position": 2, "revision": 1, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:02+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "TechnicianAssigned", "actor": "job:spec", "words": null, "status": "received", "audience": "public", "position": 3, "revision": 2, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:03+00:00"}}
        {"table":"entry","row":{"note": "الضاغط لا يعمل", "side": null, "what": "DiagnosisRecorded", "actor": "job:spec", "words": null, "status": "diagnosed", "audience": "public", "position": 4, "revision": 3, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:04+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "RepairEstimated", "actor": "job:spec", "words": null, "status": "estimated", "audience": "public", "position": 5, "revision": 4, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:05+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "EstimateRepriced", "actor": "job:spec", "words": null, "status": "estimated", "audience": "public", "position": 6, "revision": 5, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:06+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "EstimateApproved", "actor": "job:spec", "words": null, "status": "approved", "audience": "public", "position": 7, "revision": 6, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:07+00:00"}}
        {"table":"entry","row":{"note": "مكلف", "side": null, "what": "EstimateDeclined", "actor": "job:spec", "words": null, "status": "declined", "audience": "public", "position": 8, "revision": 7, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:08+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "RepairDepositNoted", "actor": "job:spec", "words": null, "status": "declined", "audience": "public", "position": 9, "revision": 8, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:09+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "PartRequested", "actor": "job:spec", "words": null, "status": "declined", "audience": "internal", "position": 10, "revision": 9, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:10+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "PartShort", "actor": "job:spec", "words": null, "status": "declined", "audience": "internal", "position": 11, "revision": 10, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:11+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "PartReserved", "actor": "job:spec", "words": null, "status": "declined", "audience": "internal", "position": 12, "revision": 11, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:12+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "WorkStarted", "actor": "job:spec", "words": null, "status": "inProgress", "audience": "public", "position": 13, "revision": 12, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:13+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "PartUsed", "actor": "job:spec", "words": null, "status": "inProgress", "audience": "internal", "position": 14, "revision": 13, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:14+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "PartReturned", "actor": "job:spec", "words": null, "status": "inProgress", "audience": "internal", "position": 15, "revision": 14, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:15+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "WorkFinished", "actor": "job:spec", "words": null, "status": "qualityCheck", "audience": "public", "position": 16, "revision": 15, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:16+00:00"}}
        {"table":"entry","row":{"note": "ما زال يصدر صوتًا", "side": null, "what": "CheckFailed", "actor": "job:spec", "words": null, "status": "inProgress", "audience": "internal", "position": 17, "revision": 16, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:17+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "CheckPassed", "actor": "job:spec", "words": null, "status": "ready", "audience": "public", "position": 18, "revision": 17, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:18+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "StorageCharged", "actor": "job:spec", "words": null, "status": "ready", "audience": "public", "position": 19, "revision": 18, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:19+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "RepairDelivered", "actor": "job:spec", "words": null, "status": "delivered", "audience": "public", "position": 20, "revision": 19, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:20+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "RepairClosed", "actor": "job:spec", "words": null, "status": "closed", "audience": "public", "position": 21, "revision": 20, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:21+00:00"}}
        {"table":"entry","row":{"note": "طلب العميل", "side": null, "what": "RepairCancelled", "actor": "job:spec", "words": null, "status": "cancelled", "audience": "public", "position": 22, "revision": 21, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:22+00:00"}}
        {"table":"entry","row":{"note": null, "side": null, "what": "ReturnedUnderWarranty", "actor": "job:spec", "words": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2242414944222c2266696e6765727072696e74223a2242415145424151454241514542415145424151454241227d", "status": "warrantyReturn", "audience": "public", "position": 23, "revision": 22, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:23+00:00"}}
        {"table":"entry","row":{"note": null, "side": "customer", "what": "CommentMade", "actor": "job:spec", "words": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241674944222c2266696e6765727072696e74223a2241674943416749434167494341674943416749434167227d", "status": "warrantyReturn", "audience": "public", "position": 24, "revision": 23, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": "00000000-0000-0000-0000-0000000002db", "recorded_at": "2024-01-01T00:00:24+00:00"}}
        {"table":"entry","row":{"note": null, "side": "customer", "what": "UpdateAsked", "actor": "job:spec", "words": null, "status": "warrantyReturn", "audience": "public", "position": 25, "revision": 24, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:25+00:00"}}
        {"table":"entry","row":{"note": null, "side": "customer", "what": "FileAttached", "actor": "job:spec", "words": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241774944222c2266696e6765727072696e74223a2241774d4441774d4441774d4441774d4441774d444177227d", "status": "warrantyReturn", "audience": "public", "position": 26, "revision": 25, "repair_id": "00000000-0000-0000-0000-000000000047", "comment_id": null, "recorded_at": "2024-01-01T00:00:26+00:00"}}
        {"table":"estimate","row":{"net": 75000, "vat": 11250, "total": 86250, "visit": 1, "number": 1, "currency": "SAR", "estimate": "{\"lines\":[{\"line\":{\"code\":\"labour\",\"revenue\":\"repairLabour\",\"quantity\":\"2\",\"unit\":\"hour\",\"price\":\"150\",\"net\":{\"minor\":30000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}}},{\"part_id\":\"00000000-0000-0000-0000-00000000003d\",\"line\":{\"code\":\"CMP-12\",\"text\":\"ضاغط\",\"revenue\":\"parts\",\"quantity\":\"1\",\"unit\":\"piece\",\"price\":\"450\",\"net\":{\"minor\":45000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}}}],\"terms\":{\"currency\":\"SAR\",\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"},\"rounding\":{\"mode\":\"halfUp\"},\"valid_until\":\"2024-05-12\",\"hold_days\":7,\"tolerance\":\"0.10\",\"deposit\":{\"minor\":10000,\"currency\":\"SAR\"},\"warranty_days\":90},\"net\":{\"minor\":75000,\"currency\":\"SAR\"},\"vat\":{\"minor\":11250,\"currency\":\"SAR\"},\"total\":{\"minor\":86250,\"currency\":\"SAR\"}}", "position": 5, "repair_id": "00000000-0000-0000-0000-000000000047", "offered_on": "2024-05-03", "valid_until": "2024-05-12", "needs_approval": true}}
        {"table":"estimate","row":{"net": 75000, "vat": 11250, "total": 86250, "visit": 1, "number": 2, "currency": "SAR", "estimate": "{\"lines\":[{\"line\":{\"code\":\"labour\",\"revenue\":\"repairLabour\",\"quantity\":\"2\",\"unit\":\"hour\",\"price\":\"150\",\"net\":{\"minor\":30000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}}},{\"part_id\":\"00000000-0000-0000-0000-00000000003d\",\"line\":{\"code\":\"CMP-12\",\"text\":\"ضاغط\",\"revenue\":\"parts\",\"quantity\":\"1\",\"unit\":\"piece\",\"price\":\"450\",\"net\":{\"minor\":45000,\"currency\":\"SAR\"},\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"}}}],\"terms\":{\"currency\":\"SAR\",\"vat\":{\"category\":\"S\",\"rate\":\"0.15\"},\"rounding\":{\"mode\":\"halfUp\"},\"valid_until\":\"2024-05-12\",\"hold_days\":7,\"tolerance\":\"0.10\",\"deposit\":{\"minor\":10000,\"currency\":\"SAR\"},\"warranty_days\":90},\"net\":{\"minor\":75000,\"currency\":\"SAR\"},\"vat\":{\"minor\":11250,\"currency\":\"SAR\"},\"total\":{\"minor\":86250,\"currency\":\"SAR\"}}", "position": 6, "repair_id": "00000000-0000-0000-0000-000000000047", "offered_on": "2024-05-12", "valid_until": "2024-05-12", "needs_approval": false}}
        {"table":"file","row":{"name": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241774944222c2266696e6765727072696e74223a2241774d4441774d4441774d4441774d4441774d444177227d", "side": "customer", "actor": "user:7", "bytes": 48211, "digest": "b2ab786007582e59e7eca3e5279f1dcb1c5ec8fb9733ccc7f832aedf55842c94", "audience": "public", "position": 26, "repair_id": "00000000-0000-0000-0000-000000000047", "media_type": "image/jpeg", "attached_at": "2024-05-01T09:40:00+00:00", "attachment_id": "00000000-0000-0000-0000-0000000002e5"}}
        {"table":"part_request","row":{"here": true, "used": 1, "visit": 1, "missing": 1, "part_id": "00000000-0000-0000-0000-00000000003d", "position": 15, "quantity": 1, "returned": 1, "repair_id": "00000000-0000-0000-0000-000000000047", "request_id": "00000000-0000-0000-0000-0000000002d1"}}
        {"table":"repair","row":{"stage": "warrantyReturn", "visit": 2, "status": "warrantyReturn", "coverage": null, "currency": null, "moved_at": "2024-01-01T00:00:26+00:00", "position": 26, "ready_on": null, "revision": 25, "branch_id": "00000000-0000-0000-0000-000000000051", "complaint": "\\x7b226b6579223a22636f6e74616374222c2263697068657274657874223a2241514944222c2266696e6765727072696e74223a2241514542415145424151454241514542415145424151227d", "repair_id": "00000000-0000-0000-0000-000000000047", "account_id": "00000000-0000-0000-0000-000000000007", "invoice_id": null, "technician": "user:5", "device_kind": "cooler", "device_name": "مبرد مياه", "device_model": "WC-200", "parts_on_way": 0, "requested_at": "2024-05-01T09:00:00+00:00", "device_serial": "SN-1009", "waiting_since": "2024-05-01T09:50:00+00:00", "approved_total": null, "warranty_until": "2024-08-06", "work_has_begun": false, "estimate_number": null, "estimated_total": null}}
    "#]]).await;
}

#[tokio::test]
async fn every_event_of_the_workshop_is_told() {
    projecting::<Workshop>()
        .when(workshop())
        .then_all(expect![[r#"
            {"table":"appointment","row":{"day": "2024-05-05", "minute": 540, "position": 18, "branch_id": "00000000-0000-0000-0000-000000000051", "cancelled": false, "repair_id": null, "account_id": "00000000-0000-0000-0000-000000000002", "appointment_id": "00000000-0000-0000-0000-000000000386"}}
            {"table":"appointment","row":{"day": "2024-05-05", "minute": 540, "position": 19, "branch_id": "00000000-0000-0000-0000-000000000051", "cancelled": true, "repair_id": null, "account_id": "00000000-0000-0000-0000-000000000001", "appointment_id": "00000000-0000-0000-0000-000000000385"}}
            {"table":"branch","row":{"code": "RUH-OLAYA", "name": "فرع العليا", "details": "{\"name\":\"فرع العليا\",\"name_in_english\":\"Olaya branch\",\"address\":\"شارع العليا، الرياض\",\"location\":{\"latitude\":\"24.6951\",\"longitude\":\"46.6852\"},\"hours\":[{\"weekday\":\"Sun\",\"from\":\"08:00:00\",\"to\":\"12:00:00\"},{\"weekday\":\"Sun\",\"from\":\"16:00:00\",\"to\":\"20:00:00\"},{\"weekday\":\"Mon\",\"from\":\"08:00:00\",\"to\":\"14:00:00\"}],\"slot_minutes\":30,\"places\":3}", "position": 16, "branch_id": "00000000-0000-0000-0000-000000000051", "closed_on": "2024-05-30", "name_in_english": "Olaya branch"}}
            {"table":"part","row":{"code": "CMP-12", "name": "ضاغط", "price": 480, "part_id": "00000000-0000-0000-0000-00000000003d", "retired": false, "currency": "SAR", "position": 4, "priced_on": "2024-05-09"}}
            {"table":"part_price","row":{"price": 450, "since": "2024-05-01", "part_id": "00000000-0000-0000-0000-00000000003d", "position": 1}}
            {"table":"part_price","row":{"price": 480, "since": "2024-05-09", "part_id": "00000000-0000-0000-0000-00000000003d", "position": 2}}
            {"table":"stock","row":{"value": 30000, "on_hand": 1, "part_id": "00000000-0000-0000-0000-00000000003d", "currency": "SAR", "position": 11, "reserved": 0, "stock_id": "afa9c62e-e17c-57e5-a9fa-4d7068d3eb0c", "branch_id": "00000000-0000-0000-0000-000000000051", "reorder_level": 2}}
            {"table":"stock_move","row":{"why": null, "what": "StockReceived", "value": 90000, "pieces": 3, "currency": "SAR", "moved_on": "2024-05-02", "position": 5, "revision": 0, "stock_id": "afa9c62e-e17c-57e5-a9fa-4d7068d3eb0c", "reference": "GRN-1", "repair_id": null}}
            {"table":"stock_move","row":{"why": null, "what": "StockUsed", "value": -30000, "pieces": -1, "currency": "SAR", "moved_on": "2024-05-03", "position": 8, "revision": 3, "stock_id": "afa9c62e-e17c-57e5-a9fa-4d7068d3eb0c", "reference": null, "repair_id": "00000000-0000-0000-0000-000000000001"}}
            {"table":"stock_move","row":{"why": "جرد سنوي", "what": "StockCounted", "value": -30000, "pieces": -1, "currency": "SAR", "moved_on": "2024-05-30", "position": 10, "revision": 5, "stock_id": "afa9c62e-e17c-57e5-a9fa-4d7068d3eb0c", "reference": null, "repair_id": null}}
            {"table":"stock_request","row":{"here": false, "position": 7, "stock_id": "afa9c62e-e17c-57e5-a9fa-4d7068d3eb0c", "left_over": 2, "request_id": "00000000-0000-0000-0000-00000000025a"}}
            {"table":"stock_request","row":{"here": true, "position": 9, "stock_id": "afa9c62e-e17c-57e5-a9fa-4d7068d3eb0c", "left_over": 0, "request_id": "00000000-0000-0000-0000-000000000259"}}
        "#]])
        .await;
}

/// Whatever the aggregate allows, in whatever order: the row says what the aggregate says.
#[tokio::test]
async fn a_row_stands_where_its_repair_stands() {
    let (mut lot, mut met) = (StdRng::seed_from_u64(8), BTreeSet::new());
    for _ in 0..12 {
        let mut events = vec![repairs::requested()];
        let mut state = events.iter().fold(Repair::default(), Repair::evolve);
        let (wishes, length) = (repairs::wishes(), lot.random_range(50..400));
        for _ in 0..length {
            let (name, wish) = wishes[lot.random_range(0..wishes.len())].clone();
            // Few repairs are given up, or nothing else would ever be seen.
            if ["cancel", "decline", "estimate"].contains(&name) && lot.random_ratio(9, 10) {
                continue;
            }
            for event in state.decide(wish).unwrap_or_default() {
                state = state.evolve(&event);
                events.push(event);
            }
        }
        let (_database, pool) = database().await;
        project_all::<Repairs>(&pool, of_repair(events)).await;
        let row = by_id(&pool, repairs::request().repair_id).await.unwrap().unwrap();
        assert_eq!((Some(row.status), row.waiting_since), (state.status(), state.waiting_since()));
        met.insert(row.status);
    }
    assert!(met.len() >= 4, "{met:?}");
}

/// A life from the request to the end, as its customer and as its workshop see it.
#[tokio::test]
async fn a_repair_is_found_with_all_that_belongs_to_it() {
    let (_database, pool) = database().await;
    let id = repairs::request().repair_id;
    let part_id = part::example::register().part_id;
    let facts = vec![
        repairs::requested(),
        repairs::diagnosed(repair::Coverage::Customer),
        repairs::estimated(1, true),
        repairs::approved(1),
        repairs::deposit_noted(),
        repairs::part_requested(1),
        repairs::commented(1, repair::Side::Staff, Audience::Internal),
        repairs::attached(1),
    ];
    project_all::<Repairs>(&pool, of_repair(facts)).await;
    let found = by_id(&pool, id).await.unwrap().unwrap();
    assert_eq!((found.status, found.estimated), (Status::PartsPending, Some((1, repairs::estimate().total))));
    assert_eq!((found.device.clone(), found.complaint.clone()), (repairs::device(), repairs::request().complaint));
    let mine =
        Filter { accounts: Some(vec![found.account_id]), status: Some(Status::PartsPending), waiting: Some(false), ..Filter::default() };
    for by in [Order::RequestedAt, Order::MovedAt, Order::WaitingSince] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let page = Page { by, direction, after: None, limit: 10 };
            assert_eq!(list(&pool, &mine, &page).await.unwrap(), std::slice::from_ref(&found));
            assert_eq!(list(&pool, &mine, &Page { after: Some(found.spot(by)), ..page }).await.unwrap(), []);
        }
    }
    assert_eq!(count(&pool, &mine).await.unwrap(), 1);
    assert_eq!(count(&pool, &Filter { waiting: Some(true), ..mine }).await.unwrap(), 0);
    let offered = offers(&pool, &[id]).await.unwrap();
    assert_eq!(offered.into_iter().map(|(id, offer)| (id, offer.estimate)).collect::<Vec<_>>(), [(id, repairs::estimate())]);
    assert_eq!(open_with_part(&pool, part_id).await.unwrap(), [id]);
    assert_eq!(open_with_part(&pool, PartId::new(Uuid::nil())).await.unwrap(), []);
    let asked = parts(&pool, &[id]).await.unwrap();
    assert_eq!(asked.iter().map(|(_, part)| (part.part_id, part.quantity, part.here)).collect::<Vec<_>>(), [(part_id, 1, false)]);
    assert_eq!(files(&pool, &[id], Audience::Public).await.unwrap().iter().map(|(_, file)| file.bytes).collect::<Vec<_>>(), [48_211]);
    let told = async |reader| {
        let all = Which { reader, only_comments: false };
        let entries = timeline(&pool, &[id], all, None, 100).await.unwrap();
        assert_eq!(entry_counts(&pool, &[id], all).await.unwrap(), [(id, entries.len() as u64)]);
        entries.into_iter().map(|(_, entry)| entry.what).collect::<Vec<_>>()
    };
    let comments = Which { reader: Audience::Internal, only_comments: true };
    assert_eq!(timeline(&pool, &[id], comments, None, 100).await.unwrap().len(), 1);
    assert_eq!(timeline(&pool, &[id], Which { reader: Audience::Public, ..comments }, None, 100).await.unwrap(), []);
    let everybody = told(Audience::Public).await;
    assert!(!everybody.contains(&"CommentMade".to_owned()) && !everybody.contains(&"PartRequested".to_owned()), "{everybody:?}");
    assert_eq!(told(Audience::Internal).await.len(), everybody.len() + 2);
}

#[tokio::test]
async fn shelves_parts_branches_and_appointments_are_found() {
    let (_database, pool) = database().await;
    project_all::<Workshop>(&pool, workshop()).await;
    let part_id = part::example::register().part_id;
    let found = workshop::part(&pool, part_id).await.unwrap().unwrap();
    assert_eq!((found.price.to_string().as_str(), found.retired), ("480", false));
    assert_eq!(workshop::prices(&pool, &[part_id]).await.unwrap().len(), 2);
    assert_eq!(workshop::parts_by_ids(&pool, &[part_id]).await.unwrap(), std::slice::from_ref(&found));
    assert_eq!(workshop::count_parts(&pool, Some("cmp")).await.unwrap(), 1);
    assert_eq!(workshop::parts(&pool, Some("cmp"), None, 10).await.unwrap(), std::slice::from_ref(&found));
    assert_eq!(workshop::parts(&pool, Some("cmp"), Some(&found.code), 10).await.unwrap(), []);
    let [shelf] = workshop::shelves(&pool, BRANCH, false).await.unwrap()[..] else { panic!("one shelf") };
    assert_eq!((shelf.on_hand, shelf.part_id), (1, part_id));
    assert_eq!(workshop::shelves(&pool, BRANCH, true).await.unwrap().len(), 1);
    let moved = workshop::moves(&pool, &[shelf.id], None, 10).await.unwrap();
    assert_eq!(moved.iter().map(|(_, moved)| moved.pieces).collect::<Vec<_>>(), [-1, -1, 3]);
    assert_eq!(workshop::moves(&pool, &[shelf.id], Some(moved[1].1.revision), 10).await.unwrap(), moved[2..]);
    assert_eq!(workshop::move_counts(&pool, &[shelf.id]).await.unwrap(), [(shelf.id, 3)]);
    assert_eq!(workshop::branches(&pool, false).await.unwrap(), []);
    let [closed] = &workshop::branches(&pool, true).await.unwrap()[..] else { panic!("one branch") };
    assert_eq!(workshop::branch(&pool, BRANCH).await.unwrap().as_ref(), Some(closed));
    assert_eq!(workshop::branches_by_ids(&pool, &[BRANCH]).await.unwrap(), std::slice::from_ref(closed));
    let booked = appointment::example::book(2);
    let [coming] = workshop::expected(&pool, BRANCH, booked.day).await.unwrap()[..] else { panic!("one comes") };
    assert_eq!((coming.id, coming.at), (booked.appointment_id, booked.at));
    assert_eq!(workshop::appointments_of(&pool, &[booked.account_id], booked.day).await.unwrap(), [coming]);
    assert_eq!(workshop::appointment(&pool, coming.id).await.unwrap(), Some(coming));
}

/// The shelf's row counts what the aggregate counts, whatever is asked of it.
#[tokio::test]
async fn a_shelf_holds_what_its_stock_holds() {
    let mut lot = StdRng::seed_from_u64(9);
    for _ in 0..8 {
        let (mut events, mut state) = (vec![], Stock::default());
        for _ in 0..60 {
            let (n, few) = (lot.random_range(0..4), lot.random_range(0..6));
            let request_id = stock::example::request_id(n);
            let wish = match lot.random_range(0..5) {
                0 => stock::Command::ReceiveStock(stock::example::receive(lot.random_range(0..30), few, 1_000)),
                1 => stock::Command::ReserveStock(stock::example::reserve(n, few)),
                2 => stock::Command::UseStock(stock::UseStock { request_id, used_in_all: few, on: part::example::day(3) }),
                3 => stock::Command::GiveBackStock(stock::GiveBackStock { request_id, given_back_in_all: few }),
                _ => stock::Command::CountStock(stock::example::count(lot.random_range(0..30), few)),
            };
            for event in state.decide(wish).unwrap_or_default() {
                state = state.evolve(&event);
                events.push((stock_id(BRANCH, part::example::register().part_id).into(), event.into()));
            }
        }
        let (_database, pool) = database().await;
        project_all::<Workshop>(&pool, events).await;
        let [shelf] = workshop::shelves(&pool, BRANCH, false).await.unwrap()[..] else { panic!("one shelf") };
        assert_eq!((shelf.on_hand, shelf.reserved, Some(shelf.value)), (state.on_hand(), state.reserved(), state.value()));
    }
}
