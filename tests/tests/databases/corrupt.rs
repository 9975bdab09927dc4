//! A row that somebody changed is not taken for true: the error names table, column and row.

use crate::support::{open_store, opens, renewal};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    ActionKind, ApiRole, ApiTokenStore, AttemptKind, CertificateFilter, CertificateRecord, Clock,
    EnrollmentTokenStore, EventFilter, FleetStore, IssuanceStore, OpenRequest, OpenRequestFilter,
    PageRequest, RenewalEvent, RenewalEventStore, RequestState, StoreError, Target,
};
use renewal_store_seaorm::ConnectOptions;
use std::fmt::Debug;
use std::sync::Arc;
use tests::{Backend, Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            a_changed_event_is_found,
            a_changed_certificate_is_found,
            a_changed_open_request_is_found,
            a_changed_token_is_found,
            a_changed_current_certificate_is_found,
            a_changed_api_token_is_found,
            a_changed_row_is_not_counted,
        ]
    )
}

/// A change, and the column that is then at fault.
type Change = (&'static str, &'static str);

/// Changes of a failed event.
const EVENT: [Change; 11] = [
    ("event_type = 'renewal_exploded'", "event_type"),
    ("event_type = 'renewal_start'", "stage"),
    ("event_type = 'renewal_success'", "new_cert_expiration"),
    ("stage = 0", "stage"),
    ("reason = 'Not A Code'", "reason"),
    ("reason = NULL", "reason"),
    ("error_message = ''", "error_message"),
    ("attempt_id = device_id", "attempt_id"),
    ("created_at = '2001-01-01 00:00:00'", "created_at"),
    ("old_cert_expiration = '2001-01-01 00:00:00.5'", "old_cert_expiration"),
    ("new_cert_expiration = '2001-01-01 00:00:00'", "new_cert_expiration"),
];

/// Changes of the certificate of a renewal.
const CERTIFICATE: [Change; 9] = [
    ("serial = 'no number'", "serial"),
    ("serial = 'AB'", "serial"),
    ("device_name = ''", "device_name"),
    ("kind = 'gift'", "kind"),
    ("kind = 'enrollment'", "presented_serial"),
    ("attempt_id = device_id", "attempt_id"),
    ("request_id = device_id", "request_id"),
    ("revocation_reason = 'because'", "revocation_reason"),
    ("revoked_at = '2001-01-01 00:00:00'", "revocation_reason"),
];

/// Changes of the open request of a renewal.
const REQUEST: [Change; 9] = [
    ("device_name = ''", "device_name"),
    ("kind = 'gift'", "kind"),
    ("state = 'asleep'", "state"),
    ("csr_der = csr_sha256", "csr_sha256"),
    ("presented_serial = ''", "presented_serial"),
    ("old_cert_expiration = NULL", "old_cert_expiration"),
    ("requested_lifetime_seconds = -1", "requested_lifetime_seconds"),
    ("enrollment_token_id = id", "enrollment_token_id"),
    ("enrollment_token_id = device_id", "enrollment_token_id"),
];

/// Changes of a token that has not ended.
const TOKEN: [Change; 4] = [
    ("device_name = ''", "device_name"),
    ("device_name = 'of two\nlines'", "device_name"),
    ("used_by_request_id = org_id", "used_by_request_id"),
    ("used_by_request_id = id, revoked_at = '2001-01-01 00:00:00'", "revoked_at"),
];

/// Changes of a current certificate.
const CURRENT: [Change; 4] = [
    ("serial = '0b'", "serial"),
    ("device_id = request_id", "device_id"),
    ("request_id = device_id", "request_id"),
    ("not_after = '2001-01-01 00:00:00'", "not_after"),
];

/// Changes of a token of the HTTP API.
const API_TOKEN: [Change; 4] = [
    ("name = ''", "name"),
    ("name = 'of two\nlines'", "name"),
    ("role = 'admin'", "role"),
    ("role = ''", "role"),
];

#[track_caller]
fn assert_corrupt<T: Debug>(result: Result<T, StoreError>, table: &str, change: Change, key: &str) {
    match result {
        Err(StoreError::Corrupt { table: t, column, row, problem }) => {
            assert_eq!((t, column), (table, change.1), "{change:?}: {problem}");
            assert!(row.contains(key), "{row} does not name {key}");
            assert!(!problem.is_empty());
        }
        other => panic!("{change:?} is not found: {other:?}"),
    }
}

/// What SQLite lets one write, whatever the type of the column.
fn with_wrong_types(backend: Backend, changes: &[Change], wrong: &[Change]) -> Vec<Change> {
    let wrong = if backend == Backend::Sqlite { wrong } else { &[] };
    [changes, wrong].concat()
}

