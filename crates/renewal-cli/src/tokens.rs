//! `enroll-token`: one-time tokens with which devices enroll.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use renewal_domain::{
    Clock, DeviceName, EnrollmentToken, EnrollmentTokenStore, OrgId, PageRequest, PageSize, SystemClock,
    TokenId, TokenState,
};
use uuid::Uuid;

use crate::config::Config;
use crate::output;
use crate::setup::{self, Tables};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token for one device, and show its secret, once
    Create {
        /// Name of the device: the CN of its request
        #[arg(value_name = "DEVICE", value_parser = name)]
        device: DeviceName,
        /// How long the device may take to enroll
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
        expires_in: Duration,
        /// Organisation, unless it is the default one
        #[arg(long, value_name = "UUID")]
        org: Option<Uuid>,
    },
    /// List tokens, newest first
    List {
        /// Organisation, unless it is the default one
        #[arg(long, value_name = "UUID")]
        org: Option<Uuid>,
    },
    /// Revoke a token that was not used yet
    Revoke {
        /// The token, as `list` shows it
        id: TokenId,
        /// Organisation, unless it is the default one
        #[arg(long, value_name = "UUID")]
        org: Option<Uuid>,
    },
}

/// Runs the command.
pub(crate) async fn run(file: &Path, command: Command) -> Result<()> {
    let config = Config::read(file)?;
    let store = setup::open_store(&config, Tables::OfSqlite).await?;
    let service = setup::service(&config, store.clone())?;
    let org = |org: Option<Uuid>| OrgId::new(org.unwrap_or(config.organisations.default));
    match command {
        Command::Create { device, expires_in, org: of } => {
            let (secret, token) = service.new_enrollment_token(org(of), device, expires_in).await?;
            println!("{}", secret.reveal());
            eprintln!(
                "The secret of token {}, shown this once. {} can enroll with it as the password of HTTP \
                 Basic until {} UTC, once.",
                token.id,
                token.device_name,
                output::time(token.expires_at)
            );
        }
        Command::List { org: of } => list(&*store, org(of)).await?,
        Command::Revoke { id, org: of } => {
            let token = service.revoke_enrollment_token(org(of), id).await?;
            let token = token.ok_or_else(|| anyhow!("there is no token {id}"))?;
            println!("Token {id} of {} is {}.", token.device_name, state(&token));
        }
    }
    Ok(store.close().await?)
}

async fn list(store: &dyn EnrollmentTokenStore, org: OrgId) -> Result<()> {
    let mut table = output::table(&["Token", "Device", "Made (UTC)", "Expires (UTC)", "State"]);
    let mut page = PageRequest::first(PageSize::MAX);
    loop {
        let found = store.tokens(org, &page).await?;
        for token in &found.items {
            table.add_row([
                token.id.to_string(),
                token.device_name.to_string(),
                output::time(token.id.created_at()),
                output::time(token.expires_at),
                state(token).to_owned(),
            ]);
        }
        let Some(next) = found.next else { break };
        page = PageRequest::resume(PageSize::MAX, &EnrollmentToken::scope(org), next)?;
    }
    println!("{}", table.trim_fmt());
    Ok(())
}

fn state(token: &EnrollmentToken) -> &'static str {
    match token.state_at(SystemClock.now()) {
        TokenState::Usable => "usable",
        TokenState::Spent => "spent",
        TokenState::Revoked => "revoked",
        TokenState::Expired => "expired",
    }
}

fn name(text: &str) -> Result<DeviceName, renewal_domain::InvalidName> {
    DeviceName::new(text)
}
