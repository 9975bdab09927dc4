//! The shortest store that keeps every promise: ordered maps behind one lock.

mod api_tokens;
mod fleet;
mod retention;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

use crate::{
    Answer, ApiToken, ApiTokenId, CertificateRecord, Completed, Completion, DeviceId, EnrollmentToken,
    EnrollmentTokenStore, EventFilter, EventId, IssuanceStore, OpenRequest, OpenRequestFilter, Opened, OrgId,
    Page, PageRequest, RenewalEvent, RenewalEventStore, RequestId, Revocation, Serial, Sha256Digest, Stage,
    Standing, StoreError, TokenEnd, TokenId,
};

/// A store that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default, Clone)]
struct Tables {
    events: BTreeMap<(OrgId, EventId), RenewalEvent>,
    requests: BTreeMap<(OrgId, RequestId), OpenRequest>,
    certificates: BTreeMap<(OrgId, Serial), CertificateRecord>,
    /// The current certificate of each device.
    current: BTreeMap<(OrgId, DeviceId), (RequestId, Serial)>,
    enrollment_tokens: BTreeMap<(OrgId, TokenId), EnrollmentToken>,
    api_tokens: BTreeMap<(OrgId, ApiTokenId), ApiToken>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes all tables or, on an error, none.
    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tables = self.tables();
        let mut changed = tables.clone();
        let done = work(&mut changed)?;
        *tables = changed;
        Ok(done)
    }
}

impl Tables {
    fn append(&mut self, org: OrgId, event: &RenewalEvent) -> Result<(), StoreError> {
        if event.org_id() != org {
            return Err(conflict("the event is of another organisation"));
        }
        if let Some(there) = self.events.get(&(org, event.id())) {
            return if there == event { Ok(()) } else { Err(conflict("the id is another event's")) };
        }
        let is_start = |event: &RenewalEvent| event.stage() == Stage::Start;
        let twice = self.events.values().any(|other| {
            other.org_id() == org
                && other.attempt_id() == event.attempt_id()
                && is_start(other) == is_start(event)
        });
        if twice {
            return Err(conflict("the attempt has ended"));
        }
        self.events.insert((org, event.id()), event.clone());
        Ok(())
    }

    /// The certificate is its device's current one, unless that answers a later request.
    fn make_current(&mut self, certificate: &CertificateRecord) {
        let key = (certificate.org_id, certificate.device_id);
        let new = (certificate.request_id, certificate.serial.clone());
        let current = self.current.entry(key).or_insert_with(|| new.clone());
        if current.0 < new.0 {
            *current = new;
        }
    }

    fn answer(&self, org: OrgId, request: &OpenRequest, now: DateTime<Utc>) -> Option<Answer> {
        let open = self.requests.values().find(|other| other.org_id() == org && other.is_same_as(request));
        let issued = self.certificates.values().filter(|certificate| {
            certificate.org_id == org && certificate.answers(request) && certificate.is_good_at(now)
        });
        let newest = issued.max_by_key(|certificate| certificate.request_id);
        let open = open.cloned().map(Box::new).map(Answer::Open);
        open.or_else(|| newest.cloned().map(Box::new).map(Answer::Issued))
    }
}

#[async_trait]
impl RenewalEventStore for MemoryStore {
    async fn create_many(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        self.transaction(|tables| events.iter().try_for_each(|event| tables.append(org, event)))
    }

    async fn list(
        &self,
        org: OrgId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<RenewalEvent>, StoreError> {
        let tables = self.tables();
        let events = tables.events.values().rev();
        let found = events
            .filter(|event| event.org_id() == org && filter.matches(event))
            .filter(|event| page.after().is_none_or(|after| event.position() < after))
            .take(page.size() + 1)
            .cloned()
            .collect();
        Ok(Page::of(found, page, &filter.scope(org), RenewalEvent::position))
    }

    async fn get(&self, org: OrgId, id: EventId) -> Result<Option<RenewalEvent>, StoreError> {
        Ok(self.tables().events.get(&(org, id)).cloned())
    }
}

#[async_trait]
impl IssuanceStore for MemoryStore {
    async fn answer(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        Ok(self.tables().answer(org, request, now))
    }

