//! Tokens with which this API is used.

use std::time::Duration;

use renewal_domain::{ApiTokenId, PageRequest};

use super::access::{Administrator, Authenticated, Viewer};
use super::content::{Created, Json, OptionalJson};
use super::enrollment_tokens::expires_in;
use super::model::{
    ApiToken, NewApiToken, NewApiTokenSecret, Page, RevokeApiToken, RevokedApiToken, RevokedTokens, Whoami,
};
use super::problem::Problem;
use super::query::PageQuery;

/// How long a token is good unless something else is asked for.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// Make an API token. The answer has its text, which is shown this once.
#[utoipa::path(
    post, path = "/organisations/{org}/api-tokens", tag = "API tokens",
    security(("api_token" = ["administrator"])),
    params(("org" = Uuid, Path, description = "The organisation")),
    request_body = NewApiToken,
    responses((status = 201, description = "The token and its text", body = NewApiTokenSecret))
)]
pub(super) async fn create(
    Administrator { call }: Administrator,
    Json(wanted): Json<NewApiToken>,
) -> Result<Created<NewApiTokenSecret>, Problem> {
    call.no_query()?;
    let lifetime = lifetime(&wanted)?;
    let service = &call.parts.service;
    let (secret, token) =
        service.new_api_token(call.org, &wanted.name, wanted.role, lifetime, &call.by).await?;
    let token = ApiToken::at(&token, service.clock().now());
    Ok(Created(NewApiTokenSecret { token, secret: secret.reveal().to_owned() }))
}

/// List the API tokens, newest first.
#[utoipa::path(
    get, path = "/organisations/{org}/api-tokens", tag = "API tokens",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), PageQuery),
    responses((status = 200, description = "A page of tokens", body = Page<ApiToken>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<ApiToken>>, Problem> {
    let scope = renewal_domain::ApiToken::scope(call.org);
    let page: PageRequest = call.query::<PageQuery>()?.request(&scope)?;
    let service = &call.parts.service;
    let tokens = service.stores().api_tokens.api_tokens(call.org, &page).await?;
    let now = service.clock().now();
    Ok(Json(Page::told(&tokens, |token| ApiToken::at(token, now))))
}

/// Revoke an API token, and if the body asks for it what was made with it. One that was revoked before stays as
/// it is.
#[utoipa::path(
    post, path = "/organisations/{org}/api-tokens/{id}/revoke", tag = "API tokens",
    security(("api_token" = ["administrator"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The token"),
    ),
    request_body = Option<RevokeApiToken>,
    responses((status = 200, description = "The token as it is now", body = RevokedApiToken))
)]
pub(super) async fn revoke(
    Administrator { call }: Administrator,
    OptionalJson(RevokeApiToken { revoke_made }): OptionalJson<RevokeApiToken>,
) -> Result<Json<RevokedApiToken>, Problem> {
    let id: ApiTokenId = call.id()?;
    call.no_query()?;
    let service = &call.parts.service;
    // First the token itself, so that its holder makes no more meanwhile.
    let token = service.revoke_api_token(call.org, id, &call.by).await?.ok_or(Problem::NotFound)?;
    let revoked = if revoke_made {
        service.revoke_tokens_made_by(call.org, id, &call.by).await?.into()
    } else {
        RevokedTokens::default()
    };
    Ok(Json(RevokedApiToken { token: ApiToken::at(&token, service.clock().now()), revoked }))
}

/// How long a token is to be good; none for ever.
fn lifetime(wanted: &NewApiToken) -> Result<Option<Duration>, Problem> {
    match (wanted.expires_in.as_deref(), wanted.no_expiry) {
        (Some(_), true) => Err(Problem::InvalidBody(
            "of expires_in and no_expiry only one can be given: leave the other out".to_owned(),
        )),
        (Some(text), false) => Ok(Some(expires_in(text)?.0)),
        (None, true) => Ok(None),
        (None, false) => Ok(Some(DEFAULT_LIFETIME)),
    }
}

/// Show the token that the request has: organisation, name, role.
#[utoipa::path(
    get, path = "/whoami", tag = "API tokens",
    security(("api_token" = ["viewer"])),
    responses((status = 200, description = "The token", body = Whoami))
)]
pub(super) async fn whoami(caller: Authenticated) -> Result<Json<Whoami>, Problem> {
    caller.no_query()?;
    Ok(Json(Whoami::from(&caller.token)))
}
