//! One account's bill: from what is known of it to a draft, or to why there is none.

use chrono::Days;
use daftar_domain::{
    BillingPeriod, Digest, Money, NotMeasured,
    account::Account,
    bill_run::{Failure, Filter, Listed, Outcome, Plan},
    ids::{AccountId, InvoiceId, MeterId, ReadingId},
    invoice::{BillCheck, Draft},
    meter::Meter,
};
use daftar_projections::billable::{Customer, Known, Supplied};

use crate::rating::{Tariffs, bills, could_be_billed, draft, failure, not_measured, readings, register};

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
    let Customer { account, has_credit, supplies, bills: before, under_correction } = customer;
    let (mut billed, mut meters) = (Vec::with_capacity(1), Vec::with_capacity(1));
    for supply in supplies {
        let Some(unbilled) = unbilled(&supply, plan).filter(|days| chosen(&plan.filter, &account.state, &supply, *days)) else { continue };
        if let Some(correction) = under_correction {
            return Err(failure("under-correction", format!("correction {correction} of an earlier invoice is not finished")));
        }
        if let Some(draft) = supply.drafted {
            return Err(failure("draft-waits", format!("invoice {draft} is drafted for days that would be billed twice")));
        }
        let period = due(&supply, unbilled, plan)?;
        let brought = supply.billed.last().and_then(|last| last.carried.as_ref());
        billed.extend(bills(&account.state, &supply, period, brought, tariffs, plan.rounding)?);
        meters.extend(read(invoice_id, supply, period)?);
    }
    if billed.is_empty() {
        return Ok(None);
    }
    let draft = draft(&account.state, billed, &plan.seller, &plan.vat_reasons, plan.rounding)?;
    let total = draft.document.total;
    let check = plan.held_above.zip(average(&before, total)).map(|(times, average)| BillCheck { average, times });
    let digest = Digest::of(&draft);
    let held = check.filter(|check| check.holds(total));
    Ok(Some(Drafted { account_id, invoice_id, draft, digest, held, account, has_credit, meters }))
}

/// The days that no bill has told of yet.
fn unbilled(supply: &Supplied, plan: &Plan) -> Option<BillingPeriod> {
    let (from, to) = supply.service_point.course(supply.agreement_id)?;
    let until = to.map_or(plan.cut_off, |to| to.min(plan.cut_off));
    BillingPeriod::new(supply.billed_to().unwrap_or(from), until).ok()
}

/// Those of them that are billed: up to the last of which readings tell; of an agreement that ends, all of them.
fn due(supply: &Supplied, unbilled: BillingPeriod, plan: &Plan) -> Result<BillingPeriod, Failure> {
    let register = register(supply)?;
    let (mut from, until) = (unbilled.from(), unbilled.to());
    let measured = supply.meters.iter().filter_map(|(_, meter)| meter.state.measured(supply.premises_id, &register, until));
    let measured = measured.reduce(union);
    // A new meter's first reading is of the day on which the supply begins, and tells of the days after it.
    if let Some(measured) = measured
        && supply.billed_to().is_none()
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

/// The readings that the bill stands on, by meter, if the meters will agree.
fn read(invoice_id: InvoiceId, supply: Supplied, period: BillingPeriod) -> Result<Vec<Read>, Failure> {
    let register = register(&supply)?;
    let stands_on: Vec<_> = supply.meters.iter().map(|(_, meter)| readings(&supply, &meter.state, &register, period)).collect();
    let mut read = Vec::with_capacity(1);
    for ((meter_id, meter), reading_ids) in supply.meters.into_iter().zip(stands_on) {
        if !reading_ids.is_empty() {
            could_be_billed(invoice_id, meter_id, &meter.state, &reading_ids)?;
            read.push(Read { meter_id, meter, reading_ids });
        }
    }
    Ok(read)
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
