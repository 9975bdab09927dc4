//! A database of an earlier version: refused as it is, and whole once it was brought up to date.

use crate::schema::{MIGRATIONS, assert_migrated, assert_whole, execute};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    CertificateFilter, Clock, Completed, EnrollmentTokenStore, EventFilter, FleetStore, IssuanceStore,
    OpenRequest, OpenRequestFilter, PageRequest, RenewalEventStore, RequestState, Revocation,
    RevocationReason, Standing, StoreError,
};
use renewal_store_seaorm::{ConnectError, ConnectOptions, connect};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait, DatabaseConnection, Value};
use std::sync::Arc;
use tests::{Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            a_database_of_an_older_program_is_refused_and_left_as_it_is,
            a_store_whose_tables_change_under_it_says_so,
            a_database_of_an_older_program_is_brought_up_to_date_and_keeps_its_rows,
        ]
    )
}

async fn a_database_of_an_older_program_is_refused_and_left_as_it_is(cx: Context) {
    let database = cx.empty_database().await;
    let db = database.connect().await;
    for applied in 1..MIGRATIONS.len() {
        migration::apply_steps(&db, Some(1)).await.unwrap();
        let error = connect(database.url(), ConnectOptions::new()).await.unwrap_err();
        let ConnectError::SchemaOld { pending, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*pending, MIGRATIONS[applied..]);
        let lacks = MIGRATIONS[applied..].join(", ");
        let said = format!(" is older than this program, and lacks {lacks}: run `cargo run -p migration`");
        assert!(error.to_string().ends_with(&said), "{error}");
        assert_migrated(&db, applied).await;
    }
}

async fn a_store_whose_tables_change_under_it_says_so(cx: Context) {
    let database = cx.fresh_database().await;
    let store = connect(database.url(), ConnectOptions::new()).await.unwrap();
    let db = database.connect().await;
    let said = async || match store.check().await {
        Err(StoreError::Backend(why)) => why.to_string(),
        other => panic!("{other:?}"),
    };
    store.check().await.unwrap();
    migration::roll_back(&db, Some(1)).await.unwrap();
    assert!(said().await.contains("is older than this program"), "{}", said().await);
    migration::apply(&db).await.unwrap();
    store.check().await.unwrap();
    execute(&db, "INSERT INTO seaql_migrations VALUES ('m29990101_000001_from_the_future', 0)").await;
    assert!(said().await.contains("is newer than this program"), "{}", said().await);
    store.close().await.unwrap();
    assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
}

