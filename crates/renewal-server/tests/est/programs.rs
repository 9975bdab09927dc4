//! curl, OpenSSL and strongSwan's pki, as they are, beyond what the walk-through does.

use std::process::Output;

use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::RequestKind;
use tokio::process::Command;

use crate::device::Device;
use crate::operations::subject;
use crate::trials::trials;
use crate::world::{Authority, ORG, Server, TOKEN, World, root};

pub(crate) fn trials() -> Vec<Trial> {
    [
        trials!(
            &["curl"],
            [
                curl_gets_its_answer_to_ten_megabytes,
                curl_speaks_tls_1_2_and_1_3,
                curl_without_credentials_is_asked_for_them,
            ]
        ),
        trials!(
            &["openssl"],
            [
                openssl_reads_the_ca_certificates_with_the_root,
                openssl_is_told_whose_certificates_are_taken,
                openssl_gets_no_session_to_resume,
            ]
        ),
        trials!(
            &["pki", "openssl"],
            [
                strongswan_recovers_with_an_expired_certificate,
                strongswan_waits_for_approval_and_asks_again,
                strongswan_with_a_wrong_password_gets_nothing,
            ]
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn bash(world: &World, server: &Server, commands: &str) -> Output {
    let mut bash = Command::new("bash");
    bash.args(["-uo", "pipefail", "-c", commands])
        .env("SERVER", format!("https://localhost:{}", server.address.port()))
        .env("CONNECT", server.address.to_string())
        .env("TOKEN", TOKEN)
        .current_dir(world.directory.path());
    bash.output().await.unwrap()
}

/// What commands that succeed print.
async fn run(world: &World, server: &Server, commands: &str) -> String {
    let output = bash(world, server, commands).await;
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{commands}\n{out}\n{errors}");
    out.into_owned()
}

async fn curl_gets_its_answer_to_ten_megabytes() {
    let world = World::new();
    let server = world.start().await;
    std::fs::write(world.path("large"), vec![b'A'; 10 << 20]).unwrap();
    // curl asks first (Expect: 100-continue), and the second time it just sends.
    for expect in ["", "--header Expect:"] {
        let commands = format!(
            "curl --silent --cacert server-ca.pem --user gateway-1:$TOKEN --header 'Content-Type: \
             application/pkcs10' {expect} --data-binary @large $SERVER/.well-known/est/simpleenroll \
             --write-out '%{{http_code}}'"
        );
        let said = run(&world, &server, &commands).await;
        assert!(said.starts_with("body_too_large: ") && said.ends_with("413"), "{said}");
    }
}

async fn curl_speaks_tls_1_2_and_1_3() {
    let world = World::new();
    let server = world.start().await;
    for version in ["--tls-max 1.2", "--tlsv1.3"] {
        let commands = format!(
            "curl --silent --cacert server-ca.pem {version} --output /dev/null --write-out '%{{http_code}}' \
             $SERVER/.well-known/est/cacerts"
        );
        assert_eq!(run(&world, &server, &commands).await, "200");
    }
    let commands = "curl --silent --cacert server-ca.pem --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 \
                    $SERVER/.well-known/est/cacerts";
    assert_eq!(bash(&world, &server, commands).await.status.code(), Some(35), "no TLS 1.1");
}

async fn curl_without_credentials_is_asked_for_them() {
    let world = World::new();
    let server = world.start().await;
    std::fs::write(world.path("device.csr"), Device::named("gateway-1").csr()).unwrap();
    // --anyauth sends the request without credentials first, and follows the challenge.
    let commands = "openssl base64 -A -in device.csr > body && curl --silent --cacert server-ca.pem --anyauth \
                    --user gateway-1:$TOKEN --header 'Content-Type: application/pkcs10' --data @body \
                    --output answer --write-out '%{http_code}' $SERVER/.well-known/est/simpleenroll";
    assert_eq!(run(&world, &server, commands).await, "200");
}

async fn openssl_reads_the_ca_certificates_with_the_root() {
    let world = World::new();
    let root = Authority::new("Root");
    let server = world.start_with(|est| est.ca_certificate(root.pem.clone())).await;
    let commands = "curl --silent --cacert server-ca.pem $SERVER/.well-known/est/cacerts | openssl base64 -d -A | \
                    openssl pkcs7 -inform DER -print_certs -noout | grep ^subject | sort";
    assert_eq!(run(&world, &server, commands).await, "subject=CN = Device CA\nsubject=CN = Root\n");
}

async fn openssl_is_told_whose_certificates_are_taken() {
    let world = World::new();
    let server = world.start().await;
    for version in ["-tls1_2", "-tls1_3"] {
        let commands = format!("openssl s_client -connect $CONNECT {version} < /dev/null 2>&1");
        let said = run(&world, &server, &commands).await;
        assert!(said.contains("Acceptable client certificate CA names\nCN = Device CA\n"), "{said}");
    }
}

async fn openssl_gets_no_session_to_resume() {
    let world = World::new();
    let server = world.start().await;
    let commands =
        "openssl s_client -connect $CONNECT -tls1_2 -reconnect < /dev/null 2>&1 | grep -cE '^New, TLS'";
    assert_eq!(run(&world, &server, commands).await, "6\n");
    let commands = "openssl s_client -connect $CONNECT -tls1_2 -reconnect < /dev/null 2>&1 | grep -c ^Reused";
    assert_eq!(bash(&world, &server, commands).await.stdout, b"0\n");
}

/// A key, a request for `gateway-7`, and the CA certificates.
const PREPARE: &str = "set -e
    pki --estca --url $SERVER --cacert server-ca.pem --caout ca.pem --outform pem --force
    pki --gen --type ecdsa --size 256 --outform pem > device.key
    pki --req --type priv --in device.key --dn CN=gateway-7 > device.csr\n";

/// Enrolls with the token.
const ENROLL: &str = "pki --est --url $SERVER --cacert server-ca.pem --cacert ca.pem --in device.csr \
                      --userpass gateway-7:$TOKEN --outform pem > device.pem\n";

/// Renews with the same key.
const RENEW: &str = "pki --est --url $SERVER --cacert server-ca.pem --cacert ca.pem --in device.csr \
                     --cert device.pem --key device.key --outform pem > renewed.pem\n";

async fn strongswan_recovers_with_an_expired_certificate() {
    let world = World::new();
    let server = world.start().await;
    run(&world, &server, &format!("{PREPARE}{ENROLL}")).await;
    world.clock.advance(TimeDelta::days(100));
    run(&world, &server, RENEW).await;
    assert_eq!(world.story().await, ["recovery_start", "recovery_success"]);
}

async fn strongswan_waits_for_approval_and_asks_again() {
    let world = World::new().approving_manually(RequestKind::Enrollment);
    let server = world.start().await;
    run(&world, &server, PREPARE).await;
    // It keeps to Retry-After, a minute; here nobody waits so long.
    let output = bash(&world, &server, &ENROLL.replace("pki --est", "timeout 3 pki --est")).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("pending"), "{said}");
    server.service.approve(ORG, world.open_requests().await[0].id(), &root()).await.unwrap();
    run(&world, &server, ENROLL).await;
    let pem = std::fs::read(world.path("device.pem")).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    assert_eq!(subject(&pem.contents), "CN=gateway-7");
}

async fn strongswan_with_a_wrong_password_gets_nothing() {
    let world = World::new();
    let server = world.start().await;
    let commands = format!("{PREPARE}{}", ENROLL.replace("$TOKEN", "guess"));
    let output = bash(&world, &server, &commands).await;
    assert!(!output.status.success());
    assert_eq!(std::fs::read(world.path("device.pem")).unwrap(), b"");
}
