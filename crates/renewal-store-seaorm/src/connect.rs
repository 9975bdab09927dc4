//! Opening a database: every session is set up the same, and what is wrong is said at once.

use std::time::{Duration, Instant};

use renewal_domain::StoreError;
use sea_orm::{DatabaseConnection, SqlxMySqlConnector, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::{PoolConnectionMetadata, PoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::backend::{Backend, Meaning, meaning};
use crate::connect_error::{ConnectError, explain};
use crate::failure::NoAnswer;
use crate::options::ConnectOptions;
use crate::place::Place;
use crate::schema;
use crate::session::Session;
use crate::store::SeaOrmStore;
use crate::target::Target;

/// A connection that was idle for longer than this is tested before it is used again. One that
/// is busy is tested whenever it is given back, so that testing it anew would only cost.
const TRUSTED: Duration = Duration::from_secs(1);

/// After how many pages of 4 KiB the write-ahead log of SQLite is carried over into the file. What
/// many transactions wrote to one page in the meantime is then written once.
const CHECKPOINT_AFTER: &str = "10000";

/// How many rows the thread that reads SQLite may be ahead of whoever asked: a whole page, so that
/// the two need not wait for each other.
const ROWS_AHEAD: usize = 1_024;

/// Opens the database that the URL names: `sqlite://FILE`, `postgres://USER:PASSWORD@HOST/NAME`
/// or `mysql://USER:PASSWORD@HOST/NAME` (or `mariadb://`), with `?sslmode=` and the like for TLS.
/// It is tested with PostgreSQL 15 and MariaDB 10.11. The settings it makes need PostgreSQL 13,
/// MariaDB 10.2 or MySQL 5.7.8 at least; MySQL itself is not among the tested ones. Beside a SQLite
/// file there are two others, of which the one named `-wal` takes some 45 MB.
///
/// The store belongs to the tokio runtime in which this is called: after its end, what is read is
/// [`StoreError::Unavailable`].
///
/// # Errors
/// [`ConnectError`] says in one sentence what is wrong and what to do: the database cannot be
/// reached, refuses the user, does not exist, or has tables that are missing, old or new.
pub async fn connect(url: &str, options: ConnectOptions) -> Result<SeaOrmStore, ConnectError> {
    let target = Target::parse(url)?;
    if let Target::SqliteFile(sqlite) = &target {
        check_file(sqlite, &options)?;
    }
    let thread = Place::thread(options.patience()).map_err(ConnectError::NoThread)?;
    let number = options.max_connections;
    if number == 1 || matches!(target, Target::SqliteInMemory(_)) {
        let (db, backend) = open(&thread, &target, options.max_connections(1), true).await?;
        let only = Session::new(db, backend, thread);
        return Ok(SeaOrmStore::new(only.clone(), only, target.to_string(), &options));
    }
    let here = Place::here(options.patience());
    let (db, backend) = open(&here, &target, options.max_connections(number - 1), true).await?;
    let session = Session::new(db, backend, here);
    // Groups are written over one that is always the same: what it has prepared and read serves the
    // next group.
    let (writer, _) = open(&thread, &target, options.max_connections(1), false).await?;
    let writer = session.over(writer, thread);
    Ok(SeaOrmStore::new(session, writer, target.to_string(), &options))
}

/// Makes connections that belong to a place, and looks after the tables or not.
async fn open(
    place: &Place,
    target: &Target,
    options: ConnectOptions,
    check: bool,
) -> Result<(DatabaseConnection, Backend), ConnectError> {
    let unreachable =
        |target: &Target, reason: String| ConnectError::Unreachable { database: target.to_string(), reason };
    let named = target.clone();
    let opening = async move {
        let opened = tokio::time::timeout(options.patience(), open_pool(&named, &options));
        let Ok(opened) = opened.await else {
            return Err(unreachable(&named, NoAnswer(options.patience().as_secs()).to_string()));
        };
        let (db, backend) = opened.map_err(|error| explain(&named, error))?;
        if check {
            schema::check(&db, &named, &options).await?;
        }
        Ok((db, backend))
    };
    let opened = place.run(opening).await;
    opened.unwrap_or_else(|ended| Err(unreachable(target, StoreError::from(ended).to_string())))
}

async fn open_pool(
    target: &Target,
    options: &ConnectOptions,
) -> Result<(DatabaseConnection, Backend), sqlx::Error> {
    match target {
        Target::Postgres(postgres) => open_postgres(postgres, options).await,
        Target::MySql(mysql) => open_mysql(mysql, options).await,
        Target::SqliteFile(sqlite) => open_sqlite(sqlite, options, false).await,
        Target::SqliteInMemory(sqlite) => open_sqlite(sqlite, options, true).await,
    }
}

/// A connection is made first by itself, because a pool would try again and again for as long
/// as one may wait for a connection, and then say only that it waited.
async fn open_postgres(
    server: &PgConnectOptions,
    options: &ConnectOptions,
) -> Result<(DatabaseConnection, Backend), sqlx::Error> {
    sqlx::PgConnection::connect_with(server).await?.close().await?;
    let limit = options.statement_timeout.as_millis().max(1);
    // Every statement follows one index in its order, and stops at the end of a page. The planner
    // is kept from what looks cheaper only until the table has grown (a scan, a bitmap, another
    // index and a sort, a join that reads all), and from planning anew for each value: of an id that is newer than its
    // statistics it would expect one row, and go through a million.
    let settings = format!(
        "SET statement_timeout = {limit}; SET lock_timeout = {limit}; \
         SET idle_in_transaction_session_timeout = {idle}; \
         SET default_transaction_isolation = 'read committed'; \
         SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; \
         SET enable_incremental_sort = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
         SET plan_cache_mode = force_generic_plan; SET jit = off",
        idle = options.patience().as_millis() * 2,
    );
    let pool: PgPoolOptions = pool(options);
    let pool = pool.after_connect(move |connection, _| {
        let settings = settings.clone();
        Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
    });
    let pool = pool.connect_lazy_with(server.clone());
    Ok((SqlxPostgresConnector::from_sqlx_postgres_pool(pool), Backend::Postgres))
}

async fn open_mysql(
    server: &MySqlConnectOptions,
    options: &ConnectOptions,
) -> Result<(DatabaseConnection, Backend), sqlx::Error> {
    sqlx::MySqlConnection::connect_with(server).await?.close().await?;
    let server = server
        .clone()
        .charset("utf8mb4")
        // That of the columns: what is compared with a column in another one is no constant to
        // the planner, and it sorts.
        .collation("utf8mb4_bin")
        .timezone(Some("+00:00".to_owned()))
        .pipes_as_concat(false)
        .no_engine_substitution(false);
    // The time limit has a name and a unit of its own on MariaDB and on MySQL: each carries out
    // the comment that is meant for it, and skips the other.
    let settings = format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
         innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock} \
         /*M!100101 , max_statement_time = {seconds} */ /*!50708 , max_execution_time = {millis} */; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        lock = options.statement_timeout.as_secs().max(1),
        seconds = options.statement_timeout.as_secs_f64(),
        millis = options.statement_timeout.as_millis(),
    );
    let pool: MySqlPoolOptions = pool(options);
    let pool = pool.after_connect(move |connection, _| {
        let settings = settings.clone();
        Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
    });
    let pool = pool.connect_lazy_with(server);
    Ok((SqlxMySqlConnector::from_sqlx_mysql_pool(pool), Backend::MySql))
}

