//! A store that can be taken away and given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use renewal_domain::testing::MemoryStore;
use renewal_domain::{Intercepted, Interceptor, StoreError};

/// A store in memory, and the switches in front of it.
pub(crate) struct TestStore {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) switched: Arc<Intercepted<Switches>>,
}

/// How the store behaves.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    down: AtomicBool,
    slow: AtomicBool,
    calls: AtomicUsize,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let inner = Arc::new(MemoryStore::new());
        Self { switched: Arc::new(Intercepted::new(inner.clone(), Switches::default())), inner }
    }

    fn switches(&self) -> &Switches {
        self.switched.interceptor()
    }

    /// Takes the store away, or gives it back.
    pub(crate) fn set_down(&self, down: bool) {
        self.switches().down.store(down, Ordering::SeqCst);
    }

    /// Makes every call take half a second, or no time.
    pub(crate) fn set_slow(&self, slow: bool) {
        self.switches().slow.store(slow, Ordering::SeqCst);
    }

    /// How often the store was called.
    pub(crate) fn calls(&self) -> usize {
        self.switches().calls.load(Ordering::SeqCst)
    }

    /// Waits until the store is called.
    pub(crate) async fn next_call(&self) {
        let before = self.calls();
        while self.calls() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Interceptor for Switches {
    async fn call<T: Send>(
        &self,
        _method: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the database at 10.1.2.3 refused: secret detail".into()));
        }
        work.await
    }
}
