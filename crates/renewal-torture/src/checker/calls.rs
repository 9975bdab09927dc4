//! What operators were told.

use super::index::{Tries, calls};
use super::{Facts, Violation};
use crate::journal::{CallEntry, Deed, Device, Reply, lines};
use crate::snapshot::Action;

/// A call that was acknowledged left its action behind.
///
/// How many a call has depends on what it does. A certificate or a token is revoked once, and a request
/// decided once, however often the call is repeated. Each token that was made has its own action. A block is
/// put in force, or lifted, once by a call whose every try was answered; a try without an answer may have
/// done it too, before or after.
pub(super) fn every_acknowledged_call_has_its_action(facts: Facts<'_>) -> Vec<Violation> {
    let calls = calls(facts.calls);
    let broken = calls.iter().filter(|tries| !has_its_action(facts, &calls, tries));
    let promise = "every acknowledged call of an operator has its action, and no other one";
    broken.map(|tries| Violation::of(promise, lines(&tries.tries))).collect()
}

fn has_its_action(facts: Facts<'_>, calls: &[Tries<'_>], tries: &Tries<'_>) -> bool {
    let (call, done) = (tries.call, tries.done().is_some());
    let count = |which: &dyn Fn(&Action) -> bool| {
        let actions = facts.snapshot.actions.iter();
        actions.filter(|it| it.org == call.org && it.kind == call.deed.action() && which(it)).count()
    };
    let about = |target: &str| count(&|action| action.target == target);
    match &call.deed {
        Deed::Revoke { serial, .. } | Deed::RevokeForeign { serial, .. } => {
            about(serial) <= 1 && (!done || about(serial) == 1)
        }
        Deed::Approve(request) | Deed::Deny(request) => {
            let actions = about(&request.to_string());
            actions <= 1 && (!done || actions == 1)
        }
        Deed::RevokeToken { token, .. } => {
            let actions = about(&token.to_string());
            // One that was used stays as it is.
            let used =
                facts.snapshot.tokens.iter().any(|it| it.id == *token && it.used_by_request_id.is_some());
            actions <= 1 && (!done || used || actions == 1)
        }
        Deed::CreateToken(_) => tries.tries.iter().all(|entry| match &entry.reply {
            Reply::Done { http_request, token, .. } => {
                let token = token.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default();
                count(&|it| it.http_request.as_ref() == Some(http_request) && it.target == token) == 1
            }
            Reply::Refused(..) | Reply::Failed(_) | Reply::Lost | Reply::Nonsense(_) => true,
        }),
        Deed::Block(device) | Deed::Unblock(device) => {
            let actions = count(&|action| action.note == call.note);
            let most = usize::from(done) + tries.uncertain();
            let least = usize::from(done && changes(calls, tries, device));
            (least..=most.max(least)).contains(&actions)
        }
    }
}

/// Whether a call that blocks or unblocks a device has something to change, without doubt: the one before it
/// did the opposite, and none before has tries whose outcome is not known.
fn changes(calls: &[Tries<'_>], tries: &Tries<'_>, device: &Device) -> bool {
    let blocks = matches!(tries.call.deed, Deed::Block(_));
    let before = calls.iter().filter(|other| {
        let same = matches!(&other.call.deed, Deed::Block(it) | Deed::Unblock(it) if it == device);
        same && other.call.note != tries.call.note && other.first() < tries.last()
    });
    let before: Vec<_> = before.collect();
    let known = before.iter().all(|other| other.uncertain() == 0 && other.last() < tries.first());
    let last = before.last().map(|other| (matches!(other.call.deed, Deed::Block(_)), other.done().is_some()));
    known
        && match last {
            None => blocks,
            Some((blocked, done)) => done && blocked != blocks,
        }
}

/// An operator is refused only where another one was faster, or where a device is to be unblocked that nobody
/// knows; and a failure does not call itself lasting.
pub(super) fn no_reply_is_out_of_place(facts: Facts<'_>) -> Vec<Violation> {
    let broken = facts.calls.iter().filter(|entry| !is_in_order(entry));
    broken.map(|entry| Violation::of("no reply is out of place", entry.to_string())).collect()
}

fn is_in_order(entry: &CallEntry) -> bool {
    match &entry.reply {
        Reply::Refused(_, code) => match entry.call.deed {
            Deed::Approve(_) | Deed::Deny(_) => matches!(code.as_str(), "not_found" | "request_ended"),
            Deed::Unblock(_) => code == "not_found",
            Deed::Block(_)
            | Deed::Revoke { .. }
            | Deed::RevokeForeign { .. }
            | Deed::CreateToken(_)
            | Deed::RevokeToken { .. } => false,
        },
        Reply::Failed(status) => *status == 503,
        Reply::Nonsense(_) => false,
        Reply::Done { .. } | Reply::Lost => true,
    }
}
