//! Blocks, and what blocked devices got.

use std::time::Duration;

use super::index::{calls, questions};
use super::{Facts, Violation, by, rows};
use crate::journal::{Answer, CallEntry, Deed, Device, Entry};
use crate::snapshot::Action;

/// Actions that put a block in force, and those that lift it, with the kind of what they block.
const KINDS: [(&str, &str, &str); 3] = [
    ("device", "device_blocked", "device_unblocked"),
    ("organisation", "organisation_suspended", "organisation_resumed"),
    ("key", "key_barred", ""),
];

/// What is blocked has one more action that blocks it than actions that unblock it, and the block names one
/// of them; what is not blocked has as many of both. That holds whatever the clocks say.
pub(super) fn a_block_is_there_if_its_actions_say_so(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let mut violations = Vec::new();
    for (kind, blocks, unblocks) in KINDS {
        let about = snapshot.actions.iter().filter(|action| action.kind == blocks || action.kind == unblocks);
        let about = by(about, |action| (action.org, action.target.as_str()));
        for ((org, subject), actions) in &about {
            let (put, lifted): (Vec<&Action>, Vec<&Action>) =
                actions.iter().partition(|action| action.kind == blocks);
            let block = snapshot.blocks.iter().find(|block| {
                (block.org, block.subject_kind.as_str(), block.subject.as_str()) == (*org, kind, *subject)
            });
            let alike = actions.iter().all(|action| action.target_kind == kind);
            let named = block.is_none_or(|block| put.iter().any(|action| action.id == block.action));
            if put.len() != lifted.len() + usize::from(block.is_some()) || !alike || !named {
                violations.push(rows(block) + &rows(actions));
            }
        }
        let without_action = snapshot.blocks.iter().filter(|block| {
            block.subject_kind == kind && !about.contains_key(&(block.org, block.subject.as_str()))
        });
        violations.extend(without_action.map(|block| rows([block])));
    }
    let kinds = KINDS.map(|(kind, ..)| kind);
    let others = snapshot.blocks.iter().filter(|block| !kinds.contains(&block.subject_kind.as_str()));
    violations.extend(others.map(|block| rows([block])));
    let promise = "a block is there if, and only if, its actions say so";
    violations.into_iter().map(|evidence| Violation::of(promise, evidence)).collect()
}

/// No device was given a certificate for what it asked after it was blocked, before it was unblocked.
pub(super) fn no_blocked_device_gets_a_certificate(facts: Facts<'_>) -> Vec<Violation> {
    let questions = questions(facts.entries);
    let mut violations = Vec::new();
    for blocked in certainly_blocked(facts.calls) {
        let within = |entry: &Entry| {
            entry.question.device == *blocked.device
                && entry.span.asked > blocked.from
                && entry.span.answered < blocked.until
        };
        let given = facts.entries.iter().filter(|entry| within(entry));
        let given = given.filter(|entry| matches!(entry.answer, Answer::Certificate(_)));
        violations.extend(given.map(|entry| format!("{blocked:?}\n{entry}")));
        // What was not answered may have been opened at any time.
        let answered = |entry: &Entry| !matches!(entry.answer, Answer::Lost | Answer::Failed(_));
        let issued = facts.snapshot.certificates.iter().filter(|row| {
            let asked = questions.get(&row.csr_sha256).map(|asked| &asked.entries[..]).unwrap_or_default();
            !asked.is_empty() && asked.iter().all(|entry| within(entry) && answered(entry))
        });
        violations.extend(issued.map(|row| format!("{blocked:?}\n{}", rows([row]))));
    }
    let promise = "no device gets a certificate while it is blocked";
    violations.into_iter().map(|evidence| Violation::of(promise, evidence)).collect()
}

/// A time in which a device was blocked, without doubt.
#[derive(Debug)]
struct Blocked<'a> {
    device: &'a Device,
    from: Duration,
    until: Duration,
}

/// From the acknowledgment of each block to the first call that lifts it. Not where an earlier call that
/// lifts one had no answer: it may be carried out at any time, by a server that was frozen, say.
fn certainly_blocked(entries: &[CallEntry]) -> Vec<Blocked<'_>> {
    let calls = calls(entries);
    let blocks = calls.iter().filter_map(|tries| match &tries.call.deed {
        Deed::Block(device) => {
            let from = tries.done()?;
            let unblocks = || entries.iter().filter(|entry| entry.call.deed == Deed::Unblock(device.clone()));
            let doubtful = unblocks().any(|entry| !entry.reply.is_certain() && entry.span.asked < from);
            let until = unblocks().map(|entry| entry.span.asked).filter(|asked| *asked > tries.first()).min();
            (!doubtful).then(|| Blocked { device, from, until: until.unwrap_or(Duration::MAX) })
        }
        _ => None,
    });
    blocks.collect()
}
