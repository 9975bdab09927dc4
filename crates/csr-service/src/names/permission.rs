//! Whether a request has names that nobody gave it.

use std::fmt;

use renewal_domain::DeviceId;
use renewal_domain::text::clean;

use super::grant::NameGrant;
use super::policy::{NamePolicy, SanPolicy, SubjectPolicy};
use super::template::Variables;
use crate::csr::Csr;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The most octets of a name in a detail; what is allowed must fit behind it.
const MAX_SHOWN_NAME: usize = 80;

/// The most octets of the allowed names in a detail.
const MAX_SHOWN_ALLOWED: usize = 80;

/// Names of a request that neither the policy nor the grant permits. A request that waits for a person
/// may have some: the person must see them before approving it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UncoveredNames {
    /// Attributes, each as [`Subject::texts`](crate::Subject::texts) has it.
    pub subject: Vec<String>,
    /// Alternative names, each as [`SubjectAltNames::texts`](crate::SubjectAltNames::texts) has it.
    pub san: Vec<String>,
}

impl UncoveredNames {
    /// Whether everything is permitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subject.is_empty() && self.san.is_empty()
    }
}

impl NamePolicy {
    /// The names of a first request that neither this policy nor `grant` permits. The CN is none of
    /// them: the permission to enroll decides about it. `device_id` is the device that the CN means.
    #[must_use]
    pub fn uncovered(&self, csr: &Csr, device_id: DeviceId, grant: &NameGrant) -> UncoveredNames {
        let values = Variables { cn: csr.subject().common_name().as_str(), device_id };
        let mut uncovered = UncoveredNames::default();
        if self.subject != SubjectPolicy::Any {
            let patterns = || self.subject.patterns().iter().chain(grant.subject());
            let attributes = csr.subject().attributes().iter().filter(|it| !it.kind().is_common_name());
            uncovered.subject = attributes
                .filter(|attribute| !patterns().any(|pattern| pattern.permits(attribute, &values)))
                .map(ToString::to_string)
                .collect();
        }
        if self.san != SanPolicy::Any {
            let patterns = || self.san.patterns().iter().chain(grant.san());
            let names = csr.san().as_slice().iter();
            uncovered.san = names
                .filter(|name| !patterns().any(|pattern| pattern.permits(name, &values)))
                .map(ToString::to_string)
                .collect();
        }
        uncovered
    }

    /// Refuses a request with names that neither this policy nor `grant` permits.
    pub(crate) fn check(&self, csr: &Csr, device_id: DeviceId, grant: &NameGrant) -> Result<(), Rejection> {
        let uncovered = self.uncovered(csr, device_id, grant);
        if !uncovered.subject.is_empty() {
            let allowed = self.subject.patterns().iter().chain(grant.subject());
            let detail = format!(
                "{}; allowed beside the CN: {}",
                shown(&uncovered.subject),
                listed(allowed, MAX_SHOWN_ALLOWED)
            );
            return Err(Rejection::new(Reason::SubjectNotAllowed, detail));
        }
        if uncovered.san.is_empty() {
            return Ok(());
        }
        let patterns = || self.san.patterns().iter().chain(grant.san());
        let allowed = listed(patterns(), MAX_SHOWN_ALLOWED);
        let mut detail = format!("{}; allowed: {allowed}", shown(&uncovered.san));
        // A pattern that cannot be filled in permits nothing, which nobody sees by looking at it.
        let values = Variables { cn: csr.subject().common_name().as_str(), device_id };
        let kind = |name: &str| name.split(':').next().map(str::to_owned);
        let unfit = patterns()
            .filter(|pattern| kind(&pattern.to_string()) == uncovered.san.first().and_then(|it| kind(it)))
            .find_map(|pattern| Some((pattern, pattern.fill(&values).err()?)));
        if let Some((pattern, why)) = unfit {
            detail = format!("{}; {pattern} permits nothing to this CN: {why}", shown(&uncovered.san));
        }
        Err(Rejection::new(Reason::SanNotAllowed, detail))
    }
}

/// The first of the names, and how many more there are.
fn shown(names: &[String]) -> String {
    let Some((first, others)) = names.split_first() else { return String::new() };
    let mut text = clean(first, MAX_SHOWN_NAME);
    if text.len() < first.len() {
        text.push('…');
    }
    match others.len() {
        0 => text,
        others => format!("{text} and {others} more"),
    }
}

/// As many of the patterns as fit, and how many more there are; `none` if there is none.
fn listed<P: fmt::Display>(patterns: impl Iterator<Item = P>, max: usize) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for pattern in patterns.map(|pattern| pattern.to_string()) {
        let separator = if text.is_empty() { "" } else { ", " };
        if left_out > 0 || text.len() + separator.len() + pattern.len() > max {
            left_out += 1;
        } else {
            text = text + separator + &pattern;
        }
    }
    match (text.as_str(), left_out) {
        ("", 0) => "none".into(),
        ("", n) => format!("{n} other names"),
        (_, 0) => text,
        (_, n) => format!("{text} and {n} more"),
    }
}
