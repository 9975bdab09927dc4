//! The certificate that a device presents, as far as stores need it.

use chrono::{DateTime, SubsecRound, Utc};

use crate::{Serial, Sha256Digest};

/// The certificate that a device presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    serial: Serial,
    not_after: DateTime<Utc>,
    issuer_key_sha256: Sha256Digest,
    certificate_sha256: Sha256Digest,
    public_key_sha256: Sha256Digest,
    origin: CertificateOrigin,
}

/// Where a presented certificate comes from, and so what a store must know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateOrigin {
    /// The present authority, or a previous one: the certificate must be recorded in the organisation.
    Ours,
    /// An authority of ours, before it was adopted: the certificate may have no row, but if there is
    /// one with its serial number it must be the same certificate.
    Adopted,
    /// Another authority, whose certificates are trusted in this organisation.
    Trusted,
    /// Another authority, whose certificates are trusted in every organisation: one that revoked the
    /// certificate revoked it for all.
    TrustedAnywhere,
}

impl CertificateOrigin {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ours, Self::Adopted, Self::Trusted, Self::TrustedAnywhere];

    /// The name, as stores spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Adopted => "adopted",
            Self::Trusted => "trusted",
            Self::TrustedAnywhere => "trusted_anywhere",
        }
    }

    /// Whether the certificate is one of our own authority, so that its serial number is one of ours.
    #[must_use]
    pub const fn is_of_our_authority(self) -> bool {
        matches!(self, Self::Ours | Self::Adopted)
    }

    /// Whether a revocation of any organisation counts: the certificate needs no row in the organisation of
    /// the path, and another one may have recorded or revoked it.
    #[must_use]
    pub const fn heeds_every_organisation(self) -> bool {
        matches!(self, Self::Adopted | Self::TrustedAnywhere)
    }

    /// The origin that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == name)
    }
}

/// The fields of a [`Presented`].
#[derive(Debug, Clone)]
pub struct NewPresented {
    /// The serial number.
    pub serial: Serial,
    /// When it expires or expired; cut to whole seconds.
    pub not_after: DateTime<Utc>,
    /// The SHA-256 digest of the issuing authority's public key (of its `SubjectPublicKeyInfo` in DER).
    pub issuer_key_sha256: Sha256Digest,
    /// The SHA-256 digest of the certificate in DER.
    pub certificate_sha256: Sha256Digest,
    /// The SHA-256 digest of its public key (of its `SubjectPublicKeyInfo` in DER).
    pub public_key_sha256: Sha256Digest,
    /// Where it comes from.
    pub origin: CertificateOrigin,
}

impl From<NewPresented> for Presented {
    fn from(new: NewPresented) -> Self {
        Self {
            serial: new.serial,
            not_after: new.not_after.trunc_subsecs(0),
            issuer_key_sha256: new.issuer_key_sha256,
            certificate_sha256: new.certificate_sha256,
            public_key_sha256: new.public_key_sha256,
            origin: new.origin,
        }
    }
}

impl Presented {
    /// The serial number.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// When it expires or expired.
    #[must_use]
    pub const fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// The SHA-256 digest of the issuing authority's public key.
    #[must_use]
    pub const fn issuer_key_sha256(&self) -> &Sha256Digest {
        &self.issuer_key_sha256
    }

    /// The SHA-256 digest of the certificate in DER.
    #[must_use]
    pub const fn certificate_sha256(&self) -> &Sha256Digest {
        &self.certificate_sha256
    }

    /// The SHA-256 digest of its public key.
    #[must_use]
    pub const fn public_key_sha256(&self) -> &Sha256Digest {
        &self.public_key_sha256
    }

    /// Where it comes from.
    #[must_use]
    pub const fn origin(&self) -> CertificateOrigin {
        self.origin
    }
}
