//! What every store must do, as cases to run against it. Each case wants a store of its
//! own that is empty, and panics where the store breaks a promise.
//!
//! ```
//! # use std::sync::Arc;
//! # use renewal_domain::testing::{MemoryStore, conformance};
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! for case in conformance::cases() {
//!     let store = Arc::new(MemoryStore::new());
//!     runtime.block_on((case.run)(store.into()));
//! }
//! ```

mod events;
mod filters;
mod pages;

use futures::future::BoxFuture;

pub use crate::Stores;

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// A sentence in snake case, for the list of tests.
    pub name: &'static str,
    /// The case itself.
    pub run: fn(Stores) -> BoxFuture<'static, ()>,
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    [events::CASES, filters::CASES, pages::CASES].concat()
}

/// A case for each named async function.
macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[
            $(super::Case { name: stringify!($name), run: |stores| Box::pin($name(stores)) }),*
        ];
    };
}
use suite;

/// A store's answer in a test: an error there fails the case.
trait Works<T> {
    fn works(self) -> T;
}

impl<T> Works<T> for Result<T, crate::StoreError> {
    #[track_caller]
    fn works(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("the store failed: {error:?}"),
        }
    }
}

/// Asserts that the store refused something because it contradicts what is there.
#[track_caller]
fn assert_conflict<T: std::fmt::Debug>(result: &Result<T, crate::StoreError>) {
    assert!(matches!(result, Err(crate::StoreError::Conflict(_))), "not a conflict: {result:?}");
}
