//! What a requester shows, and who found that it is the requester's.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use renewal_domain::{DeviceName, EnrollmentToken, Serial, Sha256Digest, TokenId, TokenState};

use crate::{DeviceIssuer, NameGrant, PresentedCertificate, Reason, Rejection};

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
    bootstrap: Option<BootstrapCertificate>,
}

/// A certificate that permits an enrollment, as far as it can be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootstrapCertificate {
    /// The SHA-256 of the issuing authority's DER `SubjectPublicKeyInfo`.
    pub issuer_key_sha256: Sha256Digest,
    /// The serial number.
    pub serial: Serial,
    /// The SHA-256 of its DER `SubjectPublicKeyInfo`.
    pub public_key_sha256: Sha256Digest,
    /// The common name of its subject.
    pub common_name: DeviceName,
}

impl EnrollmentGrant {
    /// Permits the enrollment of the device with this name, and of no other. The certificate may have the
    /// names that the profile permits; [`with_names`](Self::with_names) adds to them.
    #[must_use]
    pub const fn for_device(name: DeviceName) -> Self {
        Self { name: Some(name), token: None, unusable: None, names: NameGrant::none(), bootstrap: None }
    }

    /// Permits the enrollment under whatever CN the request has; other names as with
    /// [`for_device`](Self::for_device).
    #[must_use]
    pub const fn for_any_device() -> Self {
        Self { name: None, token: None, unusable: None, names: NameGrant::none(), bootstrap: None }
    }

    /// Permits the enrollment of the token's device, and uses the token with the certificate.
    /// A token that is used, revoked or expired at `now` permits nothing new, but a device that
    /// lost the answer to its request gets it again.
    #[must_use]
    pub fn by_token(token: &EnrollmentToken, now: DateTime<Utc>) -> Self {
        let unusable = match token.state_at(now) {
            TokenState::Usable => None,
            TokenState::Used => Some(Reason::EnrollmentTokenUsed),
            TokenState::Revoked => Some(Reason::EnrollmentTokenRevoked),
            TokenState::Expired => Some(Reason::EnrollmentTokenExpired),
        };
        Self {
            name: Some(token.device_name.clone()),
            token: Some(token.id),
            unusable,
            names: NameGrant::recorded(&token.names),
            bootstrap: None,
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

    /// Says by which certificate the enrollment is permitted: it permits nothing once it is revoked.
    #[must_use]
    pub fn by_certificate(mut self, certificate: BootstrapCertificate) -> Self {
        self.bootstrap = Some(certificate);
        self
    }

    /// The certificate that permits it, if it is one.
    pub(crate) const fn bootstrap(&self) -> Option<&BootstrapCertificate> {
        self.bootstrap.as_ref()
    }

    /// The only name that is permitted, if there is one.
    pub(crate) const fn name(&self) -> Option<&DeviceName> {
        self.name.as_ref()
    }

    /// The ground in words, for the person who decides.
    pub(crate) fn description(&self) -> String {
        match (&self.token, &self.bootstrap) {
            (Some(token), _) => format!("enrollment token {token}"),
            (None, Some(certificate)) => {
                format!("bootstrap certificate {} of {}", certificate.serial, certificate.common_name)
            }
            (None, None) => "permission of the operator".to_owned(),
        }
    }

    /// The token to use up, if it is one.
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
///
/// What the service finds of issuer and signature is kept with it, so that it is found out once, however
/// often the certificate is presented over one connection.
#[derive(Clone)]
pub struct ProvenCertificate {
    certificate: Arc<[u8]>,
    by: Proof,
    checked: Arc<OnceLock<Checked>>,
}

/// How possession of the private key was established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    TlsHandshake,
    OperatorVouches,
}

/// A certificate that was found genuine, and by which authorities.
struct Checked {
    issuers: Arc<[DeviceIssuer]>,
    presented: Arc<PresentedCertificate>,
}

impl ProvenCertificate {
    /// The end-entity certificate (DER) with which the peer completed a TLS handshake, in
    /// which it signed with the private key (`CertificateVerify`, RFC 8446, section 4.4.3).
    #[must_use]
    pub fn proven_by_tls_handshake(certificate: impl Into<Arc<[u8]>>) -> Self {
        Self::new(certificate.into(), Proof::TlsHandshake)
    }

    /// A certificate (DER or PEM) for which an operator vouches: the request came from the
    /// device that holds its key. For work on files, where there is no connection to prove it.
    #[must_use]
    pub fn vouched_for_by_operator(certificate: impl Into<Arc<[u8]>>) -> Self {
        Self::new(certificate.into(), Proof::OperatorVouches)
    }

    fn new(certificate: Arc<[u8]>, by: Proof) -> Self {
        Self { certificate, by, checked: Arc::default() }
    }

    /// The certificate, as it was given.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What it says, if one of the device issuers issued it.
    pub(crate) fn check(
        &self,
        issuers: &Arc<[DeviceIssuer]>,
        now: DateTime<Utc>,
    ) -> Result<Arc<PresentedCertificate>, Rejection> {
        if let Some(checked) = self.checked.get().filter(|checked| Arc::ptr_eq(&checked.issuers, issuers)) {
            return Ok(Arc::clone(&checked.presented));
        }
        let presented = Arc::new(PresentedCertificate::parse(&self.certificate, issuers, now)?);
        // Whoever checked it at the same time found the same.
        let _set =
            self.checked.set(Checked { issuers: Arc::clone(issuers), presented: Arc::clone(&presented) });
        Ok(presented)
    }
}

impl fmt::Debug for ProvenCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvenCertificate").field("by", &self.by).finish_non_exhaustive()
    }
}
