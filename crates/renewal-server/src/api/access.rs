//! Who may do what: a token, its organisation, its role.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts as RequestParts;
use renewal_domain::{ActionContext, Actor, ApiRole, ApiToken, OrgId};
use tracing::{Span, field, warn};
use uuid::Uuid;

use super::Parts;
use super::problem::Problem;
use super::query::{Nothing, Query, Read};
use crate::listener::{ClientAddress, HttpRequestId};

/// A request with a good token.
pub(super) struct Authenticated {
    /// The token.
    pub(super) token: ApiToken,
    query: String,
}

/// A request about the organisation of its token, with what handlers want to know of it.
pub(super) struct Call {
    pub(super) parts: Arc<Parts>,
    /// The organisation.
    pub(super) org: OrgId,
    /// Who asks, and from where: for the action that a decision leaves.
    pub(super) by: ActionContext,
    role: ApiRole,
    path: Vec<(String, String)>,
    query: String,
}

/// A [`Call`] by a token whose role includes the one at `ROLE` in [`ApiRole::ALL`]. A handler is protected
/// by taking one of the four types below; there is no other way to get a [`Call`].
pub(super) struct Allowed<const ROLE: usize> {
    /// The call.
    pub(super) call: Call,
}

/// A [`Call`] that reads.
pub(super) type Viewer = Allowed<{ ApiRole::Viewer as usize }>;

/// A [`Call`] that decides about a pending request.
pub(super) type Approver = Allowed<{ ApiRole::Approver as usize }>;

/// A [`Call`] that revokes, blocks or permits an enrollment.
pub(super) type Operator = Allowed<{ ApiRole::Operator as usize }>;

/// A [`Call`] about API tokens, or about the whole organisation.
pub(super) type Administrator = Allowed<{ ApiRole::Administrator as usize }>;

impl FromRequestParts<Arc<Parts>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        let text = bearer(&request.headers).ok_or(Problem::Unauthenticated)?;
        let token = parts.service.api_token(text).await?.ok_or(Problem::Unauthenticated)?;
        Span::current().record("token", field::display(token.id));
        Ok(Self { token, query: request.uri.query().unwrap_or_default().to_owned() })
    }
}

impl<const ROLE: usize> FromRequestParts<Arc<Parts>> for Allowed<ROLE> {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        let call = Call::from_request_parts(request, parts).await?;
        let needed = ApiRole::ALL[ROLE];
        if call.role.includes(needed) {
            return Ok(Self { call });
        }
        warn!(actor = %call.by.actor, role = call.role.as_str(), needed = needed.as_str(), "refused an operator");
        if let Some(metrics) = &parts.metrics {
            metrics.api_forbidden(call.role);
        }
        Err(Problem::RoleRequired { needed, role: call.role })
    }
}

impl Call {
    async fn from_request_parts(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        let Authenticated { token, query } = Authenticated::from_request_parts(request, parts).await?;
        let path = RawPathParams::from_request_parts(request, parts).await.map_err(|_| Problem::NotFound)?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let by = ActionContext {
            actor: Actor::ApiToken { id: token.id, name: token.name },
            source_address: request.extensions.get().map(|ClientAddress(address)| *address),
            http_request_id: request.extensions.get::<HttpRequestId>().map(ToString::to_string),
        };
        let call = Self { parts: Arc::clone(parts), org: token.org_id, by, role: token.role, path, query };
        Span::current().record("org", field::display(token.org_id));
        // Another organisation's path tells no more than one that is not there.
        match call.path::<OrgId>("org") {
            Ok(org) if org == token.org_id => Ok(call),
            _ => Err(Problem::NotFound),
        }
    }

    /// A part of the path.
    pub(super) fn path<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, Problem> {
        let (_, value) = self.path.iter().find(|(found, _)| found == name).ok_or(Problem::NotFound)?;
        value.parse().map_err(|why: T::Err| Problem::InvalidParameter(name, why.to_string()))
    }

    /// The id that the path names something by. One that is a UUID of another version is of nothing
    /// that is there.
    pub(super) fn id<T: TryFrom<Uuid>>(&self) -> Result<T, Problem> {
        let id: Uuid = self.path("id")?;
        T::try_from(id).map_err(|_| Problem::NotFound)
    }

    /// The query, every parameter of it.
    pub(super) fn query<Q: Read>(&self) -> Result<Q, Problem> {
        Query::read(&self.query)
    }

    /// Refuses any query, where none is wanted.
    pub(super) fn no_query(&self) -> Result<(), Problem> {
        self.query::<Nothing>().map(drop)
    }
}

impl Authenticated {
    /// Refuses any query, where none is wanted.
    pub(super) fn no_query(&self) -> Result<(), Problem> {
        Query::read::<Nothing>(&self.query).map(drop)
    }
}

/// The credentials of the scheme Bearer (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_follows_the_scheme() {
        let read = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(read("Bearer rla_x").as_deref(), Some("rla_x"));
        assert_eq!(read("bearer  rla_x ").as_deref(), Some("rla_x"));
        assert_eq!(read("Basic rla_x"), None);
        assert_eq!(read("rla_x"), None);
    }

    #[test]
    fn the_types_of_calls_name_their_roles() {
        fn needed<const ROLE: usize>(_: impl Fn(Allowed<ROLE>)) -> ApiRole {
            ApiRole::ALL[ROLE]
        }
        assert_eq!(needed(|_: Viewer| ()), ApiRole::Viewer);
        assert_eq!(needed(|_: Approver| ()), ApiRole::Approver);
        assert_eq!(needed(|_: Operator| ()), ApiRole::Operator);
        assert_eq!(needed(|_: Administrator| ()), ApiRole::Administrator);
    }
}
