//! Who decided what: one action for each decision, and none for what decided nothing.

use libtest_mimic::Trial;
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::client::Response;
use crate::foreign::Authority;
use crate::trials::trials;
use crate::world::{Device, ORG, Server, World, path, root};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        an_action_says_who_did_what_from_where,
        every_decision_leaves_one_action,
        what_changes_nothing_leaves_no_action,
        actions_are_found_by_what_they_are_about,
        of_the_filters_of_actions_only_one_can_be_given,
    ])
}

async fn actions(server: &Server) -> Vec<Value> {
    server.viewer.get(&path("actions")).await.items()
}

/// The newest action, which must be the only one since `before`, and the answer's.
async fn the_one_action(server: &Server, before: usize, response: &Response) -> Value {
    let all = actions(server).await;
    assert_eq!(all.len(), before + 1, "{all:?}");
    let action = all[0].clone();
    assert_eq!(action["http_request_id"].as_str(), response.header("x-request-id"));
    assert_eq!(action["source_address"], "127.0.0.1");
    assert_eq!(action["actor"]["kind"], "api_token");
    assert_eq!(action["actor"]["name"], "administrator");
    action
}

async fn an_action_says_who_did_what_from_where() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::enrolled(&server, "gateway-1").await;
    let who = server.operator.get("/api/v1/whoami").await.json(200);
    let block = path("devices/gateway-1/block");
    let response = server.operator.post(&block, json!({ "reason": "stolen" })).await;
    let id = device.id(&server).to_string();
    let token = who["id"].as_str().unwrap();
    let newest = actions(&server).await[0].clone();
    assert_eq!(
        newest,
        json!({
            "id": newest["id"],
            "created_at": "2030-01-02T12:00:00Z",
            "actor": {
                "kind": "api_token",
                "token_id": token,
                "name": "operator",
                "host": null,
                "display": format!("token operator ({token})"),
            },
            "kind": "device_blocked",
            "target": { "kind": "device", "id": id },
            "device_id": id,
            "reason": null,
            "note": "stolen",
            "source_address": "127.0.0.1",
            "http_request_id": response.header("x-request-id"),
        })
    );
    let by_root = actions(&server).await.pop().unwrap();
    assert_eq!(
        by_root["actor"],
        json!({ "kind": "command_line", "token_id": null, "name": "root", "host": "ca", "display": "cli:root@ca" })
    );
    assert_eq!((&by_root["source_address"], &by_root["http_request_id"]), (&Value::Null, &Value::Null));
}

async fn every_decision_leaves_one_action() {
    let mut world = World::new().approving_renewals_manually();
    let factory = Authority::new("Factory");
    world.device_issuers.push(factory.trusted_in(ORG));
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    let serial = device.certificate().serial.to_string();
    let key = KeyPair::generate().unwrap();
    let foreign = factory.client_certificate("gateway-9", &key);

    let mut token = String::new();
    for (rest, body, kind, target) in [
        (
            "enrollment-tokens",
            json!({ "device": "gateway-2", "expires_in": "1h" }),
            "token_created",
            "enrollment_token",
        ),
        ("enrollment-tokens/{id}/revoke", Value::Null, "token_revoked", "enrollment_token"),
        ("api-tokens", json!({ "name": "dashboard", "role": "viewer" }), "token_created", "api_token"),
        ("api-tokens/{id}/revoke", Value::Null, "token_revoked", "api_token"),
        ("requests/{request}/approve", Value::Null, "request_approved", "request"),
        ("requests/{request}/deny", json!({ "note": "no" }), "request_denied", "request"),
        ("devices/gateway-1/block", Value::Null, "device_blocked", "device"),
        ("devices/gateway-1/unblock", Value::Null, "device_unblocked", "device"),
        ("suspend", Value::Null, "organisation_suspended", "organisation"),
        ("resume", Value::Null, "organisation_resumed", "organisation"),
        (
            "certificates/{serial}/revoke",
            json!({ "reason": "superseded" }),
            "certificate_revoked",
            "certificate",
        ),
        (
            "devices/gateway-1/revoke-certificates",
            json!({ "reason": "unspecified" }),
            "certificate_revoked",
            "certificate",
        ),
        (
            "revocations",
            json!({ "certificate": foreign, "reason": "unspecified" }),
            "certificate_revoked",
            "certificate",
        ),
    ] {
        let mut rest = rest.replace("{id}", &token).replace("{serial}", &serial);
        if rest.contains("{request}") {
            device.renew(&server).await;
            let request = server.viewer.get(&path("requests")).await.items()[0]["id"].clone();
            rest = rest.replace("{request}", request.as_str().unwrap());
        }
        let before = actions(&server).await.len();
        let response = server.administrator.post(&path(&rest), body).await;
        assert!([200, 201].contains(&response.status), "{rest}: {}", response.text());
        let action = the_one_action(&server, before, &response).await;
        assert_eq!((&action["kind"], &action["target"]["kind"]), (&json!(kind), &json!(target)), "{rest}");
        if response.status == 201 {
            let made: Value = serde_json::from_slice(&response.body).unwrap();
            assert_eq!(action["target"]["id"], made["token"]["id"]);
            made["token"]["id"].as_str().unwrap().clone_into(&mut token);
        }
    }
}

