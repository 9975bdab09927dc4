//! How the fleet is: devices, certificates, the summary.

use chrono::TimeDelta;
use libtest_mimic::Trial;
use rcgen::KeyPair;
use renewal_domain::{
    Clock, DeviceName, IssuanceStore, IssuedParts, KeyReuse, NewRequest, OpenRequest, OpenRules, Purpose,
    RequestState, SupersededCertificates,
};
use serde_json::{Value, json};

use crate::foreign::Authority;
use crate::trials::trials;
use crate::world::{Device, ORG, Server, World, path, rfc3339, seconds};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_device_is_told_in_one_answer,
        a_device_that_never_came_is_not_found,
        certificates_are_listed_by_device_expiry_and_revocation,
        a_certificate_is_given_as_json_or_pem,
        a_certificate_that_no_authority_of_ours_signed_is_not_handed_out,
        a_revocation_stands,
        a_summary_counts_and_measures_what_was_in_the_window,
    ])
}

/// A certificate as the API shows it.
fn shown(device: &Device) -> Value {
    let certificate = device.certificate();
    json!({
        "serial": certificate.serial.to_string(),
        "device_id": certificate.device_id.to_string(),
        "device_name": certificate.device_name.to_string(),
        "request_id": certificate.request_id.to_string(),
        "attempt_id": certificate.attempt_id().map(|id| id.to_string()),
        "kind": certificate.kind.as_str(),
        "not_before": rfc3339(certificate.not_before),
        "not_after": rfc3339(certificate.not_after),
        "presented_serial": certificate.presented_serial.as_ref().map(ToString::to_string),
        "public_key_sha256": hex::encode(certificate.public_key_sha256),
        "csr_sha256": hex::encode(certificate.csr_sha256),
        "revocation": null,
    })
}

async fn a_device_is_told_in_one_answer() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    let told = |server: &Server| {
        let client = server.viewer.clone();
        async move { client.get(&path("devices/gateway-1")).await.json(200) }
    };
    let none = json!({ "count": 0, "at_least": false });
    let fresh = json!({
        "id": device.id(&server).to_string(),
        "name": "gateway-1",
        "current_certificate": shown(&device),
        "last_outcome": null,
        "open_request": null,
        "failures_since_success": none,
        "blocked": null,
        "actions": [],
    });
    assert_eq!(told(&server).await, fresh);

    for _ in 0..2 {
        world.clock.advance(seconds(60));
        device.fail(&server).await;
    }
    world.clock.advance(seconds(60));
    device.renew(&server).await;
    let waiting = told(&server).await;
    assert_eq!(waiting["failures_since_success"], json!({ "count": 2, "at_least": false }));
    assert_eq!(waiting["last_outcome"]["event_type"], "renewal_failed");
    let request = &waiting["open_request"];
    assert_eq!((&request["state"], &request["kind"]), (&json!("pending"), &json!("renewal")));

    let id = request["id"].as_str().unwrap();
    server.operator.post(&path(&format!("requests/{id}/approve")), Value::Null).await.json(200);
    let renewed = told(&server).await;
    assert_eq!(renewed["failures_since_success"], none);
    assert_eq!(renewed["last_outcome"]["event_type"], "renewal_success");
    assert_eq!(renewed["open_request"], Value::Null);
    let current = &renewed["current_certificate"]["serial"];
    assert_ne!(current, &fresh["current_certificate"]["serial"]);

    let serial = current.as_str().unwrap();
    server
        .operator
        .post(&path(&format!("certificates/{serial}/revoke")), json!({ "reason": "unspecified" }))
        .await
        .json(200);
    let revoked = told(&server).await;
    assert_eq!((&revoked["current_certificate"], &revoked["name"]), (&Value::Null, &json!("gateway-1")));
}

async fn a_device_that_never_came_is_not_found() {
    let world = World::new();
    let server = world.start().await;
    server.viewer.get(&path("devices/nobody")).await.problem(404, "not_found");
    assert_eq!(server.viewer.get(&path("devices/nobody/events")).await.json(200), json!({ "items": [] }));
}

