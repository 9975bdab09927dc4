//! Which HTTP status tells of a reason.

use axum::http::StatusCode;
use csr_service::Reason;

/// The status of a rejection with this reason: 400 when the request itself is at fault, 403 when
/// the request is sound and the device does not get what it asks for.
pub(super) fn status(reason: Reason) -> StatusCode {
    match kind(reason) {
        Kind::Request => StatusCode::BAD_REQUEST,
        Kind::Device | Kind::Credential => StatusCode::FORBIDDEN,
        Kind::Service => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the credential permits nothing here, so that another could help.
pub(super) fn needs_another_credential(reason: Reason) -> bool {
    kind(reason) == Kind::Credential
}

/// Whose fault a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The request's.
    Request,
    /// The device may not have what it asks for, or not now.
    Device,
    /// The credential's: it does not tell who asks, or permits nothing any more.
    Credential,
    /// Ours: never the reason of a rejection, but of an attempt that failed.
    Service,
}

#[expect(clippy::match_same_arms, reason = "a reason that nobody has placed yet is another case")]
fn kind(reason: Reason) -> Kind {
    match reason {
        Reason::CsrTooLarge
        | Reason::CsrMalformed
        | Reason::CsrVersion
        | Reason::KeyTypeNotAllowed
        | Reason::KeyTooWeak
        | Reason::KeyTooLarge
        | Reason::RsaExponentNotAllowed
        | Reason::KeyMalformed
        | Reason::KeyFactorable
        | Reason::KeyGuessable
        | Reason::KeyBelongsToIssuer
        | Reason::SignatureAlgorithmNotAllowed
        | Reason::SignatureInvalid
        | Reason::ExtensionMalformed
        | Reason::ExtensionRepeated
        | Reason::CaRequested
        | Reason::ExtensionNotAllowed
        | Reason::SubjectWithoutCn
        | Reason::SubjectWithSeveralCns
        | Reason::SubjectCnLength
        | Reason::SubjectControlCharacter
        | Reason::SubjectUnsupported
        | Reason::SanUnsupported
        | Reason::SanMalformed => Kind::Request,
        Reason::CertificateMalformed
        | Reason::CertificateNotFromDeviceIssuer
        | Reason::CertificateNotADeviceCertificate
        | Reason::CertificateNotYetValid
        | Reason::CertificateNameUnsupported
        | Reason::EnrollmentTokenSpent
        | Reason::EnrollmentTokenRevoked
        | Reason::EnrollmentTokenExpired => Kind::Credential,
        Reason::EnrollmentNameMismatch
        | Reason::SubjectMismatch
        | Reason::SanMismatch
        | Reason::CertificateRevoked
        | Reason::CertificateUnknown
        | Reason::RenewalTooEarly
        | Reason::ExpiredTooLong
        | Reason::OrganisationInactive
        | Reason::Denied
        | Reason::ApprovalExpired => Kind::Device,
        Reason::Abandoned
        | Reason::IssuerExpired
        | Reason::SignerFailed
        | Reason::StoreFailed
        | Reason::IssuedCertificateWrong => Kind::Service,
        // The service's crate may get further reasons. A test counts them, so that each gets its
        // place above; until then a device is told that it may not.
        _ => Kind::Device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_place() {
        let count = |kind_: Kind| Reason::ALL.iter().filter(|reason| kind(**reason) == kind_).count();
        let counts = [Kind::Request, Kind::Credential, Kind::Device, Kind::Service].map(count);
        assert_eq!(counts, [24, 8, 10, 5], "a new reason needs a place in `kind`");
    }
}
