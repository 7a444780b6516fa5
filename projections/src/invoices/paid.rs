//! What paid an invoice, as its own row tells it: each part of a payment, with the day from which it counts and what never changes of the
//! payment. So a list of invoices shows what paid them on any day, as it is known by now, and asks no other table.

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Code, Money, Recorded,
    account::{AllocationFreed, CreditAllocated, CreditId, Event, ItemId, PaymentReceived, Tender},
    ids::{InvoiceId, PaymentId},
};
use serde::Deserialize;

use super::{Invoices, ReceiptRow, Standing, json, malformed};
use crate::{QueryError, columns::position, payments::payment_of};

/// What was told of a payment when it came.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Receipt {
    pub payment_id: PaymentId,
    pub tender: Tender,
    pub channel: Code,
    pub reference: Code,
    pub amount: Money,
    pub received_at: DateTime<Utc>,
    pub value_on: NaiveDate,
}

impl Standing {
    /// What has paid it by the end of a day, the earliest payment first, and how much of it each paid. Nothing is said by lists of the past,
    /// nor where an account paid that is not the invoice's.
    pub fn paid_by(&self, day: NaiveDate) -> Result<Option<Vec<(Receipt, Money)>>, QueryError> {
        let Some(parts) = &self.payments else { return Ok(None) };
        let mut paid: Vec<(Receipt, Money)> = vec![];
        for part in serde_json::Deserializer::from_str(parts).into_iter() {
            let (receipt, from, minor): (Receipt, NaiveDate, i64) = part.map_err(malformed("payments"))?;
            if from <= day {
                let part = Money::new(minor, receipt.amount.currency);
                paid.push((receipt, part));
            }
        }
        paid.sort_by_key(|(receipt, _)| (receipt.value_on, receipt.payment_id));
        // What was paid, freed and paid again is told once.
        paid.dedup_by(|(more, part), (receipt, paid)| {
            let same = more.payment_id == receipt.payment_id;
            paid.minor += if same { part.minor } else { 0 };
            same
        });
        paid.retain(|(_, paid)| !paid.is_zero());
        Ok(Some(paid))
    }
}

impl Invoices {
    pub(super) fn paying(&mut self, fact: &Recorded<BillingEvent>, event: &Event) {
        match event {
            Event::PaymentReceived(event) => self.received(fact, event),
            Event::CreditAllocated(CreditAllocated { credit, item: ItemId::Invoice(invoice_id), amount, effective_on, .. }) => {
                self.allocated(fact, *credit, *invoice_id, (*effective_on, amount.minor));
            }
            Event::AllocationFreed(AllocationFreed { credit, item: ItemId::Invoice(invoice_id), amount, effective_on, .. }) => {
                self.allocated(fact, *credit, *invoice_id, (*effective_on, -amount.minor));
            }
            _ => {}
        }
    }

    fn received(&mut self, fact: &Recorded<BillingEvent>, event: &PaymentReceived) {
        let PaymentReceived { payment_id, external_reference, tender, channel, session: _, amount, received_at, value_on, directed: _ } =
            event;
        // As its parts in their order, as lines are.
        let Money { minor, currency } = amount;
        let receipt = (payment_id, tender, channel, external_reference, (minor, currency), received_at, value_on);
        self.receipts.insert(ReceiptRow {
            account_id: fact.stream.id(),
            payment_id: (*payment_id).into(),
            receipt: json(&receipt),
            position: position(fact),
        });
    }

    fn allocated(&mut self, fact: &Recorded<BillingEvent>, credit: CreditId, invoice_id: InvoiceId, (from, minor): (NaiveDate, i64)) {
        let Some(payment_id) = payment_of(credit) else { return };
        let receipt = self.receipts.get(&(fact.stream.id(), payment_id.into())).map(|row| row.receipt.clone());
        if let (Some(receipt), Some(invoice)) = (receipt, self.invoices.get_mut(&invoice_id.into())) {
            invoice.payments = invoice.payments.take().filter(|_| invoice.account_id == fact.stream.id());
            if let Some(payments) = &mut invoice.payments {
                payments.push_str(&format!("[{receipt},\"{from}\",{minor}]"));
            }
            invoice.position = position(fact);
        }
    }
}
