//! The table of postings, an event a line.

use std::fmt::Write;

use uuid::Uuid;

use super::*;
use crate::{
    Actor, BillingEvent, CommandHash, Currency, Decider, EventSchema, Metadata, Money, Position, Recorded, StreamName,
    account::{
        self, Account, Approval, BreakCause, CancelCause, CreditWrittenOff, Event, PaymentReceived, PaymentReversed, ReversalCause, Tender,
        example::*,
    },
    invoice::{self, Invoice},
    repair::Coverage,
    settlement, stock,
};

fn recorded(event: BillingEvent) -> Recorded<BillingEvent> {
    let category = if let BillingEvent::Invoice(_) = event { Invoice::CATEGORY } else { Account::CATEGORY };
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
    Recorded { id: Uuid::from_u128(9), stream, revision: 0, position: Position::single(3), metadata, event }
}

/// `2024-04-01 1010 Dr 115.00, 2210 Cr 115.00`.
fn posted(event: BillingEvent) -> String {
    let Some(journal) = post(&recorded(event)).unwrap() else { return "nothing".to_owned() };
    assert_eq!((journal.event_id, journal.position), (Uuid::from_u128(9), Position::single(3)));
    let mut text = journal.effective_on.to_string();
    for (n, Entry { account, side, amount, .. }) in journal.entries().iter().enumerate() {
        let side = if *side == Side::Debit { "Dr" } else { "Cr" };
        write!(text, "{} {} {side} {}", if n == 0 { "" } else { "," }, account.number(), amount.to_decimal()).unwrap();
    }
    text
}

#[test]
fn what_each_event_of_an_account_does_to_the_books() {
    let received = |tender| {
        let Event::PaymentReceived(fact) = payment_received(1, 500) else { unreachable!() };
        Event::from(PaymentReceived { tender, ..fact })
    };
    let reversed = |written_off| PaymentReversed {
        payment_id: payment_id(1),
        tender: Tender::Cheque,
        amount: sar(500),
        written_off: sar(written_off),
        cause: ReversalCause::Bounced,
        bounce_fee: Some(sar(5_000)),
        on: day("2024-05-01"),
        reason: reason("no funds"),
    };
    let written_off =
        |approval| account::DebtWrittenOff { item: invoice(1), amount: sar(50), vat: sar(7), echo: None, approval, on: day("2025-03-01") };
    let Event::CreditAllocated(of_a_plan) = allocated(payment(1), 1, 500, 65, 11_000) else { unreachable!() };
    let of_a_plan = Event::from(account::CreditAllocated { plan: Some(plan_id(1)), ..of_a_plan });
    let given = Approval::Given { by: Actor::user("9"), reason: reason("bankrupt") };
    let refund_returned = account::RefundReturned {
        refund_id: refund_id(1),
        credit: payment(1),
        amount: sar(300),
        tender: Tender::Card,
        on: day("2024-05-09"),
        reason: reason("closed card"),
    };
    for (event, expected) in [
        (opening_balance(), "2024-01-31 1100 Dr 125.00, 2210 Cr 5.00, 3900 Cr 120.00"),
        (opening_balance_reversed(), "2024-12-31 1100 Cr 125.00, 2210 Dr 5.00, 3900 Dr 120.00"),
        (charged(ChargeOf::default()), "2024-03-01 1100 Dr 115.00, 1115 Cr 115.00"),
        (charged(ChargeOf { minor: 0, vat: 0, ..ChargeOf::default() }), "nothing"),
        (account_credited(1, 1, 2_300, invoice::Surplus::Refund), "2024-04-01 1115 Dr 23.00, 2210 Cr 23.00"),
        (compensation_credited(1, 7_500), "2024-04-01 5400 Dr 75.00, 2210 Cr 75.00"),
        (subsidy_credited(1, "homes", 3_000), "2024-03-01 1120 Dr 30.00, 2210 Cr 30.00"),
        (subsidy_taken_back(1, "homes", 1_000, Some(1)), "2024-04-01 2210 Dr 10.00, 1120 Cr 10.00"),
        (received(Tender::Cash), "2024-04-01 1010 Dr 5.00, 2210 Cr 5.00"),
        (received(Tender::Transfer), "2024-04-01 1020 Dr 5.00, 2210 Cr 5.00"),
        (received(Tender::Pos), "2024-04-01 1030 Dr 5.00, 2210 Cr 5.00"),
        (received(Tender::Card), "2024-04-01 1030 Dr 5.00, 2210 Cr 5.00"),
        (received(Tender::Wallet), "2024-04-01 1030 Dr 5.00, 2210 Cr 5.00"),
        (received(Tender::Cheque), "2024-04-01 1040 Dr 5.00, 2210 Cr 5.00"),
        (allocated(payment(1), 1, 500, 65, 11_000), "2024-04-01 2210 Dr 5.00, 1100 Cr 5.00"),
        (reversed(0).into(), "2024-05-01 1040 Cr 5.00, 2210 Dr 5.00"),
        (reversed(99).into(), "2024-05-01 1040 Cr 5.00, 2210 Dr 4.01, 5900 Dr 0.99"),
        (credit_refunded(payment(1), 1, 300), "2024-05-01 1010 Cr 3.00, 2210 Dr 3.00"),
        (refund_returned.into(), "2024-05-09 1030 Dr 3.00, 2210 Cr 3.00"),
        (deposit_taken(1, 20_000), "2024-02-01 1030 Dr 200.00, 2200 Cr 200.00"),
        (
            account::DepositReleased { deposit_id: deposit_id(1), amount: sar(5), on: day("2024-09-01") }.into(),
            "2024-09-01 2200 Dr 0.05, 2210 Cr 0.05",
        ),
        (of_a_plan, "2024-04-01 2210 Dr 5.00, 1105 Cr 5.00"),
        (plan_agreed(1, &[(1, 11_500), (2, 500)], &[]).into(), "2024-04-01 1105 Dr 120.00, 1100 Cr 120.00"),
        (plan_broken(1, BreakCause::PaymentReversed, &[(1, 4_000)], "2024-05-07"), "2024-05-07 1100 Dr 40.00, 1105 Cr 40.00"),
        (plan_broken(1, BreakCause::PaymentReversed, &[], "2024-05-07"), "nothing"),
        (plan_cancelled(1, CancelCause::Rebill, &[(1, 4_000)], "2024-05-07"), "2024-05-07 1100 Dr 40.00, 1105 Cr 40.00"),
        (
            account::ChequeCleared { cheque: payment(1), amount: sar(500), on: day("2024-04-20") }.into(),
            "2024-04-20 1020 Dr 5.00, 1040 Cr 5.00",
        ),
        (deposit_returned(1, 8_500), "2024-10-01 1020 Cr 85.00, 2200 Dr 85.00"),
        (written_off(given).into(), "2025-03-01 5100 Dr 0.50, 1100 Cr 0.50"),
        (written_off(Approval::SmallBalance).into(), "2025-03-01 5900 Dr 0.50, 1100 Cr 0.50"),
        (CreditWrittenOff { credit: payment(1), amount: sar(9), on: day("2025-03-01") }.into(), "2025-03-01 2210 Dr 0.09, 5900 Cr 0.09"),
        (
            account::DebtRecovered { item: invoice(1), amount: sar(50), vat: sar(7), relief: None, on: day("2025-05-01") }.into(),
            "2025-05-01 1100 Dr 0.50, 4900 Cr 0.50",
        ),
        (
            account::DebtRecovered { item: invoice(1), amount: sar(50), vat: sar(7), relief: Some(sar(7)), on: day("2025-05-01") }.into(),
            "2025-05-01 1100 Dr 0.50, 4900 Cr 0.43, 2100 Cr 0.07",
        ),
        (vat_relief_claimed(1, 1_500), "2025-04-01 2100 Dr 15.00, 5100 Cr 15.00"),
    ] {
        assert_eq!(posted(BillingEvent::Account(event.clone())), expected, "{event:?}");
    }
}

