//! `api-tokens bootstrap`: an administrator's token made in the ledger itself, by whoever has the configuration.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use csr_service::CsrService;
use renewal_domain::{ApiRole, OrgId};
use uuid::Uuid;

use super::TOKEN_FILE;
use super::filters::span;
use crate::command_line;
use crate::config::Config;
use crate::files::{self, Existing, Mode};
use crate::output;
use crate::setup::{self, Tables};

/// How long a token is good unless it is said.
pub(crate) const DEFAULT_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// What token to make.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose it is, or what it is for
    #[arg(default_value = "administrator")]
    name: String,
    /// Organisation, unless it is the default one
    #[arg(long, value_name = "UUID")]
    org: Option<Uuid>,
    /// Put it into operator.token beside the configuration, in the place of what is there
    #[arg(long)]
    save: bool,
    /// How long it is good
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = span)]
    expires_in: Duration,
    /// It is good until it is revoked
    #[arg(long, conflicts_with = "expires_in")]
    no_expiry: bool,
}

/// Makes the token.
pub(crate) async fn run(file: &Path, args: &Args) -> Result<()> {
    let config = Config::read(file)?;
    let org = config.organisations.named(args.org)?;
    let store = setup::open_store(&config, Tables::OfSqlite).await?;
    let service = setup::service(&config, store.clone())?.build();
    let lifetime = (!args.no_expiry).then_some(args.expires_in);
    let token = create(&service, org, &args.name, lifetime).await?;
    store.close().await?;
    if args.save {
        let place = file.with_file_name(TOKEN_FILE);
        files::write(&place, format!("{token}\n").as_bytes(), Mode::Secret, Existing::Replace)?;
        return output::print(&format!("The token of \"{}\" is in {}.", args.name, place.display()));
    }
    eprintln!("The administrator token of \"{}\", shown this once.", args.name);
    output::print(&token)
}

/// A new token of an administrator.
pub(crate) async fn create(
    service: &CsrService,
    org: OrgId,
    name: &str,
    lifetime: Option<Duration>,
) -> Result<String> {
    let by = command_line::context();
    let (secret, _) = service.new_api_token(org, name, ApiRole::Administrator, lifetime, &by).await?;
    Ok(secret.reveal().to_owned())
}
