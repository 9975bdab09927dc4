//! URIs (RFC 3986, appendix A).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::is_host;

/// Whether it is a URI with something behind its scheme, whose host, if it has an authority, is the name of a
/// host or an address, and whose path has no dot segments.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    if !is_scheme(scheme.as_bytes()) || rest.is_empty() {
        return false;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(behind) => {
            let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
            (Some(authority), path)
        }
        None => (None, hierarchy),
    };
    authority.is_none_or(is_authority)
        && has_only(path, b":@/")
        && has_only(query, b":@/?")
        && has_only(fragment, b":@/?")
        && !path.split('/').any(|segment| {
            matches!(segment.to_ascii_lowercase().as_str(), "." | ".." | "%2e" | ".%2e" | "%2e." | "%2e%2e")
        })
}

fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet))
}

fn is_authority(authority: &str) -> bool {
    let (user, server) = authority.split_once('@').unwrap_or(("", authority));
    let (host, port) = if let Some(literal) = server.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        let port = if port.is_empty() { Some("") } else { port.strip_prefix(':') };
        (address.parse::<Ipv6Addr>().is_ok(), port)
    } else {
        let (host, port) = server.split_once(':').unwrap_or((server, ""));
        (is_host(host) || host.parse::<Ipv4Addr>().is_ok(), Some(port))
    };
    has_only(user, b":") && host && port.is_some_and(|port| port.bytes().all(|octet| octet.is_ascii_digit()))
}

/// Whether text is of unreserved characters, delimiters of parts, escapes, and these.
fn has_only(text: &str, more: &[u8]) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let plain = octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&octet);
        let mut digit = || octets.next().is_some_and(|octet| octet.is_ascii_hexdigit());
        if !(plain || more.contains(&octet) || (octet == b'%' && digit() && digit())) {
            return false;
        }
    }
    true
}
