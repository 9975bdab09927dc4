//! The fleet as it is now: every question goes through all there is.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MemoryStore, Tables};
use crate::{
    CertificateFilter, CertificateRecord, EventCount, EventFilter, FleetStore, OpenCounts, OrgId, Page,
    PageRequest, RenewalEvent, RequestState, Stage, StoreError,
};

impl Tables {
    fn is_current(&self, certificate: &CertificateRecord) -> bool {
        self.is_latest(certificate) && certificate.revocation.is_none()
    }

    /// Whether it answers the latest request of its device, be it revoked or not.
    pub(super) fn is_latest(&self, certificate: &CertificateRecord) -> bool {
        let latest = self.latest.get(&(certificate.org_id, certificate.device_id));
        latest.is_some_and(|(_, latest)| latest.serial == certificate.serial)
    }

    fn certificates_by(&self, org: OrgId, filter: &CertificateFilter) -> Vec<CertificateRecord> {
        let ours = self.certificates.values().filter(|certificate| certificate.org_id == org);
        let found = ours.filter(|certificate| filter.matches(certificate, self.is_current(certificate)));
        found.cloned().collect()
    }

    fn events_from(&self, org: OrgId, filter: &EventFilter) -> impl Iterator<Item = &RenewalEvent> {
        let ours = self.events.values().filter(move |event| event.org_id() == org);
        ours.filter(|event| filter.matches(event))
    }
}

#[async_trait]
impl FleetStore for MemoryStore {
    async fn certificates(
        &self,
        org: OrgId,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateRecord>, StoreError> {
        let mut found = self.tables().certificates_by(org, filter);
        found.sort_by_key(|certificate| filter.position(certificate));
        if !filter.ascending() {
            found.reverse();
        }
        if let Some(after) = page.after_position() {
            found.retain(|certificate| {
                let position = filter.position(certificate);
                if filter.ascending() { position > after } else { position < after }
            });
        }
        Ok(Page::of(found, page, &filter.scope(org), |certificate| filter.position(certificate)))
    }

    async fn count_expiring(
        &self,
        org: OrgId,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let filter = CertificateFilter::Expiring { after: Some(after), until: Some(until) };
        Ok(self.tables().certificates_by(org, &filter).len() as u64)
    }

    async fn count_events(
        &self,
        org: OrgId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<EventCount>, StoreError> {
        let mut counts = BTreeMap::new();
        for event in self.tables().events_from(org, &EventFilter::new().from(from).to(to)) {
            *counts.entry((event.event_type(), event.reason().cloned())).or_default() += 1;
        }
        let counts = counts.into_iter();
        Ok(counts.map(|((event_type, reason), count)| EventCount { event_type, reason, count }).collect())
    }

    async fn count_failing(&self, org: OrgId, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut failing = BTreeSet::new();
        for event in self.tables().events_from(org, &EventFilter::new().from(since)) {
            match event.stage() {
                Stage::Start => {}
                Stage::Success => drop(failing.remove(&event.device_id())),
                Stage::Failed => drop(failing.insert(event.device_id())),
            }
        }
        Ok(failing.len() as u64)
    }

    async fn count_open(&self, org: OrgId) -> Result<OpenCounts, StoreError> {
        let mut counts = OpenCounts::default();
        // The oldest first.
        for request in self.tables().requests.values().filter(|request| request.org_id() == org) {
            let (count, oldest) = match request.state() {
                RequestState::Signing => (&mut counts.signing, &mut counts.oldest_signing),
                RequestState::Pending => (&mut counts.pending, &mut counts.oldest_pending),
            };
            *count += 1;
            oldest.get_or_insert(request.opened_at());
        }
        Ok(counts)
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
