//! Organisations suspended, devices blocked.

use csr_service::{Credential, EnrollmentGrant, Outcome};
use libtest_mimic::Trial;
use renewal_domain::DeviceName;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, ORG, World, enroll, path};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_suspended_organisation_gets_no_certificates_until_it_is_resumed,
        a_blocked_device_gets_no_certificates_until_it_is_unblocked,
        a_device_that_nobody_has_seen_can_be_blocked_by_name,
        a_first_block_stands,
    ])
}

#[track_caller]
fn refused(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Rejected(rejection) => rejection.reason().code(),
        other => panic!("{other:?}"),
    }
}

async fn a_suspended_organisation_gets_no_certificates_until_it_is_resumed() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    let organisation = format!("/api/v1/organisations/{ORG}");
    let free = json!({ "id": ORG.to_string(), "suspended": null });
    assert_eq!(server.viewer.get(&organisation).await.json(200), free);
    let suspended =
        server.administrator.post(&path("suspend"), json!({ "reason": "breach" })).await.json(200);
    let action = server.viewer.get(&path("actions?limit=1")).await.items()[0].clone();
    assert_eq!(
        suspended,
        json!({
            "id": ORG.to_string(),
            "suspended": { "since": "2030-01-02T12:00:00Z", "reason": "breach", "action_id": action["id"] },
        })
    );
    assert_eq!(server.viewer.get(&organisation).await.json(200), suspended);
    assert_eq!(refused(&device.renew(&server).await), "organisation_suspended");
    assert_eq!(server.administrator.post(&path("resume"), json!({ "note": "over" })).await.json(200), free);
    assert!(matches!(device.renew(&server).await, Outcome::Issued(_)));
    let wrong = json!({ "note": "over" });
    let said = server.administrator.post(&path("suspend"), wrong).await.problem(400, "invalid_body");
    assert!(said.contains("unknown field `note`"), "{said}");
}

async fn a_blocked_device_gets_no_certificates_until_it_is_unblocked() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    let blocked = server.operator.post(&path("devices/gateway-1/block"), json!({ "reason": "stolen" })).await;
    let blocked = blocked.json(200);
    assert_eq!(
        blocked["blocked"],
        json!({
            "since": "2030-01-02T12:00:00Z", "reason": "stolen", "action_id": blocked["actions"][0]["id"],
        })
    );
    assert_eq!(server.viewer.get(&path("devices/gateway-1")).await.json(200), blocked);
    assert_eq!(refused(&device.renew(&server).await), "device_blocked");
    let id = device.id(&server);
    let free =
        server.operator.post(&path(&format!("devices/{id}/unblock")), json!({ "note": "found" })).await;
    let free = free.json(200);
    assert_eq!((&free["blocked"], &free["name"]), (&Value::Null, &json!("gateway-1")));
    let kinds: Vec<_> = free["actions"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, ["device_unblocked", "device_blocked"]);
    assert!(matches!(device.renew(&server).await, Outcome::Issued(_)));
}

async fn a_device_that_nobody_has_seen_can_be_blocked_by_name() {
    let world = World::new();
    let server = world.start().await;
    server.viewer.get(&path("devices/gateway-7")).await.problem(404, "not_found");
    let blocked = server.operator.post(&path("devices/gateway-7/block"), Value::Null).await.json(200);
    assert_eq!(blocked["name"], "gateway-7");
    let id = server.service.device_id(ORG, &DeviceName::new("gateway-7").unwrap());
    assert_eq!(blocked["id"], id.to_string());
    let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
    assert_eq!(refused(&enroll(&server, "gateway-7", credential).await), "device_blocked");
    let shown = server.viewer.get(&path(&format!("devices/{id}"))).await.json(200);
    assert_eq!((&shown["id"], &shown["blocked"]), (&blocked["id"], &blocked["blocked"]));
    let refusal = &shown["actions"][0];
    assert_eq!(
        (&refusal["kind"], &refusal["reason"]),
        (&json!("enrollment_refused"), &json!("device_blocked"))
    );
}

async fn a_first_block_stands() {
    let world = World::new();
    let server = world.start().await;
    let block = path("devices/gateway-1/block");
    let first = server.operator.post(&block, json!({ "reason": "stolen" })).await.json(200);
    let second = server.operator.post(&block, json!({ "reason": "lost" })).await.json(200);
    assert_eq!(second, first);
}
