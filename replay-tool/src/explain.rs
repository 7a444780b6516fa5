//! `replay-tool explain`: where a figure comes from and what came of it, event by event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use daftar_domain::{
    BillingEvent, Code, Recorded,
    account::{self, CreditId, ItemId},
    ids::ReadingId,
    invoice::{self, BilledSupply, InvoiceIssued, Subject},
    ledger::{Side, post},
    meter, register,
    tariff::{self, Subsidy},
};
use futures::TryStreamExt;
use uuid::Uuid;

use crate::{source::Source, tree::Node};

type Fact = Recorded<BillingEvent>;

/// An invoice by its number or its id, or an event by its id.
pub async fn explain(source: &Source, what: &str) -> Result<Node> {
    let id: Option<Uuid> = what.parse().ok();
    let mut facts = source.facts();
    while let Some(fact) = facts.try_next().await? {
        if let BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) = &fact.event
            && (issued.number.to_string() == what || id == Some(issued.invoice_id.into()))
        {
            let issued = issued.clone();
            return of_invoice(source, fact, &issued).await;
        }
        if id == Some(fact.id) {
            return of_event(source, fact).await;
        }
    }
    anyhow::bail!("no invoice has the number or id `{what}`, and no event the id")
}

/// All that the invoice stands on, and what has come of it.
async fn of_invoice(source: &Source, fact: Fact, issued: &InvoiceIssued) -> Result<Node> {
    let supplies = match &issued.subject {
        Subject::Supply { supplies } => &supplies[..],
        Subject::Repair { .. } | Subject::Connection { .. } | Subject::Fees => &[],
    };
    let parts = || supplies.iter().flat_map(|supply| &supply.bill.parts);
    let wanted: BTreeSet<ReadingId> = parts().flat_map(|part| part.readings.iter().copied()).collect();
    let tariffs: BTreeSet<&Code> = parts().map(|part| &part.tariff).collect();
    let item = ItemId::Invoice(issued.invoice_id);
    let mut found = Found::default();
    let mut facts = source.facts();
    while let Some(fact) = facts.try_next().await? {
        let of_account = fact.stream.id() == Uuid::from(issued.account_id);
        match &fact.event {
            BillingEvent::Meter(event) => {
                if let Some(reading) = reading(event).filter(|reading| wanted.contains(&reading.reading_id)) {
                    let text = format!("{} read {} on {} ({})", reading.register, reading.value, reading.taken_on, name(&reading.kind));
                    found.readings.insert(reading.reading_id, Node::of(&fact, text));
                }
            }
            BillingEvent::Tariff(tariff::Event::TariffPublished(published)) if tariffs.contains(&published.tariff.code) => {
                let text = format!("tariff {} in force from {}", published.tariff.code, published.tariff.effective_from);
                found.tariffs.insert(published.tariff.code.clone(), Node::of(&fact, text));
            }
            BillingEvent::Register(event) if numbers(event, issued) => {
                found.number = Some(Node::of(&fact, format!("number {}", issued.number)))
            }
            BillingEvent::Account(event) if of_account => match event {
                account::Event::AccountCharged(charged) if charged.item() == item => {
                    found.journals.extend(journal(&fact, &format!("charged to the account: {}", charged.amount)));
                }
                account::Event::PaymentReceived(paid) => {
                    let text =
                        format!("payment {} of {} by {}, {}", paid.external_reference, paid.amount, name(&paid.tender), paid.value_on);
                    found.credits.insert(CreditId::Payment(paid.payment_id), Node::of(&fact, text));
                }
                account::Event::SubsidyCredited(paid) if ItemId::Invoice(paid.invoice_id) == item => {
                    let text = format!("subsidy {} of {} by {}, {}", paid.scheme, paid.amount, paid.authority, paid.on);
                    found.credits.insert(CreditId::Subsidy(paid.subsidy_id), Node::of(&fact, text));
                }
                account::Event::SubsidyTakenBack(taken) if ItemId::Invoice(taken.invoice_id) == item => {
                    let text = format!("subsidy {}: {} of it goes back to {}", taken.scheme, taken.amount, taken.authority);
                    found.payments.extend(journal(&fact, &text));
                }
                account::Event::CreditAllocated(paid) if paid.item == item => {
                    let credit = found.credits.get(&paid.credit).cloned();
                    let journal = journal(&fact, &format!("pays {}, still due {}", paid.amount, paid.still_due));
                    found.payments.push(credit.unwrap_or_else(|| Node::new(name(&paid.credit))).with(journal));
                }
                account::Event::AllocationFreed(freed) if freed.item == item => {
                    found.payments.extend(journal(&fact, &format!("taken back {}, still due {}", freed.amount, freed.still_due)));
                }
                _ => {}
            },
            BillingEvent::Invoice(event) if fact.stream.id() == Uuid::from(issued.invoice_id) => {
                let more = journal(&fact, "posted");
                match event {
                    invoice::Event::InvoiceIssued(_) => found.journals.splice(..0, more).for_each(drop),
                    _ => found.after.push(Node::of(&fact, said(&fact.event)).with(more.into_iter().flat_map(|node| node.children))),
                }
            }
            _ => {}
        }
    }
    let text = format!("invoice {} of {}, due {}: {}", issued.number, issued.dates.issued_on, issued.dates.due_on, issued.document.total);
    let document = &issued.document;
    let sums = Node::new(format!("net {}, VAT {}, rounding {}, total {}", document.net, document.vat, document.rounding, document.total));
    let section = |text: &str, children: Vec<Node>| (!children.is_empty()).then(|| Node::new(text).with(children));
    let supplies = supplies.iter().map(|supply| found.supply(supply)).collect::<Vec<_>>();
    Ok(Node::of(&fact, text)
        .with(found.number)
        .with(supplies)
        .with([sums])
        .with(section("journals", found.journals))
        .with(section("payments", found.payments))
        .with(section("afterwards", found.after)))
}

