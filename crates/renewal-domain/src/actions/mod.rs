//! Actions: what an operator, a program of theirs, a command or the server decided, and who it was.
//!
//! An action is written in the transaction of what it records. So there is no effect without its
//! action, and no action without its effect.

mod action;
mod actor;
mod filter;
mod store;
mod target;

pub use action::{Action, ActionKind, NewAction};
pub use actor::{ActionContext, Actor};
pub use filter::ActionFilter;
pub use store::ActionStore;
#[cfg(feature = "mock")]
pub use store::MockActionStore;
pub use target::{InvalidTarget, Target};
