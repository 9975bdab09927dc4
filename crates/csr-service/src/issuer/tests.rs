//! Issuers: every format of a key, and every pair of certificate and key that must be refused.

use chrono::TimeDelta;
use rcgen::PublicKeyData;

use super::*;
use crate::test_support::{
    Cert, Request, YEAR, bits, ca_true, cn, extension, new_issuer, now, oid, part, requested_key, seq, set,
    tlv, utc,
};
use crate::{DeviceIssuer, IssuerKey, KeyPolicy, NewIssuer};

const KINDS: [IssuerKey; 4] =
    [IssuerKey::EcdsaP256, IssuerKey::EcdsaP384, IssuerKey::Ed25519, IssuerKey::Rsa2048];

fn pem(label: &str, content: impl Into<Vec<u8>>) -> String {
    pem::encode(&pem::Pem::new(label, content))
}

/// What stands in a PKCS#8 key: the key in the older format of its kind.
fn inner(key_pem: &str) -> Vec<u8> {
    let pkcs8 = pem::parse(key_pem).unwrap().into_contents();
    let fields = AnyRefs::of(&pkcs8);
    fields.0[2].clone()
}

/// The contents of the fields of a SEQUENCE.
struct AnyRefs(Vec<Vec<u8>>);

impl AnyRefs {
    fn of(der: &[u8]) -> Self {
        let all = der::asn1::AnyRef::from_der(der).unwrap();
        Self(crate::encoding::elements(all.value()).unwrap().iter().map(|e| e.value().to_vec()).collect())
    }
}

#[track_caller]
fn refused(certificate: impl AsRef<[u8]>, key: &str) -> IssuerError {
    Issuer::from_pem(certificate, key, now()).unwrap_err()
}

#[test]
fn pkcs8_keys_of_every_kind_are_loaded() {
    for kind in KINDS {
        let new = new_issuer(kind);
        let issuer = Issuer::from_pem(new.certificate_pem(), new.key_pem(), now()).unwrap();
        assert_eq!(issuer.certificate_der(), pem::parse(new.certificate_pem()).unwrap().contents());
        assert_eq!(issuer.not_after(), "2036-02-27T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert!(Issuer::from_pem(issuer.certificate_pem(), new.key_pem(), now()).is_ok());
    }
}

#[test]
fn pkcs1_keys_are_loaded() {
    let new = new_issuer(IssuerKey::Rsa2048);
    let key = pem("RSA PRIVATE KEY", inner(new.key_pem()));
    assert!(Issuer::from_pem(new.certificate_pem(), key, now()).is_ok());
}

#[test]
fn sec1_keys_are_loaded_with_parameters_in_front_or_not() {
    for (kind, curve) in
        [(IssuerKey::EcdsaP256, "1.2.840.10045.3.1.7"), (IssuerKey::EcdsaP384, "1.3.132.0.34")]
    {
        let new = new_issuer(kind);
        // As OpenSSL writes it: version, key, curve, point (RFC 5915, section 3).
        let secret = AnyRefs::of(&inner(new.key_pem())).0[1].clone();
        let pair = KeyPair::from_pem(new.key_pem()).unwrap();
        let sec1 =
            seq(&[tlv(2, &[1]), tlv(4, &secret), tlv(0xa0, &oid(curve)), tlv(0xa1, &bits(pair.der_bytes()))]);
        let key = pem("EC PRIVATE KEY", sec1);
        let with_parameters = pem("EC PARAMETERS", oid(curve)) + &key;
        for file in [key, with_parameters] {
            assert!(Issuer::from_pem(new.certificate_pem(), file, now()).is_ok(), "{kind:?}");
        }
    }
}

#[test]
fn a_key_that_lives_elsewhere_is_used() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let elsewhere: Signer = Arc::new(KeyPair::from_pem(new.key_pem()).unwrap());
    assert!(Issuer::with_signer(new.certificate_pem(), elsewhere, now()).is_ok());
}

#[test]
fn encrypted_keys_are_refused_with_what_to_do() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let pkcs8 = pem("ENCRYPTED PRIVATE KEY", b"x");
    let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\neA==\n-----END EC PRIVATE KEY-----\n";
    for key in [pkcs8.as_str(), old] {
        let error = refused(new.certificate_pem(), key);
        assert!(matches!(error, IssuerError::KeyEncrypted), "{error}");
        assert!(error.to_string().contains("openssl pkey"));
    }
}

#[test]
fn files_without_one_usable_key_are_refused() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    for key in [
        String::new(),
        "x".into(),
        new.key_pem().repeat(2),
        new.certificate_pem().into(),
        pem("DSA PRIVATE KEY", [0x30, 0]),
    ] {
        assert!(matches!(refused(new.certificate_pem(), &key), IssuerError::NoKey(_)), "{key}");
    }
    let cut = &inner(new.key_pem())[..20];
    for key in [
        pem("PRIVATE KEY", b""),
        pem("PRIVATE KEY", cut),
        pem("EC PRIVATE KEY", cut),
        pem("RSA PRIVATE KEY", [0x30, 0]),
    ] {
        assert!(matches!(refused(new.certificate_pem(), &key), IssuerError::KeyUnusable), "{key}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    for kind in KINDS {
        let (one, other) = (new_issuer(kind), new_issuer(IssuerKey::EcdsaP256));
        let error = refused(one.certificate_pem(), other.key_pem());
        assert!(matches!(error, IssuerError::KeyMismatch), "{error}");
    }
}

