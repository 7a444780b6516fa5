//! Numbers and what was promised of them.

use std::{env, fmt, fs::OpenOptions, io::Write, time::Duration};

use mimalloc::MiMalloc;

/// That of the programs, so that what is measured is what they do.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
        let kept = |measured: f64| if at_least { measured >= promised } else { measured <= promised };
        let verdict = match measured {
            None => "not judged: no quiet round",
            Some(measured) if kept(measured) => "reached",
            Some(_) => "MISSED",
        };
        let relation = if at_least { "≥" } else { "≤" };
        let digits = if promised >= 100.0 { 0 } else { 2 };
        let measured = measured.map_or("–".to_owned(), |measured| format!("{measured:.digits$}"));
        println!("  {measured} {unit} (target {relation} {promised}): {verdict}");
        gather(&format!("{{\"target\": \"{relation} {promised} {unit}\", \"measured\": \"{measured}\", \"verdict\": \"{verdict}\"}}"));
    }
}

/// A line of the table that `make bench` prints: ours beside a peer and beside a limit of the same run. What is judged after it belongs to it.
pub struct Line {
    pub work: &'static str,
    pub unit: &'static str,
    pub ours: Option<f64>,
    pub peer: Option<(&'static str, Option<f64>)>,
    pub limit: Option<(&'static str, Option<f64>)>,
}

impl Line {
    pub fn tell(self) {
        let Self { work, unit, ours, peer, limit } = self;
        let number =
            |figure: Option<f64>| figure.filter(|figure| figure.is_finite()).map_or("null".to_owned(), |figure| figure.to_string());
        let beside =
            |it: Option<(&str, Option<f64>)>| it.map_or("null".to_owned(), |(name, figure)| format!("[\"{name}\", {}]", number(figure)));
        let (ours, peer, limit) = (number(ours), beside(peer), beside(limit));
        gather(&format!("{{\"work\": \"{work}\", \"unit\": \"{unit}\", \"ours\": {ours}, \"peer\": {peer}, \"limit\": {limit}}}"));
    }
}

/// For `scripts/bench`, which says where to.
fn gather(line: &str) {
    if let Some(path) = env::var_os("DAFTAR_BENCH_LINES") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| writeln!(file, "{line}")).expect("the line is gathered");
    }
}

/// How often each takes its turn.
pub fn rounds() -> usize {
    env::var("DAFTAR_BENCH_ROUNDS").map_or(5, |number| number.parse().expect("a number of rounds"))
}
