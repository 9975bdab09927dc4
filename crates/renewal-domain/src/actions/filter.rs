//! Which actions to list.

use uuid::Uuid;

use super::{Action, ActionKind, Target};
use crate::page::Scope;
use crate::{DeviceId, OrgId};

/// Which actions to list: one of these, or all. Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ActionFilter {
    /// All.
    #[default]
    All,
    /// Those of one kind.
    Kind(ActionKind),
    /// Those about a device: what was decided about its requests and certificates too.
    Device(DeviceId),
    /// Those about one thing.
    Target(Target),
}

impl ActionFilter {
    /// Whether the filter lets an action through: the definition that every store follows.
    #[must_use]
    pub fn matches(&self, action: &Action) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => action.kind == *kind,
            Self::Device(device) => action.device_id == Some(*device),
            Self::Target(target) => action.target == *target,
        }
    }

    /// Where an action is in the listing.
    #[must_use]
    pub const fn position(action: &Action) -> Uuid {
        action.id.as_uuid()
    }

    /// What a cursor of this listing belongs to.
    #[must_use]
    pub fn scope(&self, org: OrgId) -> Scope {
        let mut scope = Scope::of("actions", org);
        match self {
            Self::All => {}
            Self::Kind(kind) => scope.add("kind", Some(kind.as_str())),
            Self::Device(device) => scope.add("device", Some(device)),
            Self::Target(target) => {
                scope.add("target_kind", Some(target.kind()));
                scope.add("target_id", Some(target.id()));
            }
        }
        scope
    }
}
