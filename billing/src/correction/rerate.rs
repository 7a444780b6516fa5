//! Corrections as people ask for them: rated from what the rows know, with the readings put right, on the company's terms.
//!
//! Whatever could be refused is found out here, before the correction opens.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use daftar_domain::{
    BillingPeriod, Decider, Money, Overestimate, Reason, StreamName,
    bill_run::Failure,
    correction::{Correction, CorrectionOpened, MeterReadings, Request, Terms, WrongReading},
    ids::{AgreementId, CorrectionId, InvoiceId, ReadingId, cascaded_correction_id, correction_id, correction_invoice_id, reread_id},
    invoice::{BilledSupply, Draft, Invoice, InvoiceIssued, Status, Subject},
    meter::{self, Reading},
};
use daftar_projections::{
    Model,
    billable::{self, Billable, Customer, Supplied},
};
use daftar_store::Engine;
use futures::future::BoxFuture;
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::{CorrectionError, Rerate, Source, correct, go_on, interrupted};
use crate::{
    rating::{self, Tariffs, bills, could_be_billed, failure, readings, register},
    rows::{Rows, Unread},
};

/// The read model that must follow the log for a correction to be rated.
pub const NEEDS: Model = Model::of::<Billable>();

/// What a person asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrectInvoice {
    pub invoice_id: InvoiceId,
    pub reason: Reason,
    /// Of the credit note and the new invoice.
    pub issued_on: NaiveDate,
    /// Readings that were wrong, each with the figure that was right if it is known.
    pub readings: Vec<(ReadingId, Option<Decimal>)>,
}

/// What a correction comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    pub correction_id: CorrectionId,
    /// The invoice first, then those after it that follow from it.
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub invoice_id: InvoiceId,
    pub number: String,
    pub was: Money,
    pub becomes: Money,
    /// The invoice that says so, once it is issued.
    pub replacement_id: InvoiceId,
}

/// Corrects invoices on the company's terms.
#[derive(Clone, Debug)]
pub struct Corrections {
    engine: Engine,
    rows: Rows,
    terms: crate::Terms,
}

/// An account and the tariffs as they were known, with its meters as a correction leaves them.
struct Known {
    customer: Customer,
    tariffs: Tariffs,
    /// What each corrected bill leaves to be given back, by agreement.
    carried: BTreeMap<AgreementId, Option<Overestimate>>,
}

/// An invoice for supplies, as it was issued.
struct Billed {
    issued: InvoiceIssued,
    supplies: Vec<BilledSupply>,
}

impl Corrections {
    pub fn new(engine: Engine, read_models: PgPool, terms: crate::Terms) -> Self {
        Self { engine, rows: Rows::new(read_models), terms }
    }

    /// What would come of it. Changes nothing.
    pub async fn preview(&self, wish: &CorrectInvoice) -> Result<Preview, CorrectionError> {
        let correction_id = self.next(wish.invoice_id).await?.0;
        let (_, changes) = self.reckon(correction_id, wish, None).await?;
        Ok(Preview { correction_id, changes })
    }

    /// Whether it is being corrected, or is corrected already.
    pub async fn is_begun(&self, invoice_id: InvoiceId) -> Result<bool, CorrectionError> {
        Ok(self.next(invoice_id).await?.1.is_open())
    }

    /// Corrects the invoice, or goes on with its correction. Asked again once it is done, it changes nothing.
    pub async fn correct(&self, wish: &CorrectInvoice) -> Result<CorrectionId, CorrectionError> {
        let (correction_id, begun) = self.next(wish.invoice_id).await?;
        if begun.is_open() {
            go_on(&self.engine, correction_id, self).await?;
        } else {
            let (terms, _) = self.reckon(correction_id, wish, None).await?;
            correct(&self.engine, correction_id, terms, self).await?;
        }
        // A bill that was issued while the correction went on, from what was wrong, is corrected as one of its own.
        for invoice_id in self.missed(correction_id).await? {
            Box::pin(self.correct(&CorrectInvoice { invoice_id, readings: vec![], ..wish.clone() })).await?;
        }
        Ok(correction_id)
    }

    /// The correction that counts for an invoice: the first that was not refused.
    async fn next(&self, invoice_id: InvoiceId) -> Result<(CorrectionId, Correction), CorrectionError> {
        let mut refused = 0;
        loop {
            let id = correction_id(invoice_id, refused);
            let correction = self.look(id).await?;
            if correction.refused().is_none() {
                return Ok((id, correction));
            }
            refused += 1;
        }
    }

