//! What the certificate of an authority says, for those who look after it.

use chrono::{DateTime, Utc};
use renewal_domain::text::clean;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;

use crate::authority::Authority;
use crate::certificate_der::parse;
use crate::issuer_error::IssuerError;
use crate::key::KeyKind;
use crate::lint::strip;

/// The longest name that is shown, in octets.
const MAX_NAME: usize = 256;

/// The certificate of an authority: one that [`Issuer`](crate::Issuer) or
/// [`DeviceIssuer`](crate::DeviceIssuer) takes. Whether it is valid now is not looked at.
#[derive(Clone, Debug)]
pub struct CaCertificate(Authority);

impl CaCertificate {
    /// Reads the one certificate in the input, PEM or DER.
    ///
    /// # Errors
    /// [`IssuerError`] when it is no CA certificate that can be used.
    pub fn read(input: impl AsRef<[u8]>) -> Result<Self, IssuerError> {
        Authority::read(input.as_ref()).map(Self)
    }

    /// The subject as people write it: `O=Works, CN=Device CA`. Control characters are replaced.
    #[must_use]
    pub fn subject(&self) -> String {
        self.look(|certificate| clean(&certificate.subject().to_string(), MAX_NAME))
    }

    /// The subject as it is, DER.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.0.name
    }

    /// The first common name in the subject, if there is one.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.look(|certificate| {
            let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
            Some(clean(name, MAX_NAME))
        })
    }

    /// The serial number in lowercase hexadecimal.
    #[must_use]
    pub fn serial(&self) -> String {
        self.look(|certificate| hex::encode(strip(certificate.raw_serial())))
    }

    /// The SHA-256 of the certificate, its fingerprint.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0.der).into()
    }

    /// The SHA-256 of its DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0.key_info).into()
    }

    pub(crate) fn key_info(&self) -> &[u8] {
        &self.0.key_info
    }

    /// What kind of key it has.
    #[must_use]
    pub const fn key_kind(&self) -> KeyKind {
        self.0.key_kind
    }

    /// The identifier of the key, as [`Issuer::key_id`](crate::Issuer::key_id).
    #[must_use]
    pub fn key_id(&self) -> String {
        hex::encode(self.0.key_identifier_or_made())
    }

    /// From when on it is valid.
    #[must_use]
    pub const fn not_before(&self) -> DateTime<Utc> {
        self.0.not_before
    }

    /// The last moment at which it is valid.
    #[must_use]
    pub const fn not_after(&self) -> DateTime<Utc> {
        self.0.not_after
    }

    /// Whether it may sign revocation lists.
    #[must_use]
    pub const fn may_sign_crls(&self) -> bool {
        self.0.may_sign_crls
    }

    /// Looks at what was parsed when it was read.
    fn look<T: Default>(&self, at: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
        parse(&self.0.der).map(|certificate| at(&certificate)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{load, new_issuer};
    use crate::{Issuer, IssuerKey};

    #[test]
    fn a_new_authority_is_shown_as_it_is() {
        for (key, kind) in [(IssuerKey::EcdsaP384, "ECDSA P-384"), (IssuerKey::Rsa2048, "RSA-2048")] {
            let new = new_issuer(key);
            let certificate = CaCertificate::read(new.certificate_pem()).unwrap();
            let issuer: Issuer = load(&new);
            assert_eq!(certificate.subject(), "CN=Test CA");
            assert_eq!(certificate.common_name().as_deref(), Some("Test CA"));
            assert_eq!(certificate.key_kind().to_string(), kind);
            assert_eq!(certificate.key_id(), issuer.key_id());
            assert_eq!(certificate.serial().len(), 40);
            assert_eq!(certificate.sha256(), <[u8; 32]>::from(Sha256::digest(issuer.certificate_der())));
            assert_eq!(certificate.not_after(), issuer.not_after());
            assert!(certificate.may_sign_crls());
        }
    }

    #[test]
    fn an_authority_without_a_key_identifier_has_the_one_that_its_certificates_refer_to() {
        use crate::test_support::{Cert, P256, ca_true};
        let der = Cert { extensions: vec![ca_true()], ..Cert::default() }.der(&P256);
        let key = std::sync::Arc::new(rcgen::KeyPair::from_pem(&P256.serialize_pem()).unwrap());
        let issuer = Issuer::with_signer(&der, key, crate::test_support::now()).unwrap();
        assert_eq!(CaCertificate::read(&der).unwrap().key_id(), issuer.key_id());
        assert_eq!(issuer.key_id().len(), 40);
    }
}
