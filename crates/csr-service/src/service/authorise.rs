//! Whether a device that proved who it is may have a new certificate.

use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::{OrgId, Serial, StoreError};

use super::Parts;
use crate::{Csr, PresentedCertificate, Reason, Rejection};

/// The request asks for exactly the names of the presented certificate (RFC 7030, section 4.2.2).
pub(super) fn same_names(csr: &Csr, presented: &PresentedCertificate) -> Result<(), Rejection> {
    if csr.subject() != presented.subject() {
        let detail = format!("requested {}, presented {}", csr.subject(), presented.subject());
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

    /// The organisation is active, and the presented certificate not revoked and, where that is
    /// demanded, recorded.
    pub(super) async fn standing(
        &self,
        org: OrgId,
        presented: &Serial,
        must_be_recorded: bool,
    ) -> Result<Result<(), Rejection>, StoreError> {
        if let Err(inactive) = self.active(org).await? {
            return Ok(Err(inactive));
        }
        Ok(match self.stores.issuance.certificate(org, presented).await? {
            Some(certificate) => match certificate.revocation {
                Some(revocation) => Err(Rejection::new(
                    Reason::CertificateRevoked,
                    format!("on {}: {}", revocation.at, revocation.reason.as_str()),
                )),
                None => Ok(()),
            },
            None if must_be_recorded => {
                Err(Rejection::new(Reason::CertificateUnknown, format!("serial number {presented}")))
            }
            None => Ok(()),
        })
    }

    /// Whether the organisation gets certificates at present.
    pub(super) async fn active(&self, org: OrgId) -> Result<Result<(), Rejection>, StoreError> {
        let active = self.organisations.is_active(org).await?;
        Ok(if active { Ok(()) } else { Err(Reason::OrganisationInactive.into()) })
    }
}

/// A time span for a person to read: whole days, or hours below two days.
fn days(span: TimeDelta) -> String {
    match span.num_days() {
        0 | 1 => format!("{} hours", span.num_hours()),
        days => format!("{days} days"),
    }
}
