//! `daftar bill-run`: what billing a cycle would come to, and billing it.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use daftar_billing::{
    Terms,
    bill_run::{BillRuns, Cycle, NEEDS, Progress, Report, RunError},
};
use daftar_domain::{
    Actor,
    bill_run::{Filter, Tally, Totals},
    ids::bill_run_id,
};
use daftar_projections::{Feed, Runner};
use daftar_store::{Durability, Engine};

use daftar_terminal::Display;

use crate::{
    cli::{BillRun, UsageError},
    compose,
    stop::Stop,
};

pub async fn run(options: BillRun) -> Result<()> {
    let stop = Stop::on_signals()?;
    let terms = compose::terms(&options.terms)?;
    let store = compose::open_store(options.places.log(), options.places.wait, Durability::Required).await?;
    let read_models = compose::open_read_models(&options.places.database_url, options.places.wait).await?;
    // If no projector runs elsewhere, this one keeps what the run reads.
    let feed = Feed::new(store.writer());
    let projector = tokio::spawn(Runner::new(NEEDS, feed, (*read_models.connect_options()).clone()).run());
    let runs = BillRuns::new(Engine::new(store.writer()), read_models);
    let display = Display::new();
    let ended = tokio::select! {
        ended = carry_out(&runs, &options, terms, &display) => Some(ended),
        () = stop.asked() => None,
    };
    projector.abort();
    display.end();
    match ended {
        Some(ended) => ended,
        None => bail!("interrupted: run it again to go on"),
    }
}

async fn carry_out(runs: &BillRuns, options: &BillRun, terms: Terms, display: &Display) -> Result<()> {
    let name = options.name.as_deref().unwrap_or(options.cycle.as_str());
    let show = |progress| show(display, progress);
    if let Some(reason) = &options.abandon {
        let report = runs.abandon(name, Actor::job("bill-run"), reason.clone()).await?;
        display.end();
        print(name, &report);
        println!("{name} was abandoned: {reason}");
        return Ok(());
    }
    let plan = match runs.planned(name).await? {
        Some(planned) => {
            println!("{name} was planned before: it goes by that plan");
            planned
        }
        None => runs.plan_for(cycle(runs, options).await.map_err(usage)?, &terms).await.map_err(usage)?,
    };
    let report = if options.execute { runs.execute(name, plan, &show).await? } else { runs.preview(name, plan, &show).await? };
    display.end();
    print(name, &report);
    if options.dry_run {
        println!("nothing was changed: this was a dry run");
    }
    Ok(())
}

async fn cycle(runs: &BillRuns, options: &BillRun) -> Result<Cycle, RunError> {
    let BillRun { cycle, cut_off, issued_on, read_cycle, class, area, failed_in, .. } = options;
    let read_cycle_id = match read_cycle {
        Some(code) => Some(runs.read_cycle(code).await?),
        None => None,
    };
    let filter = Filter { read_cycle_id, class: *class, area: area.clone(), failed_in: failed_in.as_deref().map(bill_run_id) };
    Ok(Cycle { cycle: cycle.clone(), cut_off: *cut_off, issued_on: *issued_on, filter })
}

fn usage(error: RunError) -> anyhow::Error {
    match error {
        RunError::NotAMonth(cycle) => UsageError(format!("`{cycle}` is not a month: say --cut-off")).into(),
        RunError::NoReadCycle(_) => UsageError(error.to_string()).into(),
        other => other.into(),
    }
}

fn show(display: &Display, Progress { tally, looked_at, of }: Progress) {
    display.now_and_then(|| {
        let rate = looked_at as f64 / display.seconds();
        let percent = looked_at.saturating_mul(100).checked_div(of).unwrap_or(100);
        format!("{}{} billed, {} held, {} failed, {rate:.0} accounts/s", Display::bar(percent), tally.billed, tally.held, tally.failed)
    });
}

fn print(name: &str, report: &Report) {
    let Report { plan, tally, totals, exceptions, outliers, before } = report;
    println!("bill run {name}: usage up to and without {}, issued on {}", plan.cut_off, plan.dates.issued_on);
    print_totals(tally, totals);
    for (code, found) in exceptions {
        println!("{code}: {} accounts", found.count);
        found.first.iter().for_each(|(account_id, why)| println!("  {account_id}  {why}"));
    }
    for outlier in outliers {
        println!("held  {}  {} where {} is usual", outlier.account_id, outlier.total, outlier.average);
    }
    if let Some(before) = before {
        println!("before, {}:", before.name);
        print_totals(&before.tally, &before.totals);
    }
}

fn print_totals<C>(tally: &Tally, totals: &BTreeMap<C, Totals>) {
    println!("  {} accounts: {} billed, {} held, {} failed", tally.accounts(), tally.billed, tally.held, tally.failed);
    for Totals { invoices, net, vat, rounding, total, smallest, largest } in totals.values() {
        println!("  {invoices} invoices: net {net}, VAT {vat}, rounding {rounding}, total {total}; from {smallest} to {largest}");
    }
}
