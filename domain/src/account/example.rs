//! A made-up account for examples and tests.

use chrono::NaiveDate;
use uuid::Uuid;

use super::*;
use crate::{
    Actor, BillingPeriod, Code, Description, Reason, SealedFor,
    ids::{
        AccountId, ApplicationId, CashSessionId, DepositId, DisconnectionId, ImportBatchId, InstalmentPlanId, InvoiceId, NoteId, PaymentId,
        RefundId, subsidy_id,
    },
    invoice::Surplus,
    register::DocumentNumber,
};

const APPLICATION: ApplicationId = ApplicationId::new(Uuid::from_u128(81));

pub fn open() -> Command {
    let AccountOpened { account_id, number, holder_name, class, currency, language, opened_on } = payload();
    Command::OpenAccount(OpenAccount { account_id, number, holder_name, class, currency, language, opened_on })
}

pub fn opened() -> Event {
    payload().into()
}

/// The account after it opened and these facts.
pub fn account(facts: impl IntoIterator<Item = Event>) -> Account {
    facts.into_iter().fold(Account::default().evolve(&opened()), |account, fact| account.evolve(&fact))
}

pub fn import_opening_balance() -> ImportOpeningBalance {
    ImportOpeningBalance {
        batch_id: ImportBatchId::new(Uuid::from_u128(12)),
        row: 3,
        source_hash: code("8d969eef"),
        as_of: date(2024, 1, 31),
        items: vec![OpeningItem {
            document: code("OLD-2023-118"),
            issued_on: date(2023, 11, 1),
            due_on: date(2023, 11, 16),
            amount: Money::new(12_500, Currency::SAR),
        }],
        unapplied_credit: Money::new(500, Currency::SAR),
        deposit: Money::zero(Currency::SAR),
    }
}

pub fn opening_balance() -> Event {
    let ImportOpeningBalance { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit } = import_opening_balance();
    let balance = Money::new(12_000, Currency::SAR);
    OpeningBalanceImported { batch_id, row, source_hash, as_of, items, unapplied_credit, deposit, balance }.into()
}

pub fn opening_balance_reversed() -> Event {
    let ImportOpeningBalance { batch_id, row, unapplied_credit, deposit, .. } = import_opening_balance();
    let reason = reason("wrong file");
    OpeningBalanceReversed { batch_id, row, balance: Money::new(12_000, Currency::SAR), unapplied_credit, deposit, reason }.into()
}

pub fn opening_item() -> ItemId {
    let ImportOpeningBalance { batch_id, row, .. } = import_opening_balance();
    ItemId::Opening { batch_id, row, item: 0 }
}

/// What a charge says that matters to its example; the rest is the same in all.
#[derive(Clone, Copy, Debug)]
pub struct ChargeOf {
    pub n: u128,
    pub minor: i64,
    pub vat: i64,
    pub kind: ChargeKind,
    pub issued: &'static str,
    pub due: &'static str,
}

impl Default for ChargeOf {
    fn default() -> Self {
        Self { n: 1, minor: 11_500, vat: 1_500, kind: ChargeKind::Supply, issued: "2024-03-01", due: "2024-03-16" }
    }
}

pub fn charge(ChargeOf { n, minor, vat, kind, issued, due }: ChargeOf) -> ChargeAccount {
    ChargeAccount {
        invoice_id: invoice_id(n),
        debit_note_id: None,
        number: number("INV", n),
        kind,
        amount: sar(minor),
        vat: sar(vat),
        supply: BillingPeriod::new(date(2024, 2, 1), date(2024, 3, 1)).expect("a period"),
        issued_on: day(issued),
        due_on: day(due),
        subsidies: vec![],
    }
}

pub fn charged(of: ChargeOf) -> Event {
    charged_of(of).into()
}

fn charged_of(of: ChargeOf) -> AccountCharged {
    let ChargeAccount { invoice_id, debit_note_id, number, kind, amount, vat, supply, issued_on, due_on, subsidies: _ } = charge(of);
    AccountCharged { invoice_id, debit_note_id, number, kind, amount, vat, supply, issued_on, due_on }
}

