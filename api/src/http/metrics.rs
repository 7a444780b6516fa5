//! What Prometheus asks for, in its text form.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::Utc;
use daftar_projections::MODELS;
use daftar_store::Engine;
use sqlx::PgPool;
use tokio::time::timeout;

/// Upper borders of the histogram, in milliseconds.
const BORDERS: [u64; 10] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000];

/// How long the read models may take to say how they are.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counted since the process began.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    requests: BTreeMap<(String, u16), u64>,
    times: BTreeMap<String, Times>,
    operations: BTreeMap<(&'static str, &'static str), u64>,
    panics: u64,
}

#[derive(Debug, Default)]
struct Times {
    within: [u64; BORDERS.len()],
    count: u64,
    micros: u64,
}

impl Metrics {
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        self.count(|counted| {
            *counted.requests.entry((route.to_owned(), status)).or_default() += 1;
            let times = counted.times.entry(route.to_owned()).or_default();
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            for (within, border) in times.within.iter_mut().zip(BORDERS) {
                *within += u64::from(micros <= border * 1_000);
            }
            times.count += 1;
            times.micros += micros;
        });
    }

    /// A GraphQL operation: query or mutation, and what came of it.
    pub fn operation(&self, kind: &'static str, outcome: &'static str) {
        self.count(|counted| *counted.operations.entry((kind, outcome)).or_default() += 1);
    }

    pub fn panicked(&self) {
        self.count(|counted| counted.panics += 1);
    }

    fn count(&self, change: impl FnOnce(&mut Counted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All of it. What cannot be asked now is left out, and `daftar_up` of it is 0.
    pub async fn text(&self, pool: &PgPool, engine: &Engine) -> String {
        let mut text = self.process();
        let (size, idle) = (pool.size(), pool.num_idle());
        line(&mut text, "daftar_pool_connections", &[("state", "idle")], idle);
        line(&mut text, "daftar_pool_connections", &[("state", "busy")], (size as usize).saturating_sub(idle));
        let models = timeout(PATIENCE, async {
            let mut db = pool.acquire().await.map_err(|error| tracing::warn!(%error, "the read models cannot be asked how they are"))?;
            let status = daftar_projections::status(&mut db, &**engine.store(), MODELS, Utc::now());
            let models = status.await.map_err(|error| tracing::warn!(%error, "the read models cannot be asked how they are"))?;
            let stopped = "SELECT EXISTS (SELECT FROM daftar_billing.follower WHERE name = 'policies' AND stopped_because IS NOT NULL)";
            let policies = sqlx::query_scalar::<_, bool>(stopped);
            let stopped = policies.fetch_one(&mut *db).await;
            Ok((models, stopped.map_err(|error| tracing::warn!(%error, "the policies cannot be asked how they are"))?))
        });
        let models = models.await.unwrap_or(Err(()));
        line(&mut text, "daftar_up", &[("part", "read_models")], u8::from(models.is_ok()));
        let Ok((models, policies_stopped)) = models else { return text };
        line(&mut text, "daftar_policies_stopped", &[], u8::from(policies_stopped));
        for model in models {
            let of = [("model", model.model)];
            line(&mut text, "daftar_projection_behind_events", &of, model.behind_events);
            line(&mut text, "daftar_projection_behind_seconds", &of, model.behind_seconds);
            line(&mut text, "daftar_projection_events_total", &of, model.events);
            line(&mut text, "daftar_projection_events_per_second", &of, model.events_per_second);
            line(&mut text, "daftar_projection_led", &of, u8::from(model.leader.is_some()));
            line(&mut text, "daftar_projection_stopped", &of, u8::from(model.stopped_because.is_some()));
            if let Some(at) = model.last_error_at {
                line(&mut text, "daftar_projection_last_error_timestamp_seconds", &of, at.timestamp());
            }
        }
        text
    }

    fn process(&self) -> String {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for ((route, status), count) in &counted.requests {
            line(&mut text, "daftar_http_requests_total", &[("route", route), ("status", &status.to_string())], count);
        }
        for (route, times) in &counted.times {
            for (border, within) in BORDERS.iter().zip(times.within) {
                let border = format!("{}.{:03}", border / 1_000, border % 1_000);
                line(&mut text, "daftar_http_request_seconds_bucket", &[("route", route), ("le", &border)], within);
            }
            line(&mut text, "daftar_http_request_seconds_bucket", &[("route", route), ("le", "+Inf")], times.count);
            let seconds = format!("{}.{:06}", times.micros / 1_000_000, times.micros % 1_000_000);
            line(&mut text, "daftar_http_request_seconds_sum", &[("route", route)], seconds);
            line(&mut text, "daftar_http_request_seconds_count", &[("route", route)], times.count);
        }
        for ((kind, outcome), count) in &counted.operations {
            line(&mut text, "daftar_graphql_operations_total", &[("type", kind), ("outcome", outcome)], count);
        }
        line(&mut text, "daftar_panics_total", &[], counted.panics);
        text
    }
}

/// Labels are ours: routes as they are written in the code, and names.
fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::default();
        metrics.answered("/graphql", 200, Duration::from_millis(7));
        metrics.answered("/graphql", 200, Duration::from_millis(70));
        metrics.operation("query", "answered");
        let text = metrics.process();
        for told in [
            "daftar_http_requests_total{route=\"/graphql\",status=\"200\"} 2\n",
            "daftar_http_request_seconds_bucket{route=\"/graphql\",le=\"0.005\"} 0\n",
            "daftar_http_request_seconds_bucket{route=\"/graphql\",le=\"0.010\"} 1\n",
            "daftar_http_request_seconds_bucket{route=\"/graphql\",le=\"0.100\"} 2\n",
            "daftar_http_request_seconds_sum{route=\"/graphql\"} 0.077000\n",
            "daftar_http_request_seconds_count{route=\"/graphql\"} 2\n",
            "daftar_graphql_operations_total{type=\"query\",outcome=\"answered\"} 1\n",
            "daftar_panics_total 0\n",
        ] {
            assert!(text.contains(told), "{told} in {text}");
        }
    }
}
