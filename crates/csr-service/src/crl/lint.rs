//! Reads back a revocation list that was signed and compares it with what was meant, as is done
//! with certificates.

use der::Encode;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry as oids;
use x509_parser::prelude::{CertificateRevocationList, FromDer};
use x509_parser::revocation_list::RevokedCertificate;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{Entry, Meant};
use crate::encoding::{Signed, Unreadable, check_canonical};
use crate::issuer::Issuer;
use crate::lint::{is_time, strip};

/// Checks the list; the error says what is wrong with it.
pub(super) fn check(der: &[u8], issuer: &Issuer, meant: &Meant<'_>) -> Result<(), String> {
    check_canonical(der).map_err(|Unreadable(why)| why)?;
    let signed = Signed::from_der(der).map_err(|error| error.to_string())?;
    let (_, list) = CertificateRevocationList::from_der(der).map_err(|error| error.to_string())?;
    let authority = issuer.authority();
    let (_, issuer_key) =
        SubjectPublicKeyInfo::from_der(&authority.key_info).map_err(|_| "the issuer's key cannot be read")?;
    let body = &list.tbs_cert_list;
    let whole = Encode::encoded_len(&signed.body).ok().and_then(|length| usize::try_from(length).ok());
    for (holds, what) in [
        (whole == Some(body.as_ref().len()), "fields that do not belong into a revocation list"),
        (list.verify_signature(&issuer_key).is_ok(), "the signature does not verify"),
        (body.signature == list.signature_algorithm, "two different signature algorithms"),
        (list.version().is_some_and(|version| version.0 == 1), "the version is not 2"),
        (list.issuer().as_raw() == authority.name, "another issuer"),
        (is_time(&list.last_update(), meant.this_update), "another time of making"),
        (
            list.next_update().is_some_and(|time| is_time(&time, meant.next_update)),
            "another time of the next list",
        ),
        (body.revoked_certificates.len() == meant.entries.len(), "another number of certificates"),
    ] {
        if !holds {
            return Err(what.into());
        }
    }
    check_extensions(&list, issuer, meant)?;
    match meant
        .entries
        .iter()
        .zip(list.iter_revoked_certificates())
        .find(|(entry, found)| !same(entry, found))
    {
        Some((entry, _)) => Err(format!("the entry of {} is not as meant", entry.serial)),
        None => Ok(()),
    }
}

/// Key identifier and number, and nothing else (RFC 5280, section 5.2).
fn check_extensions(
    list: &CertificateRevocationList<'_>,
    issuer: &Issuer,
    meant: &Meant<'_>,
) -> Result<(), String> {
    let mut expected = vec![oids::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, oids::OID_X509_EXT_CRL_NUMBER];
    for extension in list.extensions() {
        let right = match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(key) => {
                key.key_identifier.as_ref().is_some_and(|key| key.0 == issuer.key_identifier())
                    && key.authority_cert_issuer.is_none()
                    && key.authority_cert_serial.is_none()
            }
            ParsedExtension::CRLNumber(number) => {
                i64::try_from(number).is_ok_and(|number| number == meant.this_update.unix_timestamp())
            }
            _ => false,
        };
        match expected.iter().position(|oid| *oid == extension.oid) {
            Some(place) if right && !extension.critical => drop(expected.swap_remove(place)),
            _ => return Err(format!("the extension {} is not as meant", extension.oid)),
        }
    }
    match expected.first() {
        Some(missing) => Err(format!("the extension {missing} is missing")),
        None => Ok(()),
    }
}

fn same(entry: &Entry, found: &RevokedCertificate<'_>) -> bool {
    let serial = found.raw_serial();
    let reason = super::reason_code(entry.revocation.reason).map(|code| code as u8);
    let at = time::OffsetDateTime::from_unix_timestamp(entry.revocation.at.timestamp());
    serial.first().is_some_and(|octet| octet & 0x80 == 0)
        && strip(serial) == entry.serial.as_bytes()
        && at.is_ok_and(|at| is_time(&found.revocation_date, at))
        && found.extensions().len() == usize::from(reason.is_some())
        && found.reason_code().map(|(_, code)| code.0) == reason
        && found.extensions().iter().all(|extension| !extension.critical)
}
