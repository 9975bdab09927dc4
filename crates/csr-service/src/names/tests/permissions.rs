//! Which requests a policy and a grant permit.

use proptest::prelude::*;
use renewal_domain::{DeviceId, GrantedNames};
use uuid::Uuid;

use crate::test_support::{Request, cn, extension_request, part, san};
use crate::{Csr, KeyPolicy, NameGrant, NamePolicy, Reason, SanPattern, SanPolicy, SubjectPolicy};

const DNS: u8 = 0x82;
const EMAIL: u8 = 0x81;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const DEVICE: DeviceId = DeviceId::new(Uuid::from_u128(0xABCD));

fn csr(subject: &[Vec<u8>], names: &[(u8, &[u8])]) -> Csr {
    let attributes = if names.is_empty() { Vec::new() } else { vec![extension_request(&[san(names)])] };
    let request = Request { subject: subject.to_vec(), attributes, ..Request::default() };
    Csr::parse(&request.der(), &KeyPolicy::default()).unwrap()
}

fn with_patterns(san: &[&str]) -> NamePolicy {
    NamePolicy { san: SanPolicy::from_patterns(san).unwrap(), ..NamePolicy::default() }
}

/// Whether a pattern permits the name to a device with this CN.
fn permits(pattern: &str, common_name: &str, tag: u8, name: &[u8]) -> bool {
    let csr = csr(&[cn(common_name)], &[(tag, name)]);
    with_patterns(&[pattern]).uncovered(&csr, DEVICE, &NameGrant::default()).is_empty()
}

fn organisation(name: &str) -> Vec<u8> {
    part("2.5.4.10", 12, name)
}

#[test]
fn by_default_a_first_certificate_has_the_cn_alone() {
    let policy = NamePolicy::default();
    let none = NameGrant::default();
    assert_eq!(policy.check(&csr(&[cn("a")], &[]), DEVICE, &none), Ok(()));
    let asked = csr(&[organisation("Administrators"), cn("a")], &[]);
    let refused = policy.check(&asked, DEVICE, &none).unwrap_err();
    assert_eq!(refused.reason(), Reason::SubjectNotAllowed);
    assert_eq!(refused.detail(), "O=Administrators; allowed beside the CN: none");
    let asked = csr(&[cn("a")], &[(URI, b"spiffe://corp/admin"), (DNS, b"a.example")]);
    let refused = policy.check(&asked, DEVICE, &none).unwrap_err();
    assert_eq!(refused.reason(), Reason::SanNotAllowed);
    assert_eq!(refused.detail(), "URI:spiffe://corp/admin and 1 more; allowed: none");
}

#[test]
fn any_permits_everything_that_is_valid() {
    let asked = csr(&[organisation("x"), cn("a")], &[(URI, b"urn:x"), (IP, &[192, 0, 2, 1])]);
    let policy = NamePolicy { subject: SubjectPolicy::Any, san: SanPolicy::Any };
    assert_eq!(policy.check(&asked, DEVICE, &NameGrant::default()), Ok(()));
    let only_san = NamePolicy { san: SanPolicy::Any, ..NamePolicy::default() };
    assert_eq!(
        only_san.check(&asked, DEVICE, &NameGrant::default()).unwrap_err().reason(),
        Reason::SubjectNotAllowed
    );
}

#[test]
fn patterns_permit_the_names_that_they_make() {
    for (pattern, tag, name) in [
        ("DNS:{cn}.devices.example", DNS, &b"gw-7.devices.example"[..]),
        ("DNS:{cn}.devices.example", DNS, b"GW-7.Devices.Example"),
        ("email:{cn}@example.com", EMAIL, b"gw-7@example.com"),
        ("URI:urn:uuid:{device_id}", URI, b"urn:uuid:00000000-0000-0000-0000-00000000abcd"),
        ("URI:spiffe://corp/{cn}", URI, b"spiffe://corp/gw-7"),
        ("URI:https://{cn}.example/", URI, b"https://gw-7.example/"),
        ("IP:192.0.2.7", IP, &[192, 0, 2, 7]),
    ] {
        assert!(permits(pattern, "gw-7", tag, name), "{pattern}");
    }
}