/// In cash, at noon of the n-th of April.
pub fn record_payment(n: u32, minor: i64) -> RecordPayment {
    let value_on = date(2024, 4, n);
    RecordPayment {
        payment_id: payment_id(n),
        external_reference: code(&format!("R-{n}")),
        tender: Tender::Cash,
        channel: code("branch-7"),
        session: None,
        amount: sar(minor),
        received_at: value_on.and_hms_opt(9, 0, 0).expect("a time").and_utc(),
        value_on,
        directed: vec![],
        policy: None,
    }
}

pub fn payment_received(n: u32, minor: i64) -> Event {
    received(n, minor).into()
}

fn received(n: u32, minor: i64) -> PaymentReceived {
    let RecordPayment { payment_id, external_reference, tender, channel, session, amount, received_at, value_on, directed, policy: _ } =
        record_payment(n, minor);
    PaymentReceived { payment_id, external_reference, tender, channel, session, amount, received_at, value_on, directed }
}

pub fn reverse_payment(n: u32) -> ReversePayment {
    let cause = ReversalCause::Chargeback;
    ReversePayment { payment_id: payment_id(n), cause, bounce_fee: None, on: date(2025, 5, 1), reason: reason("disputed") }
}

/// Paid on the first of April, and nothing before: amount, VAT, and what is still due.
pub fn allocated(credit: CreditId, n: u128, amount: i64, vat: i64, still_due: i64) -> Event {
    allocated_on(credit, n, (amount, vat, still_due), "2024-04-01")
}

pub fn allocated_on(credit: CreditId, n: u128, (amount, vat, still_due): (i64, i64, i64), on: &str) -> Event {
    let paid = match credit {
        CreditId::Opening { .. } | CreditId::Payment(_) | CreditId::Deposit(_) | CreditId::Compensation(_) | CreditId::Subsidy(_) => amount,
        CreditId::CreditNote(_) => 0,
    };
    CreditAllocated {
        credit,
        item: invoice(n),
        amount: sar(amount),
        vat: sar(vat),
        still_due: sar(still_due),
        echo: echo(n, paid),
        paid_on: day(on),
        effective_on: day(on),
        plan: None,
    }
    .into()
}

pub fn echo(n: u128, minor: i64) -> Option<Echo> {
    Some(Echo { invoice_id: invoice_id(n), total: sar(minor) })
}

pub fn credit_account(n: u128, invoice: u128, minor: i64, surplus: Surplus) -> CreditAccount {
    CreditAccount {
        note_id: note_id(n),
        invoice_id: invoice_id(invoice),
        number: number("CRN", n),
        amount: sar(minor),
        vat: sar(minor * 3 / 23),
        issued_on: date(2024, 4, 1),
        surplus,
    }
}

pub fn account_credited(n: u128, invoice: u128, minor: i64, surplus: Surplus) -> Event {
    let CreditAccount { note_id, invoice_id, number, amount, vat, issued_on, surplus } = credit_account(n, invoice, minor, surplus);
    AccountCredited { note_id, invoice_id, number, amount, vat, issued_on, surplus }.into()
}

pub fn credit_compensation(n: u128, minor: i64) -> CreditCompensation {
    CreditCompensation { disconnection_id: disconnection_id(n), amount: sar(minor), on: date(2024, 4, 1) }
}

pub fn compensation_credited(n: u128, minor: i64) -> Event {
    let CreditCompensation { disconnection_id, amount, on } = credit_compensation(n, minor);
    CompensationCredited { disconnection_id, amount, on }.into()
}

/// What an authority pays of the n-th invoice.
pub fn charged_subsidy(n: u128, scheme: &str, minor: i64) -> ChargedSubsidy {
    let (scheme, authority) = (code(scheme), code("ministry-of-energy"));
    ChargedSubsidy { subsidy_id: subsidy_id(invoice_id(n), 0, &scheme, &authority), scheme, authority, amount: sar(minor) }
}

pub fn subsidy(n: u128, scheme: &str) -> CreditId {
    CreditId::Subsidy(charged_subsidy(n, scheme, 0).subsidy_id)
}

