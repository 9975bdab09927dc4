//! Checks device certificate requests, signs them, and records every renewal and recovery.
//!
//! [`CsrService`] is the service: [`submit`](CsrService::submit) judges and answers a request,
//! [`approve`](CsrService::approve) and [`deny`](CsrService::deny) decide what waits for a
//! person, [`revoke`](CsrService::revoke) stops a certificate's renewals,
//! [`revocation_list`](CsrService::revocation_list) tells others of it, and
//! [`reconcile`](CsrService::reconcile) ends what was left open. [`prune`] removes old history, as a
//! [`Retention`] says. It promises:
//!
//! - no certificate leaves before its row and its success event are committed, in one transaction;
//! - every start has exactly one end, whatever is killed or dropped in between;
//! - a device that proved who it is and is refused has a failure in its history, with a [`Reason`];
//! - of a request, nothing gets into a certificate but the public key and the vetted names;
//! - nobody gets a name that nobody gave them: the [`NamePolicy`] of the profile, the [`NameGrant`] of the
//!   permission to enroll, a person who approves, or the certificate that is renewed.
//!
//! What can be used by itself, without a store: [`Csr`] (PKCS#10, RFC 2986), [`Issuer`],
//! [`NewIssuer`], [`Profile`], [`PresentedCertificate`], [`issue`].
//!
//! ```
//! # use std::sync::Arc;
//! use csr_service::{Credential, CsrService, EnrollmentGrant, Issuer, NewIssuer, Outcome, Profile, Request};
//! use renewal_domain::testing::MemoryStore;
//! use renewal_domain::{Clock, OrgId, SystemClock};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = SystemClock.now();
//! let authority = NewIssuer::builder("My CA").create(now)?;
//! let issuer = Issuer::from_pem(authority.certificate_pem(), authority.key_pem(), now)?;
//! let store = Arc::new(MemoryStore::new());
//! let service = CsrService::builder(issuer, Profile::builder().build()?, store).build();
//! # let key = rcgen::KeyPair::generate()?;
//! # let mut params = rcgen::CertificateParams::default();
//! # params.distinguished_name = rcgen::DistinguishedName::new();
//! # params.distinguished_name.push(rcgen::DnType::CommonName, "gateway-0042");
//! # let csr = params.serialize_request(&key)?.pem()?;
//!
//! let org = OrgId::new(uuid::Uuid::nil());
//! let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
//! match service.submit(org, Request { csr: csr.as_bytes(), credential, lifetime: None, source_address: None }).await? {
//!     Outcome::Issued(issued) => println!("{}", issued.pem()),
//!     Outcome::Pending(pending) => println!("ask again in {:?}", pending.retry_after),
//!     Outcome::Rejected(rejection) => println!("{rejection}"),
//! }
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod authority;
mod ca_certificate;
mod certificate;
mod certificate_der;
mod credential;
mod crl;
mod crl_url;
mod csr;
mod device_issuer;
mod encoding;
mod foreign;
mod issuer;
mod issuer_error;
mod key;
mod lint;
mod name_constraints;
mod names;
mod new_issuer;
mod observer;
mod outcome;
mod presented;
mod profile;
mod reason;
mod rejection;
mod retention;
mod serial;
mod service;
mod stored;
#[cfg(test)]
mod test_support;

pub use ca_certificate::CaCertificate;
pub use certificate::{IssueError, IssuedCertificate, issue};
pub use credential::{BootstrapCertificate, Credential, EnrollmentGrant, ProvenCertificate};
pub use crl::{CrlError, CrlIssuer, RevocationList};
pub use crl_url::{CrlUrl, InvalidCrlUrl};
pub use csr::{Csr, MAX_CSR_BYTES, MAX_CSR_PEM_BYTES};
pub use device_issuer::{Adoption, DeviceIssuer};
pub use foreign::{ForeignCertificate, ForeignCertificateError};
pub use issuer::{Issuer, Signer};
pub use issuer_error::IssuerError;
pub use key::{KeyKind, KeyPolicy, KeyType, MAX_RSA_BITS, MIN_RSA_BITS};
pub use names::{
    AttributePattern, InvalidPattern, MAX_ALT_NAMES, NameGrant, NamePolicy, SanPattern, SanPolicy, Subject,
    SubjectAltNames, SubjectPolicy, UncoveredNames,
};
pub use new_issuer::{IssuerKey, NewIssuer, NewIssuerBuilder};
pub use observer::Observer;
pub use outcome::{Issued, Outcome, Pending, ServiceError};
pub use presented::PresentedCertificate;
pub use profile::{ApprovalMode, Profile, ProfileBuilder, ProfileError};
pub use reason::Reason;
pub use rejection::Rejection;
pub use retention::{
    MAX_SILENCE, PruneError, PruneProgress, Pruned, Retention, RetentionError, check_clock, prune,
    prune_action,
};
pub use serial::{RandomError, random_serial};
pub use service::{
    ApiTokenSecret, CsrService, CsrServiceBuilder, NewEnrollmentToken, Reconciled, Request, Revoked,
    RevokedTokens, TokenSecret, certificate_pem,
};
