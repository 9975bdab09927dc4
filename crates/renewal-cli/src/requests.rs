//! `requests`: what waits for a person's decision.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Subcommand;
use csr_service::Outcome;
use renewal_domain::{
    IssuanceStore, OpenRequestFilter, OrgId, PageRequest, PageSize, RequestId, RequestState,
};
use uuid::Uuid;

use crate::config::Config;
use crate::output;
use crate::setup::{self, Tables};

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the requests that wait, oldest first
    List {
        /// Organisation, unless it is the default one
        #[arg(long, value_name = "UUID")]
        org: Option<Uuid>,
    },
    /// Approve a request: the device gets its certificate when it asks again
    Approve {
        /// The request, as `list` shows it
        id: RequestId,
        /// Organisation, unless it is the default one
        #[arg(long, value_name = "UUID")]
        org: Option<Uuid>,
    },
    /// Deny a request
    Deny {
        /// The request, as `list` shows it
        id: RequestId,
        /// Why, for the history
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
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
        Command::List { org: of } => list(&*store, org(of)).await?,
        Command::Approve { id, org: of } => match service.approve(org(of), id).await? {
            Outcome::Issued(issued) => println!(
                "Approved: {} gets certificate {} when it asks again.",
                issued.certificate.device_name, issued.certificate.serial
            ),
            Outcome::Rejected(rejection) => bail!("not approved, {rejection}"),
            Outcome::Pending(_) => bail!("the request is being signed already"),
        },
        Command::Deny { id, note, org: of } => {
            service.deny(org(of), id, &note).await?;
            println!("Denied.");
        }
    }
    Ok(store.close().await?)
}

async fn list(store: &dyn IssuanceStore, org: OrgId) -> Result<()> {
    let filter = OpenRequestFilter { state: Some(RequestState::Pending), ..OpenRequestFilter::default() };
    let mut table = output::table(&["Request", "Device", "For", "Since (UTC)"]);
    let mut page = PageRequest::first(PageSize::MAX);
    loop {
        let found = store.open_requests(org, &filter, &page).await?;
        for request in &found.items {
            table.add_row([
                request.id().to_string(),
                request.device_name().to_string(),
                request.purpose().kind().to_string(),
                output::time(request.opened_at()),
            ]);
        }
        let Some(next) = found.next else { break };
        page = PageRequest::resume(PageSize::MAX, &filter.scope(org), next)?;
    }
    println!("{}", table.trim_fmt());
    Ok(())
}
