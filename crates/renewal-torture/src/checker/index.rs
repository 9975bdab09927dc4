//! What was asked, and when, found by what the ledger knows of it.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

use crate::journal::{Call, CallEntry, Entry, Question};

/// A question, and each time that it was asked.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) question: &'a Question,
    /// When it was asked for the first time.
    pub(super) first: Duration,
    pub(super) entries: Vec<&'a Entry>,
}

/// Questions by the SHA-256 of their request, in hexadecimal. No two questions have the same request: the
/// signature in it is another one each time.
pub(super) fn questions(entries: &[Entry]) -> BTreeMap<String, Asked<'_>> {
    let mut questions: BTreeMap<String, Asked<'_>> = BTreeMap::new();
    for entry in entries {
        let (question, first) = (&*entry.question, entry.span.asked);
        let digest = sha256(&question.csr);
        let asked = questions.entry(digest).or_insert_with(|| Asked { question, first, entries: Vec::new() });
        asked.first = asked.first.min(first);
        asked.entries.push(entry);
    }
    questions
}

/// A call of an operator, with every try.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    pub(super) call: &'a Call,
    pub(super) tries: Vec<&'a CallEntry>,
}

impl Tries<'_> {
    /// When the first try began.
    pub(super) fn first(&self) -> Duration {
        self.tries.iter().map(|entry| entry.span.asked).min().unwrap_or_default()
    }

    /// When the last reply was there, or none came.
    pub(super) fn last(&self) -> Duration {
        self.tries.iter().map(|entry| entry.span.answered).max().unwrap_or_default()
    }

    /// When it was acknowledged, if it was.
    pub(super) fn done(&self) -> Option<Duration> {
        self.tries.iter().filter(|entry| entry.reply.is_done()).map(|entry| entry.span.answered).min()
    }

    /// How many tries may have been carried out, or may still be, without the operator's knowing.
    pub(super) fn uncertain(&self) -> usize {
        self.tries.iter().filter(|entry| !entry.reply.is_certain()).count()
    }
}

/// The calls of operators, in the order in which they began.
pub(super) fn calls(entries: &[CallEntry]) -> Vec<Tries<'_>> {
    let mut calls: BTreeMap<_, Tries<'_>> = BTreeMap::new();
    for entry in entries {
        let call = &*entry.call;
        let key = (call.org, &call.note);
        calls.entry(key).or_insert_with(|| Tries { call, tries: Vec::new() }).tries.push(entry);
    }
    let mut calls: Vec<_> = calls.into_values().collect();
    calls.sort_by_key(Tries::first);
    calls
}

/// The SHA-256 of octets, in hexadecimal.
pub(super) fn sha256(octets: &[u8]) -> String {
    hex::encode(Sha256::digest(octets))
}

/// The serial number of a certificate (DER), in hexadecimal.
pub(super) fn serial_of(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(hex::encode(certificate.raw_serial()))
}

/// The SHA-256 of the keys of a question: of its request, and of the certificate that it presents.
pub(super) fn keys_of(question: &Question) -> Vec<String> {
    let request = X509CertificationRequest::from_der(&question.csr);
    let request = request.map(|(_, it)| sha256(it.certification_request_info.subject_pki.raw));
    let presented = question.presented.as_deref().map(X509Certificate::from_der);
    let presented = presented.and_then(Result::ok).map(|(_, it)| sha256(it.public_key().raw));
    request.ok().into_iter().chain(presented).collect()
}
