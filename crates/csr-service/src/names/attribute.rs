//! One attribute of a subject.

use std::fmt;

use der::Tag;

use super::attribute_kind::AttributeKind;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// An attribute with the string type and within the upper bound of its type (RFC 5280, appendix A.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    kind: AttributeKind,
    string_type: Tag,
    text: String,
}

impl Attribute {
    /// Judges an attribute of a supported string type, whose content is this text.
    pub(super) fn judge(kind: AttributeKind, string_type: Tag, text: &str) -> Result<Self, Rejection> {
        let malformed = |why: String| Rejection::new(Reason::SubjectMalformed, format!("{why}: {text}"));
        kind.check_type(string_type).map_err(|allowed| {
            let article = if string_type == Tag::Ia5String { "an" } else { "a" };
            malformed(format!("{kind} must be {allowed}, this one is {article} {}", name_of(string_type)))
        })?;
        kind.check_text(text).map_err(malformed)?;
        Ok(Self { kind, string_type, text: text.to_owned() })
    }

    pub(super) const fn kind(&self) -> AttributeKind {
        self.kind
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The name of the string type, such as `UTF8String`.
    pub(super) const fn string_type(&self) -> &'static str {
        name_of(self.string_type)
    }

    /// As a part of a whole name: with the characters escaped that would mean something there (RFC 4514,
    /// section 2.4), so that two names which differ are shown differently.
    pub(super) fn in_a_name(&self) -> String {
        let mut escaped = format!("{}=", self.kind);
        let last = self.text.chars().count().saturating_sub(1);
        for (index, c) in self.text.chars().enumerate() {
            let at_an_end = (index == 0 && matches!(c, ' ' | '#')) || (index == last && c == ' ');
            if at_an_end || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    }
}

impl fmt::Display for Attribute {
    /// By itself, as a pattern is written: `O=Example, Ltd`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.text)
    }
}

/// The ASN.1 name of a string type.
const fn name_of(tag: Tag) -> &'static str {
    match tag {
        Tag::Utf8String => "UTF8String",
        Tag::PrintableString => "PrintableString",
        Tag::Ia5String => "IA5String",
        _ => "string of another type",
    }
}
