//! Who is asked what, by which fact.

use uuid::Uuid;

use super::*;
use crate::{
    Actor, CommandHash, Decider, EventSchema, Metadata, Position,
    account::{Event, example::*},
    invoice::Surplus,
};

fn recorded(category: &str, n: u128, event: BillingEvent) -> Recorded<BillingEvent> {
    let metadata = Metadata {
        recorded_at: day("2024-12-31").and_hms_opt(9, 0, 0).unwrap().and_utc(),
        actor: Actor::user("1"),
        command_id: Uuid::nil(),
        command_hash: CommandHash::of(&()),
        correlation_id: Uuid::nil(),
        causation_id: Uuid::nil(),
        schema_version: 1,
    };
    let stream = StreamName::new(category, Uuid::from_u128(7)).unwrap();
    Recorded { id: Uuid::from_u128(n), stream, revision: 0, position: Position::single(3), metadata, event }
}

fn asked_by_account(event: Event) -> Option<Request> {
    request(&recorded(Account::CATEGORY, 9, BillingEvent::Account(event)))
}

fn asked_by_invoice(event: invoice::Event) -> Option<Request> {
    request(&recorded(Invoice::CATEGORY, 9, BillingEvent::Invoice(event)))
}

fn asked_by_payment(event: payment::Event) -> Option<Request> {
    request(&recorded(Payment::CATEGORY, 9, BillingEvent::Payment(event)))
}

fn asked_by_register(event: register::Event) -> Option<Request> {
    request(&recorded(Register::CATEGORY, 9, BillingEvent::Register(event)))
}

fn asked_by_repair(event: repair::Event) -> Option<Request> {
    request(&recorded(repair::Repair::CATEGORY, 9, BillingEvent::Repair(event)))
}

fn asked_by_order(event: crate::disconnection::Event) -> Option<Request> {
    request(&recorded(Disconnection::CATEGORY, 9, BillingEvent::Disconnection(event)))
}

fn asked_by_stock(event: stock::Event) -> Option<Request> {
    request(&recorded(stock::Stock::CATEGORY, 9, BillingEvent::Stock(event)))
}

fn asked_by_application(event: application::Event) -> Option<Request> {
    request(&recorded(Application::CATEGORY, 9, BillingEvent::Application(event)))
}

fn asked_by_place(event: agreement::Event) -> Option<Request> {
    request(&recorded(ServicePoint::CATEGORY, 9, BillingEvent::ServicePoint(event)))
}

