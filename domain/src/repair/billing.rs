//! What the repair comes to: what was paid ahead, what the shelf costs, and the bill when it is closed.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Coverage, EstimateLine, Event, Job, Rejection, Status, Visit, estimate::priced};
use crate::{
    Code, Money,
    ids::{self, AccountId, DepositId, InvoiceId, PartId, RepairId},
    invoice::{DocumentError, DocumentLine, Revenue, Unit, VatTreatment},
    rating::Rounding,
    tariff::{Figure, Quantity},
};

/// The account has taken it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteRepairDeposit {
    pub deposit_id: DepositId,
    pub amount: Money,
}

/// A device that nobody fetches costs the shelf it stands on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChargeStorage {
    pub rule: StorageRule,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloseRepair {
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageRule {
    pub code: Code,
    /// After it is ready.
    pub free_days: u16,
    pub per_day: Figure,
    /// However long it stands there.
    pub most: Money,
    pub vat: VatTreatment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairDepositNoted {
    pub deposit_id: DepositId,
    pub amount: Money,
}

/// For all days until this one: it takes the place of what was charged before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageCharged {
    pub days: u32,
    pub line: DocumentLine,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairClosed {
    /// Work under warranty has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<RepairBill>,
    /// The last day on which the work is vouched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warranty_until: Option<NaiveDate>,
    pub on: NaiveDate,
}

/// What the invoice is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairBill {
    pub invoice_id: InvoiceId,
    pub repair_id: RepairId,
    pub account_id: AccountId,
    pub lines: Vec<DocumentLine>,
    /// To be applied to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposits: Vec<DepositId>,
}

/// What an invoice is drafted and paid with, long after a visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Billed {
    pub deposits: Vec<DepositId>,
    /// That of the estimate, if there was one.
    pub rounding: Option<Rounding>,
}

impl Visit {
    pub(super) fn coverage(&self) -> Coverage {
        if self.is_warranty() { Coverage::Warranty } else { Coverage::Customer }
    }

    pub(super) fn note_deposit(&self, wish: NoteRepairDeposit) -> Result<Vec<Event>, Rejection> {
        let NoteRepairDeposit { deposit_id, amount } = wish;
        match self.deposits.get(&deposit_id) {
            Some(already) if *already == amount => return Ok(vec![]),
            Some(_) => return Err(Rejection::DepositIdReused),
            None => self.only_while_here()?,
        }
        let (_, estimate) = self.estimate.as_ref().ok_or(Rejection::NotNow(self.status()))?;
        let expected = estimate.terms.currency;
        if amount.currency != expected {
            return Err(DocumentError::OtherCurrency { expected, found: amount.currency }.into());
        }
        Ok(vec![RepairDepositNoted { deposit_id, amount }.into()])
    }

    pub(super) fn charge_storage(&self, wish: ChargeStorage) -> Result<Vec<Event>, Rejection> {
        let ChargeStorage { rule, on } = wish;
        self.only(&[Status::Ready])?;
        let ready_on = self.ready_on.ok_or(Rejection::NotNow(Status::Ready))?;
        let free_until = ready_on.checked_add_days(Days::new(rule.free_days.into())).unwrap_or(on);
        let days = u32::try_from((on - free_until).num_days()).unwrap_or(0);
        if days <= self.storage.as_ref().map_or(0, |charged| charged.days) {
            return Ok(vec![]);
        }
        let line = rule.line(days)?;
        if self.storage.as_ref().is_some_and(|charged| charged.line.net == line.net) {
            return Ok(vec![]);
        }
        Ok(vec![StorageCharged { days, line, on }.into()])
    }

    /// Labour as it was agreed, parts as they were used.
    fn bill_lines(&self) -> Result<Vec<DocumentLine>, DocumentError> {
        let storage = self.storage.iter().map(|charged| charged.line.clone());
        let Some((_, estimate)) = self.estimate.as_ref().filter(|_| !self.is_warranty()) else { return Ok(storage.collect()) };
        let mut used: BTreeMap<PartId, u32> = BTreeMap::new();
        for part in self.parts.values().filter(|part| part.used > 0) {
            *used.entry(part.asked.part_id).or_default() += part.used;
        }
        let mut lines = vec![];
        for EstimateLine { part_id, line } in &estimate.lines {
            match part_id {
                None => lines.push(line.clone()),
                // The first line of a part stands for all of them.
                Some(part_id) => {
                    if let Some(pieces) = used.remove(part_id) {
                        let quantity = Quantity::new(pieces.into()).map_err(|_| DocumentError::TooLarge)?;
                        lines.push(priced(DocumentLine { quantity, ..line.clone() }, line.price, &estimate.terms)?);
                    }
                }
            }
        }
        lines.extend(storage);
        Ok(lines)
    }
}

impl StorageRule {
    fn line(&self, days: u32) -> Result<DocumentLine, DocumentError> {
        let currency = self.most.currency;
        let price = self.per_day.get();
        let net = price.checked_mul(days.into()).and_then(|amount| Money::rounded(amount, currency).ok()).ok_or(DocumentError::TooLarge)?;
        let net = if net.minor > self.most.minor { self.most } else { net };
        let quantity = Quantity::new(days.into()).map_err(|_| DocumentError::TooLarge)?;
        let (code, vat) = (self.code.clone(), self.vat.clone());
        Ok(DocumentLine { code, text: None, revenue: Revenue::RepairLabour, quantity, unit: Unit::Piece, price, net, vat, credits: None })
    }
}

impl Job {
    pub(super) fn close(&self, wish: CloseRepair) -> Result<Vec<Event>, Rejection> {
        let CloseRepair { on } = wish;
        let visit = &self.visit;
        if visit.stage == Status::Closed {
            return Ok(vec![]);
        }
        visit.only(&[Status::Delivered])?;
        let delivered_on = visit.delivered.as_ref().map_or(on, |delivered| delivered.on);
        if on < delivered_on {
            return Err(Rejection::TooEarly { date: on, earliest: delivered_on });
        }
        let lines = visit.bill_lines()?;
        let (repair_id, account_id) = (self.requested.repair_id, self.requested.account_id);
        let invoice_id = ids::repair_invoice_id(repair_id, visit.number);
        let deposits = visit.deposits.keys().copied().collect();
        let bill = (!lines.is_empty()).then_some(RepairBill { invoice_id, repair_id, account_id, lines, deposits });
        let warranty_days = visit.estimate.as_ref().map(|(_, estimate)| Days::new(estimate.terms.warranty_days.into()));
        // Work under warranty adds nothing to what was promised before.
        let warranty_until = warranty_days.and_then(|days| delivered_on.checked_add_days(days)).or(visit.warranty_until);
        Ok(vec![RepairClosed { bill, warranty_until, on }.into()])
    }
}
