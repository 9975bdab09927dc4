//! Files, and a warning where others can read a key.

use std::path::Path;

use anyhow::{Result, bail};
use renewal_files::FileError;
pub(crate) use renewal_files::{Existing, Mode, lock, read};

use crate::output::note;

/// Reads a file with a private key, and warns when others can read it too.
pub(crate) fn read_secret(path: &Path) -> Result<Vec<u8>> {
    if let Some(mode) = renewal_files::mode_for_others(path) {
        note!(
            "warning: {} has mode {mode:04o}, so others can read this private key; run: chmod 600 {}",
            path.display(),
            path.display()
        );
    }
    Ok(read(path)?)
}

/// Refuses early what [`write()`] would refuse.
pub(crate) fn check_writable(path: &Path, existing: Existing) -> Result<()> {
    with_hint(renewal_files::check_writable(path, existing))
}

/// Writes a file: first beside its place under another name, then moved there.
pub(crate) fn write(path: &Path, content: &[u8], mode: Mode, existing: Existing) -> Result<()> {
    with_hint(renewal_files::write(path, content, mode, existing))
}

fn with_hint(done: Result<(), FileError>) -> Result<()> {
    match done {
        Err(FileError::Exists(path)) => {
            bail!("{} exists already; use --force to replace it", path.display())
        }
        done => Ok(done?),
    }
}
