//! Revocation lists: what other readers see in them, and that nothing else is released.

use std::sync::Arc;

use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};
use webpki::CertRevocationList;
use x509_parser::prelude::CertificateRevocationList;

use super::*;
use crate::test_support::{Cert, ca_true, extension, issuer, load, new_issuer, now, tlv};
use crate::{IssuerKey, NewIssuer};
use x509_parser::prelude::FromDer;

const DAY: Duration = Duration::from_hours(24);

fn entry(serial: u8, reason: RevocationReason) -> Entry {
    let serial = Serial::from_be_bytes(&[serial; 20]).unwrap();
    Entry { serial, revocation: Revocation { at: "2026-02-28T08:00:00Z".parse().unwrap(), reason } }
}

/// One certificate for every reason, under serial numbers that begin with 0x7f and higher.
fn entries() -> Vec<Entry> {
    (0x7d..).zip(RevocationReason::ALL).map(|(serial, reason)| entry(serial, reason)).collect()
}

fn crl_issuer(kind: IssuerKey) -> CrlIssuer {
    load(&new_issuer(kind)).as_crl_issuer().unwrap()
}

#[test]
fn every_kind_of_issuer_signs_a_list_that_other_readers_take() {
    for kind in [IssuerKey::EcdsaP256, IssuerKey::EcdsaP384, IssuerKey::Ed25519, IssuerKey::Rsa2048] {
        let list = sign(&crl_issuer(kind), &entries(), now(), DAY).unwrap();
        let read = webpki::BorrowedCertRevocationList::from_der(list.der()).unwrap();
        for entry in entries() {
            let read = CertRevocationList::from(read.to_owned().unwrap());
            // As an INTEGER: not negative.
            let octets = entry.serial.as_bytes();
            let serial = [if octets[0] & 0x80 == 0 { &[][..] } else { &[0] }, octets].concat();
            let found = read.find_serial(&serial).unwrap().unwrap();
            let reason = found.reason_code.map(|code| code as u8);
            assert_eq!(reason, reason_code(entry.revocation.reason).map(|code| code as u8), "{kind:?}");
        }
    }
}

#[test]
fn a_list_has_its_time_as_its_number() {
    let list = sign(&crl_issuer(IssuerKey::EcdsaP256), &[], now(), DAY).unwrap();
    assert_eq!(list.this_update().to_rfc3339(), "2026-03-01T12:00:00+00:00");
    assert_eq!(list.next_update().to_rfc3339(), "2026-03-02T12:00:00+00:00");
    let (_, read) = CertificateRevocationList::from_der(list.der()).unwrap();
    assert_eq!(read.crl_number().unwrap().to_string(), now().timestamp().to_string());
    assert_eq!(read.iter_revoked_certificates().count(), 0);
    assert!(list.pem().starts_with("-----BEGIN X509 CRL-----\n"));
}

#[test]
fn a_list_that_would_not_be_valid_is_not_made() {
    let issuer = crl_issuer(IssuerKey::EcdsaP256);
    for validity in
        [Duration::ZERO, Duration::from_millis(1), Duration::from_hours(8_000 * 366 * 24), Duration::MAX]
    {
        let error = sign(&issuer, &[], now(), validity).unwrap_err();
        assert!(matches!(error, CrlError::Validity), "{validity:?}");
    }
}

#[test]
fn an_authority_signs_lists_after_its_expiry_if_its_usage_allows_it() {
    let usage = |octet| Cert {
        extensions: vec![ca_true(), extension("2.5.29.15", true, &tlv(3, &[1, octet]))],
        ..Cert::default()
    };
    let key = KeyPair::from_pem(&crate::test_support::P256.serialize_pem()).unwrap();
    let pem = |certificate: &Cert| pem_of("CERTIFICATE", &certificate.der(&key));
    // keyCertSign and cRLSign; then keyCertSign alone. It expired in 2027.
    let issuer = CrlIssuer::from_pem(pem(&usage(0x06)), key.serialize_pem()).unwrap();
    let later = "2030-01-01T00:00:00Z".parse().unwrap();
    assert!(sign(&issuer, &entries(), later, DAY).is_ok());
    let refused = CrlIssuer::from_pem(pem(&usage(0x04)), key.serialize_pem()).unwrap_err();
    assert!(matches!(refused, IssuerError::MayNotSignLists));
    let signs_certificates = Issuer::from_pem(pem(&usage(0x04)), key.serialize_pem(), now()).unwrap();
    assert!(signs_certificates.as_crl_issuer().is_err());
}

/// A key that signs what another one should.
struct Liar(KeyPair, KeyPair);

impl PublicKeyData for Liar {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        PublicKeyData::algorithm(&self.0)
    }
}

impl SigningKey for Liar {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.1.sign(message)
    }
}

#[test]
fn a_list_that_is_signed_wrongly_is_not_released() {
    let new: NewIssuer = new_issuer(IssuerKey::EcdsaP256);
    let liar = Liar(KeyPair::from_pem(new.key_pem()).unwrap(), KeyPair::generate().unwrap());
    let issuer = CrlIssuer::with_signer(new.certificate_pem(), Arc::new(liar)).unwrap();
    let error = sign(&issuer, &entries(), now(), DAY).unwrap_err();
    assert_eq!(error.to_string(), "the signed revocation list is wrong: the signature does not verify");
}

#[test]
fn a_list_that_is_not_what_was_meant_is_found_out() {
    let issuer = issuer();
    let list = sign(&issuer.as_crl_issuer().unwrap(), &entries(), now(), DAY).unwrap();
    let instant = |time: DateTime<Utc>| whole_second(time).unwrap();
    let (this_update, next_update) = (instant(list.this_update()), instant(list.next_update()));
    let found = |entries: &[Entry], this_update, next_update| {
        lint::check(list.der(), &issuer, &Meant { entries, this_update, next_update })
    };
    assert_eq!(found(&entries(), this_update, next_update), Ok(()));
    let second = time::Duration::SECOND;
    let wrong = |what: &str| Err(what.to_owned());
    assert_eq!(found(&entries(), this_update - second, next_update), wrong("another time of making"));
    assert_eq!(found(&entries(), this_update, next_update + second), wrong("another time of the next list"));
    assert_eq!(found(&entries()[1..], this_update, next_update), wrong("another number of certificates"));
    for (place, other) in [
        (0, entry(0x7d, RevocationReason::KeyCompromise)),
        (1, entry(0x7e, RevocationReason::Unspecified)),
        (2, entry(0x55, RevocationReason::AffiliationChanged)),
    ] {
        let mut changed = entries();
        changed[place] = other;
        let said = format!("the entry of {} is not as meant", changed[place].serial);
        assert_eq!(found(&changed, this_update, next_update), wrong(&said));
    }
}
