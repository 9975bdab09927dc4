//! Nobody gets a name that nobody gave them.

use csr_service::{
    ApprovalMode, Credential, Csr, EnrollmentGrant, KeyPolicy, NameGrant, NamePolicy, Outcome, Profile,
    ProfileBuilder, Reason, SanPolicy, SubjectPolicy,
};
use renewal_domain::{ActionKind, DeviceName, GrantedNames, RequestKind};

use crate::support::{
    DAY, Device, ORG, World, assert_rejected, by, issued, presenting, profile, rejected, submit,
};

fn any() -> ProfileBuilder {
    Profile::builder().names(NamePolicy { subject: SubjectPolicy::Any, san: SanPolicy::Any })
}

fn strict() -> ProfileBuilder {
    Profile::builder().lifetime(90 * DAY)
}

fn grant(device: &Device, san: &[&str]) -> Credential {
    let names = GrantedNames::new([], san.iter().copied()).unwrap();
    let grant = EnrollmentGrant::for_device(DeviceName::new(device.name.as_str()).unwrap());
    Credential::Enrollment(grant.with_names(NameGrant::try_from(&names).unwrap()))
}

fn anybody() -> Credential {
    Credential::Enrollment(EnrollmentGrant::for_any_device())
}

macro_rules! request {
    ($name:literal) => {
        &include_bytes!(concat!("../../testdata/names/", $name, ".der"))[..]
    };
}

#[tokio::test]
async fn a_name_that_is_not_valid_is_refused_whatever_the_policy_permits() {
    for (csr, reason, said) in [
        (request!("uri-dots"), Reason::SanMalformed, "URI:http://a..b/"),
        (request!("dns-leading-dot"), Reason::SanMalformed, "begin or end with a dot: DNS:.example.test"),
        (request!("email-angle"), Reason::SanMalformed, "angle brackets here: email:<a@example.test>"),
        (request!("dns-comma"), Reason::SanMalformed, "not ',': DNS:a.example,DNS:admin.example"),
        (request!("o-long"), Reason::SubjectMalformed, "O has at most 64 characters, this one has 65: xxx"),
        (
            request!("c-utf8"),
            Reason::SubjectMalformed,
            "C must be a PrintableString, this one is a UTF8String",
        ),
        (request!("cn-ia5"), Reason::SubjectMalformed, "CN must be a UTF8String or PrintableString"),
    ] {
        for approval in [ApprovalMode::Automatic, ApprovalMode::Manual] {
            let world = World::new();
            let service = world.service_with(any().approval(RequestKind::Enrollment, approval));
            let rejection = rejected(submit(&service, csr, anybody()).await.unwrap());
            assert_eq!(rejection.reason(), reason, "{rejection}");
            assert!(rejection.detail().contains(said), "{rejection}");
            assert_eq!(world.open_requests().await, 0);
        }
    }
}

#[tokio::test]
async fn the_same_name_in_another_string_type_is_refused_with_the_string_types() {
    let world = World::new();
    let service = world.service_with(any());
    let first = issued(submit(&service, request!("renew-utf8"), anybody()).await.unwrap()).certificate;
    let other = submit(&service, request!("renew-printable"), presenting(&first.der)).await.unwrap();
    let rejection = rejected(other);
    assert_eq!(rejection.reason(), Reason::SubjectMismatch);
    assert_eq!(
        rejection.detail(),
        "requested O=Works as PrintableString, presented as UTF8String; \
         requested CN=renew-enc as PrintableString, presented as UTF8String"
    );
    issued(submit(&service, request!("renew-utf8"), presenting(&first.der)).await.unwrap());
}

#[tokio::test]
async fn a_permission_to_enroll_gives_no_name_but_the_cn() {
    let world = World::new();
    let service = world.service_with(strict());
    let device = Device::named("dev-b").with_san(&["admin.example"]);
    let refused = submit(&service, &device.csr(), grant(&device, &[])).await;
    assert_rejected(refused, Reason::SanNotAllowed);
    let refused = submit(&service, request!("renew-utf8"), anybody()).await;
    assert_rejected(refused, Reason::SubjectNotAllowed);
    assert!(world.certificates(&device).await.is_empty());
    assert!(world.events().await.is_empty());
    assert_eq!(world.open_requests().await, 0);
    assert_eq!(world.action_kinds().await, [ActionKind::EnrollmentRefused; 2]);
}

#[tokio::test]
async fn a_granted_name_is_issued_and_renewed_without_the_grant() {
    let world = World::new();
    let service = world.service_with(strict());
    let device = Device::named("dev-b").with_san(&["gw.example"]);
    let granted = submit(&service, &device.csr(), grant(&device, &["DNS:gw.example"])).await.unwrap();
    let first = issued(granted).certificate;
    issued(device.renew(&service, &first).await.unwrap());
    let more = device.with_san(&["gw.example", "admin.example"]);
    assert_rejected(more.renew(&service, &first).await, Reason::SanMismatch);
}

#[tokio::test]
async fn a_permitted_name_need_not_be_asked_for() {
    let world = World::new();
    let device = Device::named("gateway-1").with_san(&[]);
    let first = device.enroll(&world.service_with(profile())).await;
    issued(device.renew(&world.service_with(strict()), &first).await.unwrap());
}

#[tokio::test]
async fn where_a_person_approves_enrollments_other_names_wait_for_the_person() {
    let world = World::new();
    let service = world.service_with(strict().approval(RequestKind::Enrollment, ApprovalMode::Manual));
    let device = Device::named("dev-b").with_san(&["gw.example", "admin.example"]);
    let names = GrantedNames::new([], ["DNS:gw.example"]).unwrap();
    let credential = || grant(&device, &["DNS:gw.example"]);
    let Outcome::Pending(pending) = submit(&service, &device.csr(), credential()).await.unwrap() else {
        panic!("it waits for a person")
    };
    let csr = Csr::parse(&device.csr(), &KeyPolicy::default()).unwrap();
    let shown: Vec<_> = csr.san().texts().collect();
    assert_eq!(shown, ["DNS:gw.example", "DNS:admin.example"]);
    let uncovered = service.uncovered_names(ORG, &csr, &NameGrant::try_from(&names).unwrap());
    assert_eq!(uncovered.san, ["DNS:admin.example"]);
    issued(service.approve(ORG, pending.request_id, &by()).await.unwrap());
}

#[tokio::test]
async fn an_answer_is_given_again_after_the_policy_has_changed() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let csr = device.csr();
    issued(submit(&world.service_with(profile()), &csr, anybody()).await.unwrap());
    let stricter = world.service_with(strict());
    assert!(issued(submit(&stricter, &csr, anybody()).await.unwrap()).repeated);
    assert_rejected(device.rekeyed().ask_to_enroll(&stricter).await, Reason::SanNotAllowed);
}
