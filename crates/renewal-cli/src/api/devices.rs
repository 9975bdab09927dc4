//! `devices`: what there is to know about one device.

use anyhow::Result;
use clap::Subcommand;
use renewal_domain::{Clock, SystemClock};
use renewal_server::api::model::{Action, Certificate, Device, Event, Note, Stop};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::client::Client;
use super::story;
use super::timeline::{Entry, timeline};
use crate::output;
use crate::printer::{Csv, Format, Record, print_one, understood};

/// What to do with a device.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show how a device stands, and what happened to it, oldest first: every attempt with its end
    /// and the reason, enrollments, revocations, blocks, and who decided them
    Show {
        /// The device, by its name or UUID
        device: String,
        /// So many of its attempts, the newest ones
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        last: u64,
    },
    /// Give a device no certificates: every enrollment, renewal and recovery is refused until `unblock`
    ///
    /// Its certificates stay valid: revoke them with `certs revoke --device`.
    Block {
        /// The device, by its name or UUID; one that was never seen, by its name
        device: String,
        /// Why, for whoever finds it
        #[arg(long)]
        reason: String,
    },
    /// Give a blocked device certificates again
    Unblock {
        /// The device, by its name or UUID
        device: String,
        /// Why, for the record
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: Command) -> Result<()> {
    let device = match command {
        Command::Show { device, last } => return show(client, format, &device, last).await,
        Command::Block { device, reason } => {
            client.post(&["devices", &device, "block"], &Stop { reason: Some(reason) }).await?
        }
        Command::Unblock { device, note } => {
            client.post(&["devices", &device, "unblock"], &Note { note }).await?
        }
    };
    print_one(format, device, |device| Ok(story::blocked(device)))
}

/// Shows a device.
async fn show(client: &Client, format: Format, device: &str, last: u64) -> Result<()> {
    let mut object = client.get(&["devices", device], &[]).await?;
    let shown: Device = understood(object.clone())?;
    // By the same text each time, so that it is the same device: an id can be another one's name.
    let (events, whole) = all::<Event>(client, &["devices", device, "events"], Vec::new(), 2 * last).await?;
    let of_device = || vec![("device", device.to_owned())];
    let most = last.max(1_000);
    let (certificates, _) = all::<Certificate>(client, &["certificates"], of_device(), most).await?;
    let (actions, _) = all::<Action>(client, &["actions"], of_device(), most).await?;
    let mut timeline = timeline(&events, &certificates, shown.open_request.as_ref(), &actions);
    if !whole {
        // What is older than the oldest attempt would tell half of a story.
        let oldest = events.last().map(|event| event.created_at);
        timeline.retain(|entry| oldest.is_none_or(|oldest| entry.started_at >= oldest));
    }
    match format {
        Format::Table => output::print(&story::told(&shown, &timeline, whole, SystemClock.now())),
        Format::Json => {
            object["timeline"] = json!(timeline);
            object["timeline_complete"] = json!(whole);
            output::print(&format!("{object:#}"))
        }
        Format::Csv => {
            let mut csv = Csv::new::<Entry>(std::io::stdout().lock())?;
            timeline.iter().try_for_each(|entry| csv.push(&json!(entry)))?;
            csv.finish().map(drop)
        }
    }
}

impl Record for Device {
    const FIELDS: &'static [&'static str] =
        &["id", "name", "blocked/since", "blocked/reason", "blocked/action_id"];
}

impl Record for Entry {
    const FIELDS: &'static [&'static str] = &[
        "started_at",
        "ended_at",
        "seconds",
        "what",
        "outcome",
        "request_id",
        "attempt_id",
        "old_cert_expiration",
        "serial",
        "new_cert_expiration",
        "reason",
        "message",
        "advice",
        "decisions/0/kind",
        "decisions/0/actor/display",
        "decisions/0/note",
    ];
}

/// A listing up to a number of items, and whether that is all.
async fn all<T: DeserializeOwned>(
    client: &Client,
    path: &[&str],
    query: Vec<(&'static str, String)>,
    most: u64,
) -> Result<(Vec<T>, bool)> {
    let mut pages = client.pages(path, query, Some(most));
    let mut items = Vec::new();
    while let Some(page) = pages.next().await? {
        items.extend(page.into_iter().map(understood::<T>).collect::<Result<Vec<_>>>()?);
    }
    Ok((items, !pages.has_more()))
}
