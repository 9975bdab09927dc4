//! Enrollment tokens: made, shown once, listed, used, revoked.

use csr_service::{Credential, Outcome};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{ORG, World, path, seconds};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        an_enrollment_token_is_made_listed_and_revoked,
        the_secret_of_an_enrollment_token_permits_its_device,
    ])
}

async fn an_enrollment_token_is_made_listed_and_revoked() {
    let world = World::new();
    let server = world.start().await;
    let tokens = path("enrollment-tokens");
    let wanted = json!({ "device": "gateway-1", "expires_in": "24h" });
    let made = server.operator.post(&tokens, wanted).await.json(201);
    let id = made["token"]["id"].as_str().unwrap();
    let mut token = json!({
        "id": id,
        "device_name": "gateway-1",
        "created_at": "2030-01-02T12:00:00Z",
        "expires_at": "2030-01-03T12:00:00Z",
        "state": "usable",
        "request_id": null,
        "revoked_at": null,
    });
    assert_eq!(made, json!({ "token": token, "secret": made["secret"] }));
    let listed = server.viewer.get(&tokens).await;
    assert!(!listed.text().contains(made["secret"].as_str().unwrap()));
    assert_eq!(listed.items(), [token.clone()]);
    world.clock.advance(seconds(5));
    token["state"] = json!("revoked");
    token["revoked_at"] = json!("2030-01-02T12:00:05Z");
    let revoke = format!("{tokens}/{id}/revoke");
    assert_eq!(server.operator.post(&revoke, Value::Null).await.json(200), token);
    assert_eq!(server.viewer.get(&tokens).await.items(), [token]);
    let absent = format!("{tokens}/018bcfe5-687b-7000-8000-000000000002/revoke");
    server.operator.post(&absent, Value::Null).await.problem(404, "not_found");
}

async fn the_secret_of_an_enrollment_token_permits_its_device() {
    let world = World::new();
    let server = world.start().await;
    let wanted = json!({ "device": "gateway-1", "expires_in": "1h" });
    let made = server.operator.post(&path("enrollment-tokens"), wanted).await.json(201);
    let secret = made["secret"].as_str().unwrap();
    let grant = server.service.grant_by_token(ORG, secret).await.unwrap().unwrap();
    let outcome = crate::world::enroll(&server, "gateway-1", Credential::Enrollment(grant)).await;
    assert!(matches!(outcome, Outcome::Issued(_)));
    let listed = server.viewer.get(&path("enrollment-tokens")).await.items();
    assert_eq!(listed[0]["state"], "used");
    let certificate = server.viewer.get(&path("certificates")).await.items();
    assert_eq!(listed[0]["request_id"], certificate[0]["request_id"]);
}
