//! Who is at the command line, for the record of what is decided there.

use std::sync::Arc;

use anyhow::{Context, Result};
use nix::unistd::{Uid, User, gethostname};
use renewal_domain::{
    Action, ActionContext, ActionStore, Actor, EventId, IdSource, Ids, NewAction, OrgId, SystemClock,
};

/// Who decides: the system's names for the user and for the machine. A user without a name, as there may be
/// in a container, is called by the number.
pub(crate) fn context() -> ActionContext {
    let uid = Uid::current();
    let user = User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid-{uid}"), |user| user.name);
    let host = gethostname().ok().and_then(|host| host.into_string().ok());
    Actor::CommandLine { user, host: host.unwrap_or_else(|| "unknown".to_owned()) }.into()
}

/// The id of an action of now.
pub(crate) fn action_id() -> EventId {
    Ids::new(Arc::new(SystemClock)).next()
}

/// Records something that was decided at the command line.
///
/// # Errors
/// Those of the store.
pub(crate) async fn record(store: &dyn ActionStore, org: OrgId, new: NewAction) -> Result<()> {
    let kind = new.kind.as_str();
    let action = Action::new(action_id(), org, &context(), new);
    let recorded = store.record_action(org, &action).await;
    recorded.with_context(|| format!("cannot record the action {kind} in the ledger"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actor_is_the_systems_user_on_this_machine() {
        let Actor::CommandLine { user, host } = context().actor else { panic!("no user") };
        assert!(!user.is_empty() && !host.is_empty(), "{user}@{host}");
        assert_ne!(host, "unknown");
    }
}
