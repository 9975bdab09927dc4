//! The schema of the renewal ledger, as migrations, on SQLite, PostgreSQL and MySQL/MariaDB.
//!
//! What this crate promises:
//!
//! - [`apply`] brings a database up to date, whatever state it is in, and changes nothing when it
//!   is. Any number of processes may call it at once on one database: one works, the others wait.
//! - A migration that was released is never changed again: what it sends is frozen in
//!   `released/`, and a test compares.
//! - A migration that was cut short can be run again. This matters on MySQL and MariaDB, where a
//!   change of the schema cannot be rolled back; on the others it is one transaction.
//!
//! Always go through [`apply`], [`roll_back`] and their kin rather than through
//! [`MigratorTrait::up`], which takes no lock.
//!
//! To add a migration: write `src/mYYYYMMDD_NNNNNN_what_it_does.rs`, guard every step so that it
//! can be repeated, append it to [`Migrator`], freeze its SQL (see `frozen.rs`).

mod lock;
mod m20261123_000001_create_renewal_ledger;
mod m20261123_000002_enrollment_tokens;
mod m20261124_000003_fleet;
mod m20261125_000004_partial_indexes;
mod m20261127_000005_actions;
mod run;
mod status;

#[cfg(test)]
mod frozen;

pub use run::{Rebuilt, apply, apply_steps, fresh, refresh, reset, roll_back};
pub use sea_orm_migration::{DbErr, MigratorTrait};
pub use status::{MigrationState, MigrationStatus, pending, status};

use sea_orm_migration::MigrationTrait;

/// All migrations of the ledger, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_renewal_ledger::Migration),
            Box::new(m20261123_000002_enrollment_tokens::Migration),
            Box::new(m20261124_000003_fleet::Migration),
            Box::new(m20261125_000004_partial_indexes::Migration),
            Box::new(m20261127_000005_actions::Migration),
        ]
    }
}
