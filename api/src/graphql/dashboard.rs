use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::Months;
use daftar_projections::{
    accounts::Headcount,
    fleet, invoices,
    kpis::{self, dashboard},
    payments::Cash,
    receivables::Cohort,
};

use super::{
    answer, app, caller,
    enums::{CashCause, CustomerClass, InvoiceStatus, LineUnit, Service, Standing, Tender},
    money::Money,
    scalars::{Date, Decimal},
    when::{AsOfInput, When},
};
use crate::{
    caller::EVERY_DESK,
    problem::{Flaw, Problem},
};

/// The whole company at a glance.
#[derive(Debug, SimpleObject)]
struct Dashboard {
    /// How many accounts there are now, by class and standing.
    accounts: Vec<AccountCount>,
    /// What was charged in each month, and what has become of it.
    billed: Vec<BilledMonth>,
    /// Money that came in and went out in each month.
    collected: Vec<CashMonth>,
    /// What all meters measured in each month, of each service.
    consumed: Vec<ConsumedMonth>,
    /// How many invoices are not issued by now and wait for somebody.
    waiting: Vec<WaitingCount>,
}

impl Dashboard {
    fn new(figures: kpis::Dashboard, waiting: Vec<(daftar_domain::invoice::Status, u64)>) -> Self {
        Self {
            accounts: figures.accounts.into_iter().map(AccountCount::from).collect(),
            billed: figures.billed.into_iter().map(BilledMonth::from).collect(),
            collected: figures.collected.into_iter().map(CashMonth::from).collect(),
            consumed: figures.used.into_iter().map(ConsumedMonth::from).collect(),
            waiting: waiting.into_iter().map(|(status, count)| WaitingCount { status: status.into(), count }).collect(),
        }
    }
}

/// How many accounts of a class are in a standing.
#[derive(Debug, SimpleObject)]
struct AccountCount {
    /// The class.
    class: CustomerClass,
    /// The standing.
    standing: Standing,
    /// How many.
    count: u64,
}

impl From<Headcount> for AccountCount {
    fn from(headcount: Headcount) -> Self {
        let Headcount { class, standing, accounts } = headcount;
        Self { class: class.into(), standing: standing.into(), count: accounts }
    }
}

/// What was charged in a month in one currency, and what has become of it.
#[derive(Debug, SimpleObject)]
struct BilledMonth {
    /// The first day of the month.
    month: Date,
    /// What was charged.
    charged: Money,
    /// What of it is paid, whenever that came.
    paid: Money,
    /// What of it credit notes have taken back.
    credited: Money,
    /// What of it is given up.
    written_off: Money,
    /// What of it is left to pay.
    open: Money,
    /// What of that was due before the day.
    overdue: Money,
}

impl From<Cohort> for BilledMonth {
    fn from(cohort: Cohort) -> Self {
        let Cohort { issued_in, charged, paid, credited, written_off, open, overdue } = cohort;
        Self {
            month: issued_in.into(),
            charged: charged.into(),
            paid: paid.into(),
            credited: credited.into(),
            written_off: written_off.into(),
            open: open.into(),
            overdue: overdue.into(),
        }
    }
}

/// Money that came in or went out in a month.
#[derive(Debug, SimpleObject)]
struct CashMonth {
    /// The first day of the month.
    month: Date,
    /// In which form.
    tender: Tender,
    /// Why.
    cause: CashCause,
    /// How many times.
    movements: i64,
    /// How much in all: below zero if it went out.
    amount: Money,
}

impl From<Cash> for CashMonth {
    fn from(cash: Cash) -> Self {
        let Cash { effective_on, tender, cause, movements, amount } = cash;
        Self { month: effective_on.into(), tender: tender.into(), cause: cause.into(), movements, amount: amount.into() }
    }
}

/// What all meters measured of a service in a month, as far as the readings that are known tell of it. The month is told as a whole, also where
/// the moment is in the midst of it.
#[derive(Debug, SimpleObject)]
struct ConsumedMonth {
    /// The first day of the month.
    month: Date,
    /// What was supplied.
    service: Service,
    /// What the quantity counts.
    unit: LineUnit,
    /// How much.
    quantity: Decimal,
}

impl From<fleet::Used> for ConsumedMonth {
    fn from(used: fleet::Used) -> Self {
        let fleet::Used { month, service, quantity } = used;
        let unit = daftar_domain::invoice::Unit::from(service.unit());
        Self { month: month.into(), service: service.into(), unit: unit.into(), quantity: quantity.into() }
    }
}

/// How many invoices are in a status.
#[derive(Debug, SimpleObject)]
struct WaitingCount {
    /// Which.
    status: InvoiceStatus,
    /// How many.
    count: u64,
}

#[derive(Debug, Default)]
pub struct DashboardQuery;

#[Object]
impl DashboardQuery {
    /// The whole company at a glance, for staff. Customers see theirs under their accounts.
    async fn dashboard(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many months: from 1 to 60, 12 without it.")] months: Option<u32>,
        #[graphql(desc = "As of which moment; now without it. Accounts are counted as they are now.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Dashboard>> {
        let figures = async {
            caller(context).staff(EVERY_DESK)?;
            let (app, when, months) = (app(context), When::parse(app(context), as_of)?, months.unwrap_or(12));
            let out_of_range = Problem::invalid("months", Flaw::NotACount { least: 1, most: 60 });
            let before = months.checked_sub(1).filter(|before| *before < 60).ok_or(out_of_range)?;
            let from = when.effective.checked_sub_months(Months::new(before)).unwrap_or(when.effective);
            let as_of = when.as_of(app).await?;
            let mut db = app.read_models.acquire().await?;
            let waiting = invoices::waiting_by_status(&mut *db).await?;
            Ok(Dashboard::new(dashboard(&mut db, from, as_of).await?, waiting))
        };
        Some(answer(context, figures.await))
    }
}
