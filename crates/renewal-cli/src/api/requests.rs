//! `requests`: what waits for a person's decision.

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, anyhow, bail};
use clap::Subcommand;
use renewal_domain::RequestId;
use renewal_server::api::model::{Action, Approve, Decision, DecisionOutcome, Note, OpenRequest, Page};
use serde_json::Value;

use super::actions;
use super::answer::NotFound;
use super::client::Client;
use super::listing::{self, Limit};
use crate::output::{self, time};
use crate::printer::{Format, Record, print_one, understood};

/// What stands behind a name that nothing permits but the decision.
const ONLY_YOU: &str = "(granted only by your approval)";

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
            let request = client.get(&["requests", &id.to_string()], &[]).await;
            let request = or_decided(client, id, request).await?;
            let actions = actions::history(&decisions(client, id).await?);
            return print_one(format, request, |request| Ok(told_request(request) + &actions));
        }
        Command::Approve { id, yes } => {
            let request = client.get(&["requests", &id.to_string()], &[]).await;
            let shown: OpenRequest = understood(or_decided(client, id, request).await?)?;
            output::note(format_args!("{}", told_request(&shown)));
            if !yes && !confirmed(&shown)? {
                bail!("request {id} was not approved; it waits");
            }
            let approve = Approve { csr_sha256: Some(shown.csr_sha256) };
            let decision = client.post(&["requests", &id.to_string(), "approve"], &approve).await;
            (id, or_decided(client, id, decision).await?)
        }
        Command::Deny { id, note } => {
            let decision = client.post(&["requests", &id.to_string(), "deny"], &Note { note }).await;
            (id, or_decided(client, id, decision).await?)
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

/// What was decided about a request, newest first.
async fn decisions(client: &Client, id: RequestId) -> Result<Vec<Action>> {
    let actions = client.get(&["actions"], &[("request", id.to_string())]).await?;
    let actions: Page<Action> = understood(actions)?;
    Ok(actions.items)
}

/// The answer about a request; where it is no longer open, the error says who decided about it.
async fn or_decided(client: &Client, id: RequestId, answer: Result<Value>) -> Result<Value> {
    match answer {
        Err(error) if error.is::<NotFound>() => Err(match decisions(client, id).await?.first() {
            Some(action) => {
                anyhow!("request {id} is not open: it ended on {}. {error}", actions::line(action))
            }
            None => error,
        }),
        answer => answer,
    }
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
    lines
        .extend(request.not_covered.subject.iter().map(|attribute| ("", format!("{attribute}  {ONLY_YOU}"))));
    for (number, name) in request.san.iter().enumerate() {
        let label = if number == 0 { "Other names" } else { "" };
        let covered = !request.not_covered.san.contains(name);
        lines.push((label, if covered { name.clone() } else { format!("{name}  {ONLY_YOU}") }));
    }
    let key = request.key.as_deref().unwrap_or("cannot be read");
    lines.push(("Key", format!("{key}, SHA-256:")));
    lines.push(("", request.key_sha256.clone()));
    lines.push(("CSR", "SHA-256:".to_owned()));
    lines.push(("", request.csr_sha256.clone()));
    output::lines(&lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_sees_which_names_only_the_approval_grants() {
        let request: OpenRequest = serde_json::from_value(json!({
            "id": "019e49c3-5a80-7000-8000-000000000001", "device_id": "5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10",
            "device_name": "pump-7", "kind": "enrollment", "state": "pending", "attempt_id": null,
            "opened_at": "2026-05-21T09:00:00Z", "presented_serial": null, "presented_not_after": null,
            "csr_sha256": "cd".repeat(32), "requested_lifetime_seconds": null,
            "subject": "CN=pump-7, O=Works", "san": ["DNS:pump-7.example", "IP:192.0.2.7"],
            "not_covered": {"subject": ["O=Works"], "san": ["IP:192.0.2.7"]}, "key": "ECDSA P-256",
            "key_sha256": "ab".repeat(32),
            "credential": "enrollment token 019e49c3-5a80-7000-8000-000000000002",
            "source_address": "192.0.2.7", "problem": null,
        }))
        .unwrap();
        let told = told_request(&request);
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
        insta::assert_snapshot!(told, @r"
        Request      019e49c3-5a80-7000-8000-000000000001
        Device       pump-7 (5cbd7c5e-8f3c-4b62-9d3a-3f1f0d1c7a10)
        For          enrollment
        Since        2026-05-21 09:00:00 UTC
        From         192.0.2.7
        Credential   enrollment token 019e49c3-5a80-7000-8000-000000000002
        Subject      CN=pump-7, O=Works
                     O=Works  (granted only by your approval)
        Other names  DNS:pump-7.example
                     IP:192.0.2.7  (granted only by your approval)
        Key          ECDSA P-256, SHA-256:
                     abababababababababababababababababababababababababababababababab
        CSR          SHA-256:
                     cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
        ");
    }
}
