//! Why a request was refused or an attempt failed: every reason code of the ledger, in one place.
//!
//! A code is stable: it is stored, counted and alerted on. Its sentence is for the technician who
//! stands before the device, its advice for the operator of the service.

use renewal_domain::ReasonCode;

macro_rules! reasons {
    ($($variant:ident $code:literal: $sentence:literal; $advice:literal)*) => {
        /// Why a request was refused, or an attempt ended without a certificate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $(
                #[doc = concat!("`", $code, "`: ", $sentence, "\n\nWhat to do: ", $advice)]
                $variant,
            )*
        }

        impl Reason {
            /// Every reason, in the order of the checks.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable code, `[a-z0-9_]`, as it is stored and counted.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What happened, in one sentence for a device technician.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// What the operator should do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

reasons! {
    // The request: its encoding.
    CsrTooLarge "csr_too_large":
        "The certificate request is larger than 16 KiB.";
        "Look at what the device sends: a request with one name is below 2 KiB."
    CsrMalformed "csr_malformed":
        "The certificate request is not a PKCS#10 request in DER or PEM.";
        "Check the file with `openssl req -in FILE -noout -text`; send one request and nothing else."
    CsrVersion "csr_version":
        "The certificate request has a version other than v1.";
        "PKCS#10 knows only version v1 (the number 0); update the software that made the request."

    // The request: its key and signature.
    KeyTypeNotAllowed "key_type_not_allowed":
        "The key is of a type that is not allowed here.";
        "Make a key the profile allows: by default ECDSA P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits."
    KeyTooWeak "key_too_weak":
        "The RSA key is too short to be safe.";
        "Make a new key of at least 2048 bits, or an ECDSA P-256 key."
    KeyTooLarge "key_too_large":
        "The RSA key is longer than is allowed.";
        "Make a key of at most 4096 bits, or an ECDSA P-256 key."
    RsaExponentNotAllowed "rsa_exponent_not_allowed":
        "The RSA key has a public exponent other than 65537.";
        "Make a new RSA key with the exponent 65537, the default of every current tool."
    KeyMalformed "key_malformed":
        "The public key in the request cannot be a valid key of its type.";
        "The device's key or the software that wrote the request is broken; make a new key."
    KeyFactorable "key_factorable":
        "The RSA key can be factored, so that anybody can find its private key.";
        "Make a new key, after a firmware update if a chip made this one (CVE-2017-15361); if its certificate was presented, enroll anew."
    KeyGuessable "key_guessable":
        "The private key of this public key can be guessed.";
        "Find out why the software made no random key, then make a new one; if its certificate was presented, enroll anew."
    KeyBelongsToIssuer "key_belongs_to_issuer":
        "The request is for the issuing authority's own key.";
        "Find out who holds the issuer's private key: a device must never have it."
    SignatureAlgorithmNotAllowed "signature_algorithm_not_allowed":
        "The request is signed with an algorithm that is not allowed, or that does not fit its key.";
        "Sign with SHA-256 or better (`openssl req -sha256`); MD5 and SHA-1 are never accepted."
    SignatureInvalid "signature_invalid":
        "The signature of the request does not verify with the key in it.";
        "The request was changed on its way or signed with another key; make it again on the device."

    // The request: what it asks for.
    ExtensionMalformed "extension_malformed":
        "A requested extension cannot be read.";
        "Correct the tool's configuration; without extensions the request is valid too."
    ExtensionRepeated "extension_repeated":
        "The request asks for the same extension twice.";
        "Correct the tool's configuration so that every extension occurs once."
    CaRequested "ca_requested":
        "The request asks to become a certificate authority.";
        "Remove `basicConstraints=CA:TRUE` from the request; if nobody put it there, inspect the device."
    ExtensionNotAllowed "extension_not_allowed":
        "The request asks for a critical extension that is not known here.";
        "Remove the extension, or its critical mark, from the request."

    // The request: its names.
    SubjectWithoutCn "subject_without_cn":
        "The subject has no common name (CN).";
        "Put the device's name into the CN of the subject; alternative names do not replace it."
    SubjectWithSeveralCns "subject_with_several_cns":
        "The subject has more than one common name (CN).";
        "Keep the one CN that names the device; put other names into the subjectAltName extension."
    SubjectCnLength "subject_cn_length":
        "The common name (CN) is empty or longer than 64 characters.";
        "Give the device a name of 1 to 64 characters."
    SubjectControlCharacter "subject_control_character":
        "The subject has control characters, or characters that change the direction of writing.";
        "Use visible characters only; if nobody put them there, inspect the device."
    SubjectUnsupported "subject_unsupported":
        "The subject has a form that cannot be put into a certificate unchanged.";
        "Use one attribute in each part of the name, every type once, as UTF8String or PrintableString."
    SubjectMalformed "subject_malformed":
        "An attribute of the subject has a wrong string type, or is empty or longer than its bound.";
        "Correct the attribute: RFC 5280, appendix A.1, has the string type and the upper bound of each."
    SanUnsupported "san_unsupported":
        "The alternative names are too many, or of a kind that is not supported.";
        "Use at most 16 DNS names, e-mail addresses, URIs or IP addresses."
    SanMalformed "san_malformed":
        "An alternative name cannot be read, or does not have the syntax of its kind.";
        "Correct the name: a DNS name, an e-mail address, an absolute URI or an address of 4 or 16 octets."
    NameNotPermittedByIssuer "name_not_permitted_by_issuer":
        "The name constraints in the issuing authority's certificate do not permit a requested name.";
        "Correct the name on the device, or issue with an authority whose certificate permits it."

    // The certificate that the device presents.
    CertificateMalformed "certificate_malformed":
        "The presented certificate is not a certificate in DER or PEM that can be accepted.";
        "Check it with `openssl x509 -in FILE -noout -text`; present the device's own certificate alone."
    CertificateNotFromDeviceIssuer "certificate_not_from_device_issuer":
        "The presented certificate was not issued by an authority whose devices may renew here.";
        "If the device is yours, add its old authority as a device issuer; else somebody else presented it."
    CertificateNotADeviceCertificate "certificate_not_a_device_certificate":
        "The presented certificate is an authority's, or its key usages are not those of a TLS client.";
        "Present the device's own certificate; if it has key usages, digitalSignature and clientAuth must be among them."
    CertificateNotYetValid "certificate_not_yet_valid":
        "The presented certificate is not valid yet.";
        "Check the clocks of this server and of the authority that issued the certificate."
    CertificateNameUnsupported "certificate_name_unsupported":
        "The presented certificate has names that cannot be put into a new certificate unchanged.";
        "Enroll the device anew, with one CN and with names that are valid."

    // Whether this device may have this certificate now.
    EnrollmentNameMismatch "enrollment_name_mismatch":
        "The name in the request is not the one this enrollment was permitted for.";
        "Correct the name on the device, or permit the enrollment of the name it uses."
    SubjectNotAllowed "subject_not_allowed":
        "The subject has an attribute beside the CN that nothing permits.";
        "Remove it from the request, or permit it in the profile's names or with the enrollment token."
    SanNotAllowed "san_not_allowed":
        "The request has an alternative name that nothing permits.";
        "Remove it from the request, or permit it in the profile's names or with the enrollment token."
    EnrollmentTokenUsed "enrollment_token_used":
        "The enrollment token was used before, for another request.";
        "Make a new token for the device; if nobody of yours used it, look who did."
    EnrollmentTokenRevoked "enrollment_token_revoked":
        "The enrollment token was revoked.";
        "Make a new token for the device if it may enroll."
    EnrollmentTokenExpired "enrollment_token_expired":
        "The enrollment token has expired.";
        "Make a new token for the device, and let it enroll before that one expires."
    SubjectMismatch "subject_mismatch":
        "The subject of the request differs from the subject of the presented certificate.";
        "Request exactly the old subject: same attributes, order and string types; or enroll anew."
    SanMismatch "san_mismatch":
        "The alternative names of the request differ from those of the presented certificate.";
        "Request exactly the old alternative names, in any order; or enroll anew."
    CertificateRevoked "certificate_revoked":
        "The presented certificate was revoked.";
        "Find out why it was revoked; if the device is trustworthy again, enroll it anew."
    CertificateNotRecorded "certificate_not_recorded":
        "The presented certificate is not recorded here, which its issuer's certificates must be.";
        "Check that the device asks the right organisation, and that the ledger is complete; else enroll it anew."
    RenewalTooEarly "renewal_too_early":
        "It is too early to renew the presented certificate.";
        "Let the device ask again later, or lengthen `earliest_renewal` of the profile."
    ExpiredTooLong "expired_too_long":
        "The presented certificate expired longer ago than the grace period allows.";
        "Enroll the device anew, or lengthen the grace period of the profile."
    OrganisationSuspended "organisation_suspended":
        "The organisation of this device is suspended: none of its devices gets a certificate.";
        "Find out who suspended it and why with `renewal actions list`; `renewal organisations resume` ends it."
    DeviceBlocked "device_blocked":
        "The device is blocked: it gets no certificates.";
        "Find out who blocked it and why with `renewal devices show`; `renewal devices unblock` ends it."
    KeyCompromised "key_compromised":
        "The key was compromised, and is never certified again.";
        "Make a new key on the device, and enroll it anew."
    KeyInUse "key_in_use":
        "Another device of the organisation has a certificate with the same key.";
        "Give each device a key of its own; if both names are one device, revoke the other certificate first."
    CertificateSuperseded "certificate_superseded":
        "Another certificate has taken the place of the presented one, and was used or revoked.";
        "Let the device present its latest certificate; if it was restored from a backup, enroll it anew."

    // The course of an attempt.
    Denied "denied":
        "A person looked at the request and denied it.";
        "Ask whoever denied it; the device may ask again."
    ApprovalExpired "approval_expired":
        "Nobody decided about the request within the approval period.";
        "Let the device ask again, and look at pending requests more often."
    Abandoned "abandoned":
        "The attempt was begun and never finished: the service was stopped or lost its database.";
        "Let the device ask again; if this repeats, look for crashes in the service's log."
    IssuerExpired "issuer_expired":
        "The issuing authority's certificate is not valid now, so nothing can be issued.";
        "Replace the issuer's certificate and key, and keep the old one as a device issuer."
    SignerFailed "signer_failed":
        "The issuing key could not sign.";
        "Look at the key's module and its connection, then let the device ask again."
    StoreFailed "store_failed":
        "The ledger could not be written, so no certificate was released.";
        "Look at the database: reachable, disk not full; then let the device ask again."
    IssuedCertificateWrong "issued_certificate_wrong":
        "The signed certificate differed from what was meant, so it was not released.";
        "Stop issuing and find out why: the signing key or a library does not do what it should."
}

impl Reason {
    /// The reason with this code, if there is one.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    /// The code as the ledger's type.
    #[must_use]
    pub fn reason_code(self) -> ReasonCode {
        ReasonCode::from_static(self.code())
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl From<Reason> for ReasonCode {
    fn from(reason: Reason) -> Self {
        reason.reason_code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_of_the_ledgers_alphabet() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for code in codes {
            assert!(code.len() <= 64, "{code}");
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{code}"
            );
        }
    }

    #[test]
    fn a_code_leads_back_to_its_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert_eq!(reason.reason_code().as_str(), reason.code());
        }
        assert_eq!(Reason::from_code("no_such_code"), None);
    }

    #[test]
    fn every_reason_says_what_happened_and_what_to_do() {
        for reason in Reason::ALL {
            for text in [reason.sentence(), reason.advice()] {
                assert!(text.ends_with('.') && text.len() < 160, "{reason}: {text}");
            }
        }
    }
}
