//! What is printed: tables on standard output, errors on standard error.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, LineStyle, Table};

/// What a cell says about the device or the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    /// Somebody should look.
    Waiting,
    Plain,
}

/// Standard output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output")]
struct OutputError(#[from] io::Error);

/// A table with these headings, as wide as the terminal at most.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::new('─', '─', '─', '─')));
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.force_no_tty();
    }
    table.set_header(headings.iter().map(|heading| {
        let cell = Cell::new(heading);
        if in_colour() { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    table
}

/// A cell, in colour where that is wanted.
pub(crate) fn cell(text: impl ToString, tone: Tone) -> Cell {
    let cell = Cell::new(text);
    match tone {
        _ if !in_colour() => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Waiting => cell.fg(Color::Yellow),
        Tone::Plain => cell,
    }
}

/// Whether to use colour: on a terminal that knows it, unless `NO_COLOR` is set.
fn in_colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// Tells a failure to write the output from other failures.
pub(crate) fn written<T>(outcome: io::Result<T>) -> Result<T> {
    Ok(outcome.map_err(OutputError)?)
}

/// Whether it is only that nobody reads the output any more, as behind `| head`.
pub(crate) fn unread(error: &anyhow::Error) -> bool {
    error.downcast_ref::<OutputError>().is_some_and(|error| error.0.kind() == ErrorKind::BrokenPipe)
}

/// A time to the second, in UTC.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Lines of what something is, each behind its label.
pub(crate) fn lines(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let tell = |(label, text): &(&str, String)| format!("{label:width$}  {text}");
    lines.iter().map(tell).collect::<Vec<_>>().join("\n")
}

/// How long something took, in its two largest units.
pub(crate) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = span.as_secs();
    if seconds == 0 {
        return format!("{} ms", span.as_millis());
    }
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

/// Says what failed and why; a cause that is part of what was said is not said again.
pub(crate) fn failed(error: &anyhow::Error) {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    note(format_args!("renewal: {said}"));
}

/// Prints a line on standard error, and never panics.
pub(crate) fn note(text: fmt::Arguments<'_>) {
    // There is no other place to say that this failed.
    let _unsaid = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        let told = |milliseconds| span(Duration::from_millis(milliseconds));
        assert_eq!(told(0), "0 ms");
        assert_eq!(told(999), "999 ms");
        assert_eq!(told(61_500), "1 min 1 s");
        assert_eq!(told(3_600_000 + 59_000), "1 h");
        assert_eq!(told(90_061_000), "1 d 1 h");
    }
}
