//! What is open, and what a person decides about it.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, Server, World, path, rfc3339, seconds};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_pending_request_is_listed_and_approved,
        a_denied_request_ends_with_the_note,
        an_approval_that_something_forbids_ends_the_request,
        open_attempts_are_listed_by_age,
    ])
}

async fn waiting(world: &World, server: &Server) -> (Device, String) {
    let mut device = Device::enrolled(server, "gateway-1").await;
    world.clock.advance(seconds(60));
    device.renew(server).await;
    let id = server.viewer.get(&path("requests?state=pending")).await.items()[0]["id"].clone();
    (device, id.as_str().unwrap().to_owned())
}

async fn a_pending_request_is_listed_and_approved() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let (device, id) = waiting(&world, &server).await;
    let listed = server.viewer.get(&path("requests")).await.items();
    assert_eq!(
        listed,
        [json!({
            "id": id,
            "device_id": device.id(&server).to_string(),
            "device_name": "gateway-1",
            "kind": "renewal",
            "state": "pending",
            "attempt_id": id,
            "opened_at": "2030-01-02T12:01:00Z",
            "presented_serial": device.certificate().serial.to_string(),
            "presented_not_after": rfc3339(device.certificate().not_after),
            "csr_sha256": listed[0]["csr_sha256"],
            "requested_lifetime_seconds": null,
        })]
    );
    assert!(server.viewer.get(&path("requests?state=signing")).await.items().is_empty());
    let approve = path(&format!("requests/{id}/approve"));
    let decided = server.operator.post(&approve, Value::Null).await.json(200);
    let certificate = server.viewer.get(&path("certificates?device=gateway-1&limit=1")).await.items();
    assert_eq!(
        decided,
        json!({
            "request_id": id,
            "outcome": "issued",
            "certificate": certificate[0],
            "reason": null,
            "message": null,
        })
    );
    server.operator.post(&approve, Value::Null).await.problem(404, "not_found");
}

async fn a_denied_request_ends_with_the_note() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let (_, id) = waiting(&world, &server).await;
    let deny = path(&format!("requests/{id}/deny"));
    let long = json!({ "note": "x".repeat(1_001) });
    server.operator.post(&deny, long).await.problem(400, "invalid_body");
    let decided = server.operator.post(&deny, json!({ "note": "taken out of service" })).await.json(200);
    assert_eq!(
        decided,
        json!({
            "request_id": id,
            "outcome": "denied",
            "certificate": null,
            "reason": "denied",
            "message": "taken out of service",
        })
    );
    let event = server.viewer.get(&path("renewal-events?limit=1")).await.items();
    assert_eq!((&event[0]["reason"], &event[0]["error_message"]), (&json!("denied"), &decided["message"]));
    server.operator.post(&deny, Value::Null).await.problem(404, "not_found");
}

async fn an_approval_that_something_forbids_ends_the_request() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let (device, id) = waiting(&world, &server).await;
    let revoke = path(&format!("certificates/{}/revoke", device.certificate().serial));
    server.operator.post(&revoke, Value::Null).await.json(200);
    let decided = server.operator.post(&path(&format!("requests/{id}/approve")), Value::Null).await.json(200);
    assert_eq!(
        (&decided["outcome"], &decided["reason"]),
        (&json!("rejected"), &json!("certificate_revoked"))
    );
    assert!(server.viewer.get(&path("requests")).await.items().is_empty());
}

async fn open_attempts_are_listed_by_age() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let (_, id) = waiting(&world, &server).await;
    world.clock.advance(seconds(601));
    for (query, found) in [("", 1), ("?state=open", 1), ("?older_than=10m", 1), ("?older_than=11m", 0)] {
        let attempts = server.viewer.get(&path(&format!("attempts{query}"))).await.items();
        assert_eq!(attempts.len(), found, "{query}");
        assert!(attempts.iter().all(|attempt| attempt["attempt_id"] == id.as_str()));
    }
    assert!(server.viewer.get(&path("attempts?older_than=999999999d")).await.items().is_empty());
}
