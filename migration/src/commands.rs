//! What each command does and prints.

use crate::command_line::{Command, CommandLine};
use crate::explain::Failure;
use crate::target::Target;
use migration::{DbErr, MigrationState, MigrationStatus, Rebuilt};
use sea_orm_migration::sea_orm::DatabaseConnection;
use std::io::Write;

/// Runs the command and prints what it did.
pub(crate) async fn run(command_line: CommandLine) -> Result<(), Failure> {
    let url = command_line.database_url.unwrap_or_default();
    let schema = command_line.database_schema.filter(|name| !name.is_empty());
    let command = command_line.command.unwrap_or(Command::Up { num: None });

    let target = Target::parse(&url)?;
    let db = target.connect(schema.as_deref(), command.creates()).await?;
    let done = execute(command, &db, &target).await;
    let closed = db.close().await;
    let mut output = done.map_err(|error| target.explain(&error))?.join("\n");
    output.push('\n');
    std::io::stdout().write_all(output.as_bytes()).map_err(Failure::Output)?;
    closed.map_err(|error| target.explain(&error))
}

/// Carries the command out and returns the lines to print.
async fn execute(command: Command, db: &DatabaseConnection, target: &Target) -> Result<Vec<String>, DbErr> {
    Ok(match command {
        Command::Up { num } => applied(target, &migration::apply_steps(db, num).await?),
        Command::Down { num } => undone(target, &migration::roll_back(db, Some(num)).await?),
        Command::Reset => undone(target, &migration::reset(db).await?),
        Command::Refresh => {
            let rebuilt = migration::refresh(db).await?;
            let mut lines = undone(target, &rebuilt.removed);
            lines.extend(applied(target, &rebuilt.applied));
            lines
        }
        Command::Fresh => rebuilt(target, &migration::fresh(db).await?),
        Command::Status => list(target, &migration::status(db).await?),
    })
}

fn applied(target: &Target, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        return vec![format!("nothing to apply: {target} is up to date")];
    }
    let mut lines = marked("applied", names);
    lines.push(format!("{} applied to {target}", count(names, "migration")));
    lines
}

fn undone(target: &Target, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        return vec![format!("nothing to undo on {target}")];
    }
    let mut lines = marked("undone", names);
    lines.push(format!("{} undone on {target}", count(names, "migration")));
    lines
}

fn rebuilt(target: &Target, rebuilt: &Rebuilt) -> Vec<String> {
    let mut lines = marked("dropped", &rebuilt.removed);
    let dropped = count(&rebuilt.removed, "table");
    lines.push(format!("{dropped} dropped from {target}"));
    lines.extend(applied(target, &rebuilt.applied));
    lines
}

fn list(target: &Target, all: &[MigrationStatus]) -> Vec<String> {
    let mut lines: Vec<_> =
        all.iter().flat_map(|one| marked(word(one.state), std::slice::from_ref(&one.name))).collect();
    let of = |state| all.iter().filter(|one| one.state == state).count();
    let applied = of(MigrationState::Applied);
    let pending = of(MigrationState::Pending);
    let unknown = of(MigrationState::Unknown);
    lines.push(format!("{applied} applied, {pending} pending on {target}"));
    if unknown > 0 {
        lines.push(format!("{unknown} unknown to this build: a newer version migrated this database"));
    }
    lines
}

fn word(state: MigrationState) -> &'static str {
    match state {
        MigrationState::Applied => "applied",
        MigrationState::Pending => "pending",
        MigrationState::Unknown => "unknown",
    }
}

fn marked(word: &str, names: &[String]) -> Vec<String> {
    let mark = |name| format!("{word:<8} {name}");
    names.iter().map(mark).collect()
}

fn count(names: &[String], noun: &str) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", names.len())
}
