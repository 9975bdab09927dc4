//! Applying and undoing migrations, each under the lock.

use crate::Migrator;
use crate::lock::Lock;
use crate::status::{MigrationState, names, status};
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
};
use sea_orm_migration::{DbErr, MigratorTrait};

/// What [`fresh`] and [`refresh`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// What is gone: for [`fresh`] the names of the tables, for [`refresh`] those of the
    /// migrations that were rolled back, last one first.
    pub removed: Vec<String>,
    /// The names of the migrations that were then applied, oldest first.
    pub applied: Vec<String>,
}

/// Applies every migration that the database lacks, and returns their names, oldest first: none
/// when it was up to date.
///
/// Safe to call from any number of processes at once: one works, the others wait and then find
/// nothing to do. Once begun, it goes on to its end even when the future is dropped; so do all the
/// others here.
///
/// # Errors
///
/// When the database cannot be reached or refuses, or was migrated by a newer version.
pub async fn apply(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    apply_steps(db, None).await
}

/// [`apply`], but at most `steps` migrations when a number is given.
///
/// # Errors
///
/// Those of [`apply`].
pub async fn apply_steps(db: &DatabaseConnection, steps: Option<u32>) -> Result<Vec<String>, DbErr> {
    let db = db.clone();
    to_the_end(async move {
        // Every start of a service comes here, almost always to find nothing to do: that needs
        // no lock, nor the right to write.
        let before = status(&db).await?;
        refuse_newer(&before)?;
        if names(before, MigrationState::Pending).is_empty() {
            return Ok(Vec::new());
        }
        let lock = Lock::acquire(&db).await?;
        let outcome = up(lock.connection(), steps).await;
        lock.release(outcome).await
    })
    .await
}

/// Undoes the last `steps` migrations, or all, and returns their names, last one first. **The
/// tables that they created are lost with all that is in them.**
///
/// # Errors
///
/// When the database cannot be reached or refuses, or was migrated by a newer version.
pub async fn roll_back(db: &DatabaseConnection, steps: Option<u32>) -> Result<Vec<String>, DbErr> {
    let db = db.clone();
    to_the_end(async move {
        let lock = Lock::acquire(&db).await?;
        let outcome = down(lock.connection(), steps).await;
        lock.release(outcome).await
    })
    .await
}

/// Undoes all migrations, then applies all. **The ledger is lost.**
///
/// # Errors
///
/// Those of [`roll_back`].
pub async fn refresh(db: &DatabaseConnection) -> Result<Rebuilt, DbErr> {
    let db = db.clone();
    to_the_end(async move {
        let lock = Lock::acquire(&db).await?;
        let outcome = rebuild(lock.connection()).await;
        lock.release(outcome).await
    })
    .await
}

/// Undoes all migrations and drops the record of them, so that nothing of the ledger remains.
/// Returns the names of what was undone, last one first. **The ledger is lost.**
///
/// # Errors
///
/// Those of [`roll_back`].
pub async fn reset(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let db = db.clone();
    to_the_end(async move {
        let lock = Lock::acquire(&db).await?;
        let outcome = uninstall(lock.connection()).await;
        lock.release(outcome).await
    })
    .await
}

/// Drops **every table of the schema, of the ledger or not**, then applies all migrations.
///
/// # Errors
///
/// When the database cannot be reached or refuses.
pub async fn fresh(db: &DatabaseConnection) -> Result<Rebuilt, DbErr> {
    let db = db.clone();
    to_the_end(async move {
        let lock = Lock::acquire(&db).await?;
        let outcome = start_over(lock.connection()).await;
        lock.release(outcome).await
    })
    .await
}

/// Does the work even when the caller's future is dropped: a connection that is given up in the
/// middle of a statement may hang in the driver for ever, and keep the lock.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<T, DbErr> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(DbErr::Migration("the runtime shut down before the migration ended".to_owned())),
        },
    }
}

async fn rebuild(db: &DatabaseTransaction) -> Result<Rebuilt, DbErr> {
    let removed = down(db, None).await?;
    let applied = up(db, None).await?;
    Ok(Rebuilt { removed, applied })
}

async fn uninstall(db: &DatabaseTransaction) -> Result<Vec<String>, DbErr> {
    let undone = down(db, None).await?;
    Migrator::uninstall(db).await?;
    Ok(undone)
}

async fn start_over(db: &DatabaseTransaction) -> Result<Rebuilt, DbErr> {
    let removed = tables(db).await?;
    if db.get_database_backend() == DbBackend::Sqlite {
        // Foreign keys cannot be switched off inside a transaction, only put off to its end, when
        // both sides of each are gone.
        db.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
    }
    Migrator::fresh(db).await?;
    let applied = names(status(db).await?, MigrationState::Applied);
    Ok(Rebuilt { removed, applied })
}

async fn up(db: &DatabaseTransaction, steps: Option<u32>) -> Result<Vec<String>, DbErr> {
    let before = status(db).await?;
    refuse_newer(&before)?;
    let mut applied = names(before, MigrationState::Pending);
    applied.truncate(limit(steps));
    Migrator::up(db, steps).await?;
    Ok(applied)
}

async fn down(db: &DatabaseTransaction, steps: Option<u32>) -> Result<Vec<String>, DbErr> {
    let before = status(db).await?;
    refuse_newer(&before)?;
    let mut undone = names(before, MigrationState::Applied);
    undone.reverse();
    undone.truncate(limit(steps));
    Migrator::down(db, steps).await?;
    Ok(undone)
}

fn limit(steps: Option<u32>) -> usize {
    steps.and_then(|steps| usize::try_from(steps).ok()).unwrap_or(usize::MAX)
}

/// A build can neither extend nor undo what it does not know.
fn refuse_newer(all: &[crate::MigrationStatus]) -> Result<(), DbErr> {
    match all.iter().find(|one| one.state == MigrationState::Unknown) {
        None => Ok(()),
        Some(newest) => Err(DbErr::Migration(format!(
            "the database has the migration {}, which this build does not know: a newer version \
             migrated it, so use that version",
            newest.name
        ))),
    }
}

/// The tables of the current schema.
async fn tables(db: &DatabaseTransaction) -> Result<Vec<String>, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' \
             ESCAPE '\\' ORDER BY name"
        }
        DbBackend::MySql => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
             AND table_type = 'BASE TABLE' ORDER BY table_name"
        }
        _ => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = \
             current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
        }
    };
    let rows = db.query_all_raw(Statement::from_string(backend, sql));
    let rows = rows.await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
