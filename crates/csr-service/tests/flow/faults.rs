//! Whatever fails, and wherever: nothing is released without its rows, and every attempt ends.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use csr_service::{ApprovalMode, Outcome, ServiceError};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use renewal_domain::RequestKind;

use crate::store_that_fails::{Fault, failing_store};
use crate::support::{Device, ORG, World, by, days, issued, profile};

const FAULTS: [Fault; 5] =
    [Fault::FailBefore, Fault::FailAfter, Fault::GoneFrom, Fault::HangBefore, Fault::HangAfter];

/// The store calls of the longest flow, and some.
const CALLS: usize = 6;

#[tokio::test]
async fn a_store_that_fails_at_any_step_releases_nothing_unrecorded_and_leaves_nothing_open() {
    let mut hits = 0;
    for fault in FAULTS {
        for at in 0..CALLS {
            for expired in [false, true] {
                let world = World::new();
                let device = Device::named("gateway-1");
                let first = device.enroll(&world.service()).await;
                if expired {
                    world.clock.set(first.not_after + days(1));
                }
                let store = failing_store(world.store.clone(), at, fault);
                let service = world.builder(profile(), store.clone()).build();
                let ask = tokio::time::timeout(Duration::from_millis(50), device.renew(&service, &first));
                let outcome = ask.await;
                hits += usize::from(store.interceptor().was_hit());
                if let Ok(Ok(Outcome::Issued(issued))) = &outcome {
                    let recorded = world.certificates(&device).await;
                    assert!(recorded.contains(&issued.certificate), "{fault:?} at call {at}");
                }
                drop(service);
                world.clock.advance(chrono::TimeDelta::hours(1));
                world.service().reconcile(ORG).await.unwrap();
                world.assert_all_ended().await;
                world.assert_consistent(&[&device]).await;
                issued(device.renew(&world.service(), &first).await.unwrap());
            }
        }
    }
    assert!(hits >= FAULTS.len() * 2 * 2, "the flow calls the store at least twice: {hits}");
}

#[tokio::test]
async fn an_approval_that_fails_at_any_step_can_be_given_again() {
    for fault in FAULTS {
        for at in 0..CALLS {
            let world = World::new();
            let manual = || profile().approval(RequestKind::Renewal, ApprovalMode::Manual);
            let service = world.service_with(manual());
            let device = Device::named("gateway-1");
            let first = device.enroll(&service).await;
            let Outcome::Pending(pending) = device.renew(&service, &first).await.unwrap() else {
                panic!("it waits for a person")
            };
            let store = failing_store(world.store.clone(), at, fault);
            let failing = world.builder(manual(), store).build();
            let by = by();
            let approve = failing.approve(ORG, pending.request_id, &by);
            let _lost = tokio::time::timeout(Duration::from_millis(50), approve).await;
            match service.approve(ORG, pending.request_id, &by).await {
                Ok(Outcome::Issued(_)) | Err(ServiceError::NoSuchRequest(_)) => {}
                other => panic!("{fault:?} at call {at}: {other:?}"),
            }
            assert_eq!(world.story().await, ["renewal_start", "renewal_success"], "{fault:?} at call {at}");
            world.assert_all_ended().await;
            world.assert_consistent(&[&device]).await;
        }
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_at_any_await_point_leaves_every_attempt_ended() {
    for polls in 0..12 {
        let world = World::new();
        let device = Device::named("gateway-1");
        let first = device.enroll(&world.service()).await;
        // A store that yields at each call, and has no fault.
        let store = failing_store(world.store.clone(), usize::MAX, Fault::FailBefore);
        let service = world.builder(profile(), store).build();
        {
            let mut asked = pin!(device.renew(&service, &first));
            for _ in 0..polls {
                if futures::poll!(&mut asked).is_ready() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.assert_all_ended().await;
        world.assert_consistent(&[&device]).await;
    }
}

/// A runtime that stops drops its tasks wherever they are.
#[test]
fn a_process_that_stops_at_any_moment_leaves_what_the_reconciler_ends() {
    for micros in [0, 50, 100, 200, 400, 800, 1_600, 3_200] {
        let world = World::new();
        let device = Device::named("gateway-1");
        let runtime =
            || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let first = runtime().block_on(device.enroll(&world.service()));
        let dying = runtime();
        dying.block_on(async {
            let store = failing_store(world.store.clone(), usize::MAX, Fault::FailBefore);
            let service = world.builder(profile(), store).build();
            let asked = device.renew(&service, &first);
            let _stopped = tokio::time::timeout(Duration::from_micros(micros), asked).await;
        });
        dying.shutdown_background();
        std::thread::sleep(Duration::from_millis(20));
        world.clock.advance(chrono::TimeDelta::hours(1));
        runtime().block_on(async {
            world.service().reconcile(ORG).await.unwrap();
            world.assert_all_ended().await;
            world.assert_consistent(&[&device]).await;
        });
    }
}

/// A key in a module that lost its connection, or that never answers.
struct BrokenKey {
    public: rcgen::KeyPair,
    delay: Duration,
}

impl PublicKeyData for BrokenKey {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.public.algorithm()
    }
}

impl SigningKey for BrokenKey {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        std::thread::sleep(self.delay);
        Err(rcgen::Error::RemoteKeyError)
    }
}

pub(crate) fn broken(world: &World, delay: Duration) -> csr_service::Issuer {
    use renewal_domain::Clock;
    let public = rcgen::KeyPair::from_pem(world.authority.key_pem()).unwrap();
    let signer = Arc::new(BrokenKey { public, delay });
    csr_service::Issuer::with_signer(world.authority.certificate_pem(), signer, world.clock.now()).unwrap()
}

#[tokio::test]
async fn a_key_that_does_not_sign_ends_the_attempt() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let issuer = broken(&world, Duration::ZERO);
    let service = world.builder_for(issuer, profile(), world.store.clone()).build();
    let error = device.renew(&service, &first).await.unwrap_err();
    assert!(matches!(error, ServiceError::Issue(_)), "{error}");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: signer_failed"]);
    world.assert_all_ended().await;
}

/// A key whose module's library panics.
struct PanickingKey(rcgen::KeyPair);

impl PublicKeyData for PanickingKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for PanickingKey {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        panic!("the module's library has a fault")
    }
}

