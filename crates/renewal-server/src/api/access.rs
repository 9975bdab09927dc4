//! Who may do what: a token, its organisation, its role.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts as RequestParts;
use renewal_domain::{ApiRole, ApiToken, DeviceId, DeviceName, OrgId};
use tracing::{Span, field};
use uuid::Uuid;

use super::Parts;
use super::problem::Problem;
use super::query::{Nothing, Query, Read};

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
    path: Vec<(String, String)>,
    query: String,
}

/// A [`Call`] that reads: any role may.
pub(super) struct Viewer(pub(super) Call);

/// A [`Call`] that changes something: operators may.
pub(super) struct Operator(pub(super) Call);

impl FromRequestParts<Arc<Parts>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        let text = bearer(&request.headers).ok_or(Problem::Unauthenticated)?;
        let token = parts.service.api_token(text).await?.ok_or(Problem::Unauthenticated)?;
        Span::current().record("token", field::display(token.id));
        Ok(Self { token, query: request.uri.query().unwrap_or_default().to_owned() })
    }
}

impl FromRequestParts<Arc<Parts>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        Ok(Self(call(request, parts).await?.0))
    }
}

impl FromRequestParts<Arc<Parts>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<Self, Problem> {
        match call(request, parts).await? {
            (call, ApiRole::Operator) => Ok(Self(call)),
            (_, ApiRole::Viewer) => Err(Problem::OperatorRequired),
        }
    }
}

async fn call(request: &mut RequestParts, parts: &Arc<Parts>) -> Result<(Call, ApiRole), Problem> {
    let Authenticated { token, query } = Authenticated::from_request_parts(request, parts).await?;
    let path = RawPathParams::from_request_parts(request, parts).await.map_err(|_| Problem::NotFound)?;
    let path: Vec<_> = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let call = Call { parts: Arc::clone(parts), org: token.org_id, path, query };
    Span::current().record("org", field::display(token.org_id));
    // Another organisation's path tells no more than one that is not there.
    match call.path::<OrgId>("org") {
        Ok(org) if org == token.org_id => Ok((call, token.role)),
        _ => Err(Problem::NotFound),
    }
}

impl Call {
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

    /// The device that the path names, by its UUID or by its name.
    pub(super) fn device(&self) -> Result<DeviceId, Problem> {
        self.device_called(&self.path::<String>("device")?)
    }

    /// The device that a text names, by its UUID or by its name.
    pub(super) fn device_called(&self, text: &str) -> Result<DeviceId, Problem> {
        let name =
            DeviceName::new(text).map_err(|why| Problem::InvalidParameter("device", why.to_string()))?;
        let device = self.parts.service.device_id(self.org, &name);
        Span::current().record("device", field::display(device));
        Ok(device)
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
}
