//! `replay-tool rerate`: every bill reckoned anew from tariffs, meters, premises and accounts as events tell of them.
//!
//! With its own tariffs each issued invoice must come out as it was issued. With other tariffs it shows what history would have cost. Of an
//! invoice only the question is taken: whose supply, for which days, known up to where. Its lines are looked at when all is reckoned.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use daftar_domain::{
    Aggregate, BillingEvent, BillingPeriod, Code, Currency, Digest, Money, Overestimate, Position, Recorded, Service, StreamName,
    account::{Account, CustomerClass},
    agreement::{self, ServicePoint},
    bill_run::{self, Outcome},
    ids::{AccountId, AgreementId, BillRunId, InvoiceId, MeterId, PremisesId, ServicePointId, run_invoice_id},
    invoice::{self, BilledSupply, InvoiceIssued, Subject},
    meter::{Meter, usage_between},
    premises::Premises,
    rating::{Bill, Rounding, Supply, rate},
    tariff::{Series, TariffSeries},
};
use futures::TryStreamExt;

use crate::source::Source;

/// An invoice as it was issued, and as it comes out now.
#[derive(Clone, Debug)]
pub struct Rerated {
    pub number: String,
    pub invoice_id: InvoiceId,
    pub account_id: AccountId,
    /// The last day of its supply, by which it counts.
    pub on: NaiveDate,
    pub class: Option<CustomerClass>,
    pub issued: Money,
    pub rerated: Result<Money, String>,
    /// Whether every line, tax and sum is the same.
    pub is_same: bool,
}

/// Other tariffs than its own.
#[derive(Clone, Debug)]
pub struct Other {
    pub service: Service,
    pub series: Series,
}

/// What an invoice was issued for.
struct Question {
    invoice_id: InvoiceId,
    account_id: AccountId,
    supplies: Vec<Asked>,
}

struct Asked {
    agreement_id: AgreementId,
    service_point_id: ServicePointId,
    service: Service,
    period: BillingPeriod,
    rounding: Rounding,
}

/// What it said: held against what was reckoned, at the end and not before.
struct Answer {
    number: String,
    on: NaiveDate,
    net: Money,
    bills: Digest,
    document: Digest,
}

/// All invoices for supply, in the order in which they were rated.
pub async fn rerate(source: &Source, other: Option<&Other>) -> Result<Vec<Rerated>> {
    let (mut questions, answers) = ask(source).await?;
    let (mut known, mut rated) = (Known::default(), Vec::new());
    let mut events = source.facts();
    while let Some(fact) = events.try_next().await? {
        while let Some(entry) = questions.first_entry().filter(|entry| *entry.key() < fact.position) {
            rated.extend(entry.remove().into_iter().map(|question| known.reckon(question, other)));
        }
        known.take(fact);
    }
    rated.extend(questions.into_values().flatten().map(|question| known.reckon(question, other)));
    Ok(rated.into_iter().filter_map(|reckoned| compare(reckoned, &answers)).collect())
}

/// The first pass: what was asked, by the last position that was known when it was, and what was answered.
async fn ask(source: &Source) -> Result<(BTreeMap<Position, Vec<Question>>, HashMap<InvoiceId, Answer>)> {
    let (mut questions, mut answers): (BTreeMap<_, Vec<_>>, _) = (BTreeMap::new(), HashMap::new());
    let mut rated_at: HashMap<InvoiceId, Position> = HashMap::new();
    let mut last = Position::single(0);
    let mut events = source.facts();
    while let Some(fact) = events.try_next().await? {
        match &fact.event {
            BillingEvent::BillRun(bill_run::Event::BlockFrozen(block)) => {
                let run_id = BillRunId::new(fact.stream.id());
                let billed = block.accounts.iter().filter(|listed| matches!(listed.outcome, Outcome::Billed(_) | Outcome::Held));
                rated_at.extend(billed.map(|listed| (run_invoice_id(run_id, listed.account_id), block.as_of)));
            }
            BillingEvent::Invoice(invoice::Event::InvoiceDrafted(drafted)) => {
                rated_at.entry(drafted.invoice_id).or_insert(last);
            }
            BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) => {
                if let Subject::Supply { supplies } = &issued.subject {
                    let as_of = rated_at.remove(&issued.invoice_id).unwrap_or(last);
                    questions.entry(as_of).or_default().push(question(issued, supplies));
                    answers.insert(issued.invoice_id, answer(issued, supplies));
                }
            }
            _ => {}
        }
        last = fact.position;
    }
    Ok((questions, answers))
}

