//! A made-up repair for examples and tests: a cooler whose compressor is changed.

use std::num::NonZeroU32;

use uuid::Uuid;

use super::*;
use crate::{
    Code, Currency, Description, Digest, Reason, Sealed, SealedFor, branch,
    ids::{AccountId, RepairId},
    invoice::{DocumentLine, Revenue, Unit, example::standard},
    part,
    rating::Rounding,
    tariff::Figure,
};

pub fn request() -> RequestRepair {
    RequestRepair {
        repair_id: RepairId::new(Uuid::from_u128(71)),
        account_id: AccountId::new(Uuid::from_u128(7)),
        branch_id: branch::example::BRANCH,
        device: device(),
        complaint: sealed(1),
        requested_at: at(0),
    }
}

pub fn device() -> Device {
    let (kind, name, model) = (code("cooler"), text("مبرد مياه"), text("WC-200"));
    Device { kind, name, model, serial: Some(code("SN-1009")) }
}

pub fn requested() -> Event {
    let RequestRepair { repair_id, account_id, branch_id, device, complaint, requested_at } = request();
    RepairRequested { repair_id, account_id, branch_id, device, complaint, requested_at }.into()
}

pub fn diagnosed(coverage: Coverage) -> Event {
    DiagnosisRecorded { findings: text("الضاغط لا يعمل"), coverage, on: day(2) }.into()
}

/// Two hours of work and a compressor: 750.00, and 112.50 of VAT.
pub fn offered() -> Vec<Offered> {
    let labour = Offered { part_id: None, code: code("labour"), text: None, quantity: quantity("2"), price: figure("150") };
    let part::RegisterPart { part_id, code, name, price, .. } = part::example::register();
    vec![labour, Offered { part_id: Some(part_id), code, text: Some(name), quantity: quantity("1"), price }]
}

pub fn terms() -> OfferTerms {
    OfferTerms {
        currency: Currency::SAR,
        vat: standard("0.15"),
        rounding: Rounding::default(),
        valid_until: day(12),
        hold_days: 7,
        tolerance: figure("0.10"),
        deposit: sar(10_000),
        warranty_days: 90,
    }
}

pub fn estimate() -> Estimate {
    Estimate::new(offered(), terms()).expect("an estimate")
}

pub fn estimated(number: u32, needs_approval: bool) -> Event {
    RepairEstimated { number, estimate: estimate(), needs_approval, on: day(3) }.into()
}

pub fn approved(number: u32) -> Event {
    EstimateApproved { number, total: estimate().total, held_until: day(11), on: day(4) }.into()
}

pub fn deposit_noted() -> Event {
    RepairDepositNoted { deposit_id: DepositId::new(Uuid::from_u128(72)), amount: sar(10_000) }.into()
}

pub fn part_requested(n: u128) -> Event {
    let RequestRepair { repair_id, branch_id, .. } = request();
    let (request_id, part_id) = (request_id(n), part::example::register().part_id);
    PartRequested { request_id, repair_id, branch_id, part_id, quantity: 1, coverage: Coverage::Customer }.into()
}

pub fn part_used() -> Event {
    let (branch_id, part_id) = (request().branch_id, part::example::register().part_id);
    PartUsed { request_id: request_id(1), branch_id, part_id, quantity: 1, used_in_all: 1, on: day(6) }.into()
}

pub fn part_returned() -> Event {
    let (branch_id, part_id) = (request().branch_id, part::example::register().part_id);
    PartReturned { request_id: request_id(1), branch_id, part_id, quantity: 1, returned_in_all: 1 }.into()
}

pub fn passed() -> Event {
    CheckPassed { checked_by: Actor::user("5"), on: day(7) }.into()
}

pub fn storage_rule() -> StorageRule {
    StorageRule { code: code("storage"), free_days: 3, per_day: figure("5"), most: sar(5_000), vat: standard("0.15") }
}

pub fn storage(days: u32, minor: i64) -> StorageCharged {
    let line = DocumentLine {
        code: code("storage"),
        text: None,
        revenue: Revenue::RepairLabour,
        quantity: quantity(&days.to_string()),
        unit: Unit::Piece,
        price: figure("5").get(),
        net: sar(minor),
        vat: standard("0.15"),
        credits: None,
    };
    StorageCharged { days, line, on: day(10 + days) }
}

