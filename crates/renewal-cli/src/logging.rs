//! What the program prints, on standard error.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Logging};

/// Begins to log.
pub(crate) fn begin(settings: &Logging) -> Result<()> {
    let log_lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter(settings)?);
    match settings.format {
        LogFormat::Text => log_lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log_lines.json().init(),
    }
    Ok(())
}

/// What is logged.
pub(crate) fn filter(settings: &Logging) -> Result<EnvFilter> {
    let level = settings.level.as_deref().unwrap_or("info");
    EnvFilter::try_new(level).with_context(|| format!("logging.level: {level:?} is no filter"))
}