    async fn look(&self, id: CorrectionId) -> Result<Correction, CorrectionError> {
        self.engine.look::<Correction>(&StreamName::of::<Correction>(id)).await.map_err(interrupted)
    }

    /// Invoices after the last that a correction replaced, if they would be rated otherwise by now.
    async fn missed(&self, id: CorrectionId) -> Result<Vec<InvoiceId>, CorrectionError> {
        let correction = self.look(id).await?;
        let Some(CorrectionOpened { terms, .. }) = correction.opened() else { return Ok(vec![]) };
        let last = terms.later.last().map_or(id, |later| cascaded_correction_id(id, *later));
        let Some(billed) = self.billed(correction_invoice_id(last)).await? else { return Ok(vec![]) };
        let mut known = self.known(&billed).await?;
        // For what it leaves to be given back; what it comes to was settled.
        known.rate(&billed).map_err(refused)?;
        let later = self.later(&billed, &mut known, &BTreeSet::new()).await?;
        Ok(later.into_iter().map(|(billed, _)| billed.issued.invoice_id).collect())
    }

    /// The terms of a correction, and what it changes. One that follows from another is for its own invoice alone.
    async fn reckon(
        &self,
        correction_id: CorrectionId,
        wish: &CorrectInvoice,
        follows: Option<CorrectionId>,
    ) -> Result<(Terms, Vec<Change>), CorrectionError> {
        let CorrectInvoice { invoice_id, reason, issued_on, readings } = wish;
        let billed = self.billed(*invoice_id).await?;
        let billed = billed.ok_or_else(|| CorrectionError::Refused("only an issued invoice for supplies can be corrected".to_owned()))?;
        let mut known = self.known(&billed).await?;
        let wrong = readings.iter().map(|(id, value)| known.wrong(*id, *value)).collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let mut opened = CorrectionOpened {
            correction_id,
            terms: Terms {
                account_id: billed.issued.account_id,
                invoice_id: *invoice_id,
                replacement: Box::new(self.draft(&known, &billed.supplies).map_err(refused)?),
                dates: self.terms.dates(*issued_on),
                credit_numbering: self.terms.credit_numbering(),
                invoice_numbering: self.terms.numbering.clone(),
                reason: reason.clone(),
                readings: wrong,
                meters: vec![],
                later: vec![],
                follows,
            },
        };
        self.may_be_cancelled(&opened).await?;
        known.ask(opened.put_readings_right()).map_err(refused)?;
        let supplies = known.rate(&billed).map_err(refused)?;
        let becomes = self.draft(&known, &supplies).map_err(refused)?;
        self.may_become(&billed, becomes.document.total, *issued_on)?;
        let mut changes = vec![billed.change(becomes.document.total, opened.replacement_id())];
        *opened.terms.replacement = becomes;
        if follows.is_none() {
            let stand_on_it = opened.terms.readings.iter().flat_map(|wrong| wrong.bills.iter().copied());
            let must: BTreeSet<_> = stand_on_it.filter(|bill| bill != invoice_id).collect();
            for (later, supplies) in self.later(&billed, &mut known, &must).await? {
                let id = later.issued.invoice_id;
                let total = self.draft(&known, &supplies).map_err(refused)?.document.total;
                self.may_become(&later, total, *issued_on)?;
                changes.push(later.change(total, correction_invoice_id(cascaded_correction_id(correction_id, id))));
                opened.terms.later.push(id);
            }
            if let Some(earlier) = must.iter().find(|bill| !opened.terms.later.contains(bill)) {
                return Err(CorrectionError::Refused(format!("invoice {earlier} stands on the reading too and comes first: correct that")));
            }
        }
        opened.terms.meters = known.meters(&billed).map_err(refused)?;
        known.ask(opened.release_readings()).map_err(refused)?;
        known.could_be_billed(&opened).map_err(refused)?;
        Ok((opened.terms, changes))
    }

    fn may_become(&self, billed: &Billed, becomes: Money, on: NaiveDate) -> Result<(), CorrectionError> {
        let document = &billed.issued.document;
        let limit = self.terms.back_billing_months.filter(|limit| !limit.allows(document.heading.supplied, on, document.total, becomes));
        let Some(limit) = limit else { return Ok(()) };
        let (number, from, months) = (&billed.issued.number, document.heading.supplied.from(), limit.months);
        Err(CorrectionError::Refused(format!(
            "invoice {number} is for days from {from}, and beyond {months} months no more is asked than was billed"
        )))
    }

