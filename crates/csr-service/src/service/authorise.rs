//! Whether a device that proved who it is may have a new certificate.

use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::{OpenRequest, OrgId, Refusal, Standing, StoreError};

use super::Parts;
use crate::names::difference;
use crate::{Csr, PresentedCertificate, Reason, Rejection};

/// The request asks for exactly the names of the presented certificate (RFC 7030, section 4.2.2).
pub(super) fn same_names(csr: &Csr, presented: &PresentedCertificate) -> Result<(), Rejection> {
    if csr.subject() != presented.subject() {
        let detail = difference(csr.subject(), presented.subject());
        return Err(Rejection::new(Reason::SubjectMismatch, detail));
    }
    if csr.san() != presented.san() {
        let detail = format!("requested {}, presented {}", csr.san(), presented.san());
        return Err(Rejection::new(Reason::SanMismatch, detail));
    }
    Ok(())
}

impl Parts {
    /// The presented certificate is within the profile's renewal window or its grace period.
    pub(super) fn in_time(
        &self,
        presented: &PresentedCertificate,
        now: DateTime<Utc>,
    ) -> Result<(), Rejection> {
        match presented.expired_for(now) {
            Some(expired) if expired > self.profile.grace() => Err(Rejection::new(
                Reason::ExpiredTooLong,
                format!("it expired {} ago, on {}", days(expired), presented.not_after()),
            )),
            Some(_) => Ok(()),
            None => self.within_window(presented, now),
        }
    }

    fn within_window(&self, presented: &PresentedCertificate, now: DateTime<Utc>) -> Result<(), Rejection> {
        let Some(window) = self.profile.window() else { return Ok(()) };
        let left = presented.not_after() - now;
        if left <= window {
            return Ok(());
        }
        let opens = presented.not_after() - window;
        Err(Rejection::new(Reason::RenewalTooEarly, format!("it can be renewed from {opens} on")))
    }

    /// Whether the certificate that a request presents, if it does, has this standing in the ledger.
    pub(super) async fn standing(
        &self,
        request: &OpenRequest,
        standing: Standing,
    ) -> Result<Result<(), Rejection>, StoreError> {
        let Some(presented) = request.purpose().presented() else { return Ok(Ok(())) };
        let found = self.stores.issuance.certificate(request.org_id(), presented.serial()).await?;
        let revocation = found.as_ref().and_then(|certificate| certificate.revocation);
        let judged = standing.judge(found.is_some(), revocation);
        Ok(judged.map_err(|refusal| rejection(refusal, request)))
    }

    /// Whether the organisation gets certificates at present.
    pub(super) async fn active(&self, org: OrgId) -> Result<Result<(), Rejection>, StoreError> {
        let active = self.organisations.is_active(org).await?;
        Ok(if active { Ok(()) } else { Err(Reason::OrganisationInactive.into()) })
    }
}

/// What is said of a presented certificate that does not have the standing it needs.
pub(super) fn rejection(refusal: Refusal, request: &OpenRequest) -> Rejection {
    match refusal {
        Refusal::Revoked(revocation) => Rejection::new(
            Reason::CertificateRevoked,
            format!("on {}: {}", revocation.at, revocation.reason.as_str()),
        ),
        Refusal::NotRecorded => {
            let serial = request.purpose().presented().map(|presented| presented.serial().to_string());
            let serial = serial.unwrap_or_default();
            Rejection::new(Reason::CertificateUnknown, format!("serial number {serial}"))
        }
    }
}

/// A time span for a person to read: whole days, or hours below two days.
fn days(span: TimeDelta) -> String {
    match span.num_days() {
        0 | 1 => format!("{} hours", span.num_hours()),
        days => format!("{days} days"),
    }
}
