//! Revocations: by serial number, of a device, and of certificates of other authorities.

use csr_service::Outcome;
use libtest_mimic::Trial;
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::foreign::Authority;
use crate::trials::trials;
use crate::world::{Device, ORG, World, path, renew_with};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        a_revoked_certificate_says_who_revoked_it,
        a_compromised_key_takes_its_other_certificates_along,
        a_certificate_of_another_authority_is_revoked_by_itself,
        a_certificate_is_revoked_by_issuer_and_serial_number,
        an_issuer_that_is_not_known_is_told_with_those_that_are,
        a_certificate_that_was_issued_here_is_revoked_as_by_its_serial_number,
        a_revocation_names_its_certificate_in_one_way,
    ])
}

async fn a_revoked_certificate_says_who_revoked_it() {
    let world = World::new();
    let server = world.start().await;
    let device = Device::enrolled(&server, "gateway-1").await;
    let serial = device.certificate().serial.to_string();
    let at = path(&format!("certificates/{serial}"));
    let before = server.viewer.get(&at).await.json(200);
    assert_eq!((&before["revoked_by"], &before["actions"]), (&Value::Null, &json!([])));
    let body = json!({ "reason": "cessation_of_operation", "note": "sold" });
    let answer = server.operator.post(&format!("{at}/revoke"), body).await.json(200);
    assert_eq!((&answer["also_revoked"], &answer["barred_key"]), (&json!([]), &Value::Null));
    assert_eq!(answer["certificate"]["revocation"]["reason"], "cessation_of_operation");
    let after = server.viewer.get(&at).await.json(200);
    let by = &after["revoked_by"];
    assert_eq!((&by["actor"]["name"], &by["note"]), (&json!("operator"), &json!("sold")));
    assert_eq!(after["actions"], json!([by]));
    let listed = server.viewer.get(&path("revocations")).await.items();
    let certificate = device.certificate();
    assert_eq!(
        listed,
        [json!({
            "id": listed[0]["id"],
            "serial": serial,
            "issuer_key_sha256": hex::encode(certificate.issuer_key_sha256),
            "certificate_sha256": hex::encode(certificate.certificate_sha256),
            "device_id": device.id(&server).to_string(),
            "not_after": crate::world::rfc3339(certificate.not_after),
            "revoked_at": "2030-01-02T12:00:00Z",
            "reason": "cessation_of_operation",
            "action_id": by["id"],
        })]
    );
    server
        .operator
        .post(&format!("{at}/revoke"), Value::Null)
        .await
        .problem(415, "content_type_not_supported");
}

async fn a_compromised_key_takes_its_other_certificates_along() {
    let world = World::new();
    let server = world.start().await;
    let mut device = Device::enrolled(&server, "gateway-1").await;
    let first = device.certificate().serial.to_string();
    device.renew(&server).await;
    let second = device.certificate().serial.to_string();
    let revoke = path(&format!("certificates/{second}/revoke"));
    let answer = server.operator.post(&revoke, json!({ "reason": "key_compromise" })).await.json(200);
    assert_eq!(answer["certificate"]["serial"], second);
    assert_eq!(answer["also_revoked"], json!([first]));
    assert_eq!(answer["barred_key"], hex::encode(device.certificate().public_key_sha256));
    let by_device = path("devices/gateway-1/revoke-certificates");
    let rest = server.operator.post(&by_device, json!({ "reason": "superseded" })).await.json(200);
    assert_eq!(rest, json!({ "revocations": [], "barred_key": null }));
}

async fn a_certificate_of_another_authority_is_revoked_by_itself() {
    let mut world = World::new();
    let factory = Authority::new("Factory");
    world.device_issuers.push(factory.trusted_in(ORG));
    let server = world.start().await;
    let key = KeyPair::generate().unwrap();
    let certificate = factory.client_certificate("gateway-1", &key);
    let body = json!({ "certificate": certificate, "reason": "key_compromise", "note": "published" });
    let revoked = server.operator.post(&path("revocations"), body).await.json(200);
    let listed = server.viewer.get(&path("revocations")).await.items();
    assert_eq!(revoked["revocations"], json!(listed));
    assert_eq!((listed.len(), revoked["barred_key"].is_string()), (1, true));
    match renew_with(&server, &key, "gateway-1", &certificate).await {
        Outcome::Rejected(rejection) => assert_eq!(rejection.reason().code(), "certificate_revoked"),
        other => panic!("{other:?}"),
    }
    let strange = Authority::new("Strange").client_certificate("gateway-1", &key);
    for (certificate, why) in
        [(strange.as_str(), "issued by none of the authorities"), ("x", "cannot be read")]
    {
        let body = json!({ "certificate": certificate, "reason": "unspecified" });
        let said = server.operator.post(&path("revocations"), body).await.problem(400, "invalid_body");
        assert!(said.contains(why), "{said}");
    }
}

