//! A store that is gone, a device in a loop, somebody who guesses passwords.

use std::time::Duration;

use libtest_mimic::Trial;
use renewal_server::AttemptLimits;

use crate::client::Client;
use crate::device::{Device, ENROLL, REENROLL};
use crate::trials::trials;
use crate::world::{Authority, TOKEN, World};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        without_its_store_the_service_is_unavailable_and_then_well_again,
        a_store_that_hangs_is_not_waited_for_without_end,
        a_device_in_a_loop_is_turned_away_before_anything_is_written,
        a_new_certificate_does_not_give_a_device_new_attempts,
        an_unauthenticated_requester_uses_up_no_devices_attempts,
        a_guesser_of_passwords_is_turned_away,
        a_factory_behind_one_address_enrolls_all_its_devices,
    ])
}

async fn without_its_store_the_service_is_unavailable_and_then_well_again() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    world.store.set_down(true);
    for response in [
        client.enroll(REENROLL, &device.csr()).await,
        client.enroll(ENROLL, &device.csr()).await,
        client.enroll_as(ENROLL, &device.csr(), "gateway-1", TOKEN).await,
    ] {
        response.assert_refused(503, "unavailable");
        assert_eq!(response.header("retry-after"), Some("30"));
        assert!(!response.text().contains("10.1.2.3"), "{}", response.text());
    }
    let cacerts = client.get("/.well-known/est/cacerts").await;
    assert_eq!(cacerts.certificates().len(), 1, "what needs no store is served");
    world.store.set_down(false);
    client.enroll(REENROLL, &device.csr()).await.certificate();
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}

async fn a_store_that_hangs_is_not_waited_for_without_end() {
    let mut world = World::new();
    world.limits.answer = Duration::from_millis(700);
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    world.store.set_slow(true);
    let csr = device.csr();
    client.enroll(REENROLL, &csr).await.assert_refused(503, "unavailable");
    while world.story().await != ["renewal_start", "renewal_success"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.store.set_slow(false);
    client.enroll(REENROLL, &csr).await.certificate();
    assert_eq!(world.story().await.len(), 2, "the repeated request got the same answer");
}

fn limits(per_device: u32, per_address: u32) -> AttemptLimits {
    AttemptLimits { per_device, per_address, ..AttemptLimits::default() }
}

async fn a_device_in_a_loop_is_turned_away_before_anything_is_written() {
    let world = World::new();
    let server = world.start_with(|est| est.attempt_limits(limits(10, 10))).await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    for attempt in 1..=15 {
        let response = client.enroll(REENROLL, &device.csr_for("gateway-2")).await;
        if attempt <= 10 {
            response.assert_refused(403, "subject_mismatch");
        } else {
            response.assert_refused(429, "too_many_attempts");
            let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
    }
    assert_eq!(world.story().await.len(), 20);
    let other = Device::named("gateway-2");
    let certificate = other.enroll(&world, &server).await;
    other.client(&world, &server, &certificate).enroll(REENROLL, &other.csr()).await.certificate();
}

async fn a_new_certificate_does_not_give_a_device_new_attempts() {
    let world = World::new();
    let server = world.start_with(|est| est.attempt_limits(limits(3, 10))).await;
    let device = Device::named("gateway-1");
    let mut certificate = device.enroll(&world, &server).await;
    for _ in 0..3 {
        let client = device.client(&world, &server, &certificate);
        certificate = client.enroll(REENROLL, &device.csr()).await.certificate();
    }
    let response = device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await;
    response.assert_refused(429, "too_many_attempts");
}

async fn an_unauthenticated_requester_uses_up_no_devices_attempts() {
    let world = World::new();
    let server = world.start_with(|est| est.attempt_limits(limits(2, 3))).await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let foreign = Authority::new("Device CA").client_certificate("gateway-1", &device.key);
    let requester = device.client(&world, &server, &foreign);
    for _ in 0..3 {
        let response = requester.enroll(REENROLL, &device.csr()).await;
        response.assert_refused(403, "certificate_not_from_device_issuer");
    }
    requester.enroll(REENROLL, &device.csr()).await.assert_refused(429, "too_many_attempts");
    device.client(&world, &server, &certificate).enroll(REENROLL, &device.csr()).await.certificate();
}

async fn a_guesser_of_passwords_is_turned_away() {
    let world = World::new();
    let server = world.start_with(|est| est.attempt_limits(limits(10, 5))).await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    for guess in 0..5 {
        let response = client.enroll_as(ENROLL, &csr, &format!("gateway-{guess}"), "guess").await;
        response.assert_refused(401, "credentials_wrong");
    }
    let response = client.enroll_as(ENROLL, &csr, "gateway-1", TOKEN).await;
    response.assert_refused(429, "too_many_attempts");
}

async fn a_factory_behind_one_address_enrolls_all_its_devices() {
    let world = World::new();
    let server = world.start_with(|est| est.attempt_limits(limits(2, 2))).await;
    for number in 0..20 {
        Device::named(&format!("gateway-{number}")).enroll(&world, &server).await;
    }
}
