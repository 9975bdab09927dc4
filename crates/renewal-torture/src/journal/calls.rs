//! What operators ask of the HTTP API.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::{Device, Span};

/// What an operator wants done. Serial numbers and digests are hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A device gets no certificates.
    Block(Device),
    /// A device may get certificates again.
    Unblock(Device),
    /// A certificate that was issued here is revoked.
    Revoke { device: Device, serial: String, reason: &'static str },
    /// A certificate of the former authority is revoked.
    RevokeForeign { device: Device, serial: String },
    /// A token with which a device enrolls is made.
    CreateToken(Device),
    /// A token with which a device enrolls is revoked.
    RevokeToken { device: Device, token: Uuid },
    /// A pending request is approved.
    Approve(Uuid),
    /// A pending request is denied.
    Deny(Uuid),
}

impl Deed {
    /// The serial number of the certificate that it revokes.
    pub(crate) fn revoked_serial(&self) -> Option<&str> {
        match self {
            Self::Revoke { serial, .. } | Self::RevokeForeign { serial, .. } => Some(serial),
            Self::Block(_)
            | Self::Unblock(_)
            | Self::CreateToken(_)
            | Self::RevokeToken { .. }
            | Self::Approve(_)
            | Self::Deny(_) => None,
        }
    }

    /// Whether it bars the key of the certificate that it revokes.
    pub(crate) fn bars_the_key(&self) -> bool {
        matches!(self, Self::Revoke { reason: "key_compromise", .. })
    }

    /// The kind of the action that it leaves behind.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Block(_) => "device_blocked",
            Self::Unblock(_) => "device_unblocked",
            Self::Revoke { .. } | Self::RevokeForeign { .. } => "certificate_revoked",
            Self::CreateToken(_) => "token_created",
            Self::RevokeToken { .. } => "token_revoked",
            Self::Approve(_) => "request_approved",
            Self::Deny(_) => "request_denied",
        }
    }
}

/// Something that an operator calls for, as often as it takes to be answered.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) org: Uuid,
    pub(crate) deed: Deed,
    /// A text that no other call has: it goes into the ledger where the API takes a reason or a note.
    pub(crate) note: String,
}

/// What a revocation says that it revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// The serial numbers of further certificates.
    pub(crate) also: Vec<String>,
    /// The SHA-256 of the key that was barred.
    pub(crate) barred_key: Option<String>,
}

/// What came back to an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// 2xx. The id of the HTTP request is in the ledger, with what was done.
    Done {
        http_request: String,
        revoked: Revoked,
        /// The id and the secret of a new token.
        token: Option<(Uuid, Arc<str>)>,
    },
    /// 4xx, with the code.
    Refused(u16, String),
    /// 5xx.
    Failed(u16),
    /// No answer came, or not a whole one.
    Lost,
    /// Something that no server should say.
    Nonsense(String),
}

impl Reply {
    /// Whether the operator knows what became of the call.
    pub(crate) fn is_certain(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Refused(..))
    }

    /// Whether the call was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

/// A call, once made, and the reply.
#[derive(Debug, Clone)]
pub(crate) struct CallEntry {
    pub(crate) span: Span,
    /// The server that was called.
    pub(crate) server: usize,
    pub(crate) call: Arc<Call>,
    pub(crate) reply: Reply,
}

impl fmt::Display for CallEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { org, deed, note } = &*self.call;
        write!(f, "{}: {deed:?} ({note}) in {org} from server {}: {:?}", self.span, self.server, self.reply)
    }
}
