//! Payments of many accounts or invoices, and what belongs to many payments, with one statement.

use chrono::NaiveDate;
use daftar_domain::{
    Money,
    account::ItemId,
    ids::{AccountId, InvoiceId, PaymentId},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{PaymentRow, Received, currency, from_name, malformed, then};
use crate::{
    QueryError,
    as_of::AsOf,
    columns::{from_bigint, uuids, whole},
    order::LAST_DAY,
};

/// Of each account its payments, the latest first, after one that was seen; so many of each. As of a moment those that had been received by
/// then, as they stood.
pub async fn of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    after: Option<(NaiveDate, PaymentId)>,
    limit: u32,
    as_of: Option<AsOf>,
) -> Result<Vec<Received>, QueryError> {
    if let Some(as_of) = as_of {
        return then::of_accounts(db, accounts, after, limit, as_of).await;
    }
    let (day, id) = after.map_or((LAST_DAY, Uuid::max()), |(day, id)| (day, id.into()));
    let rows = sqlx::query_as!(
        PaymentRow,
        "SELECT payment.* FROM unnest($1::uuid[]) AS asked (id)
         CROSS JOIN LATERAL (SELECT * FROM read_payments.payment WHERE account_id = asked.id AND (value_on, payment_id) < ($2, $3)
                             ORDER BY value_on DESC, payment_id DESC LIMIT $4) payment",
        &uuids(accounts),
        day,
        id,
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Received::try_from).collect()
}

/// How many payments each account has, or had; one that has none is left out.
pub async fn counts_of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    as_of: Option<AsOf>,
) -> Result<Vec<(AccountId, u64)>, QueryError> {
    if let Some(as_of) = as_of {
        return then::counts_of_accounts(db, accounts, as_of).await;
    }
    let found = sqlx::query!(
        r#"SELECT account_id, count(*) AS "count!" FROM read_payments.payment WHERE account_id = ANY($1) GROUP BY account_id"#,
        &uuids(accounts),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (AccountId::new(row.account_id), from_bigint(row.count))).collect())
}

/// What each of these payments of these accounts paid, item by item.
pub async fn allocations_of(
    db: impl PgExecutor<'_>,
    payments: &[(AccountId, PaymentId)],
    as_of: AsOf,
) -> Result<Vec<(PaymentId, ItemId, Money)>, QueryError> {
    let (accounts, ids): (Vec<Uuid>, Vec<Uuid>) = payments.iter().map(|(account, id)| (Uuid::from(*account), Uuid::from(*id))).unzip();
    let found = sqlx::query!(
        r#"SELECT payment_id, item, currency, sum(amount) AS "amount!" FROM read_payments.allocation
           WHERE (account_id, payment_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND effective_on <= $3 AND position <= $4
           GROUP BY payment_id, item, currency HAVING sum(amount) <> 0 ORDER BY payment_id, item"#,
        &accounts,
        &ids,
        as_of.effective,
        as_of.position(),
    );
    let allocations = found.fetch_all(db).await?.into_iter().map(|row| {
        let item = serde_json::from_str(&row.item).map_err(malformed("item"))?;
        Ok((PaymentId::new(row.payment_id), item, Money::new(whole(row.amount).map_err(malformed("amount"))?, currency(row.currency)?)))
    });
    allocations.collect()
}

/// What payments paid of these invoices, the earliest first: the payment, and how much of it.
pub async fn of_invoices(
    db: impl PgExecutor<'_>,
    invoices: &[InvoiceId],
    as_of: AsOf,
) -> Result<Vec<(InvoiceId, Received, Money)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT payment.*, allocation.invoice_id AS "invoice_id!", allocation.amount AS paid
           FROM read_payments.allocation JOIN read_payments.payment USING (account_id, payment_id)
           WHERE invoice_id = ANY($1) AND effective_on <= $2 AND allocation.position <= $3
           ORDER BY value_on, payment_id, account_id, invoice_id"#,
        &uuids(invoices),
        as_of.effective,
        as_of.position(),
    );
    let mut payments: Vec<(InvoiceId, Received, Money)> = vec![];
    for row in found.fetch_all(db).await? {
        let currency = currency(row.currency)?;
        let money = |minor| Money::new(minor, currency);
        let of = (InvoiceId::new(row.invoice_id), PaymentId::new(row.payment_id), AccountId::new(row.account_id));
        // What was paid, freed and paid again is told once.
        if let Some((invoice, received, paid)) = payments.last_mut()
            && (*invoice, received.id, received.account_id) == of
        {
            paid.minor += row.paid;
            continue;
        }
        let received = Received {
            id: of.1,
            account_id: of.2,
            tender: from_name(row.tender).map_err(malformed("tender"))?,
            channel: row.channel,
            reference: row.reference,
            amount: money(row.amount),
            allocated: money(row.allocated),
            refunded: money(row.refunded),
            received_at: row.received_at,
            value_on: row.value_on,
            reversed_on: row.reversed_on,
        };
        payments.push((of.0, received, money(row.paid)));
    }
    payments.retain(|(_, _, paid)| !paid.is_zero());
    Ok(payments)
}
