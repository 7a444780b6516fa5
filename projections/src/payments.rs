//! Payments: what customers have paid, by which way, what it paid, and what went back.

mod many;
mod then;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Code, Currency, Decider, Money, Recorded,
    account::{
        self, Account, AllocationFreed, ChequeCleared, CreditAllocated, CreditId, CreditRefunded, DepositReturned, DepositTaken, ItemId,
        PaymentReceived, PaymentReversed, RefundReturned, Tender,
    },
    ids::{AccountId, CashSessionId, PaymentId},
    payment::{self, Payment, PaymentStarted},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Page, Projector, QueryError, Spot,
    as_of::AsOf,
    columns::{from_name, position, to_name, whole},
    keys,
    order::{FIRST_DAY, LAST_DAY, page},
    rows,
    rows::{Current, History, Table},
};

pub use many::*;

#[derive(Debug, Default)]
pub struct Payments {
    payments: Current<PaymentRow>,
    attempts: Current<AttemptRow>,
    allocations: History<AllocationRow>,
    refunds: History<RefundRow>,
    cash: History<CashRow>,
    days: Current<DayRow>,
}

rows! {
    struct PaymentRow in payment {
        account_id: Uuid,
        payment_id: Uuid,
        tender: String,
        channel: String,
        session_id: Option<Uuid>,
        reference: String,
        currency: String,
        amount: i64,
        allocated: i64,
        refunded: i64,
        received_at: DateTime<Utc>,
        value_on: NaiveDate,
        reversed_on: Option<NaiveDate>,
        reversal: Option<String>,
        received_position: i64,
        reversed_position: Option<i64>,
        position: i64,
    }

    struct AttemptRow in attempt {
        payment_id: Uuid,
        account_id: Uuid,
        gateway: String,
        status: String,
        reference: Option<String>,
        currency: String,
        amount: i64,
        started_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
        cause: Option<String>,
        open_refunds: i32,
        position: i64,
    }

    struct AllocationRow in allocation {
        account_id: Uuid,
        payment_id: Uuid,
        item: String,
        invoice_id: Option<Uuid>,
        currency: String,
        amount: i64,
        vat: i64,
        effective_on: NaiveDate,
        position: i64,
    }

    struct RefundRow in refund {
        account_id: Uuid,
        refund_id: Uuid,
        payment_id: Option<Uuid>,
        tender: String,
        currency: String,
        amount: i64,
        reason: String,
        effective_on: NaiveDate,
        position: i64,
    }

    struct CashRow in cash {
        account_id: Uuid,
        tender: String,
        cause: String,
        channel: Option<String>,
        session_id: Option<Uuid>,
        currency: String,
        amount: i64,
        effective_on: NaiveDate,
        position: i64,
    }

    struct DayRow in day {
        effective_on: NaiveDate,
        tender: String,
        cause: String,
        currency: String,
        movements: i64,
        amount: i64,
        position: i64,
    }
}

keys! {
    PaymentRow by account_id: Uuid, payment_id: Uuid;
    DayRow by effective_on: NaiveDate, tender: String, cause: String, currency: String;
    AttemptRow by payment_id: Uuid;
}

/// What a gateway says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Started,
    Pending,
    /// It does not say.
    Unknown,
    Completed,
    Failed,
    Expired,
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    Payment,
    PaymentReversed,
    Refund,
    RefundReturned,
    DepositTaken,
    DepositReturned,
    /// Out of the hand and into the bank.
    ChequeCleared,
}

impl Projector for Payments {
    const NAME: &'static str = "payments";
    const VERSION: i32 = 6;
    const CATEGORIES: &'static [&'static str] = &[Account::CATEGORY, Payment::CATEGORY];
    const TABLES: &'static str = include_str!("../models/payments/tables.sql");
    const INDEXES: &'static str = include_str!("../models/payments/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Account(event) = &fact.event {
            self.account(fact, event);
        }
        if let BillingEvent::Payment(event) = &fact.event {
            self.gateway(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { payments, attempts, allocations, refunds, cash, days } = self;
        vec![payments, attempts, allocations, refunds, cash, days]
    }
}

