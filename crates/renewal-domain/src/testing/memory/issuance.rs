//! Requests being worked on, and the certificates that answered them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MemoryStore, Tables, conflict, of_organisation, oldest_first};
use crate::{
    Answer, CertificateRecord, Completed, Completion, DeviceId, IssuanceStore, LatestCertificate,
    OpenRefusal, OpenRequest, OpenRequestFilter, OpenRules, Opened, OrgId, Page, PageRequest, RequestId,
    Serial, StoreError, TokenEnd,
};

impl Tables {
    fn open(&mut self, org: OrgId, request: &OpenRequest, rules: &OpenRules) -> Result<Opened, StoreError> {
        if let Err(refusal) = self.check(org, request, rules) {
            return Ok(Opened::Refused(refusal));
        }
        if let Some(answer) = self.answer(org, request, rules.now) {
            return Ok(Opened::Answered(answer));
        }
        let key_used_by = match self.check_key(org, request, rules) {
            Ok(key_used_by) => key_used_by,
            Err(refusal) => return Ok(Opened::Refused(refusal)),
        };
        if self.requests.insert((org, request.id()), request.clone()).is_some() {
            return Err(conflict("the id is another request's"));
        }
        if let Some(start) = request.start_event() {
            if self.events.contains_key(&(org, start.id())) {
                return Err(conflict("the id is another event's"));
            }
            self.append(org, &start)?;
        }
        Ok(Opened::New { key_used_by })
    }

    fn complete(
        &mut self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        if !self.requests.contains_key(&(org, id)) {
            return Ok(Completed::TooLate);
        }
        if let Some(token) = completion.token() {
            let token = self.enrollment_tokens.get_mut(&(org, token)).filter(|token| token.end.is_none());
            let Some(token) = token else { return Ok(Completed::TokenUnusable) };
            token.end = Some(TokenEnd::Used { request_id: id });
        }
        if let Some(new) = completion.certificate_with_new_key() {
            let other = self.key_used_by(org, &new.public_key_sha256, new.device_id, new.not_before);
            if let Some(other) = other {
                return Ok(Completed::KeyInUse(other.clone()));
            }
        }
        self.requests.remove(&(org, id));
        if let Some(event) = completion.event()
            && let Err(_ended) = self.append(org, event)
        {
            return Ok(Completed::TooLate);
        }
        if let Some(certificate) = completion.certificate() {
            let key = (org, certificate.serial.clone());
            if self.certificates.insert(key, certificate.clone()).is_some() {
                return Err(conflict("the serial number is another certificate's"));
            }
            self.make_latest(certificate);
        }
        if let Some((device, serial)) = completion.used() {
            self.mark_used(org, device, serial);
        }
        if let Some(action) = completion.action() {
            self.record(org, action)?;
        }
        Ok(Completed::Recorded)
    }

    /// The certificate is its device's latest one, unless that answers a later request.
    fn make_latest(&mut self, certificate: &CertificateRecord) {
        let new = LatestCertificate {
            serial: certificate.serial.clone(),
            presented_serial: certificate.presented_serial.clone(),
            used: false,
            revoked: false,
        };
        let new = (certificate.request_id, new);
        let latest =
            self.latest.entry((certificate.org_id, certificate.device_id)).or_insert_with(|| new.clone());
        if latest.0 < new.0 {
            *latest = new;
        }
    }

    fn mark_used(&mut self, org: OrgId, device: DeviceId, serial: &Serial) {
        if let Some((_, latest)) = self.latest.get_mut(&(org, device)) {
            latest.used |= latest.serial == *serial;
        }
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

    async fn open(&self, org: OrgId, request: &OpenRequest, rules: &OpenRules) -> Result<Opened, StoreError> {
        of_organisation(org, request.org_id(), "request")?;
        self.transaction(|tables| tables.open(org, request, rules))
    }

    async fn refusal(
        &self,
        org: OrgId,
        request: &OpenRequest,
        rules: &OpenRules,
    ) -> Result<Option<OpenRefusal>, StoreError> {
        let tables = self.tables();
        let checked = tables.check(org, request, rules);
        Ok(checked.and_then(|()| tables.check_key(org, request, rules)).err())
    }

    async fn certificate_used(
        &self,
        org: OrgId,
        device: DeviceId,
        serial: &Serial,
    ) -> Result<(), StoreError> {
        self.tables().mark_used(org, device, serial);
        Ok(())
    }

    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        let certificate = completion.certificate().map(|certificate| certificate.org_id);
        let event = completion.event().map(crate::RenewalEvent::org_id);
        let action = completion.action().map(|action| action.org_id);
        for of in [certificate, event, action].into_iter().flatten() {
            of_organisation(org, of, "completion")?;
        }
        let mut tables = self.tables();
        let mut changed = tables.clone();
        let done = changed.complete(org, id, completion)?;
        match done {
            Completed::Recorded => *tables = changed,
            Completed::TooLate => drop(tables.requests.remove(&(org, id))),
            Completed::TokenUnusable | Completed::KeyInUse(_) => {}
        }
        Ok(done)
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
        let found =
            tables.requests.values().filter(|request| request.org_id() == org && filter.matches(request));
        Ok(oldest_first(found, page, &filter.scope(org), |request| request.id().as_uuid()))
    }

    async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(self.tables().certificates.get(&(org, serial.clone())).cloned())
    }
}
