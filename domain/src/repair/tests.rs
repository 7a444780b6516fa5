use proptest::{collection::vec, prelude::*};
use rust_decimal::Decimal;

use super::{example::*, *};
use crate::{EventSchema, part, spec::given};

fn reserved() -> Event {
    PartReserved { request_id: request_id(1) }.into()
}

fn estimated_repair() -> Vec<Event> {
    vec![requested(), diagnosed(Coverage::Customer), estimated(1, true)]
}

fn approved_repair() -> Vec<Event> {
    [estimated_repair(), vec![approved(1), deposit_noted()]].concat()
}

fn begun_repair() -> Vec<Event> {
    [approved_repair(), vec![part_requested(1), reserved(), WorkStarted { on: day(6) }.into()]].concat()
}

fn ready_repair() -> Vec<Event> {
    [begun_repair(), vec![part_used(), WorkFinished { on: day(7) }.into(), passed()]].concat()
}

fn closed_repair() -> Vec<Event> {
    [ready_repair(), vec![RepairDelivered { on: day(8) }.into(), closed().into()]].concat()
}

fn come_back() -> Event {
    ReturnedUnderWarranty { visit: 2, complaint: sealed(4), on: day(20) }.into()
}

fn fold(facts: impl IntoIterator<Item = Event>) -> Repair {
    facts.into_iter().fold(Repair::default(), |repair, fact| repair.evolve(&fact))
}

/// Every status, and a history that leads to it.
fn standing_at() -> Vec<(Status, Vec<Event>)> {
    let with = |facts: Vec<Event>, more: Event| [facts, vec![more]].concat();
    vec![
        (Status::Received, vec![requested()]),
        (Status::Diagnosed, vec![requested(), diagnosed(Coverage::Customer)]),
        (Status::Estimated, estimated_repair()),
        (Status::Approved, approved_repair()),
        (Status::Declined, with(estimated_repair(), EstimateDeclined { number: 1, reason: reason("مكلف"), on: day(4) }.into())),
        (Status::PartsPending, with(approved_repair(), part_requested(1))),
        (Status::InProgress, begun_repair()),
        (Status::QualityCheck, [begun_repair(), vec![part_used(), WorkFinished { on: day(7) }.into()]].concat()),
        (Status::Ready, ready_repair()),
        (Status::Delivered, with(ready_repair(), RepairDelivered { on: day(8) }.into())),
        (Status::Closed, closed_repair()),
        (Status::Cancelled, vec![requested(), RepairCancelled { reason: reason("طلب العميل"), on: day(5) }.into()]),
        (Status::WarrantyReturn, with(closed_repair(), come_back())),
    ]
}

#[test]
fn every_status_meets_every_command() {
    let mut grid = String::new();
    for (status, facts) in standing_at() {
        let repair = fold(facts);
        assert_eq!(repair.status(), Some(status));
        grid += &format!("{status}\n");
        for (name, wish) in wishes() {
            let outcome = match repair.decide(wish) {
                Ok(events) if events.is_empty() => continue,
                Ok(events) => events.iter().map(EventSchema::event_type).collect::<Vec<_>>().join(", "),
                Err(Rejection::NotNow(at)) => {
                    assert_eq!(at, status);
                    continue;
                }
                Err(rejection) => format!("✗ {rejection}"),
            };
            grid += &format!("  {name}: {outcome}\n");
        }
    }
    expect_test::expect_file!["tests/grid.txt"].assert_eq(&grid);
}

#[test]
fn there_is_nothing_to_do_to_a_repair_that_nobody_asked_for() {
    for (name, wish) in wishes() {
        assert_eq!(Repair::default().decide(wish), Err(Rejection::NoSuchRepair), "{name}");
    }
}

#[test]
fn a_repair_is_asked_for_once() {
    given::<Repair>([]).when(Command::RequestRepair(request())).then([requested()]);
    let other = RequestRepair { complaint: sealed(9), ..request() };
    given::<Repair>([requested()]).when(Command::RequestRepair(other)).then_rejected(Rejection::RepairIdReused);
}

