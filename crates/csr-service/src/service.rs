//! The service: its parts, and how it is put together.

mod api_tokens;
mod authorise;
mod decide;
mod enrollment_tokens;
mod finish;
mod reconcile;
mod revocation_list;
mod revoke;
mod submit;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use renewal_domain::{Clock, DeviceId, DeviceName, IdSource, Ids, OrgId, Stores, SystemClock, device};

pub use api_tokens::ApiTokenSecret;
pub use enrollment_tokens::TokenSecret;
pub use reconcile::Reconciled;
pub use submit::Request;

use crate::observer::{Nobody, Observer};
use crate::organisations::{EveryOrganisation, Organisations};
use crate::{DeviceIssuer, Issuer, Profile};

/// The certificate signing service: checks requests, signs them, and keeps the ledger.
///
/// Cloning gives another handle to the same service. Its methods are safe to call from many
/// tasks at once, and safe to drop: what a dropped [`submit`](Self::submit) had begun goes on
/// to its end in the background, on the tokio runtime it was called on.
#[derive(Clone)]
pub struct CsrService {
    parts: Arc<Parts>,
}

/// What the service is made of.
struct Parts {
    issuer: Issuer,
    device_issuers: Vec<DeviceIssuer>,
    profile: Profile,
    stores: Stores,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    organisations: Arc<dyn Organisations>,
    observer: Arc<dyn Observer>,
    name_prefix: String,
    unauthenticated_requests: AtomicU64,
}

/// Puts a [`CsrService`] together.
pub struct CsrServiceBuilder {
    issuer: Issuer,
    profile: Profile,
    stores: Stores,
    device_issuers: Vec<DeviceIssuer>,
    recorded_only: bool,
    clock: Arc<dyn Clock>,
    ids: Option<Arc<dyn IdSource>>,
    organisations: Arc<dyn Organisations>,
    observer: Arc<dyn Observer>,
    name_prefix: String,
}

impl CsrService {
    /// Begins a service that signs with `issuer` what `profile` allows and records it in
    /// `stores`: an object of each trait, or the `Arc` of a store that has them all.
    #[must_use]
    pub fn builder(issuer: Issuer, profile: Profile, stores: impl Into<Stores>) -> CsrServiceBuilder {
        CsrServiceBuilder {
            issuer,
            profile,
            stores: stores.into(),
            device_issuers: Vec::new(),
            recorded_only: false,
            clock: Arc::new(SystemClock),
            ids: None,
            organisations: Arc::new(EveryOrganisation),
            observer: Arc::new(Nobody),
            name_prefix: device::DEFAULT_PREFIX.to_owned(),
        }
    }

    /// The authority that the service signs with.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.parts.issuer
    }

    /// The store: what the service wrote is read there.
    #[must_use]
    pub fn stores(&self) -> &Stores {
        &self.parts.stores
    }

    /// The clock that the service goes by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    /// The device that a name means within an organisation, with the service's
    /// [prefix](CsrServiceBuilder::name_prefix).
    #[must_use]
    pub fn device_id(&self, org: OrgId, name: &DeviceName) -> DeviceId {
        DeviceId::of(org, name, &self.parts.name_prefix)
    }

    /// How many requests were refused, since the service was built, without a trace in the
    /// ledger because the requester had proven no identity.
    #[must_use]
    pub fn unauthenticated_requests(&self) -> u64 {
        self.parts.unauthenticated_requests.load(Ordering::Relaxed)
    }
}

impl CsrServiceBuilder {
    /// Trusts the device certificates of another authority too: a previous issuer, or the
    /// one a fleet arrives with. The present issuer is always one.
    #[must_use]
    pub fn device_issuer(mut self, issuer: DeviceIssuer) -> Self {
        self.device_issuers.push(issuer);
        self
    }

    /// Demands that a presented certificate of the present issuer be recorded in the ledger of
    /// the organisation it is used in; others are refused with `certificate_not_recorded`. Wanted
    /// where one issuer serves several organisations, so that a device of one can't renew in
    /// another, and where the issuer never signed anything outside this ledger. Off by default.
    #[must_use]
    pub const fn recorded_certificates_only(mut self, only: bool) -> Self {
        self.recorded_only = only;
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes the ids of events and requests from this source.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = Some(ids);
        self
    }

    /// Asks here whether an organisation is active.
    #[must_use]
    pub fn organisations(mut self, organisations: Arc<dyn Organisations>) -> Self {
        self.organisations = organisations;
        self
    }

    /// Tells this observer what is recorded, refused and signed.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Allows this prefix before a UUID in a common name, in place of `device:`.
    #[must_use]
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// Puts the service together.
    #[must_use]
    pub fn build(self) -> CsrService {
        let ids = self.ids.unwrap_or_else(|| Arc::new(Ids::new(self.clock.clone())));
        let mut device_issuers = vec![self.issuer.as_device_issuer(self.recorded_only)];
        device_issuers.extend(self.device_issuers);
        let parts = Parts {
            issuer: self.issuer,
            device_issuers,
            profile: self.profile,
            stores: self.stores,
            clock: self.clock,
            ids,
            organisations: self.organisations,
            observer: self.observer,
            name_prefix: self.name_prefix,
            unauthenticated_requests: AtomicU64::new(0),
        };
        CsrService { parts: Arc::new(parts) }
    }
}

impl std::fmt::Debug for CsrService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsrService").field("issuer", &self.parts.issuer).finish_non_exhaustive()
    }
}
