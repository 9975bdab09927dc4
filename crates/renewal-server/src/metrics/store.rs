//! How long the store takes, and how often it fails.

use renewal_domain::{Intercepted, Interceptor, StoreError, Stores};
use tokio::time::Instant;

use super::Metrics;
use super::catalogue::{STORE_DURATION, STORE_FAILURES};

/// The kind of a call that was cancelled: by a deadline, or because its client is gone.
const CANCELLED: &str = "cancelled";

/// Measures every call of a store.
#[derive(Debug, Clone)]
pub struct StoreMetrics(Metrics);

impl Metrics {
    /// A store whose every call is measured.
    #[must_use]
    pub fn watch_store(&self, stores: impl Into<Stores>) -> Intercepted<StoreMetrics> {
        Intercepted::new(stores, StoreMetrics(self.clone()))
    }

    pub(super) fn begin_store(&self) {
        for kind in ["conflict", "unavailable", "corrupt", "backend", CANCELLED] {
            self.counter(STORE_FAILURES, &[("kind", kind)]).absolute(0);
        }
    }
}

impl Interceptor for StoreMetrics {
    async fn call<T: Send>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let mut call = Call { metrics: &self.0, method, begun: Instant::now(), failure: Some(CANCELLED) };
        let done = work.await;
        call.failure = done.as_ref().err().map(StoreError::kind);
        done
    }
}

/// A call on its way. One that is dropped before its end is counted too: a store that hangs
/// shows in nothing else.
struct Call<'a> {
    metrics: &'a Metrics,
    method: &'static str,
    begun: Instant,
    failure: Option<&'static str>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        self.metrics.histogram(STORE_DURATION, [("method", self.method)]).record(took);
        if let Some(kind) = self.failure {
            self.metrics.counter(STORE_FAILURES, &[("kind", kind)]).increment(1);
        }
    }
}
