//! `enrollment-tokens`: one-time tokens with which devices enroll.

use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::Cell;
use renewal_domain::{TokenId, TokenState};
use renewal_server::api::model::{EnrollmentToken, NewEnrollmentToken, NewEnrollmentTokenSecret};
use serde_json::json;

use super::actions::made;
use super::client::Client;
use super::filters::{span, told};
use super::listing::{self, Limit};
use crate::output::{Tone, cell, time};
use crate::printer::{Format, Listed, Record, print_one};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token for one device, and show its secret, once
    Create {
        /// Name of the device: the CN of its request
        device: String,
        /// How long the device may take to enroll
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = span)]
        expires_in: Duration,
        /// A subject alternative name that its certificate may have, such as `DNS:gw-1.example`; can be
        /// given several times
        #[arg(long, value_name = "NAME")]
        san: Vec<String>,
        /// An attribute that its subject may have beside the name, such as `O=Example Ltd`; can be given
        /// several times
        #[arg(long, value_name = "ATTRIBUTE")]
        subject: Vec<String>,
    },
    /// List tokens, newest first
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Revoke a token that was not used yet
    Revoke {
        /// The token, as `list` shows it
        id: TokenId,
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    let path = "enrollment-tokens";
    match command {
        Command::Create { device, expires_in, san, subject } => {
            let wanted = NewEnrollmentToken { device, expires_in: told(expires_in), subject, san };
            let made = client.post(&[path], &wanted).await?;
            print_one(format, made, |made: &NewEnrollmentTokenSecret| {
                let token = &made.token;
                eprintln!(
                    "The secret of token {}, shown this once. {} can enroll with it as the password of HTTP \
                     Basic until {} UTC, once.",
                    token.id,
                    token.device_name,
                    time(token.expires_at)
                );
                for name in token.names.subject.iter().chain(&token.names.san) {
                    eprintln!("It grants {name}.");
                }
                Ok(made.secret.clone())
            })
        }
        Command::List { limit } => {
            listing::print::<EnrollmentToken>(client, format, &[path], Vec::new(), limit).await
        }
        Command::Revoke { id } => {
            let token = client.post(&[path, &id.to_string(), "revoke"], &json!({})).await?;
            print_one(format, token, |token: &EnrollmentToken| {
                Ok(format!("Token {id} of {} is {}.", token.device_name, state(token.state).0))
            })
        }
    }
}

impl Record for EnrollmentToken {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "device_name",
        "created_at",
        "expires_at",
        "state",
        "request_id",
        "revoked_at",
        "names/subject",
        "names/san",
        "made_by/display",
    ];
}

impl Record for NewEnrollmentTokenSecret {
    const FIELDS: &'static [&'static str] = &["token/id", "token/device_name", "token/expires_at", "secret"];
}

impl Listed for EnrollmentToken {
    const NAME: &'static str = "enrollment tokens";
    const HEADINGS: &'static [&'static str] = &["Token", "Device", "Expires (UTC)", "State"];
    const FIRST_IS_WHOLE: bool = true;

    fn cells(&self) -> Vec<Cell> {
        let (state, tone) = state(self.state);
        let names = self.names.subject.iter().chain(&self.names.san);
        let device = names.fold(self.device_name.clone(), |device, name| device + "\n+ " + name);
        vec![
            Cell::new(made(self.id, self.created_at, &self.made_by)),
            Cell::new(device),
            Cell::new(time(self.expires_at)),
            cell(state, tone),
        ]
    }
}

const fn state(state: TokenState) -> (&'static str, Tone) {
    match state {
        TokenState::Usable => ("usable", Tone::Good),
        TokenState::Used => ("used", Tone::Plain),
        TokenState::Revoked => ("revoked", Tone::Bad),
        TokenState::Expired => ("expired", Tone::Waiting),
    }
}
