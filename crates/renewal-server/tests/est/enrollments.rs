//! The first certificate: who gets it on which ground.

use std::sync::Arc;

use chrono::TimeDelta;
use csr_service::{CaCertificate, ForeignCertificate, NameGrant, NewEnrollmentToken, TokenSecret};
use libtest_mimic::Trial;
use rcgen::KeyPair;
use renewal_domain::{
    ActionFilter, ActionKind, ActionStore, DeviceName, EnrollmentToken, GrantedNames, PageRequest,
    RequestKind, RevocationReason,
};
use renewal_server::{BootstrapIssuer, BootstrapNames, EnrollmentTokens};

use crate::client::{Client, enrollment, request};
use crate::device::{Device, ENROLL};
use crate::operations::subject;
use crate::trials::trials;
use crate::world::{Authority, DAY, ORG, OTHER_ORG, Server, TOKEN, World, root};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_token_enrolls_its_device,
        a_token_enrolls_no_other_device,
        without_credentials_they_are_asked_for,
        wrong_credentials_permit_nothing,
        without_an_authority_a_certificate_is_needed,
        a_pending_enrollment_is_answered_after_approval,
        a_bootstrap_certificate_enrolls_its_own_name,
        a_shared_bootstrap_certificate_enrolls_any_name,
        a_bootstrap_certificate_is_good_for_its_organisation_alone,
        an_expired_bootstrap_certificate_permits_nothing,
        a_bootstrap_certificate_that_was_revoked_permits_nothing,
        a_bootstrap_rule_grants_names,
        a_device_may_renew_by_simpleenroll,
        an_unauthenticated_requester_is_asked_for_credentials,
        a_password_counts_more_than_a_certificate,
        a_lost_answer_is_given_again,
        a_one_time_token_is_good_for_one_enrollment,
        a_token_that_is_revoked_or_expired_permits_nothing,
    ])
}

async fn a_token_enrolls_its_device() {
    let world = World::new();
    let server = world.start().await;
    let certificate = Device::named("gateway-1").enroll(&world, &server).await;
    assert_eq!(subject(&certificate), "CN=gateway-1");
    assert!(world.story().await.is_empty(), "an enrollment is no renewal");
}

async fn a_token_enrolls_no_other_device() {
    let world = World::new();
    let server = world.start().await;
    let csr = Device::named("gateway-2").csr();
    let response = Client::new(&world, server.address).enroll_as(ENROLL, &csr, "gateway-1", TOKEN).await;
    response.assert_refused(403, "enrollment_name_mismatch");
}

async fn without_credentials_they_are_asked_for() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let response = client.enroll(ENROLL, &Device::named("gateway-1").csr()).await;
    response.assert_refused(401, "credentials_missing");
    let challenge = "Basic realm=\"Renewal Ledger\", charset=\"UTF-8\"";
    assert_eq!(response.header("www-authenticate"), Some(challenge));
}

async fn wrong_credentials_permit_nothing() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    let response = client.enroll_as(ENROLL, &csr, "gateway-1", "guess").await;
    response.assert_refused(401, "credentials_wrong");
    assert!(response.header("www-authenticate").is_some());
    assert!(!response.text().contains("guess"));
    let broken = [("Content-Type", "application/pkcs10"), ("Authorization", "Basic ???")];
    client.send(&request("POST", ENROLL, &broken, b"MAA=")).await.assert_refused(401, "credentials_wrong");
}

async fn without_an_authority_a_certificate_is_needed() {
    let world = World::new();
    let service = world.service();
    let server = world.start_with(|_| renewal_server::Est::builder(service, ORG)).await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    let response = client.enroll_as(ENROLL, &csr, "gateway-1", TOKEN).await;
    response.assert_refused(403, "client_certificate_missing");
}

async fn a_pending_enrollment_is_answered_after_approval() {
    let world = World::new().approving_manually(RequestKind::Enrollment);
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    let response = client.enroll_as(ENROLL, &csr, "gateway-1", TOKEN).await;
    assert_eq!((response.status, response.header("retry-after")), (202, Some("60")));
    let request = world.open_requests().await[0].id();
    assert!(response.text().contains(&request.to_string()), "{}", response.text());
    server.service.approve(ORG, request, &root()).await.unwrap();
    client.enroll_as(ENROLL, &csr, "gateway-1", TOKEN).await.certificate();
}

async fn a_bootstrap_certificate_enrolls_its_own_name() {
    let world = World::new();
    let factory = Authority::new("Factory");
    let bootstrap = BootstrapIssuer::new(&factory.pem, ORG, BootstrapNames::Own).unwrap();
    let server = world.start_with(|est| est.bootstrap_issuer(bootstrap)).await;
    let key = KeyPair::generate().unwrap();
    let certificate = factory.client_certificate("gateway-1", &key);
    let client = Client::presenting(&world, server.address, &certificate, &key);
    let response = client.enroll(ENROLL, &Device::named("gateway-1").csr()).await;
    assert_eq!(subject(&response.certificate()), "CN=gateway-1");
    let response = client.enroll(ENROLL, &Device::named("gateway-2").csr()).await;
    response.assert_refused(403, "enrollment_name_mismatch");
}

