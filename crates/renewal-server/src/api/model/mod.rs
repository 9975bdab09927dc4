//! What the HTTP API says, and what it is told: the JSON of requests and answers, for the server
//! and for programs that talk to it.
//!
//! Names are stable. A later version may add fields, so that a client should ignore those that it
//! does not know; fields that may be null are there all the same, except `next_cursor`.

mod api_tokens;
mod certificates;
mod devices;
mod enrollment_tokens;
mod events;
mod health;
mod page;
mod problem;
mod requests;
mod summary;
pub(super) mod vocabulary;

pub use api_tokens::{ApiToken, ApiTokenState, NewApiToken, NewApiTokenSecret, Whoami};
pub use certificates::{Certificate, Revocation, Revoke};
pub use devices::{Device, FailureCount};
pub use enrollment_tokens::{EnrollmentToken, NewEnrollmentToken, NewEnrollmentTokenSecret};
pub use events::Event;
pub use health::{Check, Checks, Readiness};
pub use page::Page;
pub use problem::Problem;
pub use requests::{Decision, DecisionOutcome, Deny, OpenRequest};
pub use summary::{AttemptCounts, AttemptDurations, EventCount, ExpiringCounts, OpenCounts, Summary};
