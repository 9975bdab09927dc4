//! The thread on which a store talks to its database.
//!
//! A round trip takes a fraction of a millisecond, of which nothing is left when its next step
//! waits in a queue behind the cryptography of others. So the connections belong to a runtime with
//! a thread of its own, which the operating system wakes as soon as the database has answered: see
//! `docs/performance.md`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::runtime::{Builder, Runtime};

use crate::failure::{Failure, NoAnswer};

/// The thread, for as long as somebody uses it.
#[derive(Clone)]
pub(crate) struct Thread {
    runtime: Arc<Owned>,
    patience: Duration,
}

struct Owned(Option<Runtime>);

impl Thread {
    /// Starts a thread for exchanges that take so long at most.
    pub(crate) fn start(patience: Duration) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("renewal-store")
            .enable_all()
            .build()?;
        Ok(Self { runtime: Arc::new(Owned(Some(runtime))), patience })
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
        let Some(runtime) = &self.runtime.0 else { return Err(self.no_answer()) };
        // The task ends early only when it panics or the runtime ends.
        runtime.spawn(work).await.map_err(Failure::unavailable)
    }

    /// Begins a task of its own.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime.0 {
            drop(runtime.spawn(work));
        }
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

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Who drops it may be a task, which must not wait.
            runtime.shutdown_background();
        }
    }
}