pub fn subsidy_credited(n: u128, scheme: &str, minor: i64) -> Event {
    let (invoice_id, on) = (invoice_id(n), date(2024, 3, 1));
    let ChargedSubsidy { subsidy_id, scheme, authority, amount } = charged_subsidy(n, scheme, minor);
    SubsidyCredited { subsidy_id, invoice_id, scheme, authority, amount, on }.into()
}

pub fn subsidy_taken_back(n: u128, scheme: &str, minor: i64, replaced_by: Option<u128>) -> Event {
    let (invoice_id, on, replaced_by) = (invoice_id(n), date(2024, 4, 1), replaced_by.map(note_id));
    let ChargedSubsidy { subsidy_id, scheme, authority, amount } = charged_subsidy(n, scheme, minor);
    SubsidyTakenBack { subsidy_id, invoice_id, scheme, authority, amount, replaced_by, on }.into()
}

/// From February 2024 on.
pub fn subsidy_granted() -> SubsidyGranted {
    SubsidyGranted {
        scheme: code("homes"),
        from: date(2024, 2, 1),
        to: None,
        proof: Description::new("decision 2024/117").expect("a description"),
        renew_by: Some(date(2025, 2, 1)),
    }
}

/// A year later.
pub fn claim_vat_relief(n: u128) -> ClaimVatRelief {
    ClaimVatRelief { item: invoice(n), after_months: 12, on: date(2025, 4, 1), claimed_by: Actor::user("9") }
}

pub fn vat_relief_claimed(n: u128, minor: i64) -> Event {
    let ClaimVatRelief { item, after_months: _, on, claimed_by } = claim_vat_relief(n);
    VatReliefClaimed { item, vat: sar(minor), on, claimed_by }.into()
}

pub fn refund(credit: CreditId, n: u128, minor: i64) -> RefundCredit {
    RefundCredit {
        refund_id: refund_id(n),
        credit,
        amount: sar(minor),
        tender: Tender::Cash,
        approved_by: Actor::user("9"),
        on: date(2024, 5, 1),
        reason: reason("moved away"),
    }
}

pub fn credit_refunded(credit: CreditId, n: u128, minor: i64) -> Event {
    let RefundCredit { refund_id, credit, amount, tender, approved_by, on, reason } = refund(credit, n, minor);
    CreditRefunded { refund_id, credit, amount, tender, approved_by, on, reason }.into()
}

pub fn take_deposit(n: u128, minor: i64) -> TakeDeposit {
    let (deposit_id, channel, on) = (deposit_id(n), code("branch-7"), date(2024, 2, 1));
    TakeDeposit { deposit_id, amount: sar(minor), tender: Tender::Pos, channel, session: None, on }
}

pub fn deposit_taken(n: u128, minor: i64) -> Event {
    let TakeDeposit { deposit_id, amount, tender, channel, session, on } = take_deposit(n, minor);
    DepositTaken { deposit_id, amount, tender, channel, session, on }.into()
}

pub fn return_deposit(n: u128) -> ReturnDeposit {
    let (approved_by, on) = (Actor::user("9"), date(2024, 10, 1));
    ReturnDeposit { deposit_id: deposit_id(n), tender: Tender::Transfer, approved_by, on, reason: reason("moved away") }
}

pub fn deposit_returned(n: u128, minor: i64) -> Event {
    let ReturnDeposit { deposit_id, tender, approved_by, on, reason } = return_deposit(n);
    DepositReturned { deposit_id, amount: sar(minor), tender, approved_by, on, reason }.into()
}

pub fn item_disputed(n: u128) -> Event {
    ItemDisputed { item: invoice(n), on: date(2024, 3, 10), reason: reason("never used so much") }.into()
}

/// The rule that the documentation suggests, but that it asks nothing down.
pub fn plan_rule() -> PlanRule {
    let terms: PlanRuleTerms = serde_json::from_str(include_str!("../../../fixtures/collections/plans-ksa.json")).expect("a rule");
    PlanRuleTerms { down_payment_percent: rust_decimal::Decimal::ZERO, ..terms }.try_into().expect("a rule")
}

