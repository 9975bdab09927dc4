//! The log, on standard error.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Begins to log.
pub(crate) fn begin(log: &Log) -> Result<()> {
    let log_lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter(log)?);
    match log.format {
        LogFormat::Text => log_lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log_lines.json().init(),
    }
    Ok(())
}

/// What is logged.
pub(crate) fn filter(log: &Log) -> Result<EnvFilter> {
    let level = log.level.as_deref().unwrap_or("info");
    EnvFilter::try_new(level).with_context(|| format!("log.level: {level:?} is no filter"))
}
