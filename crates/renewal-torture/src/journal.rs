//! The record that devices and operators keep: what each asked for, and what it was answered.

mod calls;

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

pub(crate) use calls::{Call, CallEntry, Deed, Reply, Revoked};

/// Who a device is: in an organisation, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Device {
    pub(crate) org: Uuid,
    pub(crate) name: String,
}

impl Device {
    /// The id by which the ledger is to know it: the name itself if that is a UUID, else the UUID
    /// (version 5, RFC 9562, section 5.5) of the name in the name space of the organisation.
    pub(crate) fn id(&self) -> Uuid {
        Uuid::try_parse(&self.name).unwrap_or_else(|_| Uuid::new_v5(&self.org, self.name.as_bytes()))
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A first certificate.
    Enroll,
    /// Another certificate, with a certificate that is valid.
    Renew,
    /// Another certificate, with one that has expired.
    Recover,
    /// The certificate of another device.
    Impersonate,
    /// A renewal in an organisation that the device is not of.
    Intrude,
    /// Another certificate with a token that is used.
    Reuse,
    /// A first certificate for the key of another device.
    BorrowKey,
    /// A renewal with a certificate that another one has taken the place of.
    Superseded,
}

/// A question that a client asks, as often as it likes.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) act: Act,
    /// Who asks, in the organisation that it asks in.
    pub(crate) device: Device,
    /// The request (RFC 2986), DER.
    pub(crate) csr: Arc<[u8]>,
    /// The certificate that is presented, DER.
    pub(crate) presented: Option<Arc<[u8]>>,
    /// The secret that is shown.
    pub(crate) token: Option<Arc<str>>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A certificate, DER.
    Certificate(Arc<[u8]>),
    /// 202: ask again.
    Later,
    /// 4xx, with the code.
    Refused(u16, String),
    /// 5xx: nothing is said.
    Failed(u16),
    /// No answer came, or not a whole one.
    Lost,
    /// Something that no server should say.
    Nonsense(String),
}

/// When something was asked, and when the answer was there: time since the beginning of the round, by the
/// clock of the machine, which is never stepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
}

impl Span {
    /// Whether this was answered before the other was asked.
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.answered < other.asked
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} ms", self.asked.as_millis(), self.answered.as_millis())
    }
}

/// A question, once asked, and the answer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) span: Span,
    /// The server that was asked.
    pub(crate) server: usize,
    pub(crate) question: Arc<Question>,
    pub(crate) answer: Answer,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { act, device, csr, presented, .. } = &*self.question;
        write!(f, "{}: {act:?} by {} of {}", self.span, device.name, device.org)?;
        write!(f, " ({}) from server {}", device.id(), self.server)?;
        write!(f, ", CSR …{}", tail(csr))?;
        if let Some(presented) = presented {
            write!(f, ", presented …{}", tail(presented))?;
        }
        match &self.answer {
            Answer::Certificate(der) => write!(f, ": certificate …{}", tail(der)),
            other => write!(f, ": {other:?}"),
        }
    }
}

/// Enough of something long to tell it from others: its end, which is a signature.
fn tail(der: &[u8]) -> String {
    hex::encode(&der[der.len().saturating_sub(6)..])
}

/// The record of one round.
#[derive(Debug)]
pub(crate) struct Journal {
    begun: Instant,
    entries: Mutex<Vec<Entry>>,
    calls: Mutex<Vec<CallEntry>>,
}

impl Journal {
    /// An empty one; the round begins now.
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now(), entries: Mutex::default(), calls: Mutex::default() }
    }

    /// The time since the beginning of the round.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Writes down what came back to a device that asked at `asked`.
    pub(crate) fn record(&self, asked: Duration, server: usize, question: &Arc<Question>, answer: Answer) {
        let (span, question) = (Span { asked, answered: self.now() }, Arc::clone(question));
        let entry = Entry { span, server, question, answer };
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Writes down what came back to an operator who called at `asked`.
    pub(crate) fn record_call(&self, asked: Duration, server: usize, call: &Arc<Call>, reply: Reply) {
        let (span, call) = (Span { asked, answered: self.now() }, Arc::clone(call));
        let entry = CallEntry { span, server, call, reply };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Everything that devices wrote down, in order.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything that operators wrote down, in order.
    pub(crate) fn calls(&self) -> Vec<CallEntry> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The certificates in some entries, each with where it came, by the question: a retry is the same
/// question.
pub(crate) fn certificates_by_question(entries: &[Entry]) -> Vec<Vec<(&Entry, &[u8])>> {
    let mut questions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in entries {
        if let Answer::Certificate(der) = &entry.answer {
            let Question { device, csr, presented, .. } = &*entry.question;
            questions.entry((device, csr, presented)).or_default().push((entry, &**der));
        }
    }
    questions.into_values().collect()
}

/// Entries, for people to read: one a line.
pub(crate) fn lines(entries: impl IntoIterator<Item = impl fmt::Display>) -> String {
    entries.into_iter().fold(String::new(), |mut text, entry| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{entry}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_id_that_the_documentation_promises() {
        let device = |name: &str| Device { org: Uuid::nil(), name: name.to_owned() };
        let uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        assert_eq!(device(uuid).id().to_string(), uuid);
        assert_eq!(device("gateway-0042").id().to_string(), "4c4d281f-70f1-5179-8a1d-31eb82c5001b");
    }
}
