//! A request or certificate that is refused, and what must be true whoever asks with it.

use chrono::TimeDelta;
use csr_service::{Credential, Reason};
use libtest_mimic::Trial;

use crate::workshop::P256;
use crate::world::{World, enrolling, presenting, rejected};

/// A request, or a presented certificate, that is refused.
pub(crate) struct Case {
    pub(crate) reason: Reason,
    pub(crate) name: &'static str,
    /// Makes it.
    pub(crate) make: fn(&World) -> Vec<u8>,
}

/// Every case: requests and certificates.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static Case, fn(&Case))> {
    let requests = crate::encodings::REQUESTS
        .iter()
        .chain(crate::keys::REQUESTS)
        .chain(crate::contents::REQUESTS)
        .chain(crate::names::REQUESTS)
        .map(|case| ("request", case, refuse_request as fn(&Case)));
    let certificates =
        crate::certificates::CERTIFICATES.iter().map(|case| ("certificate", case, refuse_certificate as _));
    requests.chain(certificates)
}

/// A test for each case, which has the reason in its name.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(group, case, refuse): (&str, &'static Case, fn(&Case))| {
        Trial::test(format!("{group}::{}::{}", case.reason, case.name), move || {
            refuse(case);
            Ok(())
        })
    };
    all().map(trial).collect()
}

/// A request that is refused for what it is, whoever sends it: nobody gets a certificate, and
/// only a device that proved who it is leaves a trace.
fn refuse_request(case: &Case) {
    let world = World::new();
    let service = world.service();
    let csr = (case.make)(&world);
    let refused = |credential: Credential| {
        let rejection = rejected(world.submit(&service, &csr, credential));
        assert_eq!(rejection.reason(), case.reason, "{rejection}");
        let shown = rejection.to_string();
        let sentence = case.reason.sentence().trim_end_matches('.');
        assert!(shown.starts_with(&format!("{}: {sentence}", case.reason)), "{shown}");
        assert!(!shown.contains(renewal_domain::text::is_unsafe), "{shown:?}");
    };

    refused(presenting(&foreign_certificate(&world)));
    refused(presenting(b"no certificate"));
    world.assert_nothing_stored();
    assert_eq!(service.unauthenticated_requests(), 2);
    refused(enrolling());
    assert_eq!(world.refused_enrollments(), [case.reason.code()], "an operator permitted it");
    let unauthenticated = service.unauthenticated_requests();

    let certificate = world.certificate();
    refused(presenting(&certificate));
    let renewal = ["renewal_start".to_owned(), format!("renewal_failed: {}", case.reason)];
    assert_eq!(world.story(), renewal);
    world.clock.advance(TimeDelta::days(91));
    refused(presenting(&certificate));
    let recovery = ["recovery_start".to_owned(), format!("recovery_failed: {}", case.reason)];
    assert_eq!(world.story(), [renewal, recovery].concat());
    assert_eq!(world.issued_count(), 0);
    assert_eq!(service.unauthenticated_requests(), unauthenticated, "a device is authenticated");
}

/// A certificate that proves nothing: whoever presents it is not authenticated, and leaves no trace.
fn refuse_certificate(case: &Case) {
    let world = World::new();
    let service = world.service();
    let certificate = (case.make)(&world);
    let rejection = rejected(world.submit(&service, &world.request(), presenting(&certificate)));
    assert_eq!(rejection.reason(), case.reason, "{rejection}");
    assert!(!rejection.to_string().contains(renewal_domain::text::is_unsafe), "{rejection:?}");
    world.assert_nothing_stored();
    assert_eq!(service.unauthenticated_requests(), 1);
}

/// A certificate for the device's own name and key, of an authority of the same name as ours.
pub(crate) fn foreign_certificate(world: &World) -> Vec<u8> {
    let workshop = &world.workshop;
    workshop.key("other.key", P256);
    workshop.authority("other", "/O=Works/CN=Test CA");
    workshop.openssl("req -new -key device.key -out foreign.csr");
    workshop.openssl(
        "x509 -req -in foreign.csr -CA other.pem -CAkey other.key -days 90 -extfile openssl.cnf -extensions device",
    )
}
