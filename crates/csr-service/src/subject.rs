//! The subjects of requests and certificates.
//!
//! A renewal needs the very names of the certificate it renews (RFC 7030, section 4.2.2). So a
//! name is accepted only when it can be written into the new certificate octet for octet.

use std::collections::HashSet;
use std::fmt;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Sequence, Tag, Tagged};
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{DistinguishedName, DnType, DnValue};
use renewal_domain::text::is_unsafe;
use renewal_domain::{DeviceName, InvalidName};

use crate::encoding::elements;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// How people write the types of attributes (RFC 4514, section 3, and OpenSSL).
const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The subject of a request or certificate: a distinguished name with exactly one CN
/// (RFC 5280, section 4.1.2.6). Two subjects are equal when their DER is identical.
#[derive(Clone)]
pub struct Subject {
    der: Vec<u8>,
    common_name: DeviceName,
    for_rcgen: DistinguishedName,
}

impl Subject {
    /// Judges the DER of a `Name`.
    pub(crate) fn judge(name: &RawName<'_>) -> Result<Self, Rejection> {
        let mut common_names = name.attributes().filter(|a| a.kind == COMMON_NAME);
        let Some(common_name) = common_names.next() else {
            return Err(Reason::SubjectWithoutCn.into());
        };
        if common_names.next().is_some() {
            return Err(Reason::SubjectWithSeveralCns.into());
        }
        for attribute in name.attributes().filter(|a| is_text(a.value.tag())) {
            let text = String::from_utf8_lossy(attribute.value.value());
            if text.chars().any(is_unsafe) {
                return Err(Rejection::new(Reason::SubjectControlCharacter, text));
            }
        }
        let for_rcgen =
            name.for_rcgen().map_err(|detail| Rejection::new(Reason::SubjectUnsupported, detail))?;
        let common_name = String::from_utf8_lossy(common_name.value.value());
        let common_name = DeviceName::new(common_name).map_err(|invalid| match invalid {
            InvalidName::Length(_) => Rejection::new(Reason::SubjectCnLength, invalid.to_string()),
            InvalidName::Unsafe(_) => Reason::SubjectControlCharacter.into(),
        })?;
        Ok(Self { der: name.der.to_vec(), common_name, for_rcgen })
    }

    /// The one common name, which is the device's name.
    #[must_use]
    pub const fn common_name(&self) -> &DeviceName {
        &self.common_name
    }

    /// The DER of the whole name.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn for_rcgen(&self) -> DistinguishedName {
        self.for_rcgen.clone()
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Subject {}

impl fmt::Display for Subject {
    /// As OpenSSL shows it: `O=Works, CN=gateway-7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = RawName::from_der(&self.der).map_err(|_| fmt::Error)?;
        for (index, attribute) in name.attributes().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let kind = attribute.kind.to_string();
            let short = SHORT_NAMES.iter().find(|(number, _)| *number == kind);
            let kind = short.map_or(kind.as_str(), |(_, short)| short);
            let text = String::from_utf8_lossy(attribute.value.value());
            write!(f, "{separator}{kind}={text}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}

/// A `Name` (RFC 5280, section 4.1.2.4) that was read but not judged.
pub(crate) struct RawName<'a> {
    der: &'a [u8],
    parts: Vec<Vec<RawAttribute<'a>>>,
}

/// `AttributeTypeAndValue`.
#[derive(Sequence)]
pub(crate) struct RawAttribute<'a> {
    pub(crate) kind: ObjectIdentifier,
    pub(crate) value: AnyRef<'a>,
}

impl<'a> RawName<'a> {
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        let name = AnyRef::from_der(der)?;
        name.tag().assert_eq(Tag::Sequence)?;
        let parts = elements(name.value())?
            .into_iter()
            .map(|part| {
                part.tag().assert_eq(Tag::Set)?;
                elements(part.value())?.into_iter().map(AnyRef::decode_as).collect()
            })
            .collect::<der::Result<_>>()?;
        Ok(Self { der, parts })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The relative distinguished names, in their order.
    pub(crate) fn parts(&self) -> &[Vec<RawAttribute<'a>>] {
        &self.parts
    }

    fn attributes(&self) -> impl Iterator<Item = &RawAttribute<'a>> {
        self.parts.iter().flatten()
    }

    /// The name as rcgen writes it, provided that it comes out the same. Else says why not:
    /// rcgen's names are a map from types to values, and it panics at an empty part, and at a question
    /// mark in a `PrintableString`.
    pub(crate) fn for_rcgen(&self) -> Result<DistinguishedName, String> {
        let mut written = DistinguishedName::new();
        let mut seen = HashSet::new();
        for part in &self.parts {
            let [attribute] = part.as_slice() else {
                return Err(format!("a part of the name has {} attributes, not one", part.len()));
            };
            if !seen.insert(attribute.kind) {
                return Err(format!("the attribute {} occurs twice", attribute.kind));
            }
            let arcs: Vec<u64> = attribute.kind.arcs().map(u64::from).collect();
            let value = value_for_rcgen(&attribute.value)
                .map_err(|why| format!("the attribute {} {why}", attribute.kind))?;
            written.push(DnType::from_oid(&arcs), value);
        }
        Ok(written)
    }
}

/// The string types that are supported: those in which every octet is a character or part of one.
fn is_text(tag: Tag) -> bool {
    matches!(tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String)
}

fn value_for_rcgen(value: &AnyRef<'_>) -> Result<DnValue, &'static str> {
    const UNSUPPORTED: &str = "is no string that is supported";
    let text = std::str::from_utf8(value.value()).map_err(|_| UNSUPPORTED)?;
    match value.tag() {
        Tag::Utf8String => Ok(DnValue::Utf8String(text.into())),
        Tag::PrintableString if text.contains('?') => {
            Err("has a question mark in a PrintableString; write it as a UTF8String")
        }
        Tag::PrintableString => {
            PrintableString::try_from(text).map(DnValue::PrintableString).map_err(|_| UNSUPPORTED)
        }
        Tag::Ia5String => Ia5String::try_from(text).map(DnValue::Ia5String).map_err(|_| UNSUPPORTED),
        _ => Err(UNSUPPORTED),
    }
}
