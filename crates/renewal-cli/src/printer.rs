//! Answers of the server as rows of a table, as JSON, or as CSV.
//!
//! JSON and CSV have what the server said, in its words: a field that this program does not know
//! is in the JSON all the same. A table has what a person wants to see of it.

use std::io::{self, StdoutLock, Write};
use std::marker::PhantomData;

use anyhow::{Context, Result};
use comfy_table::{Cell, ColumnConstraint, Table};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::output;

/// `-o`: how answers are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// What the server said: an array, or one object
    Json,
    /// With a header
    Csv,
}

/// Something that the server says.
pub(crate) trait Record: DeserializeOwned {
    /// The fields of its JSON that are columns of CSV; a `/` leads into an object.
    const FIELDS: &'static [&'static str];
}

/// Something of which there is a listing.
pub(crate) trait Listed: Record {
    /// What it is called when there are none: "no events".
    const NAME: &'static str;
    /// The columns of the table.
    const HEADINGS: &'static [&'static str];
    /// Whether the first column has what is copied, such as an id, and is never broken into lines.
    const FIRST_IS_WHOLE: bool = false;

    /// The row of the table.
    fn cells(&self) -> Vec<Cell>;
}

/// Prints a listing, item by item.
pub(crate) struct Printer<T> {
    form: Form,
    count: u64,
    items: PhantomData<T>,
}

enum Form {
    Table(Box<Table>),
    Json(StdoutLock<'static>),
    Csv(Box<Csv<StdoutLock<'static>>>),
}

/// CSV, with the header of what is in it.
pub(crate) struct Csv<W: Write> {
    writer: csv::Writer<W>,
    fields: &'static [&'static str],
}

impl<T: Listed> Printer<T> {
    /// Begins a listing.
    pub(crate) fn new(format: Format) -> Result<Self> {
        let form = match format {
            Format::Table => Form::Table(Box::new(Self::table())),
            Format::Json => Form::Json(io::stdout().lock()),
            Format::Csv => Form::Csv(Box::new(Csv::new::<T>(io::stdout().lock())?)),
        };
        Ok(Self { form, count: 0, items: PhantomData })
    }

    fn table() -> Table {
        let mut table = output::table(T::HEADINGS);
        if T::FIRST_IS_WHOLE
            && let Some(first) = table.column_mut(0)
        {
            first.set_constraint(ColumnConstraint::ContentWidth);
        }
        table
    }

    /// Prints an item.
    pub(crate) fn push(&mut self, item: Value) -> Result<()> {
        match &mut self.form {
            Form::Table(table) => {
                table.add_row(understood::<T>(item)?.cells());
            }
            Form::Json(out) => {
                let begin = if self.count == 0 { "[" } else { "," };
                output::written(write!(out, "{begin}\n{}", indented(&item)))?;
            }
            Form::Csv(csv) => csv.push(&item)?,
        }
        self.count += 1;
        Ok(())
    }

    /// Ends the listing.
    pub(crate) fn finish(self) -> Result<()> {
        match self.form {
            Form::Table(_) if self.count == 0 => {
                eprintln!("There are no {}.", T::NAME);
                Ok(())
            }
            Form::Table(table) => output::print(&table.trim_fmt()),
            Form::Json(mut out) => {
                output::written(writeln!(out, "{}", if self.count == 0 { "[]" } else { "\n]" }))
            }
            Form::Csv(csv) => csv.finish().map(drop),
        }
    }
}

impl<W: Write> Csv<W> {
    /// Begins with the header.
    pub(crate) fn new<T: Record>(out: W) -> Result<Self> {
        let mut csv = Self { writer: csv::Writer::from_writer(out), fields: T::FIELDS };
        csv.row(T::FIELDS.iter().map(|field| field.replace('/', "_")))?;
        Ok(csv)
    }

    /// Writes an item.
    pub(crate) fn push(&mut self, item: &Value) -> Result<()> {
        let fields = self.fields;
        self.row(fields.iter().map(|field| match item.pointer(&format!("/{field}")) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }))
    }

    /// Writes what is left, and gives the output back.
    pub(crate) fn finish(self) -> Result<W> {
        output::written(self.writer.into_inner().map_err(csv::IntoInnerError::into_error))
    }

    fn row(&mut self, cells: impl Iterator<Item = String>) -> Result<()> {
        output::written(self.writer.write_record(cells).map_err(io::Error::from))
    }
}

/// Prints one thing; `tell` says it to people.
pub(crate) fn print_one<T: Record>(
    format: Format,
    item: Value,
    tell: impl FnOnce(&T) -> Result<String>,
) -> Result<()> {
    match format {
        Format::Table => output::print(&tell(&understood(item)?)?),
        Format::Json => output::print(&pretty(&item)),
        Format::Csv => {
            let mut csv = Csv::new::<T>(io::stdout().lock())?;
            csv.push(&item)?;
            csv.finish().map(drop)
        }
    }
}

/// What the server said, as what it should be.
pub(crate) fn understood<T: DeserializeOwned>(item: Value) -> Result<T> {
    serde_json::from_value(item)
        .context("the server's answer is not understood; is it of another version than this program?")
}

fn pretty(item: &Value) -> String {
    format!("{item:#}")
}

fn indented(item: &Value) -> String {
    pretty(item).lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    struct Anything {}

    impl Record for Anything {
        const FIELDS: &'static [&'static str] = &["name", "revocation/at", "count"];
    }

    #[test]
    fn csv_has_a_header_and_leads_into_objects() {
        let mut csv = Csv::new::<Anything>(Vec::new()).unwrap();
        csv.push(&json!({"name": "a \"b\", c", "revocation": {"at": "now"}, "count": 3, "more": 1})).unwrap();
        csv.push(&json!({"name": "d\ne", "revocation": null})).unwrap();
        let text = String::from_utf8(csv.finish().unwrap()).unwrap();
        assert_eq!(text, "name,revocation_at,count\n\"a \"\"b\"\", c\",now,3\n\"d\ne\",,\n");
    }
}
