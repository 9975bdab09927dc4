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

/// A reason that nobody has placed yet is told as a device's: a test finds it.
fn kind(reason: Reason) -> Kind {
    placed(reason).unwrap_or(Kind::Device)
}

fn placed(reason: Reason) -> Option<Kind> {
    Some(match reason {
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
        | Reason::SubjectMalformed
        | Reason::SanUnsupported
        | Reason::SanMalformed => Kind::Request,
        Reason::CertificateMalformed
        | Reason::CertificateNotFromDeviceIssuer
        | Reason::CertificateNotADeviceCertificate
        | Reason::CertificateNotYetValid
        | Reason::CertificateNameUnsupported
        | Reason::EnrollmentTokenUsed
        | Reason::EnrollmentTokenRevoked
        | Reason::EnrollmentTokenExpired => Kind::Credential,
        Reason::EnrollmentNameMismatch
        | Reason::SubjectNotAllowed
        | Reason::SanNotAllowed
        | Reason::SubjectMismatch
        | Reason::SanMismatch
        | Reason::CertificateRevoked
        | Reason::CertificateNotRecorded
        | Reason::RenewalTooEarly
        | Reason::ExpiredTooLong
        | Reason::NameNotPermittedByIssuer
        | Reason::OrganisationSuspended
        | Reason::DeviceBlocked
        | Reason::KeyCompromised
        | Reason::KeyInUse
        | Reason::CertificateSuperseded
        | Reason::Denied
        | Reason::ApprovalExpired => Kind::Device,
        Reason::Abandoned
        | Reason::IssuerExpired
        | Reason::SignerFailed
        | Reason::StoreFailed
        | Reason::IssuedCertificateWrong => Kind::Service,
        // The service's crate may get further reasons.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_place() {
        for reason in Reason::ALL {
            assert!(placed(*reason).is_some(), "{reason} needs a place in `placed`");
        }
    }

    #[test]
    fn a_status_tells_whose_fault_a_reason_is() {
        for (reason, expected) in [
            (Reason::SubjectMalformed, 400),
            (Reason::KeyTooWeak, 400),
            (Reason::SanNotAllowed, 403),
            (Reason::DeviceBlocked, 403),
            (Reason::OrganisationSuspended, 403),
            (Reason::CertificateSuperseded, 403),
            (Reason::EnrollmentTokenUsed, 403),
            (Reason::SignerFailed, 500),
        ] {
            assert_eq!(status(reason).as_u16(), expected, "{reason}");
        }
        assert!(needs_another_credential(Reason::EnrollmentTokenUsed));
        assert!(!needs_another_credential(Reason::KeyCompromised));
    }
}
