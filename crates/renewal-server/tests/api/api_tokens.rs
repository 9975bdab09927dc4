//! API tokens: made, shown once, listed, used, revoked.

use libtest_mimic::Trial;
use renewal_domain::{ApiRole, ApiTokenStore};
use serde_json::{Value, json};

use crate::client::Client;
use crate::trials::trials;
use crate::world::{ORG, World, path};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        an_api_token_works_until_it_is_revoked,
        an_api_token_has_a_name_and_a_role,
        an_api_token_is_good_for_90_days_unless_something_else_is_said,
        what_was_made_with_a_token_is_revoked_with_it_when_that_is_asked_for,
    ])
}

async fn an_api_token_works_until_it_is_revoked() {
    let world = World::new();
    let server = world.start().await;
    let tokens = path("api-tokens");
    let wanted = json!({ "name": "dashboard", "role": "viewer", "expires_in": "90d" });
    let made = server.administrator.post(&tokens, wanted).await.json(201);
    let id = made["token"]["id"].as_str().unwrap();
    let mut token = json!({
        "id": id,
        "name": "dashboard",
        "role": "viewer",
        "created_at": "2030-01-02T12:00:00Z",
        "expires_at": "2030-04-02T12:00:00Z",
        "revoked_at": null,
        "state": "usable",
        "made_by": made["token"]["made_by"],
    });
    assert_eq!(made, json!({ "token": token, "secret": made["secret"] }));
    assert_eq!(token["made_by"]["name"], "administrator");
    let listed = server.viewer.get(&tokens).await.items();
    assert_eq!((listed.len(), &listed[0]), (5, &token));
    let kept = world.store.inner.api_token(ORG, id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.role), ("dashboard", ApiRole::Viewer));
    let holder = server.viewer.with(made["secret"].as_str());
    assert_eq!(holder.get("/api/v1/whoami").await.json(200)["id"], id);
    token["state"] = json!("revoked");
    token["revoked_at"] = json!("2030-01-02T12:00:00Z");
    let revoke = format!("{tokens}/{id}/revoke");
    let nothing_else = json!({ "api_tokens": 0, "enrollment_tokens": 0 });
    assert_eq!(
        server.administrator.post(&revoke, Value::Null).await.json(200),
        json!({ "token": token, "revoked": nothing_else })
    );
    holder.get("/api/v1/whoami").await.problem(401, "unauthenticated");
}

async fn an_api_token_has_a_name_and_a_role() {
    let world = World::new();
    let server = world.start().await;
    for (wanted, detail) in [
        (json!({ "name": "", "role": "viewer" }), "the name of a token has 1 to 64 characters"),
        (json!({ "name": "x\u{202E}", "role": "viewer" }), "the name of a token has 1 to 64 characters"),
        (json!({ "name": "x", "role": "root" }), "unknown variant `root`"),
        (json!({ "name": "x" }), "missing field `role`"),
        (json!({ "name": "x", "role": "viewer", "expires_in": "0d" }), "expires_in: a length of time"),
    ] {
        let said = server.administrator.post(&path("api-tokens"), wanted).await.problem(400, "invalid_body");
        assert!(said.contains(detail), "{said}");
    }
}

async fn an_api_token_is_good_for_90_days_unless_something_else_is_said() {
    let world = World::new();
    let server = world.start().await;
    for (wanted, expires_at) in [
        (json!({ "name": "x", "role": "operator" }), json!("2030-04-02T12:00:00Z")),
        (json!({ "name": "x", "role": "operator", "no_expiry": false }), json!("2030-04-02T12:00:00Z")),
        (json!({ "name": "x", "role": "operator", "expires_in": "1h" }), json!("2030-01-02T13:00:00Z")),
        (json!({ "name": "x", "role": "operator", "no_expiry": true }), Value::Null),
    ] {
        let made = server.administrator.post(&path("api-tokens"), wanted).await.json(201);
        assert_eq!(made["token"]["expires_at"], expires_at);
    }
    let both = json!({ "name": "x", "role": "operator", "expires_in": "1h", "no_expiry": true });
    let said = server.administrator.post(&path("api-tokens"), both).await.problem(400, "invalid_body");
    assert!(said.contains("of expires_in and no_expiry only one can be given"), "{said}");
}

async fn what_was_made_with_a_token_is_revoked_with_it_when_that_is_asked_for() {
    let world = World::new();
    let server = world.start().await;
    let new = async |client: &Client, role: &str| {
        let made = client.post(&path("api-tokens"), json!({ "name": role, "role": role })).await.json(201);
        let id = made["token"]["id"].as_str().unwrap().to_owned();
        (client.with(made["secret"].as_str()), id)
    };
    let (stolen, id) = new(&server.administrator, "administrator").await;
    let (made, _) = new(&stolen, "operator").await;
    let wanted = json!({ "device": "gateway-1", "expires_in": "1h" });
    made.post(&path("enrollment-tokens"), wanted).await.json(201);
    let revoke = path(&format!("api-tokens/{id}/revoke"));
    server.administrator.post(&revoke, Value::Null).await.json(200);
    stolen.get("/api/v1/whoami").await.problem(401, "unauthenticated");
    made.get("/api/v1/whoami").await.json(200);
    let answer = server.administrator.post(&revoke, json!({ "revoke_made": true })).await.json(200);
    assert_eq!(answer["revoked"], json!({ "api_tokens": 1, "enrollment_tokens": 1 }));
    assert_eq!(answer["token"]["state"], "revoked");
    made.get("/api/v1/whoami").await.problem(401, "unauthenticated");
    assert_eq!(server.viewer.get(&path("enrollment-tokens")).await.items()[0]["state"], "revoked");
}
