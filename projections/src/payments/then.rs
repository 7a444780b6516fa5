//! Lists of payments as they were: those that had been received by a moment, with what they had paid and what had become of them.

use chrono::NaiveDate;
use daftar_domain::{
    Code, Currency,
    ids::{AccountId, PaymentId},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Filter, Order, PaymentRow, Received, Sum, to_name};
use crate::{
    Page, QueryError,
    as_of::AsOf,
    columns::{from_bigint, uuids},
    order::{LAST_DAY, page},
};

pub(super) async fn list(
    db: impl PgExecutor<'_>,
    filter: &Filter,
    page: &Page<Order, 2>,
    as_of: AsOf,
) -> Result<Vec<Received>, QueryError> {
    let (from, to) = filter.value.unzip();
    macro_rules! by {
        ($by:literal as $key:ty) => {
            page!(
                db,
                page,
                PaymentRow,
                r#"SELECT account_id, payment_id, tender, channel, session_id, reference, currency, amount,
                          (SELECT coalesce(sum(allocation.amount), 0)::bigint FROM read_payments.allocation
                           WHERE allocation.account_id = payment.account_id AND allocation.payment_id = payment.payment_id
                             AND allocation.effective_on <= $12 AND allocation.position <= $13) AS "allocated!",
                          (SELECT coalesce(sum(refund.amount), 0)::bigint FROM read_payments.refund
                           WHERE refund.account_id = payment.account_id AND refund.payment_id = payment.payment_id
                             AND refund.effective_on <= $12 AND refund.position <= $13) AS "refunded!",
                          received_at, value_on, CASE WHEN reversed_on <= $12 AND reversed_position <= $13 THEN reversed_on END AS reversed_on,
                          reversal, received_position, reversed_position, position
                   FROM read_payments.payment
                   WHERE (account_id = $5 OR $5 IS NULL) AND (tender = $6 OR $6 IS NULL) AND (channel = $7 OR $7 IS NULL)
                     AND (currency = $8 OR $8 IS NULL)
                     AND (coalesce(reversed_on <= $12 AND reversed_position <= $13, false) = $9 OR $9 IS NULL)
                     AND (value_on >= $10 OR $10 IS NULL) AND (value_on <= $11 OR $11 IS NULL)
                     AND value_on <= $12 AND received_position <= $13"#,
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
                    as_of.effective,
                    as_of.position(),
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

pub(super) async fn sums(db: impl PgExecutor<'_>, filter: &Filter, as_of: AsOf) -> Result<Vec<Sum>, QueryError> {
    let (from, to) = filter.value.unzip();
    let rows = sqlx::query!(
        r#"SELECT currency, count(*) AS "payments!", sum(amount) AS "amount!" FROM read_payments.payment
           WHERE (account_id = $1 OR $1 IS NULL) AND (tender = $2 OR $2 IS NULL) AND (channel = $3 OR $3 IS NULL)
             AND (currency = $4 OR $4 IS NULL) AND (coalesce(reversed_on <= $8 AND reversed_position <= $9, false) = $5 OR $5 IS NULL)
             AND (value_on >= $6 OR $6 IS NULL) AND (value_on <= $7 OR $7 IS NULL) AND value_on <= $8 AND received_position <= $9
           GROUP BY currency ORDER BY currency"#,
        filter.account_id.map(Uuid::from),
        filter.tender.map(|tender| to_name(&tender)),
        filter.channel.as_ref().map(Code::as_str),
        filter.currency.map(Currency::code),
        filter.reversed,
        from,
        to,
        as_of.effective,
        as_of.position(),
    );
    rows.fetch_all(db).await?.into_iter().map(|row| Sum::read(row.currency, row.payments, row.amount)).collect()
}

pub(super) async fn of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    after: Option<(NaiveDate, PaymentId)>,
    limit: u32,
    as_of: AsOf,
) -> Result<Vec<Received>, QueryError> {
    let (day, id) = after.map_or((LAST_DAY, Uuid::max()), |(day, id)| (day, id.into()));
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"SELECT payment.account_id, payment.payment_id, tender, channel, session_id, reference, currency, amount,
                  (SELECT coalesce(sum(allocation.amount), 0)::bigint FROM read_payments.allocation
                   WHERE allocation.account_id = payment.account_id AND allocation.payment_id = payment.payment_id
                     AND allocation.effective_on <= $5 AND allocation.position <= $6) AS "allocated!",
                  (SELECT coalesce(sum(refund.amount), 0)::bigint FROM read_payments.refund
                   WHERE refund.account_id = payment.account_id AND refund.payment_id = payment.payment_id
                     AND refund.effective_on <= $5 AND refund.position <= $6) AS "refunded!",
                  received_at, value_on, CASE WHEN reversed_on <= $5 AND reversed_position <= $6 THEN reversed_on END AS reversed_on,
                  reversal, received_position, reversed_position, position
           FROM unnest($1::uuid[]) AS asked (id)
           CROSS JOIN LATERAL (SELECT * FROM read_payments.payment
                               WHERE account_id = asked.id AND (value_on, payment_id) < ($2, $3) AND value_on <= $5 AND received_position <= $6
                               ORDER BY value_on DESC, payment_id DESC LIMIT $4) payment"#,
        &uuids(accounts),
        day,
        id,
        i64::from(limit),
        as_of.effective,
        as_of.position(),
    );
    rows.fetch_all(db).await?.into_iter().map(Received::try_from).collect()
}

pub(super) async fn counts_of_accounts(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    as_of: AsOf,
) -> Result<Vec<(AccountId, u64)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT account_id, count(*) AS "count!" FROM read_payments.payment
           WHERE account_id = ANY($1) AND value_on <= $2 AND received_position <= $3 GROUP BY account_id"#,
        &uuids(accounts),
        as_of.effective,
        as_of.position(),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (AccountId::new(row.account_id), from_bigint(row.count))).collect())
}