/// By which anybody may have a plan, without patience.
pub fn any_plan_rule() -> PlanRule {
    let terms = PlanRuleTerms {
        smallest_debts: vec![],
        most_instalments: 12,
        down_payment_percent: rust_decimal::Decimal::ZERO,
        broken_within_months: 0,
        first_within_days: 31,
        grace_days: 0,
        rest_days: vec![],
        remainder: Remainder::Last,
    };
    terms.try_into().expect("a rule")
}

/// On the first of April, in so many parts from the first of May: all that is due.
pub fn agree_plan(n: u128, instalments: u32) -> AgreePlan {
    AgreePlan {
        plan_id: plan_id(n),
        items: vec![],
        down_payment: None,
        instalments,
        first_on: date(2024, 5, 1),
        rule: plan_rule(),
        on: date(2024, 4, 1),
    }
}

pub fn review_plan(on: &str) -> ReviewPlan {
    ReviewPlan { on: day(on) }
}

/// Over these invoices, in the parts that fall due on these days.
pub fn plan_agreed(n: u128, covered: &[(u128, i64)], instalments: &[(&str, i64)]) -> PlanAgreed {
    PlanAgreed {
        plan_id: plan_id(n),
        covered: covered.iter().map(|(n, minor)| Covered { item: invoice(*n), amount: sar(*minor) }).collect(),
        total: sar(covered.iter().map(|(_, minor)| minor).sum()),
        down_payment: None,
        instalments: instalments.iter().map(|(due, minor)| Instalment { due_on: day(due), amount: sar(*minor) }).collect(),
        grace_days: 5,
        on: date(2024, 4, 1),
        effective_on: date(2024, 4, 1),
    }
}

pub fn plan_broken(n: u128, cause: BreakCause, open: &[(u128, i64)], on: &str) -> Event {
    let PlanAgreed { plan_id, covered: open, total: remaining, .. } = plan_agreed(n, open, &[]);
    PlanBroken { plan_id, cause, open, remaining, on: day(on), effective_on: day(on) }.into()
}

pub fn plan_cancelled(n: u128, cause: CancelCause, open: &[(u128, i64)], on: &str) -> Event {
    let PlanAgreed { plan_id, covered: open, total: remaining, .. } = plan_agreed(n, open, &[]);
    PlanCancelled { plan_id, cause, open, remaining, on: day(on), effective_on: day(on) }.into()
}

/// What the account decides, which must not be no.
pub fn decided(account: &Account, command: impl Into<Command>) -> Vec<Event> {
    account.decide(command.into()).unwrap_or_else(|rejection| panic!("rejected: {rejection}"))
}

/// Which items were paid how much, in that order.
pub fn allocations(events: &[Event]) -> Vec<(ItemId, i64)> {
    let paid = events.iter().filter_map(|event| if let Event::CreditAllocated(fact) = event { Some(fact) } else { None });
    paid.map(|fact| (fact.item, fact.amount.minor)).collect()
}

pub fn invoice(n: u128) -> ItemId {
    ItemId::Invoice(invoice_id(n))
}

pub fn payment(n: u32) -> CreditId {
    CreditId::Payment(payment_id(n))
}

pub fn credit_note(n: u128) -> CreditId {
    CreditId::CreditNote(note_id(n))
}

pub fn invoice_id(n: u128) -> InvoiceId {
    InvoiceId::new(Uuid::from_u128(100 + n))
}

pub fn payment_id(n: u32) -> PaymentId {
    PaymentId::new(Uuid::from_u128(300 + u128::from(n)))
}

pub fn note_id(n: u128) -> NoteId {
    NoteId::new(Uuid::from_u128(500 + n))
}

pub fn refund_id(n: u128) -> RefundId {
    RefundId::new(Uuid::from_u128(700 + n))
}

pub fn disconnection_id(n: u128) -> DisconnectionId {
    DisconnectionId::new(Uuid::from_u128(970 + n))
}

