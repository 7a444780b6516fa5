//! Values of the domain as columns, and back.

use std::{fmt::Debug, hash::Hash};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use daftar_domain::{BillingEvent, Recorded, Sealed};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType},
    query::Query,
};
use thiserror::Error;
use uuid::Uuid;

#[derive(Debug, Error)]
pub enum QueryError {
    #[error("the read models' database failed")]
    Database(#[from] sqlx::Error),
    #[error("column `{column}` of read model `{model}` does not hold what its projector writes")]
    Malformed { model: &'static str, column: &'static str, source: serde_json::Error },
    #[error("a page cannot begin behind what is not in the list's order")]
    NotASpot,
    #[error("a list of the past cannot be in the order of what has changed since")]
    OrderOfNow,
}

/// The name that a variant has on disk, in events and in rows alike.
pub fn to_name<T: Serialize>(variant: &T) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(name)) => name,
        other => unreachable!("only variants without content are named in a column, not {other:?}"),
    }
}

pub fn from_name<T: DeserializeOwned>(name: String) -> serde_json::Result<T> {
    serde_json::from_value(Value::String(name))
}

/// A sum of whole numbers, which PostgreSQL gives as a decimal.
pub(crate) fn whole(sum: Decimal) -> serde_json::Result<i64> {
    i64::try_from(sum.trunc().mantissa()).map_err(serde::de::Error::custom)
}

/// Positions and revisions: in every store they are 63 bits wide.
pub fn to_bigint(number: u64) -> i64 {
    i64::try_from(number).expect("no store counts beyond 63 bits")
}

pub fn from_bigint(number: i64) -> u64 {
    u64::try_from(number).expect("written by `to_bigint`, so not negative")
}

/// Ids as an array of PostgreSQL.
pub(crate) fn uuids<T: Copy + Into<Uuid>>(ids: &[T]) -> Vec<Uuid> {
    ids.iter().map(|id| (*id).into()).collect()
}

/// The first day of a date's month: what sums of months are kept under.
pub(crate) fn month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

/// Between which texts those lie that begin so: with the first, and without the second. The column must sort by bytes.
pub(crate) fn beginning_with(prefix: Option<&str>) -> (Option<String>, Option<String>) {
    prefix.map(|prefix| (prefix.to_owned(), format!("{prefix}{}", char::MAX))).unzip()
}

/// Where a fact stands, as every row has it that the fact made or changed.
pub fn position(fact: &Recorded<BillingEvent>) -> i64 {
    to_bigint(fact.position.commit)
}

/// Personal data as it is in the event; it is never opened here.
pub fn sealed(value: &Sealed) -> Vec<u8> {
    daftar_domain::write(value)
}

/// What can stand in a column of a row.
pub trait Column: for<'q> Encode<'q, Postgres> + Type<Postgres> + 'static {
    /// Whether it may be empty.
    const OPTIONAL: bool = false;

    /// Bytes beside the value itself, roughly.
    fn heap(&self) -> usize {
        0
    }
}

macro_rules! flat {
    ($($type:ty)+) => { $(impl Column for $type {})+ };
}

flat! { Uuid i64 i32 i16 bool NaiveDate DateTime<Utc> Decimal }

impl Column for String {
    fn heap(&self) -> usize {
        self.len()
    }
}

impl Column for Vec<u8> {
    fn heap(&self) -> usize {
        self.len()
    }
}

impl<T: Column> Column for Option<T> {
    const OPTIONAL: bool = true;

    fn heap(&self) -> usize {
        self.as_ref().map_or(0, Column::heap)
    }
}

/// Rows on their way into a table, in the binary form of COPY.
#[derive(Debug)]
pub(crate) struct CopyBytes(PgArgumentBuffer);

impl CopyBytes {
    pub(crate) fn begin() -> Self {
        let mut bytes = PgArgumentBuffer::default();
        // The signature, then neither flags nor an extension.
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        bytes.extend_from_slice(&[0; 8]);
        Self(bytes)
    }

    pub(crate) fn tuple(&mut self, columns: usize) -> Tuple<'_> {
        let columns = i16::try_from(columns).expect("no table has more columns");
        self.0.extend_from_slice(&columns.to_be_bytes());
        Tuple(&mut self.0)
    }

    pub(crate) fn end(&mut self) {
        self.0.extend_from_slice(&(-1i16).to_be_bytes());
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }
}

