//! Presented certificates: genuine, foreign, malformed and hostile ones.

use rcgen::KeyPair;

use super::*;
use crate::IssuerError;
use crate::test_support::{
    Cert, Request, ca_true, cn, curve, extension, generalized, issuer, load, new_issuer, now, oid, part,
    requested_key, rsa, san, seq, tlv, utc,
};
use crate::{Csr, IssuerKey, KeyPolicy, NewIssuer, Profile, issue};

struct Authority {
    new: NewIssuer,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let new = new_issuer(IssuerKey::EcdsaP256);
        let key = KeyPair::from_pem(new.key_pem()).unwrap();
        Self { new, key }
    }

    fn trusted(&self) -> Vec<DeviceIssuer> {
        vec![DeviceIssuer::trusted_anywhere(self.new.certificate_pem()).unwrap()]
    }

    fn present(&self, certificate: &Cert) -> Result<PresentedCertificate, Rejection> {
        PresentedCertificate::parse(&certificate.der(&self.key), &self.trusted(), now())
    }

    #[track_caller]
    fn refused(&self, certificate: &Cert) -> Reason {
        self.present(certificate).unwrap_err().reason()
    }
}

#[test]
fn an_issued_certificate_can_be_presented() {
    let issuer = issuer();
    let names = san(&[(0x82, b"a.example"), (0x86, b"urn:x")]);
    let csr = Csr::parse(&Request::extensions(&[names]), &KeyPolicy::default()).unwrap();
    let made = issue(&issuer, &Profile::default(), &csr, None, now()).unwrap();
    let issuers = [issuer.as_device_issuer()];
    for input in [made.der().to_vec(), made.pem().into_bytes()] {
        let presented = PresentedCertificate::parse(&input, &issuers, now()).unwrap();
        assert_eq!(presented.der(), made.der());
        assert_eq!(presented.serial(), made.serial());
        assert_eq!(presented.subject(), csr.subject());
        assert_eq!(presented.san(), csr.san());
        assert_eq!(presented.public_key_sha256(), csr.public_key_sha256());
        assert_eq!(presented.spki_der(), csr.spki_der());
        assert_eq!(presented.not_before(), made.not_before());
        assert_eq!(presented.not_after(), made.not_after());
    }
}

#[test]
fn a_certificate_without_extensions_can_be_presented() {
    let authority = Authority::new();
    let presented = authority.present(&Cert::default()).unwrap();
    assert_eq!(presented.serial().to_string(), "17");
    assert!(authority.present(&Cert { version: Vec::new(), ..Cert::default() }).is_ok());
}

#[test]
fn expiry_is_told_and_not_judged() {
    let authority = Authority::new();
    let presented = authority.present(&Cert::default()).unwrap();
    let at = |text: &str| presented.expired_for(text.parse().unwrap());
    assert_eq!(at("2026-06-01T00:00:00Z"), None);
    assert_eq!(at("2027-01-01T00:00:00.9Z"), None);
    assert_eq!(at("2027-01-01T00:00:01Z"), Some(TimeDelta::seconds(1)));
    assert_eq!(at("2027-01-31T00:00:00Z"), Some(TimeDelta::days(30)));
}

#[test]
fn a_start_in_the_future_is_refused_beyond_a_minute() {
    let authority = Authority::new();
    let starting = |text| Cert { times: [utc(text), utc("270101000000Z")], ..Cert::default() };
    assert!(authority.present(&starting("260301120100Z")).is_ok());
    assert_eq!(authority.refused(&starting("260301120102Z")), Reason::CertificateNotYetValid);
}

#[test]
fn the_first_and_the_last_year_can_be_computed_with() {
    let authority = Authority::new();
    let times = [generalized("00010101000000Z"), generalized("99991231235959Z")];
    let presented = authority.present(&Cert { times, ..Cert::default() }).unwrap();
    assert_eq!(presented.not_before().to_string(), "0001-01-01 00:00:00 UTC");
    assert_eq!(presented.not_after().to_string(), "9999-12-31 23:59:59 UTC");
    assert_eq!(presented.expired_for(chrono::DateTime::<Utc>::MIN_UTC), None);
    assert!(presented.expired_for(chrono::DateTime::<Utc>::MAX_UTC).is_some());
    let long_ago = [generalized("00010101000000Z"), generalized("00010102000000Z")];
    let presented = authority.present(&Cert { times: long_ago, ..Cert::default() }).unwrap();
    assert!(presented.expired_for(now()).unwrap() > TimeDelta::days(700_000));
    let future = [generalized("99991231235959Z"), generalized("99991231235959Z")];
    assert_eq!(authority.refused(&Cert { times: future, ..Cert::default() }), Reason::CertificateNotYetValid);
}

