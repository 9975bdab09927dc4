//! `api-tokens`: those with which operators, and their programs, use the API.

use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use comfy_table::Cell;
use renewal_domain::{ApiRole, ApiTokenId};
use renewal_server::api::model::{
    ApiToken, ApiTokenState, NewApiToken, NewApiTokenSecret, RevokeApiToken, RevokedApiToken,
};

use super::actions::made;
use super::bootstrap;
use super::client::Client;
use super::filters::{span, told};
use super::listing::{self, Limit};
use crate::output::{Tone, cell, time};
use crate::printer::{Format, Listed, Record, print_one};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Served(Served),
    /// Make an administrator's token in the ledger itself: an organisation's first one, or when all others
    /// are lost
    ///
    /// It works on the ledger of the configuration, whether a server runs on it or not.
    Bootstrap(bootstrap::Args),
}

/// What a server does with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Served {
    /// Make a token, and show its secret, once
    Create {
        /// Whose it is, or what it is for
        name: String,
        /// viewer reads; approver decides about requests too; operator revokes, blocks and makes enrollment
        /// tokens too; administrator makes API tokens and suspends the organisation too
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: ApiRole,
        /// How long it is good, such as 30d; 90 days unless it is said
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires_in: Option<Duration>,
        /// It is good until it is revoked
        #[arg(long, conflicts_with = "expires_in")]
        no_expiry: bool,
    },
    /// List tokens, newest first
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Revoke a token
    Revoke {
        /// The token, as `list` shows it
        id: ApiTokenId,
        /// Every token that was made with it too, and with those in turn
        #[arg(long)]
        revoke_made: bool,
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Served) -> Result<()> {
    let path = "api-tokens";
    match command {
        Served::Create { name, role, expires_in, no_expiry } => {
            let wanted = NewApiToken { name, role, expires_in: expires_in.map(told), no_expiry };
            let made = client.post(&[path], &wanted).await?;
            print_one(format, made, |made: &NewApiTokenSecret| {
                let token = &made.token;
                eprintln!("The {} token \"{}\", shown this once.", token.role.as_str(), token.name);
                Ok(made.secret.clone())
            })
        }
        Served::List { limit } => {
            listing::print::<ApiToken>(client, format, &[path], Vec::new(), limit).await
        }
        Served::Revoke { id, revoke_made } => {
            let revoked =
                client.post(&[path, &id.to_string(), "revoke"], &RevokeApiToken { revoke_made }).await?;
            print_one(format, revoked, |revoked: &RevokedApiToken| {
                let token = &revoked.token;
                let told = format!("Token {id} of {} is {}.", token.name, state(token.state).0);
                if !revoke_made {
                    return Ok(told);
                }
                let made = revoked.revoked;
                Ok(format!(
                    "{told}\nMade with it, and revoked too: {} API tokens, {} enrollment tokens.",
                    made.api_tokens, made.enrollment_tokens
                ))
            })
        }
    }
}

impl Record for RevokedApiToken {
    const FIELDS: &'static [&'static str] = &[
        "token/id",
        "token/name",
        "token/state",
        "token/revoked_at",
        "revoked/api_tokens",
        "revoked/enrollment_tokens",
    ];
}

impl Record for ApiToken {
    const FIELDS: &'static [&'static str] =
        &["id", "name", "role", "created_at", "expires_at", "state", "revoked_at", "made_by/display"];
}

impl Record for NewApiTokenSecret {
    const FIELDS: &'static [&'static str] =
        &["token/id", "token/name", "token/role", "token/expires_at", "secret"];
}

impl Listed for ApiToken {
    const NAME: &'static str = "API tokens";
    const HEADINGS: &'static [&'static str] = &["Token", "Name, role", "Expires (UTC)", "State"];
    const FIRST_IS_WHOLE: bool = true;

    fn cells(&self) -> Vec<Cell> {
        let (state, tone) = state(self.state);
        vec![
            Cell::new(made(self.id, self.created_at, &self.made_by)),
            Cell::new(format!("{}\n{}", self.name, self.role.as_str())),
            Cell::new(self.expires_at.map_or_else(|| "never".to_owned(), time)),
            cell(state, tone),
        ]
    }
}

const fn state(state: ApiTokenState) -> (&'static str, Tone) {
    match state {
        ApiTokenState::Usable => ("usable", Tone::Good),
        ApiTokenState::Expired => ("expired", Tone::Waiting),
        ApiTokenState::Revoked => ("revoked", Tone::Bad),
    }
}

fn role(name: &str) -> Result<ApiRole> {
    let known = || ApiRole::ALL.map(ApiRole::as_str).join(", ");
    ApiRole::from_name(name).ok_or_else(|| anyhow!("the roles are {}", known()))
}
