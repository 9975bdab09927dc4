//! What is open, and what a person decides about it.

use csr_service::{Credential, EnrollmentGrant};
use libtest_mimic::Trial;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use renewal_domain::{
    Clock, DeviceName, IssuanceStore, KeyReuse, NewRequest, OpenRequest, OpenRules, Purpose, RequestState,
    SupersededCertificates,
};
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, ORG, Server, World, ask_for, path, request_for, rfc3339, seconds};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_pending_request_is_listed_and_approved,
        a_denied_request_ends_with_the_note,
        an_approval_that_something_forbids_ends_the_request,
        open_attempts_are_listed_by_age,
        a_request_shows_the_names_that_only_the_decision_grants,
        a_request_is_approved_only_if_it_is_the_one_that_was_looked_at,
        a_request_that_cannot_be_read_any_more_is_shown_with_the_reason,
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
            "subject": "CN=gateway-1",
            "san": [],
            "not_covered": { "subject": [], "san": [] },
            "key": "ECDSA P-256",
            "key_sha256": hex::encode(device.certificate().public_key_sha256),
            "credential": format!("certificate {}", device.certificate().serial),
            "source_address": "192.0.2.7",
            "problem": null,
        })]
    );
    assert!(server.viewer.get(&path("requests?state=signing")).await.items().is_empty());
    let approve = path(&format!("requests/{id}/approve"));
    let decided = server.approver.post(&approve, Value::Null).await.json(200);
    let certificate = server.viewer.get(&path("certificates?device=gateway-1&limit=1")).await.items();
    assert_eq!(
        decided,
        json!({
            "request_id": id,
            "request": listed[0],
            "outcome": "issued",
            "certificate": certificate[0],
            "reason": null,
            "message": null,
        })
    );
    server.approver.post(&approve, Value::Null).await.problem(404, "not_found");
}

async fn a_denied_request_ends_with_the_note() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let (_, id) = waiting(&world, &server).await;
    let deny = path(&format!("requests/{id}/deny"));
    let long = json!({ "note": "x".repeat(1_001) });
    server.operator.post(&deny, long).await.problem(400, "invalid_body");
    let request = server.viewer.get(&path(&format!("requests/{id}"))).await.json(200);
    let decided = server.approver.post(&deny, json!({ "note": "taken out of service" })).await.json(200);
    assert_eq!(
        decided,
        json!({
            "request_id": id,
            "request": request,
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
    server.operator.post(&revoke, json!({ "reason": "superseded" })).await.json(200);
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

/// A request for three names beside the CN.
fn with_names(name: &str) -> CertificateParams {
    let mut params = request_for(name);
    params.distinguished_name.push(DnType::OrganizationName, "Works");
    params.subject_alt_names = vec![
        SanType::DnsName("gw-1.example".try_into().unwrap()),
        SanType::DnsName("gw-2.example".try_into().unwrap()),
    ];
    params
}

async fn a_request_shows_the_names_that_only_the_decision_grants() {
    let world = World::new().approving_enrollments_manually();
    let server = world.start().await;
    let wanted = json!({ "device": "gateway-1", "expires_in": "1h", "san": ["DNS:gw-1.example"] });
    let made = server.operator.post(&path("enrollment-tokens"), wanted).await.json(201);
    let grant = server.service.grant_by_token(ORG, made["secret"].as_str().unwrap()).await.unwrap().unwrap();
    for grant in [grant, EnrollmentGrant::for_any_device()] {
        let key = KeyPair::generate().unwrap();
        ask_for(&server, &key, with_names("gateway-1"), Credential::Enrollment(grant)).await;
    }
    let listed = server.viewer.get(&path("requests")).await.items();
    let [by_token, by_nobody] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(by_token["subject"], "CN=gateway-1, O=Works");
    assert_eq!(by_token["san"], json!(["DNS:gw-1.example", "DNS:gw-2.example"]));
    assert_eq!(by_token["not_covered"], json!({ "subject": ["O=Works"], "san": ["DNS:gw-2.example"] }));
    let token = made["token"]["id"].as_str().unwrap();
    assert_eq!(by_token["credential"], format!("enrollment token {token}"));
    assert_eq!(by_nobody["not_covered"]["san"], by_nobody["san"]);
    for request in &listed {
        let id = request["id"].as_str().unwrap();
        assert_eq!(&server.viewer.get(&path(&format!("requests/{id}"))).await.json(200), request);
    }
    let absent = path("requests/018bcfe5-687b-7000-8000-000000000002");
    server.viewer.get(&absent).await.problem(404, "not_found");
}

async fn a_request_is_approved_only_if_it_is_the_one_that_was_looked_at() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let (_, id) = waiting(&world, &server).await;
    let approve = path(&format!("requests/{id}/approve"));
    let other = json!({ "csr_sha256": "00".repeat(32) });
    server.approver.post(&approve, other).await.problem(409, "request_changed");
    let shown = server.viewer.get(&path(&format!("requests/{id}"))).await.json(200);
    let actions = server.viewer.get(&path("actions?kind=request_approved")).await.items();
    assert_eq!((actions.len(), &shown["state"]), (0, &json!("pending")));
    let looked_at = json!({ "csr_sha256": shown["csr_sha256"] });
    let decided = server.approver.post(&approve, looked_at).await.json(200);
    assert_eq!((&decided["outcome"], &decided["request"]), (&json!("issued"), &shown));
}

async fn a_request_that_cannot_be_read_any_more_is_shown_with_the_reason() {
    let world = World::new();
    let server = world.start().await;
    let name = DeviceName::new("gateway-1").unwrap();
    let request = OpenRequest::new(NewRequest {
        id: "018bcfe5-687b-7000-8000-000000000002".parse().unwrap(),
        org_id: ORG,
        device_id: server.service.device_id(ORG, &name),
        device_name: name,
        purpose: Purpose::Enrollment { token: None },
        state: RequestState::Pending,
        csr_der: b"no request".to_vec(),
        public_key_sha256: [7; 32],
        requested_lifetime: None,
        credential: "permission of the operator".into(),
        source_address: None,
    });
    let rules = OpenRules {
        now: world.clock.now(),
        superseded: SupersededCertificates::Refuse,
        key_reuse: KeyReuse::Refuse,
    };
    world.store.inner.open(ORG, &request, &rules).await.unwrap();
    let listed = server.viewer.get(&path("requests")).await.items();
    assert_eq!((&listed[0]["subject"], &listed[0]["key"]), (&Value::Null, &Value::Null));
    assert!(listed[0]["problem"].as_str().unwrap().starts_with("csr_malformed: "), "{listed:?}");
    let approve = path(&format!("requests/{}/approve", request.id()));
    let decided = server.approver.post(&approve, Value::Null).await.json(200);
    assert_eq!((&decided["outcome"], &decided["reason"]), (&json!("rejected"), &json!("csr_malformed")));
}
