//! What happened in the good ledger.
//!
//! `gateway-1` enrolled with a token, renewed, and recovered after a person had approved; it was refused in
//! an organisation that is not its own, with a certificate that is superseded, and while it was blocked; one
//! recovery was denied. `gateway-2` enrolled, its key was compromised, and it was blocked for good. A further
//! token was revoked.

use std::sync::Arc;

use super::ledger::{Good, device, elsewhere, id};
use crate::journal::{Act, Answer, Deed, Device, Question, Revoked};

/// The ledger, and some of what is in it.
pub(super) struct Story {
    pub(super) good: Good,
    /// What `gateway-1` enrolled, renewed and recovered with.
    pub(super) enrollment: Arc<Question>,
    pub(super) renewal: Arc<Question>,
    pub(super) recovery: Arc<Question>,
    /// The certificate that it presented for the renewal.
    pub(super) first: Arc<[u8]>,
    /// The certificate that it got for that.
    pub(super) second: Arc<[u8]>,
    /// The revoked certificate of `gateway-2`.
    pub(super) revoked: Arc<[u8]>,
    /// When the renewal, the first block of `gateway-1` and the denied recovery were.
    pub(super) renewed: u64,
    pub(super) blocked: u64,
    pub(super) denied: u64,
}

impl Story {
    /// The certificate that `gateway-1` recovered.
    pub(super) fn recovered(&self) -> Arc<[u8]> {
        let mut entries = self.good.entries.iter();
        let found = entries.find_map(|entry| match &entry.answer {
            Answer::Certificate(der) if Arc::ptr_eq(&entry.question, &self.recovery) => Some(der.clone()),
            _ => None,
        });
        found.unwrap()
    }
}

/// Writes it.
pub(super) async fn story() -> Story {
    let mut good = Good::empty().await;
    let (one, two) = (device("gateway-1"), device("gateway-2"));
    let (enrollment, first) = enrolled(&mut good, &one, 1).await;

    let renewal = good.question(Act::Renew, &one, Some(&first));
    let second = good.certificate(&one, 2);
    let renewed = good.answered(&renewal, Answer::Certificate(second.clone()));
    good.issued(&renewal, "renewal", renewed, &second).await;
    good.answered(&renewal, Answer::Certificate(second.clone()));

    let recovery = good.question(Act::Recover, &one, Some(&second));
    let asked = good.answered(&recovery, Answer::Later);
    let (action, note) = good.called(Deed::Approve(id(asked)), Revoked::default());
    let target = ("request", &*id(asked).to_string());
    good.action("api_token", action, "request_approved", target, Some((&one, "")), &note).await;
    let third = good.certificate(&one, 3);
    good.issued(&recovery, "recovery", asked, &third).await;
    good.answered(&recovery, Answer::Certificate(third.clone()));

    let there = elsewhere(&one);
    refused(&mut good, Act::Intrude, &there, &first, "certificate_not_recorded").await;
    refused(&mut good, Act::Superseded, &one, &first, "certificate_superseded").await;

    let blocked = called(&mut good, Deed::Block(one.clone()), &one).await;
    refused(&mut good, Act::Renew, &one, &third, "device_blocked").await;
    called(&mut good, Deed::Unblock(one.clone()), &one).await;

    let denied = good.question(Act::Recover, &one, Some(&third));
    let denied = good.answered(&denied, Answer::Later);
    let (action, note) = good.called(Deed::Deny(id(denied)), Revoked::default());
    let target = ("request", &*id(denied).to_string());
    good.action("api_token", action, "request_denied", target, Some((&one, "")), &note).await;
    good.failed(&one, "recovery", denied, "denied").await;

    let (_, revoked) = enrolled(&mut good, &two, 4).await;
    compromised(&mut good, &two, &revoked).await;
    let stopped = called(&mut good, Deed::Block(two.clone()), &two).await;
    good.block("device", &two.id().to_string(), id(stopped)).await;
    useless_token(&mut good, &two).await;
    Story { good, enrollment, renewal, recovery, first, second, revoked, renewed, blocked, denied }
}

/// A device gets a token, and enrolls with it.
async fn enrolled(good: &mut Good, device: &Device, serial: u64) -> (Arc<Question>, Arc<[u8]>) {
    let (token, note) = good.called(Deed::CreateToken(device.clone()), Revoked::default());
    let target = ("enrollment_token", &*token.to_string());
    good.action("api_token", token, "token_created", target, Some((device, "")), &note).await;
    let question = good.question(Act::Enroll, device, None);
    let der = good.certificate(device, serial);
    let now = good.answered(&question, Answer::Certificate(der.clone()));
    good.issued(&question, "enrollment", now, &der).await;
    good.token(device, token, Some(now)).await;
    (question, der)
}

async fn refused(good: &mut Good, act: Act, device: &Device, presented: &Arc<[u8]>, code: &str) {
    let question = good.question(act, device, Some(presented));
    let now = good.answered(&question, Answer::Refused(403, code.to_owned()));
    good.failed(device, "renewal", now, code).await;
}

/// A device is blocked or unblocked. When.
async fn called(good: &mut Good, deed: Deed, device: &Device) -> u64 {
    let kind = deed.action();
    let (action, note) = good.called(deed, Revoked::default());
    let target = ("device", &*device.id().to_string());
    good.action("api_token", action, kind, target, Some((device, "")), &note).await;
    note.trim_start_matches("call ").parse().unwrap()
}

/// The key of a device was compromised: its certificate is revoked, and its key barred.
async fn compromised(good: &mut Good, device: &Device, der: &[u8]) {
    let (serial, reason, key) = ("04", "key_compromise", good.key(device));
    let deed = Deed::Revoke { device: device.clone(), serial: serial.to_owned(), reason };
    let revoked = Revoked { also: Vec::new(), barred_key: Some(key.clone()) };
    let (action, note) = good.called(deed, revoked);
    let about = Some((device, reason));
    good.action("api_token", action, "certificate_revoked", ("certificate", serial), about, &note).await;
    good.revoked(device, serial, der, reason, action).await;
    let bar = id(good.next());
    good.action("api_token", bar, "key_barred", ("key", &key), None, &note).await;
    good.block("key", &key, bar).await;
}

/// A token that is revoked before anybody uses it; and the enrollment that is refused then.
async fn useless_token(good: &mut Good, device: &Device) {
    let (token, note) = good.called(Deed::CreateToken(device.clone()), Revoked::default());
    let target = ("enrollment_token", &*token.to_string());
    good.action("api_token", token, "token_created", target, Some((device, "")), &note).await;
    good.token(device, token, None).await;
    let (action, note) = good.called(Deed::RevokeToken { device: device.clone(), token }, Revoked::default());
    good.action("api_token", action, "token_revoked", target, None, &note).await;
    let revoke = "UPDATE enrollment_tokens SET revoked_at = expires_at WHERE used_by_request_id IS NULL";
    good.execute(revoke).await;
    let code = "device_blocked";
    let question = good.question(Act::Enroll, device, None);
    let now = good.answered(&question, Answer::Refused(403, code.to_owned()));
    let target = ("device", &*device.id().to_string());
    good.action("server", id(now), "enrollment_refused", target, Some((device, code)), "").await;
}
