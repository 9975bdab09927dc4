//! What certificates say, read with x509-cert and der.

use std::collections::BTreeSet;

use cms::cert::x509::der::asn1::Uint;
use cms::cert::x509::der::{Decode, Encode, Tagged};
use cms::cert::x509::ext::Extension;
use cms::cert::x509::ext::pkix::name::GeneralName;
use cms::cert::x509::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use cms::cert::x509::name::Name;
use cms::cert::x509::{Certificate, Version};

use super::{attributes, is_alt_name};

/// `clientAuth` and `anyExtendedKeyUsage` (RFC 5280, section 4.2.1.12).
const FOR_CLIENTS: [&str; 2] = ["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"];

/// The extensions that may be critical: constraints, usages, alternative names, identifiers, policies.
const UNDERSTOOD: [&str; 7] =
    ["2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17", "2.5.29.14", "2.5.29.35", "2.5.29.32"];

/// `rsaEncryption` (RFC 8017, appendix C).
const RSA: &str = "1.2.840.113549.1.1.1";

/// Primes that divide no good modulus.
const SMALL_PRIMES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Says what is wrong with a certificate that a device presented and that was accepted: its names, its key,
/// or what it is for. The alternative names, as text, if nothing is.
pub(crate) fn of_a_device(certificate: &Certificate) -> Result<Vec<String>, String> {
    let body = &certificate.tbs_certificate;
    let extensions = body.extensions.as_deref().unwrap_or_default();
    if !extensions.is_empty() && body.version != Version::V3 {
        return Err(format!("extensions in a certificate of the version {:?}", body.version));
    }
    let identifiers: BTreeSet<_> = extensions.iter().map(|it| it.extn_id.to_string()).collect();
    if identifiers.len() != extensions.len() {
        return Err("an extension occurs twice".to_owned());
    }
    if let Some(other) =
        extensions.iter().find(|it| it.critical && !UNDERSTOOD.contains(&it.extn_id.to_string().as_str()))
    {
        return Err(format!("the critical extension {}", other.extn_id));
    }
    usages(extensions)?;
    key(certificate)?;
    subject(&body.subject)?;
    alt_names(extensions)
}

fn find<'a, T: Decode<'a>>(extensions: &'a [Extension], oid: &str) -> Result<Option<T>, String> {
    let found = extensions.iter().find(|it| it.extn_id.to_string() == oid);
    let read = found.map(|it| T::from_der(it.extn_value.as_bytes())).transpose();
    read.map_err(|_| format!("the extension {oid} cannot be read"))
}

fn usages(extensions: &[Extension]) -> Result<(), String> {
    if find::<BasicConstraints>(extensions, "2.5.29.19")?.is_some_and(|it| it.ca) {
        return Err("an authority's".to_owned());
    }
    if find::<KeyUsage>(extensions, "2.5.29.15")?.is_some_and(|it| !it.digital_signature()) {
        return Err("a key that is not for signatures".to_owned());
    }
    let clients = |it: &ExtendedKeyUsage| it.0.iter().any(|it| FOR_CLIENTS.contains(&&*it.to_string()));
    match find::<ExtendedKeyUsage>(extensions, "2.5.29.37")? {
        Some(usages) if !clients(&usages) => Err("a key that is not for clients".to_owned()),
        _ => Ok(()),
    }
}

fn key(certificate: &Certificate) -> Result<(), String> {
    let info = &certificate.tbs_certificate.subject_public_key_info;
    if info.algorithm.oid.to_string() != RSA {
        return Ok(());
    }
    let key: Vec<Uint> =
        Vec::from_der(info.subject_public_key.raw_bytes()).map_err(|error| error.to_string())?;
    let [modulus, _exponent] = &key[..] else { return Err("an RSA key of other numbers".to_owned()) };
    let remainder = |prime: u32| {
        modulus.as_bytes().iter().fold(0, |remainder, octet| (remainder * 256 + u32::from(*octet)) % prime)
    };
    match SMALL_PRIMES.into_iter().find(|prime| remainder(*prime) == 0) {
        Some(prime) => Err(format!("an RSA modulus that {prime} divides")),
        None => Ok(()),
    }
}

fn subject(name: &Name) -> Result<(), String> {
    let mut common_names = 0;
    for attribute in name.0.iter().flat_map(|part| part.0.iter()) {
        let (oid, value) = (attribute.oid.as_bytes(), &attribute.value);
        let tag = value.tag().octet();
        if !attributes::is_valid(oid, tag, value.value()) {
            return Err(format!("the attribute {attribute}"));
        }
        common_names += u32::from(attributes::named("CN").is_some_and(|it| it.oid == oid));
    }
    if common_names == 1 { Ok(()) } else { Err(format!("{common_names} common names")) }
}

fn alt_names(extensions: &[Extension]) -> Result<Vec<String>, String> {
    let Some(SubjectAltName(names)) = find(extensions, "2.5.29.17")? else { return Ok(Vec::new()) };
    if !(1..=16).contains(&names.len()) {
        return Err(format!("{} alternative names", names.len()));
    }
    let text = |name: &GeneralName| {
        let text = match name {
            GeneralName::DnsName(name) => format!("DNS:{name}"),
            GeneralName::Rfc822Name(name) => format!("email:{name}"),
            GeneralName::UniformResourceIdentifier(name) => format!("URI:{name}"),
            GeneralName::IpAddress(octets) => match octets.as_bytes() {
                [a, b, c, d] => format!("IP:{a}.{b}.{c}.{d}"),
                octets => match <[u8; 16]>::try_from(octets) {
                    Ok(octets) => format!("IP:{}", std::net::Ipv6Addr::from(octets)),
                    Err(_) => return Err(format!("an address of {} octets", octets.len())),
                },
            },
            other => return Err(format!("the alternative name {:?}", other.to_der())),
        };
        if is_alt_name(&text) { Ok(text) } else { Err(format!("the alternative name {text:?}")) }
    };
    names.iter().map(text).collect()
}
