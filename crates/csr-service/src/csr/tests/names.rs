//! Subjects and subject alternative names, friendly and hostile.

use super::{detail, parse, refused};
use crate::Reason;
use crate::test_support::{Request, cn, extension, part, san, seq, set, tlv};

const UTF8: u8 = 12;
const PRINTABLE: u8 = 19;
const IA5: u8 = 22;
const ORGANISATION: &str = "2.5.4.10";
const SERIAL_NUMBER: &str = "2.5.4.5";

fn subject(parts: &[Vec<u8>]) -> Result<String, Reason> {
    parse(&Request::subject(parts))
        .map(|csr| csr.subject().common_name().to_string())
        .map_err(|rejection| rejection.reason())
}

fn alt_names(names: &[(u8, &[u8])]) -> Result<String, Reason> {
    parse(&Request::extensions(&[san(names)]))
        .map(|csr| csr.san().to_string())
        .map_err(|rejection| rejection.reason())
}

#[test]
fn names_with_one_cn_are_accepted() {
    for (parts, name) in [
        (vec![cn("Gerät 7 日本 🛰")], "Gerät 7 日本 🛰"),
        (vec![part("2.5.4.3", PRINTABLE, "gw-7")], "gw-7"),
        (vec![part(ORGANISATION, UTF8, "Works"), cn("a"), part(SERIAL_NUMBER, PRINTABLE, "17")], "a"),
        (vec![cn(&"é".repeat(64))], &"é".repeat(64)),
    ] {
        assert_eq!(subject(&parts).as_deref(), Ok(name));
    }
}

#[test]
fn no_cn_and_several_cns_are_refused() {
    assert_eq!(subject(&[]), Err(Reason::SubjectWithoutCn));
    assert_eq!(subject(&[part(ORGANISATION, UTF8, "Works")]), Err(Reason::SubjectWithoutCn));
    assert_eq!(subject(&[cn("a"), cn("b")]), Err(Reason::SubjectWithSeveralCns));
    assert_eq!(subject(&[cn("a"), cn("a")]), Err(Reason::SubjectWithSeveralCns));
    let both_in_one_part = set(&[cn("a")[2..].to_vec(), cn("b")[2..].to_vec()]);
    assert_eq!(subject(&[both_in_one_part]), Err(Reason::SubjectWithSeveralCns));
}

#[test]
fn a_cn_of_a_wrong_length_is_refused() {
    for name in [String::new(), "a".repeat(65), "é".repeat(65), "a".repeat(10_000)] {
        assert_eq!(subject(&[cn(&name)]), Err(Reason::SubjectCnLength));
    }
}

#[test]
fn characters_that_deceive_are_refused_and_not_repeated() {
    for name in [
        "a\0",
        "a\nb",
        "a\r",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        "\u{202e}b",
        "\u{2066}",
        "\u{200f}",
        "\u{2028}",
        "\u{61c}",
    ] {
        let detail = detail(&Request::subject(&[cn(name)]), Reason::SubjectControlCharacter);
        assert!(!detail.chars().any(renewal_domain::text::is_unsafe), "{detail:?}");
    }
    let in_another_attribute = [cn("a"), part(ORGANISATION, UTF8, "x\u{0}y")];
    assert_eq!(subject(&in_another_attribute), Err(Reason::SubjectControlCharacter));
    let printable = part("2.5.4.3", PRINTABLE, "a\0");
    assert_eq!(subject(&[printable]), Err(Reason::SubjectControlCharacter));
}

#[test]
fn what_cannot_be_written_unchanged_is_refused() {
    let two_in_one_part = set(&[part(SERIAL_NUMBER, PRINTABLE, "1")[2..].to_vec(), cn("a")[2..].to_vec()]);
    let empty_part = set(&[]);
    let number = set(&[seq(&[crate::test_support::oid(SERIAL_NUMBER), tlv(2, &[1])])]);
    for parts in [
        vec![two_in_one_part],
        vec![empty_part, cn("a")],
        vec![part(ORGANISATION, UTF8, "x"), part(ORGANISATION, UTF8, "y"), cn("a")],
        vec![number, cn("a")],
        vec![part("2.5.4.3", 0x1e, "\0a")],
        vec![part("2.5.4.3", 0x14, "a")],
        vec![part("2.5.4.3", PRINTABLE, "a_b")],
        vec![part("2.5.4.3", PRINTABLE, "a?")],
        vec![part("2.5.4.3", IA5, "ä")],
    ] {
        assert_eq!(subject(&parts), Err(Reason::SubjectUnsupported));
    }
    let broken_utf8 = set(&[seq(&[crate::test_support::oid("2.5.4.3"), tlv(UTF8, &[0xff])])]);
    assert_eq!(subject(&[broken_utf8]), Err(Reason::SubjectUnsupported));
}

