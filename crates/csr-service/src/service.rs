//! The service: its parts, and how it is put together.

mod api_tokens;
mod authorise;
mod blocks;
mod certificates;
mod context;
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

pub use api_tokens::{ApiTokenSecret, RevokedTokens};
pub use certificates::certificate_pem;
pub use enrollment_tokens::{NewEnrollmentToken, TokenSecret};
pub use reconcile::Reconciled;
pub use revoke::Revoked;
pub use submit::Request;

use crate::credential::ProvenCertificate;
use crate::observer::{Nobody, Observer};
use crate::{
    Adoption, CaCertificate, DeviceIssuer, Issuer, IssuerError, PresentedCertificate, Profile, Rejection,
};

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
    device_issuers: Arc<[DeviceIssuer]>,
    bootstrap_authorities: Vec<CaCertificate>,
    profile: Profile,
    stores: Stores,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
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
    bootstrap_authorities: Vec<CaCertificate>,
    adoption: Option<Adoption>,
    clock: Arc<dyn Clock>,
    ids: Option<Arc<dyn IdSource>>,
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
            bootstrap_authorities: Vec::new(),
            adoption: None,
            clock: Arc::new(SystemClock),
            ids: None,
            observer: Arc::new(Nobody),
            name_prefix: device::DEFAULT_PREFIX.to_owned(),
        }
    }

    /// The authority that the service signs with.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.parts.issuer
    }

    /// The authorities whose certificates devices may present: the present issuer first.
    #[must_use]
    pub fn device_issuers(&self) -> &[DeviceIssuer] {
        &self.parts.device_issuers
    }

    /// Every authority whose certificates mean something here, be it for renewals or for enrollments.
    ///
    /// # Errors
    /// Never: each was read before.
    pub fn authorities(&self) -> Result<Vec<CaCertificate>, IssuerError> {
        let devices = self.parts.device_issuers.iter().map(|it| CaCertificate::read(it.certificate_der()));
        let bootstrap = self.parts.bootstrap_authorities.iter().cloned().map(Ok);
        devices.chain(bootstrap).collect()
    }

    /// Who presents a certificate: found out once for each proof.
    ///
    /// # Errors
    /// A rejection with one of the reasons `Certificate…` when none of the device issuers issued it.
    pub fn present(&self, proven: &ProvenCertificate) -> Result<Arc<PresentedCertificate>, Rejection> {
        proven.check(&self.parts.device_issuers, self.parts.clock.now())
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

    /// Says that the present issuer was at work before its certificates were recorded here.
    #[must_use]
    pub const fn adopted(mut self, adoption: Adoption) -> Self {
        self.adoption = Some(adoption);
        self
    }

    /// Makes an authority known whose certificates permit enrollments, so that they can be revoked.
    #[must_use]
    pub fn bootstrap_authority(mut self, authority: CaCertificate) -> Self {
        self.bootstrap_authorities.push(authority);
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
        let present = self.issuer.as_device_issuer();
        let present = match self.adoption {
            Some(adoption) => present.adopted(adoption),
            None => present,
        };
        let mut device_issuers = vec![present];
        device_issuers.extend(self.device_issuers);
        let parts = Parts {
            issuer: self.issuer,
            device_issuers: device_issuers.into(),
            bootstrap_authorities: self.bootstrap_authorities,
            profile: self.profile,
            stores: self.stores,
            clock: self.clock,
            ids,
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
