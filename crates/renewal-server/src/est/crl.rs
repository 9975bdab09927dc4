//! `/crl`: the revocation lists of the issuers (RFC 5280, section 5; RFC 2585, section 3).
//!
//! It is not part of EST, but devices and those who check their certificates find it where
//! devices get them.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::Parts;
use super::answer::Answer;
use super::refusal::Refusal;
use super::revocation_lists::NoList;

/// Gives out the list of the present issuer. No credentials are needed: a list is public.
pub(super) async fn present(State(parts): State<Arc<Parts>>) -> Result<Answer, Refusal> {
    list(&parts, None).await
}

/// Gives out the list of the issuer whose key has the identifier in the path.
pub(super) async fn of_key(
    State(parts): State<Arc<Parts>>,
    key_id: Result<Path<String>, PathRejection>,
) -> Result<Answer, Refusal> {
    let Path(key_id) = key_id.map_err(|_| Refusal::UnknownIssuer)?;
    list(&parts, Some(&key_id)).await
}

async fn list(parts: &Parts, key_id: Option<&str>) -> Result<Answer, Refusal> {
    match parts.revocation_lists.list(key_id).await {
        Ok(list) => {
            Ok(Answer::RevocationList { der: list.der, this_update: list.this_update, max_age: list.max_age })
        }
        Err(NoList::UnknownIssuer) => Err(Refusal::UnknownIssuer),
        Err(NoList::Unavailable(wait)) => Err(Refusal::Unavailable(wait)),
    }
}