impl Payments {
    fn account(&mut self, fact: &Recorded<BillingEvent>, event: &account::Event) {
        use account::Event;
        match event {
            Event::PaymentReceived(event) => self.received(fact, event),
            Event::PaymentReversed(PaymentReversed { payment_id, tender, amount, cause, on, .. }) => {
                self.change(fact, *payment_id, |payment| {
                    (payment.reversed_on, payment.reversal) = (Some(*on), Some(to_name(cause)));
                    payment.reversed_position = Some(position(fact));
                });
                self.moved(fact, *tender, Cause::PaymentReversed, (*amount, -1), *on);
            }
            Event::CreditAllocated(CreditAllocated { credit, item, amount, vat, effective_on, .. }) => {
                self.allocated(fact, *credit, *item, (*amount, *vat, 1), *effective_on);
            }
            Event::AllocationFreed(AllocationFreed { credit, item, amount, vat, effective_on, .. }) => {
                self.allocated(fact, *credit, *item, (*amount, *vat, -1), *effective_on);
            }
            Event::CreditRefunded(CreditRefunded { refund_id, credit, amount, tender, on, reason, .. }) => {
                self.refunded(fact, (*refund_id).into(), *credit, (*amount, 1), (*tender, *on, reason.to_string()));
                self.moved(fact, *tender, Cause::Refund, (*amount, -1), *on);
            }
            Event::RefundReturned(RefundReturned { refund_id, credit, amount, tender, on, reason }) => {
                self.refunded(fact, (*refund_id).into(), *credit, (*amount, -1), (*tender, *on, reason.to_string()));
                self.moved(fact, *tender, Cause::RefundReturned, (*amount, 1), *on);
            }
            Event::DepositTaken(DepositTaken { deposit_id: _, amount, tender, channel, session, on }) => {
                self.came_in(fact, *tender, Cause::DepositTaken, (channel, *session), *amount, *on);
            }
            Event::DepositReturned(DepositReturned { amount, tender, on, .. }) => {
                self.moved(fact, *tender, Cause::DepositReturned, (*amount, -1), *on);
            }
            Event::ChequeCleared(ChequeCleared { cheque: _, amount, on }) => {
                self.moved(fact, Tender::Cheque, Cause::ChequeCleared, (*amount, -1), *on);
                self.moved(fact, Tender::Transfer, Cause::ChequeCleared, (*amount, 1), *on);
            }
            // No money comes or goes.
            Event::AccountOpened(_)
            | Event::AccountReclassified(_)
            | Event::HolderRenamed(_)
            | Event::IdentityRecorded(_)
            | Event::LanguageChosen(_)
            | Event::AllocationPolicyChosen(_)
            | Event::CurrencyChosen(_)
            | Event::ContactAdded(_)
            | Event::ContactChanged(_)
            | Event::ContactRemoved(_)
            | Event::AddressAdded(_)
            | Event::AddressChanged(_)
            | Event::AddressRemoved(_)
            | Event::VatStatusSet(_)
            | Event::LinkedToLedger(_)
            | Event::SubsidyGranted(_)
            | Event::SubsidyEnded(_)
            | Event::ServiceBegun(_)
            | Event::ServiceEnded(_)
            | Event::MeterFitted(_)
            | Event::MeterTakenOff(_)
            | Event::ConnectionCleared(_)
            | Event::ConnectionWithdrawn(_)
            | Event::AccountSuspended(_)
            | Event::AccountResumed(_)
            | Event::AccountClosed(_)
            | Event::OpeningBalanceImported(_)
            | Event::OpeningBalanceReversed(_)
            | Event::AccountCharged(_)
            | Event::AccountCredited(_)
            | Event::CompensationCredited(_)
            // An authority pays, and pays elsewhere.
            | Event::SubsidyCredited(_)
            | Event::SubsidyTakenBack(_)
            | Event::ItemDisputed(_)
            | Event::DisputeResolved(_)
            | Event::DepositReleased(_)
            | Event::LateFeeAssessed(_)
            | Event::LateFeeWaived(_)
            | Event::DebtWrittenOff(_)
            | Event::DebtRecovered(_)
            | Event::VatReliefClaimed(_)
            | Event::CreditWrittenOff(_)
            | Event::RebillBegun(_)
            | Event::RebillEnded(_)
            | Event::PlanAgreed(_)
            | Event::InstalmentMissed(_)
            | Event::PlanBroken(_)
            | Event::PlanCancelled(_)
            | Event::PlanCompleted(_) => {}
        }
    }