#[test]
fn a_foreign_certificate_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    // The same name, another key.
    let foreign = PresentedCertificate::parse(&Cert::default().der(&other.key), &authority.trusted(), now());
    assert_eq!(foreign.unwrap_err().reason(), Reason::CertificateNotFromDeviceIssuer);
    let named = Cert { issuer: seq(&[cn("Other CA")]), ..Cert::default() };
    assert_eq!(authority.refused(&named), Reason::CertificateNotFromDeviceIssuer);
    let identifier = seq(&[tlv(0x80, &[9; 20])]);
    let other_key = Cert { extensions: vec![extension("2.5.29.35", false, &identifier)], ..Cert::default() };
    assert_eq!(authority.refused(&other_key), Reason::CertificateNotFromDeviceIssuer);
    let none = PresentedCertificate::parse(&Cert::default().der(&authority.key), &[], now());
    assert_eq!(none.unwrap_err().reason(), Reason::CertificateNotFromDeviceIssuer);
}

#[test]
fn the_device_issuer_whose_key_signed_is_found_among_several_of_one_name() {
    let (first, second) = (Authority::new(), Authority::new());
    let issuers = [
        DeviceIssuer::trusted_anywhere(first.new.certificate_pem()).unwrap(),
        DeviceIssuer::previous(second.new.certificate_pem()).unwrap(),
    ];
    let presented = PresentedCertificate::parse(&Cert::default().der(&second.key), &issuers, now()).unwrap();
    assert_eq!(presented.issuer_index(), 1);
}

#[test]
fn a_changed_certificate_is_refused() {
    let authority = Authority::new();
    let der = Cert::default().der(&authority.key);
    for place in 0..der.len() {
        let mut changed = der.clone();
        changed[place] ^= 1;
        let result = PresentedCertificate::parse(&changed, &authority.trusted(), now());
        assert!(result.is_err(), "{place}");
        assert!(PresentedCertificate::parse(&der[..place], &authority.trusted(), now()).is_err());
    }
}

#[test]
fn certificates_that_are_not_for_devices_are_refused() {
    let authority = Authority::new();
    let usage = |oid_of: &str| extension("2.5.29.37", false, &seq(&[oid(oid_of)]));
    let with = |extension| Cert { extensions: vec![extension], ..Cert::default() };
    assert_eq!(authority.refused(&with(ca_true())), Reason::CertificateNotADeviceCertificate);
    assert_eq!(
        authority.refused(&with(usage("1.3.6.1.5.5.7.3.1"))),
        Reason::CertificateNotADeviceCertificate
    );
    assert!(authority.present(&with(usage("1.3.6.1.5.5.7.3.2"))).is_ok());
    assert!(authority.present(&with(usage("2.5.29.37.0"))).is_ok());
    let own =
        PresentedCertificate::parse(authority.new.certificate_pem().as_bytes(), &authority.trusted(), now());
    assert_eq!(own.unwrap_err().reason(), Reason::CertificateNotADeviceCertificate);
}

#[test]
fn a_certificate_whose_key_is_not_for_signatures_is_refused() {
    let authority = Authority::new();
    let usage = |bits: [u8; 2]| Cert {
        extensions: vec![extension("2.5.29.15", true, &tlv(3, &bits))],
        ..Cert::default()
    };
    // keyEncipherment, keyAgreement, nonRepudiation.
    for bits in [[5, 0x20], [3, 0x08], [6, 0x40]] {
        let rejection = authority.present(&usage(bits)).unwrap_err();
        assert_eq!(rejection.reason(), Reason::CertificateNotADeviceCertificate);
        assert_eq!(rejection.detail(), "its key usage lacks digitalSignature");
    }
    // digitalSignature, alone or with keyEncipherment.
    for bits in [[7, 0x80], [5, 0xa0]] {
        assert!(authority.present(&usage(bits)).is_ok());
    }
}

