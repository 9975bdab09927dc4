//! One device as it is now, and what is decided about it as a whole.

use renewal_domain::{
    ActionFilter, BlockSubject, CertificateFilter, EventFilter, EventType, OpenRequestFilter, PageRequest,
    PageSize, RenewalEvent, Stage,
};

use super::access::{Call, Operator, Viewer};
use super::actions::newest;
use super::content::{Json, OptionalJson};
use super::device_lookup::NamedDevice;
use super::model::{Block, Certificate, Device, Event, FailureCount, Note, Revoke, Revoked, Stop};
use super::notes::note;
use super::problem::Problem;
use super::request_details::shown;

/// Show a device as it is now: its certificate, how its latest attempt ended, what is open, whether it is
/// blocked, and what was decided about it.
#[utoipa::path(
    get, path = "/organisations/{org}/devices/{device}", tag = "Devices",
    security(("api_token" = ["viewer"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("device" = String, Path, description = "The device: its name, or its UUID", min_length = 1, max_length = 64),
    ),
    responses((status = 200, description = "The device", body = Device))
)]
pub(super) async fn show(Viewer { call }: Viewer) -> Result<Json<Device>, Problem> {
    call.no_query()?;
    let named = call.device().await?;
    device(&call, named).await
}

/// Block a device: it gets no certificates. One that is blocked stays as it is. A device that nobody has seen
/// yet can be blocked by its name.
#[utoipa::path(
    post, path = "/organisations/{org}/devices/{device}/block", tag = "Devices",
    security(("api_token" = ["operator"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("device" = String, Path, description = "The device: its name, or its UUID", min_length = 1, max_length = 64),
    ),
    request_body = Option<Stop>,
    responses((status = 200, description = "The device as it is now", body = Device))
)]
pub(super) async fn block(
    Operator { call }: Operator,
    OptionalJson(Stop { reason }): OptionalJson<Stop>,
) -> Result<Json<Device>, Problem> {
    call.no_query()?;
    let reason = note("reason", reason)?;
    let named = call.device().await?;
    call.parts.service.block_device(call.org, named.id, &reason, &call.by).await?;
    device(&call, named).await
}

/// Let a blocked device have certificates again.
#[utoipa::path(
    post, path = "/organisations/{org}/devices/{device}/unblock", tag = "Devices",
    security(("api_token" = ["operator"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("device" = String, Path, description = "The device: its name, or its UUID", min_length = 1, max_length = 64),
    ),
    request_body = Option<Note>,
    responses((status = 200, description = "The device as it is now", body = Device))
)]
pub(super) async fn unblock(
    Operator { call }: Operator,
    OptionalJson(Note { note: text }): OptionalJson<Note>,
) -> Result<Json<Device>, Problem> {
    call.no_query()?;
    let text = note("note", text)?;
    let named = call.device().await?;
    call.parts.service.unblock_device(call.org, named.id, &text, &call.by).await?;
    device(&call, named).await
}

/// Revoke every certificate of a device that could still be used.
#[utoipa::path(
    post, path = "/organisations/{org}/devices/{device}/revoke-certificates", tag = "Devices",
    security(("api_token" = ["operator"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("device" = String, Path, description = "The device: its name, or its UUID", min_length = 1, max_length = 64),
    ),
    request_body = Revoke,
    responses((status = 200, description = "What was revoked", body = Revoked))
)]
pub(super) async fn revoke_certificates(
    Operator { call }: Operator,
    Json(Revoke { reason, note: text }): Json<Revoke>,
) -> Result<Json<Revoked>, Problem> {
    call.no_query()?;
    let text = note("note", text)?;
    let NamedDevice { id, .. } = call.device().await?;
    if !call.is_known(id).await? {
        return Err(Problem::NotFound);
    }
    let revoked = call.parts.service.revoke_device(call.org, id, reason, &text, &call.by).await?;
    Ok(Json(Revoked::from(&revoked)))
}

async fn device(call: &Call, NamedDevice { id, name }: NamedDevice) -> Result<Json<Device>, Problem> {
    let stores = call.parts.service.stores();
    let one = PageRequest::first(PageSize::nearest(1));
    let certificates = stores.fleet.certificates(call.org, &CertificateFilter::OfDevice(id), &one).await?;
    let newest_certificate = certificates.items.first();
    let filter = OpenRequestFilter { device: Some(id), ..OpenRequestFilter::default() };
    let open = stores.issuance.open_requests(call.org, &filter, &one).await?;
    let open = open.items.first();
    let ends = EventType::ALL.into_iter().filter(|event_type| event_type.stage() != Stage::Start);
    let filter = EventFilter::new().device(id).event_types(ends);
    let ends = stores.events.list(call.org, &filter, &PageRequest::first(PageSize::MAX)).await?;
    let blocked = stores.blocks.block_of(call.org, &BlockSubject::Device(id)).await?;
    let actions = newest(call, &ActionFilter::Device(id)).await?;
    let certified = newest_certificate.is_some() || open.is_some() || !ends.items.is_empty();
    if !certified && blocked.is_none() && actions.is_empty() {
        return Err(Problem::NotFound);
    }
    let open_request = match open {
        Some(request) => Some(shown(call, request).await?),
        None => None,
    };
    let known_name = newest_certificate
        .map(|certificate| &certificate.device_name)
        .or_else(|| open.map(renewal_domain::OpenRequest::device_name));
    Ok(Json(Device {
        id,
        name: known_name.or(name.as_ref()).map(ToString::to_string),
        current_certificate: newest_certificate
            .filter(|certificate| certificate.revocation.is_none())
            .map(Certificate::from),
        last_outcome: ends.items.first().map(Event::from),
        open_request,
        failures_since_success: failures(&ends.items, ends.next.is_some()),
        blocked: blocked.as_ref().map(Block::from),
        actions,
    }))
}

/// The failures before the newest success; `more` tells that there are older ends.
fn failures(ends: &[RenewalEvent], more: bool) -> FailureCount {
    let failed = ends.iter().take_while(|event| event.stage() == Stage::Failed).count();
    FailureCount { count: failed as u64, at_least: more && failed == ends.len() }
}
