//! `revocations`: every certificate that was revoked, of the own authority and of others.

use anyhow::Result;
use clap::Subcommand;
use comfy_table::Cell;
use renewal_server::api::model::{Revocation, Revoked};

use super::client::Client;
use super::listing::{self, Limit};
use crate::output::time;
use crate::printer::{Format, Listed, Record};

/// What to do with revocations.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the revocations that still matter: those of certificates that have not ended
    List {
        #[command(flatten)]
        limit: Limit,
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    let Command::List { limit } = command;
    listing::print::<Revocation>(client, format, &["revocations"], Vec::new(), limit).await
}

impl Record for Revocation {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "serial",
        "issuer_key_sha256",
        "certificate_sha256",
        "device_id",
        "not_after",
        "revoked_at",
        "reason",
        "action_id",
    ];
}

impl Listed for Revocation {
    const NAME: &'static str = "revocations";
    const HEADINGS: &'static [&'static str] = &["Certificate", "Revoked (UTC)", "Expires (UTC)"];
    const FIRST_IS_WHOLE: bool = true;

    fn cells(&self) -> Vec<Cell> {
        let issuer = self.issuer_key_sha256.get(..16).unwrap_or(&self.issuer_key_sha256);
        let reason = self.reason.as_str();
        vec![
            Cell::new(format!("{}\n{reason}\nof the authority {issuer}…", self.serial)),
            Cell::new(time(self.revoked_at)),
            Cell::new(self.not_after.map_or_else(|| "not known".to_owned(), time)),
        ]
    }
}

impl Record for Revoked {
    const FIELDS: &'static [&'static str] = &["revocations", "barred_key"];
}

/// What was revoked, for people.
pub(super) fn told(revoked: &Revoked) -> String {
    let mut lines = vec![match revoked.revocations.len() {
        0 => "Nothing was left to revoke.".to_owned(),
        1 => "1 certificate is revoked:".to_owned(),
        count => format!("{count} certificates are revoked:"),
    }];
    lines.extend(revoked.revocations.iter().map(|it| format!("  {}", it.serial)));
    lines.extend(revoked.barred_key.as_deref().map(barred));
    lines.join("\n")
}

/// That a key was barred.
pub(super) fn barred(key: &str) -> String {
    format!("Its key is barred: nothing is certified with it any more.\n  SHA-256 {key}")
}
