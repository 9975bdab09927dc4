//! What most of these tests need: a store with its key, requests that it opens, and what it says then.

use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    CertificateOrigin, IssuanceStore, OpenRequest, OpenRules, Opened, RequestState, SupersededCertificates,
};
use renewal_store_seaorm::{AuthenticationKeys, ConnectOptions, SeaOrmStore, connect};

/// What becomes of a request that was opened, when nobody has to be told about its key.
pub(crate) const NEW: Opened = Opened::New { key_used_by: None };

/// The key of [`open_store`].
pub(crate) const KEY: [u8; 32] = [7; 32];

/// A store that authenticates rows with [`KEY`].
pub(crate) async fn open_store(url: &str, options: ConnectOptions) -> SeaOrmStore {
    connect(url, options).await.unwrap().authenticated(AuthenticationKeys::new(KEY, []))
}

/// A renewal that presents a certificate of another authority: the store need not have recorded that.
pub(crate) fn renewal(samples: &Samples, device: &str, csr: &str, presented: u32) -> OpenRequest {
    samples.trusted(device, csr, presented, CertificateOrigin::Trusted)
}

/// The same, waiting for a person.
pub(crate) fn pending_renewal(samples: &Samples, device: &str, csr: &str, presented: u32) -> OpenRequest {
    let presented = samples.presented(presented, CertificateOrigin::Trusted);
    samples.presenting(device, csr, presented, RequestState::Pending)
}

/// The default rules, but that a device may present a certificate that another one has taken the place of.
pub(crate) fn lenient(samples: &Samples) -> OpenRules {
    OpenRules { superseded: SupersededCertificates::Allow, ..samples.rules() }
}

/// Opens a request, which nothing speaks against.
pub(crate) async fn opens(store: &SeaOrmStore, samples: &Samples, request: &OpenRequest) {
    let opened = store.open(samples.org, request, &samples.rules()).await.unwrap();
    assert_eq!(opened, NEW, "{}", request.device_name());
}
