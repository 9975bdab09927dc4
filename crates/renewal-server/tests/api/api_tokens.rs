//! API tokens: made, shown once, listed, used, revoked.

use libtest_mimic::Trial;
use renewal_domain::{ApiRole, ApiTokenStore};
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{ORG, World, path};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([an_api_token_works_until_it_is_revoked, an_api_token_has_a_name_and_a_role])
}

async fn an_api_token_works_until_it_is_revoked() {
    let world = World::new();
    let server = world.start().await;
    let tokens = path("api-tokens");
    let wanted = json!({ "name": "dashboard", "role": "viewer", "expires_in": "90d" });
    let made = server.operator.post(&tokens, wanted).await.json(201);
    let id = made["token"]["id"].as_str().unwrap();
    let mut token = json!({
        "id": id,
        "name": "dashboard",
        "role": "viewer",
        "created_at": "2030-01-02T12:00:00Z",
        "expires_at": "2030-04-02T12:00:00Z",
        "revoked_at": null,
        "state": "usable",
    });
    assert_eq!(made, json!({ "token": token, "secret": made["secret"] }));
    let listed = server.viewer.get(&tokens).await.items();
    assert_eq!((listed.len(), &listed[0]), (3, &token));
    let kept = world.store.inner.api_token(ORG, id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.role), ("dashboard", ApiRole::Viewer));
    let holder = server.viewer.with(made["secret"].as_str());
    assert_eq!(holder.get("/api/v1/whoami").await.json(200)["id"], id);
    token["state"] = json!("revoked");
    token["revoked_at"] = json!("2030-01-02T12:00:00Z");
    let revoke = format!("{tokens}/{id}/revoke");
    assert_eq!(server.operator.post(&revoke, Value::Null).await.json(200), token);
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
        let said = server.operator.post(&path("api-tokens"), wanted).await.problem(400, "invalid_body");
        assert!(said.contains(detail), "{said}");
    }
    let made = json!({ "name": "for ever", "role": "operator" });
    let made = server.operator.post(&path("api-tokens"), made).await.json(201);
    assert_eq!(made["token"]["expires_at"], Value::Null);
}
