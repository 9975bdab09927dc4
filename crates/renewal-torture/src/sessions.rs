//! Sessions of somebody else's in the database: an administrator, who ends other sessions, and
//! whoever holds the tables.

use std::time::Duration;

use anyhow::Result;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tests::Backend;
use tokio::time::{sleep, timeout};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many other sessions there may be.
const OTHERS_ON_POSTGRES: &str = "SELECT pid::bigint FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// The same. MariaDB does not count the one that asks among those that sleep, nor its own threads.
const OTHERS_ON_MARIADB: &str = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
     WHERE db = DATABASE() AND id <> CONNECTION_ID()";

const LOCK_ON_POSTGRES: &str = "BEGIN; SET LOCAL lock_timeout = '2s'; \
     LOCK TABLE open_requests, certificate_renewal_events, device_certificates, current_certificates, actions, \
     blocks IN ACCESS EXCLUSIVE MODE";

const LOCK_ON_MARIADB: &str = "SET SESSION lock_wait_timeout = 2; \
     LOCK TABLES open_requests WRITE, certificate_renewal_events WRITE, device_certificates WRITE, \
     current_certificates WRITE, actions WRITE, blocks WRITE";

const LOCK_ON_SQLITE: &str = "PRAGMA busy_timeout = 2000; BEGIN IMMEDIATE";

/// Ends every other session in the database.
pub(crate) async fn end(backend: Backend, url: &str) -> Result<()> {
    let ending = async {
        match backend {
            Backend::Sqlite => {}
            Backend::Postgres => {
                let mut session = PgConnection::connect(url).await?;
                for pid in sqlx::query_scalar::<_, i64>(OTHERS_ON_POSTGRES).fetch_all(&mut session).await? {
                    let end = format!("SELECT pg_terminate_backend({pid}::integer)");
                    session.execute(AssertSqlSafe(end)).await?;
                }
                session.close().await?;
            }
            Backend::MariaDb => {
                let mut session = MySqlConnection::connect(url).await?;
                for id in sqlx::query_scalar::<_, i64>(OTHERS_ON_MARIADB).fetch_all(&mut session).await? {
                    // One that has ended by itself is no error of ours.
                    let _ = session.execute(AssertSqlSafe(format!("KILL {id}"))).await;
                }
                session.close().await?;
            }
        }
        Ok(())
    };
    timeout(PATIENCE, ending).await?
}

/// Holds the tables for a while.
pub(crate) async fn lock(backend: Backend, url: &str, lasting: Duration) -> Result<()> {
    match backend {
        Backend::Sqlite => hold(SqliteConnection::connect(url).await?, LOCK_ON_SQLITE, lasting).await,
        Backend::Postgres => {
            hold(timeout(PATIENCE, PgConnection::connect(url)).await??, LOCK_ON_POSTGRES, lasting).await
        }
        Backend::MariaDb => {
            hold(timeout(PATIENCE, MySqlConnection::connect(url)).await??, LOCK_ON_MARIADB, lasting).await
        }
    }
}

/// What the session holds goes with it.
async fn hold<C>(mut session: C, lock: &'static str, lasting: Duration) -> Result<()>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    timeout(PATIENCE, session.execute(sqlx::raw_sql(lock))).await??;
    sleep(lasting).await;
    Ok(session.close().await?)
}

/// How many other sessions there are in the database.
pub(crate) async fn others(backend: Backend, url: &str) -> Result<usize> {
    let counting = async {
        Ok(match backend {
            Backend::Sqlite => 0,
            Backend::Postgres => {
                let mut session = PgConnection::connect(url).await?;
                sqlx::query_scalar::<_, i64>(OTHERS_ON_POSTGRES).fetch_all(&mut session).await?.len()
            }
            Backend::MariaDb => {
                let mut session = MySqlConnection::connect(url).await?;
                sqlx::query_scalar::<_, i64>(OTHERS_ON_MARIADB).fetch_all(&mut session).await?.len()
            }
        })
    };
    timeout(PATIENCE, counting).await?
}
