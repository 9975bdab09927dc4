//! Files with certificates, keys and settings, as the programs of Renewal Ledger handle them: read
//! with an error that names them, written whole or not at all.

mod authentication_key;

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

pub use authentication_key::{AuthenticationKeyError, AuthenticationKeyFile};

/// The most that is read of a file, in octets; a certificate or request is far smaller.
const MOST: u64 = 8 * 1024 * 1024;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everybody: 0644.
    Public,
    /// The owner alone: 0600.
    Secret,
}

/// Whether a file that is there is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is kept, and the writing fails.
    Keep,
    /// It is replaced.
    Replace,
}

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// It is too large.
    #[error("{0} has more than {MOST} bytes; no request or certificate is that large")]
    TooLarge(PathBuf),
    /// It is there, and was to be kept.
    #[error("{0} exists already and is not replaced")]
    Exists(PathBuf),
    /// It is there, and is a directory or a device.
    #[error("cannot write {0}: it is there, and is no file that could be replaced")]
    NoFile(PathBuf),
    /// Its directory is not there.
    #[error("cannot write {0}: there is no directory {1}")]
    NoDirectory(PathBuf, PathBuf),
    /// It cannot be written.
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] io::Error),
    /// It cannot be locked.
    #[error("cannot lock {0}")]
    Lock(PathBuf, #[source] io::Error),
    /// Others than its owner can read it.
    #[error("{0} has mode {1:04o}, so others can read it; run chmod 600 on it")]
    Exposed(PathBuf, u32),
}

/// Reads a file.
///
/// # Errors
/// [`FileError::Read`] and [`FileError::TooLarge`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_from(open(path)?, path)
}

/// Reads a file that nobody but its owner can read.
///
/// # Errors
/// [`FileError::Exposed`] when others can, and those of [`read()`].
pub fn read_private(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(|error| FileError::Read(path.to_owned(), error))?;
    match exposed_mode(&metadata) {
        Some(mode) => Err(FileError::Exposed(path.to_owned(), mode)),
        None => read_from(file, path),
    }
}

fn open(path: &Path) -> Result<fs::File, FileError> {
    fs::File::open(path).map_err(|error| FileError::Read(path.to_owned(), error))
}

fn read_from(file: fs::File, path: &Path) -> Result<Vec<u8>, FileError> {
    // Its size says nothing when it is a device or a pipe.
    let mut content = Vec::new();
    let read = file.take(MOST + 1).read_to_end(&mut content);
    read.map_err(|error| FileError::Read(path.to_owned(), error))?;
    if content.len() as u64 > MOST {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    Ok(content)
}

/// The mode of a file that others than its owner can read; none if they cannot, or the file is not
/// there.
#[must_use]
pub fn mode_for_others(path: &Path) -> Option<u32> {
    exposed_mode(&fs::metadata(path).ok()?)
}

/// The mode, if it lets others than the owner in.
#[cfg(unix)]
fn exposed_mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn exposed_mode(_metadata: &fs::Metadata) -> Option<u32> {
    None
}

/// Refuses early what [`write()`] would refuse.
///
/// # Errors
/// [`FileError`] says what is in the way.
pub fn check_writable(path: &Path, existing: Existing) -> Result<(), FileError> {
    if existing == Existing::Keep && path.try_exists().unwrap_or(false) {
        return Err(FileError::Exists(path.to_owned()));
    }
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(FileError::NoFile(path.to_owned()));
    }
    let directory = directory_of(path);
    if !directory.is_dir() {
        return Err(FileError::NoDirectory(path.to_owned(), directory.to_owned()));
    }
    Ok(())
}

/// Writes a file: first beside its place under another name, then moved there.
///
/// # Errors
/// [`FileError::Exists`] and [`FileError::Write`].
pub fn write(path: &Path, content: &[u8], mode: Mode, existing: Existing) -> Result<(), FileError> {
    let mut file = NewFile::at(path)?;
    file.write_all(content).map_err(|error| FileError::Write(path.to_owned(), error))?;
    file.put(mode, existing)
}

