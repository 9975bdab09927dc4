//! EST: Enrollment over Secure Transport (RFC 7030, clarified by RFC 8951), and beside it the
//! revocation lists of the issuers.
//!
//! One file an operation, and one for each thing that several need. What comes out of an
//! operation is an `Answer` or a `Refusal`; each becomes HTTP in one place.

mod answer;
mod attempts;
mod authority;
mod bootstrap;
mod builder;
mod cacerts;
mod certs_only;
mod challenge;
mod content;
mod credential;
mod crl;
mod csrattrs;
mod enroll;
mod enrollment_tokens;
mod labels;
mod outcome;
mod refusal;
mod revocation_lists;
mod routes;
mod status;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use csr_service::CsrService;
use renewal_domain::Clock;

pub use attempts::AttemptLimits;
pub use authority::EnrollmentAuthority;
pub use bootstrap::{BootstrapIssuer, BootstrapNames};
pub use builder::{EstBuilder, EstConfigError};
pub use certs_only::NotEncodable;
pub use enrollment_tokens::EnrollmentTokens;
pub use labels::InvalidLabel;

use self::attempts::Attempts;
use self::bootstrap::BootstrapIssuers;
use self::challenge::Challenge;
use self::labels::Labels;
use self::revocation_lists::RevocationLists;
use crate::Limits;
use crate::metrics::{Listener, Metrics};

/// The EST operations over a [`CsrService`]: what [`EstServer`](crate::EstServer) serves.
pub struct Est(Parts);

/// What the operations are made of.
struct Parts {
    service: CsrService,
    labels: Labels,
    ca_certificates: Bytes,
    bootstrap_issuers: BootstrapIssuers,
    client_authorities: Vec<Vec<u8>>,
    authority: Option<Arc<dyn EnrollmentAuthority>>,
    challenge: Challenge,
    attempts: Attempts,
    revocation_lists: RevocationLists,
    clock: Arc<dyn Clock>,
    metrics: Option<Metrics>,
}

impl Est {
    /// The names (DER) of the authorities whose certificates clients may present.
    pub(crate) fn client_authorities(&self) -> Vec<Vec<u8>> {
        self.0.client_authorities.clone()
    }

    pub(crate) fn into_router(self, limits: &Limits) -> Router {
        let metrics = self.0.metrics.clone();
        let router = routes::router(Arc::new(self.0), limits);
        match metrics {
            Some(metrics) => metrics.measure(Listener::Est, router),
            None => router,
        }
    }
}

impl fmt::Debug for Est {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Est")
            .field("service", &self.0.service)
            .field("labels", &self.0.labels)
            .field("bootstrap_issuers", &self.0.bootstrap_issuers)
            .finish_non_exhaustive()
    }
}