    fn gateway(&mut self, fact: &Recorded<BillingEvent>, event: &payment::Event) {
        use payment::Event;
        match event {
            Event::PaymentStarted(event) => self.started(fact, event),
            Event::PaymentPending(event) => self.said(fact, Status::Pending, Some(&event.gateway_reference), None),
            Event::PaymentCompleted(event) => self.said(fact, Status::Completed, Some(&event.gateway_reference), None),
            Event::PaymentFailed(event) => self.said(fact, Status::Failed, None, Some(&event.cause)),
            Event::PaymentUnknown(_) => self.said(fact, Status::Unknown, None, None),
            Event::PaymentExpired(_) => self.said(fact, Status::Expired, None, None),
            // What they come to is told by the account, which refunds first.
            Event::GatewayRefundRequested(_) => self.open_refunds(fact, 1),
            Event::GatewayRefundCompleted(_) | Event::GatewayRefundFailed(_) => self.open_refunds(fact, -1),
        }
    }

    fn received(&mut self, fact: &Recorded<BillingEvent>, event: &PaymentReceived) {
        let PaymentReceived { payment_id, external_reference, tender, channel, session, amount, received_at, value_on, directed: _ } =
            event;
        self.payments.insert(PaymentRow {
            account_id: fact.stream.id(),
            payment_id: (*payment_id).into(),
            tender: to_name(tender),
            channel: channel.to_string(),
            session_id: session.map(Uuid::from),
            reference: external_reference.to_string(),
            currency: to_name(&amount.currency),
            amount: amount.minor,
            allocated: 0,
            refunded: 0,
            received_at: *received_at,
            value_on: *value_on,
            reversed_on: None,
            reversal: None,
            received_position: position(fact),
            reversed_position: None,
            position: position(fact),
        });
        self.came_in(fact, *tender, Cause::Payment, (channel, *session), *amount, *value_on);
    }

    fn allocated(
        &mut self,
        fact: &Recorded<BillingEvent>,
        credit: CreditId,
        item: ItemId,
        (amount, vat, sign): (Money, Money, i64),
        effective_on: NaiveDate,
    ) {
        let Some(payment_id) = payment_of(credit) else { return };
        self.change(fact, payment_id, |payment| payment.allocated += sign * amount.minor);
        self.allocations.add(AllocationRow {
            account_id: fact.stream.id(),
            payment_id: payment_id.into(),
            item: String::from_utf8_lossy(&daftar_domain::write(&item)).into_owned(),
            invoice_id: if let ItemId::Invoice(id) = item { Some(id.into()) } else { None },
            currency: to_name(&amount.currency),
            amount: sign * amount.minor,
            vat: sign * vat.minor,
            effective_on,
            position: position(fact),
        });
    }

    fn refunded(
        &mut self,
        fact: &Recorded<BillingEvent>,
        refund_id: Uuid,
        credit: CreditId,
        (amount, sign): (Money, i64),
        (tender, effective_on, reason): (Tender, NaiveDate, String),
    ) {
        let payment_id = payment_of(credit);
        if let Some(payment_id) = payment_id {
            self.change(fact, payment_id, |payment| payment.refunded += sign * amount.minor);
        }
        self.refunds.add(RefundRow {
            account_id: fact.stream.id(),
            refund_id,
            payment_id: payment_id.map(Uuid::from),
            tender: to_name(&tender),
            currency: to_name(&amount.currency),
            amount: sign * amount.minor,
            reason,
            effective_on,
            position: position(fact),
        });
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, payment_id: PaymentId, change: impl FnOnce(&mut PaymentRow)) {
        if let Some(payment) = self.payments.get_mut(&(fact.stream.id(), payment_id.into())) {
            change(payment);
            payment.position = position(fact);
        }
    }

    fn came_in(
        &mut self,
        fact: &Recorded<BillingEvent>,
        tender: Tender,
        cause: Cause,
        (channel, session): (&Code, Option<CashSessionId>),
        amount: Money,
        effective_on: NaiveDate,
    ) {
        let row = cash_row(fact, tender, cause, (amount, 1), effective_on);
        self.money(CashRow { channel: Some(channel.to_string()), session_id: session.map(Uuid::from), ..row });
    }

    fn moved(&mut self, fact: &Recorded<BillingEvent>, tender: Tender, cause: Cause, amount: (Money, i64), effective_on: NaiveDate) {
        self.money(cash_row(fact, tender, cause, amount, effective_on));
    }