#[test]
fn what_a_gateway_settles_reaches_the_bank_less_its_commission() {
    let [settled, _] = &settlement::example::events()[..] else { unreachable!() };
    let expected = "2024-04-03 1020 Dr 979.87, 5300 Dr 17.50, 2110 Dr 2.63, 1030 Cr 1000.00";
    assert_eq!(posted(BillingEvent::Settlement(settled.clone())), expected);
}

#[test]
fn what_an_authority_settles_reaches_the_bank() {
    let [_, settled] = &settlement::example::events()[..] else { unreachable!() };
    assert_eq!(posted(BillingEvent::Settlement(settled.clone())), "2024-05-02 1020 Dr 2500.00, 1120 Cr 2500.00");
}

#[test]
fn an_allowance_moves_the_books_by_what_it_changes() {
    let set = |allowance, before| AllowanceSet { allowance: sar(allowance), before: sar(before), ..periods::example::allowance_set() };
    for (allowance, before, expected) in [
        (50_000, 0, "2024-01-31 5100 Dr 500.00, 1190 Cr 500.00"),
        (70_000, 50_000, "2024-01-31 5100 Dr 200.00, 1190 Cr 200.00"),
        (0, 70_000, "2024-01-31 5100 Cr 700.00, 1190 Dr 700.00"),
    ] {
        assert_eq!(posted(BillingEvent::AccountingPeriods(set(allowance, before).into())), expected);
    }
    for event in [periods::example::opened(1), periods::example::closed(1)] {
        assert_eq!(posted(BillingEvent::AccountingPeriods(event)), "nothing");
    }
}

#[test]
fn what_is_freed_is_posted_as_the_inverse_of_what_was_allocated() {
    let account = account([charged(ChargeOf::default())]);
    let paid = decided(&account, record_payment(1, 500));
    let after = paid.iter().fold(account, Account::evolve);
    let freed = decided(&after, reverse_payment(1));
    assert_eq!(posted(BillingEvent::Account(freed[0].clone())), "2025-05-01 1100 Dr 5.00, 2210 Cr 5.00");
}

