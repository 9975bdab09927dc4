//! What holds for every input: nothing panics, and nobody gets a [`Csr`] for what was not signed.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::parse;
use crate::encoding::Signed;
use crate::test_support::{Request, cn, extension, extension_request, part, san};
use der::Encode;

static VALID: LazyLock<Vec<u8>> = LazyLock::new(|| {
    Request {
        subject: vec![part("2.5.4.10", 19, "Works"), cn("device-1")],
        attributes: vec![extension_request(&[
            extension("2.5.29.15", true, &[3, 2, 7, 0x80]),
            san(&[(0x82, b"a.example"), (0x87, &[192, 0, 2, 1])]),
        ])],
        ..Request::default()
    }
    .der()
});

/// All of a request but the octets of its signature.
fn unsigned(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let signed = Signed::from_der(der).unwrap();
    (signed.body.to_der().unwrap(), signed.algorithm.as_bytes().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn arbitrary_octets_are_refused_without_a_panic(input in vec(any::<u8>(), 0..2048)) {
        prop_assert!(parse(&input).is_err());
    }

    #[test]
    fn arbitrary_octets_that_begin_like_a_request_are_refused(input in vec(any::<u8>(), 0..600)) {
        let like = crate::test_support::seq(&[input]);
        prop_assert!(parse(&like).is_err());
    }

    #[test]
    fn a_changed_request_is_refused_unless_only_its_signature_changed(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut der = VALID.clone();
        for (place, octet) in changes {
            let place = place.index(der.len());
            der[place] = octet;
        }
        // ECDSA signatures can be changed into other valid ones; what is signed cannot.
        if let Ok(csr) = parse(&der) {
            prop_assert_eq!(unsigned(csr.der()), unsigned(&VALID));
        }
    }

    #[test]
    fn octets_put_in_or_taken_out_are_refused(
        place in any::<prop::sample::Index>(),
        put in vec(any::<u8>(), 0..4),
        taken in 0_usize..4,
    ) {
        let place = place.index(VALID.len());
        let rest = VALID.get(place + taken..).unwrap_or_default();
        let der = [&VALID[..place], &put, rest].concat();
        prop_assert!(der == *VALID || parse(&der).is_err());
    }

    #[test]
    fn whatever_is_asked_for_is_judged_without_a_panic(
        subject in vec(any::<u8>(), 0..64),
        attributes in vec(any::<u8>(), 0..64),
        names in vec(any::<u8>(), 0..64),
    ) {
        let request = |attributes| Request { attributes, ..Request::default() };
        let _ = parse(&Request::subject(&[subject]));
        let _ = parse(&request(vec![attributes.clone()]).der());
        let _ = parse(&Request::extensions(&[attributes]));
        let _ = parse(&Request::extensions(&[extension("2.5.29.17", false, &names)]));
    }

    #[test]
    fn any_text_as_cn_is_either_kept_exactly_or_refused(name in "\\PC{0,70}|.{0,70}") {
        if let Ok(csr) = parse(&Request::subject(&[cn(&name)])) {
            prop_assert_eq!(csr.subject().common_name().as_str(), name);
        }
    }
}

#[test]
fn a_request_cut_at_any_length_is_refused() {
    for length in 0..VALID.len() {
        assert!(parse(&VALID[..length]).is_err(), "{length}");
    }
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", VALID.clone()));
    let end = pem.find("-----END CERTIFICATE REQUEST-----").unwrap() + 33;
    for length in 0..end {
        assert!(parse(&pem.as_bytes()[..length]).is_err(), "{length}");
    }
}

#[test]
fn every_octet_set_to_every_value_is_refused_or_changes_the_signature_only() {
    for place in 0..VALID.len() {
        for octet in [0x00, 0x01, 0x30, 0x7f, 0x80, 0x82, 0xff] {
            let mut der = VALID.clone();
            der[place] = octet;
            if let Ok(csr) = parse(&der) {
                assert_eq!(unsigned(csr.der()), unsigned(&VALID), "{place}");
            }
        }
    }
}