async fn open_sqlite(
    file: &SqliteConnectOptions,
    options: &ConnectOptions,
    in_memory: bool,
) -> Result<(DatabaseConnection, Backend), sqlx::Error> {
    let file = file
        .clone()
        .create_if_missing(options.migrate || in_memory)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", CHECKPOINT_AFTER)
        .row_buffer_size(ROWS_AHEAD)
        .busy_timeout(options.acquire_timeout);
    let pool: SqlitePoolOptions = pool(options);
    let pool = if in_memory {
        // The database is the connection, and ends with it.
        let only = pool.min_connections(1).max_connections(1).idle_timeout(None).max_lifetime(None);
        only.connect_with(file).await?
    } else {
        let mut connection = open_file(&file, options.acquire_timeout).await?;
        // A file that cannot be written is opened all the same, to be read only.
        connection.execute("BEGIN IMMEDIATE; ROLLBACK").await?;
        connection.close().await?;
        pool.after_release(|connection, _| {
            Box::pin(async move {
                // When the disk is full, SQLite may end the transaction by itself; the driver
                // does not notice, and counts one that is no more.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_lazy_with(file)
    };
    Ok((SqlxSqliteConnector::from_sqlx_sqlite_pool(pool), Backend::Sqlite))
}

/// Opens a SQLite file. A new one becomes one with a write-ahead log, for which nobody else may
/// use it: SQLite does not wait until nobody does, so this does.
async fn open_file(
    file: &SqliteConnectOptions,
    patience: Duration,
) -> Result<sqlx::SqliteConnection, sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let begun = Instant::now();
    loop {
        match sqlx::SqliteConnection::connect_with(file).await {
            Err(sqlx::Error::Database(busy))
                if meaning(busy.as_ref()) == Meaning::Unavailable && begun.elapsed() < patience =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// What is the same for every pool.
fn pool<DB: sqlx::Database>(options: &ConnectOptions) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, metadata: PoolConnectionMetadata| {
            Box::pin(async move {
                if metadata.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

fn check_file(options: &SqliteConnectOptions, connect: &ConnectOptions) -> Result<(), ConnectError> {
    let file = options.get_filename();
    if file.is_dir() {
        let reason = "it is a directory".to_owned();
        return Err(ConnectError::Unusable { file: file.to_owned(), reason });
    }
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Err(ConnectError::NoDirectory(parent.to_owned()))
        }
        _ if connect.migrate || file.exists() => Ok(()),
        _ => Err(ConnectError::NoFile(file.to_owned())),
    }
}
