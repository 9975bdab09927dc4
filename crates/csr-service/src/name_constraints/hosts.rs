//! Domains, e-mail addresses and hosts of URIs, compared with constraints (RFC 5280, section
//! 4.2.1.10). ASCII letters are the same in either case.
//!
//! The RFC does not say what an empty constraint means. Here it is every name, as in Go and NSS.

/// Whether a DNS name is within a domain: the domain itself, or with more labels on its left. With a
/// period in front, which the RFC does not provide for DNS names, it must have more labels, as
/// OpenSSL and Go read it. None if the name is not made of plain labels.
pub(super) fn domain_is_within(name: &str, base: &str) -> Option<bool> {
    is_domain(name).then(|| match base {
        "" => true,
        base if base.starts_with('.') => is_below(name, base),
        base => name.eq_ignore_ascii_case(base) || is_below(name, &format!(".{base}")),
    })
}

/// Whether an e-mail address is the mailbox, is at the host, or is at a host below the domain that
/// begins with a period. The part before the `@` is compared as it is (RFC 5280, section 7.5). None if
/// it is no plain ASCII address.
pub(super) fn email_is_within(address: &str, base: &str) -> Option<bool> {
    let (mailbox, host) = address.rsplit_once('@')?;
    if mailbox.is_empty() || !mailbox.is_ascii() || !is_domain(host) {
        return None;
    }
    Some(match base.rsplit_once('@') {
        Some((base_mailbox, base_host)) => mailbox == base_mailbox && host.eq_ignore_ascii_case(base_host),
        None => host_is_within(host, base),
    })
}

/// Whether the host of a URI is this one, or is below the domain that begins with a period. None if the
/// URI has no fully qualified domain name as its host: the RFC has such URIs refused.
pub(super) fn uri_is_within(uri: &str, base: &str) -> Option<bool> {
    uri_host(uri).map(|host| host_is_within(host, base))
}

/// Whether this can be the constraint of a DNS name or of a host.
pub(super) fn is_base(base: &str) -> bool {
    base.is_empty() || is_domain(base.strip_prefix('.').unwrap_or(base))
}

/// Whether this can be the constraint of e-mail addresses.
pub(super) fn is_email_base(base: &str) -> bool {
    match base.rsplit_once('@') {
        Some((mailbox, host)) => !mailbox.is_empty() && is_domain(host),
        None => is_base(base),
    }
}

fn host_is_within(host: &str, base: &str) -> bool {
    match base {
        "" => true,
        base if base.starts_with('.') => is_below(host, base),
        base => host.eq_ignore_ascii_case(base),
    }
}

/// Whether the name is one or more labels in front of the suffix, which begins with a period.
fn is_below(name: &str, suffix: &str) -> bool {
    let end = name.len().checked_sub(suffix.len()).filter(|labels| *labels > 0);
    end.and_then(|end| name.get(end..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// The fully qualified domain name in the authority of a URI (RFC 3986, section 3.2).
fn uri_host(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let authority = rest.strip_prefix("//").filter(|_| is_scheme)?.split(['/', '?', '#']).next()?;
    // Browsers take a backslash for a slash, and others the first of two @ for the end of the user.
    if authority.contains('\\') || authority.matches('@').count() > 1 {
        return None;
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    // An address has a number in last place.
    let (_, last) = host.rsplit_once('.')?;
    (is_domain(host) && last.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(host)
}

/// Whether it is labels of letters, digits, hyphens and underscores with single dots between them.
fn is_domain(text: &str) -> bool {
    let of_a_label = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(of_a_label))
}
