//! Organisations and devices.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Facts, Violation, rows};
use crate::journal::{Act, Device};

const PROMISE: &str = "each is in the organisation and of the device that it belongs to";

/// Every certificate is a device's own, in its organisation; every event is one of a device in its
/// organisation, but for the refusal of a device that tried another organisation.
pub(super) fn each_is_where_it_belongs(facts: Facts<'_>) -> Vec<Violation> {
    let at_home: BTreeSet<_> = facts.devices.iter().map(home).collect();
    let intruders = facts.entries.iter().filter(|entry| entry.question.act == Act::Intrude);
    let intruders: BTreeSet<_> = intruders.map(|entry| home(&entry.question.device)).collect();

    let snapshot = facts.snapshot;
    let certificates = snapshot.certificates.iter().filter(|certificate| {
        let device = Device { org: certificate.org, name: certificate.name.clone() };
        !at_home.contains(&home(&device)) || device.id() != certificate.device
    });
    let events = snapshot.events.iter().filter(|event| {
        let home = (event.org, event.device);
        let success = event.kind.ends_with("_success");
        !at_home.contains(&home) && (success || !intruders.contains(&home))
    });
    let tokens = snapshot.tokens.iter().filter(|token| {
        let device = Device { org: token.org, name: token.name.clone() };
        !at_home.contains(&home(&device))
    });
    certificates
        .map(|row| rows([row]))
        .chain(events.map(|row| rows([row])))
        .chain(tokens.map(|row| rows([row])))
        .map(|row| Violation::of(PROMISE, row))
        .collect()
}

fn home(device: &Device) -> (Uuid, Uuid) {
    (device.org, device.id())
}
