//! One account's bill: from what is known of it to a draft, or to why there is none.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use daftar_domain::{
    BillingPeriod, Code, Decider, Digest, Money, NotMeasured, Overestimate, Reason, SealedFor,
    account::Account,
    bill_run::{Failure, Filter, Listed, Outcome, Plan},
    ids::{AccountId, InvoiceId, MeterId, ReadingId},
    invoice::{BillCheck, BilledSupply, Buyer, DocumentError, Draft, Heading, TaxForm},
    meter::{self, Meter, NoteReadingsBilled, usage_between},
    rating::{RatingError, Supply, rate},
    tariff::Series,
};
use daftar_projections::billable::{Customer, Known, Supplied};

/// The tariffs that a run rates by.
pub type Tariffs = BTreeMap<Code, Series>;

/// What became of an account.
#[derive(Debug)]
pub enum Rated {
    /// Nothing has been used that is not billed, or the run is not for it.
    Nothing,
    Drafted(Box<Drafted>),
    Failed(Failure),
}

/// A bill that can be issued, and all that issuing needs.
#[derive(Debug)]
pub struct Drafted {
    pub account_id: AccountId,
    pub invoice_id: InvoiceId,
    pub draft: Draft,
    pub digest: Digest,
    /// The check that it did not pass.
    pub held: Option<BillCheck>,
    pub account: Known<Account>,
    pub has_credit: bool,
    /// What it stands on.
    pub meters: Vec<Read>,
}

/// The readings of a meter that a bill stands on.
#[derive(Debug)]
pub struct Read {
    pub meter_id: MeterId,
    pub meter: Known<Meter>,
    pub reading_ids: Vec<ReadingId>,
}

/// How many bills make the average.
const BILLS: usize = 12;

impl Rated {
    /// Its place in the list, if it has one.
    pub fn listed(&self, account_id: AccountId) -> Option<Listed> {
        let outcome = match self {
            Self::Nothing => return None,
            Self::Drafted(drafted) if drafted.held.is_some() => Outcome::Held,
            Self::Drafted(drafted) => Outcome::Billed(drafted.digest),
            Self::Failed(failure) => Outcome::Failed(failure.clone()),
        };
        Some(Listed { account_id, outcome })
    }
}

/// Bills an account for all that it is supplied with: all of it, or nothing.
pub fn bill(account_id: AccountId, invoice_id: InvoiceId, customer: Customer, plan: &Plan, tariffs: &Tariffs) -> Rated {
    match try_bill(account_id, invoice_id, customer, plan, tariffs) {
        Ok(Some(drafted)) => Rated::Drafted(Box::new(drafted)),
        Ok(None) => Rated::Nothing,
        Err(failure) => Rated::Failed(failure),
    }
}

fn try_bill(
    account_id: AccountId,
    invoice_id: InvoiceId,
    customer: Customer,
    plan: &Plan,
    tariffs: &Tariffs,
) -> Result<Option<Drafted>, Failure> {
    let Customer { account, has_credit, supplies, bills } = customer;
    let (mut billed, mut meters) = (Vec::with_capacity(1), Vec::with_capacity(1));
    for supply in supplies {
        let Some(unbilled) = unbilled(&supply, plan).filter(|days| chosen(&plan.filter, &account.state, &supply, *days)) else { continue };
        if let Some(draft) = supply.drafted {
            return Err(failure("draft-waits", format!("invoice {draft} is drafted for days that would be billed twice")));
        }
        let period = due(&supply, unbilled, plan)?;
        billed.extend(rate_supply(&account.state, &supply, period, plan, tariffs)?);
        meters.extend(read(invoice_id, supply, period)?);
    }
    let (Some(first), Some(last)) = (billed.iter().map(from).min(), billed.iter().map(to).max()) else { return Ok(None) };
    let supplied = BillingPeriod::new(first, last).map_err(|error| failure("no-days", error))?;
    let buyer = account.state.holder_name().filter(|name| name.key() == SealedFor::Legal);
    let buyer = buyer.map(|name| Buyer { name: name.clone(), vat_number: None, identity: None, address: None });
    let heading = Heading { form: TaxForm::Simplified, seller: plan.seller.clone(), buyer, supplied };
    let draft = Draft::of_supplies(heading, billed, &plan.vat_reasons, plan.rounding).map_err(of_document)?;
    let total = draft.document.total;
    if account.state.currency().is_some_and(|currency| currency != total.currency) {
        return Err(failure("other-currency", format!("the bill is in {}, and the account is not", total.currency.code())));
    }
    let check = plan.held_above.zip(average(&bills, total)).map(|(times, average)| BillCheck { average, times });
    let digest = Digest::of(&draft);
    let held = check.filter(|check| check.holds(total));
    Ok(Some(Drafted { account_id, invoice_id, draft, digest, held, account, has_credit, meters }))
}

