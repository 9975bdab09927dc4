//! Standard output: what cannot be written is an error, and a reader that left is not.

use std::fmt;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

/// Prints a line, as `println!` does, but fails where that panics.
macro_rules! say {
    ($($part:tt)*) => { $crate::output::line(format_args!($($part)*)) };
}
pub(crate) use say;

/// Prints a line on standard error, as `eprintln!` does, but never panics: the exit status must be
/// right even where nothing can be said.
macro_rules! note {
    ($($part:tt)*) => { $crate::output::aside(format_args!($($part)*)) };
}
pub(crate) use note;

/// Whoever read the output has seen enough, as `head` does.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for ReaderGone {}

pub(crate) fn line(text: fmt::Arguments<'_>) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        written => written.context("cannot write to standard output"),
    }
}

pub(crate) fn aside(text: fmt::Arguments<'_>) {
    // There is no other place to say that this failed.
    let _unsaid = writeln!(std::io::stderr().lock(), "{text}");
}
