//! The operators' HTTP API: what happened to the certificates of a fleet, and what to do about it.
//!
//! [`Api`] is what an [`ApiServer`](crate::ApiServer) serves; `docs/api.md` in the repository tells how
//! it is used. One file a resource. What several need is in files of its own: who asks and may what
//! (`access`), the query (`query`), JSON (`content`), everything that can be wrong (`problem`). A
//! handler gives what the [`model`] says, or a problem; what becomes of that in HTTP is in one place.

mod access;
mod actions;
mod api_tokens;
mod certificates;
mod content;
mod device_lookup;
mod devices;
mod enrollment_tokens;
mod events;
mod health;
pub mod model;
mod notes;
mod openapi;
mod organisations;
mod period;
mod problem;
mod query;
mod request_details;
mod requests;
mod revocations;
mod routes;
mod summary;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use csr_service::CsrService;

use crate::Limits;
use crate::metrics::{Listener, Metrics};

/// The operators' API over a [`CsrService`]: what [`ApiServer`](crate::ApiServer) serves.
///
/// Whoever uses it needs a token, which [`CsrService::new_api_token`] makes; health, metrics and the
/// description of the API need none.
pub struct Api(Parts);

/// What the API is made of.
struct Parts {
    service: CsrService,
    metrics: Option<Metrics>,
}

impl Api {
    /// The API over `service`, its store and its clock.
    #[must_use]
    pub fn new(service: CsrService) -> Self {
        Self(Parts { service, metrics: None })
    }

    /// Answers at `/metrics` with these, and counts in them what it is asked. Without them there is
    /// nothing at that path.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.0.metrics = Some(metrics);
        self
    }

    pub(crate) fn into_router(self, limits: &Limits) -> Router {
        let metrics = self.0.metrics.clone();
        let router = routes::router(Arc::new(self.0), limits);
        match metrics {
            Some(metrics) => metrics.measure(Listener::Api, router),
            None => router,
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("service", &self.0.service).finish_non_exhaustive()
    }
}
