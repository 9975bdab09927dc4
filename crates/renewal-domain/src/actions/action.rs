//! One action.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ActionContext, Actor, Target};
use crate::text::{MAX_MESSAGE_BYTES, clean};
use crate::{ActionId, DeviceId, EventId, OrgId, ReasonCode};
use std::net::IpAddr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal)*) => {
        /// What was decided or done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ActionKind { $($(#[$doc])* $variant,)* }

        impl ActionKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, as stores and interfaces spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// A pending request was approved. With a reason, the checks at approval refused it.
    RequestApproved "request_approved"
    /// A pending request was denied.
    RequestDenied "request_denied"
    /// A request was signed at the command line: whoever did vouches for the requester.
    RequestVouched "request_vouched"
    /// The server refused an enrollment of somebody who proved who he is.
    EnrollmentRefused "enrollment_refused"
    /// A certificate was revoked.
    CertificateRevoked "certificate_revoked"
    /// A key was barred: nothing is certified with it any more.
    KeyBarred "key_barred"
    /// A device was blocked: it gets no certificates.
    DeviceBlocked "device_blocked"
    /// A device may get certificates again.
    DeviceUnblocked "device_unblocked"
    /// An organisation was suspended: none of its devices gets certificates.
    OrganisationSuspended "organisation_suspended"
    /// The devices of an organisation may get certificates again.
    OrganisationResumed "organisation_resumed"
    /// A token was made: the target says of which kind.
    TokenCreated "token_created"
    /// A token was revoked: the target says of which kind.
    TokenRevoked "token_revoked"
    /// Old history was deleted.
    Pruned "pruned"
    /// The issuing authority was replaced.
    CaRolledOver "ca_rolled_over"
    /// The key that authenticates rows was replaced.
    AuthenticationKeyRotated "authentication_key_rotated"
}

impl ActionKind {
    /// The kind that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// Something that somebody decided or did: one row, never updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The id, which holds the time.
    pub id: ActionId,
    /// The organisation.
    pub org_id: OrgId,
    /// Who.
    pub actor: Actor,
    /// What.
    pub kind: ActionKind,
    /// About what.
    pub target: Target,
    /// The device that it is about, if it is about one.
    pub device_id: Option<DeviceId>,
    /// Why, as a code: a revocation's reason, or why something was refused.
    pub reason: Option<ReasonCode>,
    /// Why, in words: at most 1,024 bytes, no control characters; may be empty.
    pub note: String,
    /// The address of the client, if the decision came over a network.
    pub source_address: Option<IpAddr>,
    /// The id of the HTTP request: at most 64 characters.
    pub http_request_id: Option<String>,
}

/// What an action is about, to be recorded with [`Action::new`].
#[derive(Debug, Clone)]
pub struct NewAction {
    /// What.
    pub kind: ActionKind,
    /// About what.
    pub target: Target,
    /// The device that it is about, if it is about one. Not needed when the target is the device.
    pub device_id: Option<DeviceId>,
    /// Why, as a code.
    pub reason: Option<ReasonCode>,
    /// Why, in words; made safe and cut.
    pub note: String,
}

impl NewAction {
    /// An action without reason and note.
    #[must_use]
    pub const fn new(kind: ActionKind, target: Target) -> Self {
        Self { kind, target, device_id: None, reason: None, note: String::new() }
    }

    /// Says which device it is about.
    #[must_use]
    pub const fn device(mut self, device: DeviceId) -> Self {
        self.device_id = Some(device);
        self
    }

    /// Says why, as a code.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Option<ReasonCode>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Says why, in words.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl Action {
    /// An action of an organisation. Texts are made safe and cut to their bounds.
    #[must_use]
    pub fn new(id: EventId, org_id: OrgId, by: &ActionContext, new: NewAction) -> Self {
        let device_id = match new.target {
            Target::Device(device) => Some(device),
            _ => new.device_id,
        };
        let actor = match &by.actor {
            Actor::ApiToken { id, name } => Actor::ApiToken { id: *id, name: clean(name, 255) },
            Actor::CommandLine { user, host } => {
                Actor::CommandLine { user: clean(user, 64), host: clean(host, 64) }
            }
            Actor::Server => Actor::Server,
        };
        Self {
            id: id.into(),
            org_id,
            actor,
            kind: new.kind,
            target: new.target,
            device_id,
            reason: new.reason,
            note: clean(&new.note, MAX_MESSAGE_BYTES),
            source_address: by.source_address,
            http_request_id: by.http_request_id.as_deref().map(|id| clean(id, 64)),
        }
    }

    /// When it was done: the millisecond of the id.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.id.created_at()
    }
}
