//! The working set and the certificates: opening, completing, reading, revoking.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::{
    Answer, CertificateRecord, Completed, Completion, IssuanceStore, OpenRequest, OpenRequestFilter, Opened,
    OrgId, Page, PageRequest, RenewalEvent, RequestId, Revocation, Serial, Stage, StoreError,
};
use sea_orm::sea_query::SelectStatement;

use crate::access::of_attempt;
use crate::entity::{certificate, request};
use crate::failure::{Failure, Outrun, conflict};
use crate::fleet_statements;
use crate::session::{Transaction, retrying};
use crate::statements;
use crate::store::SeaOrmStore;
use crate::token_statements;

/// How often a request is opened anew, when the one in its way is gone at the next look.
const ROUNDS: u32 = 16;

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
        if let Some(open) = self.request(&statements::same_request(org, request)).await? {
            return Ok(Some(Answer::Open(Box::new(open))));
        }
        let issued = self
            .certificate(&statements::good_certificate(self.session.backend(), org, request, now))
            .await?;
        Ok(issued.map(Box::new).map(Answer::Issued))
    }

    async fn open(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Opened, StoreError> {
        if request.org_id() != org {
            return Err(conflict("the request is of another organisation"));
        }
        for _ in 0..ROUNDS {
            if let Some(opened) = retrying(|| self.try_open(org, request, now)).await? {
                return Ok(opened);
            }
        }
        Err(StoreError::Unavailable(Box::new(Outrun(ROUNDS))))
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
        match retrying(|| self.try_complete(org, id, completion, completion.event())).await {
            Err(Failure::Duplicate) => self.complete_an_ended_attempt(org, id, completion).await,
            done => Ok(done?),
        }
    }

    async fn open_request(&self, org: OrgId, id: RequestId) -> Result<Option<OpenRequest>, StoreError> {
        Ok(self.request(&statements::request_by_id(org, id)).await?)
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
        Ok(SeaOrmStore::certificate(self, &statements::certificate_by_serial(org, serial)).await?)
    }

    async fn revoke(
        &self,
        org: OrgId,
        serial: &Serial,
        revocation: &Revocation,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        retrying(|| self.try_revoke(org, serial, revocation)).await?;
        // Nothing ever takes a revocation back, so what is read next is what it became.
        IssuanceStore::certificate(self, org, serial).await
    }
}

impl SeaOrmStore {
    /// Reads one open request.
    async fn request(&self, select: &SelectStatement) -> Result<Option<OpenRequest>, Failure> {
        let rows = self.session.read(select).await?;
        Ok(rows.first().map(request::read).transpose()?)
    }

    /// Reads one certificate.
    async fn certificate(&self, select: &SelectStatement) -> Result<Option<CertificateRecord>, Failure> {
        let rows = self.session.read(select).await?;
        Ok(rows.first().map(certificate::read).transpose()?)
    }

    /// Opens a request, in this order: only whoever has written the row of the request knows
    /// that nobody else is answering the same one, and then sees the certificate of whoever did
    /// before. None when the request in the way is gone already.
    async fn try_open(
        &self,
        org: OrgId,
        request: &OpenRequest,
        now: DateTime<Utc>,
    ) -> Result<Option<Opened>, Failure> {
        let transaction = self.session.begin().await?;
        match transaction.write(&statements::insert_request(request)).await {
            Err(Failure::Duplicate) => {
                transaction.rollback().await?;
                return self.in_the_way(org, request).await;
            }
            done => done?,
        };
        let good = transaction
            .read(&statements::good_certificate(self.session.backend(), org, request, now))
            .await?;
        if let Some(row) = good.first() {
            let issued = certificate::read(row)?;
            transaction.rollback().await?;
            return Ok(Some(Opened::Answered(Answer::Issued(Box::new(issued)))));
        }
        if let Some(start) = request.start_event() {
            match transaction.write(&statements::insert_event(&start)).await {
                Err(Failure::Duplicate) => {
                    transaction.rollback().await?;
                    return Err(Failure::conflict("the id is another event's"));
                }
                done => done?,
            };
        }
        transaction.commit().await?;
        Ok(Some(Opened::New))
    }

