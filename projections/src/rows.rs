//! A read model's rows in memory: what a fold makes of events before it is written.
//!
//! Two kinds are enough. [`History`] is only ever added to: what happened, and when it applies. [`Current`] is how things stand, a row to a
//! key. The fold neither knows nor cares where a row is: it asks [`Current`] by key, and where the row turns out to be in the tables only,
//! it is fetched, with all others that were missed, and the same events are folded again. That is why a fold must do nothing but change rows.

use std::{collections::HashMap, fmt::Debug};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow};

use crate::columns::{CopyBytes, Key, Statement, Tuple};

/// Of each column of a table: its name, its type, and whether it may be empty.
pub type Shape = Vec<(&'static str, String, bool)>;

/// The rows of one table. [`rows!`](crate::rows) writes this.
pub trait Row: Clone + Debug + Send + Sync + 'static {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    fn shape() -> Shape;
    fn encode(&self, tuple: &mut Tuple<'_>);
    /// Binds rows to a statement, an array for each column.
    fn bind<'q>(rows: &[&Self], query: Statement<'q>) -> Statement<'q>;
    fn decode(row: &PgRow) -> Result<Self, sqlx::Error>;
    /// Bytes in memory, roughly.
    fn size(&self) -> usize;
}

/// A row that can be found again, and changed.
pub trait Keyed: Row {
    type Key: Key;
    /// The first columns, which identify the row.
    const KEY: &'static [&'static str];
    fn key(&self) -> Self::Key;
}

/// Declares tables: each name is the struct of a row, each field a column, in the order and with the types of the model's `tables.sql`.
#[macro_export]
macro_rules! rows {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident in $table:ident { $($(#[$about:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name { $($(#[$about])* pub $field: $type,)+ }

        impl $crate::rows::Row for $name {
            const TABLE: &'static str = stringify!($table);
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn shape() -> $crate::rows::Shape {
                vec![$((
                    stringify!($field),
                    $crate::columns::type_name::<$type>(),
                    <$type as $crate::columns::Column>::OPTIONAL,
                )),+]
            }

            fn encode(&self, tuple: &mut $crate::columns::Tuple<'_>) {
                $(tuple.push(&self.$field);)+
            }

            fn bind<'q>(rows: &[&Self], query: $crate::columns::Statement<'q>) -> $crate::columns::Statement<'q> {
                query$(.bind(rows.iter().map(|row| row.$field.clone()).collect::<Vec<$type>>()))+
            }

            fn decode(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?,)+ })
            }

            fn size(&self) -> usize {
                size_of::<Self>() $(+ $crate::columns::Column::heap(&self.$field))+
            }
        }
    )+};
}

/// Says by which columns rows are found again: the first ones of the table.
#[macro_export]
macro_rules! keys {
    ($($name:ident by $($column:ident: $type:ty),+;)+) => {$(
        impl $crate::rows::Keyed for $name {
            #[allow(unused_parens, reason = "one column is a key by itself, several are a tuple")]
            type Key = ($($type),+);
            const KEY: &'static [&'static str] = &[$(stringify!($column)),+];

            #[allow(unused_parens, reason = "as above")]
            fn key(&self) -> Self::Key {
                ($(self.$column.clone()),+)
            }
        }
    )+};
}