#[tokio::test]
async fn a_key_that_panics_ends_the_attempt() {
    use renewal_domain::Clock;
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let signer = Arc::new(PanickingKey(rcgen::KeyPair::from_pem(world.authority.key_pem()).unwrap()));
    let certificate = world.authority.certificate_pem();
    let issuer = csr_service::Issuer::with_signer(certificate, signer, world.clock.now()).unwrap();
    let service = world.builder_for(issuer, profile(), world.store.clone()).build();
    let error = device.renew(&service, &first).await.unwrap_err();
    assert!(matches!(error, ServiceError::SignerPanicked(_)), "{error}");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: signer_failed"]);
    world.assert_all_ended().await;
}

#[tokio::test]
async fn a_key_that_never_answers_runs_into_the_deadline() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let issuer = broken(&world, Duration::from_millis(300));
    let hasty = profile().signing_deadline(Duration::from_millis(100));
    let service = world.builder_for(issuer, hasty, world.store.clone()).build();
    let error = device.renew(&service, &first).await.unwrap_err();
    assert!(matches!(error, ServiceError::SignerTimeout(_)), "{error}");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: signer_failed"]);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(world.certificates(&device).await.len(), 1, "what it signed too late is dropped");
}

#[tokio::test]
async fn a_ledger_that_does_not_take_the_certificate_ends_the_attempt() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    // After the opening of the request.
    let store = failing_store(world.store.clone(), 1, Fault::FailBefore);
    let service = world.builder(profile(), store).build();
    let error = device.renew(&service, &first).await.unwrap_err();
    assert!(matches!(error, ServiceError::Store(_)), "{error}");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: store_failed"]);
    assert_eq!(world.certificates(&device).await.len(), 1, "the enrollment's alone");
    world.assert_all_ended().await;
}

/// A key in a module that signs with another key than it says.
struct WrongKey {
    public: rcgen::KeyPair,
    other: rcgen::KeyPair,
}

impl PublicKeyData for WrongKey {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.public.algorithm()
    }
}

impl SigningKey for WrongKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.other.sign(message)
    }
}

#[tokio::test]
async fn what_was_signed_with_a_wrong_key_is_not_released() {
    use renewal_domain::Clock;
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let public = rcgen::KeyPair::from_pem(world.authority.key_pem()).unwrap();
    let signer = Arc::new(WrongKey { public, other: rcgen::KeyPair::generate().unwrap() });
    let certificate = world.authority.certificate_pem();
    let issuer = csr_service::Issuer::with_signer(certificate, signer, world.clock.now()).unwrap();
    let service = world.builder_for(issuer, profile(), world.store.clone()).build();
    let error = device.renew(&service, &first).await.unwrap_err();
    assert!(error.to_string().contains("the signature does not verify"), "{error}");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: issued_certificate_wrong"]);
    assert_eq!(world.certificates(&device).await.len(), 1, "the enrollment's alone");
    world.assert_all_ended().await;
}
