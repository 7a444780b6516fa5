//! `daftar bill-run`: what billing a cycle would come to, and billing it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Result, bail};
use chrono::{Days, Months, NaiveDate};
use daftar_billing::bill_run::{BillRuns, NEEDS, Progress, Report};
use daftar_domain::{
    bill_run::{Filter, Plan, Tally, Totals},
    ids::{ReadCycleId, bill_run_id},
    invoice::{Dates, Seller, VatReasons},
    rating::Rounding,
    register::Numbering,
};
use daftar_projections::{Feed, Runner};
use daftar_store::{Durability, Engine};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{
    cli::{BillRun, UsageError},
    compose,
    display::Display,
    stop::Stop,
};

/// What all runs of a company have in common.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Terms {
    seller: Seller,
    numbering: Numbering,
    /// After the date on the invoices.
    due_days: u64,
    #[serde(default)]
    vat_reasons: VatReasons,
    #[serde(default)]
    rounding: Rounding,
    #[serde(default)]
    held_above: Option<Decimal>,
}

pub async fn run(options: BillRun) -> Result<()> {
    let stop = Stop::on_signals()?;
    let terms = terms(&options.terms)?;
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
    let plan = match runs.planned(name).await? {
        Some(planned) => {
            println!("{name} was planned before: it goes by that plan");
            planned
        }
        None => plan(runs, options, terms).await?,
    };
    let report = if options.execute { runs.execute(name, plan, &show).await? } else { runs.preview(name, plan, &show).await? };
    display.end();
    print(name, &report);
    if options.dry_run {
        println!("nothing was changed: this was a dry run");
    }
    Ok(())
}

fn terms(path: &Path) -> Result<Terms, UsageError> {
    let wrong = |error: &dyn std::fmt::Display| UsageError(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}

async fn plan(runs: &BillRuns, options: &BillRun, terms: Terms) -> Result<Plan> {
    let BillRun { cycle, cut_off, issued_on, read_cycle, class, area, failed_in, .. } = options;
    let cut_off = match cut_off {
        Some(cut_off) => *cut_off,
        None => next_month(cycle.as_str()).ok_or_else(|| UsageError(format!("`{cycle}` is not a month: say --cut-off")))?,
    };
    let issued_on = issued_on.unwrap_or(cut_off);
    let due_on = issued_on.checked_add_days(Days::new(terms.due_days)).unwrap_or(issued_on);
    let last_day = cut_off.pred_opt().unwrap_or(cut_off);
    Ok(Plan {
        cycle: cycle.clone(),
        cut_off,
        filter: Filter {
            read_cycle_id: read_cycle.map(ReadCycleId::new),
            class: *class,
            area: area.clone(),
            failed_in: failed_in.as_deref().map(bill_run_id),
        },
        tariffs: runs.tariffs_on(last_day).await?,
        dates: Dates::new(issued_on, due_on)?,
        numbering: terms.numbering,
        seller: terms.seller,
        vat_reasons: terms.vat_reasons,
        rounding: terms.rounding,
        held_above: terms.held_above,
    })
}

fn next_month(cycle: &str) -> Option<NaiveDate> {
    format!("{cycle}-01").parse::<NaiveDate>().ok()?.checked_add_months(Months::new(1))
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
