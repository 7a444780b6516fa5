//! The ledger: a journal for each event that moves money, by the posting rules of the domain and no others.
//!
//! Entries are only ever added, so the books are asked as of any position and any date. Beside them stand the sums of each day: the trial
//! balance of ten years adds up some days, and takes off what was not known by then.

mod queries;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use daftar_domain::{
    BillingEvent, Recorded,
    ledger::{
        self, Entry, Journal, Side, SubLedger,
        periods::{self, PeriodClosed, PeriodOpened},
    },
};
use uuid::Uuid;

pub use queries::{
    Cursor, Line, Page, Period, Turnover, at_instant, entries, general_ledger, journal, of_customer, periods, trial_balance, turnover,
};

use crate::{
    Projector,
    columns::{position, to_bigint, to_name},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Ledger {
    journals: History<JournalRow>,
    entries: History<EntryRow>,
    days: Current<DayRow>,
    periods: History<PeriodRow>,
    seconds: History<SecondRow>,
    clock: Current<ClockRow>,
    refused: Option<String>,
}

rows! {
    struct JournalRow in journal {
        position: i64,
        event_id: Uuid,
        event_type: String,
        stream_id: Uuid,
        effective_on: NaiveDate,
        recorded_at: DateTime<Utc>,
    }

    struct EntryRow in entry {
        position: i64,
        line: i32,
        account: i32,
        customer_id: Option<Uuid>,
        till_id: Option<Uuid>,
        currency: String,
        debit: i64,
        credit: i64,
        effective_on: NaiveDate,
    }

    struct DayRow in day {
        account: i32,
        currency: String,
        effective_on: NaiveDate,
        debit: i64,
        credit: i64,
    }

    struct PeriodRow in period {
        period_from: NaiveDate,
        period_to: NaiveDate,
        closed: bool,
        closed_at: Option<i64>,
        digest: Option<String>,
        position: i64,
    }

    struct SecondRow in second {
        second: DateTime<Utc>,
        position: i64,
    }

    struct ClockRow in clock {
        clock: String,
        second: DateTime<Utc>,
    }
}

keys! {
    DayRow by account: i32, currency: String, effective_on: NaiveDate;
    ClockRow by clock: String;
}

impl Projector for Ledger {
    const NAME: &'static str = "ledger";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = ledger::CATEGORIES;
    const TABLES: &'static str = include_str!("../../models/ledger/tables.sql");
    const INDEXES: &'static str = include_str!("../../models/ledger/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        self.tick(fact);
        if let BillingEvent::AccountingPeriods(event) = &fact.event {
            self.period(fact, event);
        }
        match ledger::post(fact) {
            Ok(Some(journal)) => self.post(fact, &journal),
            Ok(None) => {}
            Err(error) => self.refused = Some(error.to_string()),
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { journals, entries, days, periods, seconds, clock, refused: _ } = self;
        vec![journals, entries, days, periods, seconds, clock]
    }

    fn refuses(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

impl Ledger {
    fn post(&mut self, fact: &Recorded<BillingEvent>, journal: &Journal) {
        self.journals.add(JournalRow {
            position: position(fact),
            event_id: journal.event_id,
            event_type: fact.event.event_type().to_owned(),
            stream_id: fact.stream.id(),
            effective_on: journal.effective_on,
            recorded_at: fact.metadata.recorded_at,
        });
        for (line, entry) in (1..).zip(journal.entries()) {
            let (debit, credit) = sides(entry);
            let (customer_id, till_id) = match entry.sub_ledger {
                Some(SubLedger::Customer(account_id)) => (Some(account_id.into()), None),
                Some(SubLedger::Till(session_id)) => (None, Some(session_id.into())),
                None => (None, None),
            };
            let (account, currency, effective_on) = (number(entry), to_name(&entry.amount.currency), journal.effective_on);
            self.add_to_day(account, &currency, effective_on, debit, credit);
            let position = position(fact);
            self.entries.add(EntryRow { position, line, account, customer_id, till_id, currency, debit, credit, effective_on });
        }
    }

    fn add_to_day(&mut self, account: i32, currency: &str, effective_on: NaiveDate, debit: i64, credit: i64) {
        let key = (account, currency.to_owned(), effective_on);
        match self.days.get_mut(&key) {
            Some(day) => (day.debit, day.credit) = (day.debit + debit, day.credit + credit),
            None => self.days.put(DayRow { account, currency: key.1, effective_on, debit, credit }),
        }
    }

    fn period(&mut self, fact: &Recorded<BillingEvent>, event: &periods::Event) {
        self.periods.add(match event {
            // It has its journal, and says nothing of a period.
            periods::Event::AllowanceSet(_) => return,
            periods::Event::PeriodOpened(PeriodOpened { period }) => PeriodRow {
                period_from: period.from(),
                period_to: period.to(),
                closed: false,
                closed_at: None,
                digest: None,
                position: position(fact),
            },
            periods::Event::PeriodClosed(PeriodClosed { period, position: at, trial_balance, closed_on: _, closed_by: _ }) => PeriodRow {
                period_from: period.from(),
                period_to: period.to(),
                closed: true,
                closed_at: Some(to_bigint(at.commit)),
                digest: Some(trial_balance.to_string()),
                position: position(fact),
            },
        });
    }

    /// Keeps where each second begins in the log, by the latest that any clock has shown.
    fn tick(&mut self, fact: &Recorded<BillingEvent>) {
        let second = fact.metadata.recorded_at.trunc_subsecs(0);
        match self.clock.get_mut(&THE_CLOCK.to_owned()) {
            Some(clock) if second <= clock.second => return,
            Some(clock) => clock.second = second,
            None => self.clock.put(ClockRow { clock: THE_CLOCK.to_owned(), second }),
        }
        self.seconds.add(SecondRow { second, position: position(fact) });
    }
}

/// There is one, and so one row.
const THE_CLOCK: &str = "log";

fn number(entry: &Entry) -> i32 {
    entry.account.number().into()
}

fn sides(entry: &Entry) -> (i64, i64) {
    match entry.side {
        Side::Debit => (entry.amount.minor, 0),
        Side::Credit => (0, entry.amount.minor),
    }
}
