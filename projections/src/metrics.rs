//! What a model's runner does, in numbers.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use daftar_domain::Position;

/// Counted since the process began.
#[derive(Debug, Default)]
pub struct Metrics {
    leading: AtomicBool,
    events: AtomicU64,
    batches: AtomicU64,
    busy_micros: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    position: Option<Position>,
    error: Option<String>,
}

impl Metrics {
    /// Whether this process is the one that keeps the model.
    pub fn is_leading(&self) -> bool {
        self.leading.load(Ordering::Relaxed)
    }

    /// Events that became rows.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Transactions that moved the model.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// The time they took.
    pub fn busy(&self) -> Duration {
        Duration::from_micros(self.busy_micros.load(Ordering::Relaxed))
    }

    pub fn position(&self) -> Option<Position> {
        self.last(|last| last.position)
    }

    pub fn last_error(&self) -> Option<String> {
        self.last(|last| last.error.clone())
    }

    pub(crate) fn leads(&self, leading: bool) {
        self.leading.store(leading, Ordering::Relaxed);
    }

    pub(crate) fn took(&self, events: usize, until: Position, time: Duration) {
        self.events.fetch_add(events as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.busy_micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.last(|last| last.position = Some(until));
    }

    pub(crate) fn failed(&self, error: String) {
        self.last(|last| last.error = Some(error));
    }

    fn last<T>(&self, of: impl FnOnce(&mut Last) -> T) -> T {
        of(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
