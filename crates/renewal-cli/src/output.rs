//! What is printed: tables on standard output, errors on standard error.

use std::fmt;
use std::io::{IsTerminal, Write};

use chrono::{DateTime, Utc};
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, ContentArrangement, LineStyle, Table};

/// A table with these headings, as wide as the terminal at most.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::new('─', '─', '─', '─')));
    if std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.force_no_tty();
    }
    table.set_header(headings.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    table
}

/// A time to the second, in UTC.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
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
    let _unsaid = writeln!(std::io::stderr().lock(), "{text}");
}
