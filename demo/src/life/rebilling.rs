//! Cancelling a bill that was wrong and billing its period anew, by what is known now.

use daftar_billing::correction::{self, CorrectionError, Rerate};
use daftar_domain::{
    BillingPeriod, Code, Overestimate, Service,
    account::Account,
    agreement::ServicePoint,
    correction::{MeterReadings, Terms},
    ids::{CorrectionId, InvoiceId, MeterId, PremisesId, ReadingId},
    invoice::{BilledSupply, Draft, InvoiceIssued, Subject},
    meter::{Meter, usage_between},
    premises::{self, AmendPremises, Premises},
    rating::{Bill, Supply, rate},
    tariff::TariffSeries,
};
use futures::future::BoxFuture;

use super::{Act, Life, supplying::reason};
use crate::{
    DemoError,
    world::{Staff, later},
};

/// Here only the last bill is ever billed anew, and nothing follows from it.
struct NothingFollows;

impl Rerate for NothingFollows {
    fn terms<'a>(
        &'a self,
        invoice_id: InvoiceId,
        _follows: CorrectionId,
    ) -> BoxFuture<'a, Result<Terms, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async move { Err(format!("invoice {invoice_id} follows from nothing").into()) })
    }
}

impl Life {
    /// It comes out that the house has more homes than we knew, since the last bill's first day: the slabs of some tariffs widen.
    pub(super) async fn more_dwellings(&mut self, number: usize) -> Result<(), DemoError> {
        let (place, Some(&invoice_id)) = (self.people[number].place, self.people[number].invoices.last()) else { return Ok(()) };
        let premises_id = self.places[place].premises_id;
        let Some(issued) = self.issued(invoice_id).await? else { return Ok(()) };
        let from = issued.document.heading.supplied.from();
        let premises: Premises = self.world.look(premises_id).await?;
        let Some(facts) = premises.facts_on(from).cloned() else { return Ok(()) };
        let breaker = facts.breaker_amps.map(|amps| if amps > 100 { 100 } else { 200 });
        let facts = premises::PremisesFacts { dwellings: facts.dwellings.saturating_add(1), breaker_amps: breaker, ..facts };
        let wish = AmendPremises { facts, effective_on: from, reason: reason("found when the breaker was looked at") };
        let key = format!("amend {premises_id} {from}");
        self.world.ask::<Premises>(Staff::Technician, premises_id, &key, premises::Command::AmendPremises(wish)).await?;
        let why = "the breaker is another than we knew";
        self.plan(later(self.today(), 1), 10 * 60, Act::Rebill { person: number, invoice_id, why });
        Ok(())
    }

    pub(super) async fn rebill(&mut self, number: usize, invoice_id: InvoiceId, why: &str) -> Result<(), DemoError> {
        if self.people[number].invoices.last() != Some(&invoice_id) {
            return Ok(());
        }
        let Some(issued) = self.issued(invoice_id).await? else { return Ok(()) };
        let Some((replacement, meters)) = self.rated_anew(number, &issued).await? else { return Ok(()) };
        let correction_id = CorrectionId::new(self.world.id(&format!("correction {invoice_id}")));
        let terms = Terms {
            account_id: issued.account_id,
            invoice_id,
            replacement: Box::new(replacement),
            readings: vec![],
            dates: self.dates(),
            credit_numbering: self.terms.credit_numbering(),
            invoice_numbering: self.terms.numbering.clone(),
            reason: reason(why),
            meters,
            later: vec![],
            follows: None,
        };
        match correction::correct(&self.world.engine, correction_id, terms, &NothingFollows).await {
            Ok(()) => {}
            // Credited meanwhile, or cancelled already: it stays as it is.
            Err(CorrectionError::Refused(_)) => return Ok(()),
            Err(error) => return Err(DemoError::Store(error.into())),
        }
        self.world.settle().await?;
        self.hear().await
    }

