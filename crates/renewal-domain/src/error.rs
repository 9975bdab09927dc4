//! What can go wrong in a store.

/// The error of a source that is kept, not interpreted.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was to be written contradicts what is there. Trying again will not help.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The store can't be reached, or is too busy, now. It is safe to try again.
    #[error("the store is not available now")]
    Unavailable(#[source] BoxError),
    /// A stored value breaks the rules of the model: somebody else wrote or changed it.
    #[error("corrupt row in {table}, column {column}, row {row}: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column whose value is wrong.
        column: &'static str,
        /// The key of the row.
        row: String,
        /// What is wrong with the value.
        problem: String,
    },
    /// Anything else; the source says what.
    #[error("the store failed")]
    Backend(#[source] BoxError),
}

impl StoreError {
    /// The kind of failure in a word, to count it by.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Unavailable(_) => "unavailable",
            Self::Corrupt { .. } => "corrupt",
            Self::Backend(_) => "backend",
        }
    }
}
