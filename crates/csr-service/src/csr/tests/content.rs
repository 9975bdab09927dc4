//! Attributes and extensions.

use super::{detail, parse, refused};
use crate::Reason;
use crate::test_support::{Request, extension, extension_request, oid, san, seq, set, tlv};

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";

fn with_attributes(attributes: &[Vec<u8>]) -> Vec<u8> {
    Request { attributes: attributes.to_vec(), ..Request::default() }.der()
}

#[test]
fn what_can_be_ignored_is_ignored() {
    let no_ca = extension(BASIC_CONSTRAINTS, true, &seq(&[]));
    let usage = extension(KEY_USAGE, true, &tlv(3, &[1, 6]));
    let server_auth = extension("2.5.29.37", false, &seq(&[oid("1.3.6.1.5.5.7.3.1")]));
    let key_identifier = extension("2.5.29.14", false, &tlv(4, &[1; 20]));
    let template = extension("1.3.6.1.4.1.311.20.2", false, &tlv(0x1e, &[0, 65]));
    // An identifier with an arc of 128 bits, made from a UUID.
    let huge = seq(&[tlv(6, &[&[0x69, 0x83][..], &[0x80; 17], &[1]].concat()), tlv(4, b"x")]);
    let csr =
        parse(&Request::extensions(&[no_ca, usage, server_auth, key_identifier, template, huge])).unwrap();
    assert!(csr.san().is_empty());
    assert!(parse(&Request::extensions(&[])).is_ok());
}

#[test]
fn other_attributes_are_ignored() {
    let password = seq(&[oid("1.2.840.113549.1.9.7"), set(&[tlv(12, b"secret")])]);
    let windows = seq(&[oid("1.3.6.1.4.1.311.13.2.3"), set(&[tlv(22, b"10.0")])]);
    let names = extension_request(&[san(&[(0x82, b"a.example")])]);
    let csr = parse(&with_attributes(&[windows, names, password.clone(), password])).unwrap();
    assert_eq!(csr.san().to_string(), "DNS:a.example");
}

#[test]
fn attributes_that_are_none_are_refused() {
    for attribute in [
        tlv(5, &[]),
        seq(&[oid("1.2.3")]),
        seq(&[oid("1.2.3"), seq(&[])]),
        seq(&[tlv(2, &[1]), set(&[])]),
        seq(&[oid("1.2.3"), set(&[]), set(&[])]),
    ] {
        assert_eq!(refused(&with_attributes(&[attribute])), Reason::CsrMalformed);
    }
}

#[test]
fn a_request_to_be_an_authority_is_refused() {
    let yes = tlv(1, &[0xff]);
    for content in [seq(std::slice::from_ref(&yes)), seq(&[yes, tlv(2, &[0])])] {
        for critical in [true, false] {
            let request = Request::extensions(&[extension(BASIC_CONSTRAINTS, critical, &content)]);
            assert_eq!(refused(&request), Reason::CaRequested);
        }
    }
}

#[test]
fn unknown_critical_extensions_are_refused_by_number() {
    let request = Request::extensions(&[extension("1.2.3.4", true, b"x")]);
    assert_eq!(detail(&request, Reason::ExtensionNotAllowed), "1.2.3.4");
    // Name constraints are for authorities.
    let request = Request::extensions(&[extension("2.5.29.30", true, &seq(&[]))]);
    assert_eq!(refused(&request), Reason::ExtensionNotAllowed);
}

#[test]
fn an_extension_that_occurs_twice_is_refused() {
    let names = || san(&[(0x82, b"a.example")]);
    for extensions in [
        vec![names(), names()],
        vec![extension("1.2.3", false, b"x"), names(), extension("1.2.3", false, b"y")],
    ] {
        assert_eq!(refused(&Request::extensions(&extensions)), Reason::ExtensionRepeated);
    }
}

#[test]
fn a_second_list_of_extensions_is_refused() {
    let names = || extension_request(&[san(&[(0x82, b"a.example")])]);
    assert_eq!(refused(&with_attributes(&[names(), names()])), Reason::ExtensionRepeated);
    let lists = set(&[seq(&[]), seq(&[san(&[(0x82, b"a.example")])])]);
    let attribute = seq(&[oid("1.2.840.113549.1.9.14"), lists]);
    assert_eq!(refused(&with_attributes(&[attribute])), Reason::ExtensionRepeated);
}

#[test]
fn extensions_that_cannot_be_read_are_refused() {
    for extension in [
        tlv(5, &[]),
        seq(&[oid("1.2.3")]),
        seq(&[tlv(2, &[1]), tlv(4, b"x")]),
        seq(&[oid("1.2.3"), tlv(4, b"x"), tlv(5, &[])]),
        extension(BASIC_CONSTRAINTS, true, &[]),
        extension(BASIC_CONSTRAINTS, true, &seq(&[tlv(5, &[])])),
        extension(BASIC_CONSTRAINTS, true, &[&seq(&[])[..], &[0]].concat()),
        extension(BASIC_CONSTRAINTS, true, &seq(&[tlv(1, &[1])])),
        extension(KEY_USAGE, true, b"x"),
        extension("2.5.29.37", false, b"x"),
    ] {
        assert_eq!(refused(&Request::extensions(&[extension])), Reason::ExtensionMalformed);
    }
    let no_list = seq(&[oid("1.2.840.113549.1.9.14"), set(&[])]);
    assert_eq!(refused(&with_attributes(&[no_list])), Reason::ExtensionMalformed);
}
