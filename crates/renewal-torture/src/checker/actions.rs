//! Who did it, and what was done to tokens.

use super::{Facts, Violation, rows};
use crate::snapshot::Action;

/// Every action says who did it: a token of the API that there is, somebody at the command line, or the
/// server.
pub(super) fn no_action_is_without_an_actor(facts: Facts<'_>) -> Vec<Violation> {
    let tokens = &facts.snapshot.api_tokens;
    let broken = facts.snapshot.actions.iter().filter(|action| {
        let Action { actor_name, actor_token, actor_host, .. } = action;
        let named = !actor_name.is_empty();
        !match action.actor_kind.as_str() {
            "api_token" => tokens.iter().any(|token| {
                token.org == action.org && Some(token.id) == *actor_token && token.name == *actor_name
            }),
            "command_line" => named && actor_token.is_none() && actor_host.is_some(),
            "server" => actor_token.is_none() && actor_host.is_none(),
            _ => false,
        }
    });
    broken.map(|action| Violation::of("no action is without an actor", rows([action]))).collect()
}

/// Each token was made by one action and, if it was revoked, revoked by one; and no such action is without
/// its token.
pub(super) fn every_token_has_its_actions(facts: Facts<'_>) -> Vec<Violation> {
    let snapshot = facts.snapshot;
    let enrollment = snapshot.tokens.iter().map(|it| ("enrollment_token", it.org, it.id, it.revoked_at));
    let api = snapshot.api_tokens.iter().map(|it| ("api_token", it.org, it.id, it.revoked_at));
    let tokens: Vec<_> = enrollment.chain(api).collect();
    let promise = "every token has its actions, and they have theirs";

    let broken = tokens.iter().filter(|(target_kind, org, id, revoked_at)| {
        let count = |kind: &str| {
            let actions = snapshot.actions.iter().filter(|action| {
                action.org == *org
                    && action.kind == kind
                    && action.target_kind == *target_kind
                    && action.target == id.to_string()
            });
            actions.count()
        };
        count("token_created") != 1 || count("token_revoked") != usize::from(revoked_at.is_some())
    });
    let without_token = snapshot.actions.iter().filter(|action| {
        matches!(action.kind.as_str(), "token_created" | "token_revoked")
            && !tokens.iter().any(|(target_kind, org, id, _)| {
                *org == action.org && *target_kind == action.target_kind && id.to_string() == action.target
            })
    });
    broken
        .map(|token| rows([token]))
        .chain(without_token.map(|action| rows([action])))
        .map(|row| Violation::of(promise, row))
        .collect()
}