async fn a_changed_event_is_found(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    if context.backend() == Backend::Postgres {
        // Who changes rows by hand can take the rule away, too.
        let rule = "ALTER TABLE certificate_renewal_events DROP CONSTRAINT cert_renewal_events_stage";
        crate::schema::execute(&db, rule).await;
    }
    let wrong = [("device_id = x'00'", "device_id"), ("created_at = 'today'", "created_at")];
    for change in with_wrong_types(context.backend(), &EVENT, &wrong) {
        crate::schema::execute(&db, "DELETE FROM certificate_renewal_events").await;
        let start: RenewalEvent = samples.start("gateway", AttemptKind::Renewal);
        let end = samples.failed(&start, "denied");
        store.create_many(samples.org, std::slice::from_ref(&end)).await.unwrap();
        crate::schema::execute(&db, &format!("UPDATE certificate_renewal_events SET {}", change.0)).await;
        let key = end.id().to_string();
        let table = "certificate_renewal_events";
        assert_corrupt(store.get(samples.org, end.id()).await, table, change, &key);
        let listed = store.list(samples.org, &EventFilter::new(), &PageRequest::default()).await;
        assert_corrupt(listed, table, change, &key);
    }
    // Without its id the row is still named, by what it has instead.
    crate::schema::execute(&db, "DELETE FROM certificate_renewal_events").await;
    let start = samples.start("gateway", AttemptKind::Renewal);
    store.create(samples.org, &start).await.unwrap();
    crate::schema::execute(&db, "UPDATE certificate_renewal_events SET id = device_id").await;
    let listed = store.list(samples.org, &EventFilter::new(), &PageRequest::default()).await;
    let change = ("id = device_id", "id");
    assert_corrupt(listed, "certificate_renewal_events", change, &start.device_id().to_string());
    db.close().await.unwrap();
}

async fn a_changed_certificate_is_found(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    let wrong = [("public_key_sha256 = x'00'", "public_key_sha256"), ("der = 7.5", "der")];
    for (number, change) in (1..).zip(with_wrong_types(context.backend(), &CERTIFICATE, &wrong)) {
        crate::schema::execute(&db, "DELETE FROM device_certificates").await;
        let request = renewal(&samples, "gateway", &format!("csr {number}"), 1);
        opens(&store, &samples, &request).await;
        let end = samples.issued(&request, 0xab00 + number);
        store.complete(samples.org, request.id(), &end).await.unwrap();
        let certificate: &CertificateRecord = end.certificate().unwrap();
        crate::schema::execute(&db, &format!("UPDATE device_certificates SET {}", change.0)).await;
        let filter = CertificateFilter::OfDevice(certificate.device_id);
        let listed = store.certificates(samples.org, &filter, &PageRequest::default()).await;
        assert_corrupt(listed, "device_certificates", change, &samples.org.to_string());
        if !change.0.starts_with("serial") {
            let read = store.certificate(samples.org, &certificate.serial).await;
            assert_corrupt(read, "device_certificates", change, &certificate.serial.to_string());
        }
    }
    db.close().await.unwrap();
}

async fn a_changed_open_request_is_found(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    let wrong = [("csr_sha256 = x'00'", "csr_sha256"), ("state = x'ff'", "state")];
    for (number, change) in (1..).zip(with_wrong_types(context.backend(), &REQUEST, &wrong)) {
        crate::schema::execute(&db, "DELETE FROM open_requests").await;
        let request: OpenRequest = renewal(&samples, "gateway", &format!("csr {number}"), 1);
        opens(&store, &samples, &request).await;
        crate::schema::execute(&db, &format!("UPDATE open_requests SET {}", change.0)).await;
        let key = request.id().to_string();
        assert_corrupt(store.open_request(samples.org, request.id()).await, "open_requests", change, &key);
        let (filter, first) = (OpenRequestFilter::default(), PageRequest::default());
        let listed = store.open_requests(samples.org, &filter, &first).await;
        assert_corrupt(listed, "open_requests", change, &key);
    }
    db.close().await.unwrap();
}

