//! Certificates that differ from what was meant in one thing each.

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use renewal_domain::Serial;
use time::OffsetDateTime;

use super::*;
use crate::test_support::{
    Cert, P256, Request, ca_true, extension, generalized, issuer, load, new_issuer, now, oid, san, seq, tlv,
    utc,
};
use crate::{Csr, IssuerKey, KeyPolicy};

struct Setting {
    issuer: Issuer,
    csr: Csr,
    serial: Serial,
    crl_url: Option<&'static str>,
}

impl Setting {
    fn new() -> Self {
        let names = san(&[(0x82, b"a.example"), (0x82, b"b.example")]);
        Self {
            issuer: issuer(),
            csr: Csr::parse(&Request::extensions(&[names]), &KeyPolicy::default()).unwrap(),
            serial: Serial::from_be_bytes(&[0x55; 20]).unwrap(),
            crl_url: None,
        }
    }

    fn meant(&self) -> Meant<'_> {
        let start = OffsetDateTime::from_unix_timestamp(now().timestamp()).unwrap();
        Meant {
            csr: &self.csr,
            serial: &self.serial,
            not_before: start,
            not_after: start + time::Duration::days(1),
            crl_url: self.crl_url,
        }
    }

    /// What is right, before a change.
    fn params(&self) -> CertificateParams {
        let meant = self.meant();
        let mut params = CertificateParams::default();
        params.not_before = meant.not_before;
        params.not_after = meant.not_after;
        params.serial_number = Some(self.serial.as_bytes().to_vec().into());
        params.distinguished_name = self.csr.subject().for_rcgen();
        params.subject_alt_names = self.csr.san().for_rcgen();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params
    }

    fn check(&self, params: &CertificateParams, key: &KeyPair, issuer: &Issuer) -> Result<(), String> {
        let certificate = params.signed_by(key, &issuer.for_rcgen()).unwrap();
        check(certificate.der(), &self.issuer, &self.meant())
    }

    #[track_caller]
    fn finds(&self, what: &str, change: impl FnOnce(&mut CertificateParams)) {
        let mut params = self.params();
        change(&mut params);
        let found = self.check(&params, &P256, &self.issuer).unwrap_err();
        assert!(found.contains(what), "{found}");
    }
}

#[test]
fn what_was_meant_passes() {
    let setting = Setting::new();
    assert_eq!(setting.check(&setting.params(), &P256, &setting.issuer), Ok(()));
}

#[test]
fn another_serial_name_time_or_key_is_found() {
    let setting = Setting::new();
    let second = time::Duration::SECOND;
    setting.finds("serial", |p| p.serial_number = Some(vec![0x55; 19].into()));
    setting.finds("serial", |p| p.serial_number = None);
    setting.finds("subject", |p| p.distinguished_name.push(DnType::OrganizationName, "x"));
    setting.finds("subject", |p| p.distinguished_name.push(DnType::CommonName, "x"));
    setting.finds("start", |p| p.not_before += second);
    setting.finds("end", |p| p.not_after -= second);
    let other = KeyPair::generate().unwrap();
    let found = setting.check(&setting.params(), &other, &setting.issuer);
    assert_eq!(found, Err("another public key".into()));
}

#[test]
fn another_issuer_is_found() {
    let setting = Setting::new();
    let found = setting.check(&setting.params(), &P256, &issuer());
    assert_eq!(found, Err("the signature does not verify".into()));
    let foreign = load(&new_issuer(IssuerKey::Ed25519));
    assert!(setting.check(&setting.params(), &P256, &foreign).is_err());
}

#[test]
fn extensions_that_were_not_meant_are_found() {
    let setting = Setting::new();
    setting.finds("2.5.29.19", |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    setting.finds("2.5.29.15", |p| p.key_usages.push(KeyUsagePurpose::KeyCertSign));
    setting.finds("2.5.29.37", |p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth));
    setting.finds("2.5.29.37", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    setting.finds("2.5.29.17", |p| drop(p.subject_alt_names.pop()));
    setting.finds("2.5.29.17", |p| p.subject_alt_names[0] = SanType::IpAddress([1, 2, 3, 4].into()));
    setting.finds("2.5.29.14", |p| p.key_identifier_method = KeyIdMethod::PreSpecified(vec![1; 21]));
    for critical in [true, false] {
        setting.finds("1.2.3", |p| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
            extension.set_criticality(critical);
            p.custom_extensions.push(extension);
        });
    }
}

