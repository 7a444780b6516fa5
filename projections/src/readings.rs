//! Readings: what registers showed, what became of each figure, and which bills stand on it.

mod many;

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    BillingEvent, Decider, Reason, Recorded,
    ids::{InvoiceId, MeterId, ReadingId},
    meter::{
        self, EstimatesTruedUp, Finding, Meter, Reading, ReadingHeld, ReadingKind, ReadingRecorded, ReadingReleased, ReadingReversed,
        ReadingsBilled,
    },
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{from_bigint, from_name, position, to_bigint, to_name},
    rows,
    rows::{History, Table},
};

pub use many::*;

#[derive(Debug, Default)]
pub struct Readings {
    readings: History<ReadingRow>,
    words: History<WordRow>,
    bills: History<BillRow>,
    true_ups: History<TrueUpRow>,
}

rows! {
    struct ReadingRow in reading {
        meter_id: Uuid,
        reading_id: Uuid,
        register: String,
        kind: String,
        value: Decimal,
        taken_on: NaiveDate,
        taken_at: DateTime<Utc>,
        rolled_over: bool,
        findings: String,
        revision: i64,
        position: i64,
    }

    struct WordRow in word {
        meter_id: Uuid,
        reading_id: Uuid,
        word: String,
        reason: Option<String>,
        revision: i64,
        position: i64,
    }

    struct BillRow in bill {
        meter_id: Uuid,
        invoice_id: Uuid,
        reading_id: Option<Uuid>,
        stands: bool,
        position: i64,
    }

    struct TrueUpRow in true_up {
        meter_id: Uuid,
        register: String,
        actual_id: Uuid,
        settlement: String,
        period_from: NaiveDate,
        period_to: NaiveDate,
        estimate_id: Option<Uuid>,
        estimated: Decimal,
        settled: Decimal,
        position: i64,
    }
}

/// The last that was said of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Word {
    Recorded,
    /// Counts for nothing until it is released.
    Held,
    Released,
    Reversed,
    /// An estimate that gave way to an actual reading.
    Superseded,
    /// An estimate that counts again, because what took its place was reversed.
    Restored,
}

impl Word {
    pub fn counts(self) -> bool {
        match self {
            Self::Recorded | Self::Released | Self::Restored => true,
            Self::Held | Self::Reversed | Self::Superseded => false,
        }
    }
}

impl Projector for Readings {
    const NAME: &'static str = "readings";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[Meter::CATEGORY];
    const TABLES: &'static str = include_str!("../models/readings/tables.sql");
    const INDEXES: &'static str = include_str!("../models/readings/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        if let BillingEvent::Meter(event) = &fact.event {
            self.meter(fact, event);
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.readings, &mut self.words, &mut self.bills, &mut self.true_ups]
    }
}

impl Readings {
    fn meter(&mut self, fact: &Recorded<BillingEvent>, event: &meter::Event) {
        match event {
            meter::Event::ReadingRecorded(ReadingRecorded { reading, findings, rolled_over }) => {
                self.keep(fact, reading, findings, *rolled_over, Word::Recorded);
            }
            meter::Event::ReadingHeld(ReadingHeld { reading, findings }) => self.keep(fact, reading, findings, false, Word::Held),
            meter::Event::ReadingEstimated(estimated) => self.keep(fact, &estimated.reading, &[], false, Word::Recorded),
            meter::Event::ReadingReleased(ReadingReleased { reading_id, resolution: _, released_by: _, reason }) => {
                self.say(fact, *reading_id, Word::Released, Some(reason));
            }
            meter::Event::ReadingReversed(ReadingReversed { reading_id, reason, cancels_bills, restored }) => {
                self.say(fact, *reading_id, Word::Reversed, Some(reason));
                cancels_bills.iter().for_each(|invoice| self.bill(fact, *invoice, Some(*reading_id), false));
                restored.iter().for_each(|estimate| self.say(fact, *estimate, Word::Restored, None));
            }
            meter::Event::EstimatesTruedUp(event) => self.trued_up(fact, event),
            meter::Event::ReadingsBilled(ReadingsBilled { invoice_id, reading_ids }) => {
                reading_ids.iter().for_each(|reading| self.bill(fact, *invoice_id, Some(*reading), true));
            }
            meter::Event::ReadingsUnbilled(event) => self.bill(fact, event.invoice_id, None, false),
            meter::Event::MeterRegistered(_)
            | meter::Event::MeterReserved(_)
            | meter::Event::MeterUnreserved(_)
            | meter::Event::MeterInstalled(_)
            | meter::Event::MeterDisconnected(_)
            | meter::Event::MeterReconnected(_)
            | meter::Event::MeterRemoved(_)
            | meter::Event::MeterExchanged(_)
            | meter::Event::SentToBench(_)
            | meter::Event::MeterTested(_)
            | meter::Event::MeterScrapped(_)
            | meter::Event::BreakerReplaced(_)
            | meter::Event::SealApplied(_)
            | meter::Event::SealBroken(_)
            | meter::Event::SealReplaced(_) => {}
        }
    }

