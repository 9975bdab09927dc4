//! One device as it is now.

use renewal_domain::{
    CertificateFilter, DeviceId, EventFilter, EventType, OpenRequestFilter, PageRequest, PageSize,
    RenewalEvent, Stage, StoreError,
};

use super::access::{Call, Viewer};
use super::content::Json;
use super::model::{Certificate, Device, Event, FailureCount, OpenRequest};
use super::problem::Problem;

/// Show a device as it is now: its certificate, how its latest attempt ended, what is open.
#[utoipa::path(
    get, path = "/organisations/{org}/devices/{device}", tag = "Devices",
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("device" = String, Path, description = "The device: its UUID, or its name", min_length = 1, max_length = 64),
    ),
    responses((status = 200, description = "The device", body = Device))
)]
pub(super) async fn show(Viewer(call): Viewer) -> Result<Json<Device>, Problem> {
    let id = call.device()?;
    call.no_query()?;
    device(&call, id).await?.map(Json).ok_or(Problem::NotFound)
}

async fn device(call: &Call, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let stores = call.parts.service.stores();
    let one = PageRequest::first(PageSize::nearest(1));
    let certificates = stores.fleet.certificates(call.org, &CertificateFilter::OfDevice(id), &one).await?;
    let newest = certificates.items.first();
    let filter = OpenRequestFilter { device: Some(id), ..OpenRequestFilter::default() };
    let open = stores.issuance.open_requests(call.org, &filter, &one).await?;
    let open = open.items.first();
    let ends = EventType::ALL.into_iter().filter(|event_type| event_type.stage() != Stage::Start);
    let filter = EventFilter::new().device(id).event_types(ends);
    let ends = stores.events.list(call.org, &filter, &PageRequest::first(PageSize::MAX)).await?;
    if newest.is_none() && open.is_none() && ends.items.is_empty() {
        return Ok(None);
    }
    let name = newest
        .map(|certificate| &certificate.device_name)
        .or_else(|| open.map(renewal_domain::OpenRequest::device_name));
    Ok(Some(Device {
        id,
        name: name.map(ToString::to_string),
        current_certificate: newest
            .filter(|certificate| certificate.revocation.is_none())
            .map(Certificate::from),
        last_outcome: ends.items.first().map(Event::from),
        open_request: open.map(OpenRequest::from),
        failures_since_success: failures(&ends.items, ends.next.is_some()),
    }))
}

/// The failures before the newest success; `more` tells that there are older ends.
fn failures(ends: &[RenewalEvent], more: bool) -> FailureCount {
    let failed = ends.iter().take_while(|event| event.stage() == Stage::Failed).count();
    FailureCount { count: failed as u64, at_least: more && failed == ends.len() }
}