#[test]
fn parts_are_worth_what_they_cost_on_the_shelf_and_when_they_leave_it() {
    let used = |coverage| {
        let stock::Event::StockUsed(fact) = stock::example::used(1, 1, 30_000) else { unreachable!() };
        stock::Event::from(stock::StockUsed { coverage, ..fact })
    };
    let table = [
        stock::example::received(1, 3, 90_000),
        used(Coverage::Customer),
        used(Coverage::Warranty),
        stock::example::counted(1, 2, 1, -30_000),
        stock::example::counted(1, 2, 3, 30_000),
        stock::example::reserved(1, 1),
    ];
    let lines: Vec<_> = table.into_iter().map(|event| format!("{}: {}", event.event_type(), posted(BillingEvent::Stock(event)))).collect();
    expect_test::expect![[r#"
        StockReceived: 2024-05-02 1200 Dr 900.00, 2000 Cr 900.00
        StockUsed: 2024-05-03 5200 Dr 300.00, 1200 Cr 300.00
        StockUsed: 2024-05-03 5210 Dr 300.00, 1200 Cr 300.00
        StockCounted: 2024-05-30 1200 Cr 300.00, 5200 Dr 300.00
        StockCounted: 2024-05-30 1200 Dr 300.00, 5200 Cr 300.00
        StockReserved: nothing"#]]
    .assert_eq(&lines.join("\n"));
}

/// Of all that an account may record, this is what moves no money.
#[test]
fn events_without_money_post_nothing() {
    let silent: Vec<_> = account::example::events()
        .into_iter()
        .filter(|event| posted(BillingEvent::Account(event.clone())) == "nothing")
        .map(|event| event.event_type())
        .collect();
    assert_eq!(
        silent.join(" "),
        "AccountOpened AccountReclassified HolderRenamed IdentityRecorded LanguageChosen CurrencyChosen ContactAdded ContactChanged \
         ContactRemoved AddressAdded AddressChanged AddressRemoved VatStatusSet LinkedToLedger SubsidyGranted SubsidyEnded ServiceBegun \
         ServiceEnded MeterFitted MeterTakenOff ConnectionCleared ConnectionWithdrawn AccountSuspended AccountResumed ItemDisputed DisputeResolved \
         LateFeeAssessed LateFeeWaived RebillBegun RebillEnded AllocationPolicyChosen InstalmentMissed PlanCompleted \
         AccountClosed"
    );
}

#[test]
fn documents_are_posted_when_they_are_issued_and_a_credit_note_as_the_inverse() {
    let lines: Vec<_> = invoice::example::events()
        .into_iter()
        .map(|event| (event.event_type(), posted(BillingEvent::Invoice(event))))
        .filter(|(_, posted)| posted != "nothing")
        .map(|(name, posted)| format!("{name}: {posted}"))
        .collect();
    expect_test::expect![[r#"
        InvoiceIssued: 2024-07-01 1115 Dr 149.50, 4100 Cr 100.00, 4130 Cr 30.00, 2100 Cr 19.50
        CreditNoteIssued: 2024-07-10 1115 Cr 57.50, 4100 Dr 50.00, 2100 Dr 7.50
        DebitNoteIssued: 2024-07-12 1115 Dr 57.50, 4210 Cr 50.00, 2100 Cr 7.50"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn what_is_rounded_off_a_document_is_posted_as_a_difference() {
    let invoice::Event::InvoiceIssued(mut fact) = invoice::example::issued() else { unreachable!() };
    (fact.document.rounding, fact.document.total) = (sar(-50), sar(14_900));
    let expected = "2024-07-01 1115 Dr 149.00, 4100 Cr 100.00, 4130 Cr 30.00, 2100 Cr 19.50, 5900 Dr 0.50";
    assert_eq!(posted(BillingEvent::Invoice(fact.into())), expected);
}

#[test]
fn a_document_that_does_not_add_up_is_an_error_and_not_a_journal() {
    let invoice::Event::InvoiceIssued(mut fact) = invoice::example::issued() else { unreachable!() };
    fact.document.total = Money::new(fact.document.total.minor + 1, Currency::SAR);
    let error = post(&recorded(BillingEvent::Invoice(fact.into()))).unwrap_err();
    assert_eq!(error, JournalError::Unbalanced { event_id: Uuid::from_u128(9), by: Money::new(1, Currency::SAR) });
}

#[test]
fn cash_hangs_under_its_till_and_the_rest_under_the_customer() {
    let Event::PaymentReceived(fact) = payment_received(1, 500) else { unreachable!() };
    let session = crate::ids::CashSessionId::new(Uuid::from_u128(41));
    let event = BillingEvent::Account(PaymentReceived { session: Some(session), ..fact }.into());
    let journal = post(&recorded(event)).unwrap().unwrap();
    let customer = SubLedger::Customer(crate::ids::AccountId::new(Uuid::from_u128(7)));
    let sub_ledgers: Vec<_> = journal.entries().iter().map(|entry| entry.sub_ledger).collect();
    assert_eq!(sub_ledgers, [Some(SubLedger::Till(session)), Some(customer)]);
}
