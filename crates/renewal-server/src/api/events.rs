//! `renewal-events`, and those of one device.

use chrono::{DateTime, Utc};
use renewal_domain::{AttemptId, DeviceId, EventFilter, EventId, EventType, ReasonCode};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{Array, ArrayBuilder};

use super::access::{Call, Viewer};
use super::content::Json;
use super::model::vocabulary::event_type;
use super::model::{Event, Page};
use super::problem::Problem;
use super::query::{Listing, PageQuery, Query, Read};

/// Conditions on events; every one that is given must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Conditions {
    /// Only events of this type; given again, of that type too.
    #[param(schema_with = event_types)]
    r#type: Vec<EventType>,
    /// Only failures for the reason with this code.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9_]{1,64}$")]
    reason: Option<ReasonCode>,
    /// Only the events of this attempt.
    #[param(value_type = Option<Uuid>)]
    attempt: Option<AttemptId>,
    /// Only events from this instant on (RFC 3339).
    from: Option<DateTime<Utc>>,
    /// Only events before this instant (RFC 3339).
    to: Option<DateTime<Utc>>,
}

/// Conditions on events, and a device that they are of.
#[derive(Debug)]
pub(super) struct EventsQuery {
    device: Option<String>,
    conditions: Conditions,
}

/// The device of a listing of events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct DeviceQuery {
    /// Only events of this device: its name, or its UUID.
    #[param(min_length = 1, max_length = 64)]
    #[expect(dead_code, reason = "it is read with the other conditions")]
    device: Option<String>,
}

impl IntoParams for EventsQuery {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [DeviceQuery::into_params(&parameter_in), Conditions::into_params(&parameter_in)].concat()
    }
}

impl Read for EventsQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self { device: query.one("device")?, conditions: Conditions::read(query)? })
    }
}

impl Read for Conditions {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self {
            r#type: query.all("type")?,
            reason: query.one("reason")?,
            attempt: query.one("attempt")?,
            from: query.one("from")?,
            to: query.one("to")?,
        })
    }
}

impl Conditions {
    fn filter(self, device: Option<DeviceId>) -> EventFilter {
        let filter = EventFilter::new().event_types(self.r#type);
        let filter = device.into_iter().fold(filter, EventFilter::device);
        let filter = self.reason.into_iter().fold(filter, EventFilter::reason);
        let filter = self.attempt.into_iter().fold(filter, EventFilter::attempt);
        let filter = self.from.into_iter().fold(filter, EventFilter::from);
        self.to.into_iter().fold(filter, EventFilter::to)
    }
}

/// List the events of the organisation, newest first.
#[utoipa::path(
    get, path = "/organisations/{org}/renewal-events", tag = "History",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), Listing<EventsQuery>),
    responses((status = 200, description = "A page of events", body = Page<Event>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<Event>>, Problem> {
    let Listing { filter: EventsQuery { device, conditions }, page } = call.query()?;
    let device = match device {
        Some(device) => Some(call.device_called(&device).await?.id),
        None => None,
    };
    read(&call, &conditions.filter(device), &page).await
}

/// List the events of one device, newest first.
#[utoipa::path(
    get, path = "/organisations/{org}/devices/{device}/events", tag = "History",
    security(("api_token" = ["viewer"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("device" = String, Path, description = "The device: its name, or its UUID", min_length = 1, max_length = 64),
        Listing<Conditions>,
    ),
    responses((status = 200, description = "A page of events", body = Page<Event>))
)]
pub(super) async fn of_device(Viewer { call }: Viewer) -> Result<Json<Page<Event>>, Problem> {
    let Listing { filter, page } = call.query::<Listing<Conditions>>()?;
    read(&call, &filter.filter(Some(call.device().await?.id)), &page).await
}

/// Show one event.
#[utoipa::path(
    get, path = "/organisations/{org}/renewal-events/{id}", tag = "History",
    security(("api_token" = ["viewer"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The event"),
    ),
    responses((status = 200, description = "The event", body = Event))
)]
pub(super) async fn show(Viewer { call }: Viewer) -> Result<Json<Event>, Problem> {
    let id: EventId = call.id()?;
    call.no_query()?;
    let event = call.parts.service.stores().events.get(call.org, id).await?;
    Ok(Json(Event::from(&event.ok_or(Problem::NotFound)?)))
}

async fn read(call: &Call, filter: &EventFilter, page: &PageQuery) -> Result<Json<Page<Event>>, Problem> {
    let page = page.request(&filter.scope(call.org))?;
    let events = call.parts.service.stores().events.list(call.org, filter, &page).await?;
    Ok(Json(Page::of(&events)))
}

fn event_types() -> Array {
    ArrayBuilder::new().items(event_type()).build()
}
