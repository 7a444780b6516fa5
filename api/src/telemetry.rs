//! What the process says of itself: lines for people, and spans for a collector, if the environment names one (decision 38).

use std::{env, io::IsTerminal};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, Layer, filter::FilterFn, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::cli::UsageError;

/// Our own doings; of others only what is wrong.
const LOGGED: &str = "warn,daftar_api=info,daftar_projections=info,daftar_store=info,eventstore_client=info";

/// What the spans are said to be of, where OTEL_SERVICE_NAME says nothing else.
const SERVICE: &str = "daftar";

/// Keeps what was not exported yet.
#[derive(Debug)]
#[must_use = "what is left is exported when it ends"]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Lines go to standard error: as text for people, or as one JSON object a line with DAFTAR_LOG_FORMAT=json. DAFTAR_LOG says which.
/// Spans go where OTEL_EXPORTER_OTLP_ENDPOINT says, and are not made without it.
pub fn begin() -> Result<Telemetry, UsageError> {
    let filter = EnvFilter::try_from_env("DAFTAR_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if said("DAFTAR_LOG_FORMAT").as_deref() == Some("json") {
        lines.json().with_filter(filter).boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed()
    };
    let logged = registry().with(lines);
    let Some(exporter) = exporter()? else {
        logged.init();
        return Ok(Telemetry(None));
    };
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(SERVICE))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Spans of our own and no lines: a line may hold the words of whatever failed, a span holds ids.
        .with_filter(
            FilterFn::new(|of| of.is_span() && of.target().starts_with("daftar_")).with_max_level_hint(LevelFilter::from(Level::DEBUG)),
        );
    logged.with(spans).init();
    Ok(Telemetry(Some(provider)))
}

impl Telemetry {
    /// Exports what is left, if the collector takes it within seconds.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || provider.shutdown()).await {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

fn exporter() -> Result<Option<SpanExporter>, UsageError> {
    let of_spans = |name: &str| said(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}")).or_else(|| said(&format!("OTEL_EXPORTER_OTLP_{name}")));
    let off = said("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"));
    if off || said("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter == "none") {
        return Ok(None);
    }
    let Some(endpoint) = of_spans("ENDPOINT") else { return Ok(None) };
    if let Some(protocol) = of_spans("PROTOCOL").filter(|protocol| protocol != "grpc") {
        return Err(UsageError(format!("OTEL_EXPORTER_OTLP_PROTOCOL is `{protocol}`: spans are exported by `grpc` alone")));
    }
    let not_there = |error: ExporterBuildError| UsageError(format!("spans cannot be exported to `{endpoint}`: {error}"));
    SpanExporter::builder().with_tonic().build().map(Some).map_err(not_there)
}

fn resource() -> Resource {
    let named = said("OTEL_SERVICE_NAME").is_some() || said("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|said| said.contains("service.name="));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    if named { resource.build() } else { resource.with_service_name(SERVICE).build() }
}

/// What the environment says, if it says anything.
fn said(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|said| !said.is_empty())
}
