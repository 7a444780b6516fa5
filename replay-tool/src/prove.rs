//! `replay-tool prove`: a document's events with their ways to a checkpoint, in a file that is checked with the log's key and nothing else.
//!
//! The log is read twice and never held: first for where the events are, then for the few hashes that lead from them to the root.

use std::{collections::BTreeMap, convert::Infallible, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use daftar_domain::{
    BillingEvent, StreamName,
    account::{self, ItemId},
    ids::NoteId,
    invoice::{self, Invoice},
    register,
};
use daftar_proof::{Checkpoint, DocumentProof, Frontier, Hash, Leaf, Nodes, Note, VerifyingKey, prove_inclusion, root};
use daftar_store::{Scope, StoredEvent};
use daftar_terminal::{Align, Table};
use futures::TryStreamExt;
use thiserror::Error;

use crate::{examine::leaf_hash, source::Source};

/// Proves the document of this number: the whole stream of its invoice, the number's assignment, and what its account was told.
pub async fn prove(source: &Source, number: &str, checkpoint: &Path) -> Result<DocumentProof> {
    let note = fs::read(checkpoint).with_context(|| format!("{} cannot be read", checkpoint.display()))?;
    let head = Checkpoint::unverified(&note)?.head();
    let events = events_of(source, number, head.size).await?;
    let mut wanted = Wanted(BTreeMap::new());
    for (leaf, _) in &events {
        prove_inclusion(&mut wanted, *leaf, head.size)?;
    }
    root(&mut wanted, head.size)?;
    let mut nodes = gather(source, wanted, head.size).await?;
    ensure!(root(&mut nodes, head.size)? == head.root, "the first {} events are not those that the checkpoint was signed for", head.size);
    let leaves = events.iter().map(|(index, event)| {
        let StoredEvent { stream, revision, id, event_type, data, metadata, .. } = event;
        (*index, Leaf { stream, revision: *revision, id: *id, event_type, data, metadata })
    });
    Ok(DocumentProof::new(leaves, &mut nodes, head.size, &Note::parse(&note)?)?)
}

/// What is proven of it, or why it proves nothing.
pub fn check(json: &[u8], keys: &[VerifyingKey]) -> Result<String> {
    let proof = DocumentProof::parse(json)?;
    let proven = proof.check(keys)?;
    let checkpoint = &proven.checkpoint.checkpoint;
    let mut table = Table::new([("leaf", Align::Right), ("event", Align::Left), ("stream", Align::Left), ("revision", Align::Right)]);
    for event in proof.events() {
        table.row([event.leaf.to_string(), event.event_type.clone(), event.stream.clone(), event.revision.to_string()]);
    }
    let (origin, size, root) = (checkpoint.origin(), checkpoint.size(), checkpoint.root());
    Ok(format!("{}\nThey are in the log {origin} as they stand here, among its first {size} events (root {root}).\n", table.to_text()))
}

/// With their leaves. The invoice is found by its number; other streams' events by naming it.
async fn events_of(source: &Source, number: &str, size: u64) -> Result<Vec<(u64, StoredEvent)>> {
    let (stream, document) = find(source, number, size).await?;
    let billing = Scope::billing();
    let (mut found, mut leaf) = (Vec::new(), 0);
    let mut events = source.events();
    while leaf < size
        && let Some(event) = events.try_next().await?
    {
        let concerns = event.stream == stream.as_str()
            || (billing.covers(&event.stream)
                && ["NumberAssigned", "BlockAssigned", "AccountCharged", "AccountCredited"].contains(&event.event_type.as_str())
                && event.decode_billing().is_ok_and(|fact| document.is_told_by(&fact.event, number)));
        if concerns {
            found.push((leaf, event));
        }
        leaf += 1;
    }
    Ok(found)
}

enum Document {
    Item(ItemId),
    CreditNote(NoteId),
}

impl Document {
    fn is_told_by(&self, event: &BillingEvent, number: &str) -> bool {
        match (event, self) {
            (BillingEvent::Account(account::Event::AccountCharged(fact)), Self::Item(item)) => fact.item() == *item,
            (BillingEvent::Account(account::Event::AccountCredited(fact)), Self::CreditNote(note_id)) => fact.note_id == *note_id,
            (BillingEvent::Register(register::Event::NumberAssigned(fact)), _) => fact.number.to_string() == number,
            (BillingEvent::Register(register::Event::BlockAssigned(fact)), _) => {
                (0..fact.count).any(|place| fact.first.after(place).to_string() == number)
            }
            _ => false,
        }
    }
}

async fn find(source: &Source, number: &str, size: u64) -> Result<(StreamName, Document)> {
    let mut facts = source.facts();
    while let Some(fact) = facts.try_next().await? {
        let BillingEvent::Invoice(event) = &fact.event else { continue };
        let (found, invoice_id, document) = match event {
            invoice::Event::InvoiceIssued(fact) => (&fact.number, fact.invoice_id, Document::Item(ItemId::Invoice(fact.invoice_id))),
            invoice::Event::DebitNoteIssued(fact) => (&fact.number, fact.invoice_id, Document::Item(ItemId::DebitNote(fact.note.note_id))),
            invoice::Event::CreditNoteIssued(fact) => (&fact.number, fact.invoice_id, Document::CreditNote(fact.note.note_id)),
            _ => continue,
        };
        if found.to_string() == number {
            return Ok((StreamName::of::<Invoice>(invoice_id), document));
        }
    }
    bail!("no document among the first {size} events has the number {number}")
}

/// Remembers which hashes are asked for, and answers nothing of use.
struct Wanted(BTreeMap<(u32, u64), Option<Hash>>);

impl Nodes for Wanted {
    type Error = Infallible;

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
        self.0.insert((level, index), None);
        Ok(Hash::of_nothing())
    }
}

#[derive(Debug, Error)]
#[error("the log has fewer events than the checkpoint was signed for")]
struct TooFew;

struct Gathered(BTreeMap<(u32, u64), Option<Hash>>);

impl Nodes for Gathered {
    type Error = TooFew;

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, TooFew> {
        self.0.get(&(level, index)).copied().flatten().ok_or(TooFew)
    }
}

/// Grows the tree again, and keeps the hashes that are wanted.
async fn gather(source: &Source, Wanted(mut nodes): Wanted, size: u64) -> Result<Gathered> {
    let (mut tree, mut events) = (Frontier::default(), source.events());
    while tree.size() < size
        && let Some(event) = events.try_next().await?
    {
        let leaf = tree.size();
        tree.push_seeing(leaf_hash(&event), |level, hash| {
            if let Some(node) = nodes.get_mut(&(level, leaf >> level)) {
                *node = Some(hash);
            }
        });
    }
    Ok(Gathered(nodes))
}
