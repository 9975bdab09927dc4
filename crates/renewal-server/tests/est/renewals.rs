//! A device that has a certificate gets the next one, or learns why not.

use chrono::TimeDelta;
use csr_service::DeviceIssuer;
use libtest_mimic::Trial;
use renewal_domain::{DeviceName, RequestKind, RevocationReason, Serial};
use rustls::version::{TLS12, TLS13};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::{Client, enrollment};
use crate::device::{Device, ENROLL, REENROLL};
use crate::trials::trials;
use crate::world::{Authority, ORG, OTHER_ORG, TOKEN, World, root};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_device_renews_with_the_same_key_and_with_another,
        renewal_works_over_tls_1_2_and_1_3,
        an_expired_device_is_recovered,
        a_device_that_expired_too_long_ago_is_refused,
        an_impostor_is_refused_with_an_event,
        a_renewal_without_a_certificate_is_refused,
        a_certificate_of_another_authority_authenticates_nobody,
        a_fleet_may_bring_its_certificates_along,
        a_revoked_certificate_is_refused,
        a_revoked_certificate_is_refused_on_every_path,
        a_blocked_device_is_refused_and_its_history_says_so,
        several_requests_of_one_connection_are_each_answered,
        a_waiting_request_says_where_it_came_from,
        a_pending_renewal_is_answered_after_approval,
        a_denied_renewal_is_history,
        a_device_of_one_organisation_leaves_no_trace_in_another,
    ])
}

async fn a_device_renews_with_the_same_key_and_with_another() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let first = device.enroll(&world, &server).await;
    let second = device.client(&world, &server, &first).enroll(REENROLL, &device.csr()).await.certificate();
    assert_eq!(public_key(&second), public_key(&first));
    let rekeyed = Device::named("gateway-1");
    let third = device.client(&world, &server, &second).enroll(REENROLL, &rekeyed.csr()).await.certificate();
    assert_ne!(public_key(&third), public_key(&first));
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"].repeat(2));
}

async fn renewal_works_over_tls_1_2_and_1_3() {
    let world = World::new();
    let server = world.start().await;
    for (name, version) in [("gateway-2", &TLS12), ("gateway-3", &TLS13)] {
        let device = Device::named(name);
        let certificate = device.enroll(&world, &server).await;
        let identity = Some((certificate.as_slice(), &device.key));
        let client = Client::with(&world, server.address, identity, &[version]);
        let connection = client.connect().await;
        assert_eq!(connection.stream.get_ref().1.protocol_version(), Some(version.version));
        client.enroll(REENROLL, &device.csr()).await.certificate();
    }
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"].repeat(2));
}

async fn an_expired_device_is_recovered() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    world.clock.advance(TimeDelta::days(119));
    device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await.certificate();
    assert_eq!(world.story().await, ["recovery_start", "recovery_success"]);
}

async fn a_device_that_expired_too_long_ago_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    world.clock.advance(TimeDelta::days(121));
    let response = device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await;
    response.assert_refused(403, "expired_too_long");
    assert_eq!(world.story().await, ["recovery_start", "recovery_failed: expired_too_long"]);
}

async fn an_impostor_is_refused_with_an_event() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    let response = client.enroll(REENROLL, &device.csr_for("gateway-2")).await;
    response.assert_refused(403, "subject_mismatch");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: subject_mismatch"]);
}

async fn a_renewal_without_a_certificate_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let response = client.enroll(REENROLL, &Device::named("gateway-1").csr()).await;
    response.assert_refused(403, "client_certificate_missing");
}

async fn a_certificate_of_another_authority_authenticates_nobody() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    for authority in ["Another CA", "Device CA"] {
        let certificate = Authority::new(authority).client_certificate("gateway-1", &device.key);
        let response = device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await;
        response.assert_refused(403, "certificate_not_from_device_issuer");
    }
    assert!(world.story().await.is_empty());
    assert_eq!(server.service.unauthenticated_requests(), 2);
}

async fn a_fleet_may_bring_its_certificates_along() {
    let mut world = World::new();
    let previous = Authority::new("Previous CA");
    world.device_issuers.push(DeviceIssuer::trusted(&previous.pem, ORG).unwrap());
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = previous.client_certificate("gateway-1", &device.key);
    device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await.certificate();
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}