/// The days that no bill has told of yet.
fn unbilled(supply: &Supplied, plan: &Plan) -> Option<BillingPeriod> {
    let (from, to) = supply.service_point.course(supply.agreement_id)?;
    let until = to.map_or(plan.cut_off, |to| to.min(plan.cut_off));
    BillingPeriod::new(supply.billed_to.unwrap_or(from), until).ok()
}

/// Those of them that are billed: up to the last of which readings tell; of an agreement that ends, all of them.
fn due(supply: &Supplied, unbilled: BillingPeriod, plan: &Plan) -> Result<BillingPeriod, Failure> {
    let register = register(supply)?;
    let (mut from, until) = (unbilled.from(), unbilled.to());
    let measured = supply.meters.iter().filter_map(|(_, meter)| meter.state.measured(supply.premises_id, &register, until));
    let measured = measured.reduce(union);
    // A new meter's first reading is of the day on which the supply begins, and tells of the days after it.
    if let Some(measured) = measured
        && supply.billed_to.is_none()
        && Some(measured.from()) == from.checked_add_days(Days::new(1))
    {
        from = measured.from();
    }
    let ended = supply.service_point.course(supply.agreement_id).and_then(|(_, to)| to);
    let to = if ended.is_some_and(|to| to <= plan.cut_off) { until } else { measured.map_or(from, BillingPeriod::to) };
    BillingPeriod::new(from, to).map_err(|_| not_measured(NotMeasured { from, to: until }))
}

fn chosen(filter: &Filter, account: &Account, supply: &Supplied, unbilled: BillingPeriod) -> bool {
    let Filter { read_cycle_id, class, area, failed_in: _ } = filter;
    let on = unbilled.last_day();
    read_cycle_id.is_none_or(|cycle| supply.service_point.read_cycle_on(supply.agreement_id, on) == Some(cycle))
        && class.is_none_or(|class| account.class_on(on) == Some(class))
        && area.as_ref().is_none_or(|area| supply.premises.facts_on(on).is_some_and(|facts| facts.area == *area))
}

/// A bill for each run of days under one tariff series. What one leaves to be given back, the next brings.
fn rate_supply(
    account: &Account,
    supply: &Supplied,
    period: BillingPeriod,
    plan: &Plan,
    tariffs: &Tariffs,
) -> Result<Vec<BilledSupply>, Failure> {
    let Supplied { agreement_id, service_point_id, premises_id, service, service_point, premises, .. } = supply;
    let register = register(supply)?;
    let meters: Vec<&Meter> = supply.meters.iter().map(|(_, meter)| &meter.state).collect();
    let mut brought: Option<Overestimate> = supply.carried.clone();
    let mut bills = Vec::with_capacity(1);
    for (days, series) in service_point.series_during(*agreement_id, period) {
        let series = tariffs.get(series).ok_or_else(|| failure("no-tariff", format!("there is no tariff series `{series}`")))?;
        let usage = usage_between(&meters, *premises_id, &register, days).map_err(not_measured)?;
        let facts = premises.facts_on(days.from()).ok_or_else(|| failure("no-premises", "the premises are not registered"))?;
        let supplied = Supply { brought: brought.as_ref(), vat: account.vat_statuses(), ..Supply::new(days, &usage, facts) };
        let bill = rate(series, &supplied, plan.rounding).map_err(of_rating)?;
        brought = bill.carried.clone();
        bills.push(BilledSupply { agreement_id: *agreement_id, service_point_id: *service_point_id, service: *service, bill });
    }
    Ok(bills)
}

