//! `events`: the history, as the ledger has it.

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use comfy_table::Cell;
use csr_service::Reason;
use renewal_domain::{AttemptId, EventId, EventType, ReasonCode, Stage};
use renewal_server::api::model::Event;

use super::client::Client;
use super::filters::{instant, told_instant};
use super::listing::{self, Limit};
use crate::output::{self, Tone, cell, time};
use crate::printer::{Format, Listed, Record, print_one};

/// What to do with events.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List events, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show one event, with what to do about it if it is a failure
    Show {
        /// The event, as `list` shows it
        id: EventId,
    },
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Those of a device, by its name or UUID
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Those of a type, such as `renewal_failed`; can be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<EventType>,
    /// Failures for a reason, such as denied
    #[arg(long, value_name = "CODE")]
    reason: Option<ReasonCode>,
    /// Those of an attempt
    #[arg(long, value_name = "ID")]
    attempt: Option<AttemptId>,
    /// Those from this time on: 2026-01-31, 2026-01-31T12:00:00Z, or 24h for so long ago
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// Those before this time
    #[arg(long, value_name = "TIME", value_parser = instant)]
    to: Option<DateTime<Utc>>,
}

impl Filter {
    /// The filter as the API takes it.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query: Vec<_> = self.types.iter().map(|kind| ("type", kind.to_string())).collect();
        let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
        add("device", self.device.clone());
        add("reason", self.reason.as_ref().map(ToString::to_string));
        add("attempt", self.attempt.map(|attempt| attempt.to_string()));
        add("from", self.from.map(told_instant));
        add("to", self.to.map(told_instant));
        query
    }
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    match command {
        Command::List { filter, limit } => {
            listing::print::<Event>(client, format, &["renewal-events"], filter.query(), limit).await
        }
        Command::Show { id } => {
            let event = client.get(&["renewal-events", &id.to_string()], &[]).await?;
            print_one(format, event, |event| Ok(told(event)))
        }
    }
}

impl Record for Event {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "created_at",
        "event_type",
        "device_id",
        "attempt_id",
        "reason",
        "error_message",
        "old_cert_expiration",
        "new_cert_expiration",
    ];
}

impl Listed for Event {
    const NAME: &'static str = "such events";
    const HEADINGS: &'static [&'static str] = &["Time (UTC)", "Event", "Device", "Why", "Id"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(time(self.created_at)),
            cell(self.event_type, tone(self.event_type)),
            Cell::new(self.device_id),
            Cell::new(self.reason.as_ref().map(ToString::to_string).unwrap_or_default()),
            Cell::new(self.id),
        ]
    }
}

fn tone(event_type: EventType) -> Tone {
    match event_type.stage() {
        Stage::Start => Tone::Plain,
        Stage::Success => Tone::Good,
        Stage::Failed => Tone::Bad,
    }
}

fn told(event: &Event) -> String {
    let mut lines = vec![
        ("Event", event.id.to_string()),
        ("Time", format!("{} UTC", time(event.created_at))),
        ("Type", event.event_type.to_string()),
        ("Device", event.device_id.to_string()),
        ("Attempt", event.attempt_id.to_string()),
        ("Presented", format!("a certificate valid until {} UTC", time(event.old_cert_expiration))),
    ];
    let issued =
        event.new_cert_expiration.map(|until| format!("a certificate valid until {} UTC", time(until)));
    lines.extend(issued.map(|issued| ("Issued", issued)));
    lines.extend(event.reason.as_ref().map(|reason| ("Reason", reason.to_string())));
    lines.extend(event.error_message.clone().map(|message| ("Message", message)));
    let advice = event.reason.as_ref().and_then(|reason| Reason::from_code(reason.as_str()));
    lines.extend(advice.map(|reason| ("To do", reason.advice().to_owned())));
    output::lines(&lines)
}
