//! What re-rated invoices come to: what differs where nothing should, and what another tariff would have changed.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use daftar_domain::{Currency, Money, account::CustomerClass, ids::AccountId};
use daftar_terminal::{Align, Table};
use serde_json::{Value, json};

use crate::rerate::Rerated;

/// Which invoices count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// By the last day of their supply; from is inclusive, to is not.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub class: Option<CustomerClass>,
}

impl Range {
    pub fn has(&self, invoice: &Rerated) -> bool {
        self.from.is_none_or(|from| from <= invoice.on)
            && self.to.is_none_or(|to| invoice.on < to)
            && self.class.is_none_or(|class| invoice.class == Some(class))
    }
}

/// Each invoice that did not come out as it was issued.
pub fn differences(invoices: &[Rerated]) -> (Table, Value) {
    let columns =
        [("invoice", Align::Left), ("account", Align::Left), ("issued", Align::Right), ("rerated", Align::Right), ("why", Align::Left)];
    let (mut table, mut rows) = (Table::new(columns), Vec::new());
    for invoice in invoices.iter().filter(|invoice| !invoice.is_same) {
        let (rerated, why) = match &invoice.rerated {
            Ok(rerated) if *rerated == invoice.issued => (rerated.to_string(), "the same sum of other lines".to_owned()),
            Ok(rerated) => (rerated.to_string(), "another sum".to_owned()),
            Err(why) => ("-".to_owned(), why.clone()),
        };
        rows.push(json!({ "invoice": invoice.number, "invoice_id": invoice.invoice_id, "account_id": invoice.account_id,
                          "issued": invoice.issued, "rerated": invoice.rerated.as_ref().ok(), "why": why }));
        table.row([invoice.number.clone(), invoice.account_id.to_string(), invoice.issued.to_string(), rerated, why]);
    }
    (table, json!({ "invoices": invoices.len(), "differences": rows }))
}

type Month = (i32, u32);

/// Revenue before VAT as it was and as it would have been.
#[derive(Debug, Default)]
pub struct Revenue {
    /// By currency, month and class.
    months: BTreeMap<(Currency, Month, String), (i128, i128, u64)>,
    accounts: BTreeMap<(AccountId, Currency), (i128, i128)>,
    /// Invoices that the other tariff cannot rate, and why the first cannot.
    failed: Option<(u64, String)>,
}

impl Revenue {
    pub fn of(invoices: &[Rerated]) -> Self {
        let mut revenue = Self::default();
        for invoice in invoices {
            let currency = invoice.issued.currency;
            match &invoice.rerated {
                Ok(rerated) => {
                    let (was, is) = (i128::from(invoice.issued.minor), i128::from(rerated.minor));
                    let class = invoice.class.map_or_else(|| "-".to_owned(), |class| json!(class).as_str().unwrap_or("-").to_owned());
                    let month = revenue.months.entry((currency, (invoice.on.year(), invoice.on.month()), class)).or_default();
                    *month = (month.0 + was, month.1 + is, month.2 + 1);
                    let account = revenue.accounts.entry((invoice.account_id, currency)).or_default();
                    *account = (account.0 + was, account.1 + is);
                }
                Err(why) => {
                    let failed = revenue.failed.get_or_insert_with(|| (0, format!("{}: {why}", invoice.number)));
                    failed.0 += 1;
                }
            }
        }
        revenue
    }

    pub fn to_text(&self) -> String {
        let right = |name| (name, Align::Right);
        let columns =
            [("month", Align::Left), ("class", Align::Left), right("invoices"), right("as billed"), right("as rerated"), right("change")];
        let mut table = Table::new(columns);
        for ((currency, (year, month), class), (was, is, invoices)) in &self.months {
            let amount = |minor: i128| money(minor, *currency);
            table.row([format!("{year}-{month:02}"), class.clone(), invoices.to_string(), amount(*was), amount(*is), amount(is - was)]);
        }
        let (winners, losers) = self.winners_and_losers();
        let mut text = format!("{}\n{winners} accounts would have paid less, {losers} more\n", table.to_text());
        if let Some((failed, why)) = &self.failed {
            text += &format!("{failed} invoices cannot be rated so; {why}\n");
        }
        text
    }

    pub fn to_json(&self) -> Value {
        let months = self.months.iter().map(|((currency, (year, month), class), (was, is, invoices))| {
            json!({ "month": format!("{year}-{month:02}"), "class": class, "invoices": invoices, "currency": currency,
                    "billed_minor": was.to_string(), "rerated_minor": is.to_string() })
        });
        let (winners, losers) = self.winners_and_losers();
        let failed = self.failed.as_ref().map(|(count, first)| json!({ "count": count, "first": first }));
        json!({ "months": months.collect::<Vec<_>>(), "winners": winners, "losers": losers, "failed": failed })
    }

    fn winners_and_losers(&self) -> (usize, usize) {
        let count = |of: fn(&(i128, i128)) -> bool| self.accounts.values().filter(|account| of(account)).count();
        (count(|(was, is)| is < was), count(|(was, is)| is > was))
    }

    /// The accounts that it would have changed most for, largest first.
    pub fn movers(&self, most: usize) -> Table {
        let columns = ["account", "currency", "as_billed", "as_rerated", "change"].map(|name| (name, Align::Right));
        let mut movers: Vec<_> = self.accounts.iter().filter(|(_, (was, is))| was != is).collect();
        movers.sort_by_key(|(id, (was, is))| (std::cmp::Reverse((is - was).unsigned_abs()), **id));
        let mut table = Table::new(columns);
        for ((account, currency), (was, is)) in movers.into_iter().take(most) {
            let amount = |minor: i128| plain(minor, *currency);
            table.row([account.to_string(), currency.code().to_owned(), amount(*was), amount(*is), amount(is - was)]);
        }
        table
    }
}

/// Without loss, also where a sum has outgrown an amount.
pub fn money(minor: i128, currency: Currency) -> String {
    format!("{} {currency}", plain(minor, currency))
}

pub fn plain(minor: i128, currency: Currency) -> String {
    match i64::try_from(minor) {
        Ok(minor) => Money::new(minor, currency).to_decimal().to_string(),
        Err(_) => format!("{minor}e-{}", currency.exponent()),
    }
}