#[derive(Default)]
struct Found {
    number: Option<Node>,
    readings: BTreeMap<ReadingId, Node>,
    tariffs: BTreeMap<Code, Node>,
    journals: Vec<Node>,
    credits: BTreeMap<CreditId, Node>,
    payments: Vec<Node>,
    after: Vec<Node>,
}

impl Found {
    /// Readings, usage, tariff version, lines: part by part, as it was rated.
    fn supply(&self, supply: &BilledSupply) -> Node {
        let bill = &supply.bill;
        let parts = bill.parts.iter().enumerate().map(|(number, part)| {
            let readings = part.readings.iter().filter_map(|id| self.readings.get(id).cloned());
            let usage =
                Node::new(format!("usage {}{}", part.usage.to_decimal(), if part.estimated { ", part of it estimated" } else { "" }))
                    .with(readings);
            let lines = bill.lines.iter().filter(|line| line.part == number).map(|line| {
                Node::new(format!("{}: {} at {} = {}", line.charge.code(), line.quantity.to_decimal(), line.price, line.amount))
            });
            let subsidies = bill.subsidies.iter().filter(|subsidised| subsidised.part == number).map(|subsidised| {
                let Subsidy { code, authority, .. } = &subsidised.subsidy;
                Node::new(format!("{code}: {authority} pays {}: {}", subsidised.amount, subsidised.reason(part)))
            });
            let version = self.tariffs.get(&part.tariff).cloned();
            Node::new(format!("{}, {} days", part.period, part.days())).with([usage]).with(version).with(lines).with(subsidies)
        });
        Node::new(format!("{} for {} under agreement {}", name(&supply.service), bill.period, supply.agreement_id)).with(parts)
    }
}

/// Back to the wish that it began with, and forth to all that followed from it.
async fn of_event(source: &Source, fact: Fact) -> Result<Node> {
    let (mut causes, mut effects): (HashMap<Uuid, Fact>, Vec<Fact>) = (HashMap::new(), Vec::new());
    let mut wanted = BTreeSet::from([fact.metadata.causation_id]);
    // A cause stands before its effect, so going back takes a pass for each step.
    loop {
        let before = causes.len();
        let mut facts = source.facts();
        while let Some(found) = facts.try_next().await? {
            if wanted.contains(&found.id) && !causes.contains_key(&found.id) {
                wanted.insert(found.metadata.causation_id);
                causes.insert(found.id, found);
            }
        }
        if causes.len() == before {
            break;
        }
    }
    let mut of = BTreeSet::from([fact.id]);
    let mut facts = source.facts();
    while let Some(found) = facts.try_next().await? {
        if of.contains(&found.metadata.causation_id) {
            of.insert(found.id);
            effects.push(found);
        }
    }
    let node = with_effects(&fact, &effects).with(journal(&fact, "journal"));
    let (mut node, mut cause) = (node, fact.metadata.causation_id);
    let mut root = &fact;
    while let Some(found) = causes.get(&cause) {
        node = Node::of(found, said(&found.event)).with([node]);
        (cause, root) = (found.metadata.causation_id, found);
    }
    let metadata = &root.metadata;
    Ok(Node::new(format!("wish {} of {}", metadata.command_id, metadata.actor)).with([node]))
}

fn with_effects(fact: &Fact, effects: &[Fact]) -> Node {
    let of_this = effects.iter().filter(|effect| effect.metadata.causation_id == fact.id).map(|effect| with_effects(effect, effects));
    Node::of(fact, said(&fact.event)).with(of_this)
}

/// The event's own words: its JSON, which holds nothing that is not sealed.
fn said(event: &BillingEvent) -> String {
    let text: String = String::from_utf8_lossy(&event.encode()).chars().take(120).collect();
    format!("{} {text}", event.event_type())
}

fn journal(fact: &Fact, text: &str) -> Option<Node> {
    let journal = post(fact).ok().flatten()?;
    let entries = journal.entries().iter().map(|entry| {
        let side = if entry.side == Side::Debit { "debit " } else { "credit" };
        Node::new(format!("{side} {} {} {}", entry.account.number(), entry.account.name(account::Language::English), entry.amount))
    });
    Some(Node::of(fact, text).with(entries))
}

fn reading(event: &meter::Event) -> Option<&meter::Reading> {
    match event {
        meter::Event::ReadingRecorded(fact) => Some(&fact.reading),
        meter::Event::ReadingHeld(fact) => Some(&fact.reading),
        meter::Event::ReadingEstimated(fact) => Some(&fact.reading),
        _ => None,
    }
}

fn numbers(event: &register::Event, issued: &InvoiceIssued) -> bool {
    match event {
        register::Event::NumberAssigned(fact) => fact.number == issued.number,
        register::Event::BlockAssigned(fact) => {
            let (first, number) = (&fact.first, &issued.number);
            (&first.register, &first.series, first.year) == (&number.register, &number.series, number.year)
                && (first.number..first.number + u64::from(fact.count)).contains(&number.number)
        }
    }
}

/// As it is called in events.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