/// A row being encoded.
#[derive(Debug)]
pub struct Tuple<'a>(&'a mut PgArgumentBuffer);

impl Tuple<'_> {
    /// The next column: its length, or −1 where it is empty, and its bytes.
    pub fn push<T: Column>(&mut self, value: &T) {
        let start = self.0.len();
        self.0.extend_from_slice(&(-1i32).to_be_bytes());
        match value.encode_by_ref(self.0) {
            Ok(IsNull::Yes) => {}
            Ok(IsNull::No) => {
                let length = i32::try_from(self.0.len() - start - 4).expect("no event is that large");
                self.0[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
            Err(error) => unreachable!("the types of columns are all of fixed form: {error}"),
        }
    }
}

/// A statement that values are bound to.
pub type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// What rows are found by: one column or several.
pub trait Key: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static {
    /// As PostgreSQL names them.
    fn types() -> Vec<String>;
    /// Binds all the keys to a statement, an array for each column.
    fn bind<'q>(keys: &[Self], query: Statement<'q>) -> Statement<'q>;
}

/// A column that keys are made of.
pub trait KeyColumn: Column + PgHasArrayType + Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static {}

impl KeyColumn for Uuid {}
impl KeyColumn for String {}
impl KeyColumn for NaiveDate {}
impl KeyColumn for i64 {}
impl KeyColumn for i32 {}

/// As PostgreSQL names it.
pub fn type_name<T: Column>() -> String {
    T::type_info().to_string()
}

fn bind_column<'q, K, T>(query: Statement<'q>, keys: &[K], column: impl Fn(&K) -> &T) -> Statement<'q>
where
    T: KeyColumn,
    Vec<T>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
{
    query.bind(keys.iter().map(|key| column(key).clone()).collect::<Vec<T>>())
}

impl Key for Uuid {
    fn types() -> Vec<String> {
        vec![type_name::<Self>()]
    }

    fn bind<'q>(keys: &[Self], query: Statement<'q>) -> Statement<'q> {
        bind_column(query, keys, |key| key)
    }
}

impl Key for String {
    fn types() -> Vec<String> {
        vec![type_name::<Self>()]
    }

    fn bind<'q>(keys: &[Self], query: Statement<'q>) -> Statement<'q> {
        bind_column(query, keys, |key| key)
    }
}

impl<A: KeyColumn, B: KeyColumn> Key for (A, B)
where
    Vec<A>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
    Vec<B>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
{
    fn types() -> Vec<String> {
        vec![type_name::<A>(), type_name::<B>()]
    }

    fn bind<'q>(keys: &[Self], query: Statement<'q>) -> Statement<'q> {
        bind_column(bind_column(query, keys, |key| &key.0), keys, |key| &key.1)
    }
}

impl<A: KeyColumn, B: KeyColumn, C: KeyColumn> Key for (A, B, C)
where
    Vec<A>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
    Vec<B>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
    Vec<C>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
{
    fn types() -> Vec<String> {
        vec![type_name::<A>(), type_name::<B>(), type_name::<C>()]
    }

    fn bind<'q>(keys: &[Self], query: Statement<'q>) -> Statement<'q> {
        bind_column(bind_column(bind_column(query, keys, |key| &key.0), keys, |key| &key.1), keys, |key| &key.2)
    }
}

impl<A: KeyColumn, B: KeyColumn, C: KeyColumn, D: KeyColumn> Key for (A, B, C, D)
where
    Vec<A>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
    Vec<B>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
    Vec<C>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
    Vec<D>: for<'e> Encode<'e, Postgres> + Type<Postgres>,
{
    fn types() -> Vec<String> {
        vec![type_name::<A>(), type_name::<B>(), type_name::<C>(), type_name::<D>()]
    }

    fn bind<'q>(keys: &[Self], query: Statement<'q>) -> Statement<'q> {
        let query = bind_column(bind_column(query, keys, |key| &key.0), keys, |key| &key.1);
        bind_column(bind_column(query, keys, |key| &key.2), keys, |key| &key.3)
    }
}
