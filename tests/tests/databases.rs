//! Everything that runs on real databases, on each of them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "databases/authenticated.rs"]
mod authenticated;
#[path = "databases/cancellation.rs"]
mod cancellation;
#[path = "databases/conformance.rs"]
mod conformance;
#[path = "databases/connect.rs"]
mod connect;
#[path = "databases/corrupt.rs"]
mod corrupt;
#[path = "databases/decisions.rs"]
mod decisions;
#[path = "databases/dropped.rs"]
mod dropped;
#[path = "databases/explain.rs"]
mod explain;
#[path = "databases/explain_decisions.rs"]
mod explain_decisions;
#[path = "databases/explain_enrollment_tokens.rs"]
mod explain_enrollment_tokens;
#[path = "databases/explain_fleet.rs"]
mod explain_fleet;
#[path = "databases/explain_retention.rs"]
mod explain_retention;
#[path = "databases/faults.rs"]
mod faults;
#[path = "databases/full.rs"]
mod full;
#[path = "databases/groups.rs"]
mod groups;
#[path = "databases/migration_program.rs"]
mod migration_program;
#[path = "databases/migrations.rs"]
mod migrations;
#[path = "databases/mixed.rs"]
mod mixed;
#[path = "databases/plan.rs"]
mod plan;
#[path = "databases/recorded.rs"]
mod recorded;
#[path = "databases/same_key.rs"]
mod same_key;
#[path = "databases/schema.rs"]
mod schema;
#[path = "databases/servers.rs"]
mod servers;
#[path = "databases/service.rs"]
mod service;
#[path = "databases/support.rs"]
mod support;
#[path = "databases/tables.rs"]
mod tables;
#[path = "databases/upgrade.rs"]
mod upgrade;
#[path = "databases/waiting.rs"]
mod waiting;

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::run(|backends| {
        let mut trials = Vec::new();
        trials.extend(servers::trials(backends));
        trials.extend(migrations::trials(backends));
        trials.extend(tables::trials(backends));
        trials.extend(migration_program::trials(backends));
        trials.extend(connect::trials(backends));
        trials.extend(upgrade::trials(backends));
        trials.extend(conformance::trials(backends));
        trials.extend(explain::trials(backends));
        trials.extend(explain_decisions::trials(backends));
        trials.extend(explain_fleet::trials(backends));
        trials.extend(explain_retention::trials(backends));
        trials.extend(explain_enrollment_tokens::trials(backends));
        trials.extend(faults::trials(backends));
        trials.extend(groups::trials(backends));
        trials.extend(mixed::trials(backends));
        trials.extend(waiting::trials(backends));
        trials.extend(full::trials(backends));
        trials.extend(cancellation::trials(backends));
        trials.extend(corrupt::trials(backends));
        trials.extend(authenticated::trials(backends));
        trials.extend(decisions::trials(backends));
        trials.extend(same_key::trials(backends));
        trials.extend(dropped::trials(backends));
        trials.extend(service::trials(backends));
        trials
    })
}
