//! Requests, what they present, and how they end.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::Samples;
use crate::{
    AttemptKind, CertificateOrigin, Clock, Completion, IdSource, IssuedParts, NewPresented, NewRequest,
    OpenRequest, Purpose, ReasonCode, RequestState, Serial, Sha256Digest, TokenId,
};

/// The public key of the authority that [`Samples::issued`] signs with, as a digest.
pub const OUR_ISSUER: Sha256Digest = [1; 32];

/// The public key of another authority, whose certificates are trusted, as a digest.
pub const OTHER_ISSUER: Sha256Digest = [0xfe; 32];

impl Samples {
    /// The serial number of this value.
    ///
    /// # Panics
    /// When it is 0.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests choose a number above 0")]
    pub fn serial(&self, number: u32) -> Serial {
        Serial::from_be_bytes(&number.to_be_bytes()).expect("a serial number")
    }

    /// The digest of the key in the CSR that this text stands for.
    #[must_use]
    pub fn key(&self, csr: &str) -> Sha256Digest {
        Sha256::digest(csr).into()
    }

    /// A request of a device; `csr` stands for its CSR, each with a key of its own, and `presented` for
    /// the serial number of the presented certificate: with 0 it is an enrollment. The certificate is the
    /// one that [`issued`](Self::issued) makes with this number.
    #[must_use]
    pub fn request(&self, device: &str, csr: &str, presented: u32, state: RequestState) -> OpenRequest {
        if presented == 0 {
            let enrollment = Purpose::Enrollment { token: None };
            return OpenRequest::new(NewRequest { state, ..self.new_request(device, csr, enrollment) });
        }
        self.presenting(device, csr, self.presented(presented, CertificateOrigin::Ours), state)
    }

    /// A request of a device that presents a certificate of another authority.
    #[must_use]
    pub fn trusted(&self, device: &str, csr: &str, presented: u32, origin: CertificateOrigin) -> OpenRequest {
        let presented = NewPresented {
            issuer_key_sha256: OTHER_ISSUER,
            certificate_sha256: Sha256::digest([&[0xfe], &der(presented)[..]].concat()).into(),
            ..self.presented(presented, origin)
        };
        self.presenting(device, csr, presented, RequestState::Signing)
    }

    /// A renewal of a device that presents this certificate.
    #[must_use]
    pub fn presenting(
        &self,
        device: &str,
        csr: &str,
        presented: NewPresented,
        state: RequestState,
    ) -> OpenRequest {
        let purpose = Purpose::Attempt { kind: AttemptKind::Renewal, presented: presented.into() };
        OpenRequest::new(NewRequest { state, ..self.new_request(device, csr, purpose) })
    }

    /// The certificate that [`issued`](Self::issued) makes with this number, to be presented. It expires
    /// in 30 days, and has the [key](Self::key) of `certificate 10` if its number is 10.
    #[must_use]
    pub fn presented(&self, number: u32, origin: CertificateOrigin) -> NewPresented {
        NewPresented {
            serial: self.serial(number),
            not_after: self.clock.now() + TimeDelta::days(30),
            issuer_key_sha256: OUR_ISSUER,
            certificate_sha256: Sha256::digest(der(number)).into(),
            public_key_sha256: self.key(&format!("certificate {number}")),
            origin,
        }
    }

    /// The fields of a request that is being signed.
    #[must_use]
    pub fn new_request(&self, device: &str, csr: &str, purpose: Purpose) -> NewRequest {
        let _now = self.tick();
        let (device_name, device_id) = self.device(device);
        NewRequest {
            id: self.ids.next().into(),
            org_id: self.org,
            device_id,
            device_name,
            purpose,
            state: RequestState::Signing,
            csr_der: csr.as_bytes().to_vec(),
            public_key_sha256: self.key(csr),
            requested_lifetime: None,
            credential: "a sample".to_owned(),
            source_address: None,
        }
    }

    /// An enrollment that a token permits.
    #[must_use]
    pub fn enrollment(&self, device: &str, csr: &str, token: TokenId) -> OpenRequest {
        OpenRequest::new(self.new_request(device, csr, Purpose::Enrollment { token: Some(token) }))
    }

    /// The end of a request with a certificate of this serial number, which is good for a year.
    ///
    /// # Panics
    /// When the serial number is 0.
    #[must_use]
    pub fn issued(&self, request: &OpenRequest, serial: u32) -> Completion {
        self.issued_until(request, serial, self.clock.now() + TimeDelta::seconds(1) + TimeDelta::days(365))
    }

    /// The end of a request with a certificate of this serial number, which is good until then.
    ///
    /// # Panics
    /// When the serial number is 0.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the id source promises a later id")]
    pub fn issued_until(&self, request: &OpenRequest, serial: u32, not_after: DateTime<Utc>) -> Completion {
        let parts = IssuedParts {
            serial: self.serial(serial),
            public_key_sha256: *request.public_key_sha256(),
            issuer_key_sha256: OUR_ISSUER,
            not_before: self.tick(),
            not_after,
            der: der(serial),
        };
        request
            .issued(self.ids.next_after(request.id().start_event()), parts)
            .expect("an id after the start's")
    }

    /// The end of a request without a certificate.
    ///
    /// # Panics
    /// When `reason` is no reason code.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests choose a reason code")]
    pub fn refused(&self, request: &OpenRequest, reason: &str) -> Completion {
        let _now = self.tick();
        let reason = ReasonCode::new(reason).expect("a reason code");
        let end = self.ids.next_after(request.id().start_event());
        request.failed(end, reason, "it did not work").expect("an id after the start's")
    }
}

/// What stands for the certificate with this serial number in DER: another for each.
fn der(number: u32) -> Vec<u8> {
    [&[0x30, 0x82, 0xff, 0x00, 0x0a], &number.to_be_bytes()[..]].concat()
}
