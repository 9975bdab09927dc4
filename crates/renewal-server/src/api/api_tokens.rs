//! Tokens with which this API is used.

use renewal_domain::{ApiTokenId, PageRequest};

use super::access::{Authenticated, Operator, Viewer};
use super::content::{Created, Json};
use super::enrollment_tokens::expires_in;
use super::model::{ApiToken, NewApiToken, NewApiTokenSecret, Page, Whoami};
use super::problem::Problem;
use super::query::PageQuery;

/// Make an API token. The answer has its text, which is shown this once.
#[utoipa::path(
    post, path = "/organisations/{org}/api-tokens", tag = "API tokens",
    params(("org" = Uuid, Path, description = "The organisation")),
    request_body = NewApiToken,
    responses((status = 201, description = "The token and its text", body = NewApiTokenSecret))
)]
pub(super) async fn create(
    Operator(call): Operator,
    Json(wanted): Json<NewApiToken>,
) -> Result<Created<NewApiTokenSecret>, Problem> {
    call.no_query()?;
    let lifetime = wanted.expires_in.as_deref().map(expires_in).transpose()?.map(|period| period.0);
    let service = &call.parts.service;
    let (secret, token) = service.new_api_token(call.org, &wanted.name, wanted.role, lifetime).await?;
    let token = ApiToken::at(&token, service.clock().now());
    Ok(Created(NewApiTokenSecret { token, secret: secret.reveal().to_owned() }))
}

/// List the API tokens, newest first.
#[utoipa::path(
    get, path = "/organisations/{org}/api-tokens", tag = "API tokens",
    params(("org" = Uuid, Path, description = "The organisation"), PageQuery),
    responses((status = 200, description = "A page of tokens", body = Page<ApiToken>))
)]
pub(super) async fn list(Viewer(call): Viewer) -> Result<Json<Page<ApiToken>>, Problem> {
    let scope = renewal_domain::ApiToken::scope(call.org);
    let page: PageRequest = call.query::<PageQuery>()?.request(&scope)?;
    let service = &call.parts.service;
    let tokens = service.stores().api_tokens.api_tokens(call.org, &page).await?;
    let now = service.clock().now();
    Ok(Json(Page::told(&tokens, |token| ApiToken::at(token, now))))
}

/// Revoke an API token. One that was revoked before stays as it is.
#[utoipa::path(
    post, path = "/organisations/{org}/api-tokens/{id}/revoke", tag = "API tokens",
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The token"),
    ),
    responses((status = 200, description = "The token as it is now", body = ApiToken))
)]
pub(super) async fn revoke(Operator(call): Operator) -> Result<Json<ApiToken>, Problem> {
    let id: ApiTokenId = call.id()?;
    call.no_query()?;
    let service = &call.parts.service;
    let token = service.revoke_api_token(call.org, id).await?.ok_or(Problem::NotFound)?;
    Ok(Json(ApiToken::at(&token, service.clock().now())))
}

/// Show the token that the request has: organisation, name, role.
#[utoipa::path(
    get, path = "/whoami", tag = "API tokens",
    responses((status = 200, description = "The token", body = Whoami))
)]
pub(super) async fn whoami(caller: Authenticated) -> Result<Json<Whoami>, Problem> {
    caller.no_query()?;
    Ok(Json(Whoami::from(&caller.token)))
}