#[test]
fn an_estimate_is_its_lines_and_their_vat() {
    let estimate = estimate();
    assert_eq!((estimate.net, estimate.vat, estimate.total), (sar(75_000), sar(11_250), sar(86_250)));
    let nets: Vec<_> = estimate.lines.iter().map(|line| line.line.net).collect();
    assert_eq!(nets, [sar(30_000), sar(45_000)]);
    given::<Repair>([requested(), diagnosed(Coverage::Customer)]).when(Command::EstimateRepair(estimate_it())).then([estimated(1, true)]);
    for (wish, rejection) in [
        (EstimateRepair { offered: vec![], ..estimate_it() }, Rejection::Estimate(DocumentError::NoLines)),
        (EstimateRepair { on: day(13), ..estimate_it() }, Rejection::EstimateEndsBefore),
    ] {
        given::<Repair>([requested(), diagnosed(Coverage::Customer)]).when(Command::EstimateRepair(wish)).then_rejected(rejection);
    }
}

#[test]
fn a_customer_approves_the_estimate_that_they_have_read() {
    let approve = |number, on| Command::ApproveEstimate(ApproveEstimate { number, on: day(on) });
    given::<Repair>(estimated_repair()).when(approve(1, 4)).then([approved(1)]);
    given::<Repair>(estimated_repair()).when(approve(2, 4)).then_rejected(Rejection::OtherEstimate { offered: 1, asked: 2 });
    given::<Repair>(estimated_repair()).when(approve(1, 13)).then_rejected(Rejection::EstimateExpired { valid_until: day(12) });
}

#[test]
fn a_price_that_changes_moves_only_what_nobody_has_approved() {
    let repriced = |price: &str, on: u32, needs_approval: bool| {
        let mut offered = offered();
        offered[1].price = figure(price);
        let (part_id, estimate) = (part::example::register().part_id, Estimate::new(offered, terms()).unwrap());
        Event::from(EstimateRepriced { number: 2, part_id, estimate, needs_approval, on: day(on) })
    };
    given::<Repair>(estimated_repair()).when(reprice("480", 9)).then([repriced("480", 9, true)]);
    // Held until the 11th; after it, within a tenth of what was approved nobody is asked again.
    given::<Repair>(approved_repair()).when(reprice("480", 11)).then_nothing();
    given::<Repair>(approved_repair()).when(reprice("480", 12)).then([repriced("480", 12, false)]);
    given::<Repair>(approved_repair()).when(reprice("525", 12)).then([repriced("525", 12, false)]);
    given::<Repair>(approved_repair()).when(reprice("525.01", 12)).then([repriced("525.01", 12, true)]);
    // What is already here was put aside at the price agreed.
    given::<Repair>(begun_repair()).when(reprice("600", 12)).then_nothing();
    given::<Repair>([requested()]).when(reprice("480", 9)).then_nothing();
}

#[test]
fn more_work_within_the_approval_goes_on_and_above_it_asks_again() {
    let with_hours = |hours: &str| {
        let mut offered = offered();
        offered[0].quantity = hours.parse().unwrap();
        offered
    };
    let again = |hours| Command::EstimateRepair(EstimateRepair { offered: with_hours(hours), ..estimate_it() });
    let event = |hours, needs_approval| {
        let estimate = Estimate::new(with_hours(hours), terms()).unwrap();
        Event::from(RepairEstimated { number: 2, estimate, needs_approval, on: day(3) })
    };
    given::<Repair>(begun_repair()).when(again("2.5")).then([event("2.5", false)]);
    given::<Repair>(begun_repair()).when(again("2.51")).then([event("2.51", true)]);
    let asked = || [begun_repair(), vec![event("2.51", true)]].concat();
    assert_eq!(fold(asked()).status(), Some(Status::Estimated));
    let EstimateApproved { held_until, on, .. } = EstimateApproved { number: 2, total: sar(0), held_until: day(13), on: day(6) };
    let total = Estimate::new(with_hours("2.51"), terms()).unwrap().total;
    let taken_up = EstimateApproved { number: 2, total, held_until, on };
    given::<Repair>(asked()).when(Command::ApproveEstimate(ApproveEstimate { number: 2, on: day(6) })).then([taken_up.clone().into()]);
    assert_eq!(fold([asked(), vec![taken_up.into()]].concat()).status(), Some(Status::InProgress), "the device still lies open");
}

