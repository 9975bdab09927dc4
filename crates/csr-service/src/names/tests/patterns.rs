//! Patterns as text.

use proptest::prelude::*;

use crate::{AttributePattern, InvalidPattern, SanPattern, SanPolicy, SubjectPolicy};

fn san_error(text: &str) -> String {
    text.parse::<SanPattern>().unwrap_err().to_string()
}

fn attribute_error(text: &str) -> String {
    text.parse::<AttributePattern>().unwrap_err().to_string()
}

#[test]
fn a_pattern_is_shown_as_it_is_read() {
    for text in [
        "DNS:gw-1.example",
        "DNS:{cn}",
        "DNS:gw-{cn}.{device_id}.example",
        "email:{cn}@example.com",
        "email:a.{cn}@{device_id}.example",
        "URI:urn:uuid:{device_id}",
        "URI:spiffe://corp/{cn}/x?y={device_id}#{cn}",
        "URI:https://{cn}.example:8443/",
        "IP:192.0.2.7",
        "IP:2001:db8::1",
    ] {
        let pattern: SanPattern = text.parse().unwrap();
        assert_eq!(pattern.to_string(), text);
    }
    for text in ["O=Example Ltd", "OU={cn}", "O=a, O=b=c", "C=DE", "DC={cn}", "1.2.3.4={device_id}x{cn}"] {
        let pattern: AttributePattern = text.parse().unwrap();
        assert_eq!(pattern.to_string(), text);
    }
}

#[test]
fn kinds_are_read_in_any_case_and_shown_in_one() {
    let san = |text: &str| text.parse::<SanPattern>().unwrap().to_string();
    assert_eq!(san("dns:A.example"), "DNS:A.example");
    assert_eq!(san("Email:a@example"), "email:a@example");
    assert_eq!(san("ip:2001:DB8:0::1"), "IP:2001:db8::1");
    assert_eq!("o=x".parse::<AttributePattern>().unwrap().to_string(), "O=x");
    assert_eq!("2.5.4.10=x".parse::<AttributePattern>().unwrap().to_string(), "O=x");
}

#[test]
fn unknown_kinds_and_variables_are_refused_with_those_there_are() {
    assert_eq!(
        san_error("gw-1.example"),
        "\"gw-1.example\" does not say what kind of name it is: begin it with DNS:, email:, URI: or IP:"
    );
    assert_eq!(
        san_error("RID:1.2.3"),
        "\"RID:1.2.3\" has the unknown kind \"RID\": the kinds are DNS:, email:, URI: or IP:"
    );
    assert_eq!(
        san_error("DNS:{CN}.example"),
        "\"DNS:{CN}.example\" has the unknown variable {CN}: the variables are {cn} and {device_id}"
    );
    for text in ["DNS:{cn.example", "DNS:cn}.example", "DNS:{{cn}}.example", "DNS:a}{cn}", "DNS:{"] {
        assert!(matches!(text.parse::<SanPattern>(), Err(InvalidPattern::Brace(_))), "{text}");
    }
    assert!(attribute_error("Example Ltd").contains("begin it with a type and =; the types are surname,"));
    let said = attribute_error("X=Example Ltd");
    assert!(said.starts_with("\"X=Example Ltd\" has the unknown kind \"X\": the kinds are"), "{said}");
    assert!(said.contains(" O, OU,") && said.ends_with("or a number as 1.2.3.4"), "{said}");
}

#[test]
fn a_pattern_that_no_name_can_match_is_refused() {
    for (text, why) in [
        ("DNS:", "must not be empty"),
        ("DNS:.{cn}.example", "begin or end with a dot"),
        ("DNS:*.{cn}.example", "wildcard"),
        ("DNS:{cn}-.example", "hyphen"),
        ("DNS:{cn}_x.example", "letters, digits and hyphens"),
        ("DNS:192.0.2.7", "must not be a number"),
        ("email:{cn}", "needs an @"),
        ("email:<{cn}@example.com>", "angle brackets"),
        ("URI:{cn}", "begins with a scheme"),
        ("URI:{cn}:x", "scheme of a URI must be written out"),
        ("URI:/a/{cn}", "begins with a scheme"),
        ("URI:spiffe://a..b/{cn}", "must not be empty"),
        ("URI:spiffe://corp/../{cn}", "segment . or .."),
        ("URI:https://gw-1.example:{cn}/", "RFC 3986"),
        ("URI:https://[::{cn}]/", "DNS name as its host"),
        ("IP:{cn}", "without variables"),
        ("IP:192.0.2.0/24", "without variables"),
    ] {
        let said = san_error(text);
        assert!(said.contains("can never permit a name") && said.contains(why), "{text}: {said}");
    }
    for (text, why) in [
        ("CN={cn}", "the CN is given by the permission to enroll"),
        ("O=", "must not be empty"),
        ("C=Germany", "at most 2 characters"),
        ("C={cn}", "must be written out"),
        ("DC=a.b", "one label of a DNS name"),
        ("serialNumber=a_b", "PrintableString"),
        ("O=a\u{202e}b", "text-direction"),
        ("DC={device_id}{device_id}", "at most 63 characters, this one has 72"),
    ] {
        let said = attribute_error(text);
        assert!(said.contains("can never permit a name") && said.contains(why), "{text}: {said}");
    }
}

#[test]
fn a_policy_is_a_word_or_a_list_of_patterns() {
    assert_eq!("cn-only".parse(), Ok(SubjectPolicy::CnOnly));
    assert_eq!("any".parse(), Ok(SubjectPolicy::Any));
    assert_eq!("none".parse(), Ok(SanPolicy::None));
    assert_eq!("any".parse(), Ok(SanPolicy::Any));
    let said = "all".parse::<SanPolicy>().unwrap_err().to_string();
    assert_eq!(said, "\"all\" is no policy: write none or any, or a list of patterns");
    assert!("none".parse::<SubjectPolicy>().is_err());
    let patterns = SanPolicy::from_patterns(["DNS:{cn}.example", "ip:192.0.2.7"]).unwrap();
    assert_eq!(patterns.to_string(), "DNS:{cn}.example, IP:192.0.2.7");
    assert!(SubjectPolicy::from_patterns(["O=a", "CN=b"]).is_err());
    assert_eq!(SubjectPolicy::default().to_string(), "cn-only");
    assert_eq!(SanPolicy::default().to_string(), "none");
}

/// Text that is a pattern often enough.
fn like_a_pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[-a-z0-9.@/:=?#%_ ]{0,6}",
        "\\PC{0,3}",
        Just("{cn}".to_owned()),
        Just("{device_id}".to_owned()),
        "[{}]{1,2}",
    ];
    let kind = prop::sample::select(vec![
        "DNS:",
        "dns:a.",
        "email:",
        "email:a@",
        "URI:urn:",
        "URI:x://h",
        "IP:",
        "IP:::",
        "O=",
        "dc=",
        "1.2.3=",
        "",
    ]);
    (kind, prop::collection::vec(piece, 0..6)).prop_map(|(kind, pieces)| kind.to_owned() + &pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn any_text_is_refused_or_read_again_from_what_is_shown(text in like_a_pattern()) {
        if let Ok(pattern) = text.parse::<SanPattern>() {
            prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        if let Ok(pattern) = text.parse::<AttributePattern>() {
            prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
    }

    #[test]
    fn arbitrary_text_does_not_panic(text in "\\PC{0,60}|.{0,60}") {
        let _ = text.parse::<SanPattern>();
        let _ = text.parse::<AttributePattern>();
    }
}
