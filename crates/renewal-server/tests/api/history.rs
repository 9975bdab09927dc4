//! What happened: events, of all devices and of one.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, ORG, World, path, rfc3339, seconds};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        an_event_has_all_that_the_ledger_says,
        events_are_found_by_type_reason_attempt_and_time,
        events_of_a_device_are_found_by_its_name_and_by_its_id,
    ])
}

async fn an_event_has_all_that_the_ledger_says() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::enrolled(&server, "gateway-1").await;
    world.clock.advance(seconds(60));
    device.fail(&server).await;
    let listed = server.viewer.get(&path("renewal-events")).await.items();
    let [failed, start] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(
        failed,
        &json!({
            "id": failed["id"],
            "org_id": ORG.to_string(),
            "device_id": device.id(&server).to_string(),
            "attempt_id": start["id"],
            "event_type": "renewal_failed",
            "reason": "subject_mismatch",
            "error_message": failed["error_message"],
            "old_cert_expiration": rfc3339(device.certificate().not_after),
            "new_cert_expiration": null,
            "created_at": "2030-01-02T12:01:00Z",
        })
    );
    assert!(!failed["error_message"].as_str().unwrap().is_empty());
    assert_eq!((&start["reason"], &start["error_message"]), (&Value::Null, &Value::Null));
    let id = failed["id"].as_str().unwrap();
    assert_eq!(&server.viewer.get(&path(&format!("renewal-events/{id}"))).await.json(200), failed);
    let absent = path("renewal-events/018bcfe5-687b-7000-8000-000000000002");
    server.viewer.get(&absent).await.problem(404, "not_found");
}

async fn events_are_found_by_type_reason_attempt_and_time() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    world.clock.advance(seconds(60));
    device.fail(&server).await;
    world.clock.advance(seconds(60));
    device.renew(&server).await;
    let types = |query: &str| {
        let (client, path) = (server.viewer.clone(), path(&format!("renewal-events?{query}")));
        async move {
            let items = client.get(&path).await.items();
            items.iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(types("type=renewal_failed").await, ["renewal_failed"]);
    let two = types("type=renewal_failed&type=renewal_success").await;
    assert_eq!(two, ["renewal_success", "renewal_failed"]);
    assert_eq!(types("reason=subject_mismatch").await, ["renewal_failed"]);
    assert_eq!(types("reason=denied").await, [""; 0]);
    assert_eq!(types("from=2030-01-02T12:02:00Z").await, ["renewal_success", "renewal_start"]);
    assert_eq!(types("to=2030-01-02T13:02:00%2B01:00").await, ["renewal_failed", "renewal_start"]);
    let attempt = server.viewer.get(&path("renewal-events?type=renewal_success")).await.items()[0].clone();
    let attempt = attempt["attempt_id"].as_str().unwrap();
    assert_eq!(types(&format!("attempt={attempt}")).await, ["renewal_success", "renewal_start"]);
}

async fn events_of_a_device_are_found_by_its_name_and_by_its_id() {
    let world = World::new();
    let server = world.start().await;
    let mut first = Device::enrolled(&server, "Zähler 7").await;
    let mut second = Device::enrolled(&server, "gateway-2").await;
    first.renew(&server).await;
    second.renew(&server).await;
    let id = first.id(&server).to_string();
    let of_first = server.viewer.get(&path(&format!("renewal-events?device={id}"))).await.items();
    assert_eq!(of_first.len(), 2);
    assert!(of_first.iter().all(|event| event["device_id"] == id.as_str()));
    for same in [
        "renewal-events?device=Z%C3%A4hler+7".to_owned(),
        "devices/Z%C3%A4hler%207/events".to_owned(),
        format!("devices/{id}/events"),
    ] {
        assert_eq!(server.viewer.get(&path(&same)).await.items(), of_first, "{same}");
    }
    let some = server.viewer.get(&path("devices/gateway-2/events?type=renewal_success")).await.items();
    assert_eq!(some.len(), 1);
}
