//! What a request asks for beside its subject: attributes and, in one of them, extensions.
//!
//! Only the subject alternative names are used. Key usages are read and ignored, for the profile
//! decides them; what cannot be ignored safely is refused.

use std::collections::HashSet;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Sequence, Tag, Tagged};

use crate::encoding::{Extension, elements};
use crate::reason::Reason;
use crate::rejection::Rejection;

/// `extensionRequest` (RFC 2985, section 5.4.2).
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// `Attribute` (RFC 2986, section 4.1). The type stays encoded, since identifiers may have numbers
/// larger than any integer type.
#[derive(Sequence)]
pub(super) struct Attribute<'a> {
    kind: AnyRef<'a>,
    values: AnyRef<'a>,
}

/// `BasicConstraints` (RFC 5280, section 4.2.1.9).
#[derive(Sequence)]
struct BasicConstraints {
    #[asn1(default = "Default::default")]
    ca: bool,
    #[asn1(optional = "true")]
    path_length: Option<u32>,
}

/// Reads the attributes of a request.
pub(super) fn attributes<'a>(field: &AnyRef<'a>) -> der::Result<Vec<Attribute<'a>>> {
    field.tag().assert_eq(Tag::ContextSpecific { constructed: true, number: der::TagNumber(0) })?;
    elements(field.value())?
        .into_iter()
        .map(|element| {
            let attribute: Attribute<'a> = element.decode_as()?;
            attribute.kind.tag().assert_eq(Tag::ObjectIdentifier)?;
            attribute.values.tag().assert_eq(Tag::Set)?;
            Ok(attribute)
        })
        .collect()
}

/// Judges the requested extensions; the result is the content of the subject alternative names.
pub(super) fn judge<'a>(attributes: &[Attribute<'a>]) -> Result<Option<&'a [u8]>, Rejection> {
    let extensions = requested(attributes)?;
    let mut seen = HashSet::new();
    for extension in &extensions {
        if !seen.insert(extension.kind.value()) {
            return Err(Rejection::new(Reason::ExtensionRepeated, shown(&extension.kind)));
        }
    }
    let mut alt_names = None;
    for extension in &extensions {
        let content = extension.content.as_bytes();
        let is = |kind: ObjectIdentifier| extension.kind.value() == kind.as_bytes();
        let readable = if is(BASIC_CONSTRAINTS) {
            match BasicConstraints::from_der(content) {
                Ok(constraints) if constraints.ca => return Err(Reason::CaRequested.into()),
                constraints => constraints.is_ok(),
            }
        } else if is(KEY_USAGE) {
            BitStringRef::from_der(content).is_ok()
        } else if is(EXTENDED_KEY_USAGE) {
            Vec::<AnyRef<'_>>::from_der(content).is_ok()
        } else if is(SUBJECT_ALT_NAME) {
            alt_names = Some(content);
            true
        } else if extension.critical {
            return Err(Rejection::new(Reason::ExtensionNotAllowed, shown(&extension.kind)));
        } else {
            true
        };
        if !readable {
            return Err(Rejection::new(Reason::ExtensionMalformed, shown(&extension.kind)));
        }
    }
    Ok(alt_names)
}

/// The extensions of the one `extensionRequest` attribute, which has one value.
fn requested<'a>(attributes: &[Attribute<'a>]) -> Result<Vec<Extension<'a>>, Rejection> {
    let mut requests =
        attributes.iter().filter(|attribute| attribute.kind.value() == EXTENSION_REQUEST.as_bytes());
    let Some(request) = requests.next() else {
        return Ok(Vec::new());
    };
    let malformed = |_| Rejection::new(Reason::ExtensionMalformed, "extensionRequest");
    let values = elements(request.values.value()).map_err(malformed)?;
    if requests.next().is_some() || values.len() > 1 {
        return Err(Rejection::new(Reason::ExtensionRepeated, "extensionRequest"));
    }
    let list = values.first().ok_or_else(|| malformed(der::ErrorKind::Failed.into()))?;
    Extension::list(list).map_err(malformed)
}

/// The identifier of an extension with dots, for people.
fn shown(kind: &AnyRef<'_>) -> String {
    kind.decode_as::<ObjectIdentifier>().map_or_else(|_| hex::encode(kind.value()), |oid| oid.to_string())
}
