//! `certs`: the certificates that were issued.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use comfy_table::Cell;
use renewal_domain::{Clock, RevocationReason, Serial, SystemClock};
use renewal_server::api::model::{Certificate, CertificateDetails, NewRevocation, Revoke, RevokedWith};

use super::client::Client;
use super::filters::{span, told};
use super::listing::{self, Limit};
use super::{actions, revocations};
use crate::files;
use crate::output::{self, Tone, cell, time};
use crate::printer::{Format, Listed, Record, print_one};

/// The media type of a certificate in PEM.
const PEM: &str = "application/x-pem-file";

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List certificates: the current one of every device, or others that a filter names
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show one certificate
    Show {
        /// Its serial number, in hexadecimal
        serial: Serial,
        /// As PEM
        #[arg(long)]
        pem: bool,
    },
    /// Revoke a certificate, or all of a device: nothing is renewed with them any more
    ///
    /// For `key_compromise` every other certificate with the key is revoked too, and the key is barred.
    Revoke {
        #[command(flatten)]
        which: Which,
        /// With --issuer, the serial number of the certificate, in hexadecimal
        #[arg(long, value_name = "SERIAL", requires = "issuer")]
        serial: Option<Serial>,
        /// Why: unspecified, `key_compromise`, `affiliation_changed`, superseded,
        /// `cessation_of_operation` or `privilege_withdrawn`
        #[arg(long, value_name = "REASON", value_parser = reason)]
        reason: RevocationReason,
        /// Why, in words, for the record
        #[arg(long)]
        note: Option<String>,
    },
}

/// What to revoke.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// A certificate that was issued here, by its serial number in hexadecimal
    #[arg(value_name = "SERIAL")]
    issued: Option<Serial>,
    /// All of a device that have not expired, by its name or UUID
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// A certificate in a file, in PEM: of the own authority or of another one that is trusted here
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A certificate of this authority, with --serial: the SHA-256 fingerprint of the authority's
    /// certificate, its key identifier, or its subject or common name
    #[arg(long, value_name = "AUTHORITY", requires = "serial")]
    issuer: Option<String>,
}

/// Which certificates.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Filter {
    /// All that a device ever got, newest first; by its name or UUID
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// The current ones that expire within a time such as 7d, soonest first
    #[arg(long, value_name = "TIME", value_parser = span)]
    expiring_within: Option<Duration>,
    /// The current ones that have expired: their devices have not come back to renew them
    #[arg(long)]
    expired: bool,
    /// Those that were revoked, the latest first
    #[arg(long)]
    revoked: bool,
}

impl Filter {
    /// The filter as the API takes it.
    fn query(&self) -> Vec<(&'static str, String)> {
        let flag = |set: bool| set.then(|| "true".to_owned());
        let all = [
            ("device", self.device.clone()),
            ("expiring_within", self.expiring_within.map(told)),
            ("expired", flag(self.expired)),
            ("revoked", flag(self.revoked)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    match command {
        Command::List { filter, limit } => {
            listing::print::<Certificate>(client, format, &["certificates"], filter.query(), limit).await
        }
        Command::Show { serial, pem: true } => {
            let pem = client.text(&["certificates", &serial.to_string()], PEM).await?;
            output::print(pem.trim_end())
        }
        Command::Show { serial, pem: false } => {
            let certificate = client.get(&["certificates", &serial.to_string()], &[]).await?;
            print_one(format, certificate, |details: &CertificateDetails| {
                Ok(shown(&details.certificate) + &actions::history(&details.actions))
            })
        }
        Command::Revoke { which, serial, reason, note } => {
            revoke(client, format, which, serial, Revoke { reason, note }).await
        }
    }
}

/// Revokes what the command names.
async fn revoke(
    client: &Client,
    format: Format,
    which: Which,
    serial: Option<Serial>,
    why: Revoke,
) -> Result<()> {
    let foreign = |certificate, issuer, serial, Revoke { reason, note }| NewRevocation {
        certificate,
        issuer,
        serial,
        reason,
        note,
    };
    let revoked = match which {
        Which { issued: Some(serial), .. } => {
            let revoked = client.post(&["certificates", &serial.to_string(), "revoke"], &why).await?;
            return print_one(format, revoked, |revoked| Ok(revoked_with(revoked)));
        }
        Which { device: Some(device), .. } => {
            client.post(&["devices", &device, "revoke-certificates"], &why).await?
        }
        Which { file: Some(file), .. } => {
            let pem = String::from_utf8(files::read(&file)?)
                .ok()
                .with_context(|| format!("{} is no certificate in PEM", file.display()))?;
            client.post(&["revocations"], &foreign(Some(pem), None, None, why)).await?
        }
        Which { issuer, .. } => {
            let wanted = foreign(None, issuer, serial.map(|serial| serial.to_string()), why);
            client.post(&["revocations"], &wanted).await?
        }
    };
    print_one(format, revoked, |revoked| Ok(revocations::told(revoked)))
}

fn revoked_with(revoked: &RevokedWith) -> String {
    let certificate = &revoked.certificate;
    let mut lines = vec![format!(
        "Certificate {} of {} is {}.",
        certificate.serial,
        certificate.device_name,
        state(certificate).0
    )];
    if !revoked.also_revoked.is_empty() {
        lines.push("Revoked with it, as they have its key:".to_owned());
        lines.extend(revoked.also_revoked.iter().map(|serial| format!("  {serial}")));
    }
    lines.extend(revoked.barred_key.as_deref().map(revocations::barred));
    lines.join("\n")
}

impl Record for RevokedWith {
    const FIELDS: &'static [&'static str] = &[
        "certificate/serial",
        "certificate/device_name",
        "certificate/revocation/at",
        "certificate/revocation/reason",
        "also_revoked",
        "barred_key",
    ];
}

impl Record for CertificateDetails {
    const FIELDS: &'static [&'static str] = &[
        "serial",
        "device_id",
        "device_name",
        "kind",
        "not_before",
        "not_after",
        "request_id",
        "attempt_id",
        "presented_serial",
        "public_key_sha256",
        "revocation/at",
        "revocation/reason",
        "revoked_by/actor/display",
        "revoked_by/note",
    ];
}

impl Record for Certificate {
    const FIELDS: &'static [&'static str] = &[
        "serial",
        "device_id",
        "device_name",
        "kind",
        "not_before",
        "not_after",
        "request_id",
        "attempt_id",
        "presented_serial",
        "public_key_sha256",
        "revocation/at",
        "revocation/reason",
    ];
}

