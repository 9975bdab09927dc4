//! A device enrolls with a one-time token.

use std::time::Duration;

use csr_service::{
    ApprovalMode, Credential, CsrService, EnrollmentGrant, NewEnrollmentToken, Outcome, Reason,
};
use futures::future::join_all;
use renewal_domain::{DeviceName, GrantedNames, RequestKind};

use crate::support::{Device, ORG, World, assert_rejected, by, days, issued, profile, submit};

const HOUR: Duration = Duration::from_hours(1);

fn wanted(device: DeviceName) -> NewEnrollmentToken {
    NewEnrollmentToken { device, names: GrantedNames::default(), lifetime: HOUR }
}

async fn token(service: &CsrService, device: &Device) -> String {
    let name = DeviceName::new(device.name.as_str()).unwrap();
    let (secret, _) = service.new_enrollment_token(ORG, wanted(name), &by()).await.unwrap();
    secret.reveal().to_owned()
}

async fn grant(service: &CsrService, secret: &str) -> Credential {
    Credential::Enrollment(service.grant_by_token(ORG, secret).await.unwrap().unwrap())
}

#[tokio::test]
async fn a_token_enrolls_its_device_once() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let secret = token(&service, &device).await;
    issued(submit(&service, &device.csr(), grant(&service, &secret).await).await.unwrap());
    let refused = submit(&service, &device.csr(), grant(&service, &secret).await).await;
    assert_rejected(refused, Reason::EnrollmentTokenUsed);
    assert_eq!(world.certificates(&device).await.len(), 1);
}

#[tokio::test]
async fn a_device_that_lost_the_answer_gets_it_again_with_the_used_token() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let secret = token(&service, &device).await;
    let csr = device.csr();
    let first = issued(submit(&service, &csr, grant(&service, &secret).await).await.unwrap());
    world.clock.advance(days(1));
    let again = issued(submit(&service, &csr, grant(&service, &secret).await).await.unwrap());
    assert_eq!(again.certificate, first.certificate);
}

#[tokio::test]
async fn a_token_of_one_device_enrolls_no_other() {
    let world = World::new();
    let service = world.service();
    let secret = token(&service, &Device::named("gateway-1")).await;
    let other = Device::named("gateway-2");
    let refused = submit(&service, &other.csr(), grant(&service, &secret).await).await;
    assert_rejected(refused, Reason::EnrollmentNameMismatch);
}

#[tokio::test]
async fn a_token_that_expired_or_was_revoked_enrolls_nobody() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let name = DeviceName::new("gateway-1").unwrap();
    let (secret, revoked) = service.new_enrollment_token(ORG, wanted(name), &by()).await.unwrap();
    service.revoke_enrollment_token(ORG, revoked.id, &by()).await.unwrap();
    let refused = submit(&service, &device.csr(), grant(&service, secret.reveal()).await).await;
    assert_rejected(refused, Reason::EnrollmentTokenRevoked);
    let secret = token(&service, &device).await;
    world.clock.advance(days(1));
    let refused = submit(&service, &device.csr(), grant(&service, &secret).await).await;
    assert_rejected(refused, Reason::EnrollmentTokenExpired);
    assert!(service.grant_by_token(ORG, "rle_unknown").await.unwrap().is_none());
}

#[tokio::test]
async fn an_approved_enrollment_reaches_the_device_after_its_token_expired() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Enrollment, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let secret = token(&service, &device).await;
    let csr = device.csr();
    let ask = async || submit(&service, &csr, grant(&service, &secret).await).await.unwrap();
    let Outcome::Pending(pending) = ask().await else { panic!("it waits for a person") };
    world.clock.advance(days(1));
    assert_eq!(ask().await, Outcome::Pending(pending));
    service.approve(ORG, pending.request_id, &by()).await.unwrap();
    issued(ask().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_at_once_with_one_token_one_is_answered() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let secret = token(&service, &device).await;
    let csrs: Vec<_> = (0..16).map(|_| device.rekeyed().csr()).collect();
    let asked = csrs.iter().map(|csr| async { submit(&service, csr, grant(&service, &secret).await).await });
    let mut certificates = 0;
    for outcome in join_all(asked).await {
        match outcome.unwrap() {
            Outcome::Issued(_) => certificates += 1,
            Outcome::Rejected(rejection) => assert_eq!(rejection.reason(), Reason::EnrollmentTokenUsed),
            Outcome::Pending(pending) => panic!("{pending:?}"),
        }
    }
    assert_eq!(certificates, 1);
    assert_eq!(world.open_requests().await, 0);
}

#[test]
fn a_secret_is_not_shown_by_accident() {
    let secret = csr_service::TokenSecret::random().unwrap();
    assert_eq!(format!("{secret:?}"), "TokenSecret(not shown)");
    let grant = EnrollmentGrant::for_any_device();
    assert!(!format!("{grant:?}").contains("rle_"));
}