    /// The later invoices that follow: as long as each is rated otherwise than it was issued, or has to go in any case.
    async fn later(
        &self,
        billed: &Billed,
        known: &mut Known,
        must: &BTreeSet<InvoiceId>,
    ) -> Result<Vec<(Billed, Vec<BilledSupply>)>, CorrectionError> {
        let mut found = vec![];
        for id in known.after(billed) {
            let Some(later) = self.billed(id).await? else { continue };
            let supplies = known.rate(&later).map_err(refused)?;
            if supplies == later.supplies && !must.contains(&id) {
                break;
            }
            found.push((later, supplies));
        }
        Ok(found)
    }

    /// Nothing, if there is no such invoice, or it is for something else.
    async fn billed(&self, invoice_id: InvoiceId) -> Result<Option<Billed>, CorrectionError> {
        let invoice = self.engine.look::<Invoice>(&StreamName::of::<Invoice>(invoice_id)).await.map_err(interrupted)?;
        let Some(issued) = invoice.issued().filter(|_| invoice.status() != Some(Status::Cancelled)).cloned() else { return Ok(None) };
        Ok(match issued.subject.clone() {
            Subject::Supply { supplies } => Some(Billed { issued, supplies }),
            Subject::Repair { .. } | Subject::Connection { .. } | Subject::Fees => None,
        })
    }

    async fn known(&self, billed: &Billed) -> Result<Known, CorrectionError> {
        let account_id = billed.issued.account_id;
        let missing = || CorrectionError::Refused(format!("account {account_id} is not supplied with anything"));
        let as_of = self.rows.caught_up::<Billable>(&self.engine).await.map_err(interrupted)?.ok_or_else(missing)?;
        let page = billable::of(&self.rows.db, &[account_id], as_of).await.map_err(unread)?;
        let customer = page.customer(account_id).map_err(unread)?.ok_or_else(missing)?;
        let tariffs = rating::tariffs(&self.rows.db, as_of).await.map_err(unread)?;
        Ok(Known { customer, tariffs, carried: BTreeMap::new() })
    }

    fn draft(&self, known: &Known, supplies: &[BilledSupply]) -> Result<Draft, Failure> {
        let rounding = supplies.first().map_or(self.terms.rounding, |supply| supply.bill.rounding_policy);
        rating::draft(&known.customer.account.state, supplies.to_vec(), &self.terms.seller, &self.terms.vat_reasons, rounding)
    }

    async fn may_be_cancelled(&self, opened: &CorrectionOpened) -> Result<(), CorrectionError> {
        let Request::Invoice { invoice_id, command } = opened.cancel() else { return Ok(()) };
        let invoice = self.engine.look::<Invoice>(&StreamName::of::<Invoice>(invoice_id)).await.map_err(interrupted)?;
        invoice.decide(command).map(drop).map_err(|rejection| CorrectionError::Refused(rejection.to_string()))
    }
}

impl Rerate for Corrections {
    fn terms<'a>(&'a self, invoice_id: InvoiceId, follows: CorrectionId) -> BoxFuture<'a, Result<Terms, Source>> {
        Box::pin(async move {
            let first = self.look(follows).await?;
            let first = first.opened().ok_or("it follows from a correction that was never opened")?;
            let (reason, issued_on) = (first.terms.reason.clone(), first.terms.dates.issued_on);
            let wish = CorrectInvoice { invoice_id, reason, issued_on, readings: vec![] };
            Ok(self.reckon(cascaded_correction_id(follows, invoice_id), &wish, Some(follows)).await?.0)
        })
    }
}

impl Billed {
    /// Each agreement with the days that it was billed for.
    fn periods(&self) -> BTreeMap<AgreementId, BillingPeriod> {
        let mut periods = BTreeMap::new();
        for BilledSupply { agreement_id, bill, .. } in &self.supplies {
            let days = periods.entry(*agreement_id).or_insert(bill.period);
            *days = BillingPeriod::new(days.from().min(bill.period.from()), days.to().max(bill.period.to())).unwrap_or(*days);
        }
        periods
    }

    fn change(&self, becomes: Money, replacement_id: InvoiceId) -> Change {
        let InvoiceIssued { invoice_id, number, document, .. } = &self.issued;
        Change { invoice_id: *invoice_id, number: number.to_string(), was: document.total, becomes, replacement_id }
    }
}

impl Known {
    fn supply(&self, agreement_id: AgreementId) -> Result<&Supplied, Failure> {
        let found = self.customer.supplies.iter().find(|supply| supply.agreement_id == agreement_id);
        found.ok_or_else(|| failure("no-agreement", format!("agreement {agreement_id} is not the account's")))
    }