async fn certificates_are_listed_by_device_expiry_and_revocation() {
    let world = World::new();
    let server = world.start().await;
    let first = Device::enrolled(&server, "first").await;
    world.clock.advance(TimeDelta::days(60));
    let second = Device::enrolled(&server, "second").await;
    let mut third = Device::enrolled(&server, "third").await;
    let old = shown(&third);
    world.clock.advance(seconds(60));
    third.renew(&server).await;
    let listed = |query: &str| {
        let (client, path) = (server.viewer.clone(), path(&format!("certificates{query}")));
        async move { client.get(&path).await.items() }
    };
    assert_eq!(listed("").await, [shown(&first), shown(&second), shown(&third)]);
    assert_eq!(listed("?device=third").await, [shown(&third), old.clone()]);
    assert_eq!(listed("?expiring_within=30d").await, [shown(&first)]);
    assert_eq!(listed("?expiring_within=999999999d").await.len(), 3);
    assert_eq!(listed("?expired=true").await, [Value::Null; 0]);

    let serial = old["serial"].as_str().unwrap();
    server
        .operator
        .post(&path(&format!("certificates/{serial}/revoke")), json!({ "reason": "unspecified" }))
        .await
        .json(200);
    let revoked = listed("?revoked=true").await;
    assert_eq!((revoked.len(), &revoked[0]["serial"]), (1, &old["serial"]));

    world.clock.set(first.certificate().not_after);
    assert_eq!(listed("?expiring_within=1m").await, [shown(&first)], "good for this second");
    assert_eq!(listed("?expired=true").await, [Value::Null; 0]);
    world.clock.advance(seconds(1));
    assert_eq!(listed("?expiring_within=1m").await, [Value::Null; 0]);
    assert_eq!(listed("?expired=true").await, [shown(&first)]);
}

async fn a_certificate_is_given_as_json_or_pem() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::enrolled(&server, "gateway-1").await;
    let at = path(&format!("certificates/{}", device.certificate().serial));
    let mut details = shown(&device);
    details["revoked_by"] = Value::Null;
    details["actions"] = json!([]);
    assert_eq!(server.viewer.get(&at).await.json(200), details);
    let accepting =
        server.viewer.send("GET", &at, &[("accept", "application/x-pem-file, */*;q=0.1")], "").await;
    for response in [server.viewer.get(&format!("{at}?format=pem")).await, accepting] {
        assert_eq!(response.header("content-type"), Some("application/x-pem-file"));
        let (_, pem) = x509_parser::pem::parse_x509_pem(&response.body).unwrap();
        assert_eq!(pem.contents, device.certificate().der);
    }
    let at = format!("{at}?format=json");
    server.viewer.send("GET", &at, &[("accept", "application/x-pem-file")], "").await.json(200);
}

/// Who can write to the database can put any certificate there.
async fn a_certificate_that_no_authority_of_ours_signed_is_not_handed_out() {
    let world = World::new();
    let server = world.start().await;
    let name = DeviceName::new("gateway-1").unwrap();
    let key = KeyPair::generate().unwrap();
    let forged = Authority::new("Device CA").client_certificate("gateway-1", &key);
    let request = OpenRequest::new(NewRequest {
        id: "018bcfe5-687b-7000-8000-000000000002".parse().unwrap(),
        org_id: ORG,
        device_id: server.service.device_id(ORG, &name),
        device_name: name,
        purpose: Purpose::Enrollment { token: None },
        state: RequestState::Signing,
        csr_der: b"request".to_vec(),
        public_key_sha256: [7; 32],
        requested_lifetime: None,
        credential: String::new(),
        source_address: None,
    });
    let (_, pem) = x509_parser::pem::parse_x509_pem(forged.as_bytes()).unwrap();
    let parts = IssuedParts {
        serial: "0abc01".parse().unwrap(),
        public_key_sha256: [7; 32],
        issuer_key_sha256: server.service.device_issuers()[0].public_key_sha256(),
        not_before: world.clock.now(),
        not_after: world.clock.now() + TimeDelta::days(1),
        der: pem.contents,
    };
    let end = "018bcfe5-687b-7000-8000-000000000003".parse().unwrap();
    let rules = OpenRules {
        now: world.clock.now(),
        superseded: SupersededCertificates::Refuse,
        key_reuse: KeyReuse::Refuse,
    };
    world.store.inner.open(ORG, &request, &rules).await.unwrap();
    let completion = request.issued(end, parts).unwrap();
    world.store.inner.complete(ORG, request.id(), &completion).await.unwrap();
    for format in ["json", "pem"] {
        let at = path(&format!("certificates/0abc01?format={format}"));
        server.viewer.get(&at).await.problem(500, "failed");
    }
}

