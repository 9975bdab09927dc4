//! Names read another way than the product reads them: straight from the grammars and tables of the RFCs.

pub(crate) mod attributes;
pub(crate) mod certificates;
mod uris;

use std::net::IpAddr;

/// Whether a certificate may have this alternative name, written as `DNS:gw-1.example`, `email:…`, `URI:…`
/// or `IP:…` (RFC 5280, section 4.2.1.6, and what this service does not allow).
pub(crate) fn is_alt_name(text: &str) -> bool {
    let Some((kind, name)) = text.split_once(':') else { return false };
    match kind {
        "DNS" => is_host(name),
        "email" => is_mailbox(name),
        "URI" => uris::is_uri(name),
        "IP" => name.parse::<IpAddr>().is_ok(),
        _ => false,
    }
}

/// The preferred syntax (RFC 1034, section 3.5, with RFC 1123, section 2.1), without a dot at the end. What
/// some software takes for an address is no host: a last label that is a number, decimal or hexadecimal.
fn is_host(name: &str) -> bool {
    let labels: Vec<&[u8]> = name.as_bytes().split(|octet| *octet == b'.').collect();
    let last = labels.last().copied().unwrap_or_default();
    let hexadecimal = last.len() >= 2 && last[0] == b'0' && last[1] | 0x20 == b'x';
    let number =
        last.iter().all(u8::is_ascii_digit) || (hexadecimal && last[2..].iter().all(u8::is_ascii_hexdigit));
    name.len() <= 253 && !number && labels.into_iter().all(is_label)
}

fn is_label(label: &[u8]) -> bool {
    let [first, .., last] = label else {
        return matches!(label, [only] if only.is_ascii_alphanumeric());
    };
    label.len() <= 63
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && label.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
}

/// `Mailbox` (RFC 5321, section 4.1.2), without quotes and address literals.
fn is_mailbox(address: &str) -> bool {
    let mut parts = address.split('@');
    let (Some(local), Some(domain), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let atext = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    let words = local.bytes().all(|octet| atext(octet) || octet == b'.')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    (1..=64).contains(&local.len()) && words && is_host(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_grammars_say() {
        for good in [
            "DNS:a",
            "DNS:3com.a-b.0x1g",
            "email:a.b+c@example",
            "URI:urn:x",
            "URI:spiffe://corp/x",
            "URI:http://u:p@[2001:db8::1]:80/a;b?c=d#e",
            "URI:http://a:/",
            "URI:a:?",
            "IP:192.0.2.7",
            "IP:::1",
        ] {
            assert!(is_alt_name(good), "{good}");
        }
        for bad in [
            "DNS:",
            "DNS:a.",
            "DNS:a_b",
            "DNS:-a",
            "DNS:a.7",
            "DNS:a.0X",
            "email:a@b@c",
            "email:.a@b",
            "email:a@",
            "URI:urn:",
            "URI:/a",
            "URI:http:///a",
            "URI:http://a_b/",
            "URI:http://a/%2E/",
            "URI:a:%4",
            "URI:a:[",
            "IP:1.2.3",
            "dns:a",
        ] {
            assert!(!is_alt_name(bad), "{bad}");
        }
    }
}
