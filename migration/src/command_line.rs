//! The command line, as SeaORM's migration program has it.

use clap::{Parser, Subcommand};

/// Creates and changes the tables of the renewal ledger. Without a command: applies all that is
/// pending.
#[derive(Debug, Parser)]
#[command(name = "migration", version)]
pub(crate) struct CommandLine {
    /// The database, as one of: `sqlite://FILE` (created when it does not exist),
    /// `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        short = 'u',
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,

    /// The PostgreSQL schema of the tables; the account's search path decides when not given.
    /// Without meaning for the others
    #[arg(short = 's', long, global = true, env = "DATABASE_SCHEMA", value_name = "SCHEMA")]
    pub(crate) database_schema: Option<String>,

    /// Show every statement that is sent, on standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do with the database.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Apply pending migrations
    Up {
        /// How many; all when not given
        #[arg(short, long)]
        num: Option<u32>,
    },
    /// Undo applied migrations, last one first. What their tables held is lost
    Down {
        /// How many
        #[arg(short, long, default_value_t = 1)]
        num: u32,
    },
    /// List the migrations and whether the database has them
    Status,
    /// Drop every table of the schema, of the ledger or not, then apply all migrations
    Fresh,
    /// Undo all migrations, then apply all. The ledger is lost
    Refresh,
    /// Undo all migrations and forget that they were ever applied. The ledger is lost
    Reset,
}

impl Command {
    /// Whether a SQLite file that does not exist is to be made.
    pub(crate) fn creates(self) -> bool {
        match self {
            Self::Up { .. } | Self::Fresh | Self::Refresh => true,
            Self::Down { .. } | Self::Status | Self::Reset => false,
        }
    }
}
