//! `ca`: the certificate authority, present, previous and trusted.

mod rollover;
pub(crate) mod settings;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use csr_service::CaCertificate;
use renewal_domain::{Clock, SystemClock};

use crate::config::{Config, TrustedOrganisation};
use crate::{files, output};

/// What to do with authorities.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the authority that signs, and those whose devices may renew too
    Show,
    /// Make a new authority beside the present one, and configure it: new certificates come from the
    /// new one, and old ones still renew
    Rollover(rollover::Args),
}

/// What an authority is to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Present,
    Previous,
    Trusted(TrustedOrganisation),
}

/// An authority that is configured.
struct Authority {
    role: Role,
    file: PathBuf,
    key: Option<PathBuf>,
    certificate: CaCertificate,
}

/// Runs the command.
pub(crate) async fn run(file: &Path, command: Command) -> Result<()> {
    match command {
        Command::Show => show(&Config::read(file)?),
        Command::Rollover(args) => rollover::run(file, args).await,
    }
}

/// The authorities that are configured, the present one first.
fn authorities(config: &Config) -> Result<Vec<Authority>> {
    let issuer = &config.issuer;
    let present = [(Role::Present, &issuer.certificate, Some(&issuer.key))];
    let previous = issuer.previous.iter().rev().map(|it| (Role::Previous, &it.certificate, it.key.as_ref()));
    let trusted = issuer.trusted.iter().map(|it| (Role::Trusted(it.organisation), &it.certificate, None));
    let load = |(role, certificate, key): (_, &PathBuf, Option<&PathBuf>)| {
        let file = config.path(certificate);
        let certificate = CaCertificate::read(files::read(&file)?)
            .with_context(|| format!("cannot use {}", file.display()))?;
        Ok(Authority { role, file, key: key.map(|key| config.path(key)), certificate })
    };
    present.into_iter().chain(previous).chain(trusted).map(load).collect()
}

fn show(config: &Config) -> Result<()> {
    let now = SystemClock.now();
    let told: Vec<_> = authorities(config)?.iter().map(|authority| authority.told(now)).collect();
    match std::io::stdout().write_all(told.join("\n").as_bytes()) {
        // Whoever read it has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Previous => "previous",
            Self::Trusted(_) => "trusted",
        }
    }
}

impl Authority {
    /// What there is to say about it, in lines.
    fn told(&self, now: DateTime<Utc>) -> String {
        let certificate = &self.certificate;
        let mut lines = vec![
            format!("{}: {}", self.role.name(), certificate.subject()),
            format!("  serial number  {}", certificate.serial()),
            format!("  SHA-256        {}", hex(&certificate.sha256())),
            format!("  key            {}", certificate.key_kind()),
            format!("  key id         {}", certificate.key_id()),
            format!("  valid from     {} UTC", output::time(certificate.not_before())),
            format!(
                "  valid until    {} UTC, {}",
                output::time(certificate.not_after()),
                left(certificate, now)
            ),
            format!("  certificate    {}", self.file.display()),
            format!("  private key    {}", self.key_and_what_it_does()),
        ];
        if let Role::Trusted(organisation) = self.role {
            lines.push(format!("  organisation   {organisation}"));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn key_and_what_it_does(&self) -> String {
        match (&self.key, self.certificate.may_sign_crls()) {
            (Some(key), true) => key.display().to_string(),
            (Some(key), false) => format!("{} (which may sign no revocation list)", key.display()),
            (None, _) if self.role == Role::Previous => "none: its revocation list is not signed".to_owned(),
            (None, _) => "none".to_owned(),
        }
    }
}

/// How long it is still valid.
fn left(certificate: &CaCertificate, now: DateTime<Utc>) -> String {
    let days = certificate.not_after().signed_duration_since(now).num_days();
    match days {
        _ if now > certificate.not_after() => "expired".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    }
}

/// A fingerprint as OpenSSL writes it.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
}
