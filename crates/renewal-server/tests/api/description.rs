//! The API's description says what the API does.

use std::process::Output;

use libtest_mimic::Trial;
use renewal_domain::SystemClock;
use renewal_server::Metrics;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::trials::trials;
use crate::world::{Device, ORG, Server, World};

pub(crate) fn trials() -> Vec<Trial> {
    [
        trials!([every_path_is_described, every_description_of_a_problem_is_a_problem_document]),
        trials!(&["schemathesis"], [schemathesis_finds_nothing_that_is_not_as_described]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn description(server: &Server) -> Value {
    server.operator.with(None).get("/api/v1/openapi.json").await.json(200)
}

async fn every_path_is_described() {
    let world = World::new();
    let server = world.start().await;
    let description = description(&server).await;
    assert_eq!(description["openapi"], "3.1.0");
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{path}");
            let path = path.replace("/api/v1/organisations/{org}", "");
            operations.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    operations.sort_unstable();
    assert_eq!(
        operations,
        [
            "GET ",
            "GET /actions",
            "GET /api-tokens",
            "GET /api/v1/openapi.json",
            "GET /api/v1/whoami",
            "GET /attempts",
            "GET /certificates",
            "GET /certificates/{serial}",
            "GET /devices/{device}",
            "GET /devices/{device}/events",
            "GET /enrollment-tokens",
            "GET /healthz",
            "GET /metrics",
            "GET /readyz",
            "GET /renewal-events",
            "GET /renewal-events/{id}",
            "GET /requests",
            "GET /requests/{id}",
            "GET /revocations",
            "GET /summary",
            "POST /api-tokens",
            "POST /api-tokens/{id}/revoke",
            "POST /certificates/{serial}/revoke",
            "POST /devices/{device}/block",
            "POST /devices/{device}/revoke-certificates",
            "POST /devices/{device}/unblock",
            "POST /enrollment-tokens",
            "POST /enrollment-tokens/{id}/revoke",
            "POST /requests/{id}/approve",
            "POST /requests/{id}/deny",
            "POST /resume",
            "POST /revocations",
            "POST /suspend",
        ]
    );
}

async fn every_description_of_a_problem_is_a_problem_document() {
    let world = World::new();
    let server = world.start().await;
    let description = description(&server).await;
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    for (path, item) in description["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with('4') {
                    assert_eq!(response["content"]["application/problem+json"]["schema"], problem, "{path}");
                }
            }
        }
    }
    assert!(description["components"]["schemas"]["Problem"]["properties"]["request_id"].is_object());
}

async fn schemathesis_finds_nothing_that_is_not_as_described() {
    let world = World::new().approving_renewals_manually();
    let server = world.start_with(|api| api.metrics(Metrics::new(&SystemClock))).await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    device.fail(&server).await;
    device.renew(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://{}/api/v1/openapi.json", server.operator.address);
    let token = server.administrator.token.clone().unwrap();
    let configuration =
        format!("[parameters]\n\"path.org\" = \"{ORG}\"\n[auth.openapi.api_token]\nbearer = \"{token}\"\n");
    std::fs::write(directory.path().join("schemathesis.toml"), configuration).unwrap();
    // A cursor is good only if it came from an answer, and of some parameters only one can be given:
    // a schema cannot say so, and those refusals are in order.
    let output: Output = Command::new("schemathesis")
        .args(["run", &url, "--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--max-time", "60", "--max-examples", "30", "--seed", "1", "--no-color"])
        .args(["--continue-on-failure"])
        // It would revoke the token of the run itself.
        .args(["--exclude-path-regex", "/api-tokens/.id./revoke"])
        .current_dir(directory.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