/// A file that is written piece by piece: under another name until it is whole, and gone with this
/// value when it does not come to that.
#[derive(Debug)]
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file for this place.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn at(path: &Path) -> Result<Self, FileError> {
        let file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(directory_of(path));
        let problem = |error| FileError::Write(path.to_owned(), error);
        Ok(Self { file: file.map_err(problem)?, path: path.to_owned() })
    }

    /// Moves it to its place.
    ///
    /// # Errors
    /// [`FileError::Exists`] and [`FileError::Write`].
    pub fn put(self, mode: Mode, existing: Existing) -> Result<(), FileError> {
        let bits = match mode {
            Mode::Public => 0o644,
            Mode::Secret => 0o600,
        };
        self.put_prepared(existing, |file| permit(file, bits))
    }

    /// Moves it to its place, on the disk and prepared.
    fn put_prepared(
        self,
        existing: Existing,
        prepare: impl FnOnce(&fs::File) -> io::Result<()>,
    ) -> Result<(), FileError> {
        let Self { file, path } = self;
        if let Err(error) = prepare(file.as_file()).and_then(|()| file.as_file().sync_all()) {
            return Err(FileError::Write(path, error));
        }
        let moved = match existing {
            Existing::Keep => file.persist_noclobber(&path),
            Existing::Replace => file.persist(&path),
        };
        match moved {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(FileError::Exists(path)),
            Err(error) => Err(FileError::Write(path, error.error)),
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a new file that belongs to the owner of another one, as where an administrator makes a key
/// for a service.
///
/// # Errors
/// As [`write()`], and when the file may not be given away.
pub fn write_new_like(path: &Path, content: &[u8], mode: Mode, like: &Path) -> Result<(), FileError> {
    write(path, content, mode, Existing::Keep)?;
    let problem = |error| FileError::Write(path.to_owned(), error);
    let file = fs::File::open(path).map_err(problem)?;
    own(&file, &fs::metadata(like).map_err(problem)?).map_err(problem)
}

/// The new content of a file that is there, on the disk beside it. It takes the place of the old content
/// in [`put`](Self::put), and is gone with this value when it does not come to that.
#[derive(Debug)]
pub struct Replacement {
    file: NewFile,
    there: fs::Metadata,
}

impl Replacement {
    /// Writes the new content. Where the path is a link, the file that it leads to will be replaced.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn of(path: &Path, content: &[u8]) -> Result<Self, FileError> {
        let problem = |error| FileError::Write(path.to_owned(), error);
        let target = fs::canonicalize(path).map_err(problem)?;
        let there = fs::metadata(&target).map_err(problem)?;
        let mut file = NewFile::at(&target)?;
        file.write_all(content).map_err(problem)?;
        Ok(Self { file, there })
    }

    /// Replaces the content: the owner and the permissions of the file stay.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn put(self) -> Result<(), FileError> {
        let Self { file, there } = self;
        let keep =
            |file: &fs::File| own(file, &there).and_then(|()| file.set_permissions(there.permissions()));
        file.put_prepared(Existing::Replace, keep)
    }
}

/// Waits until no other process has the lock of this name in the directory, and holds it as long as
/// the value lives.
///
/// # Errors
/// [`FileError::Lock`].
pub fn lock(directory: &Path, name: &str) -> Result<fs::File, FileError> {
    let path = directory.join(name);
    let file = fs::File::create(&path).and_then(|file| file.lock().map(|()| file));
    file.map_err(|error| FileError::Lock(path, error))
}

#[cfg(unix)]
fn permit(file: &fs::File, bits: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn permit(_file: &fs::File, _bits: u32) -> io::Result<()> {
    Ok(())
}

/// Gives a file to the owner of another one, if that is somebody else.
#[cfg(unix)]
fn own(file: &fs::File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let ours = file.metadata()?;
    if (ours.uid(), ours.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn own(_file: &fs::File, _like: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> Option<u32> {
        fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7777)
    }

    #[test]
    fn a_new_file_is_whole_and_as_readable_as_was_said() {
        let directory = tempfile::tempdir().unwrap();
        for (name, how, bits) in [("key", Mode::Secret, 0o600), ("certificate", Mode::Public, 0o644)] {
            let path = directory.path().join(name);
            write(&path, b"content", how, Existing::Keep).unwrap();
            assert_eq!((read(&path).unwrap(), mode(&path)), (b"content".to_vec(), Some(bits)));
            assert_eq!(mode_for_others(&path), (how == Mode::Public).then_some(bits));
            let kept = write(&path, b"other", how, Existing::Keep).unwrap_err();
            assert!(matches!(kept, FileError::Exists(_)));
            assert_eq!(read(&path).unwrap(), b"content");
            write(&path, b"other", how, Existing::Replace).unwrap();
            assert_eq!(read(&path).unwrap(), b"other");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn replacing_keeps_permissions_and_links() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        let replacement = Replacement::of(&link, b"new").unwrap();
        assert_eq!(read(&file).unwrap(), b"old");
        replacement.put().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((read(&file).unwrap(), mode(&file)), (b"new".to_vec(), Some(0o640)));
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_there_is_anything_to_write() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name| directory.path().join(name);
        fs::write(place("there"), "").unwrap();
        let refused = |name, existing| check_writable(&place(name), existing).unwrap_err();
        assert!(matches!(refused("there", Existing::Keep), FileError::Exists(_)));
        assert!(matches!(refused("", Existing::Replace), FileError::NoFile(_)));
        assert!(matches!(refused("nowhere/file", Existing::Keep), FileError::NoDirectory(..)));
        check_writable(&place("there"), Existing::Replace).unwrap();
        check_writable(&place("new"), Existing::Keep).unwrap();
    }

    #[test]
    fn a_replacement_that_is_dropped_leaves_everything_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "old").unwrap();
        drop(Replacement::of(&file, b"new").unwrap());
        assert_eq!(read(&file).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_private_file_that_others_can_read_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        write(&file, b"secret", Mode::Secret, Existing::Keep).unwrap();
        assert_eq!(read_private(&file).unwrap(), b"secret");
        for mode in [0o640, 0o604] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let error = read_private(&file).unwrap_err().to_string();
            assert!(
                error.contains(&format!("has mode {mode:04o}")) && error.contains("chmod 600"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nowhere/ca.pem")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/ca.pem");
    }
}