#[test]
fn patterns_permit_no_other_names() {
    for (pattern, tag, name) in [
        ("DNS:{cn}.devices.example", DNS, &b"gw-8.devices.example"[..]),
        ("DNS:{cn}.devices.example", DNS, b"devices.example"),
        ("DNS:{cn}.devices.example", URI, b"urn:gw-7.devices.example"),
        // Only DNS names are compared in any case.
        ("email:{cn}@example.com", EMAIL, b"gw-7@Example.com"),
        ("URI:https://{cn}.example/", URI, b"https://GW-7.example/"),
        ("URI:urn:uuid:{device_id}", URI, b"urn:uuid:00000000-0000-0000-0000-00000000ABCD"),
        ("IP:192.0.2.7", IP, &[192, 0, 2, 8]),
    ] {
        assert!(!permits(pattern, "gw-7", tag, name), "{pattern}");
    }
}

#[test]
fn a_cn_cannot_change_the_structure_of_a_name() {
    for (pattern, common_name, tag, name) in [
        ("DNS:{cn}.devices.example", "a.b", DNS, &b"a.b.devices.example"[..]),
        ("URI:spiffe://corp/{cn}", "a/admin", URI, b"spiffe://corp/a/admin"),
        ("URI:spiffe://corp/dev?{cn}", "a#b", URI, b"spiffe://corp/dev?a#b"),
        ("URI:spiffe://corp/{cn}", "a%2fb", URI, b"spiffe://corp/a%2fb"),
        ("URI:https://{cn}.example/", "a.b", URI, b"https://a.b.example/"),
        ("URI:https://{cn}/", "a.b", URI, b"https://a.b/"),
        ("URI:https://{cn}.example/", "a@b", URI, b"https://a@b.example/"),
        ("URI:https://192.0.2.{cn}/", "7", URI, b"https://192.0.2.7/"),
        ("email:{cn}@{cn}.example", "a.b", EMAIL, b"a.b@a.b.example"),
    ] {
        assert!(!permits(pattern, common_name, tag, name), "{pattern} with {common_name}");
    }
    assert!(permits("email:{cn}@example.com", "a.b", EMAIL, b"a.b@example.com"));
    assert!(permits("URI:urn:x:{cn}", "a.b", URI, b"urn:x:a.b"));
}

#[test]
fn a_cn_that_makes_no_name_of_a_pattern_is_said_to() {
    let asked = csr(&[cn("a.b")], &[(DNS, b"a.b.example")]);
    let policy = with_patterns(&["URI:urn:{cn}", "DNS:{cn}.example"]);
    let refused = policy.check(&asked, DEVICE, &NameGrant::default()).unwrap_err();
    assert_eq!(
        refused.detail(),
        "DNS:a.b.example; DNS:{cn}.example permits nothing to this CN: there {cn} must be one label of a DNS name"
    );
}

#[test]
fn a_grant_adds_to_the_policy() {
    let names = GrantedNames::new(["O=Works"], ["URI:spiffe://corp/x", "DNS:{cn}.extra"]).unwrap();
    let grant = NameGrant::try_from(&names).unwrap();
    let policy = with_patterns(&["DNS:{cn}.example"]);
    let names: &[(u8, &[u8])] =
        &[(DNS, b"a.example"), (DNS, b"a.extra"), (URI, b"spiffe://corp/x"), (URI, b"spiffe://corp/y")];
    let asked = csr(&[organisation("Works"), cn("a")], names);
    let uncovered = policy.uncovered(&asked, DEVICE, &grant);
    assert!(uncovered.subject.is_empty());
    assert_eq!(uncovered.san, ["URI:spiffe://corp/y"]);
    let refused = policy.check(&asked, DEVICE, &grant).unwrap_err();
    assert_eq!(
        refused.detail(),
        "URI:spiffe://corp/y; allowed: DNS:{cn}.example, URI:spiffe://corp/x, DNS:{cn}.extra"
    );
}