async fn a_revocation_stands() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    let at = path(&format!("certificates/{}/revoke", device.certificate().serial));
    let reason = json!({ "reason": "key_compromise" });
    let revoked = server.operator.post(&at, reason).await.json(200);
    let revocation = json!({ "at": "2030-01-02T12:00:00Z", "reason": "key_compromise" });
    assert_eq!(revoked["certificate"]["revocation"], revocation);
    world.clock.advance(seconds(60));
    let again = server.operator.post(&at, json!({ "reason": "superseded" })).await.json(200);
    assert_eq!(again["certificate"]["revocation"], revocation);
    let unknown = server.operator.post(&at, json!({ "reason": "remove_from_crl" })).await;
    unknown.problem(400, "invalid_body");
    device.renew(&server).await;
    let last = server.viewer.get(&path("renewal-events?limit=1")).await.items();
    assert_eq!(last[0]["reason"], "certificate_revoked");
}

async fn a_summary_counts_and_measures_what_was_in_the_window() {
    let world = World::new().approving_renewals_manually();
    let server = world.start().await;
    let mut slow = Device::enrolled(&server, "slow").await;
    let broken = Device::enrolled(&server, "broken").await;
    broken.fail(&server).await;
    world.clock.advance(TimeDelta::days(70));
    broken.fail(&server).await;
    slow.renew(&server).await;
    let request = server.viewer.get(&path("requests")).await.items()[0].clone();
    world.clock.advance(seconds(90));
    let approve = path(&format!("requests/{}/approve", request["id"].as_str().unwrap()));
    server.operator.post(&approve, Value::Null).await.json(200);
    world.clock.advance(seconds(30));
    let mut waiting = Device::enrolled(&server, "waiting").await;
    waiting.renew(&server).await;
    world.clock.advance(seconds(60));
    assert_eq!(
        server.viewer.get(&path("summary?window=1h")).await.json(200),
        json!({
            "from": "2030-03-13T11:03:00Z",
            "to": "2030-03-13T12:03:00Z",
            "events": [
                { "event_type": "renewal_start", "reason": null, "count": 3 },
                { "event_type": "renewal_success", "reason": null, "count": 1 },
                { "event_type": "renewal_failed", "reason": "subject_mismatch", "count": 1 },
            ],
            "attempts": { "started": 3, "succeeded": 1, "failed": 1 },
            "success_rate": 0.5,
            "durations": { "median_seconds": 0.0, "p95_seconds": 90.0, "measured": 2 },
            "devices_failing": 1,
            "open_requests": {
                "signing": 0, "pending": 1, "oldest_signing": null, "oldest_pending": "2030-03-13T12:02:00Z",
            },
            "expiring": { "within_1_day": 0, "within_7_days": 0, "within_30_days": 1 },
        })
    );
    world.clock.advance(TimeDelta::days(2));
    let quiet = server.viewer.get(&path("summary")).await.json(200);
    assert_eq!((&quiet["success_rate"], &quiet["durations"]), (&Value::Null, &Value::Null));
    assert_eq!((&quiet["events"], &quiet["devices_failing"]), (&json!([]), &json!(0)));
}
