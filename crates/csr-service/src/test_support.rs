//! For the tests: requests and certificates of any shape, right or wrong, from raw DER.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use crate::encoding::der_of;
use crate::{Issuer, IssuerKey, NewIssuer};

/// The time at which the tests happen.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00.75Z".parse().unwrap()
}

pub(crate) const YEAR: Duration = Duration::from_hours(365 * 24);

/// An issuer with this kind of key, new each time, valid for ten years.
pub(crate) fn new_issuer(key: IssuerKey) -> NewIssuer {
    NewIssuer::builder("Test CA").key(key).create(now()).unwrap()
}

pub(crate) fn issuer() -> Issuer {
    load(&new_issuer(IssuerKey::EcdsaP256))
}

pub(crate) fn load(new: &NewIssuer) -> Issuer {
    Issuer::from_pem(new.certificate_pem(), new.key_pem(), now()).unwrap()
}

/// A device's key, made once.
pub(crate) static P256: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let length = match content.len() {
        0..0x80 => vec![length[3]],
        0x80..0x100 => vec![0x81, length[3]],
        0x100..0x1_0000 => vec![0x82, length[2], length[3]],
        _ => vec![0x83, length[1], length[2], length[3]],
    };
    [&[tag], &length[..], content].concat()
}

pub(crate) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    tlv(6, der::asn1::ObjectIdentifier::new(dotted).unwrap().as_bytes())
}

pub(crate) fn bits(octets: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], octets].concat())
}

/// A part of a name with one attribute of this type, tag and text.
pub(crate) fn part(kind: &str, tag: u8, text: &str) -> Vec<u8> {
    set(&[seq(&[oid(kind), tlv(tag, text.as_bytes())])])
}

/// A common name as a `UTF8String`.
pub(crate) fn cn(text: &str) -> Vec<u8> {
    part("2.5.4.3", 0x0c, text)
}

pub(crate) fn extension(kind: &str, critical: bool, content: &[u8]) -> Vec<u8> {
    let critical = if critical { tlv(1, &[0xff]) } else { Vec::new() };
    seq(&[oid(kind), critical, tlv(4, content)])
}

pub(crate) fn san(names: &[(u8, &[u8])]) -> Vec<u8> {
    let names: Vec<_> = names.iter().map(|(tag, content)| tlv(*tag, content)).collect();
    extension("2.5.29.17", false, &seq(&names))
}

pub(crate) const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

/// A structure signed with the key, the algorithm's identifier given by number.
pub(crate) fn signed(body: Vec<u8>, algorithm: &str, key: &KeyPair) -> Vec<u8> {
    let signature = key.sign(&body).unwrap();
    seq(&[body, seq(&[oid(algorithm)]), bits(&signature)])
}

/// A request, right unless a field is changed.
pub(crate) struct Request {
    pub(crate) version: Vec<u8>,
    pub(crate) subject: Vec<Vec<u8>>,
    pub(crate) key_info: Vec<u8>,
    pub(crate) attributes: Vec<Vec<u8>>,
    pub(crate) algorithm: &'static str,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            version: tlv(2, &[0]),
            subject: vec![cn("device-1")],
            key_info: P256.subject_public_key_info(),
            attributes: Vec::new(),
            algorithm: ECDSA_SHA256,
        }
    }
}

impl Request {
    pub(crate) fn subject(parts: &[Vec<u8>]) -> Vec<u8> {
        Self { subject: parts.to_vec(), ..Self::default() }.der()
    }

    pub(crate) fn key(key_info: Vec<u8>) -> Vec<u8> {
        Self { key_info, ..Self::default() }.der()
    }

    pub(crate) fn extensions(extensions: &[Vec<u8>]) -> Vec<u8> {
        let attributes = vec![extension_request(extensions)];
        Self { attributes, ..Self::default() }.der()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        seq(&[
            self.version.clone(),
            seq(&self.subject),
            self.key_info.clone(),
            tlv(0xa0, &self.attributes.concat()),
        ])
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        signed(self.body(), self.algorithm, &P256)
    }
}

pub(crate) fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    seq(&[oid("1.2.840.113549.1.9.14"), set(&[seq(extensions)])])
}

/// The key of a request, DER or PEM.
pub(crate) fn requested_key(request: &[u8]) -> Vec<u8> {
    let der = der_of(request, &["CERTIFICATE REQUEST"]).unwrap();
    let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
    request.certification_request_info.subject_pki.raw.to_vec()
}

/// An RSA key of any numbers, big-endian without leading zero octets.
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let integer = |octets: &[u8]| {
        let sign: &[u8] = if octets.first().is_some_and(|o| o & 0x80 != 0) { &[0] } else { &[] };
        tlv(2, &[sign, octets].concat())
    };
    let key = seq(&[integer(modulus), integer(exponent)]);
    seq(&[seq(&[oid("1.2.840.113549.1.1.1"), tlv(5, &[])]), bits(&key)])
}

/// A key on a curve, any point.
pub(crate) fn curve(name: &str, point: &[u8]) -> Vec<u8> {
    seq(&[seq(&[oid("1.2.840.10045.2.1"), oid(name)]), bits(point)])
}

/// A certificate of any shape for the device's key, signed with a CA's key (ECDSA P-256).
pub(crate) struct Cert {
    pub(crate) version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) times: [Vec<u8>; 2],
    pub(crate) subject: Vec<Vec<u8>>,
    pub(crate) key_info: Vec<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Default for Cert {
    fn default() -> Self {
        Self {
            version: tlv(0xa0, &tlv(2, &[2])),
            serial: tlv(2, &[0x17]),
            issuer: seq(&[cn("Test CA")]),
            times: [utc("260101000000Z"), utc("270101000000Z")],
            subject: vec![cn("device-1")],
            key_info: P256.subject_public_key_info(),
            extensions: Vec::new(),
        }
    }
}

impl Cert {
    pub(crate) fn der(&self, key: &KeyPair) -> Vec<u8> {
        let extensions = match self.extensions.as_slice() {
            [] => Vec::new(),
            list => tlv(0xa3, &seq(list)),
        };
        let body = seq(&[
            self.version.clone(),
            self.serial.clone(),
            seq(&[oid(ECDSA_SHA256)]),
            self.issuer.clone(),
            seq(&self.times),
            seq(&self.subject),
            self.key_info.clone(),
            extensions,
        ]);
        signed(body, ECDSA_SHA256, key)
    }
}

pub(crate) fn utc(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

pub(crate) fn generalized(text: &str) -> Vec<u8> {
    tlv(0x18, text.as_bytes())
}

/// `basicConstraints` CA:TRUE.
pub(crate) fn ca_true() -> Vec<u8> {
    extension("2.5.29.19", true, &seq(&[tlv(1, &[0xff])]))
}
