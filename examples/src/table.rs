//! The history as a table for a terminal.

use std::io::IsTerminal;

use anyhow::Result;
use chrono::{DateTime, Utc};
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, Width};
use renewal_domain::{CertificateRecord, RenewalEvent, Stage};

use crate::output::say;

/// The width where there is no terminal to ask: a file, a pipe.
const WIDTH: u16 = 110;

/// A history, in the order in which the lines were added.
pub(crate) struct History {
    table: Table,
    with_device: bool,
}

impl History {
    /// An empty history of many devices, or of one whose name need not be repeated.
    pub(crate) fn new(with_device: bool) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING.header_separator(LineStyle::new('─', '─', '─', '─')));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if !std::io::stdout().is_terminal() {
            table.force_no_tty().set_width(WIDTH);
        }
        let headings = ["Time (UTC)", "Device", "Event", "Old expires", "New expires", "Why"];
        let shown = headings.into_iter().filter(|heading| with_device || *heading != "Device");
        table.set_header(shown.map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
        // Only the last column is broken into lines.
        let broken = table.column_count() - 1;
        for column in table.column_iter_mut().take(broken) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if let Some(last) = table.column_mut(broken) {
            last.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(30)));
        }
        Self { table, with_device }
    }

    /// Adds an event.
    pub(crate) fn event(&mut self, event: &RenewalEvent, device: &str) {
        let name = Cell::new(event.event_type());
        let name = match event.stage() {
            Stage::Start => name,
            Stage::Success => name.fg(Color::Green),
            Stage::Failed => name.fg(Color::Red),
        };
        let old = Some(event.old_cert_expiration());
        self.line(event.created_at(), device, name, old, event.new_cert_expiration(), why(event));
    }

    /// Adds an enrollment, which is no event of the ledger.
    pub(crate) fn enrollment(&mut self, certificate: &CertificateRecord) {
        let at = certificate.request_id.created_at();
        let name = Cell::new("(enrollment)").fg(Color::Green);
        let device = certificate.device_name.as_str();
        self.line(at, device, name, None, Some(certificate.not_after), String::new());
    }

    fn line(
        &mut self,
        at: DateTime<Utc>,
        device: &str,
        event: Cell,
        old: Option<DateTime<Utc>>,
        new: Option<DateTime<Utc>>,
        why: String,
    ) {
        let mut line = vec![Cell::new(time(at))];
        line.extend(self.with_device.then(|| Cell::new(device)));
        line.extend([event, Cell::new(old.map(date).unwrap_or_default())]);
        line.extend([Cell::new(new.map(date).unwrap_or_default()), Cell::new(why)]);
        self.table.add_row(line);
    }

    /// Prints it.
    pub(crate) fn print(&self) -> Result<()> {
        say!("{}", self.table.trim_fmt())
    }
}

/// A time to the second, without the noise of RFC 3339.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A date.
pub(crate) fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d").to_string()
}

/// Why, for a failure: the code and the message.
fn why(event: &RenewalEvent) -> String {
    match (event.reason(), event.error_message()) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (Some(reason), None) => reason.to_string(),
        (None, _) => String::new(),
    }
}
