//! Issued certificates: what they look like, and that nothing else is released.

use std::sync::Arc;

use rcgen::{KeyPair, PublicKeyData, SigningKey};

use super::*;
use crate::certificate_der::parse;
use crate::test_support::{
    P256, Request, YEAR, cn, extension, issuer, load, new_issuer, now, oid, part, san, seq, tlv,
};
use crate::{IssuerKey, KeyPolicy, Signer};

fn csr(der: &[u8]) -> Csr {
    Csr::parse(der, &KeyPolicy::default()).unwrap()
}

fn issue_at(
    issuer: &Issuer,
    der: &[u8],
    lifetime: Option<Duration>,
    at: DateTime<Utc>,
) -> Result<IssuedCertificate, IssueError> {
    issue(issuer, &Profile::default(), &csr(der), lifetime, at)
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn every_kind_of_issuer_signs_for_every_kind_of_key() {
    let requests = [
        &include_bytes!("../../testdata/ed25519.csr")[..],
        include_bytes!("../../testdata/rsa2048.csr"),
        include_bytes!("../../testdata/p256-sha384.csr"),
        include_bytes!("../../testdata/p384-sha256.csr"),
    ];
    for kind in [IssuerKey::EcdsaP256, IssuerKey::EcdsaP384, IssuerKey::Ed25519, IssuerKey::Rsa2048] {
        let issuer = load(&new_issuer(kind));
        for request in requests {
            let made = issue_at(&issuer, request, None, now()).unwrap();
            let certificate = parse(made.der()).unwrap();
            assert_eq!(certificate.public_key().raw, csr(request).spki_der());
        }
    }
}

#[test]
fn a_certificate_names_the_revocation_list_of_its_issuer() {
    let issuer = issuer();
    let url = "http://pki.example/{issuer}.crl".parse().unwrap();
    let profile = Profile::builder().crl_url(Some(url)).build().unwrap();
    let made = issue(&issuer, &profile, &csr(&Request::default().der()), None, now()).unwrap();
    let certificate = parse(made.der()).unwrap();
    let found = certificate.extensions().iter().find(|e| e.oid.to_string() == "2.5.29.31").unwrap();
    let named = format!("http://pki.example/{}.crl", issuer.key_id());
    assert!(!found.critical && found.value.ends_with(named.as_bytes()));
    assert_eq!(hex::encode(issuer.key_identifier()), issuer.key_id());
}

#[test]
fn nothing_of_a_request_but_key_and_names_gets_into_the_certificate() {
    let request = Request {
        subject: vec![part("2.5.4.10", 19, "Works"), cn("device-1"), part("2.5.4.5", 19, "17")],
        attributes: vec![crate::test_support::extension_request(&[
            extension("2.5.29.15", true, &tlv(3, &[1, 6])),
            extension("2.5.29.37", true, &seq(&[oid("1.3.6.1.5.5.7.3.1")])),
            extension("1.2.3", false, b"x"),
            san(&[(0x82, b"a.example"), (0x87, &[192, 0, 2, 1])]),
        ])],
        ..Request::default()
    };
    let made = issue_at(&issuer(), &request.der(), None, now()).unwrap();
    let certificate = parse(made.der()).unwrap();
    assert_eq!(certificate.subject().to_string(), "O=Works, CN=device-1, serialNumber=17");
    let extensions: Vec<_> =
        certificate.extensions().iter().map(|e| (e.oid.to_string(), e.critical)).collect();
    let expected = [
        ("2.5.29.35", false),
        ("2.5.29.17", false),
        ("2.5.29.15", true),
        ("2.5.29.37", false),
        ("2.5.29.14", false),
        ("2.5.29.19", true),
    ];
    assert_eq!(extensions, expected.map(|(oid, critical)| (oid.to_owned(), critical)));
}

#[test]
fn the_times_are_those_of_the_profile_in_whole_seconds() {
    let made = issue_at(&issuer(), &Request::default().der(), None, now()).unwrap();
    assert_eq!(made.not_before(), time("2026-03-01T11:59:00Z"));
    assert_eq!(made.not_after(), time("2027-03-01T12:00:00Z"));
}

#[test]
fn a_request_may_shorten_its_lifetime_only() {
    let issuer = issuer();
    let after = |lifetime| {
        let made = issue_at(&issuer, &Request::default().der(), Some(lifetime), now()).unwrap();
        made.not_after()
    };
    assert_eq!(after(Duration::from_hours(1)), time("2026-03-01T13:00:00Z"));
    assert_eq!(after(2 * YEAR), time("2027-03-01T12:00:00Z"));
    assert_eq!(after(Duration::MAX), time("2027-03-01T12:00:00Z"));
    assert_eq!(after(Duration::ZERO), time("2026-03-01T12:00:01Z"));
}

#[test]
fn no_certificate_is_valid_when_its_issuer_is_not() {
    let issuer = issuer();
    let at = |text: &str| issue_at(&issuer, &Request::default().der(), None, time(text));
    assert_eq!(at("2035-12-01T00:00:00Z").unwrap().not_after(), issuer.not_after());
    assert_eq!(at("2026-03-01T11:59:00Z").unwrap().not_before(), issuer.not_before());
    for text in ["2036-02-27T12:00:00Z", "2040-01-01T00:00:00Z", "2026-03-01T11:58:59Z"] {
        let error = at(text).unwrap_err();
        assert!(matches!(error, IssueError::IssuerNotValid { .. }), "{error}");
        assert_eq!(error.reason(), Reason::IssuerExpired);
    }
}

#[test]
fn times_around_2050_and_up_to_9999_are_written_as_the_standard_wants() {
    let new = crate::NewIssuer::builder("CA").lifetime(7973 * YEAR).create(now()).unwrap();
    let issuer = load(&new);
    for text in
        ["2049-12-31T23:59:59Z", "2050-01-01T00:00:30Z", "2049-06-01T00:00:00Z", "9990-01-01T00:00:00Z"]
    {
        issue_at(&issuer, &Request::default().der(), None, time(text)).unwrap();
    }
}

#[test]
fn serials_of_every_length_are_written_as_they_are() {
    let issuer = issuer();
    for octets in [&[1][..], &[0x80], &[0xff; 19], &[0x7f; 20]] {
        let serial = Serial::from_be_bytes(octets).unwrap();
        let request = csr(&Request::default().der());
        let made = issue_with_serial(&issuer, &Profile::default(), &request, &serial, None, now()).unwrap();
        assert_eq!(made.serial(), &serial);
    }
    // With its sign it would have 21 octets.
    let serial = Serial::from_be_bytes(&[0xff; 20]).unwrap();
    let request = csr(&Request::default().der());
    let error = issue_with_serial(&issuer, &Profile::default(), &request, &serial, None, now()).unwrap_err();
    assert!(matches!(error, IssueError::Wrong(_)), "{error}");
}

/// A key that lives elsewhere and does not do what it should.
struct Faulty {
    key: KeyPair,
    fault: fn(&KeyPair, &[u8]) -> Result<Vec<u8>, rcgen::Error>,
}

impl PublicKeyData for Faulty {
    fn der_bytes(&self) -> &[u8] {
        self.key.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.key.algorithm()
    }
}

impl SigningKey for Faulty {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        (self.fault)(&self.key, message)
    }
}

