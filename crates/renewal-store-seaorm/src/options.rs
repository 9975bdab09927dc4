//! How to connect.

use std::time::Duration;

/// How a store uses its database. The defaults suit a service that answers devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectOptions {
    pub(crate) max_connections: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) waiting_calls: u32,
    pub(crate) migrate: bool,
}

impl ConnectOptions {
    /// The defaults: 10 connections, 5 seconds for a connection, 10 for a statement, 4,096 calls
    /// that wait.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            waiting_calls: 4_096,
            migrate: false,
        }
    }

    /// The most connections to hold at a time, at least 1; 8 to 16 serve best. One of them is for
    /// what is written in groups, unless it is the only one. A SQLite database in memory has one,
    /// whatever is asked for.
    #[must_use]
    pub const fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// How long to wait for a connection (new, or one that is in use), and on SQLite for
    /// other writers.
    #[must_use]
    pub const fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long one statement may take.
    #[must_use]
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// The most calls that may wait to be written, at least 1. Beyond that a call waits for its turn as long as for a connection, and is then
    /// refused as `Unavailable`.
    #[must_use]
    pub const fn waiting_calls(mut self, calls: u32) -> Self {
        self.waiting_calls = if calls == 0 { 1 } else { calls };
        self
    }

    /// Whether to bring the tables up to date first, and to make a SQLite file that does not
    /// exist. Otherwise a database whose tables are missing or old is refused.
    #[must_use]
    pub const fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// The longest that one exchange with the database can take when nothing is wrong: the
    /// database ends it before. Beyond that, nobody is listening any more.
    pub(crate) fn patience(&self) -> Duration {
        self.acquire_timeout + self.statement_timeout + Duration::from_secs(1)
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}
