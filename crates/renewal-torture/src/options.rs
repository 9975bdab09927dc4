//! The command line.

use std::env;

use clap::{Parser, ValueEnum};
use tests::Backend;

/// Breaks a Renewal Ledger at random, and checks that its promises held.
#[derive(Debug, Parser)]
#[command(name = "renewal-torture")]
pub(crate) struct Options {
    /// How many rounds to play on each database, of about six seconds each
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) rounds: u32,

    /// The number of the first round, to play one again
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) first_round: u32,

    /// The database
    #[arg(long, value_enum, default_value_t = Choice::All)]
    backend: Choice,

    /// What the faults come from; a random one unless set
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,

    /// Show the faults of each round
    #[arg(long)]
    pub(crate) verbose: bool,
}

/// A database, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Sqlite,
    Postgres,
    Mariadb,
    All,
}

impl Options {
    /// The databases, in order.
    pub(crate) fn backends(&self) -> Vec<Backend> {
        match self.backend {
            Choice::Sqlite => vec![Backend::Sqlite],
            Choice::Postgres => vec![Backend::Postgres],
            Choice::Mariadb => vec![Backend::MariaDb],
            Choice::All => Backend::ALL.to_vec(),
        }
    }

    /// Whether a database that is not installed is an error, as it is for tests.
    pub(crate) fn every_backend_is_required(&self) -> bool {
        self.backend != Choice::All
            || env::var_os("RENEWAL_REQUIRE_BACKENDS").is_some_and(|which| which == "all")
    }
}
