//! What an action is about.

use std::fmt;

use crate::{ApiTokenId, DeviceId, RequestId, Serial, Sha256Digest, TokenId};

/// What an action is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A request for a certificate.
    Request(RequestId),
    /// A certificate, by its serial number.
    Certificate(Serial),
    /// A device.
    Device(DeviceId),
    /// A public key, by the SHA-256 of its `SubjectPublicKeyInfo`.
    Key(Sha256Digest),
    /// A token with which a device enrolls.
    EnrollmentToken(TokenId),
    /// A token of the HTTP API.
    ApiToken(ApiTokenId),
    /// An authority, by the identifier of its key.
    Authority(String),
    /// The organisation itself.
    Organisation,
}

/// The texts name nothing that an action can be about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?} with the id {id:?} is nothing that an action can be about")]
pub struct InvalidTarget {
    kind: String,
    id: String,
}

impl Target {
    /// The longest id of an authority, in characters.
    pub const MAX_ID: usize = 64;

    /// The kind, as stores and interfaces spell it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Certificate(_) => "certificate",
            Self::Device(_) => "device",
            Self::Key(_) => "key",
            Self::EnrollmentToken(_) => "enrollment_token",
            Self::ApiToken(_) => "api_token",
            Self::Authority(_) => "authority",
            Self::Organisation => "organisation",
        }
    }

    /// The id as text; empty for the organisation.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Request(id) => id.to_string(),
            Self::Certificate(serial) => serial.to_string(),
            Self::Device(id) => id.to_string(),
            Self::Key(digest) => hex::encode(digest),
            Self::EnrollmentToken(id) => id.to_string(),
            Self::ApiToken(id) => id.to_string(),
            Self::Authority(id) => id.clone(),
            Self::Organisation => String::new(),
        }
    }

    /// The target that these texts name.
    ///
    /// # Errors
    /// [`InvalidTarget`] when they name none.
    pub fn parse(kind: &str, id: &str) -> Result<Self, InvalidTarget> {
        let key = || {
            let mut digest = [0; 32];
            hex::decode_to_slice(id, &mut digest).ok().map(|()| digest)
        };
        let target = match kind {
            "request" => id.parse().ok().map(Self::Request),
            "certificate" => id.parse().ok().map(Self::Certificate),
            "device" => id.parse().ok().map(Self::Device),
            "key" => key().map(Self::Key),
            "enrollment_token" => id.parse().ok().map(Self::EnrollmentToken),
            "api_token" => id.parse().ok().map(Self::ApiToken),
            "authority" => (1..=Self::MAX_ID).contains(&id.len()).then(|| Self::Authority(id.to_owned())),
            "organisation" if id.is_empty() => Some(Self::Organisation),
            _ => None,
        };
        target.ok_or_else(|| InvalidTarget { kind: kind.to_owned(), id: id.to_owned() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().replace('_', " ");
        match self {
            Self::Organisation => f.write_str(&kind),
            other => write!(f, "{kind} {}", other.id()),
        }
    }
}
