//! `daftar correct-invoice`: what cancelling an invoice and billing its days anew comes to, and doing it.

use anyhow::{Context, Result, bail};
use chrono::Utc;
use daftar_billing::correction::{self, Change, CorrectInvoice, CorrectionError, Corrections};
use daftar_domain::Reason;
use daftar_projections::{Feed, Runner, invoices};
use daftar_store::{Durability, Engine};

use crate::{
    cli::{self, UsageError},
    compose,
    stop::Stop,
};

pub async fn run(options: cli::CorrectInvoice) -> Result<()> {
    let stop = Stop::on_signals()?;
    let terms = compose::terms(&options.terms)?;
    let reason = Reason::new(&*options.reason).map_err(|error| UsageError(format!("--reason: {error}")))?;
    let store = compose::open_store(options.places.log(), options.places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&options.places.database_url, options.places.wait).await?;
    let found = invoices::by_number(&read_models, &options.number).await?;
    let invoice = found.with_context(|| format!("there is no invoice {}, or the read model has not heard of it yet", options.number))?;
    let wish = CorrectInvoice {
        invoice_id: invoice.id,
        reason,
        issued_on: options.issued_on.unwrap_or_else(|| Utc::now().date_naive()),
        readings: options.readings,
    };
    // If no projector runs elsewhere, this one keeps what the correction reads.
    let feed = Feed::new(store.writer());
    let projector = tokio::spawn(Runner::new(correction::NEEDS, feed, (*read_models.connect_options()).clone()).run());
    let corrections = Corrections::new(Engine::new(store.writer()), read_models, terms);
    let ended = tokio::select! {
        ended = carry_out(&corrections, &wish, options.execute) => Some(ended),
        () = stop.asked() => None,
    };
    projector.abort();
    match ended {
        Some(ended) => ended,
        None => bail!("interrupted: run it again to go on"),
    }
}

async fn carry_out(corrections: &Corrections, wish: &CorrectInvoice, execute: bool) -> Result<()> {
    if corrections.is_begun(wish.invoice_id).await? {
        println!("the correction was begun before: it goes on as it was begun");
    } else {
        for Change { number, was, becomes, replacement_id, .. } in corrections.preview(wish).await.map_err(usage)?.changes {
            println!("{number}  {was} becomes {becomes}, invoice {replacement_id}");
        }
    }
    if execute {
        let correction_id = corrections.correct(wish).await.map_err(usage)?;
        println!("corrected, in correction {correction_id}");
    } else {
        println!("nothing was changed: this was a dry run");
    }
    Ok(())
}

/// What the rules refuse is the caller's to mend.
fn usage(error: CorrectionError) -> anyhow::Error {
    match error {
        CorrectionError::Refused(_) => UsageError(error.to_string()).into(),
        other => other.into(),
    }
}