#[test]
fn work_begins_when_its_deposit_and_its_parts_are_there() {
    let unpaid = || [estimated_repair(), vec![approved(1)]].concat();
    given::<Repair>(unpaid()).when(start()).then_rejected(Rejection::DepositMissing { wanted: sar(10_000), paid: sar(0) });
    given::<Repair>(approved_repair()).when(start()).then([WorkStarted { on: day(6) }.into()]);
    let waiting = || [approved_repair(), vec![part_requested(1)]].concat();
    given::<Repair>(waiting()).when(start()).then_rejected(Rejection::NotNow(Status::PartsPending));
    given::<Repair>(waiting().into_iter().chain([reserved()])).when(start()).then([WorkStarted { on: day(6) }.into()]);
    let foreign = NoteRepairDeposit { deposit_id: DepositId::new(uuid::Uuid::from_u128(73)), amount: Money::new(1, crate::Currency::KWD) };
    let expected = DocumentError::OtherCurrency { expected: crate::Currency::SAR, found: crate::Currency::KWD };
    given::<Repair>(estimated_repair()).when(Command::NoteRepairDeposit(foreign)).then_rejected(expected.into());
}

#[test]
fn parts_are_those_of_the_estimate_and_no_more() {
    given::<Repair>(approved_repair()).when(ask_part(1, 1)).then([part_requested(1)]);
    given::<Repair>(approved_repair()).when(ask_part(1, 2)).then_rejected(Rejection::NotInEstimate { left: 1 });
    given::<Repair>(begun_repair()).when(ask_part(2, 1)).then_rejected(Rejection::NotInEstimate { left: 0 });
    given::<Repair>(begun_repair()).when(ask_part(1, 2)).then_rejected(Rejection::PartRequestIdReused);
    // What went back can be asked for again.
    let returned = || [begun_repair(), vec![part_returned()]].concat();
    given::<Repair>(returned()).when(ask_part(2, 1)).then([part_requested(2)]);
}

#[test]
fn a_part_is_used_or_returned_once_it_is_here() {
    given::<Repair>(begun_repair()).when(use_part(1, 1)).then([part_used()]);
    given::<Repair>(begun_repair()).when(return_part(1, 1)).then([part_returned()]);
    given::<Repair>(begun_repair()).when(use_part(1, 2)).then_rejected(Rejection::NotSoMany { left: 1 });
    given::<Repair>(begun_repair()).when(use_part(2, 1)).then_rejected(Rejection::NoSuchPartRequest);
    let used = || [begun_repair(), vec![part_used()]].concat();
    given::<Repair>(used()).when(return_part(1, 1)).then_rejected(Rejection::NotSoMany { left: 0 });
    let finish = Command::FinishWork(FinishWork { on: day(7) });
    given::<Repair>(begun_repair()).when(finish.clone()).then_rejected(Rejection::PartsLeftOver(1));
    given::<Repair>(used()).when(finish).then([WorkFinished { on: day(7) }.into()]);
}

#[test]
fn what_was_put_aside_goes_back_when_the_repair_is_given_up() {
    let cancel = Command::CancelRepair(CancelRepair { reason: reason("طلب العميل"), on: day(5) });
    let cancelled: Event = RepairCancelled { reason: reason("طلب العميل"), on: day(5) }.into();
    given::<Repair>(begun_repair()).when(cancel.clone()).then([part_returned(), cancelled.clone()]);
    let used = [begun_repair(), vec![part_used()]].concat();
    given::<Repair>(used).when(cancel.clone()).then([cancelled.clone()]);
    let waiting = || [approved_repair(), vec![part_requested(1)]].concat();
    given::<Repair>(waiting()).when(cancel).then([part_returned(), cancelled.clone()]);
    // The stock's answer comes too late and says nothing more.
    let late = Command::NotePartReserved(NotePartReserved { request_id: request_id(1) });
    given::<Repair>(waiting().into_iter().chain([part_returned(), cancelled])).when(late).then_nothing();
}

#[test]
fn a_check_that_fails_sends_the_work_back() {
    let check = || [begun_repair(), vec![part_used(), WorkFinished { on: day(7) }.into()]].concat();
    let fail = FailCheck { checked_by: Actor::user("5"), reason: reason("صوت"), on: day(7) };
    let FailCheck { checked_by, reason, on } = fail.clone();
    given::<Repair>(check()).when(Command::FailCheck(fail)).then([CheckFailed { checked_by, reason, on }.into()]);
    given::<Repair>(check()).when(Command::PassCheck(PassCheck { checked_by: Actor::user("5"), on: day(7) })).then([passed()]);
}

