//! One request by itself: opening and ending it, whatever stands in its way.

use renewal_domain::{
    Answer, Completed, Completion, OpenRequest, OpenRules, Opened, OrgId, RenewalEvent, RequestId, StoreError,
};

use crate::access::end_of_attempt;
use crate::failure::{Failure, Outrun, conflict};
use crate::open_checks::{Known, Opening, Reader, judge, key_taken};
use crate::session::{Session, retrying};
use crate::{action_statements, enrollment_token_statements, fleet_statements, statements};

/// How often a request is opened anew, when the one in its way is gone at the next look.
const ROUNDS: u32 = 16;

impl Session {
    /// Opens a request.
    pub(crate) async fn open(&self, request: &OpenRequest, rules: OpenRules) -> Result<Opened, StoreError> {
        let opening = Opening::new(request, rules);
        for _ in 0..ROUNDS {
            if let Some(opened) = retrying(|| self.try_open(&opening)).await? {
                return Ok(opened);
            }
        }
        Err(StoreError::Unavailable(Box::new(Outrun(ROUNDS))))
    }

    /// Ends a request.
    pub(crate) async fn complete(
        &self,
        org: OrgId,
        id: RequestId,
        completion: &Completion,
    ) -> Result<Completed, StoreError> {
        match retrying(|| self.try_complete(org, id, completion, completion.event())).await {
            Err(Failure::Duplicate) => self.complete_an_ended_attempt(org, id, completion).await,
            done => Ok(done?),
        }
    }

    /// Opens a request. None when the request in the way is gone already.
    async fn try_open(&self, opening: &Opening<'_>) -> Result<Option<Opened>, Failure> {
        let request = opening.request;
        let transaction = self.begin().await?;
        match transaction.write(&statements::insert_request(request, self.keys())).await {
            Err(Failure::Duplicate) => {
                transaction.rollback().await?;
                return self.in_the_way(opening).await;
            }
            done => done?,
        };
        let judged = judge(self.backend(), &transaction, request.org_id(), &[opening]).await?;
        let opened = judged.into_iter().next().unwrap_or(Opened::New { key_used_by: None });
        if !matches!(opened, Opened::New { .. }) {
            transaction.rollback().await?;
            return Ok(Some(opened));
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
        Ok(Some(opened))
    }

    /// The open request that kept this one from being opened, unless it is to be refused anyway; none
    /// when it is gone already.
    async fn in_the_way(&self, opening: &Opening<'_>) -> Result<Option<Opened>, Failure> {
        let (request, org) = (opening.request, opening.request.org_id());
        let known = Known::read(&Reader::Session(self), self.backend(), org, &[opening]).await?;
        if let Some(refusal) = known.refusal(opening) {
            return Ok(Some(Opened::Refused(refusal)));
        }
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
        let transaction = self.begin().await?;
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
            && transaction.write(&enrollment_token_statements::mark_used(org, token, id)).await? == 0
        {
            transaction.rollback().await?;
            return Ok(Completed::TokenUnusable);
        }
        if let Some(certificate) = completion.certificate_with_new_key()
            && let Some(device) = key_taken(self.backend(), &transaction, org, &[certificate]).await?
        {
            transaction.rollback().await?;
            return Ok(Completed::KeyInUse(device));
        }
        if let Some((device, serial)) = completion.used() {
            transaction.write(&fleet_statements::mark_used(org, device, serial)).await?;
        }
        for insert in action_statements::insert(&completion.action().into_iter().collect::<Vec<_>>()) {
            transaction.write(&insert).await?;
        }
        if let Some(certificate) = completion.certificate() {
            match transaction.write(&statements::insert_certificate(certificate)).await {
                Err(Failure::Duplicate) => {
                    transaction.rollback().await?;
                    return Err(Failure::conflict("the serial number is another certificate's"));
                }
                done => done?,
            };
            for upsert in fleet_statements::make_current(self.backend(), &[certificate]) {
                transaction.write(&upsert).await?;
            }
        }
        transaction.commit().await?;
        Ok(Completed::Recorded)
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
        let end = end_of_attempt(self.backend(), org, event.attempt_id());
        match self.events(&end).await?.first() {
            // Written before by itself: the rest is yet to be done.
            Some(end) if end == event => Ok(retrying(|| self.try_complete(org, id, completion, None)).await?),
            // The attempt has ended otherwise, so the request is open no more.
            Some(_) => {
                let delete = statements::delete_request(org, id);
                retrying(|| self.write(&delete)).await?;
                Ok(Completed::TooLate)
            }
            None => Err(conflict("the id is another event's")),
        }
    }
}