pub fn closed() -> RepairClosed {
    let RequestRepair { repair_id, account_id, .. } = request();
    let lines = estimate().lines.into_iter().map(|line| line.line).collect();
    let deposits = vec![DepositId::new(Uuid::from_u128(72))];
    let bill = RepairBill { invoice_id: crate::ids::repair_invoice_id(repair_id, 1), repair_id, account_id, lines, deposits };
    let warranty_until = day(8).checked_add_days(chrono::Days::new(90));
    RepairClosed { bill: Some(bill), warranty_until, on: day(9) }
}

pub fn comment(n: u128, side: Side, audience: Audience) -> Comment {
    let (comment_id, by) = (CommentId::new(Uuid::from_u128(730 + n)), Actor::user(n));
    Comment { comment_id, by, side, audience, text: sealed(2), at: at(30) }
}

pub fn commented(n: u128, side: Side, audience: Audience) -> Event {
    let Comment { comment_id, by, side, audience, text, at } = comment(n, side, audience);
    CommentMade { comment_id, by, side, audience, text, at }.into()
}

pub fn attach(n: u128) -> AttachFile {
    AttachFile {
        attachment_id: AttachmentId::new(Uuid::from_u128(740 + n)),
        by: Actor::user("7"),
        side: Side::Customer,
        audience: Audience::Public,
        name: sealed(3),
        media_type: code("image/jpeg"),
        bytes: 48_211,
        digest: Digest::of(&"a photograph"),
        at: at(40),
    }
}

pub fn attached(n: u128) -> Event {
    let AttachFile { attachment_id, by, side, audience, name, media_type, bytes, digest, at } = attach(n);
    FileAttached { attachment_id, by, side, audience, name, media_type, bytes, digest, at }.into()
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let dearer = EstimateRepriced {
        number: 2,
        part_id: part::example::register().part_id,
        estimate: estimate(),
        needs_approval: false,
        on: day(12),
    };
    let failed = CheckFailed { checked_by: Actor::user("5"), reason: reason("ما زال يصدر صوتًا"), on: day(7) };
    vec![
        requested(),
        DeviceDescribed { device: device() }.into(),
        TechnicianAssigned { technician: Actor::user("5") }.into(),
        diagnosed(Coverage::Customer),
        estimated(1, true),
        dearer.into(),
        approved(1),
        EstimateDeclined { number: 1, reason: reason("مكلف"), on: day(4) }.into(),
        deposit_noted(),
        part_requested(1),
        PartShort { request_id: request_id(1), missing: 1 }.into(),
        PartReserved { request_id: request_id(1) }.into(),
        WorkStarted { on: day(6) }.into(),
        part_used(),
        part_returned(),
        WorkFinished { on: day(7) }.into(),
        failed.into(),
        passed(),
        storage(3, 1_500).into(),
        RepairDelivered { on: day(8) }.into(),
        closed().into(),
        RepairCancelled { reason: reason("طلب العميل"), on: day(5) }.into(),
        ReturnedUnderWarranty { visit: 2, complaint: sealed(4), on: day(20) }.into(),
        commented(1, Side::Customer, Audience::Public),
        UpdateAsked { technician: Some(Actor::user("5")), at: at(50) }.into(),
        attached(1),
    ]
}

