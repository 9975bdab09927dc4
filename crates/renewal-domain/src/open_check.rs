//! Whether a request may be opened, by what a store knows of it: one definition that every store follows.

use chrono::{DateTime, Utc};

use crate::{
    Block, BlockSubject, CertificateOrigin, DeviceName, OpenRequest, Presented, Revocation, Serial,
    Sha256Digest,
};

/// What happens to a request for a key that another device of the organisation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum KeyReuse {
    /// It is refused.
    #[default]
    Refuse,
    /// It is granted, and whoever asked the store is told.
    Warn,
    /// It is granted.
    Allow,
}

/// What happens to a request that presents a certificate which another one has taken the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum SupersededCertificates {
    /// It is refused once the device has used the later certificate. Until then the device may not have
    /// got that one, and may ask again.
    #[default]
    Refuse,
    /// It is granted, unless the latest certificate of the device was revoked: for devices that are
    /// restored from old snapshots.
    Allow,
}

/// The rules under which a request is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRules {
    /// The present time.
    pub now: DateTime<Utc>,
    /// What becomes of superseded certificates.
    pub superseded: SupersededCertificates,
    /// What becomes of a key that another device has.
    pub key_reuse: KeyReuse,
}

/// Why a request is not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenRefusal {
    /// The organisation is suspended.
    OrganisationSuspended(Block),
    /// The device is blocked.
    DeviceBlocked(Block),
    /// The key of the request, or of the presented certificate, is barred.
    KeyBarred(Block),
    /// The presented certificate is of an authority of ours, and not recorded in the organisation.
    NotRecorded,
    /// The presented certificate is revoked.
    Revoked(Revocation),
    /// The presented certificate is revoked in another organisation, whose word counts.
    RevokedElsewhere,
    /// Another certificate has taken the place of the presented one.
    Superseded,
    /// Another device of the organisation, of this name, has a certificate with the same key.
    KeyInUse(DeviceName),
}

/// What a store has recorded of the certificate with the presented serial number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCertificate {
    /// The SHA-256 digest of the certificate in DER.
    pub certificate_sha256: Sha256Digest,
    /// The revocation, if it is revoked.
    pub revocation: Option<Revocation>,
    /// The serial number of the certificate that was presented for it.
    pub presented_serial: Option<Serial>,
}

/// The latest certificate of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestCertificate {
    /// Its serial number.
    pub serial: Serial,
    /// The serial number of the certificate that was presented for it.
    pub presented_serial: Option<Serial>,
    /// Whether a renewal or recovery was started with it.
    pub used: bool,
    /// Whether it is revoked.
    pub revoked: bool,
}

/// What a store knows of a request that is to be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFindings {
    /// The blocks of the [subjects](OpenRequest::block_subjects) of the request.
    pub blocks: Vec<Block>,
    /// The certificate that is recorded in the organisation with the presented serial number.
    pub recorded: Option<RecordedCertificate>,
    /// The revocation that the organisation has of the presented certificate.
    pub revocation: Option<Revocation>,
    /// Whether any organisation has one. Asked only where
    /// [that counts](CertificateOrigin::heeds_every_organisation).
    pub revoked_anywhere: bool,
    /// The latest certificate of the device.
    pub latest: Option<LatestCertificate>,
}

impl OpenRules {
    /// Whether the request may be opened, or answered as before, by what a store knows of it. Whether its
    /// key is in use is another question: it is asked only of a request that is new.
    ///
    /// # Errors
    /// [`OpenRefusal`] says why not.
    pub fn check(&self, request: &OpenRequest, findings: &OpenFindings) -> Result<(), OpenRefusal> {
        // A suspended organisation before a blocked device.
        let stopped = |block: &&Block| !matches!(block.subject, BlockSubject::Key(_));
        if let Some(block) = findings.blocks.iter().filter(stopped).min_by_key(|block| block.subject) {
            let block = block.clone();
            return Err(match block.subject {
                BlockSubject::Organisation => OpenRefusal::OrganisationSuspended(block),
                BlockSubject::Device(_) => OpenRefusal::DeviceBlocked(block),
                BlockSubject::Key(_) => OpenRefusal::KeyBarred(block),
            });
        }
        Self::check_presented(request, findings)?;
        // After the certificate: that it is revoked says more.
        match findings.blocks.iter().find(|block| matches!(block.subject, BlockSubject::Key(_))) {
            Some(block) => Err(OpenRefusal::KeyBarred(block.clone())),
            None => self.check_superseded(request, findings),
        }
    }

