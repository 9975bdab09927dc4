//! The checker finds nothing in a good ledger, and each way to spoil it.

mod ledger;

use std::sync::Arc;

use ledger::{GOOD_TIME, Good, START_OF_RENEWAL};

use super::{Facts, check};
use crate::journal::{Act, Answer, Entry};
use crate::snapshot::Snapshot;

/// What the checker says of the good ledger after some SQL, and other answers.
async fn promises_broken_by(sql: &str, answers: impl FnOnce(&Good, &mut Vec<Entry>)) -> Vec<&'static str> {
    let good = Good::ledger().await;
    good.execute(sql).await;
    let mut entries = good.entries.clone();
    answers(&good, &mut entries);
    let snapshot = Snapshot::of(good.database.backend(), good.database.url()).await.unwrap();
    let facts = Facts { snapshot: &snapshot, entries: &entries, devices: &good.devices };
    let mut broken: Vec<_> = check(facts).into_iter().map(|violation| violation.promise).collect();
    broken.dedup();
    broken
}

#[tokio::test]
async fn a_good_ledger_breaks_no_promise() {
    assert_eq!(promises_broken_by("", |_, _| {}).await, [""; 0]);
}

#[tokio::test]
async fn each_way_to_spoil_the_ledger_is_found() {
    let attempt = format!("attempt_id = x'{}'", START_OF_RENEWAL.simple());
    let no_key = "DROP INDEX idx_cert_renewal_events_org_id;";
    let columns = "device_id, attempt_id, stage, event_type, reason, old_cert_expiration, \
                   new_cert_expiration, error_message, created_at";
    let cases = [
        (
            "DELETE FROM device_certificates WHERE kind = 'renewal'".to_owned(),
            "every certificate that a client holds has its row",
        ),
        (
            "DELETE FROM device_certificates WHERE kind = 'recovery'".to_owned(),
            "every success event has its certificate",
        ),
        (
            "UPDATE device_certificates SET der = x'30' || substr(der, 2, 40) WHERE kind = 'renewal'".to_owned(),
            "every certificate that a client holds has its row",
        ),
        (
            "UPDATE device_certificates SET device_name = 'gateway-2' WHERE kind = 'renewal'".to_owned(),
            "a row says what its certificate says",
        ),
        (
            format!("DELETE FROM certificate_renewal_events WHERE {attempt} AND stage = 1"),
            "every certificate has its success event",
        ),
        (
            format!("DELETE FROM certificate_renewal_events WHERE {attempt} AND stage = 1"),
            "every start has exactly one end",
        ),
        (
            format!(
                "{no_key} INSERT INTO certificate_renewal_events (org_id, id, {columns}) \
                 SELECT org_id, substr(id, 1, 15) || x'ff', {columns} \
                 FROM certificate_renewal_events WHERE {attempt} AND stage = 1"
            ),
            "every start has exactly one end",
        ),
        (
            format!("UPDATE certificate_renewal_events SET event_type = 'recovery_success' WHERE {attempt} AND stage = 1"),
            "every start has exactly one end",
        ),
        (
            format!("DELETE FROM certificate_renewal_events WHERE {attempt} AND stage = 0"),
            "no end is without a start",
        ),
        (
            format!("UPDATE certificate_renewal_events SET new_cert_expiration = '{GOOD_TIME}' WHERE {attempt} AND stage = 1"),
            "every certificate has its success event",
        ),
        (
            format!("UPDATE certificate_renewal_events SET created_at = '{GOOD_TIME}' WHERE {attempt}"),
            "the time of an event is that of its id",
        ),
        (
            "INSERT INTO open_requests (org_id, id, device_id, device_name, kind, state, csr_der, csr_sha256, \
             presented_serial) SELECT org_id, request_id, device_id, device_name, kind, 'signing', der, \
             csr_sha256, '' FROM device_certificates WHERE kind = 'renewal'"
                .to_owned(),
            "no request is left open",
        ),
        (
            "UPDATE device_certificates SET serial = (SELECT serial FROM device_certificates WHERE kind = \
             'recovery'), org_id = x'0000000000000000000000000000ea57' WHERE kind = 'renewal'"
                .to_owned(),
            "no two certificates have one serial number",
        ),
        (
            format!("UPDATE certificate_renewal_events SET org_id = x'0000000000000000000000000000ea57' WHERE {attempt}"),
            "each is in the organisation and of the device that it belongs to",
        ),
        (
            "UPDATE device_certificates SET device_id = x'00000000000000000000000000000001' \
             WHERE kind = 'enrollment'"
                .to_owned(),
            "each is in the organisation and of the device that it belongs to",
        ),
        (
            "UPDATE enrollment_tokens SET used_by_request_id = NULL".to_owned(),
            "a token is used once, and by whoever enrolled with it",
        ),
        (
            "DELETE FROM device_certificates WHERE kind = 'enrollment'".to_owned(),
            "a token is used once, and by whoever enrolled with it",
        ),
        (
            "DELETE FROM certificate_renewal_events WHERE attempt_id IN \
             (SELECT attempt_id FROM certificate_renewal_events WHERE reason IS NOT NULL)"
                .to_owned(),
            "no acknowledged refusal is missing from the history",
        ),
    ];
    for (sql, promise) in cases {
        let broken = promises_broken_by(&sql, |_, _| {}).await;
        assert!(broken.contains(&promise), "{sql}\n{broken:?}");
    }
}

#[tokio::test]
async fn each_wrong_answer_is_found() {
    let again = |act: Act, answer: Answer| {
        move |good: &Good, entries: &mut Vec<Entry>| {
            let like = good.entries.iter().find(|entry| entry.question.act == act).unwrap();
            entries.push(Entry { answer, question: Arc::clone(&like.question), ..*like });
        }
    };
    let other = Good::ledger().await.certificate("gateway-1", 99);
    let promise = "a repeated request gets the same certificate";
    let broken = promises_broken_by("", again(Act::Renew, Answer::Certificate(other.clone()))).await;
    assert!(broken.contains(&promise), "{broken:?}");
    let promise = "nobody gets a certificate that it must not have";
    let broken = promises_broken_by("", again(Act::Intrude, Answer::Certificate(other))).await;
    assert!(broken.contains(&promise), "{broken:?}");
    let unexpected = [
        Answer::Failed(500),
        Answer::Refused(401, "credentials_wrong".to_owned()),
        Answer::Nonsense("204".to_owned()),
    ];
    for answer in unexpected {
        let broken = promises_broken_by("", again(Act::Enroll, answer)).await;
        assert_eq!(broken, ["no answer is out of place"]);
    }
    let refused = Answer::Refused(403, "certificate_not_recorded".to_owned());
    let broken = promises_broken_by("", again(Act::Intrude, refused)).await;
    assert_eq!(broken, ["no acknowledged refusal is missing from the history"]);
}
