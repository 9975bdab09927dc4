//! What four readers say about a certificate that was signed: OpenSSL's verifier, OpenSSL's
//! printer, rustls-webpki and x509-parser.

use chrono::{DateTime, Utc};
use csr_service::Issued;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::workshop::Workshop;
use crate::world::World;

/// What the certificate is expected to be, beside what every one is.
pub(crate) struct Expected<'a> {
    /// The file with the request, PEM.
    pub(crate) request: &'a str,
    /// The subject, as OpenSSL prints it.
    pub(crate) subject: &'a str,
    /// The alternative names, as OpenSSL prints them; none without.
    pub(crate) names: Option<&'a str>,
}

/// Puts the certificate through all of them.
pub(crate) fn assert_good(world: &World, issued: &Issued, expected: &Expected<'_>) {
    let workshop = &world.workshop;
    workshop.write("issued.pem", issued.pem());
    let verified =
        workshop.openssl("verify -x509_strict -purpose sslclient -CAfile ca.pem -check_ss_sig issued.pem");
    assert_eq!(String::from_utf8(verified).unwrap(), "issued.pem: OK\n");
    let server = workshop.fails("verify -x509_strict -purpose sslserver -CAfile ca.pem issued.pem");
    assert!(server.contains("unsuitable certificate purpose"), "{server}");

    assert_printed(world, issued, expected);
    let request_key = workshop.openssl(&format!("req -in {} -noout -pubkey", expected.request));
    assert_eq!(workshop.openssl("x509 -in issued.pem -noout -pubkey"), request_key);

    assert_webpki_accepts(world, issued);
    assert_parsed(world, issued, expected);
}

/// The lines of `openssl x509 -text`.
fn assert_printed(world: &World, issued: &Issued, expected: &Expected<'_>) {
    let certificate = &issued.certificate;
    let text = lines(&world.workshop, "issued.pem");
    let authority_key = below(&lines(&world.workshop, "ca.pem"), "X509v3 Subject Key Identifier:");
    let serial = certificate.serial.to_string();
    let octets: Vec<_> =
        serial.as_bytes().chunks(2).map(|digits| String::from_utf8(digits.to_vec()).unwrap()).collect();
    for (heading, line) in [
        ("Serial Number:", octets.join(":")),
        ("X509v3 Basic Constraints: critical", "CA:FALSE".to_owned()),
        ("X509v3 Key Usage: critical", "Digital Signature".to_owned()),
        ("X509v3 Extended Key Usage:", "TLS Web Client Authentication".to_owned()),
        ("X509v3 Authority Key Identifier:", authority_key),
    ] {
        assert_eq!(below(&text, heading), line, "{heading}");
    }
    let own_key = below(&text, "X509v3 Subject Key Identifier:");
    assert!(own_key.split(':').all(|octet| octet.len() == 2) && own_key.len() == 59, "{own_key}");
    for line in [
        "Version: 3 (0x2)".to_owned(),
        "Issuer: O = Works, CN = Test CA".to_owned(),
        format!("Subject: {}", expected.subject),
        format!("Not Before: {}", printed(certificate.not_before)),
        format!("Not After : {}", printed(certificate.not_after)),
    ] {
        assert!(text.contains(&line), "{line} is not in {text:#?}");
    }
    match expected.names {
        Some(names) => assert_eq!(below(&text, "X509v3 Subject Alternative Name:"), names),
        None => assert!(!text.iter().any(|line| line.contains("Alternative Name"))),
    }
    let extensions = text.iter().filter(|line| line.starts_with("X509v3 ")).count();
    assert_eq!(
        extensions,
        1 + 5 + usize::from(expected.names.is_some()),
        "a heading, and no other: {text:#?}"
    );
}

fn lines(workshop: &Workshop, file: &str) -> Vec<String> {
    let text = workshop.openssl(&format!("x509 -in {file} -noout -text"));
    String::from_utf8(text).unwrap().lines().map(|line| line.trim().to_owned()).collect()
}

/// The line below a heading.
#[track_caller]
fn below(text: &[String], heading: &str) -> String {
    let place = text.iter().position(|line| line == heading);
    let place = place.unwrap_or_else(|| panic!("no {heading} in {text:#?}"));
    text[place + 1].clone()
}

/// A time as OpenSSL prints it.
fn printed(time: DateTime<Utc>) -> String {
    time.format("%b %e %H:%M:%S %Y GMT").to_string()
}

/// It is accepted for a client, and for nothing else, in its time, and not outside of it.
fn assert_webpki_accepts(world: &World, issued: &Issued) {
    let certificate = &issued.certificate;
    let authority = CertificateDer::from(der(&world.workshop.read("ca.pem")));
    let anchors = [webpki::anchor_from_trusted_cert(&authority).unwrap()];
    let device = CertificateDer::from(certificate.der.clone());
    let device = webpki::EndEntityCert::try_from(&device).unwrap();
    let verify = |time: DateTime<Utc>, usage| {
        let since_1970 = std::time::Duration::from_secs(u64::try_from(time.timestamp()).unwrap());
        let time = UnixTime::since_unix_epoch(since_1970);
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        device.verify_for_usage(algorithms, &anchors, &[], time, usage, None, None).map(drop)
    };
    let second = chrono::TimeDelta::seconds(1);
    verify(certificate.not_before, webpki::KeyUsage::client_auth()).unwrap();
    verify(certificate.not_after, webpki::KeyUsage::client_auth()).unwrap();
    verify(certificate.not_before - second, webpki::KeyUsage::client_auth()).unwrap_err();
    verify(certificate.not_after + second, webpki::KeyUsage::client_auth()).unwrap_err();
    verify(certificate.not_before, webpki::KeyUsage::server_auth()).unwrap_err();
}

/// Octet for octet: the key of the request, the name of the request, the number of the ledger.
fn assert_parsed(world: &World, issued: &Issued, expected: &Expected<'_>) {
    let authority = der(&world.workshop.read("ca.pem"));
    let (_, authority) = X509Certificate::from_der(&authority).unwrap();
    let (rest, certificate) = X509Certificate::from_der(&issued.certificate.der).unwrap();
    assert!(rest.is_empty());
    certificate.verify_signature(Some(authority.public_key())).unwrap();
    assert_eq!(certificate.issuer().as_raw(), authority.subject().as_raw());

    let request = der(&world.workshop.read(expected.request));
    let draft = crate::draft::Draft::of(&request);
    assert_eq!(certificate.public_key().raw, draft.key);
    assert_eq!(certificate.subject().as_raw(), draft.subject);

    let serial = certificate.raw_serial();
    assert_eq!(serial, issued.certificate.serial.as_bytes());
    assert_eq!((serial.len(), serial[0] & 0xc0), (20, 0x40), "20 octets, positive");
    let validity = certificate.validity();
    assert_eq!(validity.not_before.timestamp(), issued.certificate.not_before.timestamp());
    assert_eq!(validity.not_after.timestamp(), issued.certificate.not_after.timestamp());
    assert!(!certificate.is_ca());
    assert_eq!(certificate.key_usage().unwrap().unwrap().value.flags, 1);
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any && usage.other.is_empty());
}

/// The DER in a PEM file.
fn der(pem: &[u8]) -> Vec<u8> {
    x509_parser::pem::parse_x509_pem(pem).unwrap().1.contents
}
