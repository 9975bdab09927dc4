//! What the server counts and measures, for Prometheus.
//!
//! [`Metrics`] is made once by the program and handed to whoever has something to count; nothing
//! is global, so that a program that embeds the server keeps its own metrics apart. No label names
//! a device or an organisation: the operators' API tells about those, and the number of series
//! stays the same however large the fleet is.

mod catalogue;
mod gauges;
mod http;
mod observer;
mod retention;
mod store;

use std::fmt;
use std::sync::Arc;

use ::metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use renewal_domain::Clock;

use self::catalogue::Kind;
pub use self::gauges::Gauges;
pub use self::http::Listener;
pub use self::store::StoreMetrics;

/// The bounds of all histograms, in seconds: from the signature of a fast key to a time-out.
const BUCKETS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// All that one server counts and measures. Cloning gives another handle to the same.
///
/// ```
/// # use std::sync::Arc;
/// # use csr_service::{CsrService, Issuer, NewIssuer, Profile};
/// # use renewal_domain::testing::MemoryStore;
/// # use renewal_domain::{Clock, SystemClock};
/// use renewal_server::Metrics;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let now = SystemClock.now();
/// # let authority = NewIssuer::builder("My CA").create(now)?;
/// # let issuer = Issuer::from_pem(authority.certificate_pem(), authority.key_pem(), now)?;
/// # let store = Arc::new(MemoryStore::new());
/// let metrics = Metrics::new(&SystemClock);
/// let store = Arc::new(metrics.watch_store(store));
/// let service = CsrService::builder(issuer, Profile::builder().build()?, store)
///     .observer(Arc::new(metrics.clone()))
///     .build();
/// println!("{}", metrics.render());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Begins to count, from zero.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the only error is that there are no bounds"
    )]
    pub fn new(clock: &dyn Clock) -> Self {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS).expect("there are bounds");
        let recorder = builder.build_recorder();
        for metric in catalogue::ALL {
            let (name, help) = (metric.name.into(), metric.help.into());
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram => recorder.describe_histogram(name, None, help),
            }
        }
        let metrics = Self { inner: Arc::new(Inner { handle: recorder.handle(), recorder }) };
        metrics.gauge(catalogue::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))]).set(1.0);
        metrics.set_seconds(catalogue::PROCESS_START, clock.now());
        metrics.begin_events();
        metrics.begin_store();
        metrics.begin_gauges();
        metrics.begin_retention();
        metrics.begin_api();
        metrics
    }

    /// The text that `GET /metrics` answers, in the text format of Prometheus, version 0.0.4. Reads
    /// nothing but memory.
    #[must_use]
    pub fn render(&self) -> String {
        self.inner.handle.render()
    }

    /// Puts measurements into their histograms, which [`render`](Self::render) does too. Without
    /// either they would pile up.
    fn tidy(&self) {
        self.inner.handle.run_upkeep();
    }

    fn counter(&self, name: &'static str, labels: &[(&'static str, &'static str)]) -> Counter {
        self.inner.recorder.register_counter(&key(name, labels.iter().copied()), &METADATA)
    }

    fn gauge(&self, name: &'static str, labels: &[(&'static str, &'static str)]) -> Gauge {
        self.inner.recorder.register_gauge(&key(name, labels.iter().copied()), &METADATA)
    }

    fn histogram<V: Into<SharedString>>(
        &self,
        name: &'static str,
        labels: impl IntoIterator<Item = (&'static str, V)>,
    ) -> Histogram {
        self.inner.recorder.register_histogram(&key(name, labels), &METADATA)
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are exact for millions of years")]
    fn set_seconds(&self, name: &'static str, time: chrono::DateTime<chrono::Utc>) {
        self.gauge(name, &[]).set(time.timestamp() as f64);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn key<V: Into<SharedString>>(
    name: &'static str,
    labels: impl IntoIterator<Item = (&'static str, V)>,
) -> Key {
    let labels = labels.into_iter().map(|(label, value)| Label::new(label, value.into()));
    Key::from_parts(name, labels.collect::<Vec<_>>())
}
