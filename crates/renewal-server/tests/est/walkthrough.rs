//! The commands of `docs/est.md`, run as they stand.

use std::fmt::Write;
use std::process::Output;

use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::RequestKind;
use tokio::process::Command;

use crate::trials::trials;
use crate::world::{ORG, Server, TOKEN, World, root};

const PAGE: &str = include_str!("../../../../docs/est.md");

pub(crate) fn trials() -> Vec<Trial> {
    [
        trials!(&["bash", "curl", "openssl"], [the_commands_with_curl_and_openssl_work]),
        trials!(&["bash", "pki", "openssl"], [the_commands_with_strongswan_work]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The code blocks of a language under the heading that begins so; without one, those before the first.
fn blocks(heading: &str, language: &str) -> String {
    let mut current = String::new();
    let mut inside = false;
    let mut text = String::new();
    for line in PAGE.lines() {
        match line.strip_prefix("```") {
            Some(begun) => inside = !inside && begun == language,
            None if inside && current == heading => writeln!(text, "{line}").unwrap(),
            None => {
                if let Some(found) = line.strip_prefix("## ") {
                    found.clone_into(&mut current);
                }
            }
        }
    }
    assert!(!text.is_empty(), "no {language} under {heading:?}");
    text
}

async fn run(world: &World, server: &Server, commands: &str) -> String {
    let prelude = blocks("", "sh");
    let output: Output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("{prelude}{commands}")])
        .env("SERVER", format!("https://localhost:{}", server.address.port()))
        .env("TOKEN", TOKEN)
        .current_dir(world.directory.path())
        .output()
        .await
        .unwrap();
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{commands}\n{out}\n{errors}");
    out.into_owned()
}

async fn the_commands_with_curl_and_openssl_work() {
    let world = World::new();
    let server = world.start().await;
    for heading in ["Get the CA certificates", "Enroll", "Renew: the same key", "Renew: another key"] {
        run(&world, &server, &blocks(heading, "sh")).await;
    }
    let heading = "An impostor is refused";
    assert_eq!(run(&world, &server, &blocks(heading, "sh")).await, blocks(heading, "text"));
    world.clock.advance(TimeDelta::days(100));
    run(&world, &server, &blocks("Recover: the certificate has expired", "sh")).await;
    server.stop().await;

    let world = world.approving_manually(RequestKind::Renewal);
    let server = world.start().await;
    let heading = "Manual approval";
    let said = run(&world, &server, &blocks(heading, "sh")).await;
    let request = world.open_requests().await[0].id();
    let shape = |text: &str| text.split_once("(request ").map(|(before, _)| before.to_owned());
    assert_eq!(shape(&said), shape(&blocks(heading, "text")));
    assert!(said.contains(&format!("(request {request})")) && said.contains("retry-after: 60"), "{said}");
    server.service.approve(ORG, request, &root()).await.unwrap();
    run(&world, &server, &blocks("Manual approval: after the approval", "sh")).await;
    assert_eq!(
        world.story().await,
        [
            "renewal_start",
            "renewal_success",
            "renewal_start",
            "renewal_success",
            "renewal_start",
            "renewal_failed: subject_mismatch",
            "recovery_start",
            "recovery_success",
            "renewal_start",
            "renewal_success",
        ]
    );
}

async fn the_commands_with_strongswan_work() {
    let world = World::new();
    let server = world.start().await;
    run(&world, &server, &blocks("A stock EST client: strongSwan", "pki")).await;
    for certificate in ["strong.pem", "strong-new.pem"] {
        let verify = format!("openssl verify -CAfile estca.pem {certificate}");
        assert_eq!(run(&world, &server, &verify).await, format!("{certificate}: OK\n"));
    }
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}
