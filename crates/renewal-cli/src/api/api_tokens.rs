//! `api-tokens`: those with which operators, and their programs, use the API.

use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use comfy_table::Cell;
use renewal_domain::{ApiRole, ApiTokenId};
use renewal_server::api::model::{ApiToken, ApiTokenState, NewApiToken, NewApiTokenSecret};
use serde_json::json;

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
    /// Make an operator's token in the ledger itself: an organisation's first one, or when all others
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
        /// viewer may read, operator may change things too
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: ApiRole,
        /// How long it is good, such as 90d; until it is revoked unless given
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires_in: Option<Duration>,
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
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Served) -> Result<()> {
    let path = "api-tokens";
    match command {
        Served::Create { name, role, expires_in } => {
            let made =
                client.post(&[path], &NewApiToken { name, role, expires_in: expires_in.map(told) }).await?;
            print_one(format, made, |made: &NewApiTokenSecret| {
                let token = &made.token;
                eprintln!("The {} token \"{}\", shown this once.", token.role.as_str(), token.name);
                Ok(made.secret.clone())
            })
        }
        Served::List { limit } => {
            listing::print::<ApiToken>(client, format, &[path], Vec::new(), limit).await
        }
        Served::Revoke { id } => {
            let token = client.post(&[path, &id.to_string(), "revoke"], &json!({})).await?;
            print_one(format, token, |token: &ApiToken| {
                Ok(format!("Token {id} of {} is {}.", token.name, state(token.state).0))
            })
        }
    }
}

impl Record for ApiToken {
    const FIELDS: &'static [&'static str] =
        &["id", "name", "role", "created_at", "expires_at", "state", "revoked_at"];
}

impl Record for NewApiTokenSecret {
    const FIELDS: &'static [&'static str] =
        &["token/id", "token/name", "token/role", "token/expires_at", "secret"];
}

impl Listed for ApiToken {
    const NAME: &'static str = "API tokens";
    const HEADINGS: &'static [&'static str] =
        &["Token", "Name", "Role", "Made (UTC)", "Expires (UTC)", "State"];

    fn cells(&self) -> Vec<Cell> {
        let (state, tone) = state(self.state);
        vec![
            Cell::new(self.id),
            Cell::new(&self.name),
            Cell::new(self.role.as_str()),
            Cell::new(time(self.created_at)),
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
    ApiRole::from_name(name).ok_or_else(|| anyhow!("the roles are viewer and operator"))
}
