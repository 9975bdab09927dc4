//! What the end-to-end tests share: database servers, fresh databases, and the way to run one test
//! on all of them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`backend`] | the three databases, which are present, fresh databases on them |
//! | [`server`] | private servers that a test may stop, kill, freeze and restart |
//! | [`database`] | a database of one test, dropped behind it |
//! | [`mod@trials`] | one async test function becomes a test per database |
//! | [`history`] | a long history of ten organisations, the same each time |
//! | [`program`] | the workspace's own binaries, built and found |
//! | [`serving`] | a running `renewal serve` |
//! | [`est`] | a client of EST |
//! | [`usage`] | what processes use: CPU time and memory |
//! | [`disk`] | a disk that is small enough to be filled |
//!
//! The servers come from the system's own binaries, in a temporary directory each (in memory where
//! there is enough), on the loopback interface; nothing is left behind. `RENEWAL_TEST_POSTGRES_URL` and `RENEWAL_TEST_MARIADB_URL`
//! name servers to use instead, with an account that may create databases. The tests of a database
//! that is not there are reported as ignored, each by name; `RENEWAL_REQUIRE_BACKENDS=all` makes
//! them fail.

pub mod backend;
mod child;
pub mod database;
pub mod disk;
pub mod est;
pub mod history;
pub mod program;
pub mod server;
pub mod serving;
pub mod trials;
pub mod usage;

pub use backend::{Backend, Backends};
pub use database::TestDatabase;
pub use disk::SmallDisk;
pub use program::binary;
pub use server::{Server, ServerOptions};
pub use serving::Serving;
pub use trials::{Context, on_backends, run};
