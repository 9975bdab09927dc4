//! Where a store talks to its database: the runtime that connections belong to.
//!
//! What is written in groups has a thread of its own. A group has several steps, each a fraction of
//! a millisecond, of which nothing is left when its next step waits in a queue behind the
//! cryptography of others; that thread the operating system wakes as soon as the database has
//! answered. Everything else is carried out by whoever asks: where there is one step, to go to
//! another thread and back only takes longer. See `docs/performance.md`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::failure::{Failure, NoAnswer};

/// A runtime, and how long an exchange there may take.
#[derive(Clone)]
pub(crate) struct Place {
    runtime: Handle,
    patience: Duration,
    /// The thread, for as long as somebody uses it.
    _thread: Option<Arc<Thread>>,
}

struct Thread(Option<Runtime>);

impl Place {
    /// The runtime of whoever asks for it.
    pub(crate) fn here(patience: Duration) -> Self {
        Self { runtime: Handle::current(), patience, _thread: None }
    }

    /// Starts a thread.
    pub(crate) fn thread(patience: Duration) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("renewal-store")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: handle, patience, _thread: Some(Arc::new(Thread(Some(runtime)))) })
    }

    /// The longest that one exchange can take.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// The outcome of a task of its own, which goes on when whoever waits for it gives up.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Failure> {
        // The task ends early only when it panics or the runtime ends.
        self.runtime.spawn(work).await.map_err(Failure::unavailable)
    }

    /// Begins a task of its own.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(work));
    }

    /// The outcome of an exchange with the database, or that it took too long.
    pub(crate) async fn exchange<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DbErr>> + Send + 'static,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.patience, self.run(work)).await {
            Ok(outcome) => Ok(outcome??),
            Err(_) => Err(self.no_answer()),
        }
    }

    /// That the database did not answer in time.
    pub(crate) fn no_answer(&self) -> Failure {
        Failure::unavailable(NoAnswer(self.patience.as_secs()))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Who drops it may be a task, which must not wait.
            runtime.shutdown_background();
        }
    }
}