#[test]
fn a_certificate_whose_private_key_anybody_can_find_is_refused() {
    let authority = Authority::new();
    let requests = [
        (&include_bytes!("../../testdata/rsa2049-small-factor.der")[..], Reason::KeyFactorable),
        (include_bytes!("../../testdata/rsa2048-close-primes.der"), Reason::KeyFactorable),
        (include_bytes!("../../testdata/rsa2048-roca.der"), Reason::KeyFactorable),
        (include_bytes!("../../testdata/p256-private-key-1.der"), Reason::KeyGuessable),
        (include_bytes!("../../testdata/p384-private-key-n-1.der"), Reason::KeyGuessable),
    ];
    for (request, reason) in requests {
        let certificate = Cert { key_info: requested_key(request), ..Cert::default() };
        let rejection = authority.present(&certificate).unwrap_err();
        assert_eq!(rejection.reason(), reason);
        assert!(rejection.detail().starts_with("the presented certificate's key, "), "{rejection}");
    }
    let uncompressed = requested_key(requests[3].0);
    let compressed = [&[2], &uncompressed[27..59]].concat();
    let certificate = Cert { key_info: curve("1.2.840.10045.3.1.7", &compressed), ..Cert::default() };
    assert_eq!(authority.refused(&certificate), Reason::KeyGuessable);
}

#[test]
fn a_certificate_for_a_key_that_no_request_may_have_can_be_presented() {
    let authority = Authority::new();
    let other_key = |request| Cert { key_info: requested_key(request), ..Cert::default() };
    for request in [
        &include_bytes!("../../testdata/rsa1024.csr")[..],
        include_bytes!("../../testdata/rsa2048-e3.csr"),
        include_bytes!("../../testdata/rsa-pss-key.csr"),
        include_bytes!("../../testdata/p521.csr"),
        include_bytes!("../../testdata/ed448.csr"),
        include_bytes!("../../testdata/secp256k1.csr"),
    ] {
        authority.present(&other_key(request)).unwrap();
    }
    // An RSA key that is too long to be judged, and one that is none.
    for key_info in [rsa(&[0xff; 2000], &[1, 0, 1]), rsa(&[], &[])] {
        authority.present(&Cert { key_info, ..Cert::default() }).unwrap();
    }
}

#[test]
fn malformed_certificates_are_refused() {
    let authority = Authority::new();
    let names = || san(&[(0x82, b"a")]);
    for certificate in [
        Cert { serial: tlv(2, &[0]), ..Cert::default() },
        Cert { serial: tlv(2, &[0xff]), ..Cert::default() },
        Cert { serial: tlv(2, &[0x7f; 21]), ..Cert::default() },
        Cert { extensions: vec![names(), names()], ..Cert::default() },
        Cert { extensions: vec![extension("1.2.3", true, b"x")], ..Cert::default() },
        Cert { extensions: vec![extension("2.5.29.30", true, &seq(&[]))], ..Cert::default() },
        Cert { extensions: vec![extension("2.5.29.19", true, b"x")], ..Cert::default() },
        Cert { extensions: vec![names()], version: Vec::new(), ..Cert::default() },
        Cert { times: [utc("261301000000Z"), utc("270101000000Z")], ..Cert::default() },
        Cert { key_info: [Cert::default().key_info, tlv(5, &[])].concat(), ..Cert::default() },
    ] {
        assert_eq!(authority.refused(&certificate), Reason::CertificateMalformed);
    }
    let der = Cert::default().der(&authority.key);
    let behind = [&der[..], &[0]].concat();
    for input in [&b""[..], b"x", &vec![0; 200_000], &behind] {
        let rejection = PresentedCertificate::parse(input, &authority.trusted(), now()).unwrap_err();
        assert_eq!(rejection.reason(), Reason::CertificateMalformed);
    }
}

