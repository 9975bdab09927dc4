//! Files, and a warning where others can read a key.

use std::path::Path;

use anyhow::{Context, Result};
pub(crate) use renewal_files::{
    Existing, FileError, Mode, NewFile, Replacement, check_writable, lock, read, write, write_new_like,
};

/// Reads a file with a private key, and warns when others can read it too.
pub(crate) fn read_secret(path: &Path) -> Result<Vec<u8>> {
    warn_of_readers(path);
    Ok(read(path)?)
}

/// Warns when others can read a file with a private key. One that is not there is for its reader
/// to miss.
pub(crate) fn warn_of_readers(path: &Path) {
    if let Some(mode) = renewal_files::mode_for_others(path) {
        tracing::warn!(file = %path.display(), mode = format!("{mode:04o}"),
            "others can read this private key; run chmod 600 on it");
    }
}

/// Writes a new file.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: Mode) -> Result<()> {
    Ok(write(path, content, mode, Existing::Keep)?)
}

/// Makes a directory that only its owner may look into, unless it is there.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("cannot make the directory {}", path.display()))
}