#[test]
fn attributes_are_compared_by_type_and_text_whatever_their_string_type() {
    let policy = NamePolicy {
        subject: SubjectPolicy::from_patterns(["O=Works", "OU={cn}"]).unwrap(),
        san: SanPolicy::None,
    };
    let uncovered =
        |parts: &[Vec<u8>]| policy.uncovered(&csr(parts, &[]), DEVICE, &NameGrant::default()).subject;
    let unit = |name| part("2.5.4.11", 19, name);
    assert!(uncovered(&[part("2.5.4.10", 19, "Works"), unit("a"), cn("a")]).is_empty());
    assert!(uncovered(&[cn("a"), organisation("Works")]).is_empty());
    assert_eq!(uncovered(&[organisation("works"), unit("b"), cn("a")]), ["O=works", "OU=b"]);
    assert_eq!(uncovered(&[part("2.5.4.7", 12, "Works"), cn("a")]), ["L=Works"]);
}

#[test]
fn a_long_name_leaves_room_for_what_is_allowed() {
    let long = [&b"urn:"[..], &[b'x'; 300]].concat();
    let asked = csr(&[cn("a")], &[(URI, &long)]);
    let patterns: Vec<_> = (0..9).map(|n| format!("URI:urn:example:{n}")).collect();
    let policy = NamePolicy { san: SanPolicy::from_patterns(&patterns).unwrap(), ..NamePolicy::default() };
    let refused = policy.check(&asked, DEVICE, &NameGrant::default()).unwrap_err();
    let (name, allowed) = refused.detail().split_once("; allowed: ").unwrap();
    assert!(name.ends_with("xx…"), "{name}");
    assert_eq!(
        allowed,
        "URI:urn:example:0, URI:urn:example:1, URI:urn:example:2, URI:urn:example:3 and 5 more"
    );
}

#[test]
fn what_was_recorded_and_cannot_be_read_grants_nothing() {
    let names = GrantedNames::new(["X=a", "O=Works"], ["RID:1.2.3", "DNS:a.example"]).unwrap();
    assert!(NameGrant::try_from(&names).is_err());
    let grant = NameGrant::recorded(&names);
    assert_eq!(grant.subject(), ["O=Works".parse().unwrap()]);
    assert_eq!(grant.san(), ["DNS:a.example".parse::<SanPattern>().unwrap()]);
}

proptest! {
    #[test]
    fn whatever_the_cn_a_permitted_host_is_one_label_below_the_domain(
        common_name in "[-a-zA-Z0-9._@/:]{1,20}",
        name in "[-a-z0-9.]{1,20}\\.devices\\.example",
    ) {
        let pattern: SanPattern = "DNS:{cn}.devices.example".parse().unwrap();
        let values = crate::names::template::Variables { cn: &common_name, device_id: DEVICE };
        if let Ok(other) = crate::names::alt_name::AltName::dns(&name) && pattern.permits(&other, &values) {
            prop_assert_eq!(name.matches('.').count(), 2);
        }
        if let Ok(filled) = pattern.fill(&values) {
            prop_assert_eq!(filled.to_string(), format!("DNS:{common_name}.devices.example"));
            prop_assert!(!common_name.contains('.'));
        }
    }

    #[test]
    fn whatever_the_cn_a_permitted_uri_has_the_segments_of_the_pattern(common_name in "\\PC{1,20}") {
        let pattern: SanPattern = "URI:spiffe://corp/{cn}/x".parse().unwrap();
        let values = crate::names::template::Variables { cn: &common_name, device_id: DEVICE };
        if let Ok(filled) = pattern.fill(&values) {
            let text = filled.to_string();
            prop_assert_eq!(text.matches('/').count(), 4);
            prop_assert!(!text.contains(['?', '#', '%']) && !text.contains("/../"));
        }
    }
}