#[test]
fn certificates_whose_parts_are_not_what_they_must_be_are_refused() {
    let authority = Authority::new();
    let more = |part: &[u8], more: &[u8]| tlv(part[0], &[&part[2..], more].concat());
    let null = tlv(5, &[]);
    let with = |extension| Cert { extensions: vec![extension], ..Cert::default() };
    let names = san(&[(0x82, b"a")]);
    let content = names[9..].to_vec();
    for certificate in [
        with(more(&names, &tlv(4, &content))),
        with(more(&names, &null)),
        // An extension whose identifier is an ENUMERATED.
        with([&names[..2], &[10], &names[3..]].concat()),
        with(extension("2.5.29.17", false, &[content, null.clone()].concat())),
        with(extension("2.5.29.19", true, &[seq(&[]), seq(&[tlv(1, &[0xff])])].concat())),
        with(extension("2.5.29.15", true, &[3, 2, 7, 0x80, 5, 0])),
        Cert {
            times: [utc("260101000000Z"), [utc("270101000000Z"), null.clone()].concat()],
            ..Cert::default()
        },
        Cert { key_info: more(&Cert::default().key_info, &null), ..Cert::default() },
    ] {
        assert_eq!(authority.refused(&certificate), Reason::CertificateMalformed);
    }
    let lists = tlv(0xa3, &[seq(&[names]), seq(&[])].concat());
    let key_info = [Cert::default().key_info, lists].concat();
    assert_eq!(authority.refused(&Cert { key_info, ..Cert::default() }), Reason::CertificateMalformed);
}

#[test]
fn names_that_cannot_be_renewed_are_refused() {
    let authority = Authority::new();
    for certificate in [
        Cert { subject: Vec::new(), ..Cert::default() },
        Cert { subject: vec![cn("a"), cn("b")], ..Cert::default() },
        Cert { subject: vec![cn("a\0b")], ..Cert::default() },
        Cert { subject: vec![cn("\u{202e}a")], ..Cert::default() },
        Cert { subject: vec![cn(&"a".repeat(10_000))], ..Cert::default() },
        Cert { subject: vec![part("2.5.4.3", 0x14, "a")], ..Cert::default() },
        Cert { subject: vec![cn("a"), tlv(5, &[])], ..Cert::default() },
        Cert { extensions: vec![san(&[(0xa0, &[])])], ..Cert::default() },
        Cert { extensions: vec![san(&[(0x82, b".example")])], ..Cert::default() },
        Cert { subject: vec![part("2.5.4.3", 22, "a")], ..Cert::default() },
    ] {
        assert_eq!(authority.refused(&certificate), Reason::CertificateNameUnsupported);
    }
    let long = Cert { subject: vec![part("2.5.4.10", 12, &"x".repeat(65)), cn("a")], ..Cert::default() };
    let said = authority.present(&long).unwrap_err().to_string();
    assert!(said.contains("(O has at most 64 characters, this one has 65: xxx"), "{said}");
}

#[test]
fn what_is_no_authority_cannot_be_a_device_issuer() {
    let authority = Authority::new();
    let leaf = Cert::default().der(&authority.key);
    assert!(matches!(DeviceIssuer::trusted_anywhere(&leaf), Err(IssuerError::NotAnAuthority)));
    assert!(matches!(DeviceIssuer::previous("x"), Err(IssuerError::Certificate(_))));
    let no_cert_sign = extension("2.5.29.15", true, &tlv(3, &[7, 0x80]));
    let der = Cert { extensions: vec![ca_true(), no_cert_sign], ..Cert::default() }.der(&authority.key);
    assert!(matches!(DeviceIssuer::trusted_anywhere(&der), Err(IssuerError::MayNotSign)));
}

#[test]
fn every_kind_of_issuer_can_be_a_device_issuer() {
    for kind in [IssuerKey::EcdsaP384, IssuerKey::Ed25519, IssuerKey::Rsa2048] {
        let issuer = load(&new_issuer(kind));
        let csr = Csr::parse(&Request::default().der(), &KeyPolicy::default()).unwrap();
        let made = issue(&issuer, &Profile::default(), &csr, None, now()).unwrap();
        let issuers = [issuer.as_device_issuer()];
        assert!(PresentedCertificate::parse(made.der(), &issuers, now()).is_ok());
    }
}
