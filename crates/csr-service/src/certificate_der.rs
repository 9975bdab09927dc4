//! Reading a certificate strictly (RFC 5280, section 4.1), whoever made it.

use chrono::{DateTime, Utc};
use der::asn1::AnyRef;
use der::{Decode, Encode, ErrorKind, Length, Tag, TagNumber, Tagged};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use crate::encoding::{Extension, Signed, Unreadable, check_canonical, der_of, elements};

/// The largest input that is looked at, in octets: a certificate and a text form of it in front.
const MAX_INPUT_BYTES: usize = 128 * 1024;

/// The DER of the one certificate in the input, DER or PEM.
pub(crate) fn certificate_der(input: &[u8]) -> Result<Vec<u8>, Unreadable> {
    if input.len() > MAX_INPUT_BYTES {
        return Err(Unreadable(format!("{} octets are too many", input.len())));
    }
    der_of(input, &["CERTIFICATE"])
}

/// Parses DER that is exactly one canonical certificate, each extension at most once and readable
/// if it is one that is known.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Unreadable> {
    let unreadable = |what: &str| Unreadable(what.into());
    check_canonical(der)?;
    let signed = Signed::from_der(der).map_err(|_| unreadable("not a signed structure"))?;
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| unreadable("not an X.509 certificate"))?;
    let body = &certificate.tbs_certificate;
    // What the parser understood must be all there is.
    if Encode::encoded_len(&signed.body) != Length::try_from(body.as_ref().len()) {
        return Err(unreadable("fields that do not belong into a certificate"));
    }
    check_parts(&signed.body).map_err(|_| unreadable("parts that are not what they must be"))?;
    if body.signature != certificate.signature_algorithm {
        return Err(unreadable("two different signature algorithms"));
    }
    if !body.extensions().is_empty() && body.version.0 != 2 {
        return Err(unreadable("extensions in a certificate that is not version 3"));
    }
    if body.extensions_map().is_err() {
        return Err(unreadable("an extension occurs twice"));
    }
    for extension in body.extensions() {
        let readable = match extension.parsed_extension() {
            ParsedExtension::ParseError { .. } => false,
            ParsedExtension::UnsupportedExtension { .. } => true,
            _ => check_canonical(extension.value).is_ok(),
        };
        if !readable {
            return Err(Unreadable(format!("the extension {} cannot be read", extension.oid)));
        }
    }
    Ok(certificate)
}

/// Checks of the parts of a certificate's body what the parser overlooks: what they are, and that
/// nothing is left over inside of them.
fn check_parts(body: &AnyRef<'_>) -> der::Result<()> {
    let fields = elements(body.value())?;
    let versioned = fields.first().is_some_and(|field| field.tag() == explicit(0));
    let [serial, algorithm, issuer, validity, subject, key, optional @ ..] =
        &fields[usize::from(versioned)..]
    else {
        return Err(ErrorKind::Failed.into());
    };
    serial.tag().assert_eq(Tag::Integer)?;
    for sequence in [algorithm, issuer, validity, subject, key] {
        sequence.tag().assert_eq(Tag::Sequence)?;
    }
    let key_parts = elements(key.value())?;
    let pairs = [algorithm, validity, key].into_iter().chain(key_parts.first());
    for pair in pairs {
        if elements(pair.value())?.len() > 2 {
            return Err(ErrorKind::Failed.into());
        }
    }
    match optional.last() {
        Some(last) if last.tag() == explicit(3) => {
            Extension::list(&AnyRef::from_der(last.value())?).map(drop)
        }
        _ => Ok(()),
    }
}

const fn explicit(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// A time of a certificate; `None` when it is beyond what can be computed with.
pub(crate) fn time(time: &ASN1Time) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.timestamp(), 0)
}
