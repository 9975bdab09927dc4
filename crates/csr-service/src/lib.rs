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
//! - of a request, nothing gets into a certificate but the public key and the vetted names.
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
//! match service.submit(org, Request { csr: csr.as_bytes(), credential, lifetime: None }).await? {
//!     Outcome::Issued(issued) => println!("{}", issued.pem()),
//!     Outcome::Pending(pending) => println!("ask again in {:?}", pending.retry_after),
//!     Outcome::Rejected(rejection) => println!("{rejection}"),
//! }
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod alt_names;
mod authority;
mod ca_certificate;
mod certificate;
mod certificate_der;
mod credential;
mod crl;
mod crl_url;
mod csr;
mod encoding;
mod issuer;
mod issuer_error;
mod key;
mod lint;
mod name_constraints;
mod new_issuer;
mod observer;
mod organisations;
mod outcome;
mod presented;
mod profile;
mod reason;
mod rejection;
mod retention;
mod serial;
mod service;
mod subject;
#[cfg(test)]
mod test_support;

pub use alt_names::{MAX_ALT_NAMES, SubjectAltNames};
pub use ca_certificate::CaCertificate;
pub use certificate::{IssueError, IssuedCertificate, issue};
pub use credential::{Credential, EnrollmentGrant, ProvenCertificate};
pub use crl::{CrlError, CrlIssuer, RevocationList};
pub use crl_url::{CrlUrl, InvalidCrlUrl};
pub use csr::{Csr, MAX_CSR_BYTES, MAX_CSR_PEM_BYTES};
pub use issuer::{Issuer, Signer};
pub use issuer_error::IssuerError;
pub use key::{KeyKind, KeyPolicy, KeyType, MAX_RSA_BITS, MIN_RSA_BITS};
pub use new_issuer::{IssuerKey, NewIssuer, NewIssuerBuilder};
pub use observer::Observer;
pub use organisations::{EveryOrganisation, Organisations};
pub use outcome::{Issued, Outcome, Pending, ServiceError};
pub use presented::{DeviceIssuer, PresentedCertificate};
pub use profile::{ApprovalMode, Profile, ProfileBuilder, ProfileError};
pub use reason::Reason;
pub use rejection::Rejection;
pub use retention::{PruneProgress, Pruned, Retention, RetentionError, prune};
pub use serial::{RandomError, random_serial};
pub use service::{ApiTokenSecret, CsrService, CsrServiceBuilder, Reconciled, Request, TokenSecret};
pub use subject::Subject;
