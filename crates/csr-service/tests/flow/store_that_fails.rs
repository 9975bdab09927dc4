//! A store that works but for one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use renewal_domain::testing::MemoryStore;
use renewal_domain::{Intercepted, Interceptor, StoreError};

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and does nothing.
    FailBefore,
    /// It does its work, and the answer is lost.
    FailAfter,
    /// It, and every later call, fails and does nothing: the database is gone.
    GoneFrom,
    /// It never comes back, having done nothing: the process dies, or its future is dropped.
    HangBefore,
    /// It never comes back, having done its work.
    HangAfter,
}

/// Counts the calls, and has a fault at one of them.
pub(crate) struct FaultAt {
    calls: AtomicUsize,
    at: usize,
    fault: Fault,
}

/// A store with a fault.
pub(crate) type FailingStore = Intercepted<FaultAt>;

/// A store with a fault at one of its calls.
pub(crate) fn failing_store(inner: Arc<MemoryStore>, at: usize, fault: Fault) -> Arc<FailingStore> {
    Arc::new(Intercepted::new(inner, FaultAt { calls: AtomicUsize::new(0), at, fault }))
}

impl FaultAt {
    /// Whether the call with the fault was made.
    pub(crate) fn was_hit(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > self.at
    }
}

impl Interceptor for FaultAt {
    async fn call<T: Send>(
        &self,
        _method: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let gone = || Err(StoreError::Unavailable("gone".into()));
        if call < self.at || (call > self.at && self.fault != Fault::GoneFrom) {
            return work.await;
        }
        match self.fault {
            Fault::FailBefore | Fault::GoneFrom => gone(),
            Fault::FailAfter => {
                work.await?;
                gone()
            }
            Fault::HangBefore => std::future::pending().await,
            Fault::HangAfter => {
                work.await?;
                std::future::pending().await
            }
        }
    }
}