pub fn plan_id(n: u128) -> InstalmentPlanId {
    InstalmentPlanId::new(Uuid::from_u128(1_100 + n))
}

pub fn deposit_id(n: u128) -> DepositId {
    DepositId::new(Uuid::from_u128(900 + n))
}

fn number(series: &str, n: u128) -> DocumentNumber {
    let number = u64::try_from(n).expect("a small number");
    DocumentNumber { register: code("RUH"), series: code(series), year: 2024, number, counter: number }
}

pub fn sar(minor: i64) -> Money {
    Money::new(minor, Currency::SAR)
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let contact_id = ContactId::new(Uuid::from_u128(21));
    let address_id = AddressId::new(Uuid::from_u128(22));
    let agreement_id = AgreementId::new(Uuid::from_u128(31));
    let meter_id = MeterId::new(Uuid::from_u128(32));
    let contact = |n| Contact { kind: ContactKind::Mobile, name: Some(sealed(n)), value: sealed(n + 1) };
    let address = |n| Address { kind: AddressKind::Billing, text: sealed(n) };
    let number = Sealed::new(SealedFor::Legal, vec![4, 5, 6], [6; 16]);
    vec![
        opened(),
        AccountReclassified { class: CustomerClass::Commercial, effective_on: date(2024, 6, 1), reason: reason("shop opened") }.into(),
        HolderRenamed { holder_name: sealed(5), effective_on: date(2024, 6, 1), reason: reason("deed of marriage") }.into(),
        IdentityRecorded { document: IdentityDocument { kind: code("national-id"), number, expires_on: Some(date(2030, 1, 1)) } }.into(),
        LanguageChosen { language: Language::English }.into(),
        CurrencyChosen { currency: Currency::USD }.into(),
        ContactAdded { contact_id, contact: contact(1) }.into(),
        ContactChanged { contact_id, contact: contact(3) }.into(),
        ContactRemoved { contact_id }.into(),
        AddressAdded { address_id, address: address(1) }.into(),
        AddressChanged { address_id, address: address(2) }.into(),
        AddressRemoved { address_id }.into(),
        VatStatusSet {
            category: VatCategory::E,
            reason: Some(code("VATEX-SA-DIPLOMAT")),
            from: date(2024, 2, 1),
            to: Some(date(2025, 2, 1)),
        }
        .into(),
        LinkedToLedger { ledger_account: code("1100.0007") }.into(),
        SubsidyGranted { to: Some(date(2025, 2, 1)), ..subsidy_granted() }.into(),
        SubsidyEnded { scheme: code("homes"), on: date(2024, 10, 1), reason: reason("income above the limit") }.into(),
        ServiceBegun { agreement_id, from: date(2024, 2, 1) }.into(),
        ServiceEnded { agreement_id, to: date(2024, 9, 1) }.into(),
        MeterFitted { meter_id, fitted_on: date(2024, 2, 1) }.into(),
        MeterTakenOff { meter_id, taken_off_on: date(2024, 9, 1) }.into(),
        ConnectionCleared { application_id: APPLICATION, invoice_id: invoice_id(1), meter_id, on: date(2024, 2, 1) }.into(),
        ConnectionWithdrawn { application_id: APPLICATION, on: date(2024, 2, 1) }.into(),
        AccountSuspended { suspended_on: date(2024, 7, 1), reason: reason("asked for") }.into(),
        AccountResumed { resumed_on: date(2024, 8, 1), reason: reason("asked for") }.into(),
        opening_balance(),
        opening_balance_reversed(),
    ]
    .into_iter()
    .chain(receivable_events())
    .chain([AccountClosed { closed_on: date(2024, 10, 1), reason: reason("moved away") }.into()])
    .collect()
}

