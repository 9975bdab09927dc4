//! Size, DER, PEM and version.

use super::{detail, parse, refused};
use crate::Reason;
use crate::csr::{MAX_CSR_BYTES, MAX_CSR_PEM_BYTES};
use crate::test_support::{ECDSA_SHA256, P256, Request, oid, seq, set, signed, tlv};

#[test]
fn a_plain_request_is_accepted() {
    let der = Request::default().der();
    let csr = parse(&der).unwrap();
    assert_eq!(csr.der(), der);
    assert_eq!(csr.subject().common_name().as_str(), "device-1");
    assert_eq!(csr.spki_der(), Request::default().key_info);
    assert_eq!(csr.key_kind().to_string(), "ECDSA P-256");
    assert!(csr.san().is_empty());
    assert_eq!(csr.sha256(), csr.clone().sha256());
    assert_ne!(csr.sha256(), csr.public_key_sha256());
}

#[test]
fn pem_is_the_same_request_as_its_der_whatever_stands_around_it() {
    let der = Request::default().der();
    for label in ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"] {
        let pem = pem::encode(&pem::Pem::new(label, der.clone()));
        for input in [pem.clone(), format!("Certificate Request:\n{pem}\n"), pem.replace("\r\n", "\n")] {
            assert_eq!(parse(input.as_bytes()).unwrap().der(), der);
        }
    }
}

#[test]
fn a_request_as_openssl_prints_it_with_text_is_accepted() {
    let csr = parse(include_bytes!("../../../testdata/text-with-extensions.csr")).unwrap();
    assert_eq!(csr.subject().common_name().as_str(), "gateway-7");
    assert_eq!(csr.san().to_string(), "DNS:gw-7.example, IP:192.0.2.7, email:a@example.org, URI:urn:x:7");
}

#[test]
fn more_than_one_request_and_other_pem_are_refused() {
    let pem = |label: &str| pem::encode(&pem::Pem::new(label, Request::default().der()));
    let two = pem("CERTIFICATE REQUEST").repeat(2);
    assert_eq!(refused(two.as_bytes()), Reason::CsrMalformed);
    let said = detail(pem("PRIVATE KEY").as_bytes(), Reason::CsrMalformed);
    assert!(said.contains("is a PRIVATE KEY, not a CERTIFICATE REQUEST"), "{said}");
}

#[test]
fn too_large_a_request_is_refused_before_anything_else() {
    assert_eq!(refused(&vec![0; 1024 * 1024]), Reason::CsrTooLarge);
    assert_eq!(refused(&vec![0x30; MAX_CSR_BYTES + 1]), Reason::CsrTooLarge);
    assert_eq!(refused(&vec![0x30; MAX_CSR_BYTES]), Reason::CsrMalformed);
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", vec![0x30; MAX_CSR_BYTES + 1]));
    assert!(pem.len() < MAX_CSR_PEM_BYTES);
    assert_eq!(refused(pem.as_bytes()), Reason::CsrTooLarge);
}

#[test]
fn garbage_is_refused() {
    for input in [&b""[..], b"0", b"hello", &[0; 4096], &[0xff; 100], b"-----BEGIN "] {
        assert_eq!(refused(input), Reason::CsrMalformed);
    }
}

#[test]
fn octets_behind_the_request_are_refused() {
    let der = [&Request::default().der()[..], &[0]].concat();
    assert_eq!(detail(&der, Reason::CsrMalformed), "octets left over behind the end");
}

#[test]
fn octets_left_over_inside_are_refused() {
    let request = Request::default();
    let null = tlv(5, &[]);
    let body = [&seq(&[])[..0], &request.body()[..]].concat();
    let key = &*P256;
    let with_fourth_field = {
        let whole = request.der();
        seq(&[whole[4..].to_vec(), null.clone()])
    };
    assert_eq!(refused(&with_fourth_field), Reason::CsrMalformed);
    let longer_body = seq(&[body[3..].to_vec(), null.clone()]);
    assert_eq!(refused(&signed(longer_body, ECDSA_SHA256, key)), Reason::CsrMalformed);
    // A second part of the name that is no part: lenient parsers do not see it.
    let hidden = Request { subject: vec![crate::test_support::cn("a"), null], ..Request::default() };
    assert_eq!(refused(&hidden.der()), Reason::CsrMalformed);
    let attribute = Request {
        subject: vec![set(&[seq(&[oid("2.5.4.3"), tlv(12, b"a"), tlv(12, b"b")])])],
        ..Request::default()
    };
    assert_eq!(refused(&attribute.der()), Reason::CsrMalformed);
}

#[test]
fn ber_is_refused() {
    let der = Request::default().der();
    // The outer length in one octet more than it needs.
    assert_eq!(der[..2], [0x30, 0x81]);
    let longer = [&[0x30, 0x82, 0][..], &der[2..]].concat();
    assert_eq!(refused(&longer), Reason::CsrMalformed);
    let indefinite = [&[0x30, 0x80][..], &der[3..], &[0, 0]].concat();
    assert_eq!(refused(&indefinite), Reason::CsrMalformed);
    let version = Request { version: tlv(2, &[0, 0]), ..Request::default() };
    assert_eq!(refused(&version.der()), Reason::CsrMalformed);
}

#[test]
fn a_field_with_another_tag_is_refused() {
    // A SEQUENCE that nobody signed: the identifier of the signature's algorithm.
    let body = Request::default().body();
    let der = Request::default().der();
    let place = 3 + body.len();
    assert_eq!(der[place..place + 2], [0x30, 0x0a]);
    for tag in [0x31, 0x40, 0x60, 0xa0] {
        let mut changed = der.clone();
        changed[place] = tag;
        assert_eq!(refused(&changed), Reason::CsrMalformed);
    }
}

#[test]
fn another_version_is_refused() {
    for version in [&[1][..], &[2], &[0xff], &[0x7f, 0xff]] {
        let request = Request { version: tlv(2, version), ..Request::default() };
        assert_eq!(refused(&request.der()), Reason::CsrVersion);
    }
}

#[test]
fn debug_shows_neither_octets_nor_control_characters() {
    let shown = format!("{:?}", parse(&Request::default().der()).unwrap());
    assert!(shown.starts_with("Csr { subject: Subject(CN=device-1)"), "{shown}");
    assert!(shown.len() < 250, "{shown}");
}
