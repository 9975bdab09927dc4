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
        an_enrollment_token_grants_names_that_are_written_out,
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
        "names": { "subject": [], "san": [] },
        "made_by": made["token"]["made_by"],
    });
    assert_eq!(made, json!({ "token": token, "secret": made["secret"] }));
    assert_eq!(token["made_by"]["name"], "operator");
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

async fn an_enrollment_token_grants_names_that_are_written_out() {
    let world = World::new();
    let server = world.start().await;
    let wanted = json!({
        "device": "gateway-1", "expires_in": "1h", "subject": ["O=Works"], "san": ["DNS:gw-1.example"],
    });
    let made = server.operator.post(&path("enrollment-tokens"), wanted).await.json(201);
    assert_eq!(made["token"]["names"], json!({ "subject": ["O=Works"], "san": ["DNS:gw-1.example"] }));
    let action = server.viewer.get(&path("actions?limit=1")).await.items()[0].clone();
    assert!(action["note"].as_str().unwrap().contains("grants DNS:gw-1.example"), "{action}");
    for (field, name, why) in [
        ("san", "DNS:{cn}.example", "write its names out, without variables"),
        ("subject", "OU={device_id}", "write its names out, without variables"),
        ("san", "gw-1.example", "does not say what kind of name it is"),
        ("san", "DNS:-.example", "can never permit a name"),
        ("subject", "CN=gateway-2", "the CN is given by the permission to enroll"),
        ("san", "", "a granted name has 1 to 255 octets"),
    ] {
        let mut wanted = json!({ "device": "gateway-1", "expires_in": "1h" });
        wanted[field] = json!([name]);
        let said = server.operator.post(&path("enrollment-tokens"), wanted).await;
        let said = said.problem(400, "invalid_body");
        assert!(said.contains(why), "{name}: {said}");
    }
    let many = json!({ "device": "gateway-1", "expires_in": "1h", "san": vec!["DNS:a.example"; 17] });
    let said = server.operator.post(&path("enrollment-tokens"), many).await.problem(400, "invalid_body");
    assert!(said.contains("grant at most 16 of them"), "{said}");
    assert_eq!(server.viewer.get(&path("enrollment-tokens")).await.items().len(), 1);
}
