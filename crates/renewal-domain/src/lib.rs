//! The event model of Renewal Ledger, and the traits its stores implement.
//!
//! The crate holds what every other part agrees on, and does no I/O: it knows no
//! database, no X.509 library and no async runtime.
//!
//! | to see | look at |
//! |---|---|
//! | what is recorded, and its rules | [`RenewalEvent`], [`CertificateRecord`], [`OpenRequest`] |
//! | who a device is | [`DeviceId::of`] |
//! | what a store promises | [`RenewalEventStore`], [`IssuanceStore`], [`FleetStore`], [`EnrollmentTokenStore`], [`ApiTokenStore`], [`RetentionStore`], [`ActionStore`], [`BlockStore`], [`RevocationStore`], [`StoreError`] |
//! | who decided what | [`Action`], [`Actor`] |
//! | how a store is measured, or made to fail | [`Intercepted`] |
//! | how history is read | [`EventFilter`], [`PageRequest`], [`Cursor`] |
//! | where time and ids come from | [`Clock`], [`IdSource`] |
//!
//! # Adding a store
//!
//! Implement these traits, build with the feature `testing`, and run every case of the
//! conformance suite (`testing::conformance`) on a fresh, empty store of yours; the
//! crate's own in-memory store is the shortest example. The cases are plain async
//! functions and panic where the store breaks a promise.
//!
//! # Features
//!
//! - `testing`: an in-memory store, a clock to set, ids to predict, the conformance suites.
//! - `mock`: `mockall` mocks of the traits: `MockRenewalEventStore` and so on.

mod actions;
mod api_token;
mod block;
mod certificate;
mod clock;
pub mod device;
mod enrollment_token;
mod error;
mod event;
mod event_type;
mod filter;
mod fleet;
mod granted_names;
mod ids;
mod intercepted;
mod open_check;
mod page;
mod presented;
mod reason_code;
mod request;
mod retention;
mod revocation;
mod serial;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;

#[cfg(feature = "mock")]
pub use actions::MockActionStore;
pub use actions::{
    Action, ActionContext, ActionFilter, ActionKind, ActionStore, Actor, InvalidTarget, NewAction, Target,
};
#[cfg(feature = "mock")]
pub use api_token::MockApiTokenStore;
pub use api_token::{ApiRole, ApiToken, ApiTokenStore};
#[cfg(feature = "mock")]
pub use block::MockBlockStore;
pub use block::{Block, BlockStore, BlockSubject};
pub use certificate::{CertificateRecord, Completion};
pub use clock::{Clock, IdSource, Ids, SystemClock};
pub use device::{DeviceName, InvalidName};
pub use enrollment_token::{EnrollmentToken, TokenEnd, TokenState};
pub use error::{BoxError, StoreError};
pub use event::{EventRow, InvalidEvent, RenewalEvent};
pub use event_type::{AttemptKind, EventType, Stage, UnknownEventType};
pub use filter::{EventFilter, IdRange};
#[cfg(feature = "mock")]
pub use fleet::MockFleetStore;
pub use fleet::{CertificateFilter, EventCount, FleetStore, OpenCounts};
pub use granted_names::{GrantedNames, InvalidGrantedNames};
pub use ids::{
    ActionId, ApiTokenId, AttemptId, DeviceId, EventId, NotVersion7, OrgId, ParseIdError, RequestId,
    RevocationId, TokenId,
};
pub use intercepted::{Intercepted, Interceptor};
pub use open_check::{
    KeyReuse, LatestCertificate, OpenFindings, OpenRefusal, OpenRules, RecordedCertificate,
    SupersededCertificates,
};
pub use page::{Cursor, CursorError, Page, PageRequest, PageSize, Position, Scope};
pub use presented::{CertificateOrigin, NewPresented, Presented};
pub use reason_code::{InvalidReasonCode, ReasonCode};
pub use request::{IssuedParts, NewRequest, OpenRequest, Purpose, RequestKind, RequestState, Sha256Digest};
#[cfg(feature = "mock")]
pub use retention::MockRetentionStore;
pub use retention::{PrunedBatch, RetentionRule, RetentionStore};
#[cfg(feature = "mock")]
pub use revocation::MockRevocationStore;
pub use revocation::{Revocation, RevocationReason, RevocationStore, RevokedCertificate};
pub use serial::{InvalidSerial, Serial};
pub use store::{
    Answer, Completed, EnrollmentTokenStore, IssuanceStore, OpenRequestFilter, Opened, RenewalEventStore,
    Stores,
};
#[cfg(feature = "mock")]
pub use store::{MockEnrollmentTokenStore, MockIssuanceStore, MockRenewalEventStore};
