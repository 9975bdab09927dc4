//! Whether a device that proved who it is may have a new certificate.

use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::{Block, DeviceName, OpenRefusal, OpenRequest, OpenRules};

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
    /// The presented certificate is neither before the profile's earliest renewal nor beyond its grace period.
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
            None => self.not_too_early(presented, now),
        }
    }

    fn not_too_early(&self, presented: &PresentedCertificate, now: DateTime<Utc>) -> Result<(), Rejection> {
        let Some(earliest) = self.profile.earliest_renewal() else { return Ok(()) };
        let left = presented.not_after() - now;
        if left <= earliest {
            return Ok(());
        }
        let opens = presented.not_after() - earliest;
        Err(Rejection::new(Reason::RenewalTooEarly, format!("it can be renewed from {opens} on")))
    }

    /// The rules under which a request is opened now.
    pub(super) fn rules(&self, now: DateTime<Utc>) -> OpenRules {
        let profile = &self.profile;
        OpenRules { now, superseded: profile.superseded(), key_reuse: profile.key_reuse() }
    }
}

/// What is said of a request that may not be opened.
pub(super) fn rejection(refusal: OpenRefusal, request: &OpenRequest) -> Rejection {
    let because = |block: &Block| match block.reason.as_str() {
        "" => format!("since {}", block.since),
        reason => format!("since {}: {reason}", block.since),
    };
    let serial = || {
        let serial = request.purpose().presented().map(|presented| presented.serial().to_string());
        format!("serial number {}", serial.unwrap_or_default())
    };
    match refusal {
        OpenRefusal::OrganisationSuspended(block) => {
            Rejection::new(Reason::OrganisationSuspended, because(&block))
        }
        OpenRefusal::DeviceBlocked(block) => Rejection::new(Reason::DeviceBlocked, because(&block)),
        OpenRefusal::KeyBarred(block) => {
            Rejection::new(Reason::KeyCompromised, format!("barred since {}", block.since))
        }
        OpenRefusal::Revoked(revocation) => Rejection::new(
            Reason::CertificateRevoked,
            format!("on {}: {}", revocation.at, revocation.reason.as_str()),
        ),
        OpenRefusal::RevokedElsewhere => Rejection::new(Reason::CertificateRevoked, serial()),
        OpenRefusal::NotRecorded => Rejection::new(Reason::CertificateNotRecorded, serial()),
        OpenRefusal::Superseded => Rejection::new(Reason::CertificateSuperseded, serial()),
        OpenRefusal::KeyInUse(device) => key_in_use(&device),
    }
}

/// What is said of a request for the key of another device.
pub(super) fn key_in_use(device: &DeviceName) -> Rejection {
    Rejection::new(Reason::KeyInUse, format!("the device {device}"))
}

/// A time span for a person to read: whole days, or hours below two days.
fn days(span: TimeDelta) -> String {
    match span.num_days() {
        0 | 1 => format!("{} hours", span.num_hours()),
        days => format!("{days} days"),
    }
}
