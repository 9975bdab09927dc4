//! The file with the keys that authenticate rows of the ledger.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::{FileError, read_private};

/// The octets of a key.
const LENGTH: usize = 32;

/// What a new file begins with.
const HEADING: &str = "\
# Authenticates the rows of tokens and pending requests in the ledger: who can write to the database, but has
# not this file, can make none. Every server of the ledger needs the same file. Keep it secret, and outside of
# the database. The first key makes codes; all of them check codes.
";

/// The keys of the file: text with one key a line, in 64 hexadecimal digits. Lines that begin with `#`, and
/// empty ones, mean nothing. The first key makes codes, and all of them check codes.
#[derive(Clone)]
pub struct AuthenticationKeyFile {
    text: String,
    first: [u8; LENGTH],
    older: Vec<[u8; LENGTH]>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationKeyError {
    /// The file is not there.
    #[error("it is not there")]
    Missing,
    /// The file cannot be read, or others can read it.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line, counted from 1, has something else than a key.
    #[error("its line {0} is no key of 64 hexadecimal digits")]
    Line(usize),
    /// It has no key.
    #[error("it has no key: one line of 64 hexadecimal digits")]
    Empty,
    /// The system gives no random numbers.
    #[error("no key can be made")]
    Random(#[source] io::Error),
}

impl AuthenticationKeyFile {
    /// The usual name of the file.
    pub const NAME: &'static str = "authentication.key";

    /// Makes a file with one new key, of 256 random bits.
    ///
    /// # Errors
    /// [`AuthenticationKeyError::Random`].
    pub fn random() -> Result<Self, AuthenticationKeyError> {
        let first = random()?;
        Ok(Self { text: format!("{HEADING}{}\n", hex::encode(first)), first, older: Vec::new() })
    }

    /// Reads the file, which its owner alone may be able to read.
    ///
    /// # Errors
    /// [`AuthenticationKeyError`] says why it cannot be used. What is in the file is not told.
    pub fn read(path: &Path) -> Result<Self, AuthenticationKeyError> {
        match read_private(path) {
            Ok(content) => Self::parse(&String::from_utf8_lossy(&content)),
            Err(FileError::Read(_, error)) if error.kind() == ErrorKind::NotFound => {
                Err(AuthenticationKeyError::Missing)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// [`AuthenticationKeyError::Line`] and [`AuthenticationKeyError::Empty`].
    pub fn parse(text: &str) -> Result<Self, AuthenticationKeyError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let mut keys =
            lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
                let mut key = [0; LENGTH];
                let read = hex::decode_to_slice(line, &mut key);
                read.map(|()| key).map_err(|_| AuthenticationKeyError::Line(number))
            });
        let first = keys.next().unwrap_or(Err(AuthenticationKeyError::Empty))?;
        Ok(Self { text: text.to_owned(), first, older: keys.collect::<Result<_, _>>()? })
    }

    /// The same file with a new key in front of the others. Every other line stays.
    ///
    /// # Errors
    /// [`AuthenticationKeyError::Random`].
    pub fn rotated(&self) -> Result<Self, AuthenticationKeyError> {
        let first = random()?;
        let comments: usize = self.text.split_inclusive('\n').take_while(is_comment).map(str::len).sum();
        let (comments, rest) = self.text.split_at(comments);
        let text = format!("{comments}{}\n{rest}", hex::encode(first));
        Ok(Self { text, first, older: [self.first].into_iter().chain(self.older.iter().copied()).collect() })
    }

    /// The key that makes codes.
    #[must_use]
    pub const fn first(&self) -> [u8; LENGTH] {
        self.first
    }

    /// The keys that only check codes.
    #[must_use]
    pub fn older(&self) -> &[[u8; LENGTH]] {
        &self.older
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Whether a line belongs to the comment at the beginning.
fn is_comment(line: &&str) -> bool {
    line.trim_start().starts_with('#')
}

fn random() -> Result<[u8; LENGTH], AuthenticationKeyError> {
    let mut key = [0; LENGTH];
    getrandom::fill(&mut key).map_err(|error| AuthenticationKeyError::Random(io::Error::other(error)))?;
    Ok(key)
}

impl std::fmt::Debug for AuthenticationKeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthenticationKeyFile(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_read_as_it_was_made() {
        let made = AuthenticationKeyFile::random().unwrap();
        let read = AuthenticationKeyFile::parse(made.text()).unwrap();
        assert_eq!((read.first(), read.older()), (made.first(), made.older()));
        assert_ne!(AuthenticationKeyFile::random().unwrap().first(), made.first());
    }

    #[test]
    fn a_rotation_puts_a_new_key_in_front_and_leaves_every_line() {
        let (one, two) = ("11".repeat(32), "22".repeat(32));
        let text = format!("# Ours.\n{one}\n\n# From last year.\n{two}\n");
        let old = AuthenticationKeyFile::parse(&text).unwrap();
        let new = AuthenticationKeyFile::parse(old.rotated().unwrap().text()).unwrap();
        assert_eq!(new.older(), [[0x11; 32], [0x22; 32]]);
        let first = hex::encode(new.first());
        assert_eq!(new.text(), format!("# Ours.\n{first}\n{one}\n\n# From last year.\n{two}\n"));
        let bare = AuthenticationKeyFile::parse(&one).unwrap().rotated().unwrap();
        assert_eq!(AuthenticationKeyFile::parse(bare.text()).unwrap().older(), [[0x11; 32]]);
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line_and_not_shown() {
        let short = format!("# Ours.\n{}\nabcdef\n", "11".repeat(32));
        let error = AuthenticationKeyFile::parse(&short).unwrap_err().to_string();
        assert_eq!(error, "its line 3 is no key of 64 hexadecimal digits");
        for nothing in ["", "# Only a comment.\n", "\n \n"] {
            let error = AuthenticationKeyFile::parse(nothing).unwrap_err();
            assert!(matches!(error, AuthenticationKeyError::Empty), "{error}");
        }
        let error = AuthenticationKeyFile::parse(&format!("x{}", "11".repeat(32))).unwrap_err();
        assert!(matches!(error, AuthenticationKeyError::Line(1)), "{error}");
    }

    #[test]
    fn a_key_is_not_shown() {
        let made = AuthenticationKeyFile::random().unwrap();
        assert_eq!(format!("{made:?}"), "AuthenticationKeyFile(not shown)");
    }

    #[test]
    fn a_file_that_is_not_there_is_missing() {
        let error = AuthenticationKeyFile::read(Path::new("/nowhere/authentication.key")).unwrap_err();
        assert!(matches!(error, AuthenticationKeyError::Missing), "{error}");
    }
}
