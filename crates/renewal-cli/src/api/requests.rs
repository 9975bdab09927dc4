//! `requests`: what waits for a person's decision.

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, bail};
use clap::Subcommand;
use renewal_domain::RequestId;
use renewal_server::api::model::{Action, Approve, Decision, DecisionOutcome, Note, OpenRequest, Page};
use serde_json::Value;

use super::actions;
use super::client::Client;
use super::listing::{self, Limit};
use crate::output::{self, time};
use crate::printer::{Format, Record, print_one, understood};

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the requests that wait, oldest first
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Show what a request asks for, and on what ground
    Show {
        /// The request, as `list` shows it
        id: RequestId,
    },
    /// Approve a request: the device gets its certificate when it asks again
    ///
    /// It is shown first, and on a terminal you are asked. What is approved is what was shown: if the
    /// request in the ledger is another one, nothing is.
    Approve {
        /// The request, as `list` shows it
        id: RequestId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
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
        Command::Show { id } => {
            let (request, actions) = read(client, id).await?;
            let actions = actions::history(&actions);
            return print_one(format, request, |request| Ok(told_request(request) + &actions));
        }
        Command::Approve { id, yes } => {
            let shown: OpenRequest = understood(client.get(&["requests", &id.to_string()], &[]).await?)?;
            output::note(format_args!("{}", told_request(&shown)));
            if !yes && !confirmed(&shown)? {
                bail!("request {id} was not approved; it waits");
            }
            let approve = Approve { csr_sha256: Some(shown.csr_sha256) };
            (id, client.post(&["requests", &id.to_string(), "approve"], &approve).await?)
        }
        Command::Deny { id, note } => {
            (id, client.post(&["requests", &id.to_string(), "deny"], &Note { note }).await?)
        }
    };
    let decided: Decision = understood(decision.clone())?;
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

/// A request, and what was decided about it.
async fn read(client: &Client, id: RequestId) -> Result<(Value, Vec<Action>)> {
    let id = id.to_string();
    let request = client.get(&["requests", &id], &[]).await?;
    let actions = client.get(&["actions"], &[("request", id)]).await?;
    let actions: Page<Action> = understood(actions)?;
    Ok((request, actions.items))
}

/// Asks whoever sits at the terminal; without one, nobody is asked.
fn confirmed(request: &OpenRequest) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    let mut ask = io::stderr().lock();
    let named = &request.device_name;
    output::written(
        write!(ask, "Sign this for {named}? Type yes to approve it: ").and_then(|()| ask.flush()),
    )?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

/// What a request asks for, and on what ground.
fn told_request(request: &OpenRequest) -> String {
    let mut lines = vec![
        ("Request", request.id.to_string()),
        ("Device", format!("{} ({})", request.device_name, request.device_id)),
        ("For", request.kind.to_string()),
        ("Since", format!("{} UTC", time(request.opened_at))),
        ("From", request.source_address.map_or_else(|| "not over a network".to_owned(), |ip| ip.to_string())),
        ("Credential", request.credential.clone()),
    ];
    lines.extend(request.problem.clone().map(|problem| ("Problem", problem)));
    lines.extend(request.subject.clone().map(|subject| ("Subject", subject)));
    let only_by_approval = |covered: bool| if covered { "" } else { "  (granted only by your approval)" };
    for attribute in &request.not_covered.subject {
        lines.push(("", format!("{attribute}{}", only_by_approval(false))));
    }
    for (number, name) in request.san.iter().enumerate() {
        let label = if number == 0 { "Other names" } else { "" };
        let covered = !request.not_covered.san.contains(name);
        lines.push((label, format!("{name}{}", only_by_approval(covered))));
    }
    lines.extend(request.key.clone().map(|key| ("Key", key)));
    lines.push(("", format!("SHA-256 {}", request.key_sha256)));
    lines.push(("CSR", format!("SHA-256 {}", request.csr_sha256)));
    output::lines(&lines)
}
