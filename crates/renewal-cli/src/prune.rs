//! `prune`: old history is removed from the ledger, whether a server runs on it or not.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use comfy_table::Cell;
use csr_service::{PruneProgress, Pruned, check_clock, prune, prune_action};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use renewal_domain::{Action, Clock, OrgId, RetentionRule, RetentionStore, SystemClock};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::span;
use crate::config::Config;
use crate::printer::{Format, Listed, Printer, Record};
use crate::serve::told_to_stop;
use crate::setup::{self, Tables};
use crate::{command_line, output};

/// How many steps the progress has.
const STEPS: u32 = 1_000;

/// What to remove.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Remove attempts that ended, and certificates that expired, longer ago than this, such as 400d;
    /// else as `older_than` of `[retention]` says
    #[arg(long, value_name = "TIME", value_parser = span)]
    older_than: Option<Duration>,
    /// Keep so many attempts of each device however old they are; else as `keep_last` says
    #[arg(long, value_name = "N")]
    keep_last: Option<u32>,
    /// Remove nothing, and tell what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Remove although the clock is more than 30 days beyond the newest record
    #[arg(long)]
    trust_clock: bool,
    /// Organisation, unless it is all that are configured
    #[arg(long, value_name = "UUID")]
    org: Option<Uuid>,
}

/// What was removed of an organisation's ledger, or would be.
#[derive(Debug, Serialize, Deserialize)]
struct Summary {
    organisation: Uuid,
    attempts: u64,
    events: u64,
    certificates: u64,
    revocations: u64,
    looked_at: u64,
    dry_run: bool,
    /// Whether the walk came to its end.
    whole: bool,
}

/// Removes it.
pub(crate) async fn run(file: &Path, format: Format, args: &Args) -> Result<()> {
    let config = Config::read(file)?;
    let Some(older_than) = args.older_than.or(config.retention.older_than) else {
        bail!("say for how long history is kept: --older-than 400d, or older_than of [retention]");
    };
    let keep_last = args.keep_last.unwrap_or(config.retention.keep_last);
    let now = SystemClock.now();
    let rule = setup::retention_of(&config, older_than, keep_last)?.rule(now, args.dry_run);
    let organisations = match args.org {
        Some(org) => vec![OrgId::new(org)],
        None => config.organisations.all(),
    };
    let store = setup::open_store(&config, Tables::OfSqlite).await?;
    if !args.trust_clock {
        // All of them before anything of one is removed.
        for org in &organisations {
            check_clock(&*store, *org, now).await?;
        }
    }
    let mut printer = Printer::<Summary>::new(format)?;
    let mut outcome = Ok(());
    for org in organisations {
        let action = prune_action(command_line::action_id(), org, &rule, &command_line::context());
        let (removed, done) = walk(&*store, org, &rule, &action).await?;
        let summary = Summary {
            organisation: org.as_uuid(),
            attempts: removed.attempts(),
            events: removed.events,
            certificates: removed.certificates,
            revocations: removed.revocations,
            looked_at: removed.looked_at,
            dry_run: args.dry_run,
            whole: done.is_ok(),
        };
        printer.push(serde_json::to_value(summary)?)?;
        outcome = done;
        if outcome.is_err() {
            break;
        }
    }
    printer.finish()?;
    if args.dry_run {
        output::note(format_args!("Nothing was removed: this is what would be."));
    }
    store.close().await?;
    outcome
}

/// Walks through an organisation's ledger until it is done or told to stop; what it removed, and
/// whether that is all.
async fn walk(
    store: &dyn RetentionStore,
    org: OrgId,
    rule: &RetentionRule,
    action: &Action,
) -> Result<(Pruned, Result<()>)> {
    const AGAIN: &str = "what was removed is removed; run the command again to go on";
    let bar = progress(rule.dry_run);
    let mut removed = Pruned::default();
    let stop = told_to_stop()?;
    let walking = prune(store, org, rule, action, |progress| {
        removed = progress.so_far;
        show(&bar, progress);
    });
    let done = tokio::select! {
        done = walking => done.map(drop).context(AGAIN),
        () = stop => Err(anyhow::anyhow!("told to stop: {AGAIN}")),
    };
    bar.finish_and_clear();
    Ok((removed, done))
}

/// Shown on a terminal only.
fn progress(dry_run: bool) -> ProgressBar {
    let shown = io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let what = if dry_run { "would remove" } else { "removed" };
    let template = format!("[{{bar:30}}] {{percent:>3}} %, {what} {{msg}}");
    let style = ProgressStyle::with_template(&template);
    let progress = ProgressBar::with_draw_target(Some(u64::from(STEPS)), target);
    progress.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to the last step")]
fn show(bar: &ProgressBar, progress: &PruneProgress) {
    let Pruned { events, certificates, .. } = progress.so_far;
    bar.set_message(format!("{events} events, {certificates} certificates"));
    bar.set_position((progress.done * f64::from(STEPS)) as u64);
}

impl Record for Summary {
    const FIELDS: &'static [&'static str] = &[
        "organisation",
        "attempts",
        "events",
        "certificates",
        "revocations",
        "looked_at",
        "dry_run",
        "whole",
    ];
}

impl Listed for Summary {
    const NAME: &'static str = "organisations";
    const HEADINGS: &'static [&'static str] =
        &["Organisation", "Attempts", "Events", "Certificates", "Revocations"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.organisation),
            Cell::new(self.attempts),
            Cell::new(self.events),
            Cell::new(self.certificates),
            Cell::new(self.revocations),
        ]
    }
}
