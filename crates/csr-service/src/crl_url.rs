//! Where the revocation list of an issuer is to be found, as certificates say it.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// What stands for the issuer in a URL.
const ISSUER: &str = "{issuer}";

/// The longest URL, in octets; some verifiers take no longer one.
const LONGEST: usize = 1_024;

/// The URL of a revocation list, for the CRL distribution points of certificates (RFC 5280, section
/// 4.2.1.13). `{issuer}` in it stands for the [identifier of the issuer's key](crate::Issuer::key_id),
/// so that certificates go on naming the list of the issuer that signed them when there is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlUrl(String);

/// The text cannot be the URL of a revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCrlUrl {
    /// It is too long.
    #[error("the URL of the revocation list has more than {LONGEST} characters")]
    TooLong,
    /// A character may not be in a URL.
    #[error(
        "the URL of the revocation list has a character that a URL cannot have: write it in printable ASCII, without spaces, and with %XX for the rest; {ISSUER} stands for the issuer"
    )]
    Character,
    /// It is no absolute URL of a scheme that verifiers know.
    #[error(
        "the URL of the revocation list must be absolute, with a host, and begin with http://, https:// or ldap://"
    )]
    Scheme,
}

impl CrlUrl {
    /// The URL for an issuer.
    #[must_use]
    pub fn of(&self, issuer: &crate::Issuer) -> String {
        self.for_key(&issuer.key_id())
    }

    fn for_key(&self, key_id: &str) -> String {
        self.0.replace(ISSUER, key_id)
    }
}

impl FromStr for CrlUrl {
    type Err = InvalidCrlUrl;

    fn from_str(text: &str) -> Result<Self, InvalidCrlUrl> {
        let it = Self(text.to_owned());
        let url = it.for_key(&"0".repeat(40));
        if url.len() > LONGEST {
            return Err(InvalidCrlUrl::TooLong);
        }
        // What RFC 3986 knows, section 2. The parser would forgive the rest, and verifiers may not.
        if !url.bytes().all(|octet| octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet)) {
            return Err(InvalidCrlUrl::Character);
        }
        let parsed = Url::parse(&url).map_err(|_| InvalidCrlUrl::Scheme)?;
        let scheme = parsed.scheme();
        // The parser takes http:host and http:///host for http://host.
        let written = url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
            && url[scheme.len()..].starts_with("://")
            && !url[scheme.len()..].starts_with(":///");
        let known = matches!(scheme, "http" | "https" | "ldap");
        if known && written && parsed.has_host() { Ok(it) } else { Err(InvalidCrlUrl::Scheme) }
    }
}

impl fmt::Display for CrlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::issuer;

    #[test]
    fn the_issuer_takes_its_place_in_the_url() {
        let issuer = issuer();
        let url: CrlUrl = "http://pki.example/crl/{issuer}".parse().unwrap();
        assert_eq!(url.of(&issuer), format!("http://pki.example/crl/{}", issuer.key_id()));
        assert_eq!(url.to_string(), "http://pki.example/crl/{issuer}");
    }

    #[test]
    fn absolute_urls_that_verifiers_know_are_taken() {
        for url in [
            "http://pki.example/crl",
            "HTTPS://[2001:db8::1]:8443/crl/{issuer}",
            "ldap://ldap.example/cn=CA,dc=example?certificateRevocationList;binary",
        ] {
            assert!(url.parse::<CrlUrl>().is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_list_is_refused() {
        use InvalidCrlUrl::{Character, Scheme, TooLong};
        for (url, error) in [
            ("", Scheme),
            ("/crl", Scheme),
            ("pki.example/crl", Scheme),
            ("http:pki.example", Scheme),
            ("http:///crl", Scheme),
            ("ldap:///cn=CA", Scheme),
            ("ftp://pki.example/crl", Scheme),
            ("file:///crl", Scheme),
            ("http://pki.example:port/", Scheme),
            ("http://pki.example/a b", Character),
            ("http://pki.example/\n", Character),
            ("http://pki.example/ä", Character),
            ("http://pki.example/{issue}", Character),
            (&format!("http://pki.example/{}", "a".repeat(1_024)), TooLong),
        ] {
            assert_eq!(url.parse::<CrlUrl>(), Err(error), "{url}");
        }
    }
}