    fn money(&mut self, row: CashRow) {
        let key = (row.effective_on, row.tender.clone(), row.cause.clone(), row.currency.clone());
        match self.days.get_mut(&key) {
            Some(day) => (day.movements, day.amount, day.position) = (day.movements + 1, day.amount + row.amount, row.position),
            None => {
                let (effective_on, tender, cause, currency) = key;
                let (amount, position) = (row.amount, row.position);
                self.days.put(DayRow { effective_on, tender, cause, currency, movements: 1, amount, position });
            }
        }
        self.cash.add(row);
    }

    fn started(&mut self, fact: &Recorded<BillingEvent>, event: &PaymentStarted) {
        let PaymentStarted { payment_id, account_id, amount, directed: _, gateway, started_at, expires_at } = event;
        self.attempts.insert(AttemptRow {
            payment_id: (*payment_id).into(),
            account_id: (*account_id).into(),
            gateway: gateway.to_string(),
            status: to_name(&Status::Started),
            reference: None,
            currency: to_name(&amount.currency),
            amount: amount.minor,
            started_at: *started_at,
            expires_at: *expires_at,
            cause: None,
            open_refunds: 0,
            position: position(fact),
        });
    }

    fn open_refunds(&mut self, fact: &Recorded<BillingEvent>, more: i32) {
        let Some(attempt) = self.attempts.get_mut(&fact.stream.id()) else { return };
        attempt.open_refunds += more;
        attempt.position = position(fact);
    }

    fn said(&mut self, fact: &Recorded<BillingEvent>, status: Status, reference: Option<&Code>, cause: Option<&Code>) {
        let Some(attempt) = self.attempts.get_mut(&fact.stream.id()) else { return };
        (attempt.status, attempt.cause) = (to_name(&status), cause.map(Code::to_string));
        if let Some(reference) = reference {
            attempt.reference = Some(reference.to_string());
        }
        attempt.position = position(fact);
    }
}

/// The payment that a credit is, if it is one.
pub(crate) fn payment_of(credit: CreditId) -> Option<PaymentId> {
    match credit {
        CreditId::Payment(payment_id) => Some(payment_id),
        CreditId::Opening { .. } | CreditId::CreditNote(_) | CreditId::Deposit(_) | CreditId::Compensation(_) | CreditId::Subsidy(_) => {
            None
        }
    }
}

fn cash_row(fact: &Recorded<BillingEvent>, tender: Tender, cause: Cause, (amount, sign): (Money, i64), effective_on: NaiveDate) -> CashRow {
    CashRow {
        account_id: fact.stream.id(),
        tender: to_name(&tender),
        cause: to_name(&cause),
        channel: None,
        session_id: None,
        currency: to_name(&amount.currency),
        amount: sign * amount.minor,
        effective_on,
        position: position(fact),
    }
}

/// A payment as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub id: PaymentId,
    pub account_id: AccountId,
    pub tender: Tender,
    pub channel: String,
    pub reference: String,
    pub amount: Money,
    pub allocated: Money,
    pub refunded: Money,
    pub received_at: DateTime<Utc>,
    pub value_on: NaiveDate,
    pub reversed_on: Option<NaiveDate>,
}

/// An account's payments, the latest first, after one that was seen.
pub async fn of_account(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    after: Option<(NaiveDate, PaymentId)>,
    limit: u32,
) -> Result<Vec<Received>, QueryError> {
    let (day, id) = after.map_or((LAST_DAY, Uuid::max()), |(day, id)| (day, id.into()));
    let rows = sqlx::query_as!(
        PaymentRow,
        "SELECT * FROM read_payments.payment WHERE account_id = $1 AND (value_on, payment_id) < ($2, $3)
         ORDER BY value_on DESC, payment_id DESC LIMIT $4",
        Uuid::from(account_id),
        day,
        id,
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Received::try_from).collect()
}

/// Which payments are meant: those to which all that is named here applies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub account_id: Option<AccountId>,
    pub tender: Option<Tender>,
    pub channel: Option<Code>,
    pub currency: Option<Currency>,
    pub reversed: Option<bool>,
    /// From a day to another, with both.
    pub value: Option<(NaiveDate, NaiveDate)>,
}

/// What payments can be listed in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    ValueOn,
    Amount,
}

