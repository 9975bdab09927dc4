//! Whether a database has the tables that this program knows.

use std::sync::Arc;

use migration::{MigrationState, MigrationStatus};
use sea_orm::{DatabaseConnection, DbErr, RuntimeErr};

use crate::connect_error::{ConnectError, explain};
use crate::options::ConnectOptions;
use crate::target::Target;

/// Refuses a database whose tables are missing, old or new; brings them up to date first when
/// that was asked for.
pub(crate) async fn check(
    db: &DatabaseConnection,
    target: &Target,
    options: &ConnectOptions,
) -> Result<(), ConnectError> {
    let failed = |error| unexpected(target, error);
    let mut all = migration::status(db).await.map_err(failed)?;
    if options.migrate && names(&all, MigrationState::Unknown).is_empty() {
        migration::apply(db).await.map_err(failed)?;
        all = migration::status(db).await.map_err(failed)?;
    }
    judge(target.to_string(), &all)
}

/// Refuses what does not fit.
pub(crate) fn judge(database: String, all: &[MigrationStatus]) -> Result<(), ConnectError> {
    let unknown = names(all, MigrationState::Unknown);
    let pending = names(all, MigrationState::Pending);
    if !unknown.is_empty() {
        return Err(ConnectError::SchemaNew { database, unknown });
    }
    if pending.is_empty() {
        return Ok(());
    }
    if names(all, MigrationState::Applied).is_empty() {
        return Err(ConnectError::SchemaMissing { database });
    }
    Err(ConnectError::SchemaOld { database, pending })
}

fn names(all: &[MigrationStatus], state: MigrationState) -> Vec<String> {
    all.iter().filter(|one| one.state == state).map(|one| one.name.clone()).collect()
}

fn unexpected(target: &Target, error: DbErr) -> ConnectError {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => match Arc::try_unwrap(error) {
            Ok(error) => explain(target, error),
            Err(shared) => ConnectError::Other { database: target.to_string(), source: Box::new(shared) },
        },
        other => ConnectError::Other { database: target.to_string(), source: Box::new(other) },
    }
}

#[cfg(test)]
mod tests {
    use MigrationState::{Applied, Pending, Unknown};

    use super::*;

    fn refused(states: &[(&str, MigrationState)]) -> String {
        let migration = |&(name, state): &(&str, _)| MigrationStatus { name: String::from(name), state };
        let all: Vec<_> = states.iter().map(migration).collect();
        judge("the ledger".to_owned(), &all).map_or_else(|error| error.to_string(), |()| "fits".to_owned())
    }

    #[test]
    fn tables_that_do_not_fit_are_refused_with_what_to_do() {
        assert_eq!(refused(&[("one", Applied), ("two", Applied)]), "fits");
        assert_eq!(
            refused(&[("one", Pending), ("two", Pending)]),
            "the ledger has no tables yet: create them with `cargo run -p migration`"
        );
        assert_eq!(
            refused(&[("one", Applied), ("two", Pending)]),
            "the ledger is older than this program, and lacks two: run `cargo run -p migration`"
        );
        assert_eq!(
            refused(&[("one", Applied), ("two", Unknown)]),
            "the ledger is newer than this program, which does not know two: use the version that migrated it"
        );
    }
}
