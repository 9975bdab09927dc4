//! The names in a request to which name constraints apply.

use std::fmt;
use std::net::IpAddr;

use der::asn1::ObjectIdentifier;
use rcgen::SanType;

use super::directory_name::DirectoryName;
use crate::csr::Csr;
use crate::names::RawName;

/// `emailAddress` (RFC 5280, section 4.1.2.6).
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// A name of one of the forms that can be issued.
#[derive(Debug)]
pub(super) enum Name {
    Directory(DirectoryName),
    Dns(String),
    Email(String),
    Uri(String),
    Ip(IpAddr),
}

impl Name {
    /// The subject of a request, the e-mail addresses in it, and the alternative names.
    ///
    /// RFC 5280 demands that an e-mail address in the subject obey constraints when there are no
    /// alternative names; here it always must, as OpenSSL sees it.
    pub(super) fn of(csr: &Csr) -> Result<Vec<Self>, String> {
        let der = csr.subject().der();
        let subject = RawName::from_der(der).map_err(|error| format!("the subject: {error}"))?;
        let emails = subject.parts().iter().flatten().filter(|attribute| attribute.kind == EMAIL_ADDRESS);
        let emails = emails.map(|email| Self::Email(String::from_utf8_lossy(email.value.value()).into()));
        let alt_names = csr.san().for_rcgen().into_iter().filter_map(|name| match name {
            SanType::DnsName(name) => Some(Self::Dns(name.as_str().to_owned())),
            SanType::Rfc822Name(address) => Some(Self::Email(address.as_str().to_owned())),
            SanType::URI(uri) => Some(Self::Uri(uri.as_str().to_owned())),
            SanType::IpAddress(address) => Some(Self::Ip(address)),
            // A `Csr` has no others.
            _ => None,
        });
        Ok([Self::Directory(DirectoryName::read(der)?)].into_iter().chain(emails).chain(alt_names).collect())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(name) => write!(f, "the subject {name}"),
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
        }
    }
}
