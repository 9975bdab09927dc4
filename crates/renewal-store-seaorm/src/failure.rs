//! Why a statement failed, and what the store's caller hears of it.

use renewal_domain::StoreError;
use sea_orm::{DbErr, RuntimeErr};

use crate::backend::{Meaning, is_farewell, meaning};

/// Why a statement or a transaction failed, while the store can still do something about it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A unique key is in use.
    Duplicate,
    /// The transaction was given up for another's sake.
    Contended(DbErr),
    /// The store's answer.
    Final(StoreError),
}

/// The database did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0} seconds")]
pub(crate) struct NoAnswer(pub(crate) u64);

/// Others were faster again and again.
#[derive(Debug, thiserror::Error)]
#[error("others were faster each of {0} times")]
pub(crate) struct Outrun(pub(crate) u32);

impl Failure {
    /// The store cannot be reached, for this reason.
    pub(crate) fn unavailable(reason: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Final(StoreError::Unavailable(Box::new(reason)))
    }

    /// Somebody else wrote the same meanwhile: it is to be run again, and will find that.
    pub(crate) fn overtaken() -> Self {
        Self::Contended(DbErr::Custom("another transaction wrote the same row first".to_owned()))
    }

    /// What was to be written contradicts what is there.
    pub(crate) fn conflict(what: &str) -> Self {
        Self::Final(conflict(what))
    }
}

/// What was to be written contradicts what is there.
pub(crate) fn conflict(what: &str) -> StoreError {
    StoreError::Conflict(what.to_owned())
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Duplicate => conflict("a unique key is in use"),
            Failure::Contended(error) => Self::Unavailable(Box::new(error)),
            Failure::Final(error) => error,
        }
    }
}

impl From<DbErr> for Failure {
    #[expect(clippy::match_same_arms, reason = "the last arm is for what is not known yet")]
    fn from(error: DbErr) -> Self {
        let meaning = match &error {
            DbErr::ConnectionAcquire(_) => Meaning::Unavailable,
            // Whoever answers there while the database is away, a proxy say, does not speak as one.
            DbErr::Conn(RuntimeErr::SqlxError(error)) if matches!(**error, sqlx::Error::Protocol(_)) => {
                Meaning::Unavailable
            }
            DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause) => match cause {
                RuntimeErr::SqlxError(error) => driver(error),
                RuntimeErr::Internal(_) => Meaning::Other,
            },
            DbErr::TryIntoErr { .. }
            | DbErr::ConvertFromU64(_)
            | DbErr::UnpackInsertId
            | DbErr::UpdateGetPrimaryKey
            | DbErr::RecordNotFound(_)
            | DbErr::AttrNotSet(_)
            | DbErr::Custom(_)
            | DbErr::Type(_)
            | DbErr::Json(_)
            | DbErr::Migration(_)
            | DbErr::RecordNotInserted
            | DbErr::RecordNotUpdated
            | DbErr::BackendNotSupported { .. }
            | DbErr::KeyArityMismatch { .. }
            | DbErr::PrimaryKeyNotSet { .. }
            | DbErr::RbacError(_)
            | DbErr::AccessDenied { .. }
            | DbErr::MutexPoisonError => Meaning::Other,
            _ => Meaning::Other,
        };
        match meaning {
            Meaning::Duplicate => Self::Duplicate,
            Meaning::Contended => Self::Contended(error),
            Meaning::Unavailable => Self::Final(StoreError::Unavailable(Box::new(error))),
            Meaning::Other => Self::Final(StoreError::Backend(Box::new(error))),
        }
    }
}

/// What an error of the driver means.
#[expect(clippy::match_same_arms, reason = "the last arm is for what is not known yet")]
fn driver(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Database(error) => meaning(error.as_ref()),
        // The connection broke, or cannot be made; the next one may hold.
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Meaning::Unavailable,
        sqlx::Error::Configuration(_)
        | sqlx::Error::InvalidArgument(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::RowNotFound
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::AnyDriverError(_)
        | sqlx::Error::InvalidSavePointStatement => Meaning::Other,
        _ => Meaning::Other,
    }
}

/// Whether a statement did not get through, because the connection had ended before.
pub(crate) fn is_dead_connection(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    match error.as_ref() {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => is_farewell(error.as_ref()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sea_orm::ConnAcquireErr;

    use super::*;

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable() {
        let error = DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        assert!(matches!(StoreError::from(Failure::from(error)), StoreError::Unavailable(_)));
    }

    #[test]
    fn a_broken_connection_is_unavailable() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let error = DbErr::Query(RuntimeErr::SqlxError(Arc::new(broken)));
        assert!(matches!(StoreError::from(Failure::from(error)), StoreError::Unavailable(_)));
    }

    #[test]
    fn a_connection_that_comes_to_nothing_is_unavailable_whatever_is_there() {
        let nonsense = sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned());
        let error = DbErr::Conn(RuntimeErr::SqlxError(Arc::new(nonsense)));
        assert!(matches!(StoreError::from(Failure::from(error)), StoreError::Unavailable(_)));
    }

    #[test]
    fn what_is_not_understood_keeps_its_source() {
        let error = DbErr::Custom("what".to_owned());
        let StoreError::Backend(source) = StoreError::from(Failure::from(error)) else {
            panic!("not a backend error")
        };
        assert!(source.to_string().contains("what"));
    }
}
