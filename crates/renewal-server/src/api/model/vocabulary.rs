//! Schemas of what is a string in JSON: the domain's enumerations, made of the domain's own lists, and
//! lengths of time.

use renewal_domain::{
    ActionKind, ApiRole, EventType, RequestKind, RequestState, RevocationReason, TokenState,
};
use serde::Serialize;
use utoipa::openapi::{Object, ObjectBuilder, Type};

pub(crate) fn event_type() -> Object {
    one_of("What happened.", EventType::ALL)
}

pub(crate) fn request_kind() -> Object {
    one_of("What the request is for.", [RequestKind::Enrollment, RequestKind::Renewal, RequestKind::Recovery])
}

pub(crate) fn request_state() -> Object {
    one_of("What the request waits for.", [RequestState::Signing, RequestState::Pending])
}

pub(crate) fn revocation_reason() -> Object {
    one_of("Why: the reason codes of RFC 5280, section 5.3.1, that apply to a device.", RevocationReason::ALL)
}

pub(crate) fn token_state() -> Object {
    let all = [TokenState::Usable, TokenState::Used, TokenState::Revoked, TokenState::Expired];
    one_of("What the token is good for.", all)
}

pub(crate) fn api_role() -> Object {
    one_of("What the holder may do.", ApiRole::ALL)
}

pub(crate) fn action_kind() -> Object {
    one_of("What was done.", ActionKind::ALL.iter().copied())
}

pub(crate) fn actor_kind() -> Object {
    only(["api_token", "command_line", "server"])
}

pub(crate) fn target_kind() -> Object {
    only([
        "request",
        "certificate",
        "device",
        "key",
        "enrollment_token",
        "api_token",
        "authority",
        "organisation",
    ])
}

/// A length of time, as [`Period`](super::super::period::Period) reads it.
pub(crate) fn period() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A number and a unit out of s, m, h, d."))
        .pattern(Some("^[1-9][0-9]{0,8}[smhd]$"))
        .examples(["24h"])
        .build()
}

/// A number that counts something, of any size.
pub(crate) fn number() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build()
}

/// A string that is one of these.
pub(crate) fn only<const N: usize>(words: [&'static str; N]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// A string that is one of these, as they are written in JSON.
fn one_of<T: Serialize>(description: &str, values: impl IntoIterator<Item = T>) -> Object {
    let names = values.into_iter().filter_map(|value| serde_json::to_value(value).ok());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(names))
        .build()
}