    fn keep(&mut self, fact: &Recorded<BillingEvent>, reading: &Reading, findings: &[Finding], rolled_over: bool, word: Word) {
        let Reading { reading_id, register, kind, value, taken_on, taken_at } = reading;
        self.readings.add(ReadingRow {
            meter_id: fact.stream.id(),
            reading_id: (*reading_id).into(),
            register: register.to_string(),
            kind: to_name(kind),
            value: *value,
            taken_on: *taken_on,
            taken_at: *taken_at,
            rolled_over,
            findings: String::from_utf8_lossy(&daftar_domain::write(&findings)).into_owned(),
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
        self.say(fact, *reading_id, word, None);
    }

    fn say(&mut self, fact: &Recorded<BillingEvent>, reading_id: ReadingId, word: Word, reason: Option<&Reason>) {
        self.words.add(WordRow {
            meter_id: fact.stream.id(),
            reading_id: reading_id.into(),
            word: to_name(&word),
            reason: reason.map(Reason::to_string),
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
    }

    fn bill(&mut self, fact: &Recorded<BillingEvent>, invoice_id: InvoiceId, reading_id: Option<ReadingId>, stands: bool) {
        let (meter_id, reading_id) = (fact.stream.id(), reading_id.map(Uuid::from));
        self.bills.add(BillRow { meter_id, invoice_id: invoice_id.into(), reading_id, stands, position: position(fact) });
    }

    fn trued_up(&mut self, fact: &Recorded<BillingEvent>, event: &EstimatesTruedUp) {
        let EstimatesTruedUp { register, since: _, actual, settlement, superseded, parts } = event;
        for part in parts {
            self.true_ups.add(TrueUpRow {
                meter_id: fact.stream.id(),
                register: register.to_string(),
                actual_id: (*actual).into(),
                settlement: to_name(settlement),
                period_from: part.period.from(),
                period_to: part.period.to(),
                estimate_id: part.estimate.map(Uuid::from),
                estimated: part.estimated,
                settled: part.settled,
                position: position(fact),
            });
        }
        superseded.iter().for_each(|estimate| self.say(fact, *estimate, Word::Superseded, None));
    }
}

/// A reading and the last that was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub id: ReadingId,
    pub register: String,
    pub kind: ReadingKind,
    pub value: Decimal,
    pub taken_on: NaiveDate,
    pub taken_at: DateTime<Utc>,
    pub rolled_over: bool,
    pub word: Word,
    /// Of the meter's stream, when the last word was said.
    pub revision: u64,
}

/// The readings of a meter taken up to the date, as they were known, in the order they were taken.
pub async fn of_meter(db: impl PgExecutor<'_>, meter_id: MeterId, as_of: AsOf) -> Result<Vec<Known>, QueryError> {
    let found = sqlx::query!(
        "SELECT reading.reading_id, register, kind, value, taken_on, taken_at, rolled_over, last.word, last.revision
         FROM read_readings.reading
         CROSS JOIN LATERAL (
             SELECT word, word.revision FROM read_readings.word
             WHERE word.reading_id = reading.reading_id AND word.position <= $3 ORDER BY word.position DESC LIMIT 1) last
         WHERE meter_id = $1 AND taken_on <= $2 AND reading.position <= $3
         ORDER BY register, taken_at, reading.position",
        Uuid::from(meter_id),
        as_of.effective,
        as_of.position(),
    )
    .fetch_all(db)
    .await?;
    let malformed = |column| move |source| QueryError::Malformed { model: Readings::NAME, column, source };
    let rows = found.into_iter().map(|row| {
        Ok(Known {
            id: ReadingId::new(row.reading_id),
            register: row.register,
            kind: from_name(row.kind).map_err(malformed("kind"))?,
            value: row.value,
            taken_on: row.taken_on,
            taken_at: row.taken_at,
            rolled_over: row.rolled_over,
            word: from_name(row.word).map_err(malformed("word"))?,
            revision: from_bigint(row.revision),
        })
    });
    rows.collect()
}
