//! What holds for every path: problems, parameters, bodies, cursors, faults.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, World, path, seconds};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        unknown_paths_and_methods_are_problems_too,
        an_unknown_parameter_is_refused_by_name,
        a_parameter_that_cannot_be_read_is_refused_by_name,
        pages_follow_each_other_to_the_end,
        a_cursor_is_refused_when_the_filter_changed,
        a_body_must_be_the_json_that_is_wanted,
        a_body_too_large_is_refused,
        a_slow_body_is_refused,
        a_store_that_is_away_is_told_without_details,
        an_answer_that_takes_too_long_is_given_up,
    ])
}

async fn unknown_paths_and_methods_are_problems_too() {
    let world = World::new();
    let server = world.start().await;
    for unknown in ["/", "/api/v1", "/api/v2/whoami", &path("nothing")] {
        server.operator.get(unknown).await.problem(404, "unknown_path");
    }
    let response = server.operator.send("DELETE", &path("enrollment-tokens"), &[], "").await;
    response.problem(405, "method_not_allowed");
    assert_eq!(response.header("allow"), Some("GET,HEAD,POST"));
    let response = server.operator.post("/healthz", Value::Null).await;
    response.problem(405, "method_not_allowed");
    assert_eq!(response.header("allow"), Some("GET,HEAD"));
}

async fn an_unknown_parameter_is_refused_by_name() {
    let world = World::new();
    let server = world.start().await;
    let refused = |rest: &str| {
        let (client, path) = (server.operator.clone(), path(rest));
        async move { client.get(&path).await.problem(400, "unknown_parameter") }
    };
    assert_eq!(
        refused("renewal-events?typ=renewal_start").await,
        "There is no query parameter 'typ': this path has device, type, reason, attempt, from, to, limit, cursor."
    );
    assert_eq!(
        refused("devices/gateway-1?limit=1").await,
        "There is no query parameter 'limit': this path has none."
    );
    assert!(refused("summary?a%0Ab=1").await.contains("'a\u{FFFD}b'"));
    let event = "renewal-events/018bcfe5-687b-7000-8000-000000000002?x";
    assert_eq!(refused(event).await, "There is no query parameter 'x': this path has none.");
}

async fn a_parameter_that_cannot_be_read_is_refused_by_name() {
    let world = World::new();
    let server = world.start().await;
    for (rest, detail) in [
        ("renewal-events?type=renewed", "type: there is no event type 'renewed': it is one of renewal_start"),
        ("renewal-events?from=yesterday", "from: "),
        ("renewal-events?limit=-1", "limit: it is a number, in digits alone"),
        ("renewal-events?limit=1&limit=2", "limit: it can be given only once"),
        ("renewal-events?device=", "device: a device's name has 1 to 64 characters, this one has 0"),
        ("renewal-events?reason=No", "reason: a reason code has 1 to 64 characters"),
        ("renewal-events/5", "id: invalid length"),
        ("attempts?state=closed", "state: it is one of open"),
        ("attempts?older_than=soon", "older_than: a length of time is a number and a unit"),
        ("requests?state=open", "state: it is one of pending, signing"),
        ("certificates?expired=yes", "expired: it is one of true"),
        ("certificates/xyz", "serial: a serial number is written in hexadecimal"),
        ("summary?window=59s", "window: a window is 1m to 31d long"),
        ("summary?window=32d", "window: a window is 1m to 31d long"),
    ] {
        let said = server.operator.get(&path(rest)).await.problem(400, "invalid_parameter");
        assert!(said.starts_with(detail), "{rest}: {said}");
    }
    let said = server.operator.get(&path("certificates?expired=true&device=x")).await;
    assert_eq!(
        said.problem(400, "conflicting_parameters"),
        "Of device, expiring_within, expired and revoked only one can be given."
    );
}

