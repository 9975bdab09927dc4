//! Blocks: a device, or a whole organisation, gets no certificates until somebody says otherwise.

use renewal_domain::{
    Action, ActionContext, ActionKind, Block, BlockSubject, DeviceId, NewAction, OrgId, Target,
};
use tracing::info;

use super::CsrService;
use crate::outcome::ServiceError;

impl CsrService {
    /// Blocks a device: every enrollment, renewal and recovery of it is refused with `device_blocked`. Its
    /// certificates stay valid until they expire or are revoked. False when it is blocked already.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn block_device(
        &self,
        org: OrgId,
        device: DeviceId,
        reason: &str,
        by: &ActionContext,
    ) -> Result<bool, ServiceError> {
        let new = NewAction::new(ActionKind::DeviceBlocked, Target::Device(device));
        self.block(org, BlockSubject::Device(device), new.note(reason), by).await
    }

    /// Lifts the block of a device. False when there is none.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn unblock_device(
        &self,
        org: OrgId,
        device: DeviceId,
        note: &str,
        by: &ActionContext,
    ) -> Result<bool, ServiceError> {
        let new = NewAction::new(ActionKind::DeviceUnblocked, Target::Device(device));
        self.unblock(org, BlockSubject::Device(device), new.note(note), by).await
    }

    /// Suspends an organisation: an emergency stop. Every enrollment, renewal and recovery of its devices
    /// is refused with `organisation_suspended`. False when it is suspended already.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn suspend_organisation(
        &self,
        org: OrgId,
        reason: &str,
        by: &ActionContext,
    ) -> Result<bool, ServiceError> {
        let new = NewAction::new(ActionKind::OrganisationSuspended, Target::Organisation);
        self.block(org, BlockSubject::Organisation, new.note(reason), by).await
    }

    /// Lets the devices of a suspended organisation have certificates again. False when it is not suspended.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn resume_organisation(
        &self,
        org: OrgId,
        note: &str,
        by: &ActionContext,
    ) -> Result<bool, ServiceError> {
        let new = NewAction::new(ActionKind::OrganisationResumed, Target::Organisation);
        self.unblock(org, BlockSubject::Organisation, new.note(note), by).await
    }

    async fn block(
        &self,
        org: OrgId,
        subject: BlockSubject,
        new: NewAction,
        by: &ActionContext,
    ) -> Result<bool, ServiceError> {
        let action = self.parts.action(org, by, new);
        let block = Block::by(&action, subject, &action.note);
        let written = self.parts.stores.blocks.block(org, &block, &action).await?;
        Ok(logged(written, &action))
    }

    async fn unblock(
        &self,
        org: OrgId,
        subject: BlockSubject,
        new: NewAction,
        by: &ActionContext,
    ) -> Result<bool, ServiceError> {
        let action = self.parts.action(org, by, new);
        let written = self.parts.stores.blocks.unblock(org, &subject, &action).await?;
        Ok(logged(written, &action))
    }
}

fn logged(written: bool, action: &Action) -> bool {
    if written {
        info!(org = %action.org_id, actor = %action.actor, target = %action.target, action = action.kind.as_str(),
            "recorded an action");
    }
    written
}
