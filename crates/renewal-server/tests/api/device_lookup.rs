//! Which device a text names.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::trials::trials;
use crate::world::{Device, ORG, World, path};
use renewal_domain::DeviceName;

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_device_is_found_by_its_name_and_by_its_id,
        a_device_named_as_the_id_of_another_is_found_by_that_name,
        a_device_is_found_by_its_id_while_no_device_has_that_name,
        a_block_by_an_id_of_which_nothing_is_known_is_of_the_device_of_that_name,
    ])
}

async fn a_device_is_found_by_its_name_and_by_its_id() {
    let world = World::new();
    let server = world.start().await;
    let named = Device::enrolled(&server, "gateway-1").await;
    let uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let own = Device::enrolled(&server, &format!("device:{uuid}")).await;
    for (device, texts) in [
        (&named, vec!["gateway-1".to_owned(), named.id(&server).to_string()]),
        (&own, vec![uuid.to_owned(), format!("device:{uuid}"), uuid.to_uppercase()]),
    ] {
        for text in texts {
            let shown = server.viewer.get(&path(&format!("devices/{text}"))).await.json(200);
            assert_eq!(shown["id"], device.id(&server).to_string(), "{text}");
            assert_eq!(shown["name"], device.certificate().device_name.as_str(), "{text}");
        }
    }
}

async fn a_device_named_as_the_id_of_another_is_found_by_that_name() {
    let world = World::new();
    let server = world.start().await;
    let victim = Device::enrolled(&server, "gateway-1").await;
    let name = victim.id(&server).to_string();
    let other = Device::enrolled(&server, &name).await;
    assert_ne!(other.id(&server), victim.id(&server));

    let shown = server.viewer.get(&path(&format!("devices/{name}"))).await.json(200);
    assert_eq!((&shown["id"], &shown["name"]), (&json!(other.id(&server).to_string()), &json!(name)));
    let listed = server.viewer.get(&path(&format!("certificates?device={name}"))).await.items();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["device_name"], name);
    server.operator.post(&path(&format!("devices/{name}/block")), Value::Null).await.json(200);
    let victims = server.viewer.get(&path("devices/gateway-1")).await.json(200);
    assert_eq!(victims["blocked"], Value::Null, "it is the other one that is blocked");
}

async fn a_device_is_found_by_its_id_while_no_device_has_that_name() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::enrolled(&server, "gateway-1").await;
    device.fail(&server).await;
    let id = device.id(&server);
    let body = json!({ "reason": "cessation_of_operation" });
    let revoke = path(&format!("devices/{id}/revoke-certificates"));
    let revoked = server.operator.post(&revoke, body.clone()).await.json(200);
    assert_eq!(revoked["revocations"][0]["serial"], device.certificate().serial.to_string());
    for rest in ["renewal-events?device=", "actions?device=", "certificates?device="] {
        assert!(!server.viewer.get(&path(&format!("{rest}{id}"))).await.items().is_empty(), "{rest}");
    }
    let unknown = path("devices/018bcfe5-687b-5000-8000-000000000002/revoke-certificates");
    server.operator.post(&unknown, body).await.problem(404, "not_found");
}

async fn a_block_by_an_id_of_which_nothing_is_known_is_of_the_device_of_that_name() {
    let world = World::new();
    let server = world.start().await;
    let text = "018bcfe5-687b-5000-8000-000000000002";
    let blocked = server.operator.post(&path(&format!("devices/{text}/block")), Value::Null).await.json(200);
    let id = server.service.device_id(ORG, &DeviceName::new(text).unwrap());
    assert_eq!((&blocked["id"], &blocked["name"]), (&json!(id.to_string()), &json!(text)));
}
