//! Bodies and headers that are wrong: each gets a clear answer, and the next request is served.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;

use crate::client::{Client, Response, request};
use crate::device::{Device, ENROLL};
use crate::trials::trials;
use crate::world::{TOKEN, World};

const MIB: usize = 1024 * 1024;

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        base64_may_be_wrapped_and_spaced,
        a_transfer_encoding_header_is_ignored,
        a_wrong_content_type_is_refused,
        what_is_not_base64_is_refused,
        what_is_no_request_is_refused_with_the_services_reason,
        a_large_body_is_refused_before_it_is_read,
        a_large_body_that_is_sent_all_the_same_gets_its_answer,
        a_large_body_without_a_length_is_refused_while_it_is_read,
        a_truncated_body_writes_nothing,
        a_slow_body_runs_into_its_time,
        a_flood_of_header_fields_is_refused,
        what_is_not_http_is_refused,
    ])
}

/// Posts with a valid token, and these header fields and body beside.
async fn post(client: &Client, fields: &[(&str, &str)], body: &[u8]) -> Response {
    client.send(&request("POST", ENROLL, &with_token(fields), body)).await
}

fn with_token<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    // "gateway-1:s3cret-t0ken"
    let token = ("Authorization", "Basic Z2F0ZXdheS0xOnMzY3JldC10MGtlbg==");
    assert_eq!(STANDARD.encode(format!("gateway-1:{TOKEN}")), token.1["Basic ".len()..]);
    [&[token], fields].concat()
}

const PKCS10: (&str, &str) = ("Content-Type", "application/pkcs10");

async fn base64_may_be_wrapped_and_spaced() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let base64 = STANDARD.encode(Device::named("gateway-1").csr());
    let wrapped: String =
        base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\r\n").collect();
    let spaced = format!("\t {}", base64.replace('A', " A\t"));
    let certificates = [base64, wrapped, spaced];
    let mut answers = Vec::new();
    for body in certificates {
        answers.push(post(&client, &[PKCS10], body.as_bytes()).await.certificate());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "it is the same request each time");
}

async fn a_transfer_encoding_header_is_ignored() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let base64 = STANDARD.encode(Device::named("gateway-1").csr());
    for encoding in ["base64", "binary", "nonsense"] {
        let fields = [PKCS10, ("Content-Transfer-Encoding", encoding)];
        post(&client, &fields, base64.as_bytes()).await.certificate();
    }
}

async fn a_wrong_content_type_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let base64 = STANDARD.encode(Device::named("gateway-1").csr());
    for fields in [&[][..], &[("Content-Type", "application/x-www-form-urlencoded")]] {
        post(&client, fields, base64.as_bytes()).await.assert_refused(415, "content_type_not_supported");
    }
    let parameters = [("Content-Type", "application/PKCS10; charset=us-ascii")];
    post(&client, &parameters, base64.as_bytes()).await.certificate();
}

async fn what_is_not_base64_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let csr = Device::named("gateway-1").csr();
    let pem = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END…", STANDARD.encode(&csr));
    for body in [&b"*** rubbish ***"[..], &csr, pem.as_bytes(), b"", b"   "] {
        post(&client, &[PKCS10], body).await.assert_refused(400, "body_not_base64");
    }
}

async fn what_is_no_request_is_refused_with_the_services_reason() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    post(&client, &[PKCS10], b"MAA=").await.assert_refused(400, "csr_malformed");
    let large = STANDARD.encode(vec![0x30; 20 * 1024]);
    post(&client, &[PKCS10], large.as_bytes()).await.assert_refused(400, "csr_too_large");
    let mut csr = Device::named("gateway-1").csr();
    *csr.last_mut().unwrap() ^= 1;
    post(&client, &[PKCS10], STANDARD.encode(csr).as_bytes()).await.assert_refused(400, "signature_invalid");
}

async fn a_large_body_is_refused_before_it_is_read() {
    let world = World::new();
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    let length = (10 * MIB).to_string();
    let fields = with_token(&[PKCS10, ("Content-Length", &length), ("Expect", "100-continue")]);
    connection.write(&request("POST", ENROLL, &fields, b"")).await;
    connection.response().await.assert_refused(413, "body_too_large");
    assert!(connection.is_closed().await);
}

async fn a_large_body_that_is_sent_all_the_same_gets_its_answer() {
    let world = World::new();
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    // A client that reads nothing before it has sent everything: a reset would cost it the answer.
    connection.write(&request("POST", ENROLL, &with_token(&[PKCS10]), &vec![b'A'; 10 * MIB])).await;
    connection.response().await.assert_refused(413, "body_too_large");
}

async fn a_large_body_without_a_length_is_refused_while_it_is_read() {
    let world = World::new();
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    let fields = with_token(&[PKCS10, ("Transfer-Encoding", "chunked")]);
    connection.write(&request("POST", ENROLL, &fields, b"")).await;
    let chunk = [b"4000\r\n", vec![b'A'; 0x4000].as_slice(), b"\r\n"].concat();
    for _ in 0..5 {
        connection.write(&chunk).await;
    }
    connection.response().await.assert_refused(413, "body_too_large");
}

async fn a_truncated_body_writes_nothing() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let mut connection = client.connect().await;
    let whole =
        request("POST", ENROLL, &with_token(&[PKCS10]), &STANDARD.encode(vec![0x30; 300]).into_bytes());
    connection.write(&whole[..whole.len() - 100]).await;
    tokio::io::AsyncWriteExt::shutdown(&mut connection.stream).await.unwrap();
    if let Some(response) = connection.read_response().await {
        response.assert_refused(400, "body_incomplete");
    }
    assert!(world.open_requests().await.is_empty());
    Device::named("gateway-1").enroll(&world, &server).await;
}

async fn a_slow_body_runs_into_its_time() {
    let mut world = World::new();
    world.limits.body = Duration::from_millis(300);
    let server = world.start().await;
    let mut connection = Client::new(&world, server.address).connect().await;
    let whole = request("POST", ENROLL, &with_token(&[PKCS10]), &[b'A'; 1000]);
    connection.write(&whole[..whole.len() - 900]).await;
    connection.response().await.assert_refused(408, "body_too_slow");
    assert!(connection.is_closed().await);
}

async fn a_flood_of_header_fields_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    let many = vec![("x-flood", "1"); 100];
    assert_eq!(client.send(&request("GET", "/", &many, b"")).await.status, 431);
    let large = "a".repeat(20 * 1024);
    assert_eq!(client.send(&request("GET", "/", &[("x-flood", &large)], b"")).await.status, 431);
}

async fn what_is_not_http_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let client = Client::new(&world, server.address);
    assert_eq!(client.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await.status, 400);
    Device::named("gateway-1").enroll(&world, &server).await;
}