async fn a_changed_token_is_found(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    // What each lets one write of a wrong length or type: MariaDB fills a digest up.
    let wrong: &[Change] = match context.backend() {
        Backend::Sqlite => &[
            ("secret_sha256 = x'00'", "secret_sha256"),
            ("secret_sha256 = zeroblob(33)", "secret_sha256"),
            ("expires_at = 'tomorrow'", "expires_at"),
            ("revoked_at = x'00'", "revoked_at"),
            ("used_by_request_id = x'00'", "used_by_request_id"),
        ],
        Backend::Postgres => &[
            (r"secret_sha256 = '\x00'", "secret_sha256"),
            ("secret_sha256 = secret_sha256 || secret_sha256", "secret_sha256"),
        ],
        Backend::MariaDb => &[],
    };
    for (secret, &change) in (1..).zip(TOKEN.iter().chain(wrong)) {
        crate::schema::execute(&db, "DELETE FROM enrollment_tokens").await;
        let token = samples.token("gateway", secret);
        store.create_enrollment_token(samples.org, &token, &samples.token_created(&token)).await.unwrap();
        crate::schema::execute(&db, &format!("UPDATE enrollment_tokens SET {}", change.0)).await;
        let key = token.id.to_string();
        let listed = store.enrollment_tokens(samples.org, &PageRequest::default()).await;
        assert_corrupt(listed, "enrollment_tokens", change, &key);
        if change.1 != "secret_sha256" {
            let read = store.enrollment_token_of_secret(samples.org, &token.secret_sha256).await;
            assert_corrupt(read, "enrollment_tokens", change, &key);
        }
        let action = samples.action(ActionKind::TokenRevoked, Target::EnrollmentToken(token.id));
        let now = samples.clock.now();
        let revoked = store.revoke_enrollment_token(samples.org, token.id, now, &action).await;
        assert_corrupt(revoked, "enrollment_tokens", change, &key);
    }
    // Without its id the row is still named, by what it has instead.
    crate::schema::execute(&db, "UPDATE enrollment_tokens SET id = org_id, used_by_request_id = NULL").await;
    let listed = store.enrollment_tokens(samples.org, &PageRequest::default()).await;
    assert_corrupt(listed, "enrollment_tokens", ("id = org_id", "id"), &samples.org.to_string());
    db.close().await.unwrap();
}

async fn a_changed_current_certificate_is_found(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    for (number, change) in (1..).zip(CURRENT) {
        crate::schema::execute(&db, "DELETE FROM current_certificates").await;
        let request = samples.request("gateway", &format!("csr {number}"), 0, RequestState::Signing);
        opens(&store, &samples, &request).await;
        let end = samples.issued(&request, 0xab00 + number);
        store.complete(samples.org, request.id(), &end).await.unwrap();
        crate::schema::execute(&db, &format!("UPDATE current_certificates SET {}", change.0)).await;
        let filter = CertificateFilter::Expiring { after: None, until: None };
        let listed = store.certificates(samples.org, &filter, &PageRequest::default()).await;
        assert_corrupt(listed, "current_certificates", change, &samples.org.to_string());
    }
    db.close().await.unwrap();
}

async fn a_changed_api_token_is_found(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    let wrong = [("secret_sha256 = x'00'", "secret_sha256"), ("expires_at = 'tomorrow'", "expires_at")];
    for change in with_wrong_types(context.backend(), &API_TOKEN, &wrong) {
        crate::schema::execute(&db, "DELETE FROM api_tokens").await;
        let token = samples.api_token("night shift", ApiRole::Viewer);
        store.create_api_token(samples.org, &token, &samples.api_token_created(&token)).await.unwrap();
        crate::schema::execute(&db, &format!("UPDATE api_tokens SET {}", change.0)).await;
        let key = token.id.to_string();
        assert_corrupt(store.api_token(samples.org, token.id).await, "api_tokens", change, &key);
        let listed = store.api_tokens(samples.org, &PageRequest::default()).await;
        assert_corrupt(listed, "api_tokens", change, &key);
        let action = samples.api_token_revoked(token.id);
        let revoked = store.revoke_api_token(samples.org, token.id, samples.clock.now(), &action).await;
        assert_corrupt(revoked, "api_tokens", change, &key);
    }
    db.close().await.unwrap();
}

async fn a_changed_row_is_not_counted(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let db = database.connect().await;
    let samples = Samples::of(1);
    let (org, begin) = (samples.org, samples.clock.now());
    let request = renewal(&samples, "gateway", "csr", 1);
    opens(&store, &samples, &request).await;
    for change in [("event_type = 'exploded'", "event_type"), ("reason = 'Not A Code'", "reason")] {
        let event_type = "event_type = 'renewal_start'";
        crate::schema::execute(&db, &format!("UPDATE certificate_renewal_events SET {event_type}")).await;
        crate::schema::execute(&db, &format!("UPDATE certificate_renewal_events SET {}", change.0)).await;
        let counted = store.count_events(org, begin, samples.tick()).await;
        let value = change.0.split('\'').nth(1).unwrap();
        assert_corrupt(counted, "certificate_renewal_events", change, value);
    }
    crate::schema::execute(&db, "UPDATE open_requests SET state = 'asleep'").await;
    let change = ("state = 'asleep'", "state");
    assert_corrupt(store.count_open(org).await, "open_requests", change, &request.id().to_string());
    db.close().await.unwrap();
}
