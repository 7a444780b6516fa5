//! Numbers and what was promised of them.

use std::{fmt, time::Duration};

/// One contender's turn.
pub struct Figures {
    /// In ascending order.
    latencies: Vec<Duration>,
    took: Duration,
}

impl Figures {
    pub fn new(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        Self { latencies, took }
    }

    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        self.latencies.get((self.latencies.len() * percent / 100).min(self.latencies.len() - 1)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        write!(f, "{:>8.0}/s   p50 {:>6.2} ms   p99 {:>6.2} ms", self.per_second(), milliseconds(50), milliseconds(99))
    }
}

pub fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// What was promised: what must be reached, in which unit.
pub struct Target {
    promised: f64,
    unit: &'static str,
    at_least: bool,
}

impl Target {
    pub fn at_least(promised: f64, unit: &'static str) -> Self {
        Self { promised, unit, at_least: true }
    }

    pub fn at_most(promised: f64, unit: &'static str) -> Self {
        Self { promised, unit, at_least: false }
    }

    pub fn judge(&self, measured: Option<f64>) {
        let Self { promised, unit, at_least } = *self;
        let verdict = match measured {
            None => "not judged: no quiet round",
            Some(measured) if (measured >= promised) == at_least => "reached",
            Some(_) => "MISSED",
        };
        let relation = if at_least { "≥" } else { "≤" };
        let digits = if promised >= 100.0 { 0 } else { 2 };
        let measured = measured.map_or("–".to_owned(), |measured| format!("{measured:.digits$}"));
        println!("  {measured} {unit} (target {relation} {promised}): {verdict}");
    }
}
