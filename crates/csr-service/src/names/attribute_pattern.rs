//! Patterns that permit attributes of a subject.

use std::fmt;
use std::str::FromStr;

use renewal_domain::text::is_unsafe;

use super::attribute::Attribute;
use super::attribute_kind::AttributeKind;
use super::pattern_error::InvalidPattern;
use super::san_pattern::SAMPLE;
use super::template::{Place, Template, Variables};

/// What permits an attribute of the subject beside the CN: `O=Example Ltd`, `OU={cn}`. The type is a name
/// (`O`, `OU`, `L`, `serialNumber`, ..., in any case) or a number with dots; all that stands behind the
/// first `=` is the value, with the variables of a [`SanPattern`](crate::SanPattern).
///
/// A pattern permits an attribute, and does not add it. Values are compared octet for octet, whatever
/// their string types. A value has no structure that `{cn}` could change, so it may be any common name;
/// but in `DC` it must be one label of a DNS name.
///
/// ```
/// # use csr_service::AttributePattern;
/// let pattern: AttributePattern = "o=Example, Ltd".parse()?;
/// assert_eq!(pattern.to_string(), "O=Example, Ltd");
/// assert!("C=Germany".parse::<AttributePattern>().is_err());
/// # Ok::<(), csr_service::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePattern {
    kind: AttributeKind,
    text: Template,
}

impl AttributePattern {
    pub(super) fn permits(&self, attribute: &Attribute, values: &Variables<'_>) -> bool {
        self.kind == attribute.kind() && self.fill(values).is_ok_and(|text| text == attribute.text())
    }

    fn fill(&self, values: &Variables<'_>) -> Result<String, String> {
        let place = if self.kind.is_domain_component() { Place::Label } else { Place::Text };
        let text = self.text.fill(values, place)?;
        self.kind.check_text(&text)?;
        Ok(text)
    }
}

impl FromStr for AttributePattern {
    type Err = InvalidPattern;

    /// Reads `TYPE=VALUE`.
    fn from_str(pattern: &str) -> Result<Self, InvalidPattern> {
        let never = |why: &str| InvalidPattern::NeverValid { pattern: pattern.into(), why: why.into() };
        let allowed = || format!("{}, or a number as 1.2.3.4", AttributeKind::names());
        let Some((kind, text)) = pattern.split_once('=') else {
            let allowed = format!("a type and =; the types are {}", allowed());
            return Err(InvalidPattern::NoKind { pattern: pattern.into(), allowed });
        };
        let Some(kind) = AttributeKind::named(kind) else {
            return Err(InvalidPattern::UnknownKind {
                pattern: pattern.into(),
                kind: kind.into(),
                allowed: allowed(),
            });
        };
        if kind.is_common_name() {
            return Err(never(
                "the CN is given by the permission to enroll; patterns are for other attributes",
            ));
        }
        if text.chars().any(is_unsafe) {
            return Err(never("a subject has no control or text-direction characters"));
        }
        let it = Self { kind, text: Template::parse(text, pattern)? };
        if kind.is_country() && it.text.has_variables() {
            return Err(never("a country code of 2 letters must be written out"));
        }
        it.fill(&SAMPLE).map_err(|why| never(&why))?;
        Ok(it)
    }
}

impl fmt::Display for AttributePattern {
    /// The text that is read as this pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.text)
    }
}
