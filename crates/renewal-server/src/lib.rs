//! The server of Renewal Ledger: devices enroll, renew and recover their certificates over EST
//! (RFC 7030, RFC 8951); operators find out what happened, and decide, over an HTTP API.
//!
//! [`EstServer`] listens; [`Est`] is what it offers, over a [`CsrService`](csr_service::CsrService);
//! [`ServerCertificate`] is how it shows devices who it is, and [`Limits`] how much one of them may
//! take. It promises:
//!
//! - a certificate that a client presents counts only if the client proved, in this very
//!   handshake, to hold its key; who issued it and whether it has expired is the service's to judge,
//!   so that an expired device is recovered, or refused with a reason and an event;
//! - an unauthenticated requester writes nothing into the ledger, and a device in a loop only a little;
//! - what goes wrong inside is logged and never answered: a device learns a stable code, a sentence, and
//!   whether to try again;
//! - on a stop, requests in flight get their answers first.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use csr_service::CsrService;
//! # use renewal_domain::{OrgId, SystemClock};
//! use renewal_server::{Est, EstServer, Limits, ServerCertificate};
//!
//! # async fn run(
//! #     service: CsrService,
//! #     org: OrgId,
//! #     shutdown: impl Future<Output = ()> + Send,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let est = Est::builder(service, org).label("factory-2", org).build()?;
//! let certificate =
//!     Arc::new(ServerCertificate::from_files("server.pem", "server.key", Arc::new(SystemClock))?);
//! let address = ([0, 0, 0, 0], 8443).into();
//! let server = EstServer::bind(address, est, certificate.clone(), Limits::default()).await?;
//! // On SIGHUP: certificate.reload()?
//! let stopped = server.serve(shutdown).await;
//! println!("{} connections were cut off", stopped.cut_off);
//! # Ok(())
//! # }
//! ```
//!
//! | to see | look at |
//! |---|---|
//! | who may enroll | [`EnrollmentTokens`], [`EnrollmentAuthority`], [`BootstrapIssuer`] |
//! | how often a device may try | [`AttemptLimits`] |
//! | what a device is answered to which request | `docs/est.md` in the repository |
//! | what operators ask | [`Api`], [`ApiServer`], [`api::model`], `docs/api.md` in the repository |
//! | how it does, and how the fleet stands | [`Metrics`], [`Gauges`] |
//! | how old history is pruned | [`ScheduledRetention`] |

pub mod api;
mod body;
mod details;
mod est;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod listener;
mod metrics;
mod retention;
mod retry_after;
mod server;
mod tls;

pub use api::Api;
pub use est::{
    AttemptLimits, BootstrapIssuer, BootstrapNames, EnrollmentAuthority, EnrollmentTokens, Est, EstBuilder,
    EstConfigError, InvalidLabel, NotEncodable,
};
pub use limits::Limits;
pub use listener::Stopped;
pub use metrics::{Gauges, Listener, Metrics, StoreMetrics};
pub use retention::ScheduledRetention;
pub use server::{ApiServer, EstServer, ListenError};
pub use tls::{ServerCertificate, ServerCertificateError};
