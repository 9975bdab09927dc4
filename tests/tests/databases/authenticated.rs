//! Tokens and pending requests are authenticated: who can write to the database, but has not the key, can
//! neither change one nor make one.

use crate::schema::{column, columns, execute};
use crate::support::{KEY, open_store, opens, pending_renewal, renewal};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    ActionFilter, ActionKind, ActionStore, ApiRole, ApiToken, ApiTokenStore, BlockStore, BlockSubject, Clock,
    Completed, EnrollmentToken, EnrollmentTokenStore, FleetStore, GrantedNames, IssuanceStore, NewRequest,
    OpenRequest, OpenRequestFilter, OrgId, PageRequest, Purpose, RequestState, RevocationReason,
    RevocationStore, StoreError, Target,
};
use renewal_store_seaorm::{AuthenticationKeys, ConnectOptions, SeaOrmStore, connect};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tests::{Backend, Backends, Context, TestDatabase};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            an_edited_api_token_is_refused,
            an_edited_enrollment_token_is_refused,
            an_edited_pending_request_is_refused,
            a_request_that_is_made_to_wait_by_hand_is_refused,
            a_row_that_is_copied_from_another_organisation_is_refused,
            a_row_that_is_made_with_another_key_is_refused,
            a_row_that_was_made_with_an_older_key_is_accepted,
            a_store_without_a_key_says_so_where_it_needs_one,
        ]
    )
}

/// A change of one column: its name, and what it becomes in SQL.
type Change = (&'static str, &'static str);

/// Who made a token.
const MAKER: [Change; 3] =
    [("made_by_name", "'somebody else'"), ("made_by_host", "'elsewhere'"), ("mac", "NULL")];

const API_TOKEN: [Change; 5] = [
    ("name", "'day shift'"),
    ("role", "'administrator'"),
    ("expires_at", "'2101-01-01 00:00:00'"),
    ("expires_at", "NULL"),
    ("made_by_kind", "'server', made_by_host = NULL"),
];

const ENROLLMENT_TOKEN: [Change; 5] = [
    ("device_name", "'gateway 2'"),
    ("expires_at", "'2101-01-01 00:00:00'"),
    ("granted_names", "NULL"),
    ("granted_names", r#"'{"subject":["O=Another"],"san":["DNS:gw-1.example"]}'"#),
    ("made_by_kind", "'server', made_by_host = NULL"),
];

const PENDING: [Change; 13] = [
    ("device_id", "org_id"),
    ("device_name", "'gateway 2'"),
    ("kind", "'recovery'"),
    ("public_key_sha256", "presented_key_sha256"),
    ("presented_serial", "'0a'"),
    ("old_cert_expiration", "'2101-01-01 00:00:00'"),
    ("presented_issuer_key_sha256", "csr_sha256"),
    ("presented_sha256", "csr_sha256"),
    ("presented_key_sha256", "csr_sha256"),
    ("presented_origin", "'ours'"),
    ("requested_lifetime_seconds", "1"),
    ("credential", "'it was seen on the bench'"),
    ("source_address", "'192.0.2.1'"),
];

#[track_caller]
fn assert_forged<T: Debug>(result: Result<T, StoreError>, table: &str, what: &str) {
    match result {
        Err(StoreError::Corrupt { table: t, column, problem, .. }) => {
            assert_eq!((t, column), (table, "mac"), "{what}: {problem}");
            assert!(problem.contains("authentication key"), "{problem}");
        }
        other => panic!("{what} is not found: {other:?}"),
    }
}

/// A digest, as a database spells it.
fn digest(backend: Backend, byte: u8) -> String {
    let digits = format!("{byte:02x}").repeat(32);
    if backend == Backend::Postgres { format!(r"'\x{digits}'") } else { format!("x'{digits}'") }
}

async fn adds_api_token(store: &SeaOrmStore, samples: &Samples) -> ApiToken {
    let token = samples.api_token("night shift", ApiRole::Viewer);
    store.create_api_token(samples.org, &token, &samples.api_token_created(&token)).await.unwrap();
    token
}

async fn adds_enrollment_token(store: &SeaOrmStore, samples: &Samples, secret: u8) -> EnrollmentToken {
    let mut token = samples.token("gateway", secret);
    token.names = GrantedNames::new(["O=Example Ltd"], ["DNS:gw-1.example"]).unwrap();
    store.create_enrollment_token(samples.org, &token, &samples.token_created(&token)).await.unwrap();
    token
}

async fn an_edited_api_token_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let (db, samples) = (database.connect().await, Samples::of(1));
    let secret = digest(context.backend(), 8);
    let secret: Change = ("secret_sha256", secret.leak());
    for (column, value) in API_TOKEN.into_iter().chain(MAKER).chain([secret]) {
        execute(&db, "DELETE FROM api_tokens").await;
        let token = adds_api_token(&store, &samples).await;
        assert_eq!(store.api_token(samples.org, token.id).await.unwrap().as_ref(), Some(&token));
        execute(&db, &format!("UPDATE api_tokens SET {column} = {value}")).await;
        assert_forged(store.api_token(samples.org, token.id).await, "api_tokens", column);
        let listed = store.api_tokens(samples.org, &PageRequest::default()).await;
        assert_forged(listed, "api_tokens", column);
        let action = samples.api_token_revoked(token.id);
        let revoked = store.revoke_api_token(samples.org, token.id, samples.clock.now(), &action).await;
        assert_forged(revoked, "api_tokens", column);
    }
    db.close().await.unwrap();
    store.close().await.unwrap();
}

