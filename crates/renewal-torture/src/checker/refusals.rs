//! Which refusals a device has to expect, by what it asked and what operators did.

use uuid::Uuid;

use super::Facts;
use super::index::{keys_of, serial_of, sha256};
use crate::journal::{Act, Deed, Device, Entry, Reply};

/// Whether there is a ground for the refusal of an entry with this code.
pub(super) fn is_expected(facts: Facts<'_>, entry: &Entry, code: &str) -> bool {
    let question = &*entry.question;
    let act = question.act;
    match code {
        // To a server whose clock is behind, what another has issued is not valid yet.
        "certificate_not_yet_valid" => facts.clocks_stepped && question.presented.is_some(),
        "subject_mismatch" => act == Act::Impersonate,
        "certificate_not_recorded" => act == Act::Intrude,
        "device_blocked" => may_be_blocked(facts, entry),
        "certificate_revoked" => is_revoked(facts, entry),
        "key_compromised" => is_barred(facts, entry),
        "certificate_superseded" => is_superseded(facts, entry),
        "key_in_use" => act == Act::BorrowKey || is_borrowed(facts, entry),
        "enrollment_token_used" => act == Act::Reuse || is_token_used(facts, entry),
        "enrollment_token_revoked" => is_token_revoked(facts, entry),
        _ => false,
    }
}

/// A block of the device was called for before, and was not lifted without doubt.
fn may_be_blocked(facts: Facts<'_>, entry: &Entry) -> bool {
    let device = &entry.question.device;
    let blocks: Vec<_> =
        facts.calls.iter().filter(|call| call.call.deed == Deed::Block(device.clone())).collect();
    if blocks.iter().any(|call| !call.reply.is_certain() && call.span.asked < entry.span.answered) {
        return true;
    }
    let lifted = facts.calls.iter().filter(|call| {
        call.call.deed == Deed::Unblock(device.clone())
            && call.reply.is_done()
            && call.span.is_before(entry.span)
    });
    let lifted = lifted.map(|call| call.span.asked).max();
    blocks.iter().any(|call| {
        call.span.asked < entry.span.answered && lifted.is_none_or(|lifted| lifted < call.span.answered)
    })
}

/// Somebody called before for the revocation of the certificate, or for that of one with the same key.
fn is_revoked(facts: Facts<'_>, entry: &Entry) -> bool {
    let Some(presented) = entry.question.presented.as_deref().and_then(serial_of) else { return false };
    let key = key_of(facts, &presented);
    facts.calls.iter().filter(|call| call.span.asked < entry.span.answered).any(|call| {
        call.call.deed.revoked_serial().is_some_and(|serial| {
            serial == presented
                || (call.call.deed.bars_the_key() && key.is_some() && key_of(facts, serial) == key)
        })
    })
}

/// Somebody called before for the revocation of a certificate whose key is compromised, and the question has
/// that key.
fn is_barred(facts: Facts<'_>, entry: &Entry) -> bool {
    let keys = keys_of(&entry.question);
    let before = facts.calls.iter().filter(|call| call.span.asked < entry.span.answered);
    before.filter(|call| call.call.deed.bars_the_key()).any(|call| {
        let barred = call.call.deed.revoked_serial().and_then(|serial| key_of(facts, serial));
        barred.is_some_and(|barred| keys.iter().any(|key| *key == barred))
    })
}

/// The device has another certificate that is later than the one that it presents. Which is the latest
/// cannot be said where clocks are wrong.
fn is_superseded(facts: Facts<'_>, entry: &Entry) -> bool {
    let Some(presented) = entry.question.presented.as_deref().and_then(serial_of) else { return false };
    let device = &entry.question.device;
    let mut of_device = facts.snapshot.certificates.iter().filter(|row| is_of(device, row.org, row.device));
    let request = of_device.clone().find(|row| row.serial == presented).map(|row| row.request);
    of_device.any(|row| {
        row.serial != presented
            && (facts.clocks_stepped || request.is_none_or(|request| row.request > request))
    })
}

/// Another device has a certificate with the key.
fn is_borrowed(facts: Facts<'_>, entry: &Entry) -> bool {
    let keys = keys_of(&entry.question);
    let device = &entry.question.device;
    facts
        .snapshot
        .certificates
        .iter()
        .any(|row| row.org == device.org && row.device != device.id() && keys.contains(&row.key_sha256))
}

/// The token was shown before with another request; or it was used for this one, and the certificate
/// revoked.
fn is_token_used(facts: Facts<'_>, entry: &Entry) -> bool {
    let question = &entry.question;
    let other = |it: &Entry| it.question.token == question.token && it.question.csr != question.csr;
    let csr = sha256(&question.csr);
    question.token.is_some()
        && (facts.entries.iter().any(|it| other(it) && it.span.asked < entry.span.answered)
            || facts
                .snapshot
                .certificates
                .iter()
                .any(|row| row.csr_sha256 == csr && row.revoked_at.is_some()))
}

/// Somebody called before for the revocation of the token.
fn is_token_revoked(facts: Facts<'_>, entry: &Entry) -> bool {
    let made = facts.calls.iter().find_map(|call| match &call.reply {
        Reply::Done { token: Some((id, secret)), .. } if Some(secret) == entry.question.token.as_ref() => {
            Some(*id)
        }
        _ => None,
    });
    facts.calls.iter().any(|call| {
        let revokes = matches!(&call.call.deed, Deed::RevokeToken { token, .. } if Some(*token) == made);
        revokes && call.span.asked < entry.span.answered
    })
}

/// The SHA-256 of the key of a certificate that is in the ledger.
fn key_of<'a>(facts: Facts<'a>, serial: &str) -> Option<&'a str> {
    let row = facts.snapshot.certificates.iter().find(|row| row.serial == serial)?;
    Some(&row.key_sha256)
}

fn is_of(device: &Device, org: Uuid, id: Uuid) -> bool {
    (device.org, device.id()) == (org, id)
}
