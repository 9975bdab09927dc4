//! Files that can be used, and all the ways in which they cannot.

use std::error::Error;

use chrono::TimeDelta;
use rcgen::{CertificateParams, KeyPair};
use renewal_domain::testing::MockClock;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::*;

/// A certificate file and a key file in a directory of their own; the certificate is valid from
/// a day ago for ten days.
struct Place {
    directory: TempDir,
    clock: MockClock,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), clock: MockClock::default() };
        place.write_new();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write_new(&self) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let now = OffsetDateTime::from_unix_timestamp(self.clock.now().timestamp()).unwrap();
        params.not_before = now - time::Duration::DAY;
        params.not_after = now + 9 * time::Duration::DAY;
        fs::write(self.path("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
    }

    fn load(&self) -> Result<ServerCertificate, ServerCertificateError> {
        let clock = Arc::new(self.clock.clone());
        ServerCertificate::from_files(self.path("cert.pem"), self.path("key.pem"), clock)
    }
}

#[test]
fn a_certificate_and_its_key_are_loaded() {
    let place = Place::new();
    let certificate = place.load().unwrap();
    assert_eq!(certificate.not_after(), place.clock.now() + TimeDelta::days(9));
    assert!(!format!("{certificate:?}").contains("PRIVATE"));
}

#[test]
fn a_new_certificate_is_taken_over() {
    let place = Place::new();
    let certificate = place.load().unwrap();
    place.clock.advance(TimeDelta::days(3));
    place.write_new();
    certificate.reload().unwrap();
    assert_eq!(certificate.not_after(), place.clock.now() + TimeDelta::days(9));
}

#[test]
fn what_cannot_be_used_is_refused_and_the_old_certificate_stays() {
    type Spoil = fn(&Place);
    let cases: [(Spoil, &str); 7] = [
        (|place| fs::remove_file(place.path("cert.pem")).unwrap(), "cannot read"),
        (|place| fs::write(place.path("cert.pem"), "").unwrap(), "no X.509 certificate"),
        (
            |place| {
                let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
                fs::write(place.path("cert.pem"), pem).unwrap();
            },
            "no X.509 certificate",
        ),
        (|place| fs::write(place.path("key.pem"), "secret").unwrap(), "no private key"),
        (
            |place| {
                let pem = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
                fs::write(place.path("key.pem"), pem).unwrap();
            },
            "no private key",
        ),
        (
            |place| fs::write(place.path("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap(),
            "is not the key of the first certificate",
        ),
        (|place| place.clock.advance(TimeDelta::days(10)), "is valid from"),
    ];
    for (spoil, said) in cases {
        let place = Place::new();
        let certificate = place.load().unwrap();
        let before = certificate.not_after();
        spoil(&place);
        let error = certificate.reload().unwrap_err();
        let text = format!("{error}: {:?}", error.source());
        assert!(text.contains(said) && !text.contains("secret"), "{text}");
        assert_eq!(certificate.not_after(), before);
        assert!(place.load().is_err(), "it is not started with either: {text}");
    }
}
