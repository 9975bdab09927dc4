//! The syntax of DNS names.

use rustls_pki_types::DnsName;

/// The longest name, in octets: 255 octets on the wire (RFC 1035, section 3.1) leave so many for text.
const MAX_NAME: usize = 253;

/// The longest label, in octets (RFC 1034, section 3.1).
const MAX_LABEL: usize = 63;

/// Checks the name of a host (RFC 5280, section 4.2.1.6; RFC 1034, section 3.5, as RFC 1123, section
/// 2.1 changes it): labels of letters, digits and hyphens.
///
/// Wildcards and underscores are refused: a client certificate names one device, and the preferred
/// syntax has no underscore. A last label that is a number is refused as well, for it makes the name
/// look like an address.
///
/// The error says what is wrong, without the name.
pub(super) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a DNS name must not be empty".into());
    }
    if name.len() > MAX_NAME {
        return Err(format!("a DNS name has at most {MAX_NAME} octets, this one has {}", name.len()));
    }
    if name.starts_with('.') || name.ends_with('.') {
        return Err("a DNS name must not begin or end with a dot".into());
    }
    if name.split('.').any(|label| label == "*") {
        return Err("a client certificate must not have a wildcard".into());
    }
    name.split('.').try_for_each(check_label)?;
    // What is left of the rules: the last label.
    match DnsName::try_from(name) {
        Ok(_) => Ok(()),
        Err(_) => Err("the last label of a DNS name must not be a number".into()),
    }
}

/// Checks one label of a name.
pub(super) fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() {
        return Err("a label of a DNS name must not be empty".into());
    }
    if label.len() > MAX_LABEL {
        let length = label.len();
        return Err(format!("a label of a DNS name has at most {MAX_LABEL} octets, one here has {length}"));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("a label of a DNS name must not begin or end with a hyphen".into());
    }
    match label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
        Some(c) => Err(format!("a DNS name has letters, digits and hyphens only, not {c:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_hosts_are_accepted() {
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert_eq!(longest.len(), 253);
        for name in ["a", "gw-1.example", "3com.example", "XN--ZHLER-9QA.example", "1.2.3.a", &longest] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused() {
        let too_long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(62)].join(".");
        for (name, why) in [
            ("", "empty"),
            (".example", "begin or end with a dot"),
            ("example.", "begin or end with a dot"),
            ("a..b", "label of a DNS name must not be empty"),
            ("-a.example", "hyphen"),
            ("a-.example", "hyphen"),
            ("*.example", "wildcard"),
            ("a*.example", "not '*'"),
            ("_dmarc.example", "not '_'"),
            ("a.example,DNS:b", "not ','"),
            ("zähler.example", "not 'ä'"),
            ("192.0.2.7", "must not be a number"),
            ("a.0x1f", "must not be a number"),
            (&too_long, "at most 253 octets, this one has 254"),
            (&"a".repeat(64), "at most 63 octets, one here has 64"),
        ] {
            let said = check(name).unwrap_err();
            assert!(said.contains(why), "{name}: {said}");
        }
    }

    proptest! {
        #[test]
        fn every_name_of_plain_labels_is_accepted(name in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z]{1,9}){1,4}") {
            prop_assert_eq!(check(&name), Ok(()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}|[-a-z0-9.*_]{0,300}") {
            let _ = check(&text);
        }
    }
}
