//! `actions`: who decided or did what.

use std::fmt::Display;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use comfy_table::Cell;
use renewal_domain::{ActionKind, ApiTokenId, RequestId, Serial, TokenId};
use renewal_server::api::model::{Action, Actor};

use super::client::Client;
use super::listing::{self, Limit};
use crate::output::time;
use crate::printer::{Format, Listed, Record};

/// What to do with actions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List actions, newest first: all, or those that a filter names
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        limit: Limit,
    },
}

/// Which actions.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Filter {
    /// Those of a kind, such as `request_approved`
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<ActionKind>,
    /// Those about a device, its requests and its certificates; by its name or UUID
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Those about a certificate, by its serial number in hexadecimal
    #[arg(long, value_name = "SERIAL")]
    certificate: Option<Serial>,
    /// Those about a request
    #[arg(long, value_name = "ID")]
    request: Option<RequestId>,
    /// Those about an enrollment token
    #[arg(long, value_name = "ID")]
    enrollment_token: Option<TokenId>,
    /// Those about an API token
    #[arg(long, value_name = "ID")]
    api_token: Option<ApiTokenId>,
}

impl Filter {
    /// The filter as the API takes it.
    fn query(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("device", self.device.clone()),
            ("certificate", self.certificate.as_ref().map(ToString::to_string)),
            ("request", self.request.map(|id| id.to_string())),
            ("enrollment_token", self.enrollment_token.map(|id| id.to_string())),
            ("api_token", self.api_token.map(|id| id.to_string())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    let Command::List { filter, limit } = command;
    listing::print::<Action>(client, format, &["actions"], filter.query(), limit).await
}

impl Record for Action {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "created_at",
        "actor/kind",
        "actor/token_id",
        "actor/name",
        "actor/host",
        "kind",
        "target/kind",
        "target/id",
        "device_id",
        "reason",
        "note",
        "source_address",
        "http_request_id",
    ];
}

impl Listed for Action {
    const NAME: &'static str = "such actions";
    const HEADINGS: &'static [&'static str] = &["Time (UTC)", "What was decided"];

    fn cells(&self) -> Vec<Cell> {
        let lines = [format!("{} by {}", self.kind.as_str(), who(&self.actor)), target(self), why(self)];
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        vec![Cell::new(time(self.created_at)), Cell::new(lines.join("\n"))]
    }
}

/// Who it was, for people: of a token, the name and the beginning of the id.
pub(super) fn who(actor: &Actor) -> String {
    match (&actor.token_id, &actor.name) {
        (Some(id), Some(name)) => {
            let id = id.to_string();
            format!("token {name} ({}…)", id.get(..8).unwrap_or(&id))
        }
        _ if actor.kind == "server" => "the server".to_owned(),
        _ => actor.display.clone(),
    }
}

/// A token in a table: its id, when it was made, and by whom.
pub(super) fn made(id: impl Display, at: DateTime<Utc>, by: &Actor) -> String {
    format!("{id}\nmade {}\nby {}", time(at), who(by))
}

/// An action in one line, of something whose name is known to the reader.
pub(super) fn line(action: &Action) -> String {
    let why = match why(action) {
        why if why.is_empty() => why,
        why => format!(": {why}"),
    };
    format!("{} UTC  {} by {}{why}", time(action.created_at), action.kind.as_str(), who(&action.actor))
}

/// The decisions about something as a last part of what is told about it.
pub(super) fn history(actions: &[Action]) -> String {
    if actions.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = actions.iter().map(|action| format!("  {}", line(action))).collect();
    format!("\n\nDecisions:\n{}", lines.join("\n"))
}

fn target(action: &Action) -> String {
    match action.target.id.as_str() {
        "" => action.target.kind.clone(),
        id => format!("{} {id}", action.target.kind),
    }
}

/// Why, as a code and in words; empty if it is not known.
pub(super) fn why(action: &Action) -> String {
    let reason = action.reason.as_ref().map(ToString::to_string);
    let note = Some(action.note.clone()).filter(|note| !note.is_empty());
    reason.into_iter().chain(note).collect::<Vec<_>>().join(": ")
}

fn kind(name: &str) -> Result<ActionKind, String> {
    let known = || ActionKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    ActionKind::from_name(name).ok_or_else(|| format!("the kinds are {}", known()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_is_told_with_who_did_it_and_why() {
        let action = |actor: serde_json::Value, note: &str| -> Action {
            serde_json::from_value(json!({
                "id": "019e49c3-5a80-7000-8000-000000000001", "created_at": "2026-05-21T09:00:00Z",
                "actor": actor, "kind": "certificate_revoked", "target": {"kind": "certificate", "id": "0a01"},
                "device_id": null, "reason": "superseded", "note": note, "source_address": null,
                "http_request_id": null,
            }))
            .unwrap()
        };
        let token = json!({
            "kind": "api_token", "token_id": "019e49c3-5a80-7000-8000-000000000002", "name": "helpdesk",
            "host": null, "display": "token helpdesk (019e49c3-5a80-7000-8000-000000000002)",
        });
        let user = json!({
            "kind": "command_line", "token_id": null, "name": "root", "host": "ca-1", "display": "cli:root@ca-1",
        });
        let time = "2026-05-21 09:00:00 UTC";
        assert_eq!(
            line(&action(token, "replaced")),
            format!("{time}  certificate_revoked by token helpdesk (019e49c3…): superseded: replaced")
        );
        assert_eq!(
            line(&action(user, "")),
            format!("{time}  certificate_revoked by cli:root@ca-1: superseded")
        );
    }
}
