//! The store of Renewal Ledger on SQLite, PostgreSQL, MySQL and MariaDB.
//!
//! [`connect`] opens a database whose tables `cargo run -p migration` made, and gives a
//! [`SeaOrmStore`]: all of the domain's store traits.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::sync::Arc;
//! use renewal_domain::Stores;
//! use renewal_store_seaorm::{ConnectOptions, connect};
//!
//! let store = connect("sqlite::memory:", ConnectOptions::new().migrate(true)).await?;
//! let stores: Stores = Arc::new(store).into();
//! # drop(stores);
//! # Ok::<_, renewal_store_seaorm::ConnectError>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - What the traits promise, on every one of these databases, with the same code.
//! - A read costs the same however long the history is: each follows one index, in order,
//!   and stops at the end of its page. A count costs as much as what it counts.
//! - A future that is dropped leaves nothing half-written and no connection in a state
//!   that harms the next user.
//! - A call answers within a bounded time, whatever the network does.
//! - Where a key may have one device, one device gets it. Only of two servers that record certificates at
//!   the same instant, on PostgreSQL, MySQL and MariaDB, may each give it to one.
//! - No error, log line or `Debug` output holds the password.
//!
//! # Where to find what
//!
//! | to see | look at |
//! |---|---|
//! | everything in which the databases differ | `backend` |
//! | which index a listing follows | `access` |
//! | how a planner is left no choice of another | `stretch` |
//! | what is asked about the fleet, and what that costs | `fleet_statements` |
//! | how history is pruned, and what that may cost | `retention`, `retention_statements` |
//! | what is asked about decisions | `action_statements`, `block_statements`, `revocation_statements` |
//! | every other query | `statements`, `enrollment_token_statements`, `api_token_statements` |
//! | columns, and the way from a row to the model and back | `entity` |
//! | transactions and retries | `session` |
//! | time limits, and the runtimes that connections belong to | `place` |
//! | how calls that wait at the same time are carried out together | `group` |
//! | what is written so, and how one at fault does not harm the others | `writes`, `together` |
//! | which requests are refused, or were answered before | `open_checks`, `open_check_statements` |
//! | how rows are authenticated | `mac` |
//! | how one request is opened and ended by itself | `single` |
//! | how rows are added | `insert` |
//! | how a session is set up, and what is refused | `connect`, `schema` |
//! | which errors are worth another try | `backend`, `failure` |
//!
//! # Features
//!
//! - `introspect`: for tests, every statement that a store sends, and the database's plan for it.

mod access;
mod action_statements;
mod actions;
mod api_token_statements;
mod api_tokens;
mod appending;
mod backend;
mod block_statements;
mod blocks;
mod connect;
mod connect_error;
mod enrollment_token_statements;
mod enrollment_tokens;
mod entity;
mod events;
mod failure;
mod fleet;
mod fleet_statements;
mod group;
mod insert;
#[cfg(feature = "introspect")]
pub mod introspect;
mod issuance;
mod mac;
mod open_check_statements;
mod open_checks;
mod options;
mod place;
mod reading;
mod retention;
mod retention_statements;
mod revocation_statements;
mod revocations;
mod row;
mod schema;
mod session;
mod single;
mod statements;
mod store;
mod stretch;
mod target;
mod together;
mod writes;

pub use connect::connect;
pub use connect_error::ConnectError;
pub use mac::AuthenticationKeys;
pub use options::ConnectOptions;
pub use store::SeaOrmStore;
