//! A made-up invoice for examples and tests: a month of electricity at 1.00 a kWh, with a fee of 30.00, at 15 % VAT.

use std::num::NonZeroU32;

use uuid::Uuid;

use super::*;
use crate::{
    Actor, BillingPeriod, Code, Currency, Description, Reason, Sealed, SealedFor, Service, UsageBasis, UsageSegment, VatCategory,
    ids::{AccountId, AgreementId, InvoiceId, PremisesId, ReadingId, service_point_id},
    premises::PremisesFacts,
    rating::{Rounding, Supply, rate},
    tariff::{Series, Tariff},
};

pub const INVOICE: InvoiceId = InvoiceId::new(Uuid::from_u128(50));
pub const ACCOUNT: AccountId = AccountId::new(Uuid::from_u128(7));
pub const CREDIT: NoteId = NoteId::new(Uuid::from_u128(51));
pub const DEBIT: NoteId = NoteId::new(Uuid::from_u128(52));

/// 100 kWh for 100.00, and 30.00: 130.00, with VAT 149.50.
pub fn draft() -> Draft {
    draft_of("100")
}

pub fn draft_of(usage_kwh: &str) -> Draft {
    let supply = supply(usage_kwh);
    Draft::of_supplies(heading(), vec![supply], &VatReasons::new(), Rounding::default()).expect("a sound draft")
}

/// 100 kWh and the fee, as in [`draft_of`]: of these 130.00 a ministry pays 30.00 and a city 20.00.
pub fn subsidised(usage_kwh: &str) -> Draft {
    let subsidies = r#","subsidies":[{"code":"homes","authority":"ministry-of-energy","for":"all","quota":"50","kind":{"priceDifference":{"price":"0.40"}}},
        {"code":"families","authority":"city","for":"all","kind":{"percentOfUsage":"25"},"cap":"20"}]"#;
    let supply = supply_by(usage_kwh, subsidies);
    Draft::of_supplies(heading(), vec![supply], &VatReasons::new(), Rounding::default()).expect("a sound draft")
}

pub fn supply(usage_kwh: &str) -> BilledSupply {
    supply_by(usage_kwh, "")
}

/// By the tariff with these terms besides.
fn supply_by(usage_kwh: &str, besides: &str) -> BilledSupply {
    let terms = r#"{"code":"made-up-2024","series":"made-up","service":"electricity","class":"residential","currency":"SAR",
        "effectiveFrom":"2024-01-01","period":{"normalDays":30,"toleranceDays":3},"vat":{"category":"S","rate":"0.15"},
        "brackets":[{"upTo":null,"fee":"0","segments":[{"width":null,"price":"1"}]}],
        "fixedCharges":[{"code":"meter-fee","amount":"30","per":"period"}],"midPeriodChange":"prorate"BESIDES}"#;
    let tariff: Tariff = terms.replace("BESIDES", besides).parse().expect("a sound tariff");
    let readings = [1, 2].map(|number| ReadingId::new(Uuid::from_u128(number))).to_vec();
    let usage = UsageSegment {
        period: june(),
        quantity: usage_kwh.parse().expect("a number"),
        readings,
        basis: UsageBasis::Measured,
        corrects: vec![],
    };
    let premises = PremisesFacts { dwellings: NonZeroU32::MIN, breaker_amps: Some(60), load_kva: None, area: code("RUH-07") };
    let series = Series::of([tariff]).expect("a series");
    BilledSupply {
        agreement_id: AgreementId::new(Uuid::from_u128(31)),
        service_point_id: service_point_id(PremisesId::new(Uuid::from_u128(30)), Service::Electricity),
        service: Service::Electricity,
        bill: rate(&series, &Supply::new(june(), &[usage], &premises), Rounding::default()).expect("a bill"),
    }
}

pub fn heading() -> Heading {
    let address = SellerAddress {
        street: text("طريق الملك فهد"),
        building: code("7421"),
        district: text("العليا"),
        city: text("الرياض"),
        postal_code: code("12212"),
        country: code("SA"),
    };
    let (vat_number, registration) = (Some(code("310122393500003")), Some(code("1010010000")));
    let seller = Seller { name: text("شركة الدفتر للكهرباء"), vat_number, registration, address };
    let buyer = Buyer { name: sealed(1), vat_number: None, identity: None, address: Some(sealed(2)) };
    Heading { form: TaxForm::Simplified, seller, buyer: Some(buyer), supplied: june() }
}

pub fn line(revenue: Revenue, minor: i64) -> DocumentLine {
    DocumentLine {
        code: code("piece"),
        text: Some(text("ضاغط")),
        revenue,
        quantity: "1".parse().expect("a quantity"),
        unit: Unit::Piece,
        price: sar(minor).to_decimal(),
        net: sar(minor),
        vat: standard("0.15"),
        credits: None,
    }
}

