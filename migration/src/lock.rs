//! The lock that lets one migrator at a time work on a database.
//!
//! | database | lock | ends when the holder dies |
//! |---|---|---|
//! | PostgreSQL | `pg_advisory_xact_lock` in the transaction that migrates | with the transaction |
//! | SQLite | `BEGIN IMMEDIATE` | with the transaction |
//! | MySQL, MariaDB | `GET_LOCK` on the connection that migrates | with the connection |

use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

/// The number of the advisory lock on PostgreSQL, which is per database: "renewal" in ASCII.
const POSTGRES_LOCK: i64 = 0x0072_656e_6577_616c;

/// The name of the lock on MySQL, where it is per server, at most 64 characters: hence the digest
/// of the database's name.
const MYSQL_LOCK: &str = "CONCAT('renewal-migration:', MD5(DATABASE()))";

/// How long a migrator waits for another on MySQL, in seconds.
const MYSQL_LOCK_SECONDS: u32 = 600;

/// The right to change the schema, until [`Lock::release`].
pub(crate) struct Lock {
    /// On MySQL it protects nothing, as every change of the schema commits it; but it keeps to
    /// one connection.
    transaction: DatabaseTransaction,
}

impl Lock {
    /// Waits until no other migrator works on this database.
    pub(crate) async fn acquire(db: &DatabaseConnection) -> Result<Self, DbErr> {
        match db.get_database_backend() {
            DbBackend::Postgres => Self::acquire_postgres(db).await,
            DbBackend::MySql => Self::acquire_mysql(db).await,
            DbBackend::Sqlite => Self::acquire_sqlite(db).await,
            other => Err(DbErr::Migration(format!("the ledger has no migrations for {other:?}"))),
        }
    }

    /// The connection to migrate through: the lock guards nothing that is sent elsewhere.
    pub(crate) fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Commits when the work succeeded, rolls back when not, and lets the next migrator in.
    pub(crate) async fn release<T>(self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        let ended = self.end(outcome.is_ok()).await;
        // What went wrong first is what the caller must hear about.
        let value = outcome?;
        ended.map(|()| value)
    }

    async fn end(self, commit: bool) -> Result<(), DbErr> {
        if self.transaction.get_database_backend() == DbBackend::MySql {
            let unlock = format!("SELECT RELEASE_LOCK({MYSQL_LOCK})");
            self.transaction.execute_unprepared(&unlock).await?;
        }
        if commit { self.transaction.commit().await } else { self.transaction.rollback().await }
    }

    async fn acquire_postgres(db: &DatabaseConnection) -> Result<Self, DbErr> {
        // Each statement must see what the migrator before us committed: under a stricter level
        // the snapshot would be older than the lock.
        let transaction = db.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
        let lock = format!("SELECT pg_advisory_xact_lock({POSTGRES_LOCK})");
        transaction.execute_unprepared(&lock).await?;
        let schema: Option<String> = value(&transaction, "SELECT current_schema()::text").await?;
        if schema.is_none() {
            return Err(DbErr::Migration(
                "the PostgreSQL schema to create the tables in does not exist: create it with \
                 CREATE SCHEMA, or name another"
                    .to_owned(),
            ));
        }
        Ok(Self { transaction })
    }

    async fn acquire_sqlite(db: &DatabaseConnection) -> Result<Self, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Self { transaction: db.begin_with_options(options).await? })
    }

    async fn acquire_mysql(db: &DatabaseConnection) -> Result<Self, DbErr> {
        let transaction = db.begin().await?;
        let database: Option<String> = value(&transaction, "SELECT DATABASE()").await?;
        if database.is_none() {
            return Err(DbErr::Migration(
                "no database is chosen: name one at the end of the URL, as in \
                 mysql://user@host/ledger"
                    .to_owned(),
            ));
        }
        let lock = format!("SELECT GET_LOCK({MYSQL_LOCK}, {MYSQL_LOCK_SECONDS})");
        let got: Option<i64> = value(&transaction, &lock).await?;
        if got != Some(1) {
            return Err(DbErr::Migration(format!(
                "another migration has been at work on this database for {MYSQL_LOCK_SECONDS} \
                 seconds: wait for it, or end it, and try again"
            )));
        }
        Ok(Self { transaction })
    }
}

/// The one value that `sql` selects.
async fn value<T>(db: &DatabaseTransaction, sql: &str) -> Result<Option<T>, DbErr>
where
    T: sea_orm_migration::sea_orm::TryGetable,
{
    let statement = Statement::from_string(db.get_database_backend(), sql);
    match db.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(None),
    }
}