/// `name stream-category Command`, of every example that asks for something.
fn asks(requests: impl IntoIterator<Item = (&'static str, Option<Request>)>) -> String {
    let lines = requests.into_iter().filter_map(|(event, request)| {
        let Request { name, stream, wish, .. } = request?;
        let wish = match wish {
            Wish::Account(command) => format!("{command:?}"),
            Wish::Dunning(command) => format!("{command:?}"),
            Wish::Invoice(command) => format!("{command:?}"),
            Wish::Meter(command) => format!("{command:?}"),
            Wish::Payment(command) => format!("{command:?}"),
            Wish::Register(command) => format!("{command:?}"),
            Wish::Repair(command) => format!("{command:?}"),
            Wish::Stock(command) => format!("{command:?}"),
            Wish::Application(command) => format!("{command:?}"),
            Wish::ServicePoint(command) => format!("{command:?}"),
        };
        let command = wish.split('(').next().unwrap_or_default().to_owned();
        Some(format!("{event}: {name} {} {command}", stream.category()))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn which_facts_ask_whom_for_what() {
    let accounts = account::example::events().into_iter().map(|event| (event.event_type(), asked_by_account(event)));
    let invoices = invoice::example::events().into_iter().map(|event| (event.event_type(), asked_by_invoice(event)));
    let payments = payment::example::events().into_iter().map(|event| (event.event_type(), asked_by_payment(event)));
    let registers = register::example::events().into_iter().map(|event| (event.event_type(), asked_by_register(event)));
    let repairs = repair::example::events().into_iter().map(|event| (event.event_type(), asked_by_repair(event)));
    let stocks = stock::example::events().into_iter().map(|event| (event.event_type(), asked_by_stock(event)));
    let orders = crate::disconnection::example::events().into_iter().map(|event| (event.event_type(), asked_by_order(event)));
    let applications = application::example::events().into_iter().map(|event| (event.event_type(), asked_by_application(event)));
    let places = agreement::example::events().into_iter().map(|event| (event.event_type(), asked_by_place(event)));
    expect_test::expect![[r#"
        CreditAllocated: tellInvoice invoice NoteAllocation
        AllocationFreed: tellInvoice invoice NoteAllocation
        DebtWrittenOff: tellInvoice invoice NoteWriteOff
        PlanAgreed: holdForPlan dunning HoldDunning
        PlanBroken: liftAfterPlan dunning LiftDunningHold
        PlanCancelled: liftAfterPlan dunning LiftDunningHold
        PlanCompleted: liftAfterPlan dunning LiftDunningHold
        InvoiceApproved: numberDocument register AssignNumber
        InvoiceIssued: chargeAccount account ChargeAccount
        CreditNoteApproved: numberDocument register AssignNumber
        CreditNoteIssued: creditAccount account CreditAccount
        DebitNoteApproved: numberDocument register AssignNumber
        DebitNoteIssued: chargeAccount account ChargeAccount
        PaymentCompleted: recordPayment account RecordPayment
        GatewayRefundFailed: returnRefund account ReturnRefund
        NumberAssigned: issueDocument invoice IssueInvoice
        PartRequested: askStock stock ReserveStock
        PartUsed: askStock stock UseStock
        PartReturned: askStock stock GiveBackStock
        StockReserved: tellRepair repair NotePartReserved
        ShortageRecorded: tellRepair repair NotePartShort
        DisconnectionExecuted: tellMeter meter DisconnectMeter
        ReconnectionFellLate: creditCompensation account CreditCompensation
        ReconnectionExecuted: tellMeter meter ReconnectMeter
        SiteInspected: keepPlace service_point AwaitConnection
        ApplicationRejected: keepPlace service_point ForgoConnection
        ApplicationCancelled: keepPlace service_point ForgoConnection
        ConnectionMade: tellApplication application NoteConnected"#]]
    .assert_eq(&asks(
        accounts
            .chain(invoices)
            .chain(payments)
            .chain(registers)
            .chain(repairs)
            .chain(stocks)
            .chain(orders)
            .chain(applications)
            .chain(places),
    ));
}

/// What an aggregate would say to a request, from a history that ought to welcome it.
fn account_hears(request: Option<Request>, facts: Vec<Event>) -> Vec<Event> {
    let Some(Request { wish: Wish::Account(command), .. }) = request else { panic!("{request:?}") };
    account(facts).decide(*command).unwrap_or_else(|rejection| panic!("refused: {rejection}"))
}

#[test]
fn an_issued_invoice_is_charged_as_it_was_issued() {
    let invoice::Event::InvoiceIssued(issued) = invoice::example::issued() else { unreachable!() };
    let events = account_hears(asked_by_invoice(issued.clone().into()), vec![]);
    let [Event::AccountCharged(charged)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((charged.invoice_id, charged.amount, charged.vat), (issued.invoice_id, issued.document.total, issued.document.vat));
    assert_eq!((charged.kind, charged.due_on, charged.debit_note_id), (ChargeKind::Supply, issued.dates.due_on, None));
    assert_eq!(charged.number, issued.number);
}

/// A total may be rounded to below its VAT; what is charged must still be an amount with its VAT in it.
#[test]
fn rounding_to_coins_does_not_leave_more_vat_than_there_is_to_pay() {
    let invoice::Event::InvoiceIssued(mut issued) = invoice::example::issued() else { unreachable!() };
    issued.document.total = sar(1);
    let events = account_hears(asked_by_invoice(issued.into()), vec![]);
    let [Event::AccountCharged(charged)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((charged.amount, charged.vat), (sar(1), sar(1)));
}

#[test]
fn an_invoice_is_told_what_stands_paid_of_it_in_all() {
    let facts = [charged(ChargeOf::default()), payment_received(1, 500), allocated(payment(1), 1, 500, 65, 11_000)];
    let events = decided(&account(facts), record_payment(2, 700));
    let Some(Request { wish: Wish::Invoice(command), stream, .. }) = asked_by_account(events[1].clone()) else { panic!("{events:?}") };
    assert_eq!(stream, StreamName::of::<Invoice>(invoice_id(1)));
    let invoice::Command::NoteAllocation(NoteAllocation { paid, on, .. }) = *command else { panic!("{command:?}") };
    assert_eq!((paid, on), (sar(1_200), day("2024-04-02")));
}

#[test]
fn its_own_credit_note_does_not_pay_an_invoice() {
    let events = decided(&account([charged(ChargeOf::default())]), credit_account(1, 1, 2_300, Surplus::AccountCredit));
    let Event::CreditAllocated(fact) = &events[1] else { panic!("{events:?}") };
    assert_eq!(fact.echo, echo(1, 0));
    let events =
        decided(&account([charged(ChargeOf { n: 2, ..ChargeOf::default() })]), credit_account(1, 1, 2_300, Surplus::AccountCredit));
    let Event::CreditAllocated(fact) = &events[1] else { panic!("{events:?}") };
    assert_eq!(fact.echo, echo(2, 2_300), "but it pays another");
}

#[test]
fn a_completed_payment_is_recorded_once_however_often_it_is_told() {
    let completed = || asked_by_payment(payment::example::completed(true));
    let events = account_hears(completed(), vec![]);
    assert_eq!(account_hears(completed(), events), []);
}

#[test]
fn who_waited_too_long_is_credited_once_however_often_it_is_told() {
    let late = || asked_by_order(crate::disconnection::example::fell_late("10:16", "10:15"));
    let events = account_hears(late(), vec![]);
    let [Event::CompensationCredited(credited)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (credited.disconnection_id, credited.amount, credited.on),
        (DisconnectionId::new(Uuid::from_u128(7)), sar(7_500), day("2024-07-15"))
    );
    assert_eq!(account_hears(late(), events), []);
    let [first, again] = [late(), late()].map(|request| request.unwrap().command_id);
    assert_eq!(first, again);
}

/// Terms of another currency than the account's owe it nothing, and the account is not bothered with it.
#[test]
fn nothing_is_not_credited() {
    let crate::disconnection::Event::ReconnectionFellLate(fact) = crate::disconnection::example::fell_late("10:16", "10:15") else {
        unreachable!()
    };
    let nothing = crate::disconnection::ReconnectionFellLate { compensation: sar(0), ..fact };
    assert!(asked_by_order(nothing.into()).is_none());
}

#[test]
fn a_charge_says_what_authorities_pay_of_each_supply() {
    use crate::invoice::example as invoices;
    let charged = |draft: invoice::Draft| {
        let invoice::Event::InvoiceIssued(issued) = invoices::issued_as(draft) else { unreachable!() };
        charge_request(Uuid::from_u128(9), &issued).1.subsidies
    };
    assert_eq!(charged(invoices::draft()), []);
    let (mut draft, mut parts) = (invoices::subsidised("100"), invoices::subsidised("50"));
    let (Subject::Supply { supplies }, Subject::Supply { supplies: others }) = (&mut draft.subject, &mut parts.subject) else {
        unreachable!()
    };
    // A second part of the first supply under the same scheme, and a second supply.
    let again = others[0].bill.subsidies[0].clone();
    supplies[0].bill.subsidies.push(again);
    supplies.append(others);
    let told: Vec<_> = charged(draft)
        .into_iter()
        .map(|ChargedSubsidy { subsidy_id, scheme, authority, amount }| {
            let supply = (0..2).find(|n| ids::subsidy_id(invoices::INVOICE, *n, &scheme, &authority) == subsidy_id);
            (supply, scheme.to_string(), amount.minor)
        })
        .collect();
    let expected = [(0, "homes", 6_000), (0, "families", 2_000), (1, "homes", 3_000), (1, "families", 1_250)];
    assert_eq!(told, expected.map(|(supply, scheme, minor)| (Some(supply), scheme.to_owned(), minor)));
}

#[test]
fn what_came_through_a_gateway_goes_back_through_it() {
    for (credit, tender, asked) in [
        (payment(1), Tender::Card, Some(REFUND_THROUGH_GATEWAY)),
        (payment(1), Tender::Wallet, Some(REFUND_THROUGH_GATEWAY)),
        (payment(1), Tender::Cash, None),
        (credit_note(1), Tender::Card, None),
    ] {
        let Event::CreditRefunded(fact) = credit_refunded(credit, 1, 300) else { unreachable!() };
        let request = asked_by_account(account::CreditRefunded { tender, ..fact }.into());
        assert_eq!(request.map(|request| request.name), asked, "{credit:?} {tender:?}");
    }
}

#[test]
fn an_event_told_twice_asks_the_same_thing_and_another_event_another() {
    let issued = |n| request(&recorded(Invoice::CATEGORY, n, BillingEvent::Invoice(invoice::example::issued()))).unwrap().command_id;
    assert_eq!(issued(9), issued(9));
    assert_ne!(issued(9), issued(10));
    assert_eq!(issued(9), request_id(Uuid::from_u128(9), CHARGE_ACCOUNT), "a bill run can know it beforehand");
}

#[test]
fn the_end_of_a_day_asks_once_for_each_invoice_and_day() {
    let id = |n, on: &str| day_end(invoice_id(n), day(on)).command_id;
    assert_eq!(id(1, "2024-07-17"), id(1, "2024-07-17"));
    assert_ne!(id(1, "2024-07-17"), id(1, "2024-07-18"));
    assert_ne!(id(1, "2024-07-17"), id(2, "2024-07-17"));
    let Wish::Invoice(command) = day_end(invoice_id(1), day("2024-07-17")).wish else { unreachable!() };
    let invoice = Invoice::default().evolve(&invoice::example::issued());
    assert_eq!(invoice.decide(*command).map(|events| events.len()), Ok(1));
}

/// Whatever the plan comes to, and told as often as you like.
#[test]
fn dunning_is_held_while_a_plan_runs() {
    use crate::dunning::{Dunning, HoldGround};
    use account::example::{agree_plan, charged, day, decided, plan_id, record_payment, review_plan};
    let cancel = || account::CancelPlan { plan_id: plan_id(1), on: day("2024-04-20"), reason: account::example::reason("made up") };
    for (ending, on) in [
        (vec![cancel().into()], "2024-04-20"),
        (vec![record_payment(9, 11_500).into()], "2024-04-09"),
        (vec![review_plan("2024-05-02").into(), review_plan("2024-05-07").into()], "2024-05-07"),
    ] {
        let commands = [agree_plan(1, 3).into()].into_iter().chain(ending);
        let (mut account, mut dunning, mut held) = (account::example::account([charged(Default::default())]), Dunning::default(), vec![]);
        for command in commands {
            let command: account::Command = command;
            for event in decided(&account, command) {
                account = account.evolve(&event);
                let told = asked_by_account(event);
                for _ in 0..2 {
                    let Some(Request { wish: Wish::Dunning(wish), .. }) = told.clone() else { continue };
                    dunning = dunning.decide(*wish).unwrap().iter().fold(dunning, Dunning::evolve);
                }
            }
            held.push(dunning.held(day(on)));
        }
        assert_eq!((held.first(), held.last()), (Some(&Some(HoldGround::InstalmentPlan)), Some(&None)), "{on}");
    }
}

/// From the workbench to the shelf and back: each hears the other, and told again they have nothing to add.
#[test]
fn a_repair_and_the_stock_come_to_the_same_end() {
    use repair::example::{approved, deposit_noted, diagnosed, estimated, request_id, requested};
    let facts = [requested(), diagnosed(repair::Coverage::Customer), estimated(1, true), approved(1), deposit_noted()];
    let mut bench = facts.iter().fold(repair::Repair::default(), repair::Repair::evolve);
    let mut shelf = stock::Stock::default();
    let settle = |bench: &mut repair::Repair, shelf: &mut stock::Stock, repairs: Vec<repair::Event>, stocks: Vec<stock::Event>| {
        let mut unheard: Vec<BillingEvent> =
            repairs.into_iter().map(BillingEvent::Repair).chain(stocks.into_iter().map(BillingEvent::Stock)).collect();
        while let Some(event) = unheard.pop() {
            let asked = request(&recorded(event.category(), 9, event.clone()));
            if let BillingEvent::Repair(event) = &event {
                *bench = std::mem::take(bench).evolve(event);
            } else if let BillingEvent::Stock(event) = &event {
                *shelf = std::mem::take(shelf).evolve(event);
            }
            match asked.map(|asked| asked.wish) {
                Some(Wish::Repair(wish)) => unheard.extend(bench.decide(*wish).unwrap().into_iter().map(BillingEvent::Repair)),
                Some(Wish::Stock(wish)) => unheard.extend(shelf.decide(*wish).unwrap().into_iter().map(BillingEvent::Stock)),
                Some(other) => panic!("{other:?}"),
                None => {}
            }
        }
    };
    let ask = repair::RequestPart {
        request_id: request_id(1),
        part_id: crate::part::example::register().part_id,
        quantity: std::num::NonZeroU32::MIN,
    };
    let asked = bench.decide(repair::Command::RequestPart(ask)).unwrap();
    settle(&mut bench, &mut shelf, asked, vec![]);
    assert_eq!(bench.status(), Some(repair::Status::PartsPending));
    let came = shelf.decide(stock::Command::ReceiveStock(stock::example::receive(1, 2, 60_000))).unwrap();
    settle(&mut bench, &mut shelf, vec![], came);
    assert_eq!((bench.status(), shelf.on_hand(), shelf.free()), (Some(repair::Status::Approved), 2, 1));
    let begun = bench.decide(repair::Command::StartWork(repair::StartWork { on: repair::example::day(6) })).unwrap();
    settle(&mut bench, &mut shelf, begun, vec![]);
    let used = repair::UsePart { request_id: request_id(1), used_in_all: 1, on: repair::example::day(6) };
    let used = bench.decide(repair::Command::UsePart(used)).unwrap();
    settle(&mut bench, &mut shelf, used, vec![]);
    assert_eq!((shelf.on_hand(), shelf.free(), shelf.value()), (1, 1, Some(sar(30_000))));
}
