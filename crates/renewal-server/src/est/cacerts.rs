//! `cacerts`: which authorities a device should trust (RFC 7030, section 4.1).

use std::sync::Arc;

use axum::extract::State;

use super::Parts;
use super::answer::Answer;
use super::refusal::Refusal;
use super::routes::Organisation;

/// Gives out the present issuer's certificate and the further ones that were configured. No
/// credentials are needed: certificates of authorities are public.
pub(super) async fn cacerts(
    State(parts): State<Arc<Parts>>,
    _organisation: Organisation,
) -> Result<Answer, Refusal> {
    Ok(Answer::CaCertificates(parts.ca_certificates.clone()))
}
