//! Blocks: a device, a key or a whole organisation gets no certificates.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

use crate::page::Scope;
use crate::text::{MAX_MESSAGE_BYTES, clean};
use crate::{Action, ActionId, DeviceId, OrgId, Page, PageRequest, Sha256Digest, StoreError};

/// What gets no certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockSubject {
    /// The organisation: none of its devices does. It is suspended.
    Organisation,
    /// A device.
    Device(DeviceId),
    /// A public key, by the SHA-256 of its `SubjectPublicKeyInfo`. There is no operator's call that lifts
    /// it: a key that somebody else has is not trusted again.
    Key(Sha256Digest),
}

/// A block, in force until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The organisation.
    pub org_id: OrgId,
    /// What gets no certificates.
    pub subject: BlockSubject,
    /// Why, in words: at most 1,024 bytes, no control characters; may be empty.
    pub reason: String,
    /// Since when, in whole seconds.
    pub since: DateTime<Utc>,
    /// The action that says who decided it.
    pub action_id: ActionId,
}

impl BlockSubject {
    /// The kind, as stores spell it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Device(_) => "device",
            Self::Key(_) => "key",
        }
    }

    /// The id as stores spell it: empty for the organisation, hexadecimal for a key.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Organisation => String::new(),
            Self::Device(device) => device.to_string(),
            Self::Key(key) => hex::encode(key),
        }
    }

    /// The subject that these texts name, if they name one.
    #[must_use]
    pub fn parse(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "organisation" => id.is_empty().then_some(Self::Organisation),
            "device" => id.parse().ok().map(Self::Device),
            "key" => {
                let mut digest = [0; 32];
                hex::decode_to_slice(id, &mut digest).ok()?;
                Some(Self::Key(digest))
            }
            _ => None,
        }
    }
}

impl Block {
    /// A block that an action puts in force.
    #[must_use]
    pub fn by(action: &Action, subject: BlockSubject, reason: &str) -> Self {
        Self {
            org_id: action.org_id,
            subject,
            reason: clean(reason, MAX_MESSAGE_BYTES),
            since: action.created_at().trunc_subsecs(0),
            action_id: action.id,
        }
    }

    /// What a cursor of the listing of blocks belongs to.
    #[must_use]
    pub fn scope(org: OrgId) -> Scope {
        Scope::of("blocks", org)
    }
}

/// Blocks: put in force, lifted, read. [`IssuanceStore::open`](crate::IssuanceStore::open) applies them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BlockStore: Send + Sync {
    /// Puts a block in force and records the action, in one transaction. False when the subject is
    /// blocked already: nothing is written then, and the first block stands.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when block or action are of another organisation.
    async fn block(&self, org: OrgId, block: &Block, action: &Action) -> Result<bool, StoreError>;

    /// Lifts a block and records the action, in one transaction. False when there is none: nothing is
    /// written then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the action is of another organisation.
    async fn unblock(&self, org: OrgId, subject: &BlockSubject, action: &Action) -> Result<bool, StoreError>;

    /// The block of a subject, if it is blocked.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row breaks the model's rules.
    async fn block_of(&self, org: OrgId, subject: &BlockSubject) -> Result<Option<Block>, StoreError>;

    /// Reads a page of the blocks in force, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names a row that breaks the model's rules.
    async fn blocks(&self, org: OrgId, page: &PageRequest) -> Result<Page<Block>, StoreError>;
}
