//! Ledgers that are spoiled with SQL.

use super::ledger::{GOOD_TIME, blob, id};
use super::{Story, promises_broken, story};

/// Spoils the good ledger in these ways, one after the other.
async fn each_is_found(cases: impl AsyncFn(&Story) -> Vec<(String, &'static str)>) {
    let number = cases(&story().await).await.len();
    for case in 0..number {
        let story = story().await;
        // The rows have other keys and ids each time.
        let (sql, promise) = cases(&story).await.swap_remove(case);
        story.good.execute(&sql).await;
        let broken = promises_broken(&story).await;
        assert!(broken.contains(&promise), "{sql}\n{broken:?}");
    }
}

#[tokio::test]
async fn events_without_their_like() {
    each_is_found(async |story| {
        let attempt = format!("attempt_id = {}", blob(id(story.renewed)));
        let no_key = "DROP INDEX idx_cert_renewal_events_org_id;";
        let columns = "device_id, attempt_id, stage, event_type, reason, old_cert_expiration, \
                       new_cert_expiration, error_message, created_at";
        let events = "certificate_renewal_events";
        vec![
            (
                format!("DELETE FROM {events} WHERE {attempt} AND stage = 1"),
                "every certificate has its success event",
            ),
            (
                format!("DELETE FROM {events} WHERE {attempt} AND stage = 1"),
                "every start has exactly one end",
            ),
            (
                format!(
                    "{no_key} INSERT INTO {events} (org_id, id, {columns}) SELECT org_id, \
                     substr(id, 1, 15) || x'ff', {columns} FROM {events} WHERE {attempt} AND stage = 1"
                ),
                "every start has exactly one end",
            ),
            (
                format!("UPDATE {events} SET event_type = 'recovery_success' WHERE {attempt} AND stage = 1"),
                "every start has exactly one end",
            ),
            (format!("DELETE FROM {events} WHERE {attempt} AND stage = 0"), "no end is without a start"),
            (
                format!(
                    "UPDATE {events} SET new_cert_expiration = '{GOOD_TIME}' WHERE {attempt} AND stage = 1"
                ),
                "every certificate has its success event",
            ),
            (
                format!("UPDATE {events} SET created_at = '{GOOD_TIME}' WHERE {attempt}"),
                "the time of an event is that of its id",
            ),
            (
                format!("UPDATE {events} SET org_id = x'0000000000000000000000000000ea57' WHERE {attempt}"),
                "each is in the organisation and of the device that it belongs to",
            ),
            (
                format!(
                    "DELETE FROM {events} WHERE attempt_id IN (SELECT attempt_id FROM {events} \
                     WHERE reason = 'certificate_superseded')"
                ),
                "no acknowledged refusal is missing from the history",
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn certificates_that_are_not_as_they_should_be() {
    each_is_found(async |_| {
        let renewal = "WHERE kind = 'renewal'";
        let certificates = "device_certificates";
        let cases = [
            (
                format!("DELETE FROM {certificates} {renewal}"),
                "every certificate that a client holds has its row",
            ),
            (
                format!("DELETE FROM {certificates} WHERE kind = 'recovery'"),
                "every success event has its certificate",
            ),
            (
                format!("UPDATE {certificates} SET der = x'30' || substr(der, 2, 40) {renewal}"),
                "every certificate that a client holds has its row",
            ),
            (
                format!("UPDATE {certificates} SET device_name = 'gateway-2' {renewal}"),
                "a row says what its certificate says",
            ),
            (
                format!("UPDATE {certificates} SET public_key_sha256 = x'00' {renewal}"),
                "a row says what its certificate says",
            ),
            (
                format!("UPDATE {certificates} SET csr_sha256 = x'00' {renewal}"),
                "every certificate was asked for",
            ),
            (
                format!("UPDATE {certificates} SET presented_serial = '03' {renewal}"),
                "every certificate was asked for",
            ),
            (
                format!(
                    "UPDATE {certificates} SET serial = (SELECT serial FROM {certificates} \
                     WHERE kind = 'recovery'), org_id = x'0000000000000000000000000000ea57' {renewal}"
                ),
                "no two certificates have one serial number",
            ),
            (
                format!("UPDATE {certificates} SET device_id = {} WHERE serial = '01'", blob(id(1))),
                "each is in the organisation and of the device that it belongs to",
            ),
            (
                "INSERT INTO open_requests (org_id, id, device_id, device_name, kind, state, csr_der, \
                 csr_sha256, public_key_sha256, presented_serial, credential) SELECT org_id, request_id, \
                 device_id, device_name, kind, 'signing', der, csr_sha256, public_key_sha256, '', '' \
                 FROM device_certificates WHERE kind = 'renewal'"
                    .to_owned(),
                "no request is left open",
            ),
            (
                format!(
                    "UPDATE {certificates} SET public_key_sha256 = (SELECT public_key_sha256 \
                     FROM {certificates} WHERE serial = '01'), revoked_at = NULL WHERE serial = '04'"
                ),
                "no two devices of an organisation have good certificates with one key",
            ),
        ];
        cases.into()
    })
    .await;
}

#[tokio::test]
async fn tokens_without_their_like() {
    each_is_found(async |_| {
        let used = "a token is used once, and by whoever enrolled with it";
        let actions = "every token has its actions, and they have theirs";
        let cases = [
            ("UPDATE enrollment_tokens SET used_by_request_id = NULL", used),
            ("DELETE FROM device_certificates WHERE kind = 'enrollment'", used),
            ("DELETE FROM enrollment_tokens WHERE revoked_at IS NOT NULL", actions),
            (
                "DELETE FROM actions WHERE kind = 'token_created' AND target_kind = 'enrollment_token'",
                actions,
            ),
            ("DELETE FROM actions WHERE kind = 'token_created' AND target_kind = 'api_token'", actions),
            ("DELETE FROM actions WHERE kind = 'token_revoked'", actions),
            ("UPDATE enrollment_tokens SET revoked_at = NULL", actions),
            ("UPDATE enrollment_tokens SET revoked_at = expires_at", actions),
        ];
        cases.map(|(sql, promise)| (sql.to_owned(), promise)).into()
    })
    .await;
}

#[tokio::test]
async fn actions_without_their_like() {
    each_is_found(async |story| {
        let actor = "no action is without an actor";
        let calls = "every acknowledged call of an operator has its action, and no other one";
        let refusal = "no acknowledged refusal is missing from the history";
        let ended = "every decision has its end, and is the only one";
        let decided = "no end that a person decides about is without the decision";
        let denied = format!("attempt_id = {}", blob(id(story.denied)));
        let copy = |changed: &str, kind: &str| {
            let columns = "actor_kind, actor_token_id, actor_name, actor_host, target_kind, target_id, note";
            format!(
                "INSERT INTO actions (org_id, id, kind, {columns}) SELECT org_id, substr(id, 1, 15) || x'ff', \
                 {changed}, {columns} FROM actions WHERE kind = '{kind}'"
            )
        };
        vec![
            ("UPDATE actions SET actor_name = '' WHERE kind = 'device_blocked'".to_owned(), actor),
            ("UPDATE actions SET actor_token_id = id WHERE kind = 'device_blocked'".to_owned(), actor),
            ("UPDATE actions SET actor_host = NULL WHERE kind = 'token_created'".to_owned(), actor),
            ("UPDATE actions SET actor_kind = '' WHERE kind = 'enrollment_refused'".to_owned(), actor),
            ("DELETE FROM actions WHERE kind = 'enrollment_refused'".to_owned(), refusal),
            ("DELETE FROM actions WHERE kind = 'device_unblocked'".to_owned(), calls),
            ("DELETE FROM actions WHERE kind = 'certificate_revoked'".to_owned(), calls),
            ("UPDATE actions SET http_request_id = NULL WHERE kind = 'token_created'".to_owned(), calls),
            (copy("kind", "device_unblocked"), calls),
            (copy("kind", "token_revoked"), calls),
            (copy("kind", "request_denied"), calls),
            (copy("'request_approved'", "request_denied"), ended),
            (format!("UPDATE certificate_renewal_events SET reason = 'abandoned' WHERE {denied} AND stage = 1"), ended),
            ("UPDATE actions SET reason = 'denied' WHERE kind = 'request_approved'".to_owned(), ended),
            ("DELETE FROM actions WHERE kind = 'request_denied'".to_owned(), decided),
            ("DELETE FROM actions WHERE kind = 'request_approved'".to_owned(), decided),
        ]
    })
    .await;
}

#[tokio::test]
async fn revocations_and_blocks_without_their_like() {
    each_is_found(async |story| {
        let revocation = "a revocation is told three times, alike";
        let block = "a block is there if, and only if, its actions say so";
        let cases = [
            ("UPDATE device_certificates SET revoked_at = NULL WHERE serial = '04'".to_owned(), revocation),
            ("DELETE FROM certificate_revocations".to_owned(), revocation),
            ("DELETE FROM actions WHERE kind = 'certificate_revoked'".to_owned(), revocation),
            ("UPDATE certificate_revocations SET reason = 'superseded'".to_owned(), revocation),
            ("UPDATE certificate_revocations SET serial = '05'".to_owned(), revocation),
            ("UPDATE actions SET target_id = '05' WHERE kind = 'certificate_revoked'".to_owned(), revocation),
            (
                "UPDATE device_certificates SET revoked_at = not_before, revocation_reason = 'superseded' \
                 WHERE serial = '02'"
                    .to_owned(),
                revocation,
            ),
            ("DELETE FROM blocks WHERE subject_kind = 'device'".to_owned(), block),
            ("DELETE FROM blocks WHERE subject_kind = 'key'".to_owned(), block),
            ("DELETE FROM actions WHERE kind = 'device_blocked'".to_owned(), block),
            ("DELETE FROM actions WHERE kind = 'key_barred'".to_owned(), block),
            ("UPDATE blocks SET action_id = org_id".to_owned(), block),
            (
                format!(
                    "INSERT INTO blocks SELECT org_id, 'device', '{}', '', since, {} FROM blocks LIMIT 1",
                    story.good.devices[0].id(),
                    blob(id(story.blocked))
                ),
                block,
            ),
            (
                "INSERT INTO blocks SELECT org_id, 'organisation', '', '', since, action_id FROM blocks LIMIT 1"
                    .to_owned(),
                block,
            ),
            ("UPDATE blocks SET subject_kind = 'serial' WHERE subject_kind = 'key'".to_owned(), block),
        ];
        cases.into()
    })
    .await;
}