/// A table as whoever delivers events sees it.
#[async_trait]
pub trait Table: Send + Sync {
    /// The table and its columns.
    fn shape(&self) -> (&'static str, Shape);
    /// Whether the last fold asked for rows that were not here. What it did is then worth nothing.
    fn lacks(&self) -> bool;
    /// The key of a row that the last fold took to be new, though there is one.
    fn doubled(&self) -> Option<&str>;
    /// Forgets what the last fold did, and fetches the rows it lacked.
    async fn fetch(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error>;
    /// The last fold had all it asked for: keeps what it did.
    fn settle(&mut self);
    /// Writes rows that nobody will ask for again, if they are many.
    async fn relieve(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error>;
    /// Writes everything, and remembers nothing.
    async fn write(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error>;
    /// What is not here is nowhere: the tables are empty.
    fn begin_empty(&mut self);
    /// What is held in memory.
    fn size(&self) -> usize;
    /// The table and its key, if rows are ever looked for in it.
    fn key(&self) -> Option<(&'static str, &'static [&'static str])>;
}

/// Rows that are only ever added.
#[derive(Debug)]
pub struct History<R> {
    rows: Vec<R>,
    /// Those before it stay, whatever becomes of the fold under way.
    settled: usize,
    size: usize,
}

impl<R> Default for History<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), settled: 0, size: 0 }
    }
}

impl<R: Row> History<R> {
    pub fn add(&mut self, row: R) {
        self.rows.push(row);
    }
}

/// Bytes of rows worth a statement of their own.
const MANY: usize = 8 * 1024 * 1024;

#[async_trait]
impl<R: Row> Table for History<R> {
    fn shape(&self) -> (&'static str, Shape) {
        (R::TABLE, R::shape())
    }

    fn lacks(&self) -> bool {
        false
    }

    fn doubled(&self) -> Option<&str> {
        None
    }

    async fn fetch(&mut self, _: &mut PgConnection, _: &str) -> Result<(), sqlx::Error> {
        self.rows.truncate(self.settled);
        Ok(())
    }

    fn settle(&mut self) {
        self.size += self.rows[self.settled..].iter().map(Row::size).sum::<usize>();
        self.settled = self.rows.len();
    }

    async fn relieve(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
        if self.size >= MANY { self.write(db, schema).await } else { Ok(()) }
    }

    async fn write(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
        add(db, schema, &self.rows.iter().collect::<Vec<_>>()).await?;
        *self = Self::default();
        Ok(())
    }

    fn begin_empty(&mut self) {}

    fn size(&self) -> usize {
        self.size
    }

    fn key(&self) -> Option<(&'static str, &'static [&'static str])> {
        None
    }
}

/// Rows as they stand, by key.
#[derive(Debug)]
pub struct Current<R: Keyed> {
    settled: HashMap<R::Key, Settled<R>>,
    /// What the fold under way makes of them; nothing where it took the row away.
    draft: HashMap<R::Key, Option<R>>,
    lacking: Vec<R::Key>,
    /// The key of a row that was inserted though there is one.
    doubled: Option<String>,
    /// Nothing is in the table that is not here.
    complete: bool,
    size: usize,
}

#[derive(Debug)]
struct Settled<R> {
    row: Option<R>,
    /// Whether the table has a row with this key.
    stored: bool,
    changed: bool,
}

impl<R: Keyed> Default for Current<R> {
    fn default() -> Self {
        Self { settled: HashMap::new(), draft: HashMap::new(), lacking: Vec::new(), doubled: None, complete: false, size: 0 }
    }
}

/// Beside each row: its key once more, and the map's own.
const OVERHEAD: usize = 64;

impl<R: Keyed> Current<R> {
    pub fn get(&mut self, key: &R::Key) -> Option<&R> {
        match self.draft.get(key) {
            Some(draft) => draft.as_ref(),
            None => match self.settled.get(key) {
                Some(settled) => settled.row.as_ref(),
                None => {
                    if !self.complete {
                        self.lacking.push(key.clone());
                    }
                    None
                }
            },
        }
    }

    /// The row, to be changed. None if there is none, or none yet: then the fold will be asked again.
    pub fn get_mut(&mut self, key: &R::Key) -> Option<&mut R> {
        if !self.draft.contains_key(key) {
            let row = self.get(key)?.clone();
            self.draft.insert(key.clone(), Some(row));
        }
        self.draft.get_mut(key)?.as_mut()
    }

    /// A row that is new. That there is one with its key already is against the log's own rules, so the model refuses it.
    pub fn insert(&mut self, row: R) {
        let key = row.key();
        let here = match self.draft.get(&key) {
            Some(draft) => draft.is_some(),
            None => self.settled.get(&key).is_some_and(|settled| settled.row.is_some()),
        };
        if here && self.doubled.is_none() {
            self.doubled = Some(format!("{key:?}"));
        }
        self.draft.insert(key, Some(row));
    }

    /// A row in the place of one that is there, or of none.
    pub fn put(&mut self, row: R) {
        let key = row.key();
        self.get(&key);
        self.draft.insert(key, Some(row));
    }

    pub fn remove(&mut self, key: &R::Key) {
        if self.get(key).is_some() {
            self.draft.insert(key.clone(), None);
        }
    }

    fn keep(&mut self, key: R::Key, row: Option<R>, stored: bool, changed: bool) {
        self.size += row.as_ref().map_or(0, Row::size) + OVERHEAD;
        if let Some(before) = self.settled.insert(key, Settled { row, stored, changed }) {
            self.size -= before.row.as_ref().map_or(0, Row::size) + OVERHEAD;
        }
    }
}

#[async_trait]
impl<R: Keyed> Table for Current<R> {
    fn shape(&self) -> (&'static str, Shape) {
        (R::TABLE, R::shape())
    }

    fn lacks(&self) -> bool {
        !self.lacking.is_empty()
    }

    fn doubled(&self) -> Option<&str> {
        self.doubled.as_deref()
    }

    async fn fetch(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
        self.draft.clear();
        self.doubled = None;
        if self.lacking.is_empty() {
            return Ok(());
        }
        let mut keys = std::mem::take(&mut self.lacking);
        keys.sort_unstable();
        keys.dedup();
        let columns: Vec<String> = R::COLUMNS.iter().map(|column| format!("row.{column}")).collect();
        let sql = format!("SELECT {} FROM {schema}.{} AS row {}", columns.join(", "), R::TABLE, having_key::<R>("JOIN", "ON"));
        let found = R::Key::bind(&keys, sqlx::query(AssertSqlSafe(sql))).fetch_all(db).await?;
        for row in &found {
            let row = R::decode(row)?;
            self.keep(row.key(), Some(row), true, false);
        }
        for key in keys {
            if !self.settled.contains_key(&key) {
                self.keep(key, None, false, false);
            }
        }
        Ok(())
    }

    fn settle(&mut self) {
        for (key, row) in std::mem::take(&mut self.draft) {
            let stored = self.settled.get(&key).is_some_and(|before| before.stored);
            self.keep(key, row, stored, true);
        }
    }

    async fn relieve(&mut self, _: &mut PgConnection, _: &str) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// A row that is there already is changed in its place: where no index knows of what has changed, none has to be told.
    async fn write(&mut self, db: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
        let (mut removed, mut replaced, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for (key, settled) in self.settled.iter().filter(|(_, settled)| settled.changed) {
            match (&settled.row, settled.stored) {
                (Some(row), true) => replaced.push((key, row)),
                (Some(row), false) => added.push(row),
                (None, true) => removed.push(key.clone()),
                (None, false) => {}
            }
        }
        if !removed.is_empty() {
            removed.sort_unstable();
            let sql = format!("DELETE FROM {schema}.{} AS row {}", R::TABLE, having_key::<R>("USING", "WHERE"));
            R::Key::bind(&removed, sqlx::query(AssertSqlSafe(sql))).execute(&mut *db).await?;
        }
        replaced.sort_unstable_by_key(|(key, _)| *key);
        let replaced: Vec<&R> = replaced.into_iter().map(|(_, row)| row).collect();
        for rows in replaced.chunks(FEW) {
            replace(db, schema, rows).await?;
        }
        add(db, schema, &added).await?;
        *self = Self::default();
        Ok(())
    }

    fn begin_empty(&mut self) {
        self.complete = true;
    }

    fn size(&self) -> usize {
        self.size
    }

    fn key(&self) -> Option<(&'static str, &'static [&'static str])> {
        Some((R::TABLE, R::KEY))
    }
}

/// The part of a statement that picks the rows whose keys are bound to it, an array for each column.
fn having_key<R: Keyed>(join: &str, on: &str) -> String {
    let arrays: Vec<String> = R::Key::types().iter().zip(1..).map(|(name, number)| format!("${number}::{name}[]")).collect();
    format!("{join} UNNEST({}) AS key ({}) {on} {}", arrays.join(", "), R::KEY.join(", "), same_key::<R>("key"))
}

fn same_key<R: Keyed>(other: &str) -> String {
    let same: Vec<String> = R::KEY.iter().map(|column| format!("row.{column} = {other}.{column}")).collect();
    same.join(" AND ")
}

/// Rows beyond which it pays to have a statement of many messages.
const FEW: usize = 5_000;

/// Writes rows by the shortest way there is.
async fn add<R: Row>(db: &mut PgConnection, schema: &str, rows: &[&R]) -> Result<(), sqlx::Error> {
    match rows.len() {
        0 => Ok(()),
        1..FEW => insert(db, schema, rows).await,
        _ => copy(db, schema, rows).await,
    }
}

/// One message there and one back.
async fn insert<R: Row>(db: &mut PgConnection, schema: &str, rows: &[&R]) -> Result<(), sqlx::Error> {
    let sql = format!("INSERT INTO {schema}.{} ({}) SELECT * FROM {}", R::TABLE, R::COLUMNS.join(", "), bound::<R>());
    R::bind(rows, sqlx::query(AssertSqlSafe(sql))).execute(db).await?;
    Ok(())
}

/// The same for rows whose keys are there.
async fn replace<R: Keyed>(db: &mut PgConnection, schema: &str, rows: &[&R]) -> Result<(), sqlx::Error> {
    // The rest of the row is nothing: its key has not changed.
    let Some(rest) = R::COLUMNS.get(R::KEY.len()..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
    let set: Vec<String> = rest.iter().map(|column| format!("{column} = new.{column}")).collect();
    let (set, columns, same) = (set.join(", "), R::COLUMNS.join(", "), same_key::<R>("new"));
    let sql = format!("UPDATE {schema}.{} AS row SET {set} FROM {} AS new ({columns}) WHERE {same}", R::TABLE, bound::<R>());
    R::bind(rows, sqlx::query(AssertSqlSafe(sql))).execute(db).await?;
    Ok(())
}

/// The rows that are bound to a statement, an array for each column.
fn bound<R: Row>() -> String {
    let arrays: Vec<String> = R::shape().iter().zip(1..).map(|((_, name, _), number)| format!("${number}::{name}[]")).collect();
    format!("UNNEST({})", arrays.join(", "))
}

/// Sent at once: large enough for the way, small enough for memory.
const PIECE: usize = 256 * 1024;

async fn copy<R: Row>(db: &mut PgConnection, schema: &str, rows: &[&R]) -> Result<(), sqlx::Error> {
    let statement = format!("COPY {schema}.{} ({}) FROM STDIN (FORMAT binary)", R::TABLE, R::COLUMNS.join(", "));
    let mut copy = db.copy_in_raw(&statement).await?;
    let mut bytes = CopyBytes::begin();
    for row in rows {
        row.encode(&mut bytes.tuple(R::COLUMNS.len()));
        if bytes.len() >= PIECE {
            copy.send(bytes.take()).await?;
        }
    }
    bytes.end();
    copy.send(bytes.take()).await?;
    copy.finish().await?;
    Ok(())
}
