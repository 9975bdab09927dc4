//! Certificates and their events.

use x509_parser::prelude::{FromDer, X509Certificate};

use super::index::{questions, serial_of, sha256};
use super::{Facts, Violation, by, rows};
use crate::snapshot::{Certificate, Event};

/// A certificate of a renewal or a recovery is there only with its success event; one of an
/// enrollment belongs to no attempt.
pub(super) fn every_certificate_has_its_success(facts: Facts<'_>) -> Vec<Violation> {
    let broken = facts.snapshot.certificates.iter().filter(|certificate| {
        match (certificate.attempt, certificate.kind.as_str()) {
            (None, "enrollment") => false,
            (Some(_), "renewal" | "recovery") => {
                facts.snapshot.events.iter().filter(|event| is_success_of(event, certificate)).count() != 1
            }
            _ => true,
        }
    });
    let promise = "every certificate has its success event";
    broken.map(|certificate| Violation::of(promise, rows([certificate]))).collect()
}

/// A success event is there only with its one certificate.
pub(super) fn every_success_has_its_certificate(facts: Facts<'_>) -> Vec<Violation> {
    let successes = facts.snapshot.events.iter().filter(|event| event.kind.ends_with("_success"));
    let broken = successes.filter(|event| {
        let certificates = &facts.snapshot.certificates;
        certificates.iter().filter(|certificate| is_success_of(event, certificate)).count() != 1
    });
    let promise = "every success event has its certificate";
    broken.map(|event| Violation::of(promise, rows([event]))).collect()
}

/// No certificate is there that no device asked for.
pub(super) fn every_certificate_was_asked_for(facts: Facts<'_>) -> Vec<Violation> {
    let questions = questions(facts.entries);
    let broken = facts.snapshot.certificates.iter().filter(|row| {
        let question = questions.get(&row.csr_sha256).map(|asked| asked.question);
        question.is_none_or(|question| {
            let presented = question.presented.as_deref().and_then(serial_of);
            question.device.org != row.org || presented != row.presented_serial
        })
    });
    let promise = "every certificate was asked for";
    broken.map(|certificate| Violation::of(promise, rows([certificate]))).collect()
}

/// No serial number is there twice, in whichever organisation.
pub(super) fn no_serial_number_is_there_twice(facts: Facts<'_>) -> Vec<Violation> {
    let serials = by(&facts.snapshot.certificates, |certificate| &certificate.serial);
    let broken = serials.into_values().filter(|certificates| certificates.len() > 1);
    let promise = "no two certificates have one serial number";
    broken.map(|certificates| Violation::of(promise, rows(certificates))).collect()
}

/// Serial number, name, key, digest and expiry of a row are those of its certificate.
pub(super) fn a_row_says_what_its_certificate_says(facts: Facts<'_>) -> Vec<Violation> {
    let broken = facts.snapshot.certificates.iter().filter(|row| !agrees(row).unwrap_or(false));
    let promise = "a row says what its certificate says";
    broken.map(|row| Violation::of(promise, rows([row]))).collect()
}

fn is_success_of(event: &Event, certificate: &Certificate) -> bool {
    event.kind == format!("{}_success", certificate.kind)
        && event.stage == 1
        && certificate.attempt == Some(event.attempt)
        && (certificate.org, certificate.device) == (event.org, event.device)
        && event.new_expiration == Some(certificate.not_after)
}

/// None when it is no certificate.
fn agrees(row: &Certificate) -> Option<bool> {
    let der = hex::decode(&row.der).ok()?;
    let (rest, certificate) = X509Certificate::from_der(&der).ok()?;
    let mut names = certificate.subject().iter_common_name();
    Some(
        rest.is_empty()
            && hex::encode(certificate.raw_serial()) == row.serial
            && names.next()?.as_str().ok()? == row.name
            && sha256(certificate.public_key().raw) == row.key_sha256
            && sha256(&der) == row.sha256
            && certificate.validity().not_after.timestamp() * 1_000_000 == row.not_after,
    )
}