async fn an_edited_enrollment_token_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let (db, samples) = (database.connect().await, Samples::of(1));
    let secret = digest(context.backend(), 8);
    let secret: Change = ("secret_sha256", secret.leak());
    for (column, value) in ENROLLMENT_TOKEN.into_iter().chain(MAKER).chain([secret]) {
        execute(&db, "DELETE FROM enrollment_tokens").await;
        let token = adds_enrollment_token(&store, &samples, 1).await;
        let found = store.enrollment_token_of_secret(samples.org, &[1; 32]).await.unwrap();
        assert_eq!(found.as_ref(), Some(&token));
        execute(&db, &format!("UPDATE enrollment_tokens SET {column} = {value}")).await;
        let wanted = if column == "secret_sha256" { [8; 32] } else { [1; 32] };
        let found = store.enrollment_token_of_secret(samples.org, &wanted).await;
        assert_forged(found, "enrollment_tokens", column);
        assert_forged(store.enrollment_token(samples.org, token.id).await, "enrollment_tokens", column);
        let listed = store.enrollment_tokens(samples.org, &PageRequest::default()).await;
        assert_forged(listed, "enrollment_tokens", column);
    }
    db.close().await.unwrap();
    store.close().await.unwrap();
}

async fn an_edited_pending_request_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let (db, samples) = (database.connect().await, Samples::of(1));
    for (column, value) in PENDING.into_iter().chain([("mac", "NULL"), ("csr_der", "another")]) {
        execute(&db, "DELETE FROM open_requests").await;
        let request = pending_renewal(&samples, "gateway", "csr", 1);
        opens(&store, &samples, &request).await;
        if column == "csr_der" {
            put_csr(&db, value).await;
        } else {
            execute(&db, &format!("UPDATE open_requests SET {column} = {value}")).await;
        }
        assert_forged(store.open_request(samples.org, request.id()).await, "open_requests", column);
        let (filter, first) = (OpenRequestFilter::default(), PageRequest::default());
        let listed = store.open_requests(samples.org, &filter, &first).await;
        assert_forged(listed, "open_requests", column);
    }
    // The token that permits an enrollment, and what the requester asked for.
    for (column, value) in [("enrollment_token_id", "id"), ("requested_lifetime_seconds", "NULL")] {
        let enrollment = Purpose::Enrollment { token: None };
        let request = OpenRequest::new(NewRequest {
            state: RequestState::Pending,
            requested_lifetime: Some(Duration::from_hours(1)),
            ..samples.new_request("sensor", column, enrollment)
        });
        opens(&store, &samples, &request).await;
        execute(&db, &format!("UPDATE open_requests SET {column} = {value} WHERE device_name = 'sensor'"))
            .await;
        assert_forged(store.open_request(samples.org, request.id()).await, "open_requests", column);
        execute(&db, "DELETE FROM open_requests WHERE device_name = 'sensor'").await;
    }
    db.close().await.unwrap();
    store.close().await.unwrap();
}

/// Puts another CSR in the place of one, with its right digest.
async fn put_csr(db: &DatabaseConnection, csr: &str) {
    let other = Samples::of(9).request("any", csr, 0, RequestState::Signing);
    let mut update = Query::update();
    update
        .table("open_requests")
        .value("csr_der", Expr::value(other.csr_der().to_vec()))
        .value("csr_sha256", Expr::value(other.csr_sha256().to_vec()));
    db.execute(&update).await.unwrap();
}

