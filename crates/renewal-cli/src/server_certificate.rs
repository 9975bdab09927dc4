//! The certificate that a new server shows devices.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use csr_service::{NewIssuer, random_serial};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use time::OffsetDateTime;

/// How long it is valid, in days.
pub(crate) const DAYS: i64 = 365;

/// A certificate and its key, both PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Makes a certificate for these names, DNS names or IP addresses, signed by a new authority. It
/// is for TLS servers only, so that it can renew nothing.
pub(crate) fn create(authority: &NewIssuer, names: &[String], now: DateTime<Utc>) -> Result<Pair> {
    let key = KeyPair::generate()?;
    let mut params =
        CertificateParams::new(names.to_vec()).context("a host name cannot be in a certificate")?;
    params.distinguished_name = DistinguishedName::new();
    let name = names.first().context("a server needs a host name")?;
    params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    params.serial_number = Some(SerialNumber::from_slice(random_serial()?.as_bytes()));
    params.not_before = instant(now)?;
    params.not_after = instant(now + TimeDelta::days(DAYS))?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let issuer_key = KeyPair::from_pem(authority.key_pem())?;
    let issuer = Issuer::from_ca_cert_pem(authority.certificate_pem(), issuer_key)?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn instant(time: DateTime<Utc>) -> Result<OffsetDateTime> {
    Ok(OffsetDateTime::from_unix_timestamp(time.timestamp())?)
}