impl Received {
    /// Two accounts may each have a payment of one id.
    pub fn spot(&self, by: Order) -> Spot<2> {
        let ids = [self.id.into(), self.account_id.into()];
        match by {
            Order::ValueOn => Spot::new(&self.value_on, ids),
            Order::Amount => Spot::new(&self.amount.minor, ids),
        }
    }
}

/// Payments; as of a moment those that had been received by then, with what they had paid and what had become of them.
pub async fn list(
    db: impl PgExecutor<'_>,
    filter: &Filter,
    page: &Page<Order, 2>,
    as_of: Option<AsOf>,
) -> Result<Vec<Received>, QueryError> {
    if let Some(as_of) = as_of {
        return then::list(db, filter, page, as_of).await;
    }
    let (from, to) = filter.value.unzip();
    macro_rules! by {
        ($by:literal as $key:ty) => {
            page!(
                db,
                page,
                PaymentRow,
                "SELECT * FROM read_payments.payment
                 WHERE (account_id = $5 OR $5 IS NULL) AND (tender = $6 OR $6 IS NULL) AND (channel = $7 OR $7 IS NULL)
                   AND (currency = $8 OR $8 IS NULL) AND ((reversed_on IS NOT NULL) = $9 OR $9 IS NULL)
                   AND (value_on >= $10 OR $10 IS NULL) AND (value_on <= $11 OR $11 IS NULL)",
                $by as $key,
                ("payment_id" 0, "account_id" 1) behind "($2, $3, $4)",
                [
                    filter.account_id.map(Uuid::from),
                    filter.tender.map(|tender| to_name(&tender)),
                    filter.channel.as_ref().map(Code::as_str),
                    filter.currency.map(Currency::code),
                    filter.reversed,
                    from,
                    to,
                ]
            )
        };
    }
    let rows = match page.by {
        Order::ValueOn => by!("value_on" as NaiveDate),
        Order::Amount => by!("amount" as i64),
    };
    rows.into_iter().map(Received::try_from).collect()
}

/// What some payments in one currency come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    pub payments: u64,
    pub amount: Money,
}

/// Of the same payments as [`list`].
pub async fn sums(db: impl PgExecutor<'_>, filter: &Filter, as_of: Option<AsOf>) -> Result<Vec<Sum>, QueryError> {
    if let Some(as_of) = as_of {
        return then::sums(db, filter, as_of).await;
    }
    let (from, to) = filter.value.unwrap_or((FIRST_DAY, LAST_DAY));
    let rows = sqlx::query!(
        r#"SELECT currency, count(*) AS "payments!", sum(amount) AS "amount!" FROM read_payments.payment
           WHERE (account_id = $1 OR $1 IS NULL) AND (tender = $2 OR $2 IS NULL) AND (channel = $3 OR $3 IS NULL)
             AND (currency = $4 OR $4 IS NULL) AND ((reversed_on IS NOT NULL) = $5 OR $5 IS NULL) AND value_on BETWEEN $6 AND $7
           GROUP BY currency ORDER BY currency"#,
        filter.account_id.map(Uuid::from),
        filter.tender.map(|tender| to_name(&tender)),
        filter.channel.as_ref().map(Code::as_str),
        filter.currency.map(Currency::code),
        filter.reversed,
        from,
        to,
    );
    rows.fetch_all(db).await?.into_iter().map(|row| Sum::read(row.currency, row.payments, row.amount)).collect()
}

impl Sum {
    fn read(code: String, payments: i64, amount: Decimal) -> Result<Self, QueryError> {
        let amount = Money::new(whole(amount).map_err(malformed("amount"))?, currency(code)?);
        Ok(Self { payments: payments.unsigned_abs(), amount })
    }
}

/// Payments whose gateway has yet to say what became of them, or of a refund, after one that was seen.
pub async fn in_doubt(db: impl PgExecutor<'_>, after: Option<PaymentId>, limit: u32) -> Result<Vec<PaymentId>, QueryError> {
    let found = sqlx::query_scalar!(
        "SELECT payment_id FROM read_payments.attempt
         WHERE (status IN ('started', 'pending', 'unknown') OR open_refunds > 0) AND payment_id > $1 ORDER BY payment_id LIMIT $2",
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(PaymentId::new).collect())
}

