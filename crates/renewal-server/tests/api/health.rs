//! For whoever watches the server.

use chrono::TimeDelta;
use libtest_mimic::Trial;
use renewal_domain::SystemClock;
use renewal_server::Metrics;
use serde_json::json;

use crate::trials::trials;
use crate::world::{World, path};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_server_that_can_work_is_ready,
        a_server_without_its_store_lives_and_is_not_ready,
        a_server_whose_issuer_has_expired_is_not_ready,
        metrics_are_what_the_program_gives,
        a_stop_waits_for_the_answer_in_flight,
    ])
}

async fn a_server_that_can_work_is_ready() {
    let world = World::new();
    let server = world.start().await;
    let anybody = server.operator.with(None);
    let lives = anybody.get("/healthz").await;
    assert_eq!((lives.status, lives.text().as_str()), (200, "ok\n"));
    let fine = json!({ "ok": true, "problem": null });
    let ready = json!({ "ready": true, "checks": { "store": fine, "issuer": fine } });
    assert_eq!(anybody.get("/readyz").await.json(200), ready);
}

async fn a_server_without_its_store_lives_and_is_not_ready() {
    let world = World::new();
    let server = world.start().await;
    let anybody = server.operator.with(None);
    world.store.set_down(true);
    assert_eq!(anybody.get("/healthz").await.status, 200);
    let ready = anybody.get("/readyz").await;
    assert!(!ready.text().contains("10.1.2.3"));
    let ready = ready.json(503);
    let wrong = "the store cannot be used; the server's log says why";
    assert_eq!(ready["checks"]["store"], json!({ "ok": false, "problem": wrong }));
    assert_eq!((&ready["ready"], &ready["checks"]["issuer"]["ok"]), (&json!(false), &json!(true)));
    world.store.set_down(false);
    anybody.get("/readyz").await.json(200);
}

async fn a_server_whose_issuer_has_expired_is_not_ready() {
    let world = World::new();
    let server = world.start().await;
    world.clock.advance(TimeDelta::days(365 * 30));
    let ready = server.operator.with(None).get("/readyz").await.json(503);
    let wrong = "the issuer's certificate has expired";
    assert_eq!(ready["checks"]["issuer"], json!({ "ok": false, "problem": wrong }));
}

async fn metrics_are_what_the_program_gives() {
    let world = World::new();
    let without = world.start().await;
    without.operator.with(None).get("/metrics").await.problem(404, "no_metrics");
    let server = world.start_with(|api| api.metrics(Metrics::new(&SystemClock))).await;
    server.operator.get("/api/v1/whoami").await;
    server.operator.with(None).get("/nowhere").await;
    let metrics = server.operator.with(None).get("/metrics").await;
    assert_eq!(metrics.status, 200);
    for line in [
        r#"renewal_http_requests_total{listener="api",operation="/api/v1/whoami",status="2xx"} 1"#,
        r#"renewal_http_requests_total{listener="api",operation="none",status="4xx"} 1"#,
    ] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

async fn a_stop_waits_for_the_answer_in_flight() {
    let world = World::new();
    let server = world.start().await;
    world.store.set_slow(true);
    let client = server.operator.clone();
    let asked = tokio::spawn(async move { client.get(&path("renewal-events")).await });
    world.store.next_call().await;
    let stopping = server.begin_to_stop();
    asked.await.unwrap().json(200);
    assert_eq!(stopping.await.unwrap().cut_off, 0);
}
