//! What the store knows of a request that is to be opened.

use chrono::{DateTime, Utc};

use super::Tables;
use crate::{
    Answer, DeviceId, DeviceName, KeyReuse, LatestCertificate, OpenFindings, OpenRefusal, OpenRequest,
    OpenRules, OrgId, RecordedCertificate, Serial, Sha256Digest,
};

impl Tables {
    pub(super) fn answer(&self, org: OrgId, request: &OpenRequest, now: DateTime<Utc>) -> Option<Answer> {
        let open = self.requests.values().find(|other| other.org_id() == org && other.is_same_as(request));
        let issued = self.certificates.values().filter(|certificate| {
            certificate.org_id == org && certificate.answers(request) && certificate.is_good_at(now)
        });
        let newest = issued.max_by_key(|certificate| certificate.request_id);
        let open = open.cloned().map(Box::new).map(Answer::Open);
        open.or_else(|| newest.cloned().map(Box::new).map(Answer::Issued))
    }

    /// Whether the request may be opened, or answered as before.
    pub(super) fn check(
        &self,
        org: OrgId,
        request: &OpenRequest,
        rules: &OpenRules,
    ) -> Result<(), OpenRefusal> {
        rules.check(request, &self.findings(org, request))
    }

    /// Whether a new request may be opened by its key, and which other device has that, if somebody is
    /// to be told.
    pub(super) fn check_key(
        &self,
        org: OrgId,
        request: &OpenRequest,
        rules: &OpenRules,
    ) -> Result<Option<DeviceName>, OpenRefusal> {
        let other =
            || self.key_used_by(org, request.public_key_sha256(), request.device_id(), rules.now).cloned();
        match rules.key_reuse {
            KeyReuse::Refuse => other().map_or(Ok(None), |other| Err(OpenRefusal::KeyInUse(other))),
            KeyReuse::Warn => Ok(other()),
            KeyReuse::Allow => Ok(None),
        }
    }

    /// Another device that has a certificate with this key that is good at this time.
    pub(super) fn key_used_by(
        &self,
        org: OrgId,
        key: &Sha256Digest,
        device: DeviceId,
        now: DateTime<Utc>,
    ) -> Option<&DeviceName> {
        let mut certificates = self.certificates.values().filter(|certificate| certificate.org_id == org);
        let other = certificates.find(|certificate| {
            certificate.public_key_sha256 == *key
                && certificate.device_id != device
                && certificate.is_good_at(now)
        });
        other.map(|certificate| &certificate.device_name)
    }

    fn findings(&self, org: OrgId, request: &OpenRequest) -> OpenFindings {
        let device = request.device_id();
        let blocks = request.block_subjects().filter_map(|subject| self.blocks.get(&(org, subject)));
        let latest = self.latest.get(&(org, device)).map(|(_, latest)| latest);
        let findings = OpenFindings {
            blocks: blocks.cloned().collect(),
            latest: latest.map(|latest| LatestCertificate {
                used: latest.used || self.is_presented(org, device, &latest.serial),
                ..latest.clone()
            }),
            ..OpenFindings::default()
        };
        let Some(presented) = request.purpose().presented() else { return findings };
        let (issuer, serial) = (presented.issuer_key_sha256(), presented.serial());
        let recorded = self.certificates.get(&(org, serial.clone()));
        OpenFindings {
            recorded: recorded.map(|certificate| RecordedCertificate {
                certificate_sha256: certificate.certificate_sha256,
                revocation: certificate.revocation,
                presented_serial: certificate.presented_serial.clone(),
            }),
            revocation: self.revocation(org, issuer, serial).map(|revoked| revoked.revocation),
            revoked_anywhere: presented.origin().heeds_every_organisation()
                && self.revocations_of(issuer, serial).next().is_some(),
            ..findings
        }
    }

    /// Whether an open request of the device presents this certificate.
    fn is_presented(&self, org: OrgId, device: DeviceId, serial: &Serial) -> bool {
        self.requests.values().any(|open| {
            open.org_id() == org
                && open.device_id() == device
                && open.purpose().presented().is_some_and(|presented| {
                    presented.origin().is_of_our_authority() && presented.serial() == serial
                })
        })
    }
}