async fn a_request_that_is_made_to_wait_by_hand_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let (db, samples) = (database.connect().await, Samples::of(1));
    // One that is being signed says nothing to a person, and is not authenticated; nobody approves it.
    let request = samples.request("gateway", "csr", 0, RequestState::Signing);
    opens(&store, &samples, &request).await;
    execute(&db, "UPDATE open_requests SET credential = 'by hand'").await;
    assert!(store.open_request(samples.org, request.id()).await.unwrap().is_some());
    execute(&db, "UPDATE open_requests SET state = 'pending'").await;
    assert_forged(store.open_request(samples.org, request.id()).await, "open_requests", "state");
    db.close().await.unwrap();
    store.close().await.unwrap();
}

/// A token of each kind, and a request that waits.
async fn fill(store: &SeaOrmStore, samples: &Samples) -> (ApiToken, EnrollmentToken, OpenRequest) {
    let api = adds_api_token(store, samples).await;
    let enrollment = adds_enrollment_token(store, samples, 1).await;
    let request = pending_renewal(samples, "gateway", "csr", 1);
    opens(store, samples, &request).await;
    (api, enrollment, request)
}

/// None of the three is taken for true in an organisation.
async fn assert_all_forged(
    store: &SeaOrmStore,
    org: OrgId,
    (api, enrollment, request): &(ApiToken, EnrollmentToken, OpenRequest),
    what: &str,
) {
    assert_forged(store.api_token(org, api.id).await, "api_tokens", what);
    assert_forged(store.enrollment_token(org, enrollment.id).await, "enrollment_tokens", what);
    let found = store.enrollment_token_of_secret(org, &enrollment.secret_sha256).await;
    assert_forged(found, "enrollment_tokens", what);
    assert_forged(store.open_request(org, request.id()).await, "open_requests", what);
}

async fn a_row_that_is_copied_from_another_organisation_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    let rows = fill(&store, &theirs).await;
    let db = database.connect().await;
    let org = match context.backend() {
        Backend::Postgres => format!("'{}'::uuid", ours.org),
        Backend::Sqlite | Backend::MariaDb => format!("x'{}'", ours.org.as_uuid().simple()),
    };
    for table in ["api_tokens", "enrollment_tokens", "open_requests"] {
        let names = columns(&db, table).await;
        let values: Vec<_> =
            names.iter().map(|name| if name == "org_id" { org.as_str() } else { name }).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        execute(&db, &format!("INSERT INTO {table} ({names}) SELECT {values} FROM {table}")).await;
    }
    assert_all_forged(&store, ours.org, &rows, "a copy").await;
    assert_eq!(store.api_token(theirs.org, rows.0.id).await.unwrap().as_ref(), Some(&rows.0));
    db.close().await.unwrap();
    store.close().await.unwrap();
}

/// A store of the database with these keys.
async fn with_keys<const N: usize>(database: &TestDatabase, first: u8, older: [u8; N]) -> SeaOrmStore {
    let keys = AuthenticationKeys::new([first; 32], older.map(|byte| [byte; 32]));
    connect(database.url(), ConnectOptions::new()).await.unwrap().authenticated(keys)
}

async fn a_row_that_is_made_with_another_key_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let intruder = with_keys(&database, 8, []).await;
    let samples = Samples::of(1);
    let rows = fill(&intruder, &samples).await;
    assert_eq!(intruder.open_request(samples.org, rows.2.id()).await.unwrap().as_ref(), Some(&rows.2));
    intruder.close().await.unwrap();

    let store = open_store(database.url(), ConnectOptions::new()).await;
    assert_all_forged(&store, samples.org, &rows, "another's key").await;
    // Who sends the same request meets the row, and is told too.
    let again = pending_renewal(&samples, "gateway", "csr", 1);
    let opened = store.open(samples.org, &again, &samples.rules()).await;
    assert_forged(opened, "open_requests", "another's key");
    store.close().await.unwrap();
}

