//! The working set and the certificates: opening, completing, reading.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::{
    Answer, CertificateRecord, Completed, Completion, DeviceId, IssuanceStore, KeyReuse, OpenRefusal,
    OpenRequest, OpenRequestFilter, OpenRules, Opened, OrgId, Page, PageRequest, RequestId, RequestState,
    Serial, StoreError,
};

use crate::entity::request;
use crate::failure::conflict;
use crate::mac::required;
use crate::open_checks::{Known, Opening, Reader};
use crate::session::retrying;
use crate::store::SeaOrmStore;
use crate::writes::Write;
use crate::{fleet_statements, statements};

#[async_trait]
impl IssuanceStore for SeaOrmStore {
    async fn answer(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, StoreError> {
        // In this order: a request that is completed between the two questions is found by the
        // second.
        if let Some(open) = self.session.request(&statements::same_request(org, request)).await? {
            return Ok(Some(Answer::Open(Box::new(open))));
        }
        let good = statements::good_certificate(self.session.backend(), org, request, now);
        let issued = self.session.certificate(&good).await?;
        Ok(issued.map(Box::new).map(Answer::Issued))
    }

    async fn open(&self, org: OrgId, request: &OpenRequest, rules: &OpenRules) -> Result<Opened, StoreError> {
        if request.org_id() != org {
            return Err(conflict("the request is of another organisation"));
        }
        if request.state() == RequestState::Pending {
            required(self.session.keys())?;
        }
        let (request, rules) = (Box::new(request.clone()), *rules);
        self.writes.ask(&self.writer, |caller| Write::Open { request, rules, caller }).await
    }

    async fn refusal(
        &self,
        org: OrgId,
        request: &OpenRequest,
        rules: &OpenRules,
    ) -> Result<Option<OpenRefusal>, StoreError> {
        let opening = Opening::new(request, *rules);
        let reader = Reader::Session(&self.session);
        let known = Known::read(&reader, self.session.backend(), org, &[&opening]).await?;
        let in_use = || known.key_used_by(&opening).filter(|_| rules.key_reuse == KeyReuse::Refuse);
        Ok(known.refusal(&opening).or_else(|| in_use().map(OpenRefusal::KeyInUse)))
    }

    async fn certificate_used(
        &self,
        org: OrgId,
        device: DeviceId,
        serial: &Serial,
    ) -> Result<(), StoreError> {
        let used = fleet_statements::mark_used(org, device, serial);
        Ok(retrying(|| self.session.write(&used)).await.map(drop)?)
    }

    async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        let foreign = completion.event().is_some_and(|event| event.org_id() != org)
            || completion.certificate().is_some_and(|certificate| certificate.org_id != org)
            || completion.action().is_some_and(|action| action.org_id != org);
        if foreign {
            return Err(conflict("the completion is of another organisation"));
        }
        let completion = Box::new(completion.clone());
        self.writes.ask(&self.writer, |caller| Write::Complete { org, id, completion, caller }).await
    }

    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        Ok(self.session.request(&statements::request_by_id(org, id)).await?)
    }

    async fn open_requests(
        &self,
        org: OrgId,
        filter: &OpenRequestFilter,
        page: &PageRequest,
    ) -> Result<Page<OpenRequest>, StoreError> {
        let rows =
            self.session.read(&statements::requests(self.session.backend(), org, filter, page)).await?;
        let read = |row| request::read(row, self.session.keys());
        let requests = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(requests, page, &filter.scope(org), |request| request.id().as_uuid()))
    }

    async fn certificate(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let serial = vec![serial.to_string()];
        let select = fleet_statements::by_serials(self.session.backend(), org, serial);
        Ok(self.session.certificate(&select).await?)
    }
}