async fn a_revoked_certificate_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    let serial = Serial::from_be_bytes(parsed.raw_serial()).unwrap();
    server.service.revoke(ORG, &serial, RevocationReason::KeyCompromise, "", &root()).await.unwrap();
    let response = device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await;
    response.assert_refused(403, "certificate_revoked");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: certificate_revoked"]);
}

async fn a_revoked_certificate_is_refused_on_every_path() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    // The device has renewed it, so that the revoked certificate is not its latest one.
    client.enroll(REENROLL, &device.csr()).await.certificate();
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    let serial = Serial::from_be_bytes(parsed.raw_serial()).unwrap();
    server.service.revoke(ORG, &serial, RevocationReason::Superseded, "", &root()).await.unwrap();
    let others = "/.well-known/est/other/simplereenroll";
    for path in [REENROLL, ENROLL] {
        client.enroll(path, &device.csr()).await.assert_refused(403, "certificate_revoked");
    }
    client.enroll(others, &device.csr()).await.assert_refused(403, "certificate_not_recorded");
    let refused = ["renewal_start", "renewal_failed: certificate_not_recorded"];
    assert_eq!(world.story_of(OTHER_ORG).await, refused);
}

async fn a_blocked_device_is_refused_and_its_history_says_so() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let id = server.service.device_id(ORG, &DeviceName::new("gateway-1").unwrap());
    server.service.block_device(ORG, id, "stolen", &root()).await.unwrap();
    let client = device.client(&world, &server, &certificate);
    client.enroll(REENROLL, &device.csr()).await.assert_refused(403, "device_blocked");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: device_blocked"]);
    let by_token = client.enroll_as(ENROLL, &device.csr(), "gateway-1", TOKEN).await;
    by_token.assert_refused(403, "device_blocked");
}

async fn several_requests_of_one_connection_are_each_answered() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let mut connection = device.client(&world, &server, &certificate).connect().await;
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    let serial = Serial::from_be_bytes(parsed.raw_serial()).unwrap();
    connection.write(&enrollment(REENROLL, &device.csr(), None)).await;
    connection.response().await.certificate();
    // What the service keeps of the certificate is who issued it, and not that it is good.
    world.clock.advance(TimeDelta::days(200));
    connection.write(&enrollment(REENROLL, &Device::named("gateway-1").csr(), None)).await;
    connection.response().await.assert_refused(403, "expired_too_long");
    server.service.revoke(ORG, &serial, RevocationReason::Superseded, "", &root()).await.unwrap();
    connection.write(&enrollment(REENROLL, &device.csr(), None)).await;
    connection.response().await.assert_refused(403, "certificate_revoked");
}

async fn a_waiting_request_says_where_it_came_from() {
    let world = World::new().approving_manually(RequestKind::Renewal);
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await;
    let request = world.open_requests().await.remove(0);
    assert_eq!(request.source_address(), Some([127, 0, 0, 1].into()));
}

async fn a_pending_renewal_is_answered_after_approval() {
    let world = World::new().approving_manually(RequestKind::Renewal);
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    let csr = device.csr();
    for _ in 0..3 {
        let response = client.enroll(REENROLL, &csr).await;
        assert_eq!((response.status, response.header("retry-after")), (202, Some("60")));
    }
    assert_eq!(world.story().await, ["renewal_start"]);
    server.service.approve(ORG, world.open_requests().await[0].id(), &root()).await.unwrap();
    client.enroll(REENROLL, &csr).await.certificate();
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}

async fn a_denied_renewal_is_history() {
    let world = World::new().approving_manually(RequestKind::Renewal);
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    assert_eq!(client.enroll(REENROLL, &device.csr()).await.status, 202);
    server.service.deny(ORG, world.open_requests().await[0].id(), "stolen", &root()).await.unwrap();
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: denied"]);
}

async fn a_device_of_one_organisation_leaves_no_trace_in_another() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    client.enroll(REENROLL, &device.csr()).await.certificate();
    assert_eq!(world.story().await.len(), 2);
    assert!(world.story_of(OTHER_ORG).await.is_empty());
}

fn public_key(der: &[u8]) -> Vec<u8> {
    X509Certificate::from_der(der).unwrap().1.public_key().raw.to_vec()
}
