//! `api-tokens bootstrap`: an operator's token made in the ledger itself, by whoever has the configuration.

use std::path::Path;

use anyhow::Result;
use csr_service::CsrService;
use renewal_domain::{ApiRole, OrgId};
use uuid::Uuid;

use super::TOKEN_FILE;
use crate::config::Config;
use crate::files::{self, Existing, Mode};
use crate::output;
use crate::setup::{self, Tables};

/// What token to make.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose it is, or what it is for
    #[arg(default_value = "operator")]
    name: String,
    /// Organisation, unless it is the default one
    #[arg(long, value_name = "UUID")]
    org: Option<Uuid>,
    /// Put it into operator.token beside the configuration, in the place of what is there
    #[arg(long)]
    save: bool,
}

/// Makes the token.
pub(crate) async fn run(file: &Path, args: &Args) -> Result<()> {
    let config = Config::read(file)?;
    let store = setup::open_store(&config, Tables::OfSqlite).await?;
    let service = setup::service(&config, store.clone())?.build();
    let org = OrgId::new(args.org.unwrap_or(config.organisations.default));
    let token = create(&service, org, &args.name).await?;
    store.close().await?;
    if args.save {
        let place = file.with_file_name(TOKEN_FILE);
        files::write(&place, format!("{token}\n").as_bytes(), Mode::Secret, Existing::Replace)?;
        return output::print(&format!("The token of \"{}\" is in {}.", args.name, place.display()));
    }
    eprintln!("The operator token of \"{}\", shown this once.", args.name);
    output::print(&token)
}

/// A new token of an operator.
pub(crate) async fn create(service: &CsrService, org: OrgId, name: &str) -> Result<String> {
    let (secret, _) = service.new_api_token(org, name, ApiRole::Operator, None).await?;
    Ok(secret.reveal().to_owned())
}