#[test]
fn a_device_that_nobody_fetches_costs_its_shelf_up_to_the_most() {
    let charge = |on| Command::ChargeStorage(ChargeStorage { rule: storage_rule(), on: day(on) });
    given::<Repair>(ready_repair()).when(charge(10)).then_nothing();
    given::<Repair>(ready_repair()).when(charge(13)).then([storage(3, 1_500).into()]);
    let charged = || [ready_repair(), vec![storage(3, 1_500).into()]].concat();
    given::<Repair>(charged()).when(charge(12)).then_nothing();
    given::<Repair>(charged()).when(charge(14)).then([storage(4, 2_000).into()]);
    given::<Repair>(charged()).when(charge(30)).then([storage(20, 5_000).into()]);
    let most = || [ready_repair(), vec![storage(20, 5_000).into()]].concat();
    given::<Repair>(most()).when(charge(31)).then_nothing();
    let billed = closed().bill.map(|bill| RepairBill { lines: [bill.lines, vec![storage(4, 2_000).line]].concat(), ..bill });
    let delivered: [Event; 2] = [storage(4, 2_000).into(), RepairDelivered { on: day(8) }.into()];
    let facts = ready_repair().into_iter().chain(delivered);
    given::<Repair>(facts).when(close()).then([RepairClosed { bill: billed, ..closed() }.into()]);
}

#[test]
fn closing_bills_labour_as_agreed_and_parts_as_used() {
    let delivered = |facts: Vec<Event>| facts.into_iter().chain([RepairDelivered { on: day(8) }.into()]);
    given::<Repair>(delivered(ready_repair())).when(close()).then([closed().into()]);
    let early = Command::CloseRepair(CloseRepair { on: day(7) });
    given::<Repair>(delivered(ready_repair())).when(early).then_rejected(Rejection::TooEarly { date: day(7), earliest: day(8) });
    let unused = [approved_repair(), vec![WorkStarted { on: day(6) }.into(), WorkFinished { on: day(7) }.into(), passed()]].concat();
    let labour = closed().bill.map(|bill| RepairBill { lines: bill.lines[..1].to_vec(), ..bill });
    given::<Repair>(delivered(unused)).when(close()).then([RepairClosed { bill: labour, ..closed() }.into()]);
}

#[test]
fn work_under_warranty_is_neither_offered_nor_billed() {
    let come = |on| Command::ReturnUnderWarranty(ReturnUnderWarranty { complaint: sealed(4), on });
    let until = closed().warranty_until.unwrap();
    given::<Repair>(closed_repair()).when(come(day(20))).then([come_back()]);
    given::<Repair>(closed_repair()).when(come(until.succ_opt().unwrap())).then_rejected(Rejection::WarrantyOver { ended_on: until });
    let again = || [closed_repair(), vec![come_back(), diagnosed(Coverage::Warranty)]].concat();
    assert_eq!(fold(again()).status(), Some(Status::Approved));
    given::<Repair>(again()).when(Command::EstimateRepair(estimate_it())).then_rejected(Rejection::UnderWarranty);
    let Event::PartRequested(asked) = part_requested(2) else { unreachable!("it is one") };
    given::<Repair>(again()).when(ask_part(2, 1)).then([PartRequested { coverage: Coverage::Warranty, ..asked }.into()]);
    let done: [Event; 4] =
        [WorkStarted { on: day(6) }.into(), WorkFinished { on: day(7) }.into(), passed(), RepairDelivered { on: day(8) }.into()];
    let nothing_to_pay = RepairClosed { bill: None, warranty_until: Some(until), on: day(9) };
    given::<Repair>(again().into_iter().chain(done)).when(close()).then([nothing_to_pay.into()]);
}

