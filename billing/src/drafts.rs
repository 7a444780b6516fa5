//! A draft that nobody is to get: discarded, and the readings that it stood on are free for another bill, or to be taken back.

use std::collections::BTreeSet;

use daftar_domain::{
    StreamName,
    agreement::{self, ServicePoint},
    ids::{InvoiceId, MeterId, ServicePointId},
    invoice::{self, DiscardDraft, Invoice, Subject},
    meter::{self, Meter, NoteBillCancelled},
    policy,
};
use daftar_store::{CommandContext, Engine, ExecuteError, StoreError, Unreadable};
use futures::TryStreamExt;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum DiscardError {
    #[error(transparent)]
    Refused(#[from] ExecuteError<invoice::Rejection>),
    #[error(transparent)]
    Meter(#[from] ExecuteError<meter::Rejection>),
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Discards a draft. Interrupted between the draft and its meters, it is asked for again.
pub async fn discard(engine: &Engine, context: &CommandContext, invoice_id: InvoiceId, wish: DiscardDraft) -> Result<(), DiscardError> {
    let stream = StreamName::of::<Invoice>(invoice_id);
    engine.execute::<Invoice>(&stream, context, invoice::Command::DiscardDraft(wish)).await?;
    for service_point_id in supplied_by(engine, invoice_id).await? {
        for meter_id in meters_of(engine, service_point_id).await? {
            let freeing = CommandContext {
                command_id: policy::request_id(context.command_id, &format!("freeReadings/{meter_id}")),
                ..context.clone()
            };
            let wish = meter::Command::NoteBillCancelled(NoteBillCancelled { invoice_id });
            engine.execute::<Meter>(&StreamName::of::<Meter>(meter_id), &freeing, wish).await?;
        }
    }
    Ok(())
}

/// From where the draft's usage comes.
async fn supplied_by(engine: &Engine, invoice_id: InvoiceId) -> Result<BTreeSet<ServicePointId>, DiscardError> {
    let mut events = engine.store().read(&StreamName::of::<Invoice>(invoice_id), 0);
    while let Some(stored) = events.try_next().await? {
        if let invoice::Event::InvoiceDrafted(fact) = stored.decode::<invoice::Event>()?.event {
            return Ok(match fact.draft.subject {
                Subject::Supply { supplies } => supplies.iter().map(|supply| supply.service_point_id).collect(),
                Subject::Repair { .. } | Subject::Connection { .. } | Subject::Fees => BTreeSet::new(),
            });
        }
    }
    Ok(BTreeSet::new())
}

/// Every meter that ever measured there: a bill may stand on readings of two.
async fn meters_of(engine: &Engine, service_point_id: ServicePointId) -> Result<BTreeSet<MeterId>, DiscardError> {
    let mut events = engine.store().read(&StreamName::of::<ServicePoint>(service_point_id), 0);
    let mut meters = BTreeSet::new();
    while let Some(stored) = events.try_next().await? {
        if let agreement::Event::MeterAttached(fact) = stored.decode::<agreement::Event>()?.event {
            meters.insert(fact.meter_id);
        }
    }
    Ok(meters)
}