    /// The reading, with the one that takes its place and the bills that stand on it.
    fn wrong(&self, reading_id: ReadingId, value: Option<Decimal>) -> Result<WrongReading, Failure> {
        let mut meters = self.customer.supplies.iter().flat_map(|supply| &supply.meters);
        let found = meters.find_map(|(meter_id, meter)| Some((*meter_id, &meter.state, meter.state.reading(reading_id)?)));
        let (meter_id, meter, wrong) =
            found.ok_or_else(|| failure("no-reading", format!("no meter of the account has reading {reading_id}")))?;
        let right = value.map(|value| Reading { reading_id: reread_id(reading_id, value), value, ..wrong.clone() });
        Ok(WrongReading { meter_id, reading_id, right, bills: meter.bills_on(reading_id).collect() })
    }

    /// Puts a question to the meters as they are known here.
    fn ask(&mut self, requests: Vec<Request>) -> Result<(), Failure> {
        for request in requests {
            let Request::Meter { meter_id, command } = request else { continue };
            let meters = self.customer.supplies.iter_mut().flat_map(|supply| &mut supply.meters);
            for (_, meter) in meters.filter(|(id, _)| *id == meter_id) {
                let events = meter.state.decide(command.clone()).map_err(|rejection| failure("reading-refused", rejection))?;
                if events.iter().any(|event| matches!(event, meter::Event::ReadingHeld(_))) {
                    return Err(failure("reading-refused", "the figure is below one before it, or above one after it"));
                }
                meter.state = events.iter().fold(std::mem::take(&mut meter.state), meter::Meter::evolve);
            }
        }
        Ok(())
    }

    /// The supplies of an invoice as they are rated now: the same days, and as it was rounded then.
    fn rate(&mut self, billed: &Billed) -> Result<Vec<BilledSupply>, Failure> {
        let mut supplies = Vec::with_capacity(billed.supplies.len());
        for (agreement_id, period) in billed.periods() {
            let supply = self.supply(agreement_id)?;
            let before = supply.billed.iter().rev().find(|bill| bill.to <= period.from());
            let brought = self.carried.get(&agreement_id).cloned().unwrap_or_else(|| before.and_then(|bill| bill.carried.clone()));
            let rounding = billed.supplies[0].bill.rounding_policy;
            let rated = bills(&self.customer.account.state, supply, period, brought.as_ref(), &self.tariffs, rounding)?;
            self.carried.insert(agreement_id, rated.last().and_then(|last| last.bill.carried.clone()));
            supplies.extend(rated);
        }
        Ok(supplies)
    }

    /// The invoices after this one under its agreements, in the order of their days.
    fn after(&self, billed: &Billed) -> Vec<InvoiceId> {
        let mut after: Vec<(NaiveDate, InvoiceId)> = vec![];
        for (agreement_id, period) in billed.periods() {
            let bills = self.supply(agreement_id).map_or(&[][..], |supply| &supply.billed).iter();
            after.extend(bills.filter(|bill| period.to() < bill.to).map(|bill| (bill.to, bill.invoice_id)));
        }
        after.sort_unstable();
        let mut seen = BTreeSet::from([billed.issued.invoice_id]);
        after.into_iter().map(|(_, id)| id).filter(|id| seen.insert(*id)).collect()
    }

    /// The meters of an invoice's supplies, and which of their readings it stands on now.
    fn meters(&self, billed: &Billed) -> Result<Vec<MeterReadings>, Failure> {
        let mut meters: BTreeMap<_, Vec<ReadingId>> = BTreeMap::new();
        for (agreement_id, period) in billed.periods() {
            let supply = self.supply(agreement_id)?;
            let register = register(supply)?;
            for (meter_id, meter) in &supply.meters {
                meters.entry(*meter_id).or_default().extend(readings(supply, &meter.state, &register, period));
            }
        }
        Ok(meters.into_iter().map(|(meter_id, reading_ids)| MeterReadings { meter_id, reading_ids }).collect())
    }

    fn could_be_billed(&self, opened: &CorrectionOpened) -> Result<(), Failure> {
        let meters = || self.customer.supplies.iter().flat_map(|supply| &supply.meters);
        for MeterReadings { meter_id, reading_ids } in &opened.terms.meters {
            if let Some((_, meter)) = meters().find(|(id, _)| id == meter_id) {
                could_be_billed(opened.replacement_id(), *meter_id, &meter.state, reading_ids)?;
            }
        }
        Ok(())
    }
}

fn refused(Failure { code, why }: Failure) -> CorrectionError {
    CorrectionError::Refused(format!("{code}: {why}"))
}

fn unread(error: impl Into<Unread>) -> CorrectionError {
    interrupted(error.into())
}
