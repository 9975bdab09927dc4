//! What must hold for any input that comes from outside: one function for each kind of input. The
//! fuzzers in `fuzz/` call them with whatever they make, and a test with the seeds of the fuzzers.
//!
//! Each function panics when something does not hold.

mod certificate;
mod config;
mod csr;
mod cursor;
mod elements;
mod est_body;
mod mutate;
mod names;
mod reading;
mod sealed;

pub use certificate::certificate;
pub use config::config;
pub use csr::csr;
pub use cursor::cursor;
pub use est_body::est_body;
pub use mutate::{MutateOctets, mutate_base64, mutate_der};
pub use names::names;