async fn a_database_of_an_older_program_is_brought_up_to_date_and_keeps_its_rows(cx: Context) {
    let database = cx.fresh_database().await;
    let samples = Samples::of(1);
    let (org, now) = (samples.org, samples.clock.now());

    // What needs no token is the same under every schema, and outlives the undoing too.
    let store = connect(database.url(), ConnectOptions::new()).await.unwrap();
    let renewal = samples.request("gateway", "csr 1", 1, RequestState::Signing);
    store.open(org, &renewal, Standing::NotRevoked, now).await.unwrap();
    let end = samples.issued(&renewal, 10);
    store.complete(org, renewal.id(), &end).await.unwrap();
    let certificate = end.certificate().unwrap();
    // One that was renewed, and one that was revoked: neither is current.
    let again = samples.request("gateway", "csr 4", 10, RequestState::Signing);
    store.open(org, &again, Standing::NotRevoked, now).await.unwrap();
    let newest = samples.issued(&again, 12);
    store.complete(org, again.id(), &newest).await.unwrap();
    let stolen = samples.request("robot", "csr 5", 0, RequestState::Signing);
    store.open(org, &stolen, Standing::NotRevoked, now).await.unwrap();
    store.complete(org, stolen.id(), &samples.issued(&stolen, 13)).await.unwrap();
    let serial = "0d".parse().unwrap();
    store
        .revoke(org, &serial, &Revocation { at: now, reason: RevocationReason::KeyCompromise })
        .await
        .unwrap();
    let waiting = samples.request("meter", "csr 2", 2, RequestState::Pending);
    store.open(org, &waiting, Standing::NotRevoked, now).await.unwrap();
    store.close().await.unwrap();
    let db = database.connect().await;
    migration::roll_back(&db, Some(u32::try_from(MIGRATIONS.len() - 1).unwrap())).await.unwrap();
    assert_migrated(&db, 1).await;
    let enrollment = samples.request("sensor", "csr 3", 0, RequestState::Pending);
    insert_under_the_first_schema(&db, &enrollment).await;

    let error = connect(database.url(), ConnectOptions::new()).await.unwrap_err();
    assert!(matches!(error, ConnectError::SchemaOld { .. }), "{error:?}");
    let store = connect(database.url(), ConnectOptions::new().migrate(true)).await.unwrap();
    assert_whole(&db).await;
    // Cut short after its last step, and run again: what is filled stays as it is.
    let last = MIGRATIONS[MIGRATIONS.len() - 1];
    execute(&db, &format!("DELETE FROM seaql_migrations WHERE version = '{last}'")).await;
    assert_eq!(migration::apply(&db).await.unwrap(), [last]);

    let events = store.list(org, &EventFilter::new(), &PageRequest::default()).await.unwrap().items;
    let mut expected = vec![renewal.start_event(), end.event().cloned()];
    expected.extend([again.start_event(), newest.event().cloned(), waiting.start_event()]);
    expected.reverse();
    assert_eq!(events.into_iter().map(Some).collect::<Vec<_>>(), expected);
    assert_eq!(store.certificate(org, &certificate.serial).await.unwrap().as_ref(), Some(certificate));
    let all = CertificateFilter::Expiring { after: None, until: None };
    let current = store.certificates(org, &all, &PageRequest::default()).await.unwrap().items;
    assert_eq!(Some(&current[..]), newest.certificate().map(std::slice::from_ref));
    let revoked =
        store.certificates(org, &CertificateFilter::Revoked, &PageRequest::default()).await.unwrap().items;
    assert_eq!(revoked.iter().map(|certificate| &certificate.serial).collect::<Vec<_>>(), [&serial]);
    let open =
        store.open_requests(org, &OpenRequestFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(open.items, [waiting, enrollment.clone()]);
    assert_eq!(store.open_request(org, enrollment.id()).await.unwrap().as_ref(), Some(&enrollment));
    assert_eq!(store.enrollment_tokens(org, &PageRequest::default()).await.unwrap().items, []);

    // It goes on as if nothing had been.
    let end = samples.issued(&enrollment, 11);
    assert_eq!(store.complete(org, enrollment.id(), &end).await.unwrap(), Completed::Recorded);
    let token = samples.token("sensor", 1);
    store.create_enrollment_token(org, &token).await.unwrap();
    let another = samples.enrollment("sensor", "csr 6", token.id);
    store.open(org, &another, Standing::NotRevoked, now).await.unwrap();
    assert_eq!(store.open_request(org, another.id()).await.unwrap(), Some(another));
    store.close().await.unwrap();
}

/// Adds an open enrollment as a program did that knew the first schema only.
async fn insert_under_the_first_schema(db: &DatabaseConnection, request: &OpenRequest) {
    let columns = [
        "org_id",
        "id",
        "device_id",
        "device_name",
        "kind",
        "state",
        "csr_der",
        "csr_sha256",
        "presented_serial",
    ];
    let values: [Value; 9] = [
        request.org_id().as_uuid().into(),
        request.id().as_uuid().into(),
        request.device_id().as_uuid().into(),
        request.device_name().as_str().into(),
        request.purpose().kind().as_str().into(),
        request.state().as_str().into(),
        request.csr_der().to_vec().into(),
        request.csr_sha256().to_vec().into(),
        "".into(),
    ];
    let mut insert = Query::insert();
    insert.into_table("open_requests").columns(columns).values_panic(values.map(Expr::value));
    db.execute(&insert).await.unwrap();
}