/// Payments that were to be paid by then or later, and were not, after one that was seen.
pub async fn given_up_since(
    db: impl PgExecutor<'_>,
    since: DateTime<Utc>,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<PaymentId>, QueryError> {
    let found = sqlx::query_scalar!(
        "SELECT payment_id FROM read_payments.attempt
         WHERE status IN ('failed', 'expired') AND expires_at >= $1 AND payment_id > $2 ORDER BY payment_id LIMIT $3",
        since,
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(PaymentId::new).collect())
}

/// The payments that the outside calls so: of each till, gateway or bank at most one.
pub async fn by_reference(db: impl PgExecutor<'_>, reference: &str) -> Result<Vec<Received>, QueryError> {
    let rows = sqlx::query_as!(PaymentRow, "SELECT * FROM read_payments.payment WHERE reference = $1 ORDER BY account_id", reference);
    rows.fetch_all(db).await?.into_iter().map(Received::try_from).collect()
}

/// What a payment paid, item by item, as of some moment.
pub async fn allocations(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    payment_id: PaymentId,
    as_of: AsOf,
) -> Result<Vec<(ItemId, Money)>, QueryError> {
    let found = allocations_of(db, &[(account_id, payment_id)], as_of).await?;
    Ok(found.into_iter().map(|(_, item, amount)| (item, amount)).collect())
}

/// What came in and went out on a day or in a month, by tender and cause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cash {
    /// The day; of a month the first.
    pub effective_on: NaiveDate,
    pub tender: Tender,
    pub cause: Cause,
    pub movements: i64,
    /// Below zero if it went out.
    pub amount: Money,
}

/// The cash of the days from one to that of the moment, as it was known then.
pub async fn daily_cash(db: impl PgExecutor<'_>, from: NaiveDate, as_of: AsOf) -> Result<Vec<Cash>, QueryError> {
    cash(db, "day", from, as_of).await
}

/// As [`daily_cash`], by months.
pub async fn monthly_cash(db: impl PgExecutor<'_>, from: NaiveDate, as_of: AsOf) -> Result<Vec<Cash>, QueryError> {
    cash(db, "month", from, as_of).await
}

async fn cash(db: impl PgExecutor<'_>, unit: &str, from: NaiveDate, as_of: AsOf) -> Result<Vec<Cash>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT date_trunc($4, effective_on::timestamp)::date AS "effective_on!", tender AS "tender!", cause AS "cause!",
                  currency AS "currency!", sum(movements) AS "movements!", sum(amount) AS "amount!"
           FROM (SELECT effective_on, tender, cause, currency, movements, amount FROM read_payments.day
                 WHERE effective_on BETWEEN $1 AND $2
                 UNION ALL
                 -- What was not yet known is in the sums of the days, and comes off.
                 SELECT effective_on, tender, cause, currency, -1, -amount FROM read_payments.cash
                 WHERE effective_on BETWEEN $1 AND $2 AND position > $3) known
           GROUP BY 1, tender, cause, currency HAVING sum(movements) <> 0 ORDER BY 1, tender, cause, currency"#,
        from,
        as_of.effective,
        as_of.position(),
        unit,
    );
    let cash = found.fetch_all(db).await?.into_iter().map(|row| {
        Ok(Cash {
            effective_on: row.effective_on,
            tender: from_name(row.tender).map_err(malformed("tender"))?,
            cause: from_name(row.cause).map_err(malformed("cause"))?,
            movements: whole(row.movements).map_err(malformed("movements"))?,
            amount: Money::new(whole(row.amount).map_err(malformed("amount"))?, currency(row.currency)?),
        })
    });
    cash.collect()
}

impl TryFrom<PaymentRow> for Received {
    type Error = QueryError;

    fn try_from(row: PaymentRow) -> Result<Self, QueryError> {
        let currency = currency(row.currency)?;
        let money = |minor| Money::new(minor, currency);
        Ok(Self {
            id: PaymentId::new(row.payment_id),
            account_id: AccountId::new(row.account_id),
            tender: from_name(row.tender).map_err(malformed("tender"))?,
            channel: row.channel,
            reference: row.reference,
            amount: money(row.amount),
            allocated: money(row.allocated),
            refunded: money(row.refunded),
            received_at: row.received_at,
            value_on: row.value_on,
            reversed_on: row.reversed_on,
        })
    }
}

fn currency(code: String) -> Result<Currency, QueryError> {
    from_name(code).map_err(malformed("currency"))
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Payments::NAME, column, source }
}
