//! The signing flow over its public interface, on the in-memory store.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test")]

mod api_tokens;
mod approvals;
mod blocks;
mod enrollment;
mod enrollment_tokens;
mod faults;
mod guarded;
mod name_constraints;
mod names;
mod observing;
mod reconciling;
mod recoveries;
mod renewals;
mod retention;
mod retries;
mod revocation_lists;
mod revocations;
mod store_that_fails;
mod support;
