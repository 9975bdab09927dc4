//! One subject alternative name.

use std::fmt;
use std::net::IpAddr;

use der::{Tag, Tagged, asn1::AnyRef};
use rcgen::SanType;
use rcgen::string::Ia5String;

use super::{dns, email, uri};
use crate::reason::Reason;
use crate::rejection::Rejection;

/// A `GeneralName` (RFC 5280, section 4.2.1.6) of a kind that is supported, with the syntax of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AltName {
    Dns(Ia5String),
    Email(Ia5String),
    Uri(Ia5String),
    Ip(IpAddr),
}

impl AltName {
    /// A name that is written as text, whose syntax is checked. The error says what is wrong with it.
    pub(super) fn new(
        kind: fn(Ia5String) -> Self,
        check: fn(&str) -> Result<(), String>,
        text: &str,
    ) -> Result<Self, String> {
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a name has visible ASCII characters only (Punycode for domain names)".into());
        }
        check(text)?;
        Ia5String::try_from(text).map(kind).map_err(|error| error.to_string())
    }

    pub(super) fn dns(text: &str) -> Result<Self, String> {
        Self::new(Self::Dns, dns::check, text)
    }

    pub(super) fn email(text: &str) -> Result<Self, String> {
        Self::new(Self::Email, email::check, text)
    }

    pub(super) fn uri(text: &str) -> Result<Self, String> {
        Self::new(Self::Uri, |text| uri::check(text).map(drop), text)
    }

    /// Judges an element of the extension.
    pub(super) fn judge(name: &AnyRef<'_>) -> Result<Self, Rejection> {
        let number = match name.tag() {
            Tag::ContextSpecific { number, .. } => number.value(),
            tag => return Err(malformed(format!("a name with the tag {tag}"))),
        };
        let unsupported = |kind| Err(Rejection::new(Reason::SanUnsupported, kind));
        match number {
            0 => return unsupported("otherName"),
            3 => return unsupported("x400Address"),
            4 => return unsupported("directoryName"),
            5 => return unsupported("ediPartyName"),
            8 => return unsupported("registeredID"),
            _ => {}
        }
        let text = || String::from_utf8_lossy(name.value());
        let (kind, judged) = match number {
            _ if name.tag().is_constructed() => {
                return Err(malformed(format!("a name with the tag {}", name.tag())));
            }
            1 => ("email", Self::email(&text())),
            2 => ("DNS", Self::dns(&text())),
            6 => ("URI", Self::uri(&text())),
            7 => return address(name.value()).map(Self::Ip),
            _ => return Err(malformed(format!("a name with the tag {}", name.tag()))),
        };
        judged.map_err(|why| malformed(format!("{why}: {kind}:{}", text())))
    }

    /// Whether the two are the same name: DNS names in any case (RFC 4343), all else octet for octet.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dns(one), Self::Dns(other)) => one.as_str().eq_ignore_ascii_case(other.as_str()),
            (Self::Dns(_) | Self::Email(_) | Self::Uri(_) | Self::Ip(_), _) => self == other,
        }
    }

    pub(super) fn for_rcgen(&self) -> SanType {
        match self.clone() {
            Self::Dns(text) => SanType::DnsName(text),
            Self::Email(text) => SanType::Rfc822Name(text),
            Self::Uri(text) => SanType::URI(text),
            Self::Ip(address) => SanType::IpAddress(address),
        }
    }
}

impl fmt::Display for AltName {
    /// As OpenSSL writes it: `DNS:gw-1.example`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) => write!(f, "DNS:{text}"),
            Self::Email(text) => write!(f, "email:{text}"),
            Self::Uri(text) => write!(f, "URI:{text}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
        }
    }
}

fn address(octets: &[u8]) -> Result<IpAddr, Rejection> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        Ok(v4.into())
    } else if let Ok(v6) = <[u8; 16]>::try_from(octets) {
        Ok(v6.into())
    } else {
        Err(malformed(format!("an IP address of {} octets", octets.len())))
    }
}

fn malformed(detail: String) -> Rejection {
    Rejection::new(Reason::SanMalformed, detail)
}