/// Not a history: one of each, in the order of the files that they are declared in.
fn receivable_events() -> Vec<Event> {
    let (credit, item, on) = (payment(1), invoice(1), date(2024, 5, 1));
    let debit_note =
        AccountCharged { debit_note_id: Some(note_id(2)), ..charged_of(ChargeOf { minor: 2_300, vat: 300, ..ChargeOf::default() }) };
    vec![
        debit_note.into(),
        item_disputed(1),
        DisputeResolved { item, on, reason: reason("the meter is right") }.into(),
        PaymentReceived {
            session: Some(CashSessionId::new(Uuid::from_u128(41))),
            directed: vec![item, opening_item()],
            ..received(1, 11_500)
        }
        .into(),
        PaymentReversed {
            payment_id: payment_id(1),
            tender: Tender::Cheque,
            amount: sar(11_500),
            written_off: sar(0),
            cause: ReversalCause::Bounced,
            bounce_fee: Some(sar(5_000)),
            on,
            reason: reason("no funds"),
        }
        .into(),
        allocated(credit, 1, 11_500, 1_500, 0),
        AllocationFreed {
            credit,
            item,
            amount: sar(11_500),
            vat: sar(1_500),
            still_due: sar(11_500),
            echo: echo(1, 0),
            cause: FreeCause::PaymentReversed,
            effective_on: on,
        }
        .into(),
        account_credited(1, 1, 2_300, Surplus::AccountCredit),
        compensation_credited(1, 7_500),
        subsidy_credited(1, "homes", 3_000),
        subsidy_taken_back(1, "homes", 1_000, Some(1)),
        credit_refunded(credit, 1, 300),
        RefundReturned { refund_id: refund_id(1), credit, amount: sar(300), tender: Tender::Cash, on, reason: reason("account unknown") }
            .into(),
        deposit_taken(1, 20_000),
        DepositReleased { deposit_id: deposit_id(1), amount: sar(11_500), on }.into(),
        deposit_returned(1, 8_500),
        LateFeeAssessed { item, fee: sar(230), overdue: sar(11_500), due_on: date(2024, 3, 16), on }.into(),
        LateFeeWaived { item, waived_by: Actor::user("5"), on, reason: reason("our mistake") }.into(),
        DebtWrittenOff {
            item,
            amount: sar(11_500),
            vat: sar(1_500),
            echo: echo(1, 11_500),
            approval: Approval::Given { by: Actor::user("9"), reason: reason("bankrupt") },
            on,
        }
        .into(),
        CreditWrittenOff { credit, amount: sar(99), on }.into(),
        DebtRecovered { item, amount: sar(4_600), vat: sar(600), relief: None, on }.into(),
        vat_relief_claimed(1, 900),
        RebillBegun { item, on, reason: reason("wrong tariff") }.into(),
        RebillEnded { item, on }.into(),
        AllocationPolicyChosen { policy: AllocationPolicy::ProRata }.into(),
        ChequeCleared { cheque: credit, amount: sar(11_500), on }.into(),
        PlanAgreed {
            down_payment: Some(DownPayment { payment_id: payment_id(2), amount: sar(4_000) }),
            ..plan_agreed(1, &[(1, 11_500)], &[("2024-05-01", 3_833), ("2024-06-02", 3_833), ("2024-07-01", 3_834)])
        }
        .into(),
        InstalmentMissed { plan_id: plan_id(1), due_on: on, missing: sar(3_833), on: date(2024, 5, 2) }.into(),
        plan_broken(1, BreakCause::InstalmentMissed { due_on: on }, &[(1, 11_500)], "2024-05-07"),
        plan_cancelled(1, CancelCause::Asked { reason: reason("a new plan follows") }, &[(1, 11_500)], "2024-05-07"),
        PlanCompleted { plan_id: plan_id(1), on }.into(),
    ]
}

fn payload() -> AccountOpened {
    AccountOpened {
        account_id: AccountId::new(Uuid::from_u128(7)),
        number: AccountNumber::new("1000000008").expect("an account number"),
        holder_name: Sealed::new(SealedFor::Contact, vec![1, 2, 3], [9; 16]),
        class: CustomerClass::Residential,
        currency: Currency::SAR,
        language: Language::Arabic,
        opened_on: date(2024, 1, 31),
    }
}

fn sealed(n: u8) -> Sealed {
    Sealed::new(SealedFor::Contact, vec![n, n, n], [n; 16])
}

pub fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

pub fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}
