//! The revocation lists that are given out: made from the store now and then, and kept meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use csr_service::{CrlIssuer, CsrService, ServiceError};
use renewal_domain::{Clock, OrgId, StoreError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::outcome::log_failure;
use crate::retry_after::RETRY_STORE;

/// How long the making of a list may take before an older one is given out in its place.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long after a failure it is not tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// What lists there are, and how they are made.
pub(super) struct RevocationLists {
    service: CsrService,
    organisations: Vec<OrgId>,
    /// How long a list is valid.
    validity: Duration,
    /// How long a list is given out before another one is made.
    kept_for: Duration,
    clock: Arc<dyn Clock>,
    /// The key of the present issuer, if that may sign lists.
    present: Option<String>,
    by_key: HashMap<String, Kept>,
}

/// The latest list of an issuer. Whoever makes another one holds the lock, and those who come
/// meanwhile wait for it, so that of a crowd one makes it.
struct Kept {
    issuer: CrlIssuer,
    latest: Mutex<Latest>,
}

#[derive(Default)]
struct Latest {
    list: Option<Given>,
    /// When the making of `list` began: it has everything that was revoked before.
    begun: Option<Instant>,
    /// When the making of a list failed last.
    failed: Option<Instant>,
}

/// A list to give out.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) der: Bytes,
    pub(super) this_update: DateTime<Utc>,
    next_update: DateTime<Utc>,
    /// For how long others may keep it.
    pub(super) max_age: Duration,
}

/// Why no list is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoList {
    /// There is no such issuer.
    UnknownIssuer,
    /// It cannot be made now, and there is none that is still valid. When to ask again.
    Unavailable(Duration),
}

impl RevocationLists {
    /// Lists of these issuers, each of another key, of which the first is the present one if that
    /// may sign lists.
    pub(super) fn new(
        service: CsrService,
        organisations: Vec<OrgId>,
        (validity, kept_for): (Duration, Duration),
        clock: Arc<dyn Clock>,
        (present, previous): (Option<CrlIssuer>, Vec<CrlIssuer>),
    ) -> Self {
        let present_key = present.as_ref().map(CrlIssuer::key_id);
        let kept = |issuer: CrlIssuer| (issuer.key_id(), Kept { issuer, latest: Mutex::default() });
        let by_key = present.into_iter().chain(previous).map(kept).collect();
        Self { service, organisations, validity, kept_for, clock, present: present_key, by_key }
    }

    /// The list of the issuer whose key has this identifier, in hexadecimal; of the present one
    /// without.
    pub(super) async fn list(&self, key_id: Option<&str>) -> Result<Given, NoList> {
        let key_id = key_id.map(str::to_ascii_lowercase).or_else(|| self.present.clone());
        let kept = key_id.and_then(|key_id| self.by_key.get(&key_id)).ok_or(NoList::UnknownIssuer)?;
        let mut latest = kept.latest.lock().await;
        let fresh = |begun: Option<Instant>| begun.is_some_and(|begun| begun.elapsed() < self.kept_for);
        let tried = latest.failed.is_some_and(|failed| failed.elapsed() < PAUSE);
        if !fresh(latest.begun) && !tried {
            self.make(&kept.issuer, &mut latest).await;
        }
        let age = latest.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        let max_age = self.kept_for.checked_sub(age).unwrap_or(PAUSE);
        match &latest.list {
            Some(list) if self.clock.now() < list.next_update => Ok(Given { max_age, ..list.clone() }),
            _ => Err(NoList::Unavailable(RETRY_STORE)),
        }
    }

    /// Makes the list, or notes that it could not be made.
    async fn make(&self, issuer: &CrlIssuer, latest: &mut Latest) {
        let begun = Instant::now();
        let making = self.service.revocation_list(issuer, &self.organisations, self.validity);
        let made = timeout(PATIENCE, making).await;
        let late = |_| StoreError::Unavailable(format!("no list within {PATIENCE:?}").into()).into();
        match made.unwrap_or_else(|elapsed| Err::<_, ServiceError>(late(elapsed))) {
            Ok(list) => {
                *latest = Latest {
                    list: Some(Given {
                        der: Bytes::copy_from_slice(list.der()),
                        this_update: list.this_update(),
                        next_update: list.next_update(),
                        max_age: self.kept_for,
                    }),
                    begun: Some(begun),
                    failed: None,
                }
            }
            Err(error) => {
                log_failure(&error);
                latest.failed = Some(Instant::now());
            }
        }
    }
}
