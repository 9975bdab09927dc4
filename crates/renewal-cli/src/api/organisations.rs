//! `organisations`: the one that the token is of, and the emergency stop of its certificates.

use anyhow::Result;
use clap::Subcommand;
use renewal_server::api::model::{Note, Organisation, Stop};

use super::client::Client;
use crate::output::{self, time};
use crate::printer::{Format, Record, print_one};

/// What to do with an organisation.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the organisation of the token
    Show,
    /// Stop all its certificates: every enrollment, renewal and recovery is refused until `resume`
    ///
    /// What was issued stays valid.
    Suspend {
        /// Why, for whoever finds it
        #[arg(long)]
        reason: String,
    },
    /// Issue certificates again
    Resume {
        /// Why, for the record
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    let organisation = match command {
        Command::Show => client.get(&[], &[]).await?,
        Command::Suspend { reason } => client.post(&["suspend"], &Stop { reason: Some(reason) }).await?,
        Command::Resume { note } => client.post(&["resume"], &Note { note }).await?,
    };
    print_one(format, organisation, |organisation| Ok(told(organisation)))
}

impl Record for Organisation {
    const FIELDS: &'static [&'static str] =
        &["id", "suspended/since", "suspended/reason", "suspended/action_id"];
}

fn told(organisation: &Organisation) -> String {
    let mut lines = vec![("Organisation", organisation.id.to_string())];
    match &organisation.suspended {
        None => lines.push(("State", "certificates are issued".to_owned())),
        Some(block) => {
            lines.push(("State", format!("suspended since {} UTC", time(block.since))));
            lines.push(("Reason", block.reason.clone()));
            lines.push(("Action", block.action_id.to_string()));
        }
    }
    output::lines(&lines)
}
