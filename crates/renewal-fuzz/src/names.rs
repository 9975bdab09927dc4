//! Names: those that requests ask for, and the patterns that permit them.

use csr_service::{
    AttributePattern, Csr, KeyPolicy, MAX_ALT_NAMES, MAX_CSR_BYTES, NameGrant, NamePolicy, SanPattern,
    SanPolicy, SubjectPolicy,
};
use renewal_domain::text::is_unsafe;
use renewal_domain::{DeviceId, GrantedNames};
use uuid::Uuid;

use self::request::Request;
use crate::csr;
use crate::reading::{attributes, is_alt_name};

mod request;

/// The device that asks.
const DEVICE: DeviceId = DeviceId::new(Uuid::from_u128(0x5cbd_7c5e_8f3c_4b62_9d3a_3f1f_0d1c_7a10));

/// The most lines that are looked at.
const MAX_LINES: usize = 40;

/// Reads the first line of the input as a common name, and each further line as a pattern that permits
/// alternative names or attributes and, unless it begins with a question mark, as such a name itself. Says
/// whether the request for all those names is taken.
///
/// # Panics
/// When one of these does not hold:
///
/// - what is taken as a pattern is taken again as it is shown, for the same pattern; one without variables is
///   a name that another reading finds valid, and every such name is a pattern;
/// - what is wrong is told in a line that is safe to print;
/// - a request is taken exactly if another reading finds every name in it valid; then it has the very names
///   that it was made with, and the rest of what `csr` checks holds;
/// - a name is permitted only if a pattern, with its variables filled in, is that name, and the common name
///   added no label, segment or the like; a pattern without variables permits its own name;
/// - a policy and a grant with the same patterns permit the same; the policy `any` permits everything.
#[must_use]
pub fn names(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n').take(MAX_LINES);
    let common_name = lines.next().unwrap_or_default();
    let lines: Vec<&str> = lines.collect();
    let texts = || lines.iter().map(|line| line.strip_prefix('?').unwrap_or(line));
    let patterns = Patterns {
        san: texts().filter_map(san_pattern).collect(),
        subject: texts().filter_map(attribute_pattern).collect(),
    };
    let request = Request::of(common_name, &lines);
    let Some(der) = request.der() else { return false };
    let csr = Csr::parse(&der, &KeyPolicy::default());
    assert_eq!(csr.is_ok(), valid(&request, &der), "{request:?}: {csr:?}");
    // The rest of what must hold for a request.
    let _taken = csr::csr(&der);
    let Ok(csr) = csr else { return false };
    assert_eq!(csr.san().texts().collect::<Vec<_>>(), request.san);
    assert_eq!(csr.subject().texts().collect::<Vec<_>>(), request.subject());
    permitted(&csr, &patterns);
    permitted_by_their_own_texts(&csr);
    true
}

struct Patterns {
    san: Vec<SanPattern>,
    subject: Vec<AttributePattern>,
}

/// Whether every name is valid, by another reading.
fn valid(request: &Request<'_>, der: &[u8]) -> bool {
    let Request { common_name, attributes, san } = request;
    let known = |(kind, value): &(&attributes::AttributeType, &str)| {
        // The library that writes certificates cannot write this one.
        let unwritable = kind.string_type == attributes::StringType::Printable && value.contains('?');
        kind.may_be(value) && !unwritable
    };
    let once = |at: usize| attributes[..at].iter().all(|(kind, _)| kind.name != attributes[at].0.name);
    der.len() <= MAX_CSR_BYTES
        && (1..=64).contains(&common_name.chars().count())
        && !common_name.chars().any(is_unsafe)
        && attributes.iter().all(known)
        && (0..attributes.len()).all(once)
        && san.len() <= MAX_ALT_NAMES
        && san.iter().all(|name| is_alt_name(name))
}

fn san_pattern(text: &str) -> Option<SanPattern> {
    let pattern = text.parse::<SanPattern>();
    match &pattern {
        Ok(pattern) => {
            let shown = pattern.to_string();
            assert_eq!(shown.parse().as_ref(), Ok(pattern), "{text:?}");
            // The kind may be written in any case, and an address in several ways.
            let same = shown.eq_ignore_ascii_case(text) || shown.starts_with("IP:");
            assert!(same, "{text:?} is shown as {shown:?}");
            assert!(shown.contains('{') || is_alt_name(&shown), "{text:?} is a pattern");
        }
        Err(error) => {
            assert!(!error.to_string().chars().any(is_unsafe), "a dangerous error: {error:?}");
            assert!(text.contains(['{', '}']) || !is_alt_name(text), "{text:?} is none: {error}");
        }
    }
    pattern.ok()
}