    async fn open(
        &self,
        org: OrgId,
        request: &OpenRequest,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Opened, StoreError> {
        if request.org_id() != org {
            return Err(conflict("the request is of another organisation"));
        }
        self.transaction(|tables| {
            if let Some(presented) = request.purpose().presented() {
                let there = tables.certificates.get(&(org, presented.serial().clone()));
                let revocation = there.and_then(|certificate| certificate.revocation);
                if let Err(refusal) = standing.judge(there.is_some(), revocation) {
                    return Ok(Opened::Refused(refusal));
                }
            }
            if let Some(answer) = tables.answer(org, request, now) {
                return Ok(Opened::Answered(answer));
            }
            if tables.requests.insert((org, request.id()), request.clone()).is_some() {
                return Err(conflict("the id is another request's"));
            }
            match request.start_event() {
                Some(start) if tables.events.contains_key(&(org, start.id())) => {
                    Err(conflict("the id is another event's"))
                }
                Some(start) => tables.append(org, &start).map(|()| Opened::New),
                None => Ok(Opened::New),
            }
        })
    }

    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        let foreign = completion.event().is_some_and(|event| event.org_id() != org)
            || completion.certificate().is_some_and(|certificate| certificate.org_id != org);
        if foreign {
            return Err(conflict("the completion is of another organisation"));
        }
        self.transaction(|tables| {
            let token = completion.token().map(|token| tables.enrollment_tokens.get(&(org, token)));
            let unusable = token.is_some_and(|token| token.is_none_or(|token| token.end.is_some()));
            if unusable && tables.requests.contains_key(&(org, id)) {
                return Ok(Completed::TokenUnusable);
            }
            if tables.requests.remove(&(org, id)).is_none() {
                return Ok(Completed::TooLate);
            }
            if let Some(event) = completion.event()
                && let Err(_ended) = tables.append(org, event)
            {
                return Ok(Completed::TooLate);
            }
            if let Some(token) =
                completion.token().and_then(|token| tables.enrollment_tokens.get_mut(&(org, token)))
            {
                token.end = Some(TokenEnd::Used { request_id: id });
            }
            if let Some(certificate) = completion.certificate() {
                let key = (org, certificate.serial.clone());
                if tables.certificates.insert(key, certificate.clone()).is_some() {
                    return Err(conflict("the serial number is another certificate's"));
                }
                tables.make_current(certificate);
            }
            Ok(Completed::Recorded)
        })
    }

    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        Ok(self.tables().requests.get(&(org, id)).cloned())
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        let tables = self.tables();
        let found = tables
            .requests
            .values()
            .filter(|request| request.org_id() == org && filter.matches(request))
            .filter(|request| page.after().is_none_or(|after| request.id().as_uuid() > after))
            .take(page.size() + 1)
            .cloned()
            .collect();
        Ok(Page::of(found, page, &filter.scope(org), |request| request.id().as_uuid()))
    }

    async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(self.tables().certificates.get(&(org, serial.clone())).cloned())
    }

    async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        revocation: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let mut tables = self.tables();
        let Some(certificate) = tables.certificates.get_mut(&(org, serial.clone())) else {
            return Ok(None);
        };
        certificate.revocation.get_or_insert(*revocation);
        let revoked = certificate.clone();
        tables.current.retain(|key, (_, serial)| key.0 != org || *serial != revoked.serial);
        Ok(Some(revoked))
    }
}

#[async_trait]
impl EnrollmentTokenStore for MemoryStore {
    async fn create_enrollment_token(&self, org: OrgId, token: &EnrollmentToken) -> Result<(), StoreError> {
        if token.org_id != org {
            return Err(conflict("the token is of another organisation"));
        }
        self.transaction(|tables| {
            let mut ours = tables.enrollment_tokens.values().filter(|other| other.org_id == org);
            if ours.any(|other| other.id == token.id || other.secret_sha256 == token.secret_sha256) {
                return Err(conflict("the token exists"));
            }
            tables.enrollment_tokens.insert((org, token.id), token.clone());
            Ok(())
        })
    }

    async fn enrollment_token_of_secret(
        &self,
        org: OrgId,
        secret_sha256: &Sha256Digest,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        let tables = self.tables();
        let mut ours = tables.enrollment_tokens.values().filter(|token| token.org_id == org);
        Ok(ours.find(|token| token.secret_sha256 == *secret_sha256).cloned())
    }

    async fn enrollment_tokens(
        &self,
        org: OrgId,
        page: &PageRequest,
    ) -> Result<Page<EnrollmentToken>, StoreError> {
        let tables = self.tables();
        let found = tables
            .enrollment_tokens
            .values()
            .rev()
            .filter(|token| token.org_id == org)
            .filter(|token| page.after().is_none_or(|after| token.id.as_uuid() < after))
            .take(page.size() + 1)
            .cloned()
            .collect();
        Ok(Page::of(found, page, &EnrollmentToken::scope(org), |token| token.id.as_uuid()))
    }

    async fn revoke_enrollment_token(
        &self,
        org: OrgId,
        id: TokenId,
        at: DateTime<Utc>,
    ) -> Result<Option<EnrollmentToken>, StoreError> {
        let mut tables = self.tables();
        let token = tables.enrollment_tokens.get_mut(&(org, id));
        Ok(token.map(|token| {
            token.end.get_or_insert(TokenEnd::Revoked { at: at.trunc_subsecs(0) });
            token.clone()
        }))
    }
}

fn conflict(what: &str) -> StoreError {
    StoreError::Conflict(what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::conformance;

    #[tokio::test]
    async fn the_memory_store_conforms() {
        for case in conformance::cases() {
            let store = Arc::new(MemoryStore::new());
            (case.run)(store.into()).await;
        }
    }
}
