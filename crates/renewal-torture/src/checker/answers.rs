//! What the clients were told.

use std::collections::BTreeMap;

use super::refusals::is_expected;
use super::{Facts, Violation, by};
use crate::journal::{Act, Answer, Entry, Question, certificates_by_question, lines};

/// The refusal of somebody who proved nothing: it is not recorded.
const UNPROVEN: &str = "certificate_not_yet_valid";

/// Every certificate that a client holds is in the ledger of its organisation, octet for octet; and
/// there with its kind: a renewal, a recovery or an enrollment.
pub(super) fn every_held_certificate_has_its_row(facts: Facts<'_>) -> Vec<Violation> {
    let ledger = by(&facts.snapshot.certificates, |row| (row.org, row.der.as_str()));
    let broken = facts.entries.iter().filter(|entry| {
        let Answer::Certificate(der) = &entry.answer else { return false };
        let device = &entry.question.device;
        let der = hex::encode(der);
        let rows = ledger.get(&(device.org, der.as_str())).map_or(&[][..], |rows| &rows[..]);
        let kind = match entry.question.act {
            Act::Enroll | Act::Reuse | Act::BorrowKey => "enrollment",
            Act::Renew | Act::Impersonate | Act::Intrude | Act::Superseded => "renewal",
            Act::Recover => "recovery",
        };
        !matches!(rows, [row] if row.device == device.id() && row.kind == kind)
    });
    let promise = "every certificate that a client holds has its row";
    broken.map(|entry| Violation::of(promise, entry.to_string())).collect()
}

/// The same question had the same certificate, however often it was answered with one.
pub(super) fn a_repeated_question_has_the_same_answer(facts: Facts<'_>) -> Vec<Violation> {
    let questions = certificates_by_question(facts.entries).into_iter();
    let broken = questions.filter(|answers| answers.windows(2).any(|pair| pair[0].1 != pair[1].1));
    let promise = "a repeated request gets the same certificate";
    broken.map(|answers| Violation::of(promise, lines(answers.iter().map(|(entry, _)| *entry)))).collect()
}

/// There are at least as many failures with a reason as a device was told of; and as many actions of the
/// server, where it was refused a first certificate.
pub(super) fn every_acknowledged_refusal_is_recorded(facts: Facts<'_>) -> Vec<Violation> {
    let mut told: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
    for entry in facts.entries {
        if let Answer::Refused(_, code) = &entry.answer
            && code != UNPROVEN
        {
            let Question { device, presented, .. } = &*entry.question;
            let key = (device.org, device.id(), presented.is_some(), code.as_str());
            told.entry(key).or_default().push(entry);
        }
    }
    let snapshot = facts.snapshot;
    let broken = told.into_iter().filter(|((org, device, attempt, code), entries)| {
        let recorded = if *attempt {
            let events = snapshot.events.iter();
            let of_device = events.filter(|event| (event.org, event.device) == (*org, *device));
            of_device.filter(|event| event.reason.as_deref() == Some(code)).count()
        } else {
            let refused = snapshot.actions.iter().filter(|action| action.kind == "enrollment_refused");
            let of_device = refused.filter(|action| (action.org, action.device) == (*org, Some(*device)));
            of_device.filter(|action| action.reason.as_deref() == Some(code)).count()
        };
        recorded < entries.len()
    });
    let promise = "no acknowledged refusal is missing from the history";
    broken.map(|(_, entries)| Violation::of(promise, lines(entries))).collect()
}

/// A certificate in the name of another, in another organisation, or for a used token.
pub(super) fn nobody_gets_what_it_must_not(facts: Facts<'_>) -> Vec<Violation> {
    let broken = facts.entries.iter().filter(|entry| {
        let forbidden = matches!(entry.question.act, Act::Impersonate | Act::Intrude | Act::Reuse);
        forbidden && matches!(entry.answer, Answer::Certificate(_))
    });
    let promise = "nobody gets a certificate that it must not have";
    broken.map(|entry| Violation::of(promise, entry.to_string())).collect()
}

/// A refusal has a environment that there can be, and a failure does not call itself lasting.
pub(super) fn no_answer_is_out_of_place(facts: Facts<'_>) -> Vec<Violation> {
    let broken = facts.entries.iter().filter(|entry| match &entry.answer {
        Answer::Refused(_, code) => !is_expected(facts, entry, code),
        // Nothing that is broken here stays so: 503 is the answer to it, and 500 is not.
        Answer::Failed(status) => *status != 503,
        Answer::Nonsense(_) => true,
        Answer::Certificate(_) | Answer::Later | Answer::Lost => false,
    });
    let promise = "no answer is out of place";
    broken.map(|entry| Violation::of(promise, lines(history(facts, entry)))).collect()
}

/// Everything that the device of an entry was told.
fn history<'a>(facts: Facts<'a>, entry: &'a Entry) -> impl Iterator<Item = &'a Entry> {
    facts.entries.iter().filter(|other| other.question.device.name == entry.question.device.name)
}
