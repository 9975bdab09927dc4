//! Revocations: all that there are, and those of certificates that may not have been issued here.

use csr_service::{CaCertificate, ForeignCertificate};
use renewal_domain::{PageRequest, RevokedCertificate, Serial};

use super::access::{Call, Operator, Viewer};
use super::content::Json;
use super::model::{NewRevocation, Page, Revocation, Revoked};
use super::notes::note;
use super::problem::Problem;
use super::query::PageQuery;

/// List the revocations, in the order in which they were recorded.
#[utoipa::path(
    get, path = "/organisations/{org}/revocations", tag = "Revocations",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), PageQuery),
    responses((status = 200, description = "A page of revocations", body = Page<Revocation>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<Revocation>>, Problem> {
    let page: PageRequest = call.query::<PageQuery>()?.request(&RevokedCertificate::scope(call.org))?;
    let revocations = call.parts.service.stores().revocations.revocations(call.org, &page).await?;
    Ok(Json(Page::of(&revocations)))
}

/// Revoke a certificate of any authority that is trusted here, by the certificate itself or by its issuer and
/// serial number. One that was issued here is revoked as by its serial number.
#[utoipa::path(
    post, path = "/organisations/{org}/revocations", tag = "Revocations",
    security(("api_token" = ["operator"])),
    params(("org" = Uuid, Path, description = "The organisation")),
    request_body = NewRevocation,
    responses((status = 200, description = "What was revoked", body = Revoked))
)]
pub(super) async fn create(
    Operator { call }: Operator,
    Json(NewRevocation { certificate, issuer, serial, reason, note: text }): Json<NewRevocation>,
) -> Result<Json<Revoked>, Problem> {
    call.no_query()?;
    let text = note("note", text)?;
    let authorities = call.parts.service.authorities().map_err(|error| {
        tracing::error!(%error, "an authority of the configuration cannot be read");
        Problem::Failed
    })?;
    let foreign = match (certificate, issuer, serial) {
        (Some(pem), None, None) => ForeignCertificate::read(pem.as_bytes(), &authorities)
            .map_err(|why| Problem::InvalidBody(format!("certificate: {why}")))?,
        (None, Some(issuer), Some(serial)) => {
            let serial: Serial =
                serial.parse().map_err(|why| Problem::InvalidBody(format!("serial: {why}")))?;
            ForeignCertificate::named(authority(&issuer, &authorities)?, serial)
        }
        _ => {
            return Err(Problem::InvalidBody("give either certificate, or issuer and serial".to_owned()));
        }
    };
    let service = &call.parts.service;
    let revoked = if is_recorded(&call, &foreign).await? {
        service.revoke(call.org, &foreign.serial, reason, &text, &call.by).await?.1
    } else {
        service.revoke_foreign(call.org, &foreign, reason, &text, &call.by).await?
    };
    Ok(Json(Revoked::from(&revoked)))
}

/// Whether it is a certificate that was issued here.
async fn is_recorded(call: &Call, certificate: &ForeignCertificate) -> Result<bool, Problem> {
    let issuance = &call.parts.service.stores().issuance;
    let recorded = issuance.certificate(call.org, &certificate.serial).await?;
    Ok(recorded.is_some_and(|recorded| {
        recorded.issuer_key_sha256 == certificate.issuer_key_sha256
            && certificate.certificate_sha256.is_none_or(|sha256| sha256 == recorded.certificate_sha256)
    }))
}

/// The authority that a text names: by fingerprint, key identifier, subject or common name.
fn authority<'a>(text: &str, authorities: &'a [CaCertificate]) -> Result<&'a CaCertificate, Problem> {
    let digits = text.replace(':', "").to_ascii_lowercase();
    let mut found: Vec<&CaCertificate> = Vec::new();
    for authority in authorities {
        let named = hex::encode(authority.sha256()) == digits
            || authority.key_id() == digits
            || authority.subject() == text
            || authority.common_name().as_deref() == Some(text);
        // Two certificates of one key are one issuer.
        let same = |other: &&CaCertificate| other.public_key_sha256() == authority.public_key_sha256();
        if named && !found.iter().any(same) {
            found.push(authority);
        }
    }
    match found[..] {
        [authority] => Ok(authority),
        [] => Err(unknown(text, "no authority", authorities)),
        _ => Err(unknown(text, "several authorities", authorities)),
    }
}

fn unknown(text: &str, found: &str, authorities: &[CaCertificate]) -> Problem {
    let known: Vec<_> = authorities
        .iter()
        .map(|authority| {
            format!("{} with the fingerprint {}", authority.subject(), hex::encode(authority.sha256()))
        })
        .collect();
    let text = renewal_domain::text::clean(text, 256);
    Problem::InvalidBody(format!(
        "issuer: {found} that is trusted here has the name or fingerprint {text:?}; known are {}",
        known.join("; ")
    ))
}