    fn check_presented(request: &OpenRequest, findings: &OpenFindings) -> Result<(), OpenRefusal> {
        let Some(presented) = request.purpose().presented() else { return Ok(()) };
        let recorded = match (presented.origin(), &findings.recorded) {
            (CertificateOrigin::Ours, None) => return Err(OpenRefusal::NotRecorded),
            (CertificateOrigin::Ours | CertificateOrigin::Adopted, Some(recorded)) => {
                if recorded.certificate_sha256 != *presented.certificate_sha256() {
                    return Err(OpenRefusal::NotRecorded);
                }
                Some(recorded)
            }
            (CertificateOrigin::Adopted, None)
            // A serial number of another authority says nothing about ours.
            | (CertificateOrigin::Trusted | CertificateOrigin::TrustedAnywhere, _) => None,
        };
        let revocation = recorded.and_then(|recorded| recorded.revocation).or(findings.revocation);
        if let Some(revocation) = revocation {
            return Err(OpenRefusal::Revoked(revocation));
        }
        if findings.revoked_anywhere { Err(OpenRefusal::RevokedElsewhere) } else { Ok(()) }
    }

    fn check_superseded(self, request: &OpenRequest, findings: &OpenFindings) -> Result<(), OpenRefusal> {
        let Some(presented) = request.purpose().presented() else { return Ok(()) };
        // A serial number of another authority says nothing about ours.
        let ours = findings.recorded.as_ref().filter(|_| presented.origin().is_of_our_authority());
        let superseded = findings.latest.as_ref().is_some_and(|latest| supersedes(latest, presented, ours));
        // Whatever is allowed: that the latest one was revoked stops the device.
        let revoked = findings.latest.as_ref().is_some_and(|latest| latest.revoked);
        match self.superseded {
            SupersededCertificates::Refuse if superseded => Err(OpenRefusal::Superseded),
            SupersededCertificates::Allow if superseded && revoked => Err(OpenRefusal::Superseded),
            SupersededCertificates::Refuse | SupersededCertificates::Allow => Ok(()),
        }
    }
}