#[test]
fn an_issuer_is_loaded_only_while_it_is_valid() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let load = |at| Issuer::from_pem(new.certificate_pem(), new.key_pem(), at);
    let (day, ten_years) = (TimeDelta::days(1), TimeDelta::from_std(10 * YEAR).unwrap());
    assert!(matches!(load(now() - day), Err(IssuerError::NotYetValid(_))));
    assert!(load(now() + ten_years - day).is_ok());
    assert!(matches!(load(now() + ten_years + day), Err(IssuerError::Expired(_))));
}

/// A self-signed certificate of any shape, and its key.
fn certificate_with_key(change: impl FnOnce(&mut Cert)) -> (Vec<u8>, String) {
    let key = KeyPair::generate().unwrap();
    let mut certificate = Cert {
        key_info: key.subject_public_key_info(),
        subject: vec![cn("Test CA")],
        extensions: vec![ca_true()],
        ..Cert::default()
    };
    change(&mut certificate);
    (certificate.der(&key), key.serialize_pem())
}

#[test]
fn certificates_that_may_not_sign_are_refused() {
    let (leaf, key) = certificate_with_key(|c| c.extensions.clear());
    assert!(matches!(refused(leaf, &key), IssuerError::NotAnAuthority));
    let (leaf, key) = certificate_with_key(|c| c.extensions = vec![extension("2.5.29.19", true, &seq(&[]))]);
    assert!(matches!(refused(leaf, &key), IssuerError::NotAnAuthority));
    let (ca, key) =
        certificate_with_key(|c| c.extensions.push(extension("2.5.29.15", true, &tlv(3, &[7, 0x80]))));
    assert!(matches!(refused(ca, &key), IssuerError::MayNotSign));
    let (ca, key) =
        certificate_with_key(|c| c.extensions.push(extension("2.5.29.15", true, &tlv(3, &[2, 4]))));
    assert!(Issuer::from_pem(ca, key, now()).is_ok());
}

#[test]
fn an_authority_for_other_purposes_than_clients_is_refused() {
    let certificate = include_str!("../../testdata/authorities/ca-eku-serverauth.pem");
    let key = include_str!("../../testdata/authorities/ca-eku-serverauth.key");
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    let error = Issuer::from_pem(certificate, key, now).unwrap_err();
    assert!(matches!(error, IssuerError::MayNotIssueForClients), "{error}");
    assert!(error.to_string().contains("extendedKeyUsage must have clientAuth"), "{error}");
    // It may sign revocation lists, and devices that have its certificates are another question.
    assert!(CrlIssuer::from_pem(certificate, key).is_ok());
    assert!(DeviceIssuer::trusted_anywhere(certificate).is_ok());
}

#[test]
fn an_authority_for_clients_or_for_everything_is_loaded() {
    const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
    let with = |purposes: &[&str]| {
        let purposes: Vec<_> = purposes.iter().map(|purpose| oid(purpose)).collect();
        certificate_with_key(|c| c.extensions.push(extension("2.5.29.37", false, &seq(&purposes))))
    };
    for purposes in [&[CLIENT_AUTH][..], &["1.3.6.1.5.5.7.3.1", CLIENT_AUTH], &["2.5.29.37.0"]] {
        let (ca, key) = with(purposes);
        assert!(Issuer::from_pem(ca, key, now()).is_ok(), "{purposes:?}");
    }
    // No such purpose, or an unknown one alone.
    for purposes in [&[][..], &["1.3.6.1.4.1.99999.1"]] {
        let (ca, key) = with(purposes);
        assert!(Issuer::from_pem(ca, key, now()).is_err(), "{purposes:?}");
    }
}

#[test]
fn an_authority_without_authorities_below_it_issues_certificates_of_devices() {
    let path_length = |length: u8| {
        let constraints = seq(&[tlv(1, &[0xff]), tlv(2, &[length])]);
        certificate_with_key(|c| c.extensions = vec![extension("2.5.29.19", true, &constraints)])
    };
    for length in [0, 1, 7] {
        let (ca, key) = path_length(length);
        assert!(Issuer::from_pem(ca, key, now()).is_ok(), "{length}");
    }
    let (ca, key) = path_length(0xff);
    assert!(matches!(refused(ca, &key), IssuerError::Certificate(_)), "a negative path length");
}

