//! How things stand in the ledger, read again and again, and never because somebody looks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use csr_service::CsrService;
use renewal_domain::{Clock, FleetStore, OrgId, StoreError};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::Metrics;
use super::catalogue::{EXPIRING, FAILING, ISSUER_EXPIRY, OPEN, OPEN_AGE, REFRESHED, SERVER_EXPIRY};
use crate::ServerCertificate;

/// How often the ledger is read, give or take a fifth.
const EVERY: Duration = Duration::from_secs(30);

/// How long one reading may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Until when a certificate must be renewed: the label, and the days.
const WITHIN: [(&str, i64); 3] = [("1d", 1), ("7d", 7), ("30d", 30)];

/// In which time a failure makes a device one that fails.
const FAILING_WINDOW: TimeDelta = TimeDelta::hours(24);

/// Keeps the gauges up to date that tell how the ledger of some organisations stands, all of
/// them together, and when the certificates of the server and its issuer expire.
pub struct Gauges {
    metrics: Metrics,
    fleet: Arc<dyn FleetStore>,
    organisations: Vec<OrgId>,
    clock: Arc<dyn Clock>,
    issuer_expires: DateTime<Utc>,
    server_certificate: Arc<ServerCertificate>,
}

/// How the ledger stands.
#[derive(Debug, Default)]
struct Standing {
    signing: u64,
    pending: u64,
    oldest_signing: Option<DateTime<Utc>>,
    oldest_pending: Option<DateTime<Utc>>,
    expiring: [u64; WITHIN.len()],
    failing: u64,
}

impl Gauges {
    /// Takes what is to be told: the organisations' ledger in `fleet`, the issuer of `service`, and
    /// the certificate that the server shows.
    #[must_use]
    pub fn new(
        metrics: Metrics,
        fleet: Arc<dyn FleetStore>,
        organisations: Vec<OrgId>,
        service: &CsrService,
        server_certificate: Arc<ServerCertificate>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let issuer_expires = service.issuer().not_after();
        Self { metrics, fleet, organisations, clock, issuer_expires, server_certificate }
    }

    /// Reads how things stand, now.
    ///
    /// # Errors
    /// The store's failure. The gauges of the ledger then keep their last values, and
    /// `renewal_gauges_refreshed_timestamp_seconds` tells how old those are.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.metrics.tidy();
        self.metrics.set_seconds(ISSUER_EXPIRY, self.issuer_expires);
        self.metrics.set_seconds(SERVER_EXPIRY, self.server_certificate.not_after());
        let now = self.clock.now();
        let late = || StoreError::Unavailable(format!("no answer within {DEADLINE:?}").into());
        let standing = timeout(DEADLINE, self.standing(now)).await.map_err(|_| late())??;
        self.metrics.show(&standing, now);
        Ok(())
    }

    /// Reads how things stand every half minute or so, until it is dropped. Servers that were
    /// started together do not stay together.
    pub async fn keep_fresh(&self) {
        loop {
            if let Err(failure) = self.refresh().await {
                let failure: &(dyn std::error::Error + 'static) = &failure;
                warn!(error = failure, "could not read how the ledger stands, for the metrics");
            }
            sleep(with_jitter(EVERY, getrandom::u32().unwrap_or(u32::MAX / 2))).await;
        }
    }

    async fn standing(&self, now: DateTime<Utc>) -> Result<Standing, StoreError> {
        let mut all = Standing::default();
        let second = now.trunc_subsecs(0);
        for &org in &self.organisations {
            let open = self.fleet.count_open(org).await?;
            all.signing += open.signing;
            all.pending += open.pending;
            all.oldest_signing = older(all.oldest_signing, open.oldest_signing);
            all.oldest_pending = older(all.oldest_pending, open.oldest_pending);
            for ((_, days), count) in WITHIN.iter().zip(&mut all.expiring) {
                *count += self.fleet.count_expiring(org, second, second + TimeDelta::days(*days)).await?;
            }
            all.failing += self.fleet.count_failing(org, now - FAILING_WINDOW).await?;
        }
        Ok(all)
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges").field("organisations", &self.organisations).finish_non_exhaustive()
    }
}

impl Metrics {
    /// A reading that never was is told by its time alone: zeros would say that all is well.
    pub(super) fn begin_gauges(&self) {
        self.gauge(REFRESHED, &[]).set(0.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are exact to 2^53")]
    fn show(&self, standing: &Standing, now: DateTime<Utc>) {
        let states = [
            ("signing", standing.signing, standing.oldest_signing),
            ("pending", standing.pending, standing.oldest_pending),
        ];
        for (state, count, oldest) in states {
            let age = oldest.map_or(0, |oldest| (now - oldest).num_milliseconds().max(0));
            self.gauge(OPEN, &[("state", state)]).set(count as f64);
            self.gauge(OPEN_AGE, &[("state", state)]).set(age as f64 / 1000.0);
        }
        for ((within, _), count) in WITHIN.iter().zip(standing.expiring) {
            self.gauge(EXPIRING, &[("within", within)]).set(count as f64);
        }
        self.gauge(FAILING, &[]).set(standing.failing as f64);
        self.set_seconds(REFRESHED, now);
    }
}

fn older(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// The time, a fifth shorter at 0 up to a fifth longer at the greatest.
fn with_jitter(time: Duration, random: u32) -> Duration {
    time.mul_f64(0.8 + 0.4 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jitter_is_at_most_a_fifth() {
        assert_eq!(with_jitter(EVERY, 0), Duration::from_secs(24));
        assert_eq!(with_jitter(EVERY, u32::MAX), Duration::from_secs(36));
    }
}
