//! `certs`: the certificates that were issued.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use comfy_table::Cell;
use renewal_domain::{Clock, RevocationReason, Serial, SystemClock};
use renewal_server::api::model::{Certificate, Revoke};

use super::client::Client;
use super::filters::{span, told};
use super::listing::{self, Limit};
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
    /// Revoke a certificate: its device cannot renew with it any more
    Revoke {
        /// Its serial number, in hexadecimal
        serial: Serial,
        /// Why: unspecified, `key_compromise`, `affiliation_changed`, superseded,
        /// `cessation_of_operation` or `privilege_withdrawn`
        #[arg(long, default_value = "unspecified", value_name = "REASON", value_parser = reason)]
        reason: RevocationReason,
    },
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
            print_one(format, certificate, |certificate| Ok(shown(certificate)))
        }
        Command::Revoke { serial, reason } => {
            let path = ["certificates", &serial.to_string(), "revoke"];
            let certificate = client.post(&path, &Revoke { reason }).await?;
            print_one(format, certificate, |certificate: &Certificate| {
                Ok(format!(
                    "Certificate {serial} of {} is {}.",
                    certificate.device_name,
                    state(certificate).0
                ))
            })
        }
    }
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
    const HEADINGS: &'static [&'static str] =
        &["Serial", "Device", "By", "Valid from (UTC)", "Valid until (UTC)", "State"];

    fn cells(&self) -> Vec<Cell> {
        let (state, tone) = state(self);
        vec![
            Cell::new(&self.serial),
            Cell::new(&self.device_name),
            Cell::new(self.kind),
            Cell::new(time(self.not_before)),
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
    lines.push(("Public key", format!("SHA-256 {}", certificate.public_key_sha256)));
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