pub fn standard(rate: &str) -> VatTreatment {
    VatTreatment { category: VatCategory::S, rate: rate.parse().expect("a rate"), reason: None }
}

pub fn drafted() -> Event {
    InvoiceDrafted { invoice_id: INVOICE, account_id: ACCOUNT, draft: draft() }.into()
}

pub fn approved() -> Event {
    InvoiceApproved { dates: dates(), numbering: numbering("INV") }.into()
}

pub fn issued() -> Event {
    issued_as(draft())
}

pub fn issued_as(draft: Draft) -> Event {
    let Draft { subject, document } = draft;
    InvoiceIssued { invoice_id: INVOICE, account_id: ACCOUNT, number: number("INV", 42), dates: dates(), subject, document }.into()
}

pub fn dates() -> Dates {
    Dates::new(day("2024-07-01"), day("2024-07-16")).expect("dates in order")
}

pub fn numbering(series: &str) -> Numbering {
    Numbering { register: code("RUH"), series: code(series) }
}

pub fn number(series: &str, number: u64) -> DocumentNumber {
    let Numbering { register, series } = numbering(series);
    DocumentNumber { register, series, year: 2024, number, counter: number + 1_000 }
}

/// Half of the energy back: 50.00, with VAT 57.50.
pub fn credit() -> ApproveCreditNote {
    ApproveCreditNote {
        note_id: CREDIT,
        issued_on: day("2024-07-10"),
        lines: vec![CreditLine { line: on_invoice(1), net: sar(5_000) }],
        surplus: Surplus::AccountCredit,
        reason: reason("meter fast"),
        numbering: numbering("CRN"),
    }
}

/// A reconnection that was forgotten: 50.00, with VAT 57.50.
pub fn debit() -> ApproveDebitNote {
    ApproveDebitNote {
        note_id: DEBIT,
        dates: Dates::new(day("2024-07-12"), day("2024-07-27")).expect("dates in order"),
        supplied: june(),
        lines: vec![line(Revenue::ReconnectFee, 5_000)],
        rounding: Rounding::default(),
        reason: reason("reconnection forgotten"),
        numbering: numbering("DBN"),
    }
}

pub fn on_invoice(line: u32) -> LineRef {
    LineRef { debit_note: None, line }
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let asked = InvoiceHeld { cause: HoldCause::Asked { reason: reason("disputed reading") } };
    let [credited, debited] = [Command::ApproveCreditNote(credit()), Command::ApproveDebitNote(debit())].map(|wish| after_issue([], wish));
    let credit_issued =
        after_issue(credited.clone(), Command::IssueCreditNote(IssueCreditNote { note_id: CREDIT, number: number("CRN", 3) }));
    let debit_issued = after_issue(debited.clone(), Command::IssueDebitNote(IssueDebitNote { note_id: DEBIT, number: number("DBN", 1) }));
    let (account_id, on) = (ACCOUNT, day("2024-07-14"));
    let rest = [
        InvoiceCancelled { account_id, note_id: CREDIT, cancelled_on: on, reason: reason("billed twice") }.into(),
        InvoicePartlyPaid { account_id, paid: sar(10_000), left: sar(4_950), as_of: Some(3), on }.into(),
        InvoiceSettled { account_id, paid: sar(14_950), as_of: Some(5), on }.into(),
        InvoiceReopened { account_id, paid: sar(10_000), left: sar(4_950), as_of: Some(7), on }.into(),
        InvoiceFellOverdue { account_id, due_on: day("2024-07-16"), as_of: day("2024-07-17"), left: sar(4_950) }.into(),
        InvoiceWrittenOff { account_id, amount: sar(4_950), on, reason: reason("not to be had") }.into(),
    ];
    let before = [
        drafted(),
        asked.into(),
        InvoiceReleased { released_by: Actor::user("12"), reason: reason("checked with the reader") }.into(),
        DraftDiscarded { reason: reason("drafted twice") }.into(),
        approved(),
        issued(),
    ];
    before.into_iter().chain(credited).chain(credit_issued).chain(debited).chain(debit_issued).chain(rest).collect()
}

/// What a wish brings about once the invoice is issued and these facts have followed.
pub fn after_issue(facts: impl IntoIterator<Item = Event>, wish: Command) -> Vec<Event> {
    let invoice = [issued()].into_iter().chain(facts).fold(Invoice::default(), |invoice, fact| invoice.evolve(&fact));
    invoice.decide(wish).expect("not refused")
}

pub fn june() -> BillingPeriod {
    BillingPeriod::new(day("2024-06-01"), day("2024-07-01")).expect("a month")
}

pub fn sar(minor: i64) -> Money {
    Money::new(minor, Currency::SAR)
}

pub fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

pub fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn text(text: &str) -> Description {
    Description::new(text).expect("a description")
}

fn sealed(n: u8) -> Sealed {
    Sealed::new(SealedFor::Legal, vec![n, n, n], [n; 16])
}
