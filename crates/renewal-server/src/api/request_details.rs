//! What a person must see of a request before deciding about it.

use csr_service::{Csr, KeyPolicy, MAX_RSA_BITS, MIN_RSA_BITS, NameGrant, UncoveredNames};
use renewal_domain::{OpenRequest, Purpose, StoreError};

use super::access::Call;
use super::model::{self, NotCovered};

/// A request as it is shown. One that this version cannot read any more is shown too, with the reason.
pub(super) async fn shown(call: &Call, request: &OpenRequest) -> Result<model::OpenRequest, StoreError> {
    // Any key: whether the profile still allows it is judged at approval.
    let any_key = KeyPolicy::default().with_rsa_bits(MIN_RSA_BITS..=MAX_RSA_BITS);
    let csr = Csr::parse(request.csr_der(), &any_key);
    let (not_covered, csr, problem) = match csr {
        Ok(csr) => (uncovered(call, request, &csr).await?, Some(csr), None),
        Err(rejection) => (UncoveredNames::default(), None, Some(rejection.to_string())),
    };
    let presented = request.purpose().presented();
    Ok(model::OpenRequest {
        id: request.id(),
        device_id: request.device_id(),
        device_name: request.device_name().to_string(),
        kind: request.purpose().kind(),
        state: request.state(),
        attempt_id: request.attempt_id(),
        opened_at: request.opened_at(),
        presented_serial: presented.map(|presented| presented.serial().clone()),
        presented_not_after: presented.map(renewal_domain::Presented::not_after),
        csr_sha256: hex::encode(request.csr_sha256()),
        requested_lifetime_seconds: request.requested_lifetime().map(|lifetime| lifetime.as_secs()),
        subject: csr.as_ref().map(|csr| csr.subject().to_string()),
        san: csr.iter().flat_map(|csr| csr.san().texts()).collect(),
        not_covered: NotCovered { subject: not_covered.subject, san: not_covered.san },
        key: csr.as_ref().map(|csr| csr.key_kind().to_string()),
        key_sha256: hex::encode(request.public_key_sha256()),
        credential: request.credential().to_owned(),
        source_address: request.source_address(),
        problem,
    })
}

/// The requests of a page as they are shown.
pub(super) async fn page_shown(
    call: &Call,
    page: &renewal_domain::Page<OpenRequest>,
) -> Result<model::Page<model::OpenRequest>, StoreError> {
    let mut items = Vec::with_capacity(page.items.len());
    for request in &page.items {
        items.push(shown(call, request).await?);
        // To read one verifies a signature, and a page has up to 1,000.
        tokio::task::yield_now().await;
    }
    Ok(model::Page { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })
}

/// The names that nothing permits but a decision. A renewal has the names of the certificate that it presents.
async fn uncovered(call: &Call, request: &OpenRequest, csr: &Csr) -> Result<UncoveredNames, StoreError> {
    let service = &call.parts.service;
    let token = match request.purpose() {
        Purpose::Attempt { .. } => return Ok(UncoveredNames::default()),
        Purpose::Enrollment { token } => *token,
    };
    let uncovered = service.uncovered_names(call.org, csr, &NameGrant::none());
    let Some(token) = token.filter(|_| !uncovered.is_empty()) else { return Ok(uncovered) };
    let Some(token) = service.stores().enrollment_tokens.enrollment_token(call.org, token).await? else {
        return Ok(uncovered);
    };
    Ok(service.uncovered_names(call.org, csr, &NameGrant::recorded(&token.names)))
}
