//! Whether a certificate in the store is one of ours: who can write to the database is not the authority.

use renewal_domain::{CertificateRecord, StoreError};
use sha2::{Digest, Sha256};

use crate::algorithm::verify;
use crate::certificate_der::parse;
use crate::device_issuer::DeviceIssuer;
use crate::encoding::{PublicKeyInfo, Signed};
use crate::lint::strip;

/// Checks a stored certificate before it is handed out: that it is an end entity's, has the serial number,
/// key, name and digest of its row, and that an authority of ours signed it.
///
/// # Errors
/// [`StoreError::Corrupt`] says what is wrong.
pub(crate) fn check_stored(record: &CertificateRecord, issuers: &[DeviceIssuer]) -> Result<(), StoreError> {
    problem(record, issuers).map_or(Ok(()), |problem| {
        Err(StoreError::Corrupt {
            table: "device_certificates",
            column: "der",
            row: format!("org_id {}, serial {}", record.org_id, record.serial),
            problem: problem.to_owned(),
        })
    })
}

fn problem(record: &CertificateRecord, issuers: &[DeviceIssuer]) -> Option<&'static str> {
    let Ok(certificate) = parse(&record.der) else { return Some("it is no certificate") };
    let Ok(signed) = Signed::from_der(&record.der) else { return Some("it is no certificate") };
    let is_signed = issuers
        .iter()
        .filter(|issuer| issuer.public_key_sha256() == record.issuer_key_sha256)
        .filter(|issuer| issuer.subject_der() == certificate.issuer().as_raw())
        .any(|issuer| {
            PublicKeyInfo::from_der(&issuer.authority.key_info).is_ok_and(|key| verify(&signed, &key).is_ok())
        });
    let digest = |octets: &[u8]| -> [u8; 32] { Sha256::digest(octets).into() };
    let name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    [
        (digest(&record.der) == record.certificate_sha256, "it has another digest than its row says"),
        (strip(certificate.raw_serial()) == record.serial.as_bytes(), "it has another serial number"),
        (digest(certificate.public_key().raw) == record.public_key_sha256, "it has another public key"),
        (name == Some(record.device_name.as_str()), "it has another common name"),
        (!certificate.is_ca(), "it is an authority's"),
        (is_signed, "it was not signed by an authority of this configuration"),
    ]
    .into_iter()
    .find_map(|(holds, problem)| (!holds).then_some(problem))
}