async fn what_changes_nothing_leaves_no_action() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::enrolled(&server, "gateway-1").await;
    let revoke = format!("certificates/{}/revoke", device.certificate().serial);
    for (rest, body) in [
        ("devices/gateway-1/block", Value::Null),
        ("suspend", Value::Null),
        (&revoke, json!({ "reason": "superseded" })),
        ("devices/gateway-1/revoke-certificates", json!({ "reason": "superseded" })),
    ] {
        server.administrator.post(&path(rest), body.clone()).await.json(200);
        let before = actions(&server).await;
        server.administrator.post(&path(rest), body).await.json(200);
        assert_eq!(actions(&server).await, before, "{rest}");
    }
    for rest in ["devices/gateway-1/unblock", "resume"] {
        server.administrator.post(&path(rest), Value::Null).await.json(200);
        let before = actions(&server).await;
        server.administrator.post(&path(rest), Value::Null).await.json(200);
        assert_eq!(actions(&server).await, before, "{rest}");
    }
    let before = actions(&server).await;
    let absent = "018bcfe5-687b-7000-8000-000000000002";
    for rest in [format!("requests/{absent}/approve"), format!("api-tokens/{absent}/revoke")] {
        server.administrator.post(&path(&rest), Value::Null).await.problem(404, "not_found");
    }
    let long = json!({ "reason": "x".repeat(1_001) });
    let said = server.administrator.post(&path("suspend"), long).await.problem(400, "invalid_body");
    assert_eq!(
        said,
        "The body cannot be taken: reason: it has 1001 characters, and at most 1000 are recorded; shorten it."
    );
    assert_eq!(actions(&server).await, before);
}

async fn actions_are_found_by_what_they_are_about() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    device.renew(&server).await;
    let request = server.viewer.get(&path("requests")).await.items()[0]["id"].clone();
    let request = request.as_str().unwrap();
    server.approver.post(&path(&format!("requests/{request}/approve")), Value::Null).await.json(200);
    let serial = device.certificate().serial.to_string();
    let revoke = path(&format!("certificates/{serial}/revoke"));
    server.operator.post(&revoke, json!({ "reason": "key_compromise", "note": "lost" })).await.json(200);
    let wanted = json!({ "device": "gateway-2", "expires_in": "1h" });
    let token = server.operator.post(&path("enrollment-tokens"), wanted).await.json(201);
    let token = token["token"]["id"].as_str().unwrap();
    let (_, api_token) =
        server.service.new_api_token(ORG, "x", renewal_domain::ApiRole::Viewer, None, &root()).await.unwrap();
    let kinds = |query: String| {
        let (client, path) = (server.viewer.clone(), path(&format!("actions?{query}")));
        async move {
            let items = client.get(&path).await.items();
            items.iter().map(|action| action["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(kinds(format!("request={request}")).await, ["request_approved"]);
    assert_eq!(kinds(format!("certificate={serial}")).await, ["certificate_revoked"]);
    assert_eq!(kinds(format!("enrollment_token={token}")).await, ["token_created"]);
    assert_eq!(kinds(format!("api_token={}", api_token.id)).await, ["token_created"]);
    assert_eq!(kinds("kind=key_barred".into()).await, ["key_barred"]);
    let of_device = kinds("device=gateway-1".into()).await;
    assert_eq!(of_device.len(), 3, "{of_device:?}");
    assert_eq!(of_device.last().unwrap(), "request_approved");
    assert_eq!(kinds(format!("device={}", device.id(&server))).await, of_device);
    let first = server.viewer.get(&path("actions?kind=token_created&limit=1")).await.json(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let other = server.viewer.get(&path(&format!("actions?cursor={cursor}"))).await;
    other.problem(400, "cursor_of_other_listing");
}

async fn of_the_filters_of_actions_only_one_can_be_given() {
    let world = World::new();
    let server = world.start().await;
    let said = server.viewer.get(&path("actions?kind=pruned&device=gateway-1")).await;
    assert_eq!(
        said.problem(400, "conflicting_parameters"),
        "Of kind, device, certificate, request, enrollment_token and api_token only one can be given."
    );
    let said = server.viewer.get(&path("actions?kind=deleted")).await.problem(400, "invalid_parameter");
    assert!(said.starts_with("kind: it is one of request_approved, request_denied, "), "{said}");
}