/// One of every command that may move a repair on.
pub fn wishes() -> Vec<(&'static str, Command)> {
    let checked_by = Actor::user("5");
    let other = DiagnosisRecorded { findings: device().model, coverage: Coverage::Customer, on: day(2) };
    let DiagnosisRecorded { findings, coverage, on } = other;
    vec![
        ("describe", Command::DescribeDevice(DescribeDevice { device: Device { serial: None, ..device() } })),
        ("assign", Command::AssignTechnician(AssignTechnician { technician: checked_by.clone() })),
        ("diagnose", Command::RecordDiagnosis(RecordDiagnosis { findings, coverage, on })),
        ("estimate", Command::EstimateRepair(EstimateRepair { terms: OfferTerms { hold_days: 8, ..terms() }, ..estimate_it() })),
        ("reprice", reprice("500", 12)),
        ("approve", Command::ApproveEstimate(ApproveEstimate { number: 1, on: day(4) })),
        ("decline", Command::DeclineEstimate(DeclineEstimate { number: 1, reason: reason("مكلف"), on: day(4) })),
        ("deposit", Command::NoteRepairDeposit(NoteRepairDeposit { deposit_id: DepositId::new(Uuid::from_u128(73)), amount: sar(500) })),
        ("ask for a part", ask_part(2, 1)),
        ("the part is here", Command::NotePartReserved(NotePartReserved { request_id: request_id(1) })),
        ("the part is short", Command::NotePartShort(NotePartShort { request_id: request_id(1), missing: 1 })),
        ("use the part", use_part(1, 1)),
        ("return the part", return_part(1, 1)),
        ("start", start()),
        ("finish", Command::FinishWork(FinishWork { on: day(7) })),
        ("pass", Command::PassCheck(PassCheck { checked_by: checked_by.clone(), on: day(7) })),
        ("fail", Command::FailCheck(FailCheck { checked_by, reason: reason("صوت"), on: day(7) })),
        ("storage", Command::ChargeStorage(ChargeStorage { rule: storage_rule(), on: day(13) })),
        ("deliver", Command::DeliverRepair(DeliverRepair { on: day(8) })),
        ("close", close()),
        ("cancel", Command::CancelRepair(CancelRepair { reason: reason("طلب العميل"), on: day(5) })),
        ("return", Command::ReturnUnderWarranty(ReturnUnderWarranty { complaint: sealed(4), on: day(20) })),
        ("comment", Command::Comment(comment(1, Side::Customer, Audience::Public))),
        ("ask for an update", Command::AskForUpdate(AskForUpdate { at: at(50) })),
        ("attach", Command::AttachFile(attach(1))),
    ]
}

pub fn ask_part(n: u128, quantity: u32) -> Command {
    let (request_id, part_id) = (request_id(n), part::example::register().part_id);
    Command::RequestPart(RequestPart { request_id, part_id, quantity: NonZeroU32::new(quantity).expect("some") })
}

pub fn use_part(n: u128, used_in_all: u32) -> Command {
    Command::UsePart(UsePart { request_id: request_id(n), used_in_all, on: day(6) })
}

pub fn return_part(n: u128, returned_in_all: u32) -> Command {
    Command::ReturnPart(ReturnPart { request_id: request_id(n), returned_in_all })
}

pub fn reprice(price: &str, on: u32) -> Command {
    Command::RepricePart(RepricePart { part_id: part::example::register().part_id, price: figure(price), on: day(on) })
}

pub fn start() -> Command {
    Command::StartWork(StartWork { on: day(6) })
}

pub fn close() -> Command {
    Command::CloseRepair(CloseRepair { on: day(9) })
}

pub fn estimate_it() -> EstimateRepair {
    EstimateRepair { offered: offered(), terms: terms(), on: day(3) }
}

pub fn request_id(n: u128) -> PartRequestId {
    PartRequestId::new(Uuid::from_u128(720 + n))
}

pub fn sar(minor: i64) -> Money {
    Money::new(minor, Currency::SAR)
}

/// Of May 2024.
pub fn day(day: u32) -> NaiveDate {
    part::example::day(day)
}

/// Minutes after the request.
pub fn at(minutes: u32) -> DateTime<Utc> {
    day(1).and_hms_opt(9, minutes, 0).expect("a time").and_utc()
}

pub fn sealed(n: u8) -> Sealed {
    Sealed::new(SealedFor::Contact, vec![n, 2, 3], [n; 16])
}

pub fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

pub fn figure(text: &str) -> Figure {
    text.parse().expect("a figure")
}

fn quantity(text: &str) -> crate::tariff::Quantity {
    text.parse().expect("a quantity")
}

fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

fn text(text: &str) -> Description {
    Description::new(text).expect("a text")
}