async fn pages_follow_each_other_to_the_end() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    for _ in 0..3 {
        world.clock.advance(seconds(60));
        device.renew(&server).await;
    }
    let whole = server.operator.get(&path("renewal-events")).await.items();
    assert_eq!(whole.len(), 6);
    let mut pages = Vec::new();
    let mut next = path("renewal-events?limit=4");
    loop {
        let page = server.operator.get(&next).await.json(200);
        pages.push(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page.get("next_cursor") else { break };
        next = path(&format!("renewal-events?limit=4&cursor={}", cursor.as_str().unwrap()));
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(pages.concat(), whole);
    assert_eq!(server.operator.get(&path("renewal-events?limit=0")).await.items().len(), 1);
    assert_eq!(
        server.operator.get(&path("renewal-events?limit=99999999999999999999")).await.items().len(),
        6
    );
}

async fn a_cursor_is_refused_when_the_filter_changed() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    device.renew(&server).await;
    let page = server.operator.get(&path("renewal-events?limit=1")).await.json(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for other in
        ["renewal-events?type=renewal_start&", "devices/gateway-1/events?", "certificates?", "api-tokens?"]
    {
        let response = server.operator.get(&path(&format!("{other}cursor={cursor}"))).await;
        response.problem(400, "cursor_of_other_listing");
    }
    let response = server.operator.get(&path("renewal-events?cursor=abc")).await;
    response.problem(400, "invalid_cursor");
}

async fn a_body_must_be_the_json_that_is_wanted() {
    let world = World::new();
    let server = world.start().await;
    let tokens = path("enrollment-tokens");
    for body in ["", "{", "[]", "null", "{\"device\":\"gateway-1\"}"] {
        let json = [("content-type", "application/json; charset=utf-8")];
        server.operator.send("POST", &tokens, &json, body).await.problem(400, "invalid_body");
    }
    for (body, detail) in [
        (json!({ "device": "gateway-1", "expires_in": "1h", "x": 1 }), "unknown field `x`"),
        (json!({ "device": "", "expires_in": "1h" }), "device: a device's name has 1 to 64 characters"),
        (json!({ "device": "gateway-1", "expires_in": "367d" }), "expires_in: it is at most 366d"),
        (json!({ "device": "gateway-1", "expires_in": "never" }), "expires_in: a length of time"),
    ] {
        let said = server.operator.post(&tokens, body).await.problem(400, "invalid_body");
        assert!(said.contains(detail), "{said}");
    }
    for array in [json!([]), json!(["stolen"])] {
        let said = server.operator.post(&path("devices/gateway-1/block"), array).await;
        assert_eq!(
            said.problem(400, "invalid_body"),
            "The body cannot be taken: it is an array, where an object is wanted."
        );
    }
    let body = json!({ "device": "gateway-1", "expires_in": "1h" }).to_string();
    for fields in [&[][..], &[("content-type", "text/plain")]] {
        let response = server.operator.send("POST", &tokens, fields, &body).await;
        response.problem(415, "content_type_not_supported");
    }
    assert!(server.operator.get(&tokens).await.items().is_empty());
}

async fn a_body_too_large_is_refused() {
    let world = World::new();
    let server = world.start().await;
    let body = json!({ "device": "x".repeat(70_000), "expires_in": "1h" });
    let said = server.operator.post(&path("enrollment-tokens"), body).await.problem(413, "body_too_large");
    assert_eq!(said, "The body is larger than 65536 octets.");
}

async fn a_slow_body_is_refused() {
    let mut world = World::new();
    world.limits.body = Duration::from_millis(200);
    let server = world.start().await;
    let fields = [("content-type", "application/json"), ("content-length", "10")];
    let body = server.operator.announced("POST", &path("enrollment-tokens"), &fields).await;
    body.problem(408, "body_too_slow");
}

async fn a_store_that_is_away_is_told_without_details() {
    let world = World::new();
    let server = world.start().await;
    world.store.set_down(true);
    for rest in ["renewal-events", "summary", "devices/gateway-1", "certificates", "requests"] {
        let response = server.operator.get(&path(rest)).await;
        response.problem(503, "unavailable");
        assert_eq!(response.header("retry-after"), Some("30"));
        assert!(!response.text().contains("10.1.2.3"));
    }
    world.store.set_down(false);
    server.operator.get(&path("renewal-events")).await.json(200);
}

async fn an_answer_that_takes_too_long_is_given_up() {
    let mut world = World::new();
    world.limits.answer = Duration::from_millis(200);
    let server = world.start().await;
    world.store.set_slow(true);
    server.operator.get(&path("renewal-events")).await.problem(503, "unavailable");
}