fn attribute_pattern(text: &str) -> Option<AttributePattern> {
    let pattern = text.parse::<AttributePattern>();
    let read = text.split_once('=').and_then(|(kind, value)| Some((attributes::named(kind)?, value)));
    match &pattern {
        Ok(pattern) => {
            let shown = pattern.to_string();
            assert_eq!(shown.parse().as_ref(), Ok(pattern), "{text:?}");
            let valid = read
                .is_none_or(|(kind, value)| kind.name != "CN" && (value.contains('{') || kind.may_be(value)));
            assert!(valid, "{text:?} is a pattern");
        }
        Err(error) => {
            assert!(!error.to_string().chars().any(is_unsafe), "a dangerous error: {error:?}");
            let valid = read.is_some_and(|(kind, value)| kind.name != "CN" && kind.may_be(value));
            assert!(text.contains(['{', '}']) || !valid, "{text:?} is none: {error}");
        }
    }
    pattern.ok()
}

fn permitted(csr: &Csr, patterns: &Patterns) {
    let grant = NameGrant::new(patterns.subject.clone(), patterns.san.clone());
    let uncovered = NamePolicy::default().uncovered(csr, DEVICE, &grant);
    let policy = NamePolicy {
        subject: SubjectPolicy::Patterns(patterns.subject.clone()),
        san: SanPolicy::Patterns(patterns.san.clone()),
    };
    assert_eq!(policy.uncovered(csr, DEVICE, &NameGrant::none()), uncovered);
    let any = NamePolicy { subject: SubjectPolicy::Any, san: SanPolicy::Any };
    assert!(any.uncovered(csr, DEVICE, &NameGrant::none()).is_empty());

    let cn = csr.subject().common_name().as_str();
    for name in csr.san().texts() {
        let by = |pattern: &SanPattern| fill(&pattern.to_string(), cn);
        let by = patterns.san.iter().filter(|it| same(&by(it), &name)).map(ToString::to_string);
        judged(&name, &by.collect::<Vec<_>>(), !uncovered.san.contains(&name));
    }
    for name in csr.subject().texts().filter(|it| !it.starts_with("CN=")) {
        let by = patterns.subject.iter().map(ToString::to_string).filter(|it| fill(it, cn) == name);
        judged(&name, &by.collect::<Vec<_>>(), !uncovered.subject.contains(&name));
    }
}

/// A name, the patterns that are it when they are filled in, and whether it was permitted.
fn judged(name: &str, by: &[String], permitted: bool) {
    if permitted {
        let keeps = |pattern: &String| name.contains('=') || structure(pattern) == structure(name);
        assert!(by.iter().any(keeps), "{name:?} is permitted, by one of {by:?}");
    } else {
        assert!(by.iter().all(|pattern| pattern.contains("{cn}")), "{name:?} is not permitted by {by:?}");
    }
}

/// What a common name must not change: the labels of a host, the segments of a path. Before the `@` of an
/// e-mail address it may have dots.
fn structure(name: &str) -> String {
    let parts = match name.strip_prefix("email:") {
        Some(address) => address.rsplit('@').next().unwrap_or_default(),
        None => name,
    };
    let delimiters = if name.starts_with("URI:") { ":/?#@" } else { ".:@" };
    parts.chars().filter(|c| delimiters.contains(*c)).collect()
}

fn fill(pattern: &str, cn: &str) -> String {
    // A common name can have braces: it is filled in last.
    pattern.replace("{device_id}", &DEVICE.to_string()).replace("{cn}", cn)
}

fn same(filled: &str, name: &str) -> bool {
    if filled.starts_with("DNS:") { filled.eq_ignore_ascii_case(name) } else { filled == name }
}

/// Tokens record names as text: granted so, each permits itself.
fn permitted_by_their_own_texts(csr: &Csr) {
    let writable = |name: &String| !name.contains(['{', '}']);
    let subject = csr.subject().texts().filter(|it| !it.starts_with("CN=")).filter(writable);
    let san = csr.san().texts().filter(writable);
    let Ok(granted) = GrantedNames::new(subject, san) else { return };
    let grant = match NameGrant::try_from(&granted) {
        Ok(grant) => grant,
        Err(error) => panic!("the names of a request are no grant: {error}"),
    };
    assert_eq!(NameGrant::recorded(&granted), grant);
    let uncovered = NamePolicy::default().uncovered(csr, DEVICE, &grant);
    assert!(!uncovered.subject.iter().chain(&uncovered.san).any(writable), "{uncovered:?}");
}
