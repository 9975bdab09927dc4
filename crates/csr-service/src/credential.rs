//! What a requester shows, and who found that it is the requester's.

use std::fmt;

use chrono::{DateTime, Utc};
use renewal_domain::{DeviceName, EnrollmentToken, TokenId, TokenState};

use crate::{NameGrant, Reason};

/// On what ground a certificate is asked for.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A permission to enroll: the device has no certificate yet.
    Enrollment(EnrollmentGrant),
    /// A certificate whose private key the device was proven to hold.
    Certificate(ProvenCertificate),
}

/// That the caller has found the requester entitled to a first certificate, by a one-time
/// token, a bootstrap certificate, or a look at the device. The service cannot check this.
#[derive(Debug, Clone)]
pub struct EnrollmentGrant {
    name: Option<DeviceName>,
    token: Option<TokenId>,
    unusable: Option<Reason>,
    names: NameGrant,
}

impl EnrollmentGrant {
    /// Permits the enrollment of the device with this name, and of no other. The certificate may have the
    /// names that the profile permits; [`with_names`](Self::with_names) adds to them.
    #[must_use]
    pub const fn for_device(name: DeviceName) -> Self {
        Self { name: Some(name), token: None, unusable: None, names: NameGrant::none() }
    }

    /// Permits the enrollment under whatever CN the request has; other names as with
    /// [`for_device`](Self::for_device).
    #[must_use]
    pub const fn for_any_device() -> Self {
        Self { name: None, token: None, unusable: None, names: NameGrant::none() }
    }

    /// Permits the enrollment of the token's device, and spends the token with the certificate.
    /// A token that is spent, revoked or expired at `now` permits nothing new, but a device that
    /// lost the answer to its request gets it again.
    #[must_use]
    pub fn by_token(token: &EnrollmentToken, now: DateTime<Utc>) -> Self {
        let unusable = match token.state_at(now) {
            TokenState::Usable => None,
            TokenState::Spent => Some(Reason::EnrollmentTokenSpent),
            TokenState::Revoked => Some(Reason::EnrollmentTokenRevoked),
            TokenState::Expired => Some(Reason::EnrollmentTokenExpired),
        };
        Self {
            name: Some(token.device_name.clone()),
            token: Some(token.id),
            unusable,
            names: NameGrant::none(),
        }
    }

    /// Permits these names too, in addition to those that the profile permits.
    #[must_use]
    pub fn with_names(mut self, names: NameGrant) -> Self {
        self.names = names;
        self
    }

    /// The names that are permitted in addition to those of the profile.
    pub(crate) const fn names(&self) -> &NameGrant {
        &self.names
    }

    /// The token to spend, if it is one.
    pub(crate) const fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// Why nothing new is permitted, if nothing is.
    pub(crate) const fn unusable(&self) -> Option<Reason> {
        self.unusable
    }

    pub(crate) fn permits(&self, name: &DeviceName) -> bool {
        self.name.as_ref().is_none_or(|permitted| permitted == name)
    }
}

/// A device's certificate together with the caller's word that the device holds the private
/// key. A certificate is no secret: without that proof anybody could present it, so a value
/// of this type must be built only where possession was established. The service itself
/// checks everything else: issuer, signature, validity, revocation.
#[derive(Clone)]
pub struct ProvenCertificate {
    certificate: Vec<u8>,
    by: Proof,
}

/// How possession of the private key was established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    TlsHandshake,
    OperatorVouches,
}

impl ProvenCertificate {
    /// The end-entity certificate (DER) with which the peer completed a TLS handshake, in
    /// which it signed with the private key (`CertificateVerify`, RFC 8446, section 4.4.3).
    #[must_use]
    pub fn proven_by_tls_handshake(certificate: impl Into<Vec<u8>>) -> Self {
        Self { certificate: certificate.into(), by: Proof::TlsHandshake }
    }

    /// A certificate (DER or PEM) for which an operator vouches: the request came from the
    /// device that holds its key. For work on files, where there is no connection to prove it.
    #[must_use]
    pub fn vouched_for_by_operator(certificate: impl Into<Vec<u8>>) -> Self {
        Self { certificate: certificate.into(), by: Proof::OperatorVouches }
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

impl fmt::Debug for ProvenCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvenCertificate").field("by", &self.by).finish_non_exhaustive()
    }
}
