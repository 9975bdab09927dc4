//! Who gets in, and who may do what.

use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::ApiRole;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, ORG, OTHER_ORG, World, path, root, token};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        every_way_to_have_no_token_gets_the_same_answer,
        another_organisation_looks_like_one_that_is_not_there,
        what_another_organisation_has_is_not_found,
        a_token_tells_who_it_is,
    ])
}

async fn every_way_to_have_no_token_gets_the_same_answer() {
    let world = World::new();
    let server = world.start().await;
    let hour = Some(std::time::Duration::from_hours(1));
    let (expired, _) =
        server.service.new_api_token(ORG, "old", ApiRole::Operator, hour, &root()).await.unwrap();
    let (revoked, id) =
        server.service.new_api_token(ORG, "gone", ApiRole::Operator, None, &root()).await.unwrap();
    server.service.revoke_api_token(ORG, id.id, &root()).await.unwrap();
    world.clock.advance(TimeDelta::hours(2));
    let right = server.operator.token.clone().unwrap();
    let mut unknown = right.clone();
    let last = if unknown.pop() == Some('A') { 'Q' } else { 'A' };
    unknown.push(last);
    let mut bodies = Vec::new();
    for token in [
        None,
        Some(""),
        Some("rla_"),
        Some("x"),
        Some(&unknown),
        Some(expired.reveal()),
        Some(revoked.reveal()),
    ] {
        let response = server.operator.with(token).get(&path("renewal-events")).await;
        response.problem(401, "unauthenticated");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{token:?}");
        let mut body: Value = serde_json::from_slice(&response.body).unwrap();
        body["request_id"].take();
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    let basic = [("authorization", "Basic dGVzdDp0ZXN0")];
    let response = server.operator.with(None).send("GET", &path("summary"), &basic, "").await;
    response.problem(401, "unauthenticated");
    server.operator.get(&path("renewal-events")).await.json(200);
}

async fn another_organisation_looks_like_one_that_is_not_there() {
    let world = World::new();
    let server = world.start().await;
    let mut answers = Vec::new();
    for org in [OTHER_ORG.to_string(), uuid::Uuid::max().to_string(), "factory".to_owned()] {
        let response = server.operator.get(&format!("/api/v1/organisations/{org}/summary")).await;
        answers.push(response.problem(404, "not_found"));
        let change = format!("/api/v1/organisations/{org}/enrollment-tokens");
        let body = json!({ "device": "gateway-1", "expires_in": "1h" });
        answers.push(server.operator.post(&change, body).await.problem(404, "not_found"));
    }
    answers.push(server.operator.get(&path("certificates/abc0")).await.problem(404, "not_found"));
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

async fn what_another_organisation_has_is_not_found() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    device.renew(&server).await;
    let event = server.operator.get(&path("renewal-events")).await.items()[0]["id"].clone();
    let event = event.as_str().unwrap();
    let other = server.operator.with(Some(&token(&server.service, OTHER_ORG, ApiRole::Administrator).await));
    let path = |rest: &str| format!("/api/v1/organisations/{OTHER_ORG}/{rest}");
    let serial = &device.certificate().serial;
    let (_, ours) = server.service.new_api_token(ORG, "ours", ApiRole::Viewer, None, &root()).await.unwrap();
    for rest in [
        format!("renewal-events/{event}"),
        format!("certificates/{serial}"),
        format!("devices/{}", device.id(&server)),
    ] {
        other.get(&path(&rest)).await.problem(404, "not_found");
    }
    let reason = json!({ "reason": "superseded" });
    for (rest, body) in [
        (format!("certificates/{serial}/revoke"), reason.clone()),
        ("devices/gateway-1/revoke-certificates".to_owned(), reason),
        (format!("api-tokens/{}/revoke", ours.id), Value::Null),
    ] {
        other.post(&path(&rest), body).await.problem(404, "not_found");
    }
    for rest in ["renewal-events", "certificates", "requests", "attempts", "enrollment-tokens", "revocations"]
    {
        assert_eq!(other.get(&path(rest)).await.json(200), json!({ "items": [] }), "{rest}");
    }
}

async fn a_token_tells_who_it_is() {
    let world = World::new();
    let server = world.start().await;
    let said = server.viewer.get("/api/v1/whoami").await.json(200);
    let id = said["id"].clone();
    assert_eq!(
        said,
        json!({ "org_id": ORG.to_string(), "id": id, "name": "viewer", "role": "viewer", "expires_at": null })
    );
    server.viewer.get("/api/v1/whoami?x=1").await.problem(400, "unknown_parameter");
    server.viewer.with(None).get("/api/v1/whoami").await.problem(401, "unauthenticated");
}