    /// The open request that kept this one from being opened; none when it is gone already.
    async fn in_the_way(&self, org: OrgId, request: &OpenRequest) -> Result<Option<Opened>, Failure> {
        if let Some(same) = self.request(&statements::same_request(org, request)).await? {
            return Ok(Some(Opened::Answered(Answer::Open(Box::new(same)))));
        }
        match self.request(&statements::request_by_id(org, request.id())).await? {
            Some(_) => Err(Failure::conflict("the id is another request's")),
            None => Ok(None),
        }
    }

    /// Ends a request, if it is open still. The row can be deleted once: that decides who is
    /// too late.
    async fn try_complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
        event: Option<&RenewalEvent>,
    ) -> Result<Completed, Failure> {
        let transaction = self.session.begin().await?;
        if transaction.write(&statements::delete_request(org, id)).await? == 0 {
            transaction.rollback().await?;
            return Ok(Completed::TooLate);
        }
        if let Some(event) = event {
            match transaction.write(&statements::insert_event(event)).await {
                Err(taken @ Failure::Duplicate) => {
                    transaction.rollback().await?;
                    return Err(taken);
                }
                done => done?,
            };
        }
        if let Some(token) = completion.token()
            && transaction.write(&token_statements::spend(org, token, id)).await? == 0
        {
            transaction.rollback().await?;
            return Ok(Completed::TokenUnusable);
        }
        if let Some(certificate) = completion.certificate() {
            match transaction.write(&statements::insert_certificate(certificate)).await {
                Err(Failure::Duplicate) => {
                    transaction.rollback().await?;
                    return Err(Failure::conflict("the serial number is another certificate's"));
                }
                done => done?,
            };
            make_current(&transaction, certificate).await?;
        }
        transaction.commit().await?;
        Ok(Completed::Recorded)
    }

    /// Revokes a certificate, unless it was revoked before; it is its device's current one no more.
    async fn try_revoke(&self, org: OrgId, serial: &Serial, revocation: &Revocation) -> Result<(), Failure> {
        let transaction = self.session.begin().await?;
        if transaction.write(&statements::revoke(org, serial, revocation)).await? == 0 {
            return transaction.rollback().await;
        }
        transaction.write(&fleet_statements::forget_current(org, serial)).await?;
        transaction.commit().await
    }

    /// Ends a request whose attempt has an end already, or whose event has another's id.
    async fn complete_an_ended_attempt(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        let Some(event) = completion.event() else {
            return Err(conflict("a unique key is in use"));
        };
        let attempt = of_attempt(self.session.backend(), org, event.attempt_id());
        let attempt = self.events(&attempt).await?;
        match attempt.iter().find(|other| other.stage() != Stage::Start) {
            // Written before by itself: the rest is yet to be done.
            Some(end) if end == event => Ok(retrying(|| self.try_complete(org, id, completion, None)).await?),
            // The attempt has ended otherwise, so the request is open no more.
            Some(_) => {
                let delete = statements::delete_request(org, id);
                retrying(|| self.session.write(&delete)).await?;
                Ok(Completed::TooLate)
            }
            None => Err(conflict("the id is another event's")),
        }
    }
}

/// Makes a new certificate the current one of its device, unless that answers a later request.
async fn make_current(transaction: &Transaction, certificate: &CertificateRecord) -> Result<(), Failure> {
    let replace = fleet_statements::replace_current(certificate);
    if transaction.write(&replace).await? == 0 {
        // The device has none, or a later one. Of two that enroll it at once one waits here for
        // the other, and then looks again whose is later.
        transaction.write(&fleet_statements::insert_current(certificate)).await?;
        transaction.write(&replace).await?;
    }
    Ok(())
}
