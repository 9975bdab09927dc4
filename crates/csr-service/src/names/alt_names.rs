//! The subject alternative names of requests and certificates.

use std::fmt;

use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};
use rcgen::SanType;

use super::alt_name::AltName;
use crate::encoding::elements;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The most subject alternative names that a request may have.
pub const MAX_ALT_NAMES: usize = 16;

/// The subject alternative names of a request or certificate (RFC 5280, section 4.2.1.6): DNS
/// names, e-mail addresses, URIs and IP addresses, at most [`MAX_ALT_NAMES`], each with the syntax of
/// its kind. They are equal when they have the same names equally often; the order means nothing.
#[derive(Clone, Debug, Default)]
pub struct SubjectAltNames(Vec<AltName>);

impl SubjectAltNames {
    /// Judges the content of the extension.
    pub(crate) fn from_extension(der: &[u8]) -> Result<Self, Rejection> {
        let unreadable = |_| Rejection::new(Reason::SanMalformed, "not a list of names in DER");
        let list = AnyRef::from_der(der).map_err(unreadable)?;
        list.tag().assert_eq(Tag::Sequence).map_err(unreadable)?;
        let names = elements(list.value()).map_err(unreadable)?;
        match names.len() {
            0 => Err(Rejection::new(Reason::SanMalformed, "an empty list")),
            1..=MAX_ALT_NAMES => Ok(Self(names.iter().map(AltName::judge).collect::<Result<_, _>>()?)),
            n => Err(Rejection::new(Reason::SanUnsupported, format!("{n} names"))),
        }
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each name as text, such as `DNS:gw-1.example`, in their order.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }

    pub(super) fn as_slice(&self) -> &[AltName] {
        &self.0
    }

    pub(crate) fn for_rcgen(&self) -> Vec<SanType> {
        self.0.iter().map(AltName::for_rcgen).collect()
    }
}

impl PartialEq for SubjectAltNames {
    fn eq(&self, other: &Self) -> bool {
        let times = |names: &[AltName], name| names.iter().filter(|n| *n == name).count();
        self.0.len() == other.0.len()
            && self.0.iter().all(|name| times(&self.0, name) == times(&other.0, name))
    }
}

impl Eq for SubjectAltNames {}

impl fmt::Display for SubjectAltNames {
    /// As OpenSSL reads them: `DNS:gw-1.example, IP:192.0.2.1`; `none` when there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, name) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}
