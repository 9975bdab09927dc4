//! Who is at the command line, for the record of what is decided there.

use nix::unistd::{Uid, User, gethostname};
use renewal_domain::{ActionContext, Actor};

/// The system's names for the user and for the machine.
pub(crate) fn context() -> ActionContext {
    let uid = Uid::current();
    let user = User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid-{uid}"), |user| user.name);
    let host = gethostname().ok().and_then(|host| host.into_string().ok());
    Actor::CommandLine { user, host: host.unwrap_or_else(|| "unknown".to_owned()) }.into()
}
