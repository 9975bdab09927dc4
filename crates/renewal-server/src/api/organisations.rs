//! The organisation, which can be suspended: an emergency stop.

use renewal_domain::BlockSubject;

use super::access::{Administrator, Call, Viewer};
use super::content::{Json, OptionalJson};
use super::model::{Block, Note, Organisation, Stop};
use super::notes::note;
use super::problem::Problem;

/// Show the organisation.
#[utoipa::path(
    get, path = "/organisations/{org}", tag = "Organisation",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation")),
    responses((status = 200, description = "The organisation", body = Organisation))
)]
pub(super) async fn show(Viewer { call }: Viewer) -> Result<Json<Organisation>, Problem> {
    call.no_query()?;
    organisation(&call).await
}

/// Suspend the organisation: none of its devices gets a certificate. One that is suspended stays as it is.
#[utoipa::path(
    post, path = "/organisations/{org}/suspend", tag = "Organisation",
    security(("api_token" = ["administrator"])),
    params(("org" = Uuid, Path, description = "The organisation")),
    request_body = Option<Stop>,
    responses((status = 200, description = "The organisation as it is now", body = Organisation))
)]
pub(super) async fn suspend(
    Administrator { call }: Administrator,
    OptionalJson(Stop { reason }): OptionalJson<Stop>,
) -> Result<Json<Organisation>, Problem> {
    call.no_query()?;
    let reason = note("reason", reason)?;
    call.parts.service.suspend_organisation(call.org, &reason, &call.by).await?;
    organisation(&call).await
}

/// Let the devices of a suspended organisation have certificates again.
#[utoipa::path(
    post, path = "/organisations/{org}/resume", tag = "Organisation",
    security(("api_token" = ["administrator"])),
    params(("org" = Uuid, Path, description = "The organisation")),
    request_body = Option<Note>,
    responses((status = 200, description = "The organisation as it is now", body = Organisation))
)]
pub(super) async fn resume(
    Administrator { call }: Administrator,
    OptionalJson(Note { note: text }): OptionalJson<Note>,
) -> Result<Json<Organisation>, Problem> {
    call.no_query()?;
    let text = note("note", text)?;
    call.parts.service.resume_organisation(call.org, &text, &call.by).await?;
    organisation(&call).await
}

async fn organisation(call: &Call) -> Result<Json<Organisation>, Problem> {
    let blocks = &call.parts.service.stores().blocks;
    let suspended = blocks.block_of(call.org, &BlockSubject::Organisation).await?;
    Ok(Json(Organisation { id: call.org, suspended: suspended.as_ref().map(Block::from) }))
}