#[test]
fn extensions_that_are_missing_are_found() {
    let setting = Setting::new();
    setting.finds("is missing", |p| p.is_ca = IsCa::NoCa);
    setting.finds("2.5.29.15 is missing", |p| p.key_usages.clear());
    setting.finds("2.5.29.37 is missing", |p| p.extended_key_usages.clear());
    setting.finds("2.5.29.17 is missing", |p| p.subject_alt_names.clear());
    setting.finds("2.5.29.35 is missing", |p| p.use_authority_key_identifier_extension = false);
}

#[test]
fn another_place_of_the_revocation_list_is_found() {
    const URL: &str = "http://pki.example/crl";
    let points =
        |urls: &[&str]| vec![CrlDistributionPoint { uris: urls.iter().map(ToString::to_string).collect() }];
    let mut setting = Setting::new();
    setting.finds("2.5.29.31 is not as meant", |p| p.crl_distribution_points = points(&[URL]));
    setting.crl_url = Some(URL);
    let mut right = setting.params();
    right.crl_distribution_points = points(&[URL]);
    assert_eq!(setting.check(&right, &P256, &setting.issuer), Ok(()));
    setting.finds("2.5.29.31 is missing", |_| {});
    for other in
        [points(&["http://pki.example/"]), points(&[URL, URL]), [points(&[URL]), points(&[URL])].concat()]
    {
        setting.finds("2.5.29.31 is not as meant", |p| p.crl_distribution_points = other);
    }
}

#[test]
fn what_the_profile_of_rfc_5280_forbids_is_found() {
    let new = new_issuer(IssuerKey::EcdsaP256);
    let ca = KeyPair::from_pem(new.key_pem()).unwrap();
    let csr = Csr::parse(&Request::default().der(), &KeyPolicy::default()).unwrap();
    let serial = Serial::from_be_bytes(&[0x17]).unwrap();
    let setting = Setting { issuer: load(&new), csr, serial, crl_url: None };
    let identifier = setting.issuer.key_identifier();
    let right = || Cert {
        times: [utc("260301120000Z"), utc("260302120000Z")],
        extensions: vec![
            extension("2.5.29.35", false, &seq(&[tlv(0x80, &identifier)])),
            extension("2.5.29.14", false, &tlv(4, &[1; 20])),
            extension("2.5.29.19", true, &seq(&[])),
            extension("2.5.29.15", true, &tlv(3, &[7, 0x80])),
            extension("2.5.29.37", false, &seq(&[oid("1.3.6.1.5.5.7.3.2")])),
        ],
        ..Cert::default()
    };
    let judge = |certificate: Cert| check(&certificate.der(&ca), &setting.issuer, &setting.meant());
    assert_eq!(judge(right()), Ok(()));
    let general = [generalized("20260301120000Z"), utc("260302120000Z")];
    for (certificate, what) in [
        (Cert { times: general, ..right() }, "another start of validity"),
        (Cert { serial: tlv(2, &[0x97]), ..right() }, "an impossible serial number"),
        (
            Cert { version: tlv(0xa0, &tlv(2, &[3])), ..right() },
            "extensions in a certificate that is not version 3",
        ),
        (Cert { version: Vec::new(), extensions: Vec::new(), ..right() }, "the version is not 3"),
        (
            Cert { extensions: [right().extensions, vec![ca_true()]].concat(), ..right() },
            "an extension occurs twice",
        ),
    ] {
        assert_eq!(judge(certificate), Err(what.into()));
    }
    // Not critical, where it must be.
    let mut weak = right();
    weak.extensions[3] = extension("2.5.29.15", false, &tlv(3, &[7, 0x80]));
    assert_eq!(judge(weak), Err("the extension 2.5.29.15 is not as meant".into()));
    let mut other_key = right();
    other_key.extensions[0] = extension("2.5.29.35", false, &seq(&[tlv(0x80, &[9; 20])]));
    assert_eq!(judge(other_key), Err("the extension 2.5.29.35 is not as meant".into()));
    assert_ne!(P256.subject_public_key_info(), ca.subject_public_key_info());
}
