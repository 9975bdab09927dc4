//! The databases that the ledger is kept in, and which of them are here.

use crate::database::TestDatabase;
use crate::server::{Server, ServerOptions};
use std::env;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A database that the ledger is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// A file; always there.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MariaDB, for MySQL too.
    MariaDb,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MariaDb];

    /// Those that are servers, and can be stopped and killed.
    pub const SERVERS: [Self; 2] = [Self::Postgres, Self::MariaDb];

    /// The name, as it begins the names of tests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
        }
    }

    /// The environment variable with the URL of a server to use instead of a private one.
    fn variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("RENEWAL_TEST_POSTGRES_URL"),
            Self::MariaDb => Some("RENEWAL_TEST_MARIADB_URL"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The databases of one test program. A server starts when the first test needs it, and is shared
/// by all: a test that wants to break one asks for a [`Backends::private_server`].
#[derive(Debug, Default)]
pub struct Backends {
    postgres: OnceLock<Result<Arc<Server>, String>>,
    mariadb: OnceLock<Result<Arc<Server>, String>>,
}

impl Backends {
    /// Says why there is no such database here, if there is none.
    ///
    /// # Errors
    ///
    /// The reason, for people.
    pub fn present(&self, backend: Backend) -> Result<(), String> {
        if external_url(backend).is_some() {
            return Ok(());
        }
        crate::server::installed(backend)
    }

    /// A database of its own for the caller, with all migrations applied.
    ///
    /// # Panics
    ///
    /// When the server does not start or refuses.
    pub async fn fresh_database(&self, backend: Backend) -> TestDatabase {
        match self.server(backend) {
            None => TestDatabase::sqlite(true).await,
            Some(server) => server.fresh_database().await,
        }
    }

    /// A database of its own for the caller, without a table.
    ///
    /// # Panics
    ///
    /// When the server does not start or refuses.
    pub async fn empty_database(&self, backend: Backend) -> TestDatabase {
        match self.server(backend) {
            None => TestDatabase::sqlite(false).await,
            Some(server) => server.empty_database().await,
        }
    }

    /// A server that nobody else uses, to be stopped, killed or frozen.
    ///
    /// # Panics
    ///
    /// When it does not start, or `backend` is no server.
    #[must_use]
    pub fn private_server(backend: Backend, options: ServerOptions) -> Arc<Server> {
        match Server::start(backend, options) {
            Ok(server) => Arc::new(server),
            Err(reason) => panic!("{backend} does not start: {reason}"),
        }
    }

    /// Stops the shared servers and removes what they left. Their databases are gone.
    pub fn stop(&self) {
        for slot in [&self.postgres, &self.mariadb] {
            if let Some(Ok(server)) = slot.get() {
                server.remove();
            }
        }
    }

    /// The shared server, started when it was not; none for SQLite.
    fn server(&self, backend: Backend) -> Option<&Arc<Server>> {
        let slot = match backend {
            Backend::Sqlite => return None,
            Backend::Postgres => &self.postgres,
            Backend::MariaDb => &self.mariadb,
        };
        let started = slot.get_or_init(|| {
            let server = match external_url(backend) {
                Some(url) => Ok(Server::external(backend, url)),
                None => Server::start(backend, ServerOptions::default()),
            };
            server.map(Arc::new)
        });
        match started {
            Ok(server) => Some(server),
            Err(reason) => panic!("{backend} does not start: {reason}"),
        }
    }
}

/// The URL of the server that the environment names.
fn external_url(backend: Backend) -> Option<String> {
    let url = env::var(backend.variable()?).ok()?;
    (!url.is_empty()).then_some(url)
}
