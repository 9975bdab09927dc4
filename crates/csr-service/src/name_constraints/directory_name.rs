//! Distinguished names, compared as RFC 5280, section 7.1, asks for.

use std::collections::BTreeSet;
use std::fmt;

use der::asn1::ObjectIdentifier;
use der::{Tag, Tagged};
use x509_parser::prelude::{FromDer, X509Name};

use crate::names::{RawAttribute, RawName};

/// A distinguished name whose values are folded for comparison: letters A to Z are taken as a to z,
/// white space at the ends is dropped, and each run of it within is one space. The string types
/// `UTF8String`, `PrintableString` and `IA5String` are the same. OpenSSL folds so, too.
///
/// The Unicode part of RFC 4518 is left out: other letters than A to Z are compared as they are.
#[derive(Clone, Debug)]
pub(super) struct DirectoryName {
    parts: Vec<BTreeSet<(ObjectIdentifier, String)>>,
    shown: String,
}

impl DirectoryName {
    /// Reads the DER of a `Name`. The error says which value has a type that cannot be compared.
    pub(super) fn read(der: &[u8]) -> Result<Self, String> {
        let name = RawName::from_der(der).map_err(|_| "a directory name cannot be read")?;
        let parts = name.parts().iter().map(|part| part.iter().map(folded).collect());
        let parts = parts.collect::<Result<_, _>>()?;
        let shown = X509Name::from_der(der).map(|(_, name)| name.to_string()).unwrap_or_default();
        Ok(Self { parts, shown })
    }

    /// Whether the name begins with all parts of the other one.
    pub(super) fn is_within(&self, base: &Self) -> bool {
        self.parts.starts_with(&base.parts)
    }
}

impl fmt::Display for DirectoryName {
    /// As people write it: `O=Works, CN=gateway-7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn folded(attribute: &RawAttribute<'_>) -> Result<(ObjectIdentifier, String), String> {
    let text = match attribute.value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            std::str::from_utf8(attribute.value.value()).ok()
        }
        _ => None,
    };
    let Some(text) = text else {
        let kind = attribute.kind;
        return Err(format!("the attribute {kind} is no UTF8String, PrintableString or IA5String"));
    };
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    Ok((attribute.kind, words.join(" ").to_ascii_lowercase()))
}
