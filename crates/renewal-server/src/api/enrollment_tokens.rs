//! Tokens with which devices enroll.

use std::time::Duration;

use csr_service::NameGrant;
use renewal_domain::{DeviceName, GrantedNames, PageRequest, TokenId};

use super::access::{Operator, Viewer};
use super::content::{Created, Json};
use super::model::{EnrollmentToken, NewEnrollmentToken, NewEnrollmentTokenSecret, Page};
use super::period::Period;
use super::problem::Problem;
use super::query::PageQuery;

/// The longest that an enrollment token can be good.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// Make a token with which one device enrolls, once. The answer has its secret, which is shown this once.
#[utoipa::path(
    post, path = "/organisations/{org}/enrollment-tokens", tag = "Enrollment tokens",
    security(("api_token" = ["operator"])),
    params(("org" = Uuid, Path, description = "The organisation")),
    request_body = NewEnrollmentToken,
    responses((status = 201, description = "The token and its secret", body = NewEnrollmentTokenSecret))
)]
pub(super) async fn create(
    Operator { call }: Operator,
    Json(wanted): Json<NewEnrollmentToken>,
) -> Result<Created<NewEnrollmentTokenSecret>, Problem> {
    call.no_query()?;
    let device = DeviceName::new(wanted.device);
    let device = device.map_err(|why| Problem::InvalidBody(format!("device: {why}")))?;
    let Period(lifetime) = expires_in(&wanted.expires_in)?;
    if lifetime > LONGEST {
        return Err(Problem::InvalidBody("expires_in: it is at most 366d".to_owned()));
    }
    let names = granted(wanted.subject, wanted.san)?;
    let service = &call.parts.service;
    let wanted = csr_service::NewEnrollmentToken { device, names, lifetime };
    let (secret, token) = service.new_enrollment_token(call.org, wanted, &call.by).await?;
    let token = EnrollmentToken::at(&token, service.clock().now());
    Ok(Created(NewEnrollmentTokenSecret { token, secret: secret.reveal().to_owned() }))
}

/// List the enrollment tokens, newest first.
#[utoipa::path(
    get, path = "/organisations/{org}/enrollment-tokens", tag = "Enrollment tokens",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), PageQuery),
    responses((status = 200, description = "A page of tokens", body = Page<EnrollmentToken>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<EnrollmentToken>>, Problem> {
    let scope = renewal_domain::EnrollmentToken::scope(call.org);
    let page: PageRequest = call.query::<PageQuery>()?.request(&scope)?;
    let service = &call.parts.service;
    let tokens = service.stores().enrollment_tokens.enrollment_tokens(call.org, &page).await?;
    let now = service.clock().now();
    Ok(Json(Page::told(&tokens, |token| EnrollmentToken::at(token, now))))
}

/// Revoke an enrollment token. One that is used or revoked stays as it is.
#[utoipa::path(
    post, path = "/organisations/{org}/enrollment-tokens/{id}/revoke", tag = "Enrollment tokens",
    security(("api_token" = ["operator"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The token"),
    ),
    responses((status = 200, description = "The token as it is now", body = EnrollmentToken))
)]
pub(super) async fn revoke(Operator { call }: Operator) -> Result<Json<EnrollmentToken>, Problem> {
    let id: TokenId = call.id()?;
    call.no_query()?;
    let service = &call.parts.service;
    let token = service.revoke_enrollment_token(call.org, id, &call.by).await?.ok_or(Problem::NotFound)?;
    Ok(Json(EnrollmentToken::at(&token, service.clock().now())))
}

/// The names that a token is to grant. It is for one device, so that they are written out.
fn granted(subject: Vec<String>, san: Vec<String>) -> Result<GrantedNames, Problem> {
    if let Some(name) = subject.iter().chain(&san).find(|name| name.contains(['{', '}'])) {
        let why = "a token is for one device: write its names out, without variables";
        return Err(Problem::InvalidBody(format!("{name:?}: {why}")));
    }
    let names = GrantedNames::new(subject, san).map_err(|why| Problem::InvalidBody(why.to_string()))?;
    NameGrant::try_from(&names).map_err(|why| Problem::InvalidBody(why.to_string()))?;
    Ok(names)
}

/// The lifetime that a body asks for.
pub(super) fn expires_in(text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|why| Problem::InvalidBody(format!("expires_in: {why}")))
}
