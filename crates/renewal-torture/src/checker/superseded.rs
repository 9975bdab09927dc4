//! Certificates that other ones have taken the place of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::index::{Asked, questions, serial_of};
use super::{Facts, Violation, rows};
use crate::journal::{Answer, Entry};
use crate::snapshot::Certificate;

/// Nothing was issued for a certificate that was presented after its device had used a later one.
///
/// A successor of a certificate is one that was issued to whoever presented it. The device has used it when
/// an attempt that presents it was answered: with a certificate or, where it is the only successor, with
/// anything that is recorded. A new enrollment takes the place of everything before it; which that is cannot
/// be said where clocks are wrong.
pub(super) fn no_superseded_certificate_gets_another(facts: Facts<'_>) -> Vec<Violation> {
    let questions = questions(facts.entries);
    let presented: Vec<_> = facts
        .entries
        .iter()
        .filter_map(|entry| Some((serial_of(entry.question.presented.as_deref()?)?, entry)))
        .collect();
    let mut violations = Vec::new();
    for row in &facts.snapshot.certificates {
        let Some(parent) = &row.presented_serial else { continue };
        let Some(Asked { first, .. }) = questions.get(&row.csr_sha256) else { continue };
        let of_device =
            facts.snapshot.certificates.iter().filter(|it| (it.org, it.device) == (row.org, row.device));
        let of_device: Vec<_> = of_device.collect();
        let successors: Vec<_> =
            of_device.iter().filter(|it| it.presented_serial.as_ref() == Some(parent)).collect();
        let only = successors.len() == 1;
        let used = successors.iter().filter(|it| it.serial != row.serial).find_map(|successor| {
            let of_it = presented.iter().filter(|(serial, entry)| {
                *serial == successor.serial && entry.question.device.org == row.org
            });
            of_it.map(|(_, entry)| *entry).find(|entry| entry.span.answered < *first && uses(entry, only))
        });
        violations.extend(used.map(|entry| format!("{}{entry}", rows([row]))));
        if !facts.clocks_stepped {
            let enrolled = later_enrollment(&of_device, row, parent, *first, &questions);
            violations.extend(enrolled.map(|entry| format!("{}{entry}", rows([row]))));
        }
    }
    let promise = "no superseded certificate gets another";
    violations.into_iter().map(|evidence| Violation::of(promise, evidence)).collect()
}

/// Whether an answer tells that the presented certificate is in use.
fn uses(entry: &Entry, only: bool) -> bool {
    match &entry.answer {
        Answer::Certificate(_) | Answer::Later => true,
        // Whoever presents one that is not valid proves nothing.
        Answer::Refused(_, code) => only && code != "certificate_not_yet_valid",
        Answer::Failed(_) | Answer::Lost | Answer::Nonsense(_) => false,
    }
}

/// The answer with which the device enrolled anew after it had the presented certificate, before it asked.
fn later_enrollment<'a>(
    of_device: &[&Certificate],
    row: &Certificate,
    parent: &str,
    first: Duration,
    questions: &BTreeMap<String, Asked<'a>>,
) -> Option<&'a Entry> {
    let presented = of_device.iter().find(|it| it.serial == parent);
    let enrollments = of_device.iter().filter(|it| {
        it.kind == "enrollment"
            && it.serial != parent
            && it.request < row.request
            && presented.is_none_or(|presented| presented.request < it.request)
    });
    let answers = enrollments.filter_map(|it| questions.get(&it.csr_sha256)).flat_map(|it| &it.entries);
    answers
        .copied()
        .find(|entry| matches!(entry.answer, Answer::Certificate(_)) && entry.span.answered < first)
}
