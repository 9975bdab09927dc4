//! Connections: handshakes, limits of time and number, a new server certificate, a stop.

use std::time::{Duration, Instant};

use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_server::Stopped;
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::{Client, Connection, enrollment, request};
use crate::device::{Device, ENROLL, REENROLL};
use crate::trials::trials;
use crate::world::{Authority, TOKEN, World};

const CACERTS: &str = "/.well-known/est/cacerts";

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        no_session_is_resumed,
        a_client_must_hold_the_key_of_its_certificate,
        http_1_1_is_negotiated_and_nothing_else,
        a_slow_handshake_runs_into_its_time,
        a_slow_or_idle_sender_runs_into_its_time,
        connections_beyond_the_limit_wait_for_a_place,
        an_old_connection_gets_no_further_request,
        a_new_server_certificate_is_used_without_dropping_connections,
        a_stop_lets_requests_in_flight_end,
        a_stop_cuts_off_what_does_not_end,
        an_address_in_use_is_named,
        two_hundred_devices_renew_at_once,
    ])
}

async fn no_session_is_resumed() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    for version in [&TLS12, &TLS13] {
        // Its connections share a store of sessions, as rustls clients do.
        let identity = Some((certificate.as_slice(), &device.key));
        let client = Client::with(&world, server.address, identity, &[version]);
        for _ in 0..3 {
            let mut connection = client.connect().await;
            connection.write(&request("GET", CACERTS, &[], b"")).await;
            connection.response().await.certificates();
            assert_eq!(connection.stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}

async fn a_client_must_hold_the_key_of_its_certificate() {
    let world = World::new();
    let server = world.start().await;
    let certificate = Device::named("gateway-1").enroll(&world, &server).await;
    let thief = Device::named("gateway-1");
    for version in [&TLS12, &TLS13] {
        let stolen = Client::with_unchecked_key(&world, server.address, &certificate, &thief.key, version);
        let refused = match stolen.try_connect().await {
            Err(_) => true,
            // In TLS 1.3 the client is done before the server has seen its signature.
            Ok(mut connection) => {
                connection.write(&enrollment(REENROLL, &thief.csr(), None)).await;
                connection.read_response().await.is_none()
            }
        };
        assert!(refused);
    }
    assert!(world.story().await.is_empty());
}

async fn http_1_1_is_negotiated_and_nothing_else() {
    let world = World::new();
    let server = world.start().await;
    let mut client = Client::new(&world, server.address);
    client.offer(&["h2", "http/1.1"]);
    let connection = client.connect().await;
    assert_eq!(connection.stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    client.offer(&["h2"]);
    assert!(client.try_connect().await.is_err());
}

async fn a_slow_handshake_runs_into_its_time() {
    let mut world = World::new();
    world.limits.handshake = Duration::from_millis(300);
    let server = world.start().await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut octets = Vec::new();
    let read = timeout(Duration::from_secs(10), silent.read_to_end(&mut octets)).await.unwrap();
    assert!(read.is_err() || octets.is_empty());
}

async fn a_slow_or_idle_sender_runs_into_its_time() {
    let mut world = World::new();
    world.limits.header = Duration::from_millis(300);
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let mut slow = client.connect().await;
    slow.write(b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: ").await;
    assert!(closed_in_time(&mut slow).await);
    let mut idle = client.connect().await;
    idle.write(&request("GET", CACERTS, &[], b"")).await;
    idle.response().await.certificates();
    assert!(closed_in_time(&mut idle).await);
    assert!(closed_in_time(&mut client.connect().await).await, "one that never says a word");
}

async fn closed_in_time(connection: &mut Connection) -> bool {
    let begun = Instant::now();
    connection.read_response().await.is_none() && begun.elapsed() < Duration::from_secs(5)
}

async fn connections_beyond_the_limit_wait_for_a_place() {
    let mut world = World::new();
    world.limits.connections = 2;
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let (first, _second) = (client.connect().await, client.connect().await);
    let mut third = Box::pin(client.connect());
    assert!(timeout(Duration::from_millis(300), &mut third).await.is_err(), "it waits");
    drop(first);
    timeout(Duration::from_secs(10), third).await.unwrap();
}

async fn an_old_connection_gets_no_further_request() {
    let mut world = World::new();
    world.limits.connection = Duration::from_millis(300);
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    connection.write(&request("GET", CACERTS, &[], b"")).await;
    connection.response().await.certificates();
    assert!(closed_in_time(&mut connection).await);
}

async fn a_new_server_certificate_is_used_without_dropping_connections() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let mut before = client.connect().await;
    let old = server_certificate(&before);
    world.write_server_certificate("localhost");
    server.certificate.reload().unwrap();
    let after = client.connect().await;
    assert_ne!(server_certificate(&after), old);
    before.write(&request("GET", CACERTS, &[], b"")).await;
    before.response().await.certificates();

    std::fs::write(world.path("server.key"), "not a key").unwrap();
    let error = server.certificate.reload().unwrap_err().to_string();
    assert!(error.contains("server.key has no private key"), "{error}");
    assert_eq!(server_certificate(&client.connect().await), server_certificate(&after));
}

fn server_certificate(connection: &Connection) -> Vec<u8> {
    connection.stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

async fn a_stop_lets_requests_in_flight_end() {
    let world = World::new();
    let server = world.start().await;
    let address = server.address;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    let client = device.client(&world, &server, &certificate);
    let mut idle = client.connect().await;
    idle.write(&request("GET", CACERTS, &[], b"")).await;
    idle.response().await.certificates();
    world.store.set_slow(true);
    let mut busy = client.connect().await;
    let request = enrollment(REENROLL, &device.csr(), None);
    futures::join!(busy.write(&request), world.store.next_call());
    let stopping = server.begin_to_stop();
    let response = busy.response().await;
    response.certificate();
    assert_eq!(response.header("connection"), Some("close"));
    assert!(idle.is_closed().await);
    assert_eq!(stopping.await.unwrap(), Stopped { cut_off: 0 });
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}

async fn a_stop_cuts_off_what_does_not_end() {
    let mut world = World::new();
    world.limits.drain = Duration::from_millis(100);
    let server = world.start().await;
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world, &server).await;
    world.store.set_slow(true);
    let mut busy = device.client(&world, &server, &certificate).connect().await;
    let request = enrollment(REENROLL, &device.csr(), None);
    futures::join!(busy.write(&request), world.store.next_call());
    assert_eq!(server.stop().await, Stopped { cut_off: 1 });
    // The first call to the store was cut off: nothing had begun, and nothing is left open.
    assert!(world.open_requests().await.is_empty());
}

async fn an_address_in_use_is_named() {
    let world = World::new();
    let server = world.start().await;
    let est = world.est(world.service()).build().unwrap();
    let bound = renewal_server::EstServer::bind(server.address, est, server.certificate, world.limits).await;
    let error = bound.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("in use"), "{source}");
}

async fn two_hundred_devices_renew_at_once() {
    let world = World::new();
    let server = world.start().await;
    let other = Authority::new("Another CA");
    let devices = join_all((0..200).map(async |number| {
        let device = Device::named(&format!("gateway-{number}"));
        let client = Client::new(&world, server.address);
        let response = client.enroll_as(ENROLL, &device.csr(), &device.name, TOKEN).await;
        (response.certificate(), device)
    }))
    .await;
    let renewals = devices.iter().map(async |(certificate, device)| {
        let client = device.client(&world, &server, certificate);
        let csr = device.csr();
        let (renewed, foreign) = futures::join!(client.enroll(REENROLL, &csr), async {
            let foreign = other.client_certificate(&device.name, &device.key);
            device.client(&world, &server, &foreign).enroll(REENROLL, &device.csr()).await
        });
        foreign.assert_refused(403, "certificate_not_from_device_issuer");
        let renewed = renewed.certificate();
        let (_, renewed) = X509Certificate::from_der(&renewed).unwrap();
        assert_eq!(renewed.subject().to_string(), format!("CN={}", device.name));
    });
    join_all(renewals).await;
    let story = world.story().await;
    let count = |event: &str| story.iter().filter(|told| *told == event).count();
    assert_eq!((story.len(), count("renewal_start"), count("renewal_success")), (400, 200, 200));
    assert!(world.open_requests().await.is_empty());
}
