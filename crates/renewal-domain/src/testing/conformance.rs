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

mod actions;
mod api_tokens;
mod blocks;
mod completions;
mod enrollment_token_use;
mod enrollment_tokens;
mod events;
mod filters;
mod fleet;
mod fleet_counts;
mod issuance;
mod key_in_use;
mod opening;
mod pages;
mod races;
mod retention;
mod retention_of_certificates;
mod revocations;
mod steps;
mod superseded;
mod tenancy;

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
    [
        actions::CASES,
        api_tokens::CASES,
        blocks::CASES,
        completions::CASES,
        enrollment_token_use::CASES,
        enrollment_tokens::CASES,
        events::CASES,
        filters::CASES,
        fleet::CASES,
        fleet_counts::CASES,
        issuance::CASES,
        key_in_use::CASES,
        opening::CASES,
        pages::CASES,
        races::CASES,
        retention::CASES,
        retention_of_certificates::CASES,
        revocations::CASES,
        superseded::CASES,
        tenancy::CASES,
    ]
    .concat()
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
