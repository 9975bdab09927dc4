//! Old history is pruned, again and again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use csr_service::{PruneError, Pruned, Retention, check_clock, prune, prune_action};
use renewal_domain::{ActionContext, Actor, Clock, IdSource, Ids, OrgId, RetentionRule, RetentionStore};
use tokio::time::{Instant, sleep};
use tracing::{error, info};

use crate::Metrics;

/// Prunes the old history of some organisations, as a [`Retention`] says, and tells the log and
/// the metrics what was removed.
///
/// Several servers may do so on one ledger: what one has removed, the others do not find.
pub struct ScheduledRetention {
    retention: Retention,
    interval: Duration,
    store: Arc<dyn RetentionStore>,
    organisations: Vec<OrgId>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    metrics: Metrics,
}

impl ScheduledRetention {
    /// How often it is done, unless [`interval`](Self::interval) says otherwise.
    pub const INTERVAL: Duration = Duration::from_hours(24);

    /// Takes what is kept for how long, in `store`, of which organisations.
    #[must_use]
    pub fn new(
        retention: Retention,
        store: Arc<dyn RetentionStore>,
        organisations: Vec<OrgId>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        let ids = Ids::new(Arc::clone(&clock));
        Self { retention, interval: Self::INTERVAL, store, organisations, clock, ids, metrics }
    }

    /// Sets how long after the end of one walk the next begins; default a day.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Walks through the ledgers of all organisations once, each whether those before failed or not. The
    /// ledger of an organisation to whose newest record the clock does not fit is left alone: a wrong clock
    /// would prune what is still needed.
    ///
    /// # Errors
    /// The last failure. What was removed before is removed, and logged and counted.
    pub async fn run(&self) -> Result<(), PruneError> {
        let now = self.clock.now();
        let rule = self.retention.rule(now, false);
        let mut outcome = Ok(());
        for &org in &self.organisations {
            let walk = match check_clock(&*self.store, org, now).await {
                Ok(()) => self.walk(org, &rule).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = walk {
                let error: &(dyn std::error::Error + 'static) = &failure;
                error!(%org, error, "could not remove all old history; what is left goes the next time");
                outcome = Err(failure);
            }
        }
        if outcome.is_ok() {
            self.metrics.retention_ran(self.clock.now());
        }
        outcome
    }

    /// Walks through the ledger of one organisation.
    async fn walk(&self, org: OrgId, rule: &RetentionRule) -> Result<(), PruneError> {
        let (begun, mut removed) = (Instant::now(), Pruned::default());
        let action = prune_action(self.ids.next(), org, rule, &ActionContext::from(Actor::Server));
        let walk = prune(&*self.store, org, rule, &action, |progress| {
            self.metrics.pruned(&progress.so_far.since(&removed));
            removed = progress.so_far;
        })
        .await;
        info!(
            %org,
            attempts = removed.attempts(),
            events = removed.events,
            certificates = removed.certificates,
            revocations = removed.revocations,
            looked_at = removed.looked_at,
            elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            whole = walk.is_ok(),
            "removed old history"
        );
        Ok(walk.map(drop)?)
    }

    /// Does so again and again, until it is dropped, which it can be at any moment. Servers that
    /// were started together do not begin together: the first time is within a tenth of the time
    /// between two.
    pub async fn keep(&self) {
        let random = f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
        sleep(self.interval.mul_f64(random / 10.0)).await;
        loop {
            // A failure is logged, and the next time is another try.
            let _logged = self.run().await;
            sleep(self.interval).await;
        }
    }
}

impl fmt::Debug for ScheduledRetention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduledRetention")
            .field("retention", &self.retention)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
