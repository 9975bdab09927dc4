//! The subject alternative names of requests and certificates.

use std::fmt;
use std::net::IpAddr;

use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};
use rcgen::SanType;
use rcgen::string::Ia5String;

use crate::encoding::elements;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The most subject alternative names that a request may have.
pub const MAX_ALT_NAMES: usize = 16;

/// The subject alternative names of a request or certificate (RFC 5280, section 4.2.1.6): DNS
/// names, e-mail addresses, URIs and IP addresses, at most [`MAX_ALT_NAMES`]. They are equal when
/// they have the same names equally often; the order means nothing.
#[derive(Clone, Debug, Default)]
pub struct SubjectAltNames(Vec<SanType>);

impl SubjectAltNames {
    /// Judges the content of the extension.
    pub(crate) fn from_extension(der: &[u8]) -> Result<Self, Rejection> {
        let unreadable = |_| Rejection::new(Reason::SanMalformed, "not a list of names in DER");
        let list = AnyRef::from_der(der).map_err(unreadable)?;
        list.tag().assert_eq(Tag::Sequence).map_err(unreadable)?;
        let names = elements(list.value()).map_err(unreadable)?;
        match names.len() {
            0 => Err(Rejection::new(Reason::SanMalformed, "an empty list")),
            1..=MAX_ALT_NAMES => Ok(Self(names.iter().map(alt_name).collect::<Result<_, _>>()?)),
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

    pub(crate) fn for_rcgen(&self) -> Vec<SanType> {
        self.0.clone()
    }
}

impl PartialEq for SubjectAltNames {
    fn eq(&self, other: &Self) -> bool {
        let times = |names: &[SanType], name| names.iter().filter(|n| *n == name).count();
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
            match name {
                SanType::DnsName(text) => write!(f, "{separator}DNS:{text}")?,
                SanType::Rfc822Name(text) => write!(f, "{separator}email:{text}")?,
                SanType::URI(text) => write!(f, "{separator}URI:{text}")?,
                SanType::IpAddress(address) => write!(f, "{separator}IP:{address}")?,
                _ => write!(f, "{separator}other")?,
            }
        }
        Ok(())
    }
}

fn alt_name(name: &AnyRef<'_>) -> Result<SanType, Rejection> {
    let number = match name.tag() {
        Tag::ContextSpecific { number, .. } => number.value(),
        tag => return Err(Rejection::new(Reason::SanMalformed, format!("a name with the tag {tag}"))),
    };
    let kind = match number {
        0 => "otherName",
        3 => "x400Address",
        4 => "directoryName",
        5 => "ediPartyName",
        8 => "registeredID",
        1 | 2 | 6 | 7 if !name.tag().is_constructed() => "",
        _ => return Err(Rejection::new(Reason::SanMalformed, format!("a name with the tag {}", name.tag()))),
    };
    if !kind.is_empty() {
        return Err(Rejection::new(Reason::SanUnsupported, kind));
    }
    if number == 7 {
        return address(name.value()).map(SanType::IpAddress);
    }
    let text = visible_ascii(name.value())?;
    Ok(match number {
        1 => SanType::Rfc822Name(text),
        2 => SanType::DnsName(text),
        _ => SanType::URI(text),
    })
}

fn visible_ascii(octets: &[u8]) -> Result<Ia5String, Rejection> {
    std::str::from_utf8(octets)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()))
        .and_then(|text| Ia5String::try_from(text).ok())
        .ok_or_else(|| Rejection::new(Reason::SanMalformed, String::from_utf8_lossy(octets)))
}

fn address(octets: &[u8]) -> Result<IpAddr, Rejection> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        Ok(v4.into())
    } else if let Ok(v6) = <[u8; 16]>::try_from(octets) {
        Ok(v6.into())
    } else {
        Err(Rejection::new(Reason::SanMalformed, format!("an IP address of {} octets", octets.len())))
    }
}
