//! The commands of `docs/api.md`, run as they stand, and its tables.

use std::fmt::Write;
use std::fs;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::trials::trials;
use crate::world::{Device, ORG, Server, World, path};

const PAGE: &str = include_str!("../../../../docs/api.md");

pub(crate) fn trials() -> Vec<Trial> {
    [
        trials!(&["bash", "curl", "openssl"], [the_commands_with_curl_work]),
        trials!([the_example_of_a_problem_is_one]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The code blocks of a language, all of them or those under the heading that begins so.
fn blocks(heading: Option<&str>, language: &str) -> String {
    let mut current = "";
    let mut inside = false;
    let mut text = String::new();
    for line in PAGE.lines() {
        match line.strip_prefix("```") {
            Some(begun) => inside = !inside && begun == language,
            None if inside && heading.is_none_or(|heading| heading == current) => {
                writeln!(text, "{line}").unwrap();
            }
            None => current = line.strip_prefix("## ").unwrap_or(current),
        }
    }
    assert!(!text.is_empty(), "no {language} under {heading:?}");
    text
}

async fn run(server: &Server, commands: &str, variables: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("token"), format!("{}\n", server.administrator.token.as_ref().unwrap()))
        .unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .env("SERVER", format!("http://{}", server.administrator.address))
        .env("ORG", ORG.to_string())
        .envs(variables.iter().copied())
        .current_dir(directory.path())
        .output()
        .await
        .unwrap();
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{commands}\n{out}\n{errors}");
    out.into_owned()
}

async fn the_commands_with_curl_work() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-0042").await;
    device.renew(&server).await;
    Device::enrolled(&server, "gateway-0041").await;
    let said = run(&server, &blocks(None, "sh"), &[]).await;
    for told in [
        "gateway-0042",
        "renewal_start",
        "success_rate",
        "\"secret\":\"rle_",
        "\"secret\":\"rla_",
        "factory key leaked",
        "0abc01",
    ] {
        assert!(said.contains(told), "{told} in {said}");
    }
    let request = server.viewer.get(&path("requests")).await.items()[0].clone();
    let (id, csr_sha256) = (request["id"].as_str().unwrap(), request["csr_sha256"].as_str().unwrap());
    let serial = device.certificate().serial.to_string();
    let variables = [("REQUEST", id), ("CSR_SHA256", csr_sha256), ("SERIAL", &serial)];
    let prelude = blocks(Some(""), "sh");
    let said = run(&server, &format!("{prelude}{}", blocks(None, "decide")), &variables).await;
    assert!(said.contains("\"outcome\":\"issued\"") && said.contains("subject=CN = gateway-0042"), "{said}");
    let revoked = server.viewer.get(&path("certificates?revoked=true")).await.items();
    let revoked = revoked.iter().find(|certificate| certificate["serial"] == serial.as_str()).unwrap();
    assert_eq!(revoked["revocation"]["reason"], "key_compromise");
}

async fn the_example_of_a_problem_is_one() {
    let world = World::new();
    let server = world.start().await;
    let response = server.viewer.get(&path("certificates/01")).await;
    let mut example: Value = serde_json::from_str(&blocks(Some("Problems"), "json")).unwrap();
    example["request_id"] = json!(response.header("x-request-id"));
    let problem: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(problem, example);
}