async fn a_shared_bootstrap_certificate_enrolls_any_name() {
    let world = World::new();
    let factory = Authority::new("Factory");
    let bootstrap = BootstrapIssuer::new(&factory.pem, ORG, BootstrapNames::Any).unwrap();
    let server = world.start_with(|est| est.bootstrap_issuer(bootstrap)).await;
    let key = KeyPair::generate().unwrap();
    let client = factory.client_certificate("every device", &key);
    let client = Client::presenting(&world, server.address, &client, &key);
    for name in ["gateway-1", "gateway-2"] {
        let response = client.enroll(ENROLL, &Device::named(name).csr()).await;
        assert_eq!(subject(&response.certificate()), format!("CN={name}"));
    }
    let response = client.enroll(crate::device::REENROLL, &Device::named("every device").csr()).await;
    response.assert_refused(403, "certificate_not_from_device_issuer");
}

async fn a_bootstrap_certificate_is_good_for_its_organisation_alone() {
    let world = World::new();
    let factory = Authority::new("Factory");
    let bootstrap = BootstrapIssuer::new(&factory.pem, OTHER_ORG, BootstrapNames::Any).unwrap();
    let server = world.start_with(|est| est.bootstrap_issuer(bootstrap)).await;
    let key = KeyPair::generate().unwrap();
    let client = factory.client_certificate("gateway-1", &key);
    let client = Client::presenting(&world, server.address, &client, &key);
    let csr = Device::named("gateway-1").csr();
    client.enroll("/.well-known/est/other/simpleenroll", &csr).await.certificate();
    client.enroll(ENROLL, &csr).await.assert_refused(401, "certificate_not_from_device_issuer");
}

async fn an_expired_bootstrap_certificate_permits_nothing() {
    let world = World::new();
    let factory = Authority::new("Factory");
    let bootstrap = BootstrapIssuer::new(&factory.pem, ORG, BootstrapNames::Any).unwrap();
    let server = world.start_with(|est| est.bootstrap_issuer(bootstrap)).await;
    let key = KeyPair::generate().unwrap();
    let client = factory.client_certificate("gateway-1", &key);
    let client = Client::presenting(&world, server.address, &client, &key);
    world.clock.advance(TimeDelta::days(3_651));
    let response = client.enroll(ENROLL, &Device::named("gateway-1").csr()).await;
    response.assert_refused(403, "bootstrap_certificate_expired");
}

async fn a_bootstrap_certificate_that_was_revoked_permits_nothing() {
    let world = World::new();
    let factory = Authority::new("Factory");
    let bootstrap = BootstrapIssuer::new(&factory.pem, ORG, BootstrapNames::Any).unwrap();
    let server = world.start_with(|est| est.bootstrap_issuer(bootstrap)).await;
    let key = KeyPair::generate().unwrap();
    let certificate = factory.client_certificate("every device", &key);
    let client = Client::presenting(&world, server.address, &certificate, &key);
    client.enroll(ENROLL, &Device::named("gateway-1").csr()).await.certificate();
    let authorities = [CaCertificate::read(&factory.pem).unwrap()];
    let certificate = ForeignCertificate::read(&certificate, &authorities).unwrap();
    let reason = RevocationReason::Unspecified;
    server.service.revoke_foreign(ORG, &certificate, reason, "", &root()).await.unwrap();
    let response = client.enroll(ENROLL, &Device::named("gateway-2").csr()).await;
    response.assert_refused(403, "certificate_revoked");
    let filter = ActionFilter::Kind(ActionKind::EnrollmentRefused);
    let refused = world.store.inner.actions(ORG, &filter, &PageRequest::default()).await.unwrap().items;
    assert_eq!(refused.len(), 1);
    let expected = format!("By bootstrap certificate {} of every device: ", certificate.serial);
    assert!(refused[0].note.starts_with(&expected), "{}", refused[0].note);
    assert_eq!(refused[0].source_address, Some([127, 0, 0, 1].into()));
}

