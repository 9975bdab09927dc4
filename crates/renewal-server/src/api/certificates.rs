//! Certificates: listed, shown, revoked.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::response::IntoResponse;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use csr_service::certificate_pem;
use renewal_domain::{ActionFilter, CertificateFilter, CertificateRecord, Serial, Target};
use utoipa::IntoParams;
use utoipa::openapi::Object;

use super::access::{Call, Operator, Viewer};
use super::actions::newest;
use super::content::Json;
use super::model::vocabulary::{only, period};
use super::model::{Certificate, CertificateDetails, Page, Revoke, RevokedWith};
use super::notes::note;
use super::period::Period;
use super::problem::Problem;
use super::query::{Listing, Query, Read};

/// The media type of PEM.
const PEM: &str = "application/x-pem-file";

/// Which certificates to list: at most one of these. Without any: the current certificate of every
/// device, the one that expires first before the others.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CertificatesQuery {
    /// All that this device, by its name or its UUID, ever got, newest first.
    #[param(min_length = 1, max_length = 64)]
    device: Option<String>,
    /// The current ones that expire within this time and have not expired yet: a number and a unit
    /// out of `s`, `m`, `h`, `d`.
    #[param(schema_with = period)]
    expiring_within: Option<Period>,
    /// `true`: the current ones that have expired, which nobody renewed.
    #[param(schema_with = yes)]
    expired: Option<bool>,
    /// `true`: those that were revoked, the latest first.
    #[param(schema_with = yes)]
    revoked: Option<bool>,
}

/// In which form to show a certificate.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FormatQuery {
    /// `json`, which is the default, or `pem`.
    #[param(schema_with = formats)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Pem,
}

impl Read for CertificatesQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        let yes = |name| query.word(name, &["true"], |word| (word == "true").then_some(true));
        Ok(Self {
            device: query.one("device")?,
            expiring_within: query.one("expiring_within")?,
            expired: yes("expired")?,
            revoked: yes("revoked")?,
        })
    }
}

impl Read for FormatQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        let format = |word: &str| match word {
            "json" => Some(Format::Json),
            "pem" => Some(Format::Pem),
            _ => None,
        };
        Ok(Self { format: query.word("format", &["json", "pem"], format)? })
    }
}

impl CertificatesQuery {
    async fn filter(self, call: &Call) -> Result<CertificateFilter, Problem> {
        let now = call.parts.service.clock().now();
        match self {
            Self { device: Some(device), expiring_within: None, expired: None, revoked: None } => {
                Ok(CertificateFilter::OfDevice(call.device_called(&device).await?.id))
            }
            Self { device: None, expiring_within: Some(Period(within)), expired: None, revoked: None } => {
                Ok(expiring(now, within))
            }
            Self { device: None, expiring_within: None, expired: Some(_), revoked: None } => {
                Ok(CertificateFilter::ExpiredBefore(now.trunc_subsecs(0)))
            }
            Self { device: None, expiring_within: None, expired: None, revoked: Some(_) } => {
                Ok(CertificateFilter::Revoked)
            }
            Self { device: None, expiring_within: None, expired: None, revoked: None } => {
                Ok(CertificateFilter::Expiring { after: None, until: None })
            }
            _ => Err(Problem::ConflictingParameters("device, expiring_within, expired and revoked")),
        }
    }
}