#[test]
fn a_customer_who_waits_for_a_word_is_answered_by_one() {
    let asked: Event = UpdateAsked { technician: None, at: at(50) }.into();
    let ask = Command::AskForUpdate(AskForUpdate { at: at(50) });
    given::<Repair>([requested()]).when(ask).then([asked.clone()]);
    let later = Command::AskForUpdate(AskForUpdate { at: at(55) });
    given::<Repair>([requested(), asked.clone()]).when(later.clone()).then_nothing();
    let waits = |answer: Event| fold([requested(), asked.clone(), answer]).waiting_since().is_some();
    assert!(waits(commented(1, Side::Customer, Audience::Public)));
    assert!(waits(commented(1, Side::Staff, Audience::Internal)));
    assert!(!waits(commented(1, Side::Staff, Audience::Public)));
    assert!(!waits(diagnosed(Coverage::Customer)));
    let technician: Event = TechnicianAssigned { technician: Actor::user("5") }.into();
    assert!(waits(technician.clone()));
    let to_them = UpdateAsked { technician: Some(Actor::user("5")), at: at(55) };
    given::<Repair>([requested(), technician]).when(later).then([to_them.into()]);
}

#[test]
fn customers_do_not_write_behind_their_own_back() {
    let wish = |side, audience| Command::Comment(comment(1, side, audience));
    given::<Repair>([requested()]).when(wish(Side::Staff, Audience::Internal)).then([commented(1, Side::Staff, Audience::Internal)]);
    given::<Repair>([requested()]).when(wish(Side::Customer, Audience::Internal)).then_rejected(Rejection::NotForCustomers);
    given::<Repair>([requested(), commented(1, Side::Staff, Audience::Public)])
        .when(wish(Side::Customer, Audience::Public))
        .then_rejected(Rejection::CommentIdReused);
}

#[test]
fn files_are_few_enough_to_look_through() {
    given::<Repair>([requested()]).when(Command::AttachFile(attach(1))).then([attached(1)]);
    let many = || [requested()].into_iter().chain((1..=50).map(attached));
    given::<Repair>(many()).when(Command::AttachFile(attach(51))).then_rejected(Rejection::TooManyFiles { most: 50 });
    given::<Repair>(many()).when(Command::AttachFile(attach(50))).then_nothing();
    let other = AttachFile { bytes: 1, ..attach(1) };
    given::<Repair>(many()).when(Command::AttachFile(other)).then_rejected(Rejection::AttachmentIdReused);
}

proptest! {
    #[test]
    fn an_estimate_is_the_sum_of_its_lines(lines in vec((1_i64..10_000, 0_i64..1_000_000, any::<bool>()), 1..12), rate in 0_i64..40) {
        let offered = lines.iter().map(|(hundredths, price, part)| Offered {
            part_id: part.then(|| part::example::register().part_id),
            quantity: Decimal::new(*hundredths, 2).to_string().parse().unwrap(),
            price: Decimal::new(*price, 3).to_string().parse().unwrap(),
            ..self::offered()[0].clone()
        });
        let rate = Decimal::new(rate, 2);
        let vat = crate::invoice::example::standard(&rate.to_string());
        let estimate = Estimate::new(offered.collect(), OfferTerms { vat, ..terms() }).unwrap();
        let nets: Vec<i64> = lines.iter().map(|(hundredths, price, _)| {
            let amount = Decimal::new(*hundredths, 2) * Decimal::new(*price, 3);
            Money::rounded(amount, crate::Currency::SAR).unwrap().minor
        }).collect();
        prop_assert_eq!(estimate.lines.iter().map(|line| line.line.net.minor).collect::<Vec<_>>(), nets.clone());
        let net = sar(nets.iter().sum());
        prop_assert_eq!(estimate.net, net);
        prop_assert_eq!(estimate.vat, Money::rounded(net.to_decimal() * rate, crate::Currency::SAR).unwrap());
        prop_assert_eq!(estimate.total, net.checked_add(estimate.vat).unwrap());
    }

    /// Whatever was done before, in whatever order: done again at once, it is done already.
    #[test]
    fn a_wish_sent_twice_is_one(order in vec(0..wishes().len(), 1..40), at in 0..standing_at().len()) {
        let mut repair = fold(standing_at()[at].1.clone());
        for index in order {
            let (name, wish) = wishes()[index].clone();
            let Ok(events) = repair.decide(wish.clone()) else { continue };
            repair = events.iter().fold(repair, Repair::evolve);
            prop_assert_eq!(repair.decide(wish), Ok(vec![]), "{}", name);
        }
    }
}
