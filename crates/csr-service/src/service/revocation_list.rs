//! The revocation list of an issuer, made from what the ledger has revoked.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use renewal_domain::{
    CertificateFilter, CertificateRecord, OrgId, PageRequest, PageSize, Revocation, Serial, StoreError,
};
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
        let filter = CertificateFilter::Revoked;
        let mut entries: BTreeMap<Serial, Revocation> = BTreeMap::new();
        for org in organisations {
            let mut page = PageRequest::first(PageSize::MAX);
            loop {
                let found = self.stores.fleet.certificates(*org, &filter, &page).await?;
                for record in found.items.into_iter().filter(|record| record.not_after >= then) {
                    if let Some(revocation) = record.revocation
                        && issuer.has_issued(&record.der).ok_or_else(|| corrupt(&record))?
                    {
                        entries.insert(record.serial, revocation);
                    }
                }
                let Some(next) = found.next else { break };
                page = PageRequest::resume(PageSize::MAX, &filter.scope(*org), next)
                    .map_err(|error| ServiceError::Interrupted(error.into()))?;
            }
        }
        Ok(entries.into_iter().map(|(serial, revocation)| Entry { serial, revocation }).collect())
    }
}

fn corrupt(record: &CertificateRecord) -> StoreError {
    StoreError::Corrupt {
        table: "device_certificates",
        column: "der",
        row: record.serial.to_string(),
        problem: "it is no certificate".to_owned(),
    }
}
