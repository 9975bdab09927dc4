//! Actions of the service: who did something, put on the record.

use renewal_domain::{Action, ActionContext, Actor, DeviceId, NewAction, OrgId, Target};

use super::Parts;

impl Parts {
    /// An action that somebody decided.
    pub(super) fn action(&self, org: OrgId, by: &ActionContext, new: NewAction) -> Action {
        Action::new(self.ids.next(), org, by, new)
    }

    /// An action of the server itself.
    pub(super) fn own_action(&self, org: OrgId, new: NewAction) -> Action {
        self.action(org, &ActionContext::from(Actor::Server), new)
    }
}

/// What an action about a device is about, or about all of the organisation's if none is known.
pub(super) fn device_or_organisation(device: Option<DeviceId>) -> Target {
    device.map_or(Target::Organisation, Target::Device)
}