/// Whether a device's latest certificate has taken the place of the presented one, of which this is
/// recorded if it is one of ours.
///
/// As long as the latest one was not used, its answer may have been lost. Then the certificate that was
/// presented for it may be presented again; so may another one that answered the same certificate.
fn supersedes(latest: &LatestCertificate, presented: &Presented, ours: Option<&RecordedCertificate>) -> bool {
    if ours.is_some() && latest.serial == *presented.serial() {
        return false;
    }
    let predecessor = ours.and_then(|recorded| recorded.presented_serial.as_ref());
    let answer_may_be_lost = latest
        .presented_serial
        .as_ref()
        .is_some_and(|parent| parent == presented.serial() || Some(parent) == predecessor);
    latest.used || latest.revoked || !answer_may_be_lost
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::Samples;
    use crate::{Clock, RequestState, RevocationReason};

    fn serial(number: u8) -> Serial {
        Serial::from_be_bytes(&[number]).unwrap()
    }

    fn latest(number: u8, parent: Option<u8>) -> LatestCertificate {
        LatestCertificate {
            serial: serial(number),
            presented_serial: parent.map(serial),
            used: false,
            revoked: false,
        }
    }

    /// Presents the certificate 1, which answered 9, to a device whose latest certificate is this.
    fn judge(latest: LatestCertificate) -> Result<(), OpenRefusal> {
        let samples = Samples::of(1);
        let request = samples.request("gateway", "csr", 1, RequestState::Signing);
        let presented = request.purpose().presented().unwrap();
        let recorded = RecordedCertificate {
            certificate_sha256: *presented.certificate_sha256(),
            revocation: None,
            presented_serial: Some(serial(9)),
        };
        let findings =
            OpenFindings { recorded: Some(recorded), latest: Some(latest), ..OpenFindings::default() };
        samples.rules().check(&request, &findings)
    }

    #[test]
    fn the_latest_certificate_may_be_presented() {
        assert_eq!(judge(latest(1, Some(9))), Ok(()));
        assert_eq!(judge(LatestCertificate { used: true, ..latest(1, None) }), Ok(()));
    }

    #[test]
    fn a_predecessor_may_be_presented_until_its_successor_was_used_or_revoked() {
        assert_eq!(judge(latest(2, Some(1))), Ok(()));
        let used = LatestCertificate { used: true, ..latest(2, Some(1)) };
        let revoked = LatestCertificate { revoked: true, ..latest(2, Some(1)) };
        for latest in [used, revoked] {
            assert_eq!(judge(latest), Err(OpenRefusal::Superseded));
        }
    }

    #[test]
    fn of_two_answers_to_one_certificate_either_may_be_presented() {
        assert_eq!(judge(latest(2, Some(9))), Ok(()));
    }

    #[test]
    fn what_is_older_than_the_predecessor_is_superseded() {
        assert_eq!(judge(latest(3, Some(2))), Err(OpenRefusal::Superseded));
        assert_eq!(judge(latest(3, None)), Err(OpenRefusal::Superseded));
    }

    #[test]
    fn superseded_certificates_can_be_allowed() {
        let samples = Samples::of(1);
        let request = samples.request("gateway", "csr", 1, RequestState::Signing);
        let presented = request.purpose().presented().unwrap();
        let recorded = RecordedCertificate {
            certificate_sha256: *presented.certificate_sha256(),
            revocation: None,
            presented_serial: None,
        };
        let findings = OpenFindings {
            recorded: Some(recorded),
            latest: Some(latest(3, Some(2))),
            ..OpenFindings::default()
        };
        let rules = OpenRules { superseded: SupersededCertificates::Allow, ..samples.rules() };
        assert_eq!(rules.check(&request, &findings), Ok(()));
        let revoked = LatestCertificate { revoked: true, ..latest(3, Some(2)) };
        let findings = OpenFindings { latest: Some(revoked), ..findings };
        assert_eq!(rules.check(&request, &findings), Err(OpenRefusal::Superseded));
    }

    #[test]
    fn a_serial_number_of_another_authority_says_nothing_about_ours() {
        let samples = Samples::of(1);
        let request = samples.trusted("gateway", "csr", 1, CertificateOrigin::Trusted);
        let number = request.purpose().presented().unwrap().serial().clone();
        // A row of ours that has the number, and answered 9, as the latest certificate did.
        let recorded = RecordedCertificate {
            certificate_sha256: [0xee; 32],
            revocation: None,
            presented_serial: Some(serial(9)),
        };
        let with_its_number = LatestCertificate { serial: number, ..latest(2, Some(8)) };
        for latest in [latest(2, Some(9)), with_its_number] {
            let findings = OpenFindings {
                recorded: Some(recorded.clone()),
                latest: Some(latest),
                ..OpenFindings::default()
            };
            assert_eq!(samples.rules().check(&request, &findings), Err(OpenRefusal::Superseded));
        }
    }

    #[test]
    fn a_certificate_of_ours_is_known_by_its_digest_and_not_by_its_serial_number() {
        let samples = Samples::of(1);
        let request = samples.request("gateway", "csr", 1, RequestState::Signing);
        let recorded =
            RecordedCertificate { certificate_sha256: [0xee; 32], revocation: None, presented_serial: None };
        for recorded in [None, Some(recorded)] {
            let findings = OpenFindings { recorded, ..OpenFindings::default() };
            assert_eq!(samples.rules().check(&request, &findings), Err(OpenRefusal::NotRecorded));
        }
    }

    #[test]
    fn a_revocation_of_the_organisation_counts_for_what_has_no_row() {
        let samples = Samples::of(1);
        let request = samples.trusted("gateway", "csr", 1, CertificateOrigin::Trusted);
        let revocation =
            Revocation { at: samples.clock.now() + TimeDelta::zero(), reason: RevocationReason::Superseded };
        let findings = OpenFindings { revocation: Some(revocation), ..OpenFindings::default() };
        assert_eq!(samples.rules().check(&request, &OpenFindings::default()), Ok(()));
        assert_eq!(samples.rules().check(&request, &findings), Err(OpenRefusal::Revoked(revocation)));
    }
}
