//! Lists of invoices as they were: those that had been issued by a moment, each as it stood.
//!
//! Only in an order that never changes does an index know the order of then.

use chrono::NaiveDate;
use daftar_domain::{
    Currency,
    ids::{AccountId, InvoiceId},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Filter, ListedRow, Order, Standing, from_bigint};
use crate::{
    Page, QueryError,
    as_of::AsOf,
    columns::uuids,
    order::{LAST_DAY, page},
};

pub(super) async fn list(db: impl PgExecutor<'_>, filter: &Filter, page: &Page<Order>, as_of: AsOf) -> Result<Vec<Standing>, QueryError> {
    let ((from, to), statuses) = (filter.issued.unzip(), filter.statuses());
    macro_rules! by {
        ($by:literal as $key:ty) => {
            page!(
                db,
                page,
                ListedRow,
                "SELECT invoice_id, account_id, account_number, stood.status, stood.overdue, number, issued_on, stood.due_on, supplied_from, supplied_to,
                        currency, net, vat, total, stood.credited, stood.debited, stood.paid, stood.left_to_pay, lines,
                        NULL::text AS payments, stood.revision
                 FROM read_invoices.invoice
                 CROSS JOIN LATERAL (
                     SELECT status, overdue, due_on, credited, debited, paid, left_to_pay, revision FROM read_invoices.standing
                     WHERE standing.invoice_id = invoice.invoice_id AND effective_on <= $10 AND position <= $11
                     ORDER BY position DESC LIMIT 1) stood
                 WHERE (account_id = $4 OR $4 IS NULL) AND (stood.status = ANY($5) OR $5 IS NULL) AND (stood.overdue = $6 OR $6 IS NULL)
                   AND (currency = $7 OR $7 IS NULL) AND issued_on IS NOT NULL AND (issued_on >= $8 OR $8 IS NULL)
                   AND (issued_on <= $9 OR $9 IS NULL) AND issued_on <= $10 AND issued_position <= $11",
                $by as $key,
                ("invoice_id" 0) behind "($2, $3)",
                [
                    filter.account_id.map(Uuid::from),
                    statuses.as_deref(),
                    filter.overdue,
                    filter.currency.map(Currency::code),
                    from,
                    to,
                    as_of.effective,
                    as_of.position(),
                ]
            )
        };
    }
    let rows = match page.by {
        Order::IssuedOn => by!("issued_on" as NaiveDate),
        Order::Number => by!("number" as String),
        Order::DueOn | Order::LeftToPay => return Err(QueryError::OrderOfNow),
    };
    rows.into_iter().map(Standing::try_from).collect()
}

pub(super) async fn count(db: impl PgExecutor<'_>, filter: &Filter, as_of: AsOf) -> Result<u64, QueryError> {
    let ((from, to), statuses) = (filter.issued.unzip(), filter.statuses());
    // Where each of them stood is looked at only if it is asked for: there may be very many.
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_invoices.invoice
           WHERE (account_id = $1 OR $1 IS NULL) AND (currency = $2 OR $2 IS NULL) AND (issued_on >= $3 OR $3 IS NULL)
             AND (issued_on <= $4 OR $4 IS NULL) AND issued_on <= $5 AND issued_position <= $6
             AND ($7::text[] IS NULL AND $8::boolean IS NULL OR (
                 SELECT (status = ANY($7) OR $7 IS NULL) AND (overdue = $8 OR $8 IS NULL) FROM read_invoices.standing
                 WHERE standing.invoice_id = invoice.invoice_id AND effective_on <= $5 AND position <= $6
                 ORDER BY position DESC LIMIT 1))"#,
        filter.account_id.map(Uuid::from),
        filter.currency.map(Currency::code),
        from,
        to,
        as_of.effective,
        as_of.position(),
        statuses.as_deref(),
        filter.overdue,
    );
    Ok(from_bigint(count.fetch_one(db).await?))
}

pub(super) async fn of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    after: Option<(NaiveDate, InvoiceId)>,
    limit: u32,
    as_of: AsOf,
) -> Result<Vec<Standing>, QueryError> {
    let (day, id) = after.map_or((LAST_DAY, Uuid::max()), |(day, id)| (day, id.into()));
    let rows = sqlx::query_as!(
        ListedRow,
        "SELECT invoice.* FROM unnest($1::uuid[]) AS asked (id)
         CROSS JOIN LATERAL (
             SELECT invoice_id, account_id, account_number, stood.status, stood.overdue, number, issued_on, stood.due_on, supplied_from, supplied_to,
                    currency, net, vat, total, stood.credited, stood.debited, stood.paid, stood.left_to_pay, lines,
                    NULL::text AS payments, stood.revision
             FROM read_invoices.invoice
             CROSS JOIN LATERAL (
                 SELECT status, overdue, due_on, credited, debited, paid, left_to_pay, revision FROM read_invoices.standing
                 WHERE standing.invoice_id = invoice.invoice_id AND effective_on <= $5 AND position <= $6
                 ORDER BY position DESC LIMIT 1) stood
             WHERE account_id = asked.id AND (issued_on, invoice_id) < ($2, $3) AND issued_on <= $5 AND issued_position <= $6
             ORDER BY issued_on DESC, invoice_id DESC LIMIT $4) invoice",
        &uuids(accounts),
        day,
        id,
        i64::from(limit),
        as_of.effective,
        as_of.position(),
    );
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

pub(super) async fn counts_of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    as_of: AsOf,
) -> Result<Vec<(AccountId, u64)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT account_id, count(*) AS "count!" FROM read_invoices.invoice
           WHERE account_id = ANY($1) AND issued_on <= $2 AND issued_position <= $3 GROUP BY account_id"#,
        &uuids(accounts),
        as_of.effective,
        as_of.position(),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (AccountId::new(row.account_id), from_bigint(row.count))).collect())
}
