//! The store: the traits of the domain on one database.

use std::fmt;
use std::sync::Arc;

use renewal_domain::StoreError;

use crate::group::Group;
use crate::mac::AuthenticationKeys;
use crate::options::ConnectOptions;
use crate::session::Session;

/// A ledger on SQLite, PostgreSQL, MySQL or MariaDB, opened by [`connect`](crate::connect()).
///
/// Clones share the same connections.
#[derive(Clone)]
pub struct SeaOrmStore {
    pub(crate) session: Session,
    /// Over which groups are written.
    pub(crate) writer: Session,
    pub(crate) writes: Arc<Group>,
    pub(crate) name: String,
}

impl SeaOrmStore {
    pub(crate) fn new(session: Session, writer: Session, name: String, options: &ConnectOptions) -> Self {
        Self { session, writer, writes: Group::new(options), name }
    }

    /// Authenticates the rows of tokens and of pending requests with these keys: those that were not
    /// made with one of them are refused as [`StoreError::Corrupt`]. Without keys, whatever is about
    /// tokens and pending requests fails.
    #[must_use]
    pub fn authenticated(mut self, keys: AuthenticationKeys) -> Self {
        self.session.authenticate(keys.clone());
        self.writer.authenticate(keys);
        self
    }

    /// Writes what waits to be written, and closes the connections, after which every call is
    /// refused. Without it they end with the last clone; a SQLite database is then left with its
    /// `-wal` file, which is no harm.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when connections that are in use are not given back in time.
    pub async fn close(&self) -> Result<(), StoreError> {
        let written = self.writes.close(&self.writer).await;
        self.writer.close().await?;
        self.session.close().await?;
        Ok(written?)
    }
}

impl fmt::Debug for SeaOrmStore {
    /// Says which database it is, without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SeaOrmStore").field(&self.name).finish()
    }
}
