//! Somebody who watches the service.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use csr_service::{Credential, EnrollmentGrant, Observer, Reason};
use renewal_domain::{CertificateRecord, OrgId, RenewalEvent};

use crate::store_that_fails::{Fault, failing_store};
use crate::support::{Device, ORG, World, assert_rejected, issued, presenting, profile, submit};

/// Writes down what it is told.
#[derive(Default)]
struct Notes {
    events: Mutex<Vec<RenewalEvent>>,
    told: Mutex<Vec<String>>,
}

impl Notes {
    fn note(&self, what: String) {
        self.told.lock().unwrap().push(what);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Observer for Notes {
    fn recorded(&self, event: &RenewalEvent) {
        self.events.lock().unwrap().push(event.clone());
    }

    fn issued(&self, certificate: &CertificateRecord) {
        self.note(format!("issued: {}", certificate.kind));
    }

    fn unauthenticated(&self, _org: OrgId, reason: Reason) {
        self.note(format!("unauthenticated: {reason}"));
    }

    fn enrollment_refused(&self, _org: OrgId, reason: Reason) {
        self.note(format!("enrollment refused: {reason}"));
    }

    fn signed(&self, _took: Duration, successful: bool) {
        self.note(format!("signed: {successful}"));
    }

    fn reconciled(&self, _org: OrgId, reason: Reason) {
        self.note(format!("reconciled: {reason}"));
    }
}

#[tokio::test]
async fn an_observer_is_told_every_event_of_the_ledger_once() {
    let world = World::new();
    let notes = Arc::new(Notes::default());
    let service = world.builder(profile(), world.store.clone()).observer(notes.clone()).build();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    assert_eq!(notes.told(), ["signed: true", "issued: enrollment"]);
    let csr = device.csr();
    issued(submit(&service, &csr, presenting(&first.der)).await.unwrap());
    assert_eq!(notes.told(), ["signed: true", "issued: renewal"]);
    issued(submit(&service, &csr, presenting(&first.der)).await.unwrap());
    assert_eq!(notes.told().len(), 0, "the same answer again is not issued again");
    let other = Device::named("gateway-2");
    assert_rejected(other.renew(&service, &first).await, Reason::SubjectMismatch);
    let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
    assert_rejected(submit(&service, b"rubbish", credential).await, Reason::CsrMalformed);
    let nobody = submit(&service, b"rubbish", presenting(b"rubbish")).await;
    assert_rejected(nobody, Reason::CsrMalformed);
    assert_eq!(notes.told(), ["enrollment refused: csr_malformed", "unauthenticated: csr_malformed"]);
    let told = std::mem::take(&mut *notes.events.lock().unwrap());
    assert_eq!(told, world.events().await);
}

#[tokio::test]
async fn an_observer_is_not_told_what_the_store_did_not_commit() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let notes = Arc::new(Notes::default());
    // Call 0 opens, 1 completes, 2 records the failure.
    let failing = failing_store(world.store.clone(), 1, Fault::FailBefore);
    let service = world.builder(profile(), failing).observer(notes.clone()).build();
    device.renew(&service, &first).await.unwrap_err();
    assert_eq!(notes.told(), ["signed: true"]);
    let told = std::mem::take(&mut *notes.events.lock().unwrap());
    assert_eq!(told, world.events().await);
}

#[tokio::test]
async fn an_observer_is_told_what_a_reconciliation_ended() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let dying = failing_store(world.store.clone(), 1, Fault::HangBefore);
    let service = world.builder(profile(), dying).build();
    let asked = tokio::time::timeout(Duration::from_millis(200), device.renew(&service, &first)).await;
    assert!(asked.is_err(), "the process never answered");

    world.clock.advance(chrono::TimeDelta::minutes(11));
    let notes = Arc::new(Notes::default());
    let service = world.builder(profile(), world.store.clone()).observer(notes.clone()).build();
    service.reconcile(ORG).await.unwrap();
    assert_eq!(notes.told(), ["reconciled: abandoned"]);
    assert_eq!(notes.events.lock().unwrap().len(), 1);
}
