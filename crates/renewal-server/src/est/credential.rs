//! On what ground a certificate is asked for, and whether that was done too often.

use std::net::IpAddr;

use axum::http::HeaderMap;
use csr_service::{Credential, ProvenCertificate};
use renewal_domain::OrgId;
use tracing::{Span, warn};

use super::Parts;
use super::attempts::{TooMany, Trier};
use super::authority::EnrollmentAuthority;
use super::bootstrap::Bootstrap;
use super::challenge::{Authorization, BasicCredentials};
use super::outcome::store_failure;
use super::refusal::Refusal;
use crate::listener::HttpRequestId;
use crate::tls::Peer;

/// Who asks, as far as the connection and the header tell.
pub(super) struct Requester<'a> {
    pub(super) org: OrgId,
    pub(super) peer: &'a Peer,
    pub(super) headers: &'a HeaderMap,
    pub(super) id: HttpRequestId,
}

impl Requester<'_> {
    fn address(&self) -> IpAddr {
        self.peer.address().ip()
    }

    /// The address as it is recorded: that of an IPv4 client is one of IPv4, whatever the socket is.
    pub(super) fn source_address(&self) -> IpAddr {
        self.address().to_canonical()
    }
}

impl From<TooMany> for Refusal {
    fn from(TooMany { retry_after }: TooMany) -> Self {
        Self::TooManyAttempts(retry_after)
    }
}

impl Parts {
    /// The ground for a `simpleenroll` (RFC 7030, section 4.2.1). In this order:
    ///
    /// 1. HTTP Basic, when there is an authority for it: whoever sends a password means it, even if
    ///    the TLS client also presents a certificate, which may be one that expired too long ago.
    /// 2. A device's certificate, which makes this a renewal or a recovery, as the standard has it for a
    ///    device whose certificate can no longer be used to re-enroll (section 4.2.2).
    /// 3. A bootstrap certificate.
    /// 4. Any other certificate: an unauthenticated requester's, which the service refuses.
    pub(super) async fn credential_to_enroll(&self, who: &Requester<'_>) -> Result<Credential, Refusal> {
        match (&self.authority, Authorization::of(who.headers)) {
            (Some(authority), Authorization::Basic(basic)) => {
                return self.granted(who, authority.as_ref(), &basic).await;
            }
            (Some(_), Authorization::Malformed) => {
                self.attempts.count_unauthenticated(who.address())?;
                return Err(Refusal::CredentialsWrong(self.challenge.clone()));
            }
            (_, Authorization::Absent) | (None, _) => (),
        }
        match who.peer.certificate() {
            Some(proven) => self.presented(who, proven),
            None if self.authority.is_some() => Err(Refusal::CredentialsMissing(self.challenge.clone())),
            None => Err(Refusal::ClientCertificateMissing),
        }
    }

    /// The ground for a `simplereenroll`: the certificate to be renewed, and nothing else
    /// (RFC 7030, section 4.2.2).
    pub(super) fn credential_to_reenroll(&self, who: &Requester<'_>) -> Result<Credential, Refusal> {
        let proven = who.peer.certificate().ok_or(Refusal::ClientCertificateMissing)?;
        match self.service.present(proven) {
            Ok(presented) => self.count_device(who.org, presented.subject().common_name().as_str())?,
            Err(_) => self.attempts.count_unauthenticated(who.address())?,
        }
        Ok(Credential::Certificate(proven.clone()))
    }

    /// A device's certificate, or one that permits an enrollment. No authority has issued both.
    fn presented(&self, who: &Requester<'_>, proven: &ProvenCertificate) -> Result<Credential, Refusal> {
        if let Ok(presented) = self.service.present(proven) {
            self.count_device(who.org, presented.subject().common_name().as_str())?;
            return Ok(Credential::Certificate(proven.clone()));
        }
        if let Some(bootstrap) = self.bootstrap_issuers.judge(who.org, proven.certificate(), self.clock.now())
        {
            return self.bootstrapped(who, bootstrap);
        }
        self.attempts.count_unauthenticated(who.address())?;
        Ok(Credential::Certificate(proven.clone()))
    }

    async fn granted(
        &self,
        who: &Requester<'_>,
        authority: &dyn EnrollmentAuthority,
        basic: &BasicCredentials,
    ) -> Result<Credential, Refusal> {
        // Wrong passwords count, right ones do not: behind one address there may be a whole factory.
        self.attempts.look_at_unauthenticated(who.address())?;
        let grant = authority.grant(who.org, &basic.user, &basic.password).await;
        let Some(grant) = grant.map_err(|error| store_failure(&error, who.id))? else {
            self.attempts.count_unauthenticated(who.address())?;
            warn!(org = %who.org, "refused a user name and password");
            return Err(Refusal::CredentialsWrong(self.challenge.clone()));
        };
        self.attempts.count_password(who.org, &basic.password)?;
        Ok(Credential::Enrollment(grant))
    }

    fn bootstrapped(&self, who: &Requester<'_>, bootstrap: Bootstrap) -> Result<Credential, Refusal> {
        match bootstrap {
            Bootstrap::Granted(grant, Some(name)) => {
                self.count_device(who.org, &name)?;
                Ok(Credential::Enrollment(*grant))
            }
            // Many devices share it, so that it is no device that is counted.
            Bootstrap::Granted(grant, None) => {
                self.attempts.count_unauthenticated(who.address())?;
                Ok(Credential::Enrollment(*grant))
            }
            Bootstrap::Expired(when) => {
                self.attempts.count_unauthenticated(who.address())?;
                Err(Refusal::BootstrapCertificateExpired(when.to_string()))
            }
        }
    }

    fn count_device(&self, org: OrgId, name: &str) -> Result<(), TooMany> {
        Span::current().record("device", name);
        self.attempts.count(Trier::Device(org, name.to_owned()))
    }
}