    /// Every meter that has measured a service at a place.
    pub(super) async fn meters_of(&self, place: usize, service: Service) -> Result<Vec<Measuring>, DemoError> {
        let premises_id = self.places[place].premises_id;
        let mut meters = vec![];
        for supply in self.places[place].supplies.iter().filter(|supply| supply.service == service) {
            for meter_id in supply.former.iter().copied().chain([supply.dial.meter_id]) {
                let (state, register) = (self.world.look(meter_id).await?, supply.dial.register().code.clone());
                meters.push(Measuring { meter_id, premises_id, register, state });
            }
        }
        Ok(meters)
    }

    /// Whether the customer's last bill could be made anew, should a reading show that it stood on too little.
    pub(super) async fn can_rebill(&self, number: usize) -> Result<bool, DemoError> {
        let Some(&invoice_id) = self.people[number].invoices.last() else { return Ok(false) };
        Ok(match self.issued(invoice_id).await? {
            Some(issued) => self.rated_anew(number, &issued).await?.is_some(),
            None => false,
        })
    }

    /// The bill's days by the readings, the premises and the tariffs as they are known now; and what it then stands on.
    async fn rated_anew(&self, number: usize, issued: &InvoiceIssued) -> Result<Option<(Draft, Vec<MeterReadings>)>, DemoError> {
        let Subject::Supply { supplies } = &issued.subject else { return Ok(None) };
        let place = &self.places[self.people[number].place];
        let account: Account = self.world.look(issued.account_id).await?;
        let premises: Premises = self.world.look(place.premises_id).await?;
        let (mut billed, mut meters) = (Vec::with_capacity(supplies.len()), Vec::with_capacity(supplies.len()));
        for wrong in supplies {
            let BilledSupply { agreement_id, service_point_id, service, ref bill } = *wrong;
            let point: ServicePoint = self.world.look(service_point_id).await?;
            let measuring = self.meters_of(self.people[number].place, service).await?;
            let Some(register) = measuring.first().map(|meter| &meter.register) else { return Ok(None) };
            let states: Vec<&Meter> = measuring.iter().map(|meter| &meter.state).collect();
            let period: BillingPeriod = bill.period;
            let mut brought: Option<Overestimate> = None;
            if is_entangled(bill) {
                return Ok(None);
            }
            for (days, series) in point.series_during(agreement_id, period) {
                let series = self.world.look::<TariffSeries>(TariffSeries::stream(series).id()).await?;
                let Ok(usage) = usage_between(&states, place.premises_id, register, days) else { return Ok(None) };
                let Some(facts) = premises.facts_on(days.from()) else { return Ok(None) };
                let supplied = Supply {
                    brought: brought.as_ref(),
                    vat: account.vat_statuses(),
                    grants: account.subsidies(),
                    ..Supply::new(days, &usage, facts)
                };
                let Ok(bill) = rate(series.series(), &supplied, self.terms.rounding) else { return Ok(None) };
                brought = bill.carried.clone();
                billed.push(BilledSupply { agreement_id, service_point_id, service, bill });
            }
            meters.extend(measuring.iter().filter_map(|meter| meter.readings_in(period)));
        }
        if billed.iter().any(|supply| is_entangled(&supply.bill)) {
            return Ok(None);
        }
        let draft = Draft::of_supplies(issued.document.heading.clone(), billed, &self.terms.vat_reasons, self.terms.rounding);
        Ok(draft.ok().map(|draft| (draft, meters)))
    }
}

/// A meter of a service, with what it is called there.
pub(super) struct Measuring {
    meter_id: MeterId,
    premises_id: PremisesId,
    register: Code,
    state: Meter,
}

impl Measuring {
    /// The readings that a bill for these days stands on; nothing, if the meter measured none of them.
    pub(super) fn readings_in(&self, days: BillingPeriod) -> Option<MeterReadings> {
        let segments = self.state.usage(self.premises_id, &self.register, days);
        let mut reading_ids: Vec<ReadingId> = segments.into_iter().flat_map(|segment| segment.readings).collect();
        reading_ids.dedup();
        (!reading_ids.is_empty()).then_some(MeterReadings { meter_id: self.meter_id, reading_ids })
    }
}

/// It gives back what another billed too much, or leaves that to another.
fn is_entangled(bill: &Bill) -> bool {
    bill.carried.is_some() || !bill.given_back.is_zero()
}