impl Listed for Certificate {
    const NAME: &'static str = "such certificates";
    const HEADINGS: &'static [&'static str] = &["Certificate", "Device", "Valid until (UTC)", "State"];
    const FIRST_IS_WHOLE: bool = true;

    fn cells(&self) -> Vec<Cell> {
        let (state, tone) = state(self);
        vec![
            Cell::new(format!("{}\n{}, from {}", self.serial, self.kind, time(self.not_before))),
            Cell::new(&self.device_name),
            Cell::new(time(self.not_after)),
            cell(state, tone),
        ]
    }
}

fn shown(certificate: &Certificate) -> String {
    let mut lines = vec![
        ("Serial", certificate.serial.to_string()),
        ("Device", format!("{} ({})", certificate.device_name, certificate.device_id)),
        ("Issued by", certificate.kind.to_string()),
        ("Valid", format!("{} to {} UTC", time(certificate.not_before), time(certificate.not_after))),
        ("State", state(certificate).0),
        ("Request", certificate.request_id.to_string()),
    ];
    lines.extend(certificate.presented_serial.as_ref().map(|serial| ("Presented", serial.to_string())));
    lines.extend([("Public key", "SHA-256:".to_owned()), ("", certificate.public_key_sha256.clone())]);
    output::lines(&lines)
}

fn state(certificate: &Certificate) -> (String, Tone) {
    state_at(certificate, SystemClock.now())
}

/// What a certificate is good for.
pub(crate) fn state_at(certificate: &Certificate, now: DateTime<Utc>) -> (String, Tone) {
    match &certificate.revocation {
        Some(revocation) => (format!("revoked ({})", revocation.reason.as_str()), Tone::Bad),
        None if now > certificate.not_after => ("expired".to_owned(), Tone::Waiting),
        None => ("good".to_owned(), Tone::Good),
    }
}

fn reason(name: &str) -> Result<RevocationReason, String> {
    let known = || RevocationReason::ALL.map(RevocationReason::as_str).join(", ");
    RevocationReason::from_name(name).ok_or_else(|| format!("the reasons are {}", known()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::Cli;

    #[test]
    fn a_revocation_names_one_thing_and_a_reason() {
        let revoke = |line: &str| Cli::try_parse_from(format!("renewal certs revoke {line}").split(' '));
        for good in ["0a01", "--device pump-7", "--file old.pem", "--issuer Old --serial 0a01"] {
            let line = format!("{good} --reason superseded --note old");
            assert!(revoke(&line).is_ok(), "{line}");
            assert!(revoke(good).is_err(), "{good} without a reason");
        }
        for wrong in ["", "0a01 --device pump-7", "--issuer Old", "--serial 0a01", "0a01 --issuer Old"] {
            assert!(revoke(&format!("--reason superseded {wrong}")).is_err(), "{wrong}");
        }
        assert!(revoke("0a01 --reason boredom").unwrap_err().to_string().contains("key_compromise"));
    }
}
