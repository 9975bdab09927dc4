//! `attempts`: those that have begun and not ended.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use comfy_table::Cell;
use renewal_domain::RequestState;
use renewal_server::api::model::OpenRequest;

use super::client::Client;
use super::filters::{span, told};
use super::listing::{self, Limit};
use crate::output::{Tone, cell, time};
use crate::printer::{Format, Listed, Record};

/// Which attempts.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Those that began longer ago than this, such as 10m
    #[arg(long, value_name = "TIME", value_parser = span)]
    older_than: Option<Duration>,
    #[command(flatten)]
    limit: Limit,
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, arguments: &Arguments) -> Result<()> {
    let mut query = vec![("state", "open".to_owned())];
    query.extend(arguments.older_than.map(|age| ("older_than", told(age))));
    listing::print::<OpenRequest>(client, format, &["attempts"], query, arguments.limit).await
}

impl Record for OpenRequest {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "device_id",
        "device_name",
        "kind",
        "state",
        "attempt_id",
        "opened_at",
        "presented_serial",
        "presented_not_after",
        "csr_sha256",
        "subject",
        "san",
        "not_covered/subject",
        "not_covered/san",
        "key",
        "key_sha256",
        "credential",
        "source_address",
        "problem",
    ];
}

impl Listed for OpenRequest {
    const NAME: &'static str = "such open requests";
    const HEADINGS: &'static [&'static str] = &["Request", "Device", "State since (UTC)"];
    const FIRST_IS_WHOLE: bool = true;

    fn cells(&self) -> Vec<Cell> {
        let (state, tone) = match self.state {
            RequestState::Signing => ("being signed", Tone::Plain),
            RequestState::Pending => ("waits for approval", Tone::Waiting),
        };
        vec![
            Cell::new(self.id),
            Cell::new(format!("{}, {}", self.device_name, self.kind)),
            cell(format!("{state}\n{}", time(self.opened_at)), tone),
        ]
    }
}
