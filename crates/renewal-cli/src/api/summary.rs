//! `summary`: fleet health.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use renewal_domain::Stage;
use renewal_server::api::model::Summary;

use super::client::Client;
use super::filters::{span, told};
use crate::output::{self, time};
use crate::printer::{Format, Record, print_one};

/// Of what time.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How far to look back, such as 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = span)]
    window: Duration,
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, arguments: &Arguments) -> Result<()> {
    let summary = client.get(&["summary"], &[("window", told(arguments.window))]).await?;
    print_one(format, summary, |summary| Ok(shown(summary)))
}

impl Record for Summary {
    const FIELDS: &'static [&'static str] = &[
        "from",
        "to",
        "attempts/started",
        "attempts/succeeded",
        "attempts/failed",
        "success_rate",
        "durations/median_seconds",
        "durations/p95_seconds",
        "devices_failing",
        "open_requests/signing",
        "open_requests/pending",
        "expiring/within_1_day",
        "expiring/within_7_days",
        "expiring/within_30_days",
    ];
}

fn shown(summary: &Summary) -> String {
    let (attempts, open, expiring) = (&summary.attempts, &summary.open_requests, &summary.expiring);
    let rate = summary.success_rate.map(|rate| format!(" ({:.1} % of those that ended)", rate * 100.0));
    let mut lines = vec![
        ("From", format!("{} UTC", time(summary.from))),
        ("To", format!("{} UTC", time(summary.to))),
        ("Attempts", format!("{} began", attempts.started)),
        ("", format!("{} succeeded{}", attempts.succeeded, rate.unwrap_or_default())),
        ("", format!("{} failed", attempts.failed)),
    ];
    lines.extend(failures(summary).into_iter().map(|failure| ("", format!("  {failure}"))));
    lines.extend(summary.durations.map(|durations| {
        let (median, p95) = (seconds(durations.median_seconds), seconds(durations.p95_seconds));
        (
            "Took",
            format!("{median} for half of them, {p95} for 95 of 100 (the newest {})", durations.measured),
        )
    }));
    lines.extend([
        ("Failing now", format!("{} devices", summary.devices_failing)),
        ("Open now", format!("{} being signed", open.signing)),
        ("", format!("{} waiting for approval", open.pending)),
        ("Expiring", format!("{} within a day", expiring.within_1_day)),
        ("", format!("{} within 7 days", expiring.within_7_days)),
        ("", format!("{} within 30 days", expiring.within_30_days)),
    ]);
    output::lines(&lines)
}

/// How often attempts failed, by reason, the most frequent first.
fn failures(summary: &Summary) -> Vec<String> {
    let failed = summary.events.iter().filter(|events| events.event_type.stage() == Stage::Failed);
    let mut failed: Vec<_> = failed.collect();
    failed.sort_by_key(|events| std::cmp::Reverse(events.count));
    let tell = |events: &renewal_server::api::model::EventCount| {
        let reason = events.reason.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {}: {reason}", events.count, events.event_type)
    };
    failed.into_iter().map(tell).collect()
}

fn seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| format!("{seconds} s"), output::span)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_is_told_in_lines() {
        let summary: Summary = serde_json::from_value(json!({
            "from": "2026-01-30T12:00:00Z", "to": "2026-01-31T12:00:00Z",
            "events": [
                {"event_type": "renewal_start", "reason": null, "count": 9},
                {"event_type": "renewal_failed", "reason": "denied", "count": 1},
                {"event_type": "recovery_failed", "reason": "expired_too_long", "count": 3},
            ],
            "attempts": {"started": 9, "succeeded": 4, "failed": 4},
            "success_rate": 0.5,
            "durations": {"median_seconds": 0.012, "p95_seconds": 61.0, "measured": 8},
            "devices_failing": 2,
            "open_requests": {
                "signing": 0, "pending": 1, "oldest_signing": null, "oldest_pending": "2026-01-31T11:00:00Z"
            },
            "expiring": {"within_1_day": 1, "within_7_days": 2, "within_30_days": 3},
        }))
        .unwrap();
        insta::assert_snapshot!(shown(&summary), @r"
        From         2026-01-30 12:00:00 UTC
        To           2026-01-31 12:00:00 UTC
        Attempts     9 began
                     4 succeeded (50.0 % of those that ended)
                     4 failed
                       3 recovery_failed: expired_too_long
                       1 renewal_failed: denied
        Took         12 ms for half of them, 1 min 1 s for 95 of 100 (the newest 8)
        Failing now  2 devices
        Open now     0 being signed
                     1 waiting for approval
        Expiring     1 within a day
                     2 within 7 days
                     3 within 30 days
        ");
    }
}
