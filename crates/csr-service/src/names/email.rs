//! The syntax of e-mail addresses.

use super::dns;

/// The longest local part, in octets (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// Checks a mailbox (RFC 5280, section 4.2.1.6; `Mailbox` of RFC 5321, section 4.1.2): a local part
/// that is a `Dot-string`, `@`, and a [DNS name](dns::check).
///
/// Quoted local parts and address literals (`user@[192.0.2.1]`) are refused, though RFC 5321 has them:
/// much software reads them wrongly.
///
/// The error says what is wrong, without the address.
pub(super) fn check(address: &str) -> Result<(), String> {
    if address.contains(['<', '>']) {
        return Err("an e-mail address has no angle brackets here".into());
    }
    if address.contains('"') {
        return Err("an e-mail address with a quoted local part is not supported".into());
    }
    let Some((local_part, domain)) = address.rsplit_once('@') else {
        return Err("an e-mail address needs an @".into());
    };
    if local_part.len() > MAX_LOCAL_PART {
        let length = local_part.len();
        return Err(format!(
            "the part of an e-mail address before the @ has at most {MAX_LOCAL_PART} octets, this one has {length}"
        ));
    }
    if !is_dot_string(local_part) {
        return Err(
            "the part of an e-mail address before the @ must be words of letters, digits and !#$%&'*+-/=?^_`{|}~ with single dots between them"
                .into(),
        );
    }
    dns::check(domain).map_err(|why| format!("the part of an e-mail address after the @ is wrong: {why}"))
}

/// `Dot-string` (RFC 5321, section 4.1.2): atoms with single dots between them.
pub(super) fn is_dot_string(text: &str) -> bool {
    let of_an_atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(of_an_atom))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mailboxes_are_accepted() {
        for address in ["a@example.org", "first.last+tag@mail.example", "a@localhost", "o'neil@example"] {
            assert_eq!(check(address), Ok(()), "{address}");
        }
        assert_eq!(check(&format!("{}@example", "a".repeat(64))), Ok(()));
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        for (address, why) in [
            ("<a@example.test>", "angle brackets"),
            ("\"a b\"@example.org", "quoted local part is not supported"),
            ("example.org", "needs an @"),
            ("@example.org", "before the @"),
            (".a@example.org", "before the @"),
            ("a..b@example.org", "before the @"),
            ("a.@example.org", "before the @"),
            ("a@b@example.org", "before the @"),
            ("a,b@example.org", "before the @"),
            ("ä@example.org", "before the @"),
            ("a@", "must not be empty"),
            ("a@.example", "dot"),
            ("a@[192.0.2.1]", "letters, digits and hyphens"),
            (&format!("{}@example", "a".repeat(65)), "at most 64 octets, this one has 65"),
        ] {
            let said = check(address).unwrap_err();
            assert!(said.contains(why), "{address}: {said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}|[a-z.@<>\"]{0,100}") {
            let _ = check(&text);
        }
    }
}