async fn a_row_that_was_made_with_an_older_key_is_accepted(context: Context) {
    let database = context.fresh_database().await;
    let samples = Samples::of(1);
    let old = open_store(database.url(), ConnectOptions::new()).await;
    let (api, enrollment, request) = fill(&old, &samples).await;

    // A server that has both keys already, and makes codes with the new one.
    let both = with_keys(&database, 8, [KEY[0]]).await;
    assert_eq!(both.api_token(samples.org, api.id).await.unwrap().as_ref(), Some(&api));
    let found = both.enrollment_token(samples.org, enrollment.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&enrollment));
    assert_eq!(both.open_request(samples.org, request.id()).await.unwrap().as_ref(), Some(&request));
    let newer = adds_enrollment_token(&both, &samples, 2).await;
    let read = old.enrollment_token(samples.org, newer.id).await;
    assert_forged(read, "enrollment_tokens", "a newer key");

    // And one that has the new key only.
    let new = with_keys(&database, 8, []).await;
    assert_eq!(new.enrollment_token(samples.org, newer.id).await.unwrap(), Some(newer));
    assert_all_forged(&new, samples.org, &(api, enrollment, request), "an old key").await;
    for store in [old, both, new] {
        store.close().await.unwrap();
    }
}

#[track_caller]
fn assert_no_key<T: Debug>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Backend(why)) => assert_eq!(
            why.to_string(),
            "the store has no authentication key, which tokens and pending requests need: give it one with \
             SeaOrmStore::authenticated"
        ),
        other => panic!("{other:?}"),
    }
}

async fn a_store_without_a_key_says_so_where_it_needs_one(context: Context) {
    let database = context.fresh_database().await;
    let samples = Samples::of(1);
    let (org, now, first) = (samples.org, samples.clock.now(), PageRequest::default());
    let keyed = open_store(database.url(), ConnectOptions::new()).await;
    let (api, enrollment, waiting) = fill(&keyed, &samples).await;
    let store = connect(database.url(), ConnectOptions::new()).await.unwrap();

    let token = samples.api_token("day shift", ApiRole::Viewer);
    assert_no_key(store.create_api_token(org, &token, &samples.api_token_created(&token)).await);
    assert_no_key(store.revoke_api_token(org, api.id, now, &samples.api_token_revoked(api.id)).await);
    assert_no_key(store.api_tokens(org, &first).await);
    assert_no_key(store.api_tokens_made_by(org, token.id, &first).await);
    for id in [api.id, token.id] {
        assert_no_key(store.api_token(org, id).await);
    }
    let token = samples.token("meter", 3);
    assert_no_key(store.create_enrollment_token(org, &token, &samples.token_created(&token)).await);
    let action = samples.action(ActionKind::TokenRevoked, Target::EnrollmentToken(enrollment.id));
    assert_no_key(store.revoke_enrollment_token(org, enrollment.id, now, &action).await);
    assert_no_key(store.enrollment_tokens(org, &first).await);
    assert_no_key(store.enrollment_tokens_made_by(org, api.id, &first).await);
    for (id, secret) in [(enrollment.id, 1), (token.id, 3)] {
        assert_no_key(store.enrollment_token(org, id).await);
        assert_no_key(store.enrollment_token_of_secret(org, &[secret; 32]).await);
    }
    let pending = pending_renewal(&samples, "meter", "csr", 2);
    assert_no_key(store.open(org, &pending, &samples.rules()).await);
    assert_no_key(store.open_request(org, waiting.id()).await);
    assert_no_key(store.open_requests(org, &OpenRequestFilter::default(), &first).await);

    // Nothing of that was done.
    let db = database.connect().await;
    assert_eq!(column::<i64>(&db, "SELECT count(*) FROM actions").await, [2]);
    assert_eq!(keyed.open_request(org, pending.id()).await.unwrap(), None);
    assert_eq!(keyed.api_token(org, api.id).await.unwrap(), Some(api));
    assert_eq!(keyed.enrollment_token(org, enrollment.id).await.unwrap(), Some(enrollment));

    // Everything else is done.
    let request = renewal(&samples, "meter", "csr", 2);
    opens(&store, &samples, &request).await;
    assert_eq!(store.open_request(org, request.id()).await.unwrap().as_ref(), Some(&request));
    let end = samples.issued(&request, 1);
    assert_eq!(store.complete(org, request.id(), &end).await.unwrap(), Completed::Recorded);
    let certificate = end.certificate().unwrap();
    let revoked = samples.revocation_of(certificate, RevocationReason::KeyCompromise);
    assert_eq!(store.revoke(org, &[revoked], None).await.unwrap().len(), 1);
    let (block, action) = samples.block(BlockSubject::Device(certificate.device_id));
    assert!(store.block(org, &block, &action).await.unwrap());
    assert_eq!(store.actions(org, &ActionFilter::All, &first).await.unwrap().items.len(), 4);
    assert_eq!(store.count_open(org).await.unwrap().pending, 1);
    db.close().await.unwrap();
    for store in [keyed, store] {
        store.close().await.unwrap();
    }
}