fn faulty(fault: fn(&KeyPair, &[u8]) -> Result<Vec<u8>, rcgen::Error>) -> IssueError {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let key = KeyPair::from_pem(new.key_pem()).unwrap();
    let signer: Signer = Arc::new(Faulty { key, fault });
    let issuer = Issuer::with_signer(new.certificate_pem(), signer, now()).unwrap();
    issue_at(&issuer, &Request::default().der(), None, now()).unwrap_err()
}

#[test]
fn a_key_that_cannot_sign_is_an_error_of_the_signer() {
    let error = faulty(|_, _| Err(rcgen::Error::RemoteKeyError));
    assert!(matches!(error, IssueError::Signer(rcgen::Error::RemoteKeyError)), "{error}");
    assert_eq!(error.reason(), Reason::SignerFailed);
}

#[test]
fn what_is_signed_wrongly_is_not_released() {
    for fault in [
        (|_, _| Ok(Vec::new())) as fn(&KeyPair, &[u8]) -> _,
        |_, _| Ok(vec![0; 72]),
        |key, message| key.sign(&message[1..]),
        |_, message| P256.sign(message),
    ] {
        let error = faulty(fault);
        assert!(matches!(error, IssueError::Wrong(_)), "{error}");
        assert_eq!(error.reason(), Reason::IssuedCertificateWrong);
    }
}
