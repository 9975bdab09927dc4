//! Statements and transactions: the one place where something is sent to the database.
//!
//! Each exchange has a time limit of its own, on this side: a server that is frozen or cut off
//! ends none of its statements. And each is a task of its own, which goes on when whoever waits
//! for it gives up: a connection that is left in the middle of an exchange is of no use to the
//! next one (on MySQL it can wait for ever, with its locks), and the driver does not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use migration::MigrationStatus;
use renewal_domain::StoreError;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, StatementBuilder,
    TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::Backend;
use crate::failure::{Failure, is_dead_connection};
use crate::mac::AuthenticationKeys;
use crate::place::Place;

/// How long to wait before each further try of a transaction that stood in another's way.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
];

/// How many connections that have ended are put up with for one statement.
const DEAD_CONNECTIONS: u32 = 16;

/// The connections to a database.
#[derive(Clone)]
pub(crate) struct Session {
    db: DatabaseConnection,
    backend: Backend,
    place: Place,
    /// Whose turn it is to write, where writers take turns.
    turn: Option<Arc<Semaphore>>,
    /// What authenticates rows.
    keys: Option<AuthenticationKeys>,
}

/// A transaction that writes. Dropped before its end, it is rolled back.
pub(crate) struct Transaction {
    begun: Arc<Begun>,
    backend: Backend,
    place: Place,
}

/// A transaction, and the turn to write that lasts as long.
struct Begun {
    inner: DatabaseTransaction,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Session {
    /// The connections must have been made in this place.
    pub(crate) fn new(db: DatabaseConnection, backend: Backend, place: Place) -> Self {
        let turn = backend.writers_take_turns().then(|| Arc::new(Semaphore::new(1)));
        Self { db, backend, place, turn, keys: None }
    }

    /// The same database over other connections, which were made in another place.
    pub(crate) fn over(&self, db: DatabaseConnection, place: Place) -> Self {
        Self { db, place, ..self.clone() }
    }

    /// Authenticates rows with these keys.
    pub(crate) fn authenticate(&mut self, keys: AuthenticationKeys) {
        self.keys = Some(keys);
    }

    /// What authenticates rows.
    pub(crate) fn keys(&self) -> Option<&AuthenticationKeys> {
        self.keys.as_ref()
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Where the connections were made.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    #[cfg(feature = "introspect")]
    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.db
    }

    #[cfg(feature = "introspect")]
    pub(crate) fn db_mut(&mut self) -> &mut DatabaseConnection {
        &mut self.db
    }

    /// Reads rows.
    pub(crate) async fn read(&self, select: &SelectStatement) -> Result<Vec<QueryResult>, Failure> {
        let (db, select) = (self.db.clone(), self.backend.build(select));
        let read = async move { again_if_dead(|| db.query_all_raw(select.clone())).await };
        self.place.exchange(read).await
    }

    /// Carries out one statement, which is a transaction of its own, and returns how many rows
    /// it wrote.
    pub(crate) async fn write(&self, statement: &impl StatementBuilder) -> Result<u64, Failure> {
        let turn = self.turn().await?;
        let (db, statement) = (self.db.clone(), self.backend.build(statement));
        let written = self.place.exchange(async move {
            let written = db.execute_raw(statement).await;
            drop(turn);
            written
        });
        Ok(written.await?.rows_affected())
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction, Failure> {
        let turn = self.turn().await?;
        let (db, options) = (self.db.clone(), self.backend.transaction());
        let begun = self.place.exchange(async move {
            let inner = again_if_dead(|| db.begin_with_options(options)).await?;
            Ok(Arc::new(Begun { inner, _turn: turn }))
        });
        Ok(Transaction { begun: begun.await?, backend: self.backend, place: self.place.clone() })
    }

    /// Reads which migrations the database has.
    pub(crate) async fn migrations(&self) -> Result<Vec<MigrationStatus>, Failure> {
        let db = self.db.clone();
        self.place.exchange(async move { migration::status(&db).await }).await
    }

    /// Closes the connections that are idle, and the others when they are given back.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let db = self.db.clone();
        Ok(self.place.exchange(async move { db.close_by_ref().await }).await?)
    }

    async fn turn(&self) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        match &self.turn {
            None => Ok(None),
            Some(turn) => {
                let patience = self.place.patience();
                let turn = tokio::time::timeout(patience, Arc::clone(turn).acquire_owned()).await;
                let turn = turn.map_err(|_| self.place.no_answer())?;
                turn.map(Some).map_err(Failure::unavailable)
            }
        }
    }
}

impl Transaction {
    /// Reads rows.
    pub(crate) async fn read(&self, select: &SelectStatement) -> Result<Vec<QueryResult>, Failure> {
        let (begun, select) = (Arc::clone(&self.begun), self.backend.build(select));
        self.place.exchange(async move { begun.inner.query_all_raw(select).await }).await
    }

    /// Carries out a statement, and returns how many rows it wrote.
    pub(crate) async fn write(&self, statement: &impl StatementBuilder) -> Result<u64, Failure> {
        let (begun, statement) = (Arc::clone(&self.begun), self.backend.build(statement));
        let written = self.place.exchange(async move { begun.inner.execute_raw(statement).await });
        Ok(written.await?.rows_affected())
    }

    /// Makes what was written last.
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        let place = self.place.clone();
        let begun = self.alone()?;
        place.exchange(async move { begun.inner.commit().await }).await
    }

    /// Takes back what was written.
    pub(crate) async fn rollback(self) -> Result<(), Failure> {
        let place = self.place.clone();
        let begun = self.alone()?;
        place.exchange(async move { begun.inner.rollback().await }).await
    }

    /// The transaction itself, which no exchange uses any more: each has been waited for.
    fn alone(self) -> Result<Begun, Failure> {
        Arc::into_inner(self.begun).ok_or_else(|| self.place.no_answer())
    }
}

/// Does something that changes nothing, and does it again over another connection when the one that it
/// was given proves to have ended before: when the database was started anew, say. A pool holds some
/// of these, and each is found out once.
async fn again_if_dead<T, R>(work: impl Fn() -> R) -> Result<T, DbErr>
where
    R: Future<Output = Result<T, DbErr>>,
{
    for _ in 0..DEAD_CONNECTIONS {
        match work().await {
            Err(error) if is_dead_connection(&error) => {
                tracing::debug!(%error, "a connection had ended, and another one is taken");
            }
            done => return done,
        }
    }
    work().await
}

/// Runs a transaction, and runs it again when it stood in another's way.
pub(crate) async fn retrying<T, F, R>(mut transaction: F) -> Result<T, Failure>
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, Failure>>,
{
    /// Those who stood in each other's way wait differently long.
    static TURN: AtomicU32 = AtomicU32::new(0);
    for pause in PAUSES {
        match transaction().await {
            Err(Failure::Contended(error)) => {
                tracing::debug!(%error, "a transaction stood in another's way, and is run again");
                let share = 1 + TURN.fetch_add(1, Ordering::Relaxed) % 8;
                tokio::time::sleep(pause * share / 4).await;
            }
            done => return done,
        }
    }
    transaction().await
}
