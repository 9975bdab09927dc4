//! `requests`: what waits for a person's decision.

use anyhow::{Result, bail};
use clap::Subcommand;
use renewal_domain::RequestId;
use renewal_server::api::model::{Decision, DecisionOutcome, Deny, OpenRequest};
use serde_json::json;

use super::client::Client;
use super::listing::{self, Limit};
use crate::printer::{Format, Record, print_one};

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the requests that wait, oldest first
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Approve a request: the device gets its certificate when it asks again
    Approve {
        /// The request, as `list` shows it
        id: RequestId,
    },
    /// Deny a request
    Deny {
        /// The request, as `list` shows it
        id: RequestId,
        /// Why, for the history
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    let (id, decision) = match command {
        Command::List { limit } => {
            let query = vec![("state", "pending".to_owned())];
            return listing::print::<OpenRequest>(client, format, &["requests"], query, limit).await;
        }
        Command::Approve { id } => {
            (id, client.post(&["requests", &id.to_string(), "approve"], &json!({})).await?)
        }
        Command::Deny { id, note } => {
            (id, client.post(&["requests", &id.to_string(), "deny"], &Deny { note }).await?)
        }
    };
    let decided: Decision = crate::printer::understood(decision.clone())?;
    if decided.outcome == DecisionOutcome::Rejected {
        let (reason, message) = (decided.reason.unwrap_or_default(), decided.message.unwrap_or_default());
        bail!("request {id} was approved too late, and ended as {reason}: {message}");
    }
    print_one(format, decision, |decision| Ok(told(decision)))
}

impl Record for Decision {
    const FIELDS: &'static [&'static str] = &[
        "request_id",
        "outcome",
        "reason",
        "message",
        "certificate/serial",
        "certificate/device_name",
        "certificate/not_after",
    ];
}

fn told(decision: &Decision) -> String {
    match &decision.certificate {
        Some(certificate) => format!(
            "Approved: {} gets certificate {} when it asks again.",
            certificate.device_name, certificate.serial
        ),
        None => "Denied.".to_owned(),
    }
}