/// List certificates.
#[utoipa::path(
    get, path = "/organisations/{org}/certificates", tag = "Certificates",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), Listing<CertificatesQuery>),
    responses((status = 200, description = "A page of certificates", body = Page<Certificate>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<Certificate>>, Problem> {
    let Listing { filter, page } = call.query::<Listing<CertificatesQuery>>()?;
    let filter = filter.filter(&call).await?;
    let page = page.request(&filter.scope(call.org))?;
    let certificates = call.parts.service.stores().fleet.certificates(call.org, &filter, &page).await?;
    Ok(Json(Page::of(&certificates)))
}

/// Show one certificate, as JSON, or as PEM when the query or the header `Accept` asks for it.
#[utoipa::path(
    get, path = "/organisations/{org}/certificates/{serial}", tag = "Certificates",
    security(("api_token" = ["viewer"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("serial" = String, Path, description = "The serial number, in hexadecimal", pattern = "^[0-9a-f]{2,40}$"),
        FormatQuery,
    ),
    responses((
        status = 200, description = "The certificate",
        content((CertificateDetails = "application/json"), (String = "application/x-pem-file")),
    ))
)]
pub(super) async fn show(Viewer { call }: Viewer, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    let serial: Serial = call.path("serial")?;
    let FormatQuery { format } = call.query()?;
    let certificate = call.parts.service.certificate(call.org, &serial).await?.ok_or(Problem::NotFound)?;
    Ok(match format.unwrap_or_else(|| accepted(&headers)) {
        Format::Json => Json(details(&call, &certificate).await?).into_response(),
        Format::Pem => {
            ([(CONTENT_TYPE, HeaderValue::from_static(PEM))], certificate_pem(&certificate)).into_response()
        }
    })
}

async fn details(call: &Call, certificate: &CertificateRecord) -> Result<CertificateDetails, Problem> {
    let actions =
        newest(call, &ActionFilter::Target(Target::Certificate(certificate.serial.clone()))).await?;
    let revocations = &call.parts.service.stores().revocations;
    let revoked =
        revocations.revocation(call.org, &certificate.issuer_key_sha256, &certificate.serial).await?;
    // A certificate of another authority may have the same serial number, and an action too.
    let revoked_by = revoked.and_then(|it| actions.iter().find(|action| action.id == it.action_id).cloned());
    Ok(CertificateDetails { certificate: Certificate::from(certificate), revoked_by, actions })
}

/// Revoke a certificate: its device cannot renew with it any more. One that was revoked before keeps the time
/// and reason that it has. For `key_compromise` every other certificate with its key is revoked too, and the
/// key is barred.
#[utoipa::path(
    post, path = "/organisations/{org}/certificates/{serial}/revoke", tag = "Certificates",
    security(("api_token" = ["operator"])),
    params(
        ("org" = Uuid, Path, description = "The organisation"),
        ("serial" = String, Path, description = "The serial number, in hexadecimal", pattern = "^[0-9a-f]{2,40}$"),
    ),
    request_body = Revoke,
    responses((status = 200, description = "The certificate as it is now", body = RevokedWith))
)]
pub(super) async fn revoke(
    Operator { call }: Operator,
    Json(Revoke { reason, note: text }): Json<Revoke>,
) -> Result<Json<RevokedWith>, Problem> {
    let serial: Serial = call.path("serial")?;
    call.no_query()?;
    let text = note("note", text)?;
    let (certificate, revoked) =
        call.parts.service.revoke(call.org, &serial, reason, &text, &call.by).await?;
    let others = revoked.revocations.into_iter().map(|revoked| revoked.serial);
    Ok(Json(RevokedWith {
        certificate: Certificate::from(&certificate),
        also_revoked: others.filter(|other| *other != serial).collect(),
        barred_key: revoked.barred_key.map(hex::encode),
    }))
}

/// The current certificates that expire within a time and have not expired yet: a certificate is
/// valid in the whole second in which it expires.
pub(super) fn expiring(now: DateTime<Utc>, within: Duration) -> CertificateFilter {
    let now = now.trunc_subsecs(0);
    let until = TimeDelta::from_std(within).ok().and_then(|within| now.checked_add_signed(within));
    CertificateFilter::Expiring { after: Some(now - TimeDelta::seconds(1)), until }
}

/// The form that the header `Accept` asks for: PEM if it names that type, and else JSON.
fn accepted(headers: &HeaderMap) -> Format {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = values.flat_map(|value| value.split(','));
    let is_pem = |range: &str| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(PEM);
    if types.any(is_pem) { Format::Pem } else { Format::Json }
}

fn yes() -> Object {
    only(["true"])
}

fn formats() -> Object {
    only(["json", "pem"])
}
