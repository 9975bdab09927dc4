//! Requests that are good, of devices that may not have what they ask for; and those that may.

use std::time::Duration;

use chrono::TimeDelta;
use csr_service::{
    Credential, CsrService, EnrollmentGrant, Reason,
    Reason::{
        CertificateNotRecorded, CertificateRevoked, EnrollmentNameMismatch, ExpiredTooLong,
        NameNotPermittedByIssuer, OrganisationSuspended, RenewalTooEarly, SanMismatch, SubjectMismatch,
    },
};
use libtest_mimic::Trial;
use renewal_domain::{ActionContext, Actor, Clock, DeviceName, RevocationReason};

use crate::name_constraints::openssl_permits_the_same_names;
use crate::world::{ORG, World, enrolling, issued, presenting, profile, rejected};

/// A test, and the reason that it is about.
pub(crate) struct Test {
    pub(crate) reason: Option<Reason>,
    name: &'static str,
    run: fn(),
}

macro_rules! tests {
    ($($($reason:ident)? : $name:ident)*) => {
        /// The tests of this module.
        pub(crate) const TESTS: &[Test] = &[
            $(Test { reason: tests!(@ $($reason)?), name: stringify!($name), run: $name },)*
        ];
    };
    (@) => { None };
    (@ $reason:ident) => { Some($reason) };
}

tests! {
    EnrollmentNameMismatch: an_enrollment_is_for_the_name_it_was_permitted_for
    SubjectMismatch: another_subject_is_not_renewed
    SanMismatch: other_alternative_names_are_not_renewed
    CertificateRevoked: a_revoked_certificate_is_not_renewed
    CertificateNotRecorded: a_certificate_that_is_not_recorded_is_not_renewed_where_it_must_be
    RenewalTooEarly: a_certificate_is_not_renewed_before_its_earliest_renewal
    ExpiredTooLong: a_certificate_is_not_recovered_after_the_grace_period
    ExpiredTooLong: a_certificate_that_expired_in_the_year_1_is_not_recovered
    OrganisationSuspended: a_device_of_a_suspended_organisation_is_refused
    NameNotPermittedByIssuer: openssl_permits_the_same_names
    : a_certificate_that_is_valid_until_the_year_9999_is_renewed
    : the_old_names_in_another_order_and_key_are_renewed
    : a_certificate_without_extensions_is_renewed
}

/// The tests of this module, with their reasons in their names.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |test: &'static Test| {
        let reason = test.reason.map_or("granted", Reason::code);
        Trial::test(format!("authorisation::{reason}::{}", test.name), || {
            (test.run)();
            Ok(())
        })
    };
    TESTS.iter().map(trial).collect()
}

/// The device presents the certificate with the request and is refused: its attempt is recorded
/// with the reason, and no certificate.
#[track_caller]
fn refused(world: &World, service: &CsrService, csr: &[u8], certificate: &[u8], reason: Reason) {
    let story = world.story();
    let issued = world.issued_count();
    let kind = if certificate_has_expired(world, certificate) { "recovery" } else { "renewal" };
    let rejection = rejected(world.submit(service, csr, presenting(certificate)));
    assert_eq!(rejection.reason(), reason, "{rejection}");
    let attempt = [format!("{kind}_start"), format!("{kind}_failed: {reason}")];
    assert_eq!(world.story(), [&story[..], &attempt].concat());
    assert_eq!(world.issued_count(), issued);
}

fn certificate_has_expired(world: &World, certificate: &[u8]) -> bool {
    let der = crate::certificates::to_der(world, certificate);
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    certificate.validity().not_after.timestamp() < world.clock.now().timestamp()
}

fn an_enrollment_is_for_the_name_it_was_permitted_for() {
    let world = World::new();
    let grant = EnrollmentGrant::for_device(DeviceName::new("gateway-2").unwrap());
    let outcome = world.submit(&world.service(), &world.request(), Credential::Enrollment(grant));
    assert_eq!(rejected(outcome).reason(), EnrollmentNameMismatch);
    assert_eq!(world.refused_enrollments(), [EnrollmentNameMismatch.code()]);
}

fn another_subject_is_not_renewed() {
    let world = World::new();
    let certificate = world.certificate_of("-subj /O=Works/CN=gateway-1");
    let service = world.service();
    for subject in [
        "/O=Works/CN=gateway-2",
        "/CN=gateway-1",
        "/CN=gateway-1/O=Works",
        "/O=works/CN=gateway-1",
        "/O=Works/CN=gateway-1/OU=Hall",
    ] {
        let csr = world.workshop.openssl(&format!("req -new -key device.key -subj {subject}"));
        refused(&world, &service, &csr, &certificate, SubjectMismatch);
    }
    // The same text in another type of string is another name, octet for octet.
    world.workshop.write("strings.cnf", "[req]\nprompt=no\ndistinguished_name=n\nstring_mask=default\n[n]\n");
    let csr =
        world.workshop.openssl("req -new -key device.key -config strings.cnf -subj /O=Works/CN=gateway-1");
    refused(&world, &service, &csr, &certificate, SubjectMismatch);
}

