//! The working set and the certificates: opening, completing, reading, revoking.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::{
    Answer, CertificateRecord, Completed, Completion, IssuanceStore, OpenRequest, OpenRequestFilter, Opened,
    OrgId, Page, PageRequest, RequestId, Revocation, Serial, Standing, StoreError,
};

use crate::entity::request;
use crate::failure::{Failure, conflict};
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
        let request = Box::new(request.clone());
        self.writes.ask(&self.writer, |caller| Write::Open { request, standing, now, caller }).await
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
        let requests = rows.iter().map(request::read).collect::<Result<_, _>>()?;
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

    async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        revocation: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        retrying(|| self.try_revoke(org, serial, revocation)).await?;
        // Nothing ever takes a revocation back, so what is read next is what it became.
        self.certificate(org, serial).await
    }
}

impl SeaOrmStore {
    /// Revokes a certificate, unless it was revoked before; it is its device's current one no more.
    async fn try_revoke(&self, org: OrgId, serial: &Serial, revocation: &Revocation) -> Result<(), Failure> {
        let transaction = self.session.begin().await?;
        if transaction.write(&statements::revoke(org, serial, revocation)).await? == 0 {
            return transaction.rollback().await;
        }
        transaction.write(&fleet_statements::forget_current(org, serial)).await?;
        transaction.commit().await
    }
}
