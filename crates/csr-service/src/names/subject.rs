//! The subjects of requests and certificates.
//!
//! A renewal needs the very names of the certificate it renews (RFC 7030, section 4.2.2). So a
//! name is accepted only when it can be written into the new certificate octet for octet.

use std::fmt;

use der::Tagged;
use rcgen::DistinguishedName;
use renewal_domain::text::is_unsafe;
use renewal_domain::{DeviceName, InvalidName};

use super::attribute::Attribute;
use super::attribute_kind::AttributeKind;
use super::raw_name::RawName;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The subject of a request or certificate: a distinguished name with exactly one CN
/// (RFC 5280, section 4.1.2.6), whose attributes have the string types and upper bounds of RFC 5280,
/// appendix A.1. Two subjects are equal when their DER is identical.
#[derive(Clone)]
pub struct Subject {
    der: Vec<u8>,
    common_name: DeviceName,
    attributes: Vec<Attribute>,
    for_rcgen: DistinguishedName,
}

impl Subject {
    /// Judges the DER of a `Name`.
    pub(crate) fn judge(name: &RawName<'_>) -> Result<Self, Rejection> {
        let kinds: Vec<_> = name.attributes().map(|a| AttributeKind::of(a.kind)).collect();
        let mut common_names = name.attributes().zip(&kinds).filter(|(_, kind)| kind.is_common_name());
        let Some((common_name, _)) = common_names.next() else {
            return Err(Reason::SubjectWithoutCn.into());
        };
        if common_names.next().is_some() {
            return Err(Reason::SubjectWithSeveralCns.into());
        }
        for attribute in name.attributes().filter(|a| a.is_text()) {
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
        let judge = |(attribute, kind): (&super::raw_name::RawAttribute<'_>, AttributeKind)| {
            let text = String::from_utf8_lossy(attribute.value.value());
            Attribute::judge(kind, attribute.value.tag(), &text)
        };
        let attributes = name.attributes().zip(kinds).map(judge).collect::<Result<_, _>>()?;
        Ok(Self { der: name.der().to_vec(), common_name, attributes, for_rcgen })
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

    /// Each attribute as text, such as `O=Example, Ltd`, in their order. The text is not escaped, so it
    /// is the text of the [pattern](crate::AttributePattern) that permits this attribute and no other.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.attributes.iter().map(ToString::to_string)
    }

    pub(super) fn attributes(&self) -> &[Attribute] {
        &self.attributes
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
    /// In the order in which it is written, as OpenSSL shows it, with characters escaped as in RFC 4514:
    /// `O=Works\, Ltd, CN=gateway-7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attribute) in self.attributes.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", attribute.in_a_name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}