async fn a_certificate_is_revoked_by_issuer_and_serial_number() {
    let mut world = World::new();
    let factory = Authority::new("Factory");
    world.device_issuers.push(factory.trusted_in(ORG));
    let server = world.start().await;
    let fingerprint = factory.fingerprint();
    let colons: Vec<_> = fingerprint.as_bytes().chunks(2).map(|it| String::from_utf8_lossy(it)).collect();
    let colons = colons.join(":").to_uppercase();
    for (number, issuer) in ["Factory", "CN=Factory, O=Works", &fingerprint, &colons].iter().enumerate() {
        let body = json!({ "issuer": issuer, "serial": format!("0A:0{number}"), "reason": "superseded" });
        let revoked = server.operator.post(&path("revocations"), body).await.json(200);
        assert_eq!(revoked["revocations"][0]["serial"], format!("0a0{number}"), "{issuer}");
        assert_eq!(revoked["revocations"][0]["not_after"], Value::Null);
    }
}

async fn an_issuer_that_is_not_known_is_told_with_those_that_are() {
    let mut world = World::new();
    let (one, other) = (Authority::new("Factory"), Authority::new("Factory"));
    world.device_issuers.extend([one.trusted_in(ORG), other.trusted_in(ORG)]);
    let server = world.start().await;
    for (issuer, how) in [("Nobody", "no authority"), ("Factory", "several authorities")] {
        let body = json!({ "issuer": issuer, "serial": "0a", "reason": "superseded" });
        let said = server.operator.post(&path("revocations"), body).await.problem(400, "invalid_body");
        for part in
            [how, issuer, "CN=Device CA with the fingerprint ", &one.fingerprint(), &other.fingerprint()]
        {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
    let body = json!({ "issuer": one.fingerprint(), "serial": "0a", "reason": "superseded" });
    server.operator.post(&path("revocations"), body).await.json(200);
}

async fn a_certificate_that_was_issued_here_is_revoked_as_by_its_serial_number() {
    let world = World::new();
    let server = world.start().await;
    let first = Device::enrolled(&server, "gateway-1").await;
    let second = Device::enrolled(&server, "gateway-2").await;
    let serial = second.certificate().serial.to_string();
    let pem =
        server.viewer.get(&path(&format!("certificates/{}?format=pem", first.certificate().serial))).await;
    for (body, device) in [
        (json!({ "certificate": pem.text(), "reason": "key_compromise" }), &first),
        (json!({ "issuer": "Device CA", "serial": serial, "reason": "key_compromise" }), &second),
    ] {
        let revoked = server.operator.post(&path("revocations"), body).await.json(200);
        assert_eq!(revoked["barred_key"], hex::encode(device.certificate().public_key_sha256));
        let at = path(&format!("certificates/{}", device.certificate().serial));
        let shown = server.viewer.get(&at).await.json(200);
        assert_eq!(shown["revocation"]["reason"], "key_compromise");
    }
}

async fn a_revocation_names_its_certificate_in_one_way() {
    let world = World::new();
    let server = world.start().await;
    for body in [
        json!({ "reason": "superseded" }),
        json!({ "issuer": "Device CA", "reason": "superseded" }),
        json!({ "serial": "0a", "reason": "superseded" }),
        json!({ "certificate": "x", "issuer": "Device CA", "serial": "0a", "reason": "superseded" }),
    ] {
        let said = server.operator.post(&path("revocations"), body).await.problem(400, "invalid_body");
        assert_eq!(said, "The body cannot be taken: give either certificate, or issuer and serial.");
    }
    let body = json!({ "issuer": "Device CA", "serial": "xyz", "reason": "superseded" });
    let said = server.operator.post(&path("revocations"), body).await.problem(400, "invalid_body");
    assert!(said.contains("serial: a serial number is written in hexadecimal"), "{said}");
    let body = json!({ "issuer": "Device CA", "serial": "0a" });
    let said = server.operator.post(&path("revocations"), body).await.problem(400, "invalid_body");
    assert!(said.contains("missing field `reason`"), "{said}");
}