fn other_alternative_names_are_not_renewed() {
    let world = World::new();
    let certificate = world.certificate_of("-addext subjectAltName=DNS:gw-1.example,IP:192.0.2.1");
    let service = world.service();
    for names in [
        "",
        "-addext subjectAltName=DNS:gw-1.example",
        "-addext subjectAltName=DNS:gw-2.example,IP:192.0.2.1",
        "-addext subjectAltName=DNS:gw-1.example,IP:192.0.2.1,DNS:gw-2.example",
        "-addext subjectAltName=URI:urn:gw-1.example,IP:192.0.2.1",
        "-addext subjectAltName=DNS:gw-1.example,IP:192.0.2.1,IP:192.0.2.1",
    ] {
        let csr = world.workshop.openssl(&format!("req -new -key device.key {names}"));
        refused(&world, &service, &csr, &certificate, SanMismatch);
    }
}

fn a_revoked_certificate_is_not_renewed() {
    let world = World::new();
    let service = world.service();
    let csr = world.request();
    let first = issued(world.submit(&service, &csr, enrolling()));
    let reason = RevocationReason::KeyCompromise;
    world.wait(service.revoke(ORG, &first.certificate.serial, reason, "", &by())).unwrap();
    refused(&world, &service, &csr, first.pem().as_bytes(), CertificateRevoked);
}

fn a_certificate_that_is_not_recorded_is_not_renewed_where_it_must_be() {
    let world = World::new();
    let service = world.recording(profile()).build();
    refused(&world, &service, &world.request(), &world.certificate(), CertificateNotRecorded);
}

fn a_certificate_is_not_renewed_before_its_earliest_renewal() {
    let world = World::new();
    let earliest = Duration::from_hours(30 * 24);
    let service = world.builder(profile().earliest_renewal(Some(earliest))).build();
    let (csr, certificate) = (world.request(), world.certificate());
    world.clock.advance(TimeDelta::days(59));
    refused(&world, &service, &csr, &certificate, RenewalTooEarly);
    world.clock.advance(TimeDelta::days(2));
    issued(world.submit(&service, &csr, presenting(&certificate)));
}

fn a_certificate_is_not_recovered_after_the_grace_period() {
    let world = World::new();
    let now = world.clock.now();
    let expired = |ago: TimeDelta| world.dated(now - TimeDelta::days(90), now - ago);
    let in_time = expired(TimeDelta::days(30) - TimeDelta::minutes(1));
    let too_late = expired(TimeDelta::days(30) + TimeDelta::minutes(1));
    let service = world.service();
    refused(&world, &service, &world.request(), &too_late, ExpiredTooLong);
    issued(world.submit(&service, &world.request(), presenting(&in_time)));
    assert_eq!(world.story()[2..], ["recovery_start", "recovery_success"]);
}

fn a_certificate_that_expired_in_the_year_1_is_not_recovered() {
    let world = World::new();
    let csr = world.request();
    world.workshop.write("device.csr", world.workshop.openssl("req -new -key device.key"));
    let ancient = world.workshop.dated("device.csr", "00010101000000Z", "00010101000001Z");
    refused(&world, &world.service(), &csr, &ancient, ExpiredTooLong);
}

fn a_certificate_that_is_valid_until_the_year_9999_is_renewed() {
    let world = World::new();
    world.workshop.write("device.csr", world.workshop.openssl("req -new -key device.key"));
    let endless = world.workshop.dated("device.csr", "00010101000000Z", "99991231235959Z");
    let renewed = issued(world.submit(&world.service(), &world.request(), presenting(&endless)));
    let in_a_year = world.clock.now() + TimeDelta::days(365);
    assert_eq!(renewed.certificate.not_after.timestamp(), in_a_year.timestamp());
    assert_eq!(world.story(), ["renewal_start", "renewal_success"]);
}

fn the_old_names_in_another_order_and_key_are_renewed() {
    let world = World::new();
    world.workshop.key("other.key", crate::workshop::RSA_2048);
    let certificate = world.certificate_of("-addext subjectAltName=DNS:gw-1.example,IP:192.0.2.1");
    let csr = "req -new -key other.key -addext subjectAltName=IP:192.0.2.1,DNS:gw-1.example";
    let csr = world.workshop.openssl(csr);
    issued(world.submit(&world.service(), &csr, presenting(&certificate)));
    assert_eq!(world.story(), ["renewal_start", "renewal_success"]);
}

fn a_certificate_without_extensions_is_renewed() {
    let world = World::new();
    world.certificate();
    let plain = "x509 -req -in device.csr -CA ca.pem -CAkey ca.key -days 90";
    let certificate = world.workshop.openssl(plain);
    issued(world.submit(&world.service(), &world.request(), presenting(&certificate)));
    assert_eq!(world.story(), ["renewal_start", "renewal_success"]);
}

/// Who decides in these tests.
fn by() -> ActionContext {
    Actor::CommandLine { user: "alice".into(), host: "desk".into() }.into()
}

fn a_device_of_a_suspended_organisation_is_refused() {
    let world = World::new();
    let service = world.service();
    let (csr, certificate) = (world.request(), world.certificate());
    world.wait(service.suspend_organisation(ORG, "audit", &by())).unwrap();
    assert_eq!(rejected(world.submit(&service, &csr, enrolling())).reason(), OrganisationSuspended);
    refused(&world, &service, &csr, &certificate, OrganisationSuspended);
    world.wait(service.resume_organisation(ORG, "", &by())).unwrap();
    issued(world.submit(&service, &csr, presenting(&certificate)));
}