fn question(issued: &InvoiceIssued, supplies: &[BilledSupply]) -> Question {
    let asked = |supply: &BilledSupply| Asked {
        agreement_id: supply.agreement_id,
        service_point_id: supply.service_point_id,
        service: supply.service,
        period: supply.bill.period,
        rounding: supply.bill.rounding_policy,
    };
    Question { invoice_id: issued.invoice_id, account_id: issued.account_id, supplies: supplies.iter().map(asked).collect() }
}

fn answer(issued: &InvoiceIssued, supplies: &[BilledSupply]) -> Answer {
    let bills: Vec<&Bill> = supplies.iter().map(|supply| &supply.bill).collect();
    let lines: Vec<(&str, Money)> = issued.document.lines.iter().map(|line| (line.code.as_str(), line.net)).collect();
    Answer {
        number: issued.number.to_string(),
        on: issued.document.heading.supplied.last_day(),
        net: issued.document.net,
        bills: Digest::of(&bills),
        document: Digest::of(&lines),
    }
}

/// A question that was reckoned.
struct Reckoned {
    invoice_id: InvoiceId,
    account_id: AccountId,
    class: Option<CustomerClass>,
    bills: Result<Vec<Bill>, String>,
}

fn compare(reckoned: Reckoned, answers: &HashMap<InvoiceId, Answer>) -> Option<Rerated> {
    let Reckoned { invoice_id, account_id, class, bills } = reckoned;
    let Answer { number, on, net, bills: digest, document } = answers.get(&invoice_id)?;
    let is_same = bills.as_ref().is_ok_and(|bills| {
        let lines: Vec<(&str, Money)> = bills.iter().flat_map(|bill| &bill.lines).map(|line| (line.charge.code(), line.amount)).collect();
        Digest::of(&bills.iter().collect::<Vec<_>>()) == *digest && Digest::of(&lines) == *document
    });
    let rerated = bills.and_then(|bills| sum(net.currency, &bills));
    Some(Rerated { number: number.clone(), invoice_id, account_id, on: *on, class, issued: *net, rerated, is_same })
}

fn sum(currency: Currency, bills: &[Bill]) -> Result<Money, String> {
    Money::sum(currency, bills.iter().map(|bill| bill.net)).map_err(|error| error.to_string())
}

/// Everything that a bill can depend on, as far as the log has been read.
#[derive(Default)]
struct Known {
    states: HashMap<StreamName, Aggregate>,
    places: HashMap<ServicePointId, (Option<PremisesId>, Vec<MeterId>)>,
    /// What the bills of an agreement left to be given back, by the day that they reach, with the invoice that they are on.
    carried: HashMap<AgreementId, Vec<(NaiveDate, InvoiceId, Option<Overestimate>)>>,
    /// Reckoned, and not issued yet.
    reckoned: HashMap<InvoiceId, Vec<(AgreementId, NaiveDate, Option<Overestimate>)>>,
}

