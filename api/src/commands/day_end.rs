//! `daftar day-end`: ends one day.

use anyhow::Result;
use daftar_billing::day_end::{DayEndError, Ended};

use super::scheduler;
use crate::cli::{DayEnd, UsageError};

pub async fn run(DayEnd { day, schedule }: DayEnd) -> Result<()> {
    let (engine, days, _) = scheduler::parts(&schedule).await?;
    let Ended { overdue, late_fees, fees_billed, small_balances, plans, dunned, payments, refused } =
        match days.end(day, engine.now()).await {
            Err(error @ DayEndError::NotOver { .. }) => return Err(UsageError(error.to_string()).into()),
            ended => ended?,
        };
    println!("{day} has ended");
    for (what, count) in [
        ("invoices fell overdue", overdue),
        ("late fees", late_fees),
        ("fees invoiced", fees_billed),
        ("small balances given up", small_balances),
        ("instalments missed or plans broken", plans),
        ("accounts dunned", dunned),
        ("payments looked after", payments.looked_after),
        ("payments put off", payments.put_off),
        ("requests refused", refused),
    ] {
        println!("{count:>10}  {what}");
    }
    Ok(())
}