#[test]
fn subjects_that_rcgen_would_change_or_panic_at_are_refused() {
    for subject in [
        vec![],
        vec![set(&[])],
        vec![part("2.5.4.10", 12, "a"), part("2.5.4.10", 12, "b")],
        vec![part("2.5.4.3", 0x14, "a")],
        vec![part("2.5.4.3", 0x13, "a?")],
        vec![set(&[part("2.5.4.3", 12, "a")[2..].to_vec(), part("2.5.4.5", 12, "b")[2..].to_vec()])],
        vec![cn("a"), tlv(5, &[])],
    ] {
        let (ca, key) = certificate_with_key(|c| c.subject = subject);
        let error = refused(ca, &key);
        assert!(matches!(error, IssuerError::Name(_) | IssuerError::Certificate(_)), "{error}");
    }
}

#[test]
fn unreadable_certificates_are_refused() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let two = new.certificate_pem().repeat(2);
    for certificate in ["", "x", new.key_pem(), &two] {
        assert!(matches!(refused(certificate, new.key_pem()), IssuerError::Certificate(_)));
    }
    let (odd, key) = certificate_with_key(|c| c.times = [utc("x"), utc("y")]);
    assert!(matches!(refused(odd, &key), IssuerError::Certificate(_)));
}

#[test]
fn an_authority_with_a_key_that_is_not_supported_is_refused() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let (ca, _) = certificate_with_key(|c| c.key_info = key.subject_public_key_info());
    let error = refused(ca, &key.serialize_pem());
    assert!(matches!(&error, IssuerError::KeyType(name) if name.contains("P-521")), "{error}");
}

#[test]
fn an_authority_whose_private_key_anybody_can_find_is_refused() {
    let requests = [
        (&include_bytes!("../../testdata/rsa2049-small-factor.der")[..], "divisible by 3"),
        (include_bytes!("../../testdata/rsa2048-close-primes.der"), "close to each other"),
        (include_bytes!("../../testdata/rsa2048-roca.der"), "CVE-2017-15361"),
        (include_bytes!("../../testdata/p384-private-key-1.der"), "private key is 1"),
    ];
    for (request, why) in requests {
        let (ca, key) = certificate_with_key(|c| c.key_info = requested_key(request));
        let errors = [refused(&ca, &key), DeviceIssuer::trusted_anywhere(&ca).unwrap_err()];
        for error in errors {
            assert!(matches!(&error, IssuerError::KeyType(detail) if detail.contains(why)), "{error}");
            assert!(error.to_string().contains("use a new key"), "{error}");
        }
    }
}

#[test]
fn a_request_for_the_issuers_own_key_is_refused() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let issuer = Issuer::from_pem(new.certificate_pem(), new.key_pem(), now()).unwrap();
    let parse = |der: &[u8]| Csr::parse(der, &KeyPolicy::default()).unwrap();
    let key = KeyPair::from_pem(new.key_pem()).unwrap();
    let body = Request { key_info: key.subject_public_key_info(), ..Request::default() }.body();
    let own = parse(&crate::test_support::signed(body, crate::test_support::ECDSA_SHA256, &key));
    assert_eq!(issuer.refuse_own_key(&own).unwrap_err().reason(), Reason::KeyBelongsToIssuer);
    assert_eq!(own.public_key_sha256(), issuer.public_key_sha256());
    assert!(issuer.refuse_own_key(&parse(&Request::default().der())).is_ok());
}

#[test]
fn nothing_shows_a_key() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let issuer = Issuer::from_pem(new.certificate_pem(), new.key_pem(), now()).unwrap();
    for shown in [format!("{new:?}"), format!("{issuer:?}"), format!("{issuer:#?}")] {
        assert!(shown.contains("(not shown)") && !shown.contains("PRIVATE"), "{shown}");
    }
}

#[test]
fn a_new_issuer_is_an_authority_of_one_level() {
    let new = new_issuer(IssuerKey::Ed25519);
    let der = pem::parse(new.certificate_pem()).unwrap().into_contents();
    let certificate = crate::certificate_der::parse(&der).unwrap();
    let constraints = certificate.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = certificate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.flags == 0b110_0000);
    assert_eq!(certificate.raw_serial().len(), 20);
    assert_eq!(certificate.subject().to_string(), "CN=Test CA");
    assert_eq!(
        certificate.validity().not_before.to_datetime().to_string(),
        "2026-03-01 11:59:00.0 +00:00:00"
    );
}

#[test]
fn a_new_issuer_with_an_impossible_name_or_lifetime_is_refused() {
    let make = |name: &str, lifetime| NewIssuer::builder(name).lifetime(lifetime).create(now());
    for name in ["", "a\nb", "\u{202e}", &"a".repeat(65)] {
        assert!(matches!(make(name, YEAR), Err(IssuerError::NewIssuer(_))), "{name:?}");
    }
    for lifetime in [std::time::Duration::ZERO, std::time::Duration::MAX, 8000 * YEAR] {
        assert!(matches!(make("CA", lifetime), Err(IssuerError::NewIssuer(_))), "{lifetime:?}");
    }
    assert!(make("Ä", 7900 * YEAR).is_ok());
}
