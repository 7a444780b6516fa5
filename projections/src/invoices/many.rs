//! What belongs to many invoices, or to their accounts, with one statement.

use chrono::NaiveDate;
use daftar_domain::{
    ids::{AccountId, InvoiceId},
    invoice::Status,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Document, ListedRow, Standing, from_bigint, from_json, from_name, malformed, standings, then};
use crate::{QueryError, as_of::AsOf, columns::uuids, order::LAST_DAY};

pub async fn by_ids(db: impl PgExecutor<'_>, ids: &[InvoiceId]) -> Result<Vec<Standing>, QueryError> {
    let rows = standings!("read_invoices.invoice WHERE invoice_id = ANY($1)", &uuids(ids));
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

/// Of each account the issued invoices, the latest first, after one that was seen; so many of each. As of a moment those that had been issued
/// by then, as they stood.
pub async fn of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    after: Option<(NaiveDate, InvoiceId)>,
    limit: u32,
    as_of: Option<AsOf>,
) -> Result<Vec<Standing>, QueryError> {
    if let Some(as_of) = as_of {
        return then::of_accounts(db, accounts, after, limit, as_of).await;
    }
    let (day, id) = after.map_or((LAST_DAY, Uuid::max()), |(day, id)| (day, id.into()));
    let rows = standings!(
        "unnest($1::uuid[]) AS asked (id)
         CROSS JOIN LATERAL (SELECT * FROM read_invoices.invoice WHERE account_id = asked.id AND (issued_on, invoice_id) < ($2, $3)
                             ORDER BY issued_on DESC, invoice_id DESC LIMIT $4) invoice",
        &uuids(accounts),
        day,
        id,
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

/// How many issued invoices each account has, or had; one that has none is left out.
pub async fn counts_of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    as_of: Option<AsOf>,
) -> Result<Vec<(AccountId, u64)>, QueryError> {
    if let Some(as_of) = as_of {
        return then::counts_of_accounts(db, accounts, as_of).await;
    }
    let found = sqlx::query!(
        r#"SELECT account_id, count(*) AS "count!" FROM read_invoices.invoice
           WHERE account_id = ANY($1) AND issued_on IS NOT NULL GROUP BY account_id"#,
        &uuids(accounts),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (AccountId::new(row.account_id), from_bigint(row.count))).collect())
}

/// How much of a document is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// What the law wants to be on it.
    Content,
    /// And how its amounts came about, which is far longer.
    Reckoned,
}

/// Each of these invoices and its notes, in the order in which they were issued.
pub async fn documents_of(
    db: impl PgExecutor<'_>,
    ids: &[InvoiceId],
    as_of: AsOf,
    detail: Detail,
) -> Result<Vec<(InvoiceId, Document)>, QueryError> {
    let found = sqlx::query!(
        "SELECT invoice_id, document_id, kind, number, issued_on, due_on, reason, CASE WHEN $4 THEN subject END AS subject, content
         FROM read_invoices.document WHERE invoice_id = ANY($1) AND issued_on <= $2 AND position <= $3 ORDER BY position",
        &uuids(ids),
        as_of.effective,
        as_of.position(),
        detail == Detail::Reckoned,
    );
    let documents = found.fetch_all(db).await?.into_iter().map(|row| {
        let document = Document {
            id: row.document_id,
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            number: row.number,
            issued_on: row.issued_on,
            due_on: row.due_on,
            reason: row.reason,
            subject: row.subject.map(|subject| from_json(&subject, "subject")).transpose()?,
            content: from_json(&row.content, "content")?,
        };
        Ok((InvoiceId::new(row.invoice_id), document))
    });
    documents.collect()
}

/// Where each of these invoices stood, with whether it was overdue and what was left to pay; one that was not there is left out.
pub async fn stood_of(
    db: impl PgExecutor<'_>,
    ids: &[InvoiceId],
    as_of: AsOf,
) -> Result<Vec<(InvoiceId, (Status, bool, i64))>, QueryError> {
    let found = sqlx::query!(
        "SELECT DISTINCT ON (invoice_id) invoice_id, status, overdue, left_to_pay FROM read_invoices.standing
         WHERE invoice_id = ANY($1) AND effective_on <= $2 AND position <= $3 ORDER BY invoice_id, position DESC",
        &uuids(ids),
        as_of.effective,
        as_of.position(),
    );
    let standings = found.fetch_all(db).await?.into_iter().map(|row| {
        let status = from_name(row.status).map_err(malformed("status"))?;
        Ok((InvoiceId::new(row.invoice_id), (status, row.overdue, row.left_to_pay)))
    });
    standings.collect()
}

/// How many invoices were due before a day and have something left to pay.
pub async fn count_due_before(db: impl PgExecutor<'_>, day: NaiveDate) -> Result<u64, QueryError> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM read_invoices.invoice WHERE left_to_pay > 0 AND due_on < $1"#, day);
    Ok(from_bigint(count.fetch_one(db).await?))
}

/// How many drafts wait for somebody, by status.
pub async fn waiting_by_status(db: impl PgExecutor<'_>) -> Result<Vec<(Status, u64)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT status, count(*) AS "count!" FROM read_invoices.invoice WHERE status IN ('draft', 'held', 'approved')
           GROUP BY status ORDER BY status"#,
    );
    found
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|row| Ok((from_name(row.status).map_err(malformed("status"))?, from_bigint(row.count))))
        .collect()
}