#[test]
fn attributes_have_the_string_types_and_bounds_of_rfc_5280() {
    const COUNTRY: &str = "2.5.4.6";
    for (attribute, said) in [
        (part(ORGANISATION, UTF8, &"x".repeat(65)), "O has at most 64 characters, this one has 65: xxx"),
        (part(ORGANISATION, UTF8, ""), "O must not be empty: "),
        (
            part(ORGANISATION, IA5, "x"),
            "O must be a UTF8String or PrintableString, this one is an IA5String: x",
        ),
        (
            part(SERIAL_NUMBER, UTF8, "17"),
            "serialNumber must be a PrintableString, this one is a UTF8String: 17",
        ),
        (part(COUNTRY, PRINTABLE, "DEU"), "C has at most 2 characters, this one has 3: DEU"),
        (part(COUNTRY, PRINTABLE, "4D"), "C is a country code of 2 letters: 4D"),
        (
            part("1.2.3.4", UTF8, &"x".repeat(256)),
            "1.2.3.4 has at most 255 characters, this one has 256: xxx",
        ),
    ] {
        let detail = detail(&Request::subject(&[attribute, cn("a")]), Reason::SubjectMalformed);
        assert!(detail.starts_with(said), "{detail}");
    }
    let ia5 = Request::subject(&[part("2.5.4.3", IA5, "gw-7")]);
    let said = detail(&ia5, Reason::SubjectMalformed);
    assert_eq!(said, "CN must be a UTF8String or PrintableString, this one is an IA5String: gw-7");
    let usual = [
        part(COUNTRY, PRINTABLE, "de"),
        part(ORGANISATION, UTF8, &"é".repeat(64)),
        part("0.9.2342.19200300.100.1.25", IA5, "example"),
        part("1.2.840.113549.1.9.1", IA5, "a@example.org"),
        part("1.2.3.4", IA5, "x"),
        cn("a"),
    ];
    assert_eq!(subject(&usual).as_deref(), Ok("a"));
}

#[test]
fn two_subjects_that_differ_are_never_shown_alike() {
    let shown = |parts: &[Vec<u8>]| parse(&Request::subject(parts)).unwrap().subject().to_string();
    assert_eq!(shown(&[part(ORGANISATION, UTF8, "b"), cn("a")]), "O=b, CN=a");
    assert_eq!(shown(&[cn("a, O=b")]), "CN=a\\, O=b");
    assert_eq!(shown(&[cn(" a+b\\ ")]), "CN=\\ a\\+b\\\\\\ ");
    assert_eq!(shown(&[cn(" ")]), "CN=\\ ");
}

#[test]
fn alternative_names_of_four_kinds_are_accepted() {
    let names: &[(u8, &[u8])] = &[
        (0x82, b"gw-1.example"),
        (0x81, b"a@example.org"),
        (0x86, b"spiffe://example/gw-1"),
        (0x87, &[192, 0, 2, 1]),
        (0x87, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    assert_eq!(
        alt_names(names).unwrap(),
        "DNS:gw-1.example, email:a@example.org, URI:spiffe://example/gw-1, IP:192.0.2.1, IP:2001:db8::1"
    );
}

#[test]
fn alternative_names_of_other_kinds_and_too_many_are_refused() {
    for tag in [0xa0, 0xa3, 0xa4, 0xa5, 0x88] {
        assert_eq!(alt_names(&[(tag, &[])]), Err(Reason::SanUnsupported));
    }
    assert!(alt_names(&[(0x82, &b"a"[..]); 16]).is_ok());
    assert_eq!(alt_names(&[(0x82, &b"a"[..]); 17]), Err(Reason::SanUnsupported));
}

#[test]
fn alternative_names_that_cannot_be_are_refused() {
    for name in [
        (0x82, &b""[..]),
        (0x82, b"a b"),
        (0x82, b"a\0b"),
        (0x86, b"a\nb"),
        (0x81, "ä@example.org".as_bytes()),
        (0x82, &[0xff]),
        (0x82, b"*.example"),
        (0x82, b"gw_1.example"),
        (0x82, b"192.0.2.7"),
        (0x81, b"a.example"),
        (0x86, b"gw-1.example"),
        (0x86, b"file:///a"),
        (0x87, &[1, 2, 3]),
        (0x87, &[]),
        (0xa2, b""),
        (0x89, b"a"),
        (0x0c, b"a"),
    ] {
        assert_eq!(alt_names(&[name]), Err(Reason::SanMalformed), "{name:02x?}");
    }
    assert_eq!(alt_names(&[]), Err(Reason::SanMalformed));
    for content in [&b""[..], b"x", &[0x30, 1], &[0x31, 0], &[0x30, 0, 0]] {
        let request = Request::extensions(&[extension("2.5.29.17", false, content)]);
        assert_eq!(refused(&request), Reason::SanMalformed);
    }
}

#[test]
fn subjects_compare_by_octets_and_alternative_names_by_content() {
    let subject = |parts: &[Vec<u8>]| parse(&Request::subject(parts)).unwrap().subject().clone();
    assert_eq!(subject(&[cn("a")]), subject(&[cn("a")]));
    assert_ne!(subject(&[cn("a")]), subject(&[part("2.5.4.3", PRINTABLE, "a")]));
    assert_ne!(subject(&[cn("a")]), subject(&[cn("A")]));
    let names = |names: &[(u8, &[u8])]| parse(&Request::extensions(&[san(names)])).unwrap().san().clone();
    let (a, b) = ((0x82, &b"a"[..]), (0x86, &b"urn:b"[..]));
    assert_eq!(names(&[a, b]), names(&[b, a]));
    assert_ne!(names(&[a, a, b]), names(&[a, b, b]));
    assert_ne!(names(&[a]), names(&[(0x81, b"a@b")]));
    assert_ne!(names(&[a]), names(&[a, b]));
}
