//! A distinguished name that was read but not judged.

use std::collections::HashSet;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Sequence, Tag, Tagged};
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{DistinguishedName, DnType, DnValue};

use crate::encoding::elements;

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

    pub(super) const fn der(&self) -> &'a [u8] {
        self.der
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = &RawAttribute<'a>> {
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

impl RawAttribute<'_> {
    /// Whether the value is a string whose every octet is a character or part of one.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String)
    }
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
