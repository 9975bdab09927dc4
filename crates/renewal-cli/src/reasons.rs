//! `reasons`: every reason code of the ledger, with what happened and what to do about it.

use std::fmt::Write;

use anyhow::Result;
use comfy_table::{Cell, ContentArrangement};
use csr_service::Reason;
use serde_json::{Value, json};

use crate::output;
use crate::printer::{Csv, Format, Record};

/// How wide the table is where there is no terminal to fit.
const WIDTH: u16 = 80;

/// In which form to print them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// As JSON, as -o json does
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// As the page docs/reasons.md
    #[arg(long)]
    markdown: bool,
}

/// A reason in JSON.
#[derive(serde::Deserialize)]
struct Described {}

impl Record for Described {
    const FIELDS: &'static [&'static str] = &["code", "sentence", "advice"];
}

/// Prints them.
pub(crate) fn run(format: Format, args: &Args) -> Result<()> {
    if args.markdown {
        return output::print(markdown().trim_end());
    }
    match format {
        _ if args.json => output::print(&format!("{:#}", all())),
        Format::Json => output::print(&format!("{:#}", all())),
        Format::Table => output::print(&table()),
        Format::Csv => {
            let mut csv = Csv::new::<Described>(std::io::stdout().lock())?;
            Reason::ALL.iter().try_for_each(|reason| csv.push(&described(*reason)))?;
            csv.finish().map(drop)
        }
    }
}

fn described(reason: Reason) -> Value {
    json!({"code": reason.code(), "sentence": reason.sentence(), "advice": reason.advice()})
}

fn all() -> Value {
    Reason::ALL.iter().copied().map(described).collect()
}

fn table() -> String {
    let mut table = output::table(&["Reason", "What happened, and what to do"]);
    if table.width().is_none() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    }
    for reason in Reason::ALL {
        let text = format!("{}\nTo do: {}", reason.sentence(), reason.advice());
        table.add_row([Cell::new(reason.code()), Cell::new(text)]);
    }
    table.trim_fmt()
}

/// The page `docs/reasons.md`.
fn markdown() -> String {
    let mut page = "\
# Reasons

Why a request is refused, and why an attempt fails: every reason code of the ledger, in the order of the checks. A code
never changes, so that it can be counted and alerted on. This page is what `renewal reasons --markdown` prints.

| code | what happened | what to do |
|---|---|---|
"
    .to_owned();
    for reason in Reason::ALL {
        let cell = |text: &str| text.replace('|', "\\|");
        let (sentence, advice) = (cell(reason.sentence()), cell(reason.advice()));
        // A String takes whatever is written to it.
        let _written = writeln!(page, "| `{reason}` | {sentence} | {advice} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_command_prints() {
        let page = include_str!("../../../docs/reasons.md");
        let printed = markdown();
        assert!(
            page == printed,
            "write it anew with `cargo run --bin renewal -- reasons --markdown > docs/reasons.md`; the first \
             line that differs is {:?}",
            printed.lines().zip(page.lines()).find(|(new, old)| new != old)
        );
    }

    #[test]
    fn the_table_fits_into_80_columns_and_has_every_reason() {
        let table = table();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        for reason in Reason::ALL {
            assert!(
                table.lines().any(|line| line.trim_start().starts_with(reason.code())),
                "{reason}: {table}"
            );
        }
    }
}
