//! What differs between the servers: where they are, how they start and stop.

use rustix::process::Signal;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A program and its arguments.
pub(super) type CommandLine = Vec<OsString>;

/// What the server is to run on.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Holds `data` and `tmp`, which belong to the account of the server.
    pub(super) directory: PathBuf,
    pub(super) port: u16,
    pub(super) password: String,
    pub(super) durable: bool,
}

impl Settings {
    pub(super) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.directory.join("tmp")
    }
}

/// One kind of server, installed here.
pub(super) trait Engine: fmt::Debug + Send + Sync {
    /// The account that runs it when we are root.
    fn account(&self) -> &'static str;

    /// Makes `data` a database directory.
    fn initialise(&self, settings: &Settings) -> io::Result<CommandLine>;

    /// Runs the server in the foreground, logging to standard error.
    fn serve(&self, settings: &Settings) -> CommandLine;

    /// The URL of a database.
    fn url(&self, settings: &Settings, database: &str) -> String;

    /// A database that is always there.
    fn admin_database(&self) -> &'static str;

    /// Ends it in good order, with its clients connected.
    fn stop_signal(&self) -> Signal;

    /// Ends it at once, and leaves nothing in the system.
    fn kill_signal(&self) -> Signal;

    /// [`Engine::kill_signal`], as `setpriv` spells it.
    fn kill_signal_name(&self) -> &'static str;
}

/// Builds a command line from a program and arguments.
pub(super) fn command(program: &Path, arguments: impl IntoIterator<Item = OsString>) -> CommandLine {
    let mut line = vec![program.as_os_str().to_owned()];
    line.extend(arguments);
    line
}

/// `name` followed by `value`, as one argument.
pub(super) fn option(name: &str, value: impl Into<OsString>) -> OsString {
    let mut option = OsString::from(name);
    option.push(value.into());
    option
}
