//! For tests: a store in memory, a clock to set, ids to predict, and the conformance suites.

mod clock;
pub mod conformance;
mod memory;
pub mod samples;

pub use clock::{MockClock, predictable_ids};
pub use memory::MemoryStore;
pub use samples::Samples;
