//! `csrattrs`: what a request should contain (RFC 7030, section 4.5).

use super::answer::Answer;
use super::refusal::Refusal;
use super::routes::Organisation;

/// Asks for nothing, as the standard has it for a server without wishes: the profile takes any allowed
/// key, the device alone knows its names, and everything else in a certificate is the profile's. In
/// particular no `challengePassword` is asked for; see [`enroll`](super::enroll).
pub(super) async fn csrattrs(_organisation: Organisation) -> Result<Answer, Refusal> {
    Ok(Answer::NoAttributes)
}
