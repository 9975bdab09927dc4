//! A database of an earlier version: refused as it is, and whole once it was brought up to date.

use crate::schema::{MIGRATIONS, assert_migrated, assert_whole, execute};
use crate::support::{lenient, open_store, opens, pending_renewal, renewal};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    CertificateFilter, Completed, EnrollmentTokenStore, EventFilter, FleetStore, IssuanceStore, OpenRefusal,
    OpenRequest, OpenRequestFilter, Opened, PageRequest, RenewalEventStore, RequestState, RevocationReason,
    RevocationStore, StoreError,
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
    let store = open_store(database.url(), ConnectOptions::new()).await;
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
    let org = samples.org;

    // What needs no token is the same under every schema, and outlives the undoing too.
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let first = renewal(&samples, "gateway", "csr 1", 1);
    opens(&store, &samples, &first).await;
    let end = samples.issued(&first, 10);
    store.complete(org, first.id(), &end).await.unwrap();
    let certificate = end.certificate().unwrap();
    // One that was renewed, and one that was revoked: neither is current.
    let again = samples.request("gateway", "csr 4", 10, RequestState::Signing);
    opens(&store, &samples, &again).await;
    let newest = samples.issued(&again, 12);
    store.complete(org, again.id(), &newest).await.unwrap();
    let older = samples.request("robot", "csr 7", 0, RequestState::Signing);
    opens(&store, &samples, &older).await;
    store.complete(org, older.id(), &samples.issued(&older, 14)).await.unwrap();
    let stolen = samples.request("robot", "csr 5", 0, RequestState::Signing);
    opens(&store, &samples, &stolen).await;
    let robot = samples.issued(&stolen, 13);
    store.complete(org, stolen.id(), &robot).await.unwrap();
    let revoked = samples.revocation_of(robot.certificate().unwrap(), RevocationReason::KeyCompromise);
    let serial = revoked.0.serial.clone();
    store.revoke(org, &[revoked], None).await.unwrap();
    let waiting = pending_renewal(&samples, "meter", "csr 2", 2);
    opens(&store, &samples, &waiting).await;
    store.close().await.unwrap();
    let db = database.connect().await;
    migration::roll_back(&db, Some(u32::try_from(MIGRATIONS.len() - 1).unwrap())).await.unwrap();
    assert_migrated(&db, 1).await;
    let enrollment = samples.request("sensor", "csr 3", 0, RequestState::Signing);
    insert_under_the_first_schema(&db, &enrollment).await;

    let error = connect(database.url(), ConnectOptions::new()).await.unwrap_err();
    assert!(matches!(error, ConnectError::SchemaOld { .. }), "{error:?}");
    let store = open_store(database.url(), ConnectOptions::new().migrate(true)).await;
    assert_whole(&db).await;
    // Cut short after its last step, and run again: what is filled stays as it is.
    let last = MIGRATIONS[MIGRATIONS.len() - 1];
    execute(&db, &format!("DELETE FROM seaql_migrations WHERE version = '{last}'")).await;
    assert_eq!(migration::apply(&db).await.unwrap(), [last]);

    let events = store.list(org, &EventFilter::new(), &PageRequest::default()).await.unwrap().items;
    let mut expected = vec![first.start_event(), end.event().cloned()];
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

    // It goes on as if nothing had been: a device whose latest certificate is revoked gets no other one.
    let earlier = samples.request("robot", "csr 8", 14, RequestState::Signing);
    let opened = store.open(org, &earlier, &lenient(&samples)).await.unwrap();
    assert_eq!(opened, Opened::Refused(OpenRefusal::Superseded));
    let end = samples.issued(&enrollment, 11);
    assert_eq!(store.complete(org, enrollment.id(), &end).await.unwrap(), Completed::Recorded);
    let token = samples.token("sensor", 1);
    store.create_enrollment_token(org, &token, &samples.token_created(&token)).await.unwrap();
    let another = samples.enrollment("sensor", "csr 6", token.id);
    opens(&store, &samples, &another).await;
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
        "public_key_sha256",
        "presented_serial",
        "credential",
    ];
    let values: [Value; 11] = [
        request.org_id().as_uuid().into(),
        request.id().as_uuid().into(),
        request.device_id().as_uuid().into(),
        request.device_name().as_str().into(),
        request.purpose().kind().as_str().into(),
        request.state().as_str().into(),
        request.csr_der().to_vec().into(),
        request.csr_sha256().to_vec().into(),
        request.public_key_sha256().to_vec().into(),
        "".into(),
        request.credential().into(),
    ];
    let mut insert = Query::insert();
    insert.into_table("open_requests").columns(columns).values_panic(values.map(Expr::value));
    db.execute(&insert).await.unwrap();
}
