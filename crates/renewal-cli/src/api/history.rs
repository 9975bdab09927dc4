//! `history export`: the whole history, page by page, in constant memory.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use renewal_server::api::model::Event;
use serde_json::Value;

use super::client::Client;
use super::events::Filter;
use crate::files::{Existing, Mode, NewFile};
use crate::output;
use crate::printer::{Csv, Format};

/// How often the progress is drawn while nothing comes.
const TICK: Duration = Duration::from_millis(120);

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the whole history, newest first, however long it is
    Export(Arguments),
}

/// What to export, and where to.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// File to make, standard output unless given. A name that ends in .csv makes CSV; else, and
    /// unless -o csv is given, there is one JSON object a line
    file: Option<PathBuf>,
}

/// Where events go to.
enum Sink<W: Write> {
    Csv(Box<Csv<W>>),
    JsonLines(W),
}

/// Runs the command.
pub(crate) async fn run(client: &Client, format: Format, command: &Command) -> Result<()> {
    let Command::Export(arguments) = command;
    let file = arguments.file.as_deref().filter(|file| *file != Path::new("-"));
    let csv = match format {
        Format::Csv => true,
        Format::Json => false,
        Format::Table => file.is_some_and(|file| file.extension().is_some_and(|end| end == "csv")),
    };
    let Some(path) = file else {
        let (out, _) = write(client, arguments, csv, BufWriter::new(io::stdout())).await?;
        return output::written(out.into_inner().map(drop).map_err(io::IntoInnerError::into_error));
    };
    if path.exists() {
        bail!("{} exists already and is not replaced", path.display());
    }
    let new = NewFile::at(path)?;
    let (out, count) = write(client, arguments, csv, BufWriter::new(new)).await?;
    let problem = || format!("cannot write {}", path.display());
    let new = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(problem)?;
    new.put(Mode::Secret, Existing::Keep)?;
    eprintln!("Wrote {count} events to {}.", path.display());
    Ok(())
}

/// Writes every event; how many there were.
async fn write<W: Write>(client: &Client, arguments: &Arguments, csv: bool, out: W) -> Result<(W, u64)> {
    let mut sink = if csv { Sink::Csv(Box::new(Csv::new::<Event>(out)?)) } else { Sink::JsonLines(out) };
    let mut pages = client.pages(&["renewal-events"], arguments.filter.query(), None);
    let progress = progress();
    while let Some(events) = pages.next().await? {
        for event in &events {
            sink.push(event)?;
        }
        progress.inc(events.len() as u64);
        if let Some(last) = events.last().and_then(|event| event["created_at"].as_str()) {
            progress.set_message(last.get(..10).unwrap_or_default().to_owned());
        }
    }
    let count = progress.position();
    progress.finish_and_clear();
    Ok((sink.finish()?, count))
}

/// Shown on a terminal only. How many events there are is not known before the end: the date tells
/// how far back it is.
fn progress() -> ProgressBar {
    let shown = io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{spinner} {human_pos} events, {per_sec}, back to {msg}");
    let progress = ProgressBar::with_draw_target(None, target);
    progress.enable_steady_tick(TICK);
    progress.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

impl<W: Write> Sink<W> {
    fn push(&mut self, event: &Value) -> Result<()> {
        match self {
            Self::Csv(csv) => csv.push(event),
            Self::JsonLines(out) => output::written(writeln!(out, "{event}")),
        }
    }

    fn finish(self) -> Result<W> {
        match self {
            Self::Csv(csv) => csv.finish(),
            Self::JsonLines(out) => Ok(out),
        }
    }
}
