//! What the HTTP API says, and what it is told: the JSON of requests and answers, for the server
//! and for programs that talk to it.
//!
//! Names are stable. A later version may add fields, so that a client should ignore those that it
//! does not know; fields that may be null are there all the same, except `next_cursor`.

mod actions;
mod api_tokens;
mod blocks;
mod certificates;
mod devices;
mod enrollment_tokens;
mod events;
mod health;
mod page;
mod problem;
mod requests;
mod revocations;
mod summary;
pub(super) mod vocabulary;

pub use actions::{Action, Actor, Target};
pub use api_tokens::{
    ApiToken, ApiTokenState, NewApiToken, NewApiTokenSecret, RevokeApiToken, RevokedApiToken, RevokedTokens,
    Whoami,
};
pub use blocks::{Block, Note, Organisation, Stop};
pub use certificates::{Certificate, CertificateDetails, RevocationStatus};
pub use devices::{Device, FailureCount};
pub use enrollment_tokens::{EnrollmentToken, GrantedNames, NewEnrollmentToken, NewEnrollmentTokenSecret};
pub use events::Event;
pub use health::{Check, Checks, Readiness};
pub use page::Page;
pub use problem::Problem;
pub use requests::{Approve, Decision, DecisionOutcome, NotCovered, OpenRequest};
pub use revocations::{NewRevocation, Revocation, Revoke, Revoked, RevokedWith};
pub use summary::{AttemptCounts, AttemptDurations, EventCount, ExpiringCounts, OpenCounts, Summary};