impl Known {
    fn take(&mut self, fact: Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::ServicePoint(agreement::Event::AgreementStarted(fact)) => {
                self.places.entry(fact.service_point_id).or_default().0 = Some(fact.agreement.premises_id);
            }
            BillingEvent::ServicePoint(agreement::Event::MeterAttached(fact)) => {
                let meters = &mut self.places.entry(fact.service_point_id).or_default().1;
                if !meters.contains(&fact.meter_id) {
                    meters.push(fact.meter_id);
                }
            }
            BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) => {
                for (agreement_id, to, carried) in self.reckoned.remove(&issued.invoice_id).unwrap_or_default() {
                    self.carried.entry(agreement_id).or_default().push((to, issued.invoice_id, carried));
                }
            }
            BillingEvent::Invoice(invoice::Event::InvoiceCancelled(_)) => {
                let invoice_id = InvoiceId::new(fact.stream.id());
                self.carried.values_mut().for_each(|bills| bills.retain(|(_, of, _)| *of != invoice_id));
            }
            _ => {}
        }
        if let BillingEvent::Account(_)
        | BillingEvent::ServicePoint(_)
        | BillingEvent::Premises(_)
        | BillingEvent::Meter(_)
        | BillingEvent::Tariff(_) = &fact.event
        {
            self.states.entry(fact.stream).or_insert_with(|| Aggregate::before(&fact.event)).evolve(&fact.event);
        }
    }

    fn reckon(&mut self, question: Question, other: Option<&Other>) -> Reckoned {
        let Question { invoice_id, account_id, supplies } = question;
        let (mut bills, mut left): (_, Vec<(AgreementId, NaiveDate, Option<Overestimate>)>) =
            (Vec::with_capacity(1), Vec::with_capacity(1));
        let mut why = None;
        for asked in &supplies {
            let brought = left.iter().rev().find(|(agreement_id, ..)| *agreement_id == asked.agreement_id).map(|(.., carried)| carried);
            let brought: Option<Overestimate> = brought.unwrap_or(&self.brought(asked)).clone();
            match self.bill(account_id, asked, brought.as_ref(), other) {
                Ok(bill) => {
                    left.push((asked.agreement_id, bill.period.to(), bill.carried.clone()));
                    bills.push(bill);
                }
                Err(error) => why = Some(format!("{error:#}")),
            }
        }
        self.reckoned.insert(invoice_id, left);
        let class = self.account(account_id).and_then(|account| account.class_on(supplies.first()?.period.last_day()));
        Reckoned { invoice_id, account_id, class, bills: why.map_or(Ok(bills), Err) }
    }

    /// What the last bill before these days has left.
    fn brought(&self, asked: &Asked) -> Option<Overestimate> {
        let bills = self.carried.get(&asked.agreement_id)?.iter();
        bills.filter(|(to, ..)| *to <= asked.period.from()).max_by_key(|(to, ..)| *to)?.2.clone()
    }

    fn bill(&self, account_id: AccountId, asked: &Asked, brought: Option<&Overestimate>, other: Option<&Other>) -> Result<Bill> {
        let Asked { agreement_id, service_point_id, service, period, rounding } = asked;
        let account = self.account(account_id).context("the account is not there")?;
        let Some((Some(premises_id), meters)) = self.places.get(service_point_id) else {
            anyhow::bail!("no agreement is for the service point");
        };
        let Some(Aggregate::ServicePoint(place)) = self.states.get(&StreamName::of::<ServicePoint>(*service_point_id)) else {
            anyhow::bail!("the service point is not there");
        };
        let Some(Aggregate::Premises(premises)) = self.states.get(&StreamName::of::<Premises>(*premises_id)) else {
            anyhow::bail!("the premises are not there");
        };
        let meters: Vec<&Meter> = meters.iter().filter_map(|id| self.meter(*id)).collect();
        let registers: BTreeSet<&Code> = meters.iter().flat_map(|meter| meter.registers_for(*service)).collect();
        let Some(register) = registers.first().filter(|_| registers.len() == 1) else {
            anyhow::bail!("the supply is counted on {} registers, and a tariff has prices for one", registers.len());
        };
        let usage = usage_between(&meters, *premises_id, register, *period)?;
        let facts = premises.facts_on(period.from()).context("the premises are not registered")?;
        let series = match other.filter(|other| other.service == *service) {
            Some(other) => &other.series,
            None => {
                let [(_, code)] = place.series_during(*agreement_id, *period)[..] else {
                    anyhow::bail!("the agreement has not one tariff series for {period}");
                };
                let Some(Aggregate::Tariff(series)) = self.states.get(&TariffSeries::stream(code)) else {
                    anyhow::bail!("there is no tariff series `{code}`");
                };
                series.series()
            }
        };
        let supply = Supply { brought, vat: account.vat_statuses(), grants: account.subsidies(), ..Supply::new(*period, &usage, facts) };
        Ok(rate(series, &supply, *rounding)?)
    }

    fn account(&self, id: AccountId) -> Option<&Account> {
        match self.states.get(&StreamName::of::<Account>(id))? {
            Aggregate::Account(account) => Some(account),
            _ => None,
        }
    }

    fn meter(&self, id: MeterId) -> Option<&Meter> {
        match self.states.get(&StreamName::of::<Meter>(id))? {
            Aggregate::Meter(meter) => Some(meter),
            _ => None,
        }
    }
}