/// The readings that the bill stands on, by meter, if the meters will agree: once the invoice has its number it is too late to ask.
fn read(invoice_id: InvoiceId, supply: Supplied, period: BillingPeriod) -> Result<Vec<Read>, Failure> {
    let register = register(&supply)?;
    let mut read = Vec::with_capacity(supply.meters.len());
    for (meter_id, meter) in supply.meters {
        let segments = meter.state.usage(supply.premises_id, &register, period);
        let mut reading_ids: Vec<ReadingId> = segments.into_iter().flat_map(|segment| segment.readings).collect();
        reading_ids.dedup();
        if reading_ids.is_empty() {
            continue;
        }
        let wish = NoteReadingsBilled { invoice_id, reading_ids: reading_ids.clone() };
        meter.state.decide(meter::Command::NoteReadingsBilled(wish)).map_err(|rejection| failure("rebill-first", rejection))?;
        read.push(Read { meter_id, meter, reading_ids });
    }
    Ok(read)
}

/// The register that counts the service, whichever meter it is on.
fn register(supply: &Supplied) -> Result<Code, Failure> {
    let registers = supply.meters.iter().map(|(_, meter)| meter.state.register_for(supply.service));
    let mut registers: Vec<_> = registers.collect::<Option<_>>().ok_or_else(|| failure("no-register", "not one register counts it"))?;
    registers.dedup();
    match registers[..] {
        [register] => Ok(register.clone()),
        [] => Err(failure("no-meter", "nothing measures the supply")),
        _ => Err(failure("no-register", "the meters count it on registers of different names")),
    }
}

/// Of the latest bills, in the currency of this one.
fn average(bills: &[(InvoiceId, Money)], total: Money) -> Option<Money> {
    let latest: Vec<Money> = bills.iter().rev().take(BILLS).map(|(_, bill)| *bill).filter(|bill| bill.currency == total.currency).collect();
    let sum = Money::sum(total.currency, latest.iter().copied()).ok()?;
    let count = i64::try_from(latest.len()).ok().filter(|count| *count > 0)?;
    Some(Money::new(sum.minor / count, total.currency))
}

fn union(one: BillingPeriod, other: BillingPeriod) -> BillingPeriod {
    BillingPeriod::new(one.from().min(other.from()), one.to().max(other.to())).unwrap_or(one)
}

fn from(supply: &BilledSupply) -> NaiveDate {
    supply.bill.period.from()
}

fn to(supply: &BilledSupply) -> NaiveDate {
    supply.bill.period.to()
}

fn not_measured(missing: NotMeasured) -> Failure {
    failure("not-measured", missing)
}

fn of_rating(error: RatingError) -> Failure {
    let code = match &error {
        RatingError::NoTariff { .. } => "no-tariff",
        RatingError::ReadRequired { .. } => "read-required",
        RatingError::UsageOutsidePeriod { .. } => "usage-outside-period",
        RatingError::NegativeUsage { .. } => "negative-usage",
        RatingError::RebillFirst { .. } => "rebill-first",
        RatingError::BadQuantity { .. } => "bad-quantity",
        RatingError::BreakerUnknown { .. } => "breaker-unknown",
        RatingError::TooLarge => "too-large",
    };
    failure(code, error)
}

fn of_document(error: DocumentError) -> Failure {
    let code = match &error {
        DocumentError::NoLines => "nothing-to-charge",
        DocumentError::OtherCurrency { .. } => "other-currency",
        DocumentError::VatReasonMissing(_) => "vat-reason-missing",
        DocumentError::RateWithoutTax(_) => "rate-without-tax",
        DocumentError::BelowZero(_) => "below-zero",
        DocumentError::NotSealedAsLegal | DocumentError::BuyerIncomplete => "buyer-incomplete",
        DocumentError::TooLarge => "too-large",
    };
    failure(code, error)
}

fn failure(code: &str, why: impl ToString) -> Failure {
    let why: String = why.to_string().chars().take(200).collect();
    Failure { code: Code::new(code).expect("a code"), why: Reason::new(why).expect("a sentence of ours") }
}
