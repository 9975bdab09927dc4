//! Certificates as EST gives them out: a certs-only CMS message (RFC 5272, section 4.1; RFC 5652,
//! section 5), in base64.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms::cert::x509::Certificate;
use cms::cert::x509::der::{Decode, Encode, Error};
use cms::content_info::ContentInfo;

/// Certificates cannot be put into a CMS message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEncodable {
    /// The library cannot read a certificate, or write the message.
    #[error("the CMS message cannot be encoded: {0}")]
    Asn1(String),
    /// The library would write a certificate with other octets than it read, which breaks the
    /// certificate's signature.
    #[error("a certificate is not in canonical DER, so that a CMS message would change it")]
    Changed,
}

/// A `SignedData` without signatures that holds the certificates (DER), in base64 on one line:
/// wrapped base64 is allowed (RFC 8951, section 3.1), but some clients fail on it.
///
/// The certificates are a SET, which DER sorts by its octets: their order says nothing.
pub(super) fn certs_only(certificates: &[impl AsRef<[u8]>]) -> Result<Bytes, NotEncodable> {
    let certificates: Result<Vec<_>, _> = certificates.iter().map(|der| exactly(der.as_ref())).collect();
    let message = ContentInfo::try_from(certificates?).and_then(|message| message.to_der());
    Ok(STANDARD.encode(message.map_err(asn1)?).into())
}

/// The certificate, if the library writes it exactly as it was read.
fn exactly(der: &[u8]) -> Result<Certificate, NotEncodable> {
    let certificate = Certificate::from_der(der).map_err(asn1)?;
    match certificate.to_der() {
        Ok(written) if written == der => Ok(certificate),
        Ok(_) => Err(NotEncodable::Changed),
        Err(error) => Err(asn1(error)),
    }
}

fn asn1(error: Error) -> NotEncodable {
    NotEncodable::Asn1(error.to_string())
}

#[cfg(test)]
mod tests {
    use cms::signed_data::SignedData;

    use super::*;

    fn certificate(name: &str) -> Vec<u8> {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.der().to_vec()
    }

    fn read(base64: &[u8]) -> SignedData {
        let message = ContentInfo::from_der(&STANDARD.decode(base64).unwrap()).unwrap();
        message.content.decode_as().unwrap()
    }

    #[test]
    fn the_message_holds_the_certificates_and_no_signature() {
        let certificates = [certificate("a"), certificate("b")];
        let base64 = certs_only(&certificates).unwrap();
        assert!(base64.iter().all(u8::is_ascii_graphic), "one line");
        let message = read(&base64);
        let held = message.certificates.unwrap().0;
        let mut held: Vec<_> = held.iter().map(|it| it.to_der().unwrap()).collect();
        held.sort();
        let mut expected = certificates.to_vec();
        expected.sort();
        assert_eq!(held, expected);
        assert!(message.signer_infos.0.is_empty() && message.encap_content_info.econtent.is_none());
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(matches!(certs_only(&[[0x30, 0]]), Err(NotEncodable::Asn1(_))));
    }
}
