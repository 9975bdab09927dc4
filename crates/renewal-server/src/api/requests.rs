//! Open requests: those that wait for a person, those being signed, and what is decided about them.

use chrono::{DateTime, TimeDelta, Utc};
use csr_service::{Outcome, Reason, Rejection};
use renewal_domain::text::{MAX_MESSAGE_BYTES, clean};
use renewal_domain::{OpenRequestFilter, RequestId, RequestState};
use utoipa::IntoParams;
use utoipa::openapi::Object;

use super::access::{Approver, Call, Viewer};
use super::content::{Json, OptionalJson};
use super::model::vocabulary::{only, period, request_state};
use super::model::{Approve, Certificate, Decision, DecisionOutcome, Note, OpenRequest, Page};
use super::notes::note;
use super::period::Period;
use super::problem::Problem;
use super::query::{Listing, PageQuery, Query, Read};
use super::request_details::{page_shown, shown};

/// Which open requests to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RequestsQuery {
    /// Only requests that wait for this.
    #[param(schema_with = request_state)]
    state: Option<RequestState>,
}

/// Which attempts to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AttemptsQuery {
    /// `open`, which is the default: those that have not ended. How ended ones ended, their events
    /// tell.
    #[param(schema_with = open)]
    #[expect(dead_code, reason = "there is only one")]
    state: Option<Open>,
    /// Only attempts that began longer ago than this: a number and a unit out of `s`, `m`, `h`, `d`.
    #[param(schema_with = period)]
    older_than: Option<Period>,
}

/// The state of an attempt without an end.
#[derive(Debug, Clone, Copy)]
struct Open;

impl Read for RequestsQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self { state: query.word("state", &["pending", "signing"], RequestState::from_name)? })
    }
}

impl Read for AttemptsQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self {
            state: query.word("state", &["open"], |word| (word == "open").then_some(Open))?,
            older_than: query.one("older_than")?,
        })
    }
}

/// List the open requests, oldest first.
#[utoipa::path(
    get, path = "/organisations/{org}/requests", tag = "Requests",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), Listing<RequestsQuery>),
    responses((status = 200, description = "A page of requests", body = Page<OpenRequest>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<OpenRequest>>, Problem> {
    let Listing { filter, page } = call.query::<Listing<RequestsQuery>>()?;
    let filter = OpenRequestFilter { state: filter.state, ..OpenRequestFilter::default() };
    read(&call, &filter, &page).await
}

/// List the renewals and recoveries that have not ended, oldest first.
#[utoipa::path(
    get, path = "/organisations/{org}/attempts", tag = "Requests",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), Listing<AttemptsQuery>),
    responses((status = 200, description = "A page of attempts", body = Page<OpenRequest>))
)]
pub(super) async fn attempts(Viewer { call }: Viewer) -> Result<Json<Page<OpenRequest>>, Problem> {
    let Listing { filter, page } = call.query::<Listing<AttemptsQuery>>()?;
    let opened_before = filter.older_than.map(|age| ago(call.parts.service.clock().now(), age));
    let filter = OpenRequestFilter { opened_before, attempts_only: true, ..OpenRequestFilter::default() };
    read(&call, &filter, &page).await
}

/// Show an open request: everything that a person should know who decides about it.
#[utoipa::path(
    get, path = "/organisations/{org}/requests/{id}", tag = "Requests",
    security(("api_token" = ["viewer"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The request"),
    ),
    responses((status = 200, description = "The request", body = OpenRequest))
)]
pub(super) async fn show(Viewer { call }: Viewer) -> Result<Json<OpenRequest>, Problem> {
    call.no_query()?;
    let request = open_request(&call, call.id()?).await?;
    Ok(Json(shown(&call, &request).await?))
}

/// Approve a pending request: its certificate is signed, and the device gets it when it asks again.
#[utoipa::path(
    post, path = "/organisations/{org}/requests/{id}/approve", tag = "Requests",
    security(("api_token" = ["approver"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The request"),
    ),
    request_body = Option<Approve>,
    responses(
        (status = 200, description = "The request has ended, with a certificate or without", body = Decision),
        (status = 409, description = "There is nothing to decide, or the request is another one"),
    )
)]
pub(super) async fn approve(
    Approver { call }: Approver,
    OptionalJson(Approve { csr_sha256 }): OptionalJson<Approve>,
) -> Result<Json<Decision>, Problem> {
    let request_id: RequestId = call.id()?;
    call.no_query()?;
    // A request never changes, so what is compared here is what is signed.
    let request = open_request(&call, request_id).await?;
    if csr_sha256.is_some_and(|looked_at| !looked_at.eq_ignore_ascii_case(&hex::encode(request.csr_sha256())))
    {
        return Err(Problem::RequestChanged);
    }
    let request = shown(&call, &request).await?;
    let (outcome, certificate, rejection) =
        match call.parts.service.approve(call.org, request_id, &call.by).await? {
            Outcome::Issued(issued) => (DecisionOutcome::Issued, Some(issued.certificate), None),
            Outcome::Rejected(rejection) => (DecisionOutcome::Rejected, None, Some(rejection)),
            Outcome::Pending(_) => return Err(Problem::RequestNotPending),
        };
    Ok(Json(Decision {
        request_id,
        request,
        outcome,
        certificate: certificate.as_ref().map(Certificate::from),
        reason: rejection.as_ref().map(|rejection| rejection.reason().code().to_owned()),
        message: rejection.as_ref().map(Rejection::message),
    }))
}

/// Deny a pending request: it ends as `denied`.
#[utoipa::path(
    post, path = "/organisations/{org}/requests/{id}/deny", tag = "Requests",
    security(("api_token" = ["approver"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("id" = Uuid, Path, description = "The request"),
    ),
    request_body = Option<Note>,
    responses(
        (status = 200, description = "The request has ended", body = Decision),
        (status = 409, description = "There is nothing to decide"),
    )
)]
pub(super) async fn deny(
    Approver { call }: Approver,
    OptionalJson(Note { note: text }): OptionalJson<Note>,
) -> Result<Json<Decision>, Problem> {
    let request_id: RequestId = call.id()?;
    call.no_query()?;
    let text = note("note", text)?;
    let request = open_request(&call, request_id).await?;
    let request = shown(&call, &request).await?;
    call.parts.service.deny(call.org, request_id, &text, &call.by).await?;
    let message =
        if text.is_empty() { Reason::Denied.sentence().to_owned() } else { clean(&text, MAX_MESSAGE_BYTES) };
    Ok(Json(Decision {
        request_id,
        request,
        outcome: DecisionOutcome::Denied,
        certificate: None,
        reason: Some(Reason::Denied.code().to_owned()),
        message: Some(message),
    }))
}

async fn open_request(call: &Call, id: RequestId) -> Result<renewal_domain::OpenRequest, Problem> {
    let request = call.parts.service.stores().issuance.open_request(call.org, id).await?;
    request.ok_or(Problem::NotFound)
}

async fn read(
    call: &Call,
    filter: &OpenRequestFilter,
    page: &PageQuery,
) -> Result<Json<Page<OpenRequest>>, Problem> {
    let page = page.request(&filter.scope(call.org))?;
    let requests = call.parts.service.stores().issuance.open_requests(call.org, filter, &page).await?;
    Ok(Json(page_shown(call, &requests).await?))
}

/// The instant so long before another; the earliest there is when it is longer ago than that.
fn ago(now: DateTime<Utc>, Period(age): Period) -> DateTime<Utc> {
    TimeDelta::from_std(age)
        .ok()
        .and_then(|age| now.checked_sub_signed(age))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn open() -> Object {
    only(["open"])
}