async fn a_bootstrap_rule_grants_names() {
    let world = World::new();
    let factory = Authority::new("Factory");
    let names = NameGrant::new(Vec::new(), vec!["DNS:{cn}.devices.example".parse().unwrap()]);
    let bootstrap = BootstrapIssuer::new(&factory.pem, ORG, BootstrapNames::Own).unwrap();
    let server = world.start_with(|est| est.bootstrap_issuer(bootstrap.names_granted(names))).await;
    let device = Device::named("gateway-1");
    let certificate = factory.client_certificate("gateway-1", &device.key);
    let client = device.client(&world, &server, &certificate);
    let response = client.enroll(ENROLL, &device.csr_with_dns("gateway-2.devices.example")).await;
    response.assert_refused(403, "san_not_allowed");
    client.enroll(ENROLL, &device.csr_with_dns("gateway-1.devices.example")).await.certificate();
}

async fn a_device_may_renew_by_simpleenroll() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    world.clock.advance(TimeDelta::from_std(DAY * 100).unwrap());
    let response = device.client(&world, &server, &certificate).enroll(ENROLL, &device.csr()).await;
    response.certificate();
    assert_eq!(world.story().await, ["recovery_start", "recovery_success"]);
}

async fn an_unauthenticated_requester_is_asked_for_credentials() {
    let world = World::new();
    let server = world.start().await;
    let other = Authority::new("Device CA");
    let device = Device::named("gateway-1");
    let certificate = other.client_certificate("gateway-1", &device.key);
    let client = device.client(&world, &server, &certificate);
    let response = client.enroll(ENROLL, &device.csr()).await;
    response.assert_refused(401, "certificate_not_from_device_issuer");
    assert!(response.header("www-authenticate").is_some());
    client.enroll_as(ENROLL, &device.csr(), "gateway-1", TOKEN).await.certificate();
    assert!(world.story().await.is_empty());
}

async fn a_password_counts_more_than_a_certificate() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    world.clock.advance(TimeDelta::from_std(DAY * 200).unwrap());
    let client = device.client(&world, &server, &certificate);
    client.enroll(ENROLL, &device.csr()).await.assert_refused(403, "expired_too_long");
    client.enroll_as(ENROLL, &device.csr(), "gateway-1", TOKEN).await.certificate();
    assert_eq!(world.story().await, ["recovery_start", "recovery_failed: expired_too_long"]);
}

async fn a_lost_answer_is_given_again() {
    let world = World::new();
    let server = world.start().await;
    let csr = Device::named("gateway-1").csr();
    let client = Client::new(&world, server.address);
    let asking = enrollment(ENROLL, &csr, Some(("gateway-1", TOKEN)));
    let first = client.send(&asking).await.certificate();
    assert_eq!(client.send(&asking).await.certificate(), first);
}

async fn a_one_time_token_is_good_for_one_enrollment() {
    let world = World::new();
    let tokens = EnrollmentTokens::of(world.service());
    let server = world.start_with(|est| est.enrollment_authority(Arc::new(tokens))).await;
    let (secret, _) = new_token(&server).await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    let response = client.enroll_as(ENROLL, &Device::named("gateway-2").csr(), "x", secret.reveal()).await;
    response.assert_refused(403, "enrollment_name_mismatch");
    let first = client.enroll_as(ENROLL, &csr, "gateway-1", secret.reveal()).await.certificate();
    let again = client.enroll_as(ENROLL, &csr, "gateway-1", secret.reveal()).await.certificate();
    assert_eq!(first, again, "the answer that was lost");
    let other = Device::named("gateway-1").csr();
    let response = client.enroll_as(ENROLL, &other, "gateway-1", secret.reveal()).await;
    response.assert_refused(401, "enrollment_token_used");
    assert!(response.header("www-authenticate").is_some());
    let other_organisation = "/.well-known/est/other/simpleenroll";
    let response = client.enroll_as(other_organisation, &csr, "gateway-1", secret.reveal()).await;
    response.assert_refused(401, "credentials_wrong");
}

async fn a_token_that_is_revoked_or_expired_permits_nothing() {
    let world = World::new();
    let tokens = EnrollmentTokens::of(world.service());
    let server = world.start_with(|est| est.enrollment_authority(Arc::new(tokens))).await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    let (revoked, token) = new_token(&server).await;
    server.service.revoke_enrollment_token(ORG, token.id, &root()).await.unwrap();
    let response = client.enroll_as(ENROLL, &csr, "gateway-1", revoked.reveal()).await;
    response.assert_refused(401, "enrollment_token_revoked");
    let (expired, _) = new_token(&server).await;
    world.clock.advance(TimeDelta::days(1));
    let response = client.enroll_as(ENROLL, &csr, "gateway-1", expired.reveal()).await;
    response.assert_refused(401, "enrollment_token_expired");
}

/// A token for `gateway-1`, good for a day.
async fn new_token(server: &Server) -> (TokenSecret, EnrollmentToken) {
    let name = DeviceName::new("gateway-1").unwrap();
    let wanted = NewEnrollmentToken { device: name, names: GrantedNames::default(), lifetime: DAY };
    server.service.new_enrollment_token(ORG, wanted, &root()).await.unwrap()
}
