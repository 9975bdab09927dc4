//! Attributes of subjects (RFC 5280, appendix A.1).

use renewal_domain::text::is_unsafe;

use super::is_label;

/// A string type: its tag in DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StringType {
    Utf8 = 0x0c,
    Printable = 0x13,
    Ia5 = 0x16,
}

/// A type of attributes.
#[derive(Debug)]
pub(crate) struct AttributeType {
    /// As a pattern has it.
    pub(crate) name: &'static str,
    /// The content of the object identifier in DER.
    pub(crate) oid: &'static [u8],
    /// The string type that a value always may have.
    pub(crate) string_type: StringType,
    /// The upper bound, in characters.
    max: usize,
}

const fn of(name: &'static str, oid: &'static [u8], string_type: StringType, max: usize) -> AttributeType {
    AttributeType { name, oid, string_type, max }
}

/// Those that have a name.
pub(crate) const TYPES: [AttributeType; 17] = [
    of("CN", &[0x55, 4, 3], StringType::Utf8, 64),
    of("surname", &[0x55, 4, 4], StringType::Utf8, 32_768),
    of("serialNumber", &[0x55, 4, 5], StringType::Printable, 64),
    of("C", &[0x55, 4, 6], StringType::Printable, 2),
    of("L", &[0x55, 4, 7], StringType::Utf8, 128),
    of("ST", &[0x55, 4, 8], StringType::Utf8, 128),
    of("O", &[0x55, 4, 10], StringType::Utf8, 64),
    of("OU", &[0x55, 4, 11], StringType::Utf8, 64),
    of("title", &[0x55, 4, 12], StringType::Utf8, 64),
    of("name", &[0x55, 4, 41], StringType::Utf8, 32_768),
    of("givenName", &[0x55, 4, 42], StringType::Utf8, 32_768),
    of("initials", &[0x55, 4, 43], StringType::Utf8, 32_768),
    of("generationQualifier", &[0x55, 4, 44], StringType::Utf8, 32_768),
    of("dnQualifier", &[0x55, 4, 46], StringType::Printable, 255),
    of("pseudonym", &[0x55, 4, 65], StringType::Utf8, 128),
    of("DC", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 0x19], StringType::Ia5, 63),
    of("emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], StringType::Ia5, 255),
];

/// The bound of types that have none.
const MAX_OTHER: usize = 255;

/// The type with this name.
pub(crate) fn named(name: &str) -> Option<&'static AttributeType> {
    TYPES.iter().find(|it| it.name == name)
}

impl AttributeType {
    /// Whether an attribute may have this value, whatever its string type.
    pub(crate) fn may_be(&self, value: &str) -> bool {
        let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
        let characters = match (self.name, self.string_type) {
            ("C", _) => value.len() == 2 && value.bytes().all(|octet| octet.is_ascii_alphabetic()),
            ("DC", _) => is_label(value.as_bytes()),
            (_, StringType::Printable) => value.chars().all(printable),
            (_, StringType::Ia5) => value.is_ascii(),
            (_, StringType::Utf8) => true,
        };
        characters && (1..=self.max).contains(&value.chars().count()) && !value.chars().any(is_unsafe)
    }
}

/// Whether an attribute of a certificate, with the content of its type and the tag and content of its value,
/// is as RFC 5280 has it.
pub(crate) fn is_valid(oid: &[u8], tag: u8, value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let known = TYPES.iter().find(|it| it.oid == oid);
    let types: &[StringType] = match known.map(|it| it.string_type) {
        Some(StringType::Utf8) => &[StringType::Utf8, StringType::Printable],
        Some(StringType::Printable) => &[StringType::Printable],
        Some(StringType::Ia5) => &[StringType::Ia5],
        None => &[StringType::Utf8, StringType::Printable, StringType::Ia5],
    };
    types.iter().any(|it| *it as u8 == tag)
        && match known {
            Some(known) => known.may_be(text),
            None => (1..=MAX_OTHER).contains(&text.chars().count()) && !text.chars().any(is_unsafe),
        }
}
