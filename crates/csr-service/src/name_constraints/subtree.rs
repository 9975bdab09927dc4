//! One subtree of name constraints.

use std::fmt;
use std::net::IpAddr;

use der::asn1::AnyRef;
use der::{Tag, Tagged};
use renewal_domain::text::clean;

use super::directory_name::DirectoryName;
use super::hosts;
use super::name::Name;

/// What a constraint is about: the names of one form at and below a base.
#[derive(Clone, Debug)]
pub(super) enum Subtree {
    Directory(DirectoryName),
    Dns(String),
    Email(String),
    Uri(String),
    Ip(Network),
}

/// A network of IP addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    address: IpAddr,
    /// How many bits of the address count.
    prefix: u32,
}

/// Why a subtree cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// Names of this form are not known here.
    Form(&'static str),
    /// The base is wrong in this way.
    Base(String),
}

/// Where a name is in relation to a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The subtree does not apply to names of its form.
    OtherForm,
    Within,
    Outside,
    /// It is of the form, but cannot be compared: what it is instead.
    Unclear(&'static str),
}

impl Subtree {
    /// Reads the base, a `GeneralName`.
    pub(super) fn read(base: &AnyRef<'_>) -> Result<Self, Unusable> {
        let Tag::ContextSpecific { constructed, number } = base.tag() else {
            return Err(Unusable::Base("the base of a subtree is no name".into()));
        };
        match (number.value(), constructed) {
            (0, _) => Err(Unusable::Form("otherName")),
            (1, false) => text(base, "email", hosts::is_email_base).map(Self::Email),
            (2, false) => text(base, "DNS", hosts::is_base).map(Self::Dns),
            (3, _) => Err(Unusable::Form("x400Address")),
            (4, true) => DirectoryName::read(base.value()).map(Self::Directory).map_err(Unusable::Base),
            (5, _) => Err(Unusable::Form("ediPartyName")),
            (6, false) => text(base, "URI", hosts::is_base).map(Self::Uri),
            (7, false) => Network::read(base.value()).map(Self::Ip),
            (8, _) => Err(Unusable::Form("registeredID")),
            _ => Err(Unusable::Base("the base of a subtree is no name".into())),
        }
    }

    /// Where the name is.
    pub(super) fn relation(&self, name: &Name) -> Relation {
        let is_within = |within| if within { Relation::Within } else { Relation::Outside };
        let compared = |within: Option<bool>, why| within.map_or(Relation::Unclear(why), is_within);
        match (self, name) {
            (Self::Directory(base), Name::Directory(name)) => is_within(name.is_within(base)),
            (Self::Dns(base), Name::Dns(name)) => {
                compared(hosts::domain_is_within(name, base), "is not made of plain labels")
            }
            (Self::Email(base), Name::Email(address)) => {
                compared(hosts::email_is_within(address, base), "is no plain e-mail address")
            }
            (Self::Uri(base), Name::Uri(uri)) => {
                compared(hosts::uri_is_within(uri, base), "has no fully qualified domain name as its host")
            }
            (Self::Ip(network), Name::Ip(address)) => is_within(network.contains(*address)),
            (Self::Directory(_) | Self::Dns(_) | Self::Email(_) | Self::Uri(_) | Self::Ip(_), _) => {
                Relation::OtherForm
            }
        }
    }
}

impl fmt::Display for Subtree {
    /// As OpenSSL writes it, but for networks: `DNS:works.example`, `IP:192.0.2.0/24`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(name) => write!(f, "dirName:{name}"),
            Self::Dns(base) => write!(f, "DNS:{base}"),
            Self::Email(base) => write!(f, "email:{base}"),
            Self::Uri(base) => write!(f, "URI:{base}"),
            Self::Ip(Network { address, prefix }) => write!(f, "IP:{address}/{prefix}"),
        }
    }
}

impl Network {
    /// Reads an address and a mask of the same length.
    fn read(octets: &[u8]) -> Result<Self, Unusable> {
        let wrong =
            |why: &str| Unusable::Base(format!("the network {} {why}", clean(&hex::encode(octets), 80)));
        let (address, mask) = octets.split_at(octets.len() / 2);
        let (address, prefix, end_of_ones) = if let (Ok(address), Ok(mask)) =
            (<[u8; 4]>::try_from(address), <[u8; 4]>::try_from(mask))
        {
            let mask = u32::from_be_bytes(mask);
            (IpAddr::from(address), mask.leading_ones(), u32::BITS - mask.trailing_zeros())
        } else if let (Ok(address), Ok(mask)) = (<[u8; 16]>::try_from(address), <[u8; 16]>::try_from(mask)) {
            let mask = u128::from_be_bytes(mask);
            (IpAddr::from(address), mask.leading_ones(), u128::BITS - mask.trailing_zeros())
        } else {
            return Err(wrong("is no address with a mask"));
        };
        if prefix == end_of_ones { Ok(Self { address, prefix }) } else { Err(wrong("has a mask with gaps")) }
    }

    fn contains(self, address: IpAddr) -> bool {
        let differ = match (self.address, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => (base.to_bits() ^ address.to_bits()).leading_zeros(),
            (IpAddr::V6(base), IpAddr::V6(address)) => (base.to_bits() ^ address.to_bits()).leading_zeros(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        differ >= self.prefix
    }
}

fn text(base: &AnyRef<'_>, form: &str, is_base: fn(&str) -> bool) -> Result<String, Unusable> {
    match std::str::from_utf8(base.value()) {
        Ok(text) if text.is_ascii() && is_base(text) => Ok(text.to_owned()),
        _ => {
            let shown = clean(&String::from_utf8_lossy(base.value()), 80);
            Err(Unusable::Base(format!("{form}:{shown} is no constraint of this form")))
        }
    }
}
