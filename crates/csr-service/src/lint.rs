//! Reads back a certificate that was signed and compares it with what was meant.
//!
//! The reader shares no code with the writer, so a mistake of the writer, of the key's module or
//! of this crate is found here before anybody gets the certificate. The rules are those of the
//! RFC 5280 profile for end entities.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{CRLDistributionPoints, DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::oid_registry as oids;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::certificate::Meant;
use crate::certificate_der::parse;
use crate::encoding::Unreadable;
use crate::issuer::Issuer;
use crate::names::SubjectAltNames;
use crate::presented::authority_key_identifier;

/// The years that are written as `UTCTime` (RFC 5280, section 4.1.2.5).
const UTC_TIME_YEARS: std::ops::Range<i32> = 1950..2050;

/// Checks the certificate; the error says what is wrong with it.
pub(crate) fn check(der: &[u8], issuer: &Issuer, meant: &Meant<'_>) -> Result<(), String> {
    let certificate = parse(der).map_err(|Unreadable(why)| why)?;
    let authority = issuer.authority();
    let (_, issuer_key) =
        SubjectPublicKeyInfo::from_der(&authority.key_info).map_err(|_| "the issuer's key cannot be read")?;
    let serial = certificate.raw_serial();
    for (holds, what) in [
        (certificate.verify_signature(Some(&issuer_key)).is_ok(), "the signature does not verify"),
        (certificate.version().0 == 2, "the version is not 3"),
        (certificate.issuer().as_raw() == authority.name, "another issuer"),
        (certificate.subject().as_raw() == meant.csr.subject().der(), "another subject"),
        (certificate.public_key().raw == meant.csr.spki_der(), "another public key"),
        (serial.len() <= 20 && serial.first().is_some_and(|b| b & 0x80 == 0), "an impossible serial number"),
        (strip(serial) == meant.serial.as_bytes(), "another serial number"),
        (is_time(&certificate.validity().not_before, meant.not_before), "another start of validity"),
        (is_time(&certificate.validity().not_after, meant.not_after), "another end of validity"),
        (meant.not_before < meant.not_after, "no time of validity"),
        (certificate.issuer_uid.is_none() && certificate.subject_uid.is_none(), "unique identifiers"),
    ] {
        if !holds {
            return Err(what.into());
        }
    }
    check_extensions(&certificate, issuer, meant)
}

fn check_extensions(
    certificate: &X509Certificate<'_>,
    issuer: &Issuer,
    meant: &Meant<'_>,
) -> Result<(), String> {
    let wanted = meant.csr.san();
    let mut expected = vec![
        oids::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
        oids::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
        oids::OID_X509_EXT_BASIC_CONSTRAINTS,
        oids::OID_X509_EXT_KEY_USAGE,
        oids::OID_X509_EXT_EXTENDED_KEY_USAGE,
    ];
    if !wanted.is_empty() {
        expected.push(oids::OID_X509_EXT_SUBJECT_ALT_NAME);
    }
    if meant.crl_url.is_some() {
        expected.push(oids::OID_X509_EXT_CRL_DISTRIBUTION_POINTS);
    }
    for extension in certificate.extensions() {
        let right = match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(_) => {
                !extension.critical && authority_key_identifier(certificate) == Some(&issuer.key_identifier())
            }
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                !extension.critical && (1..=20).contains(&identifier.0.len())
            }
            ParsedExtension::BasicConstraints(constraints) => {
                extension.critical && !constraints.ca && constraints.path_len_constraint.is_none()
            }
            ParsedExtension::KeyUsage(usage) => extension.critical && usage.flags == 1,
            ParsedExtension::ExtendedKeyUsage(_) => extension.value == CLIENT_AUTH,
            ParsedExtension::SubjectAlternativeName(_) => {
                !extension.critical
                    && SubjectAltNames::from_extension(extension.value).is_ok_and(|san| san == *wanted)
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                !extension.critical && meant.crl_url.is_some_and(|url| is_the_one_url(points, url))
            }
            _ => false,
        };
        let place = expected.iter().position(|oid| *oid == extension.oid);
        match place {
            Some(place) if right => drop(expected.swap_remove(place)),
            _ => return Err(format!("the extension {} is not as meant", extension.oid)),
        }
    }
    match expected.first() {
        Some(missing) => Err(format!("the extension {missing} is missing")),
        None => Ok(()),
    }
}

/// The content of an extended key usage that is `clientAuth` and nothing else.
const CLIENT_AUTH: [u8; 12] = [0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];

/// Whether the list is said to be at this URL and nowhere else, for all reasons, from the issuer.
fn is_the_one_url(points: &CRLDistributionPoints<'_>, url: &str) -> bool {
    let [point] = points.points.as_slice() else { return false };
    let name = match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => names.as_slice(),
        _ => return false,
    };
    matches!(name, [GeneralName::URI(found)] if *found == url)
        && point.reasons.is_none()
        && point.crl_issuer.is_none()
}

pub(crate) fn is_time(found: &ASN1Time, meant: time::OffsetDateTime) -> bool {
    found.to_datetime() == meant && found.is_utctime() == UTC_TIME_YEARS.contains(&found.to_datetime().year())
}

/// An integer's octets without the one that keeps it positive.
pub(crate) fn strip(serial: &[u8]) -> &[u8] {
    match serial {
        [0, rest @ ..] => rest,
        all => all,
    }
}

#[cfg(test)]
mod tests;
