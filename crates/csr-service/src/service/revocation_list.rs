//! The revocation list of an issuer, made from what the ledger has revoked.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use renewal_domain::{OrgId, PageRequest, PageSize, Revocation, RevokedCertificate, Serial, StoreError};
use tokio::time::timeout;
use tracing::info;

use super::finish::unsigned;
use super::{CsrService, Parts};
use crate::crl::{self, CrlIssuer, Entry, RevocationList};
use crate::outcome::ServiceError;

impl CsrService {
    /// Makes the revocation list of an issuer (RFC 5280, section 5) now: of the certificates that
    /// it issued to devices of these organisations, all that are revoked. To be complete, the
    /// organisations must be all whose devices the issuer serves.
    ///
    /// It names the next list's time, `validity` from now. A certificate stays on the list until it
    /// has expired and as much time again has passed, so that every list that is made while the
    /// last one before its expiry is in use has it too. The number of the list is its time in
    /// seconds since 1970: it grows as long as the clock does, whichever server makes the list, and
    /// whatever that server remembers.
    ///
    /// Takes as long as the reading of all certificates that were ever revoked, and signing.
    ///
    /// # Errors
    /// The store's failures, [`ServiceError::RevocationList`] and [`ServiceError::SignerTimeout`];
    /// reading and signing may each take as long as the profile's signing deadline.
    pub async fn revocation_list(
        &self,
        issuer: &CrlIssuer,
        organisations: &[OrgId],
        validity: Duration,
    ) -> Result<RevocationList, ServiceError> {
        let parts = &self.parts;
        let now = parts.clock.now().trunc_subsecs(0);
        let kept = TimeDelta::from_std(validity).ok().and_then(|validity| now.checked_sub_signed(validity));
        let kept = kept.unwrap_or(DateTime::<Utc>::MIN_UTC);
        let deadline = parts.profile.signing_deadline();
        let late = || StoreError::Unavailable(format!("no answer within {deadline:?}").into());
        let reading = parts.revoked(issuer, organisations, kept);
        let entries = timeout(deadline, reading).await.map_err(|_| late())??;
        let (issuer, count) = (issuer.clone(), entries.len());
        let work = move || crl::sign(&issuer, &entries, now, validity);
        let signed = timeout(deadline, tokio::task::spawn_blocking(work)).await;
        let list = signed.map_err(|_| ServiceError::SignerTimeout(deadline))?.map_err(unsigned)??;
        info!(certificates = count, number = now.timestamp(), "made a revocation list");
        Ok(list)
    }
}

impl Parts {
    /// What of this issuer was revoked and had not expired then, by serial number.
    async fn revoked(
        &self,
        issuer: &CrlIssuer,
        organisations: &[OrgId],
        then: DateTime<Utc>,
    ) -> Result<Vec<Entry>, ServiceError> {
        let mut entries: BTreeMap<Serial, Revocation> = BTreeMap::new();
        for org in organisations {
            let mut page = PageRequest::first(PageSize::MAX);
            loop {
                let found = self.stores.revocations.revocations(*org, &page).await?;
                let listed = found.items.into_iter().filter(|revoked| {
                    revoked.issuer_key_sha256 == issuer.public_key_sha256()
                        && revoked.not_after.is_none_or(|end| end >= then)
                });
                entries.extend(listed.map(|revoked| (revoked.serial, revoked.revocation)));
                let Some(next) = found.next else { break };
                page = PageRequest::resume(PageSize::MAX, &RevokedCertificate::scope(*org), next)
                    .map_err(|error| ServiceError::Interrupted(error.into()))?;
            }
        }
        Ok(entries.into_iter().map(|(serial, revocation)| Entry { serial, revocation }).collect())
    }
}
