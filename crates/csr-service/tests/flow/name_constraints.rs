//! An issuer whose certificate permits some names only (RFC 5280, section 4.2.1.10).

use csr_service::{ApprovalMode, CsrService, DeviceIssuer, Issuer, Outcome, Reason};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, GeneralSubtree, IsCa, KeyPair,
    NameConstraints,
};
use renewal_domain::{Clock, RequestKind};

use crate::support::{Device, ORG, World, assert_rejected, by, days, issued, profile, rejected};

/// A service whose new authority permits names of one domain and not this subject. It trusts the
/// certificates of the authority before.
fn constrained(world: &World) -> CsrService {
    let name = |common_name: &str| {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, common_name);
        name
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = name("Constrained CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("gateway-1.example".into())],
        excluded_subtrees: vec![GeneralSubtree::DirectoryName(name("intruder"))],
    });
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::from_pem(certificate, key.serialize_pem(), world.clock.now()).unwrap();
    let before = DeviceIssuer::previous(world.authority.certificate_pem()).unwrap();
    world.builder_for(issuer, profile(), world.store.clone()).device_issuer(before).build()
}

#[tokio::test]
async fn an_enrollment_under_a_name_that_is_not_permitted_is_refused() {
    let world = World::new();
    let service = constrained(&world);
    let refused = Device::named("gateway-2").ask_to_enroll(&service).await;
    let rejection = rejected(refused.unwrap());
    assert_eq!(rejection.reason(), Reason::NameNotPermittedByIssuer);
    assert_eq!(rejection.detail(), "DNS:gateway-2.example is not within the permitted DNS:gateway-1.example");
    let intruder = Device { name: "intruder".to_owned(), ..Device::named("gateway-1") };
    assert_rejected(intruder.ask_to_enroll(&service).await, Reason::NameNotPermittedByIssuer);
    Device::named("gateway-1").enroll(&service).await;
    assert_eq!(world.actions().await.len(), 2, "a refused enrollment is an action");
}

#[tokio::test]
async fn a_renewal_or_recovery_under_a_name_that_is_not_permitted_is_refused_and_recorded() {
    let world = World::new();
    let (good, bad) = (Device::named("gateway-1"), Device::named("gateway-2"));
    let (first_of_good, first_of_bad) = {
        let before = world.service();
        (good.enroll(&before).await, bad.enroll(&before).await)
    };
    let service = constrained(&world);
    issued(good.renew(&service, &first_of_good).await.unwrap());
    assert_rejected(bad.renew(&service, &first_of_bad).await, Reason::NameNotPermittedByIssuer);
    world.clock.set(first_of_bad.not_after + days(1));
    assert_rejected(bad.renew(&service, &first_of_bad).await, Reason::NameNotPermittedByIssuer);
    assert_eq!(
        world.story().await,
        [
            "renewal_start",
            "renewal_success",
            "renewal_start",
            "renewal_failed: name_not_permitted_by_issuer",
            "recovery_start",
            "recovery_failed: name_not_permitted_by_issuer"
        ]
    );
    world.assert_all_ended().await;
}

#[tokio::test]
async fn a_request_that_waits_is_compared_with_the_issuer_that_would_sign_it() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Renewal, ApprovalMode::Manual));
    let device = Device::named("gateway-2");
    let first = device.enroll(&service).await;
    let Outcome::Pending(pending) = device.renew(&service, &first).await.unwrap() else {
        panic!("it waits for a person")
    };
    let approved = constrained(&world).approve(ORG, pending.request_id, &by()).await;
    assert_rejected(approved, Reason::NameNotPermittedByIssuer);
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: name_not_permitted_by_issuer"]);
    assert_eq!(world.certificates(&device).await.len(), 1);
    world.assert_all_ended().await;
}
