//! The syntax of URIs.

use std::net::{Ipv4Addr, Ipv6Addr};

use iri_string::types::UriStr;

use super::dns;

/// What the host of a URI is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// There is none: the URI has no authority, as `urn:x:7`.
    Absent,
    /// A DNS name.
    Name,
    /// An IP address.
    Address,
}

/// Checks a URI (RFC 5280, section 4.2.1.6; RFC 3986, section 3): a scheme and something behind it. An
/// authority has a host, which is a [DNS name](dns::check) of one label or more, or an IP address.
///
/// A path with a segment `.` or `..` is refused, also where percent-encoding hides it: such a URI
/// becomes another one when it is normalised (RFC 3986, section 6.2.2.3).
///
/// The error says what is wrong, without the URI.
pub(super) fn check(text: &str) -> Result<Host, String> {
    let Ok(uri) = UriStr::new(text) else {
        return Err(
            "a URI begins with a scheme and follows RFC 3986; other characters are written as %XX".into()
        );
    };
    let scheme = uri.scheme_str();
    if text.len() == scheme.len() + 1 {
        return Err(format!("a URI needs something behind {scheme}:"));
    }
    if uri.path_str().split('/').any(is_dot_segment) {
        return Err("the path of a URI must not have the segment . or ..".into());
    }
    match uri.authority_components() {
        Some(authority) => host(authority.host()),
        None => Ok(Host::Absent),
    }
}

fn host(host: &str) -> Result<Host, String> {
    if host.is_empty() {
        return Err("a URI with // needs a host behind it".into());
    }
    if let Some(literal) = host.strip_prefix('[') {
        let address = literal.strip_suffix(']').unwrap_or(literal).parse::<Ipv6Addr>();
        return address.map(|_| Host::Address).map_err(|_| "the host of a URI is no IPv6 address".into());
    }
    if host.parse::<Ipv4Addr>().is_ok() {
        return Ok(Host::Address);
    }
    dns::check(host).map(|()| Host::Name).map_err(|why| format!("the host of a URI is wrong: {why}"))
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// Whether text has only characters that are never delimiters in a URI (`unreserved`, RFC 3986,
/// section 2.3).
pub(super) fn is_unreserved(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uris_of_every_form_are_accepted() {
        for (uri, host) in [
            ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", Host::Absent),
            ("urn:x", Host::Absent),
            ("tag:a@example.org,2026:x", Host::Absent),
            ("spiffe://corp/x", Host::Name),
            ("https://gw-1.example:8443/a%20b?c=d#e", Host::Name),
            ("https://user@gw-1.example", Host::Name),
            ("coap://192.0.2.7/x", Host::Address),
            ("coap://[2001:db8::1]:5683/", Host::Address),
            ("file:/a/...", Host::Absent),
        ] {
            assert_eq!(check(uri), Ok(host), "{uri}");
        }
    }

    #[test]
    fn what_is_no_absolute_uri_is_refused() {
        for (uri, why) in [
            ("", "RFC 3986"),
            ("/a/b", "RFC 3986"),
            ("//example/a", "RFC 3986"),
            ("gw-1.example", "RFC 3986"),
            ("1a:x", "RFC 3986"),
            ("urn:a b", "RFC 3986"),
            ("urn:a%2", "RFC 3986"),
            ("urn:ä", "RFC 3986"),
            ("urn:{x}", "RFC 3986"),
            ("http://[::1", "RFC 3986"),
            ("http://a:b/", "RFC 3986"),
            ("urn:", "needs something behind urn:"),
            ("http://", "needs a host"),
            ("file:///etc/passwd", "needs a host"),
            ("http://:80/", "needs a host"),
            ("http://a..b/", "label of a DNS name must not be empty"),
            ("http://./", "dot"),
            ("http://../", "dot"),
            ("http://a%2eb/", "not '%'"),
            ("http://a_b/", "not '_'"),
            ("http://1.2.3.400/", "must not be a number"),
            ("http://[v1.x]/", "no IPv6 address"),
            ("spiffe://corp/a/../admin", "segment . or .."),
            ("spiffe://corp/a/%2E%2e/admin", "segment . or .."),
            ("spiffe://corp/.", "segment . or .."),
        ] {
            let said = check(uri).unwrap_err();
            assert!(said.contains(why), "{uri}: {said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}|[a-z]{1,3}:[-a-z0-9./:@%?#\\[\\]]{0,60}") {
            let _ = check(&text);
        }
    }
}
