//! The tables: what goes into a column comes out of it, sorts as it should, and the keys hold.

use crate::schema::{MIGRATIONS, assert_whole, column, tables_of};
use chrono::{DateTime, Utc};
use libtest_mimic::Trial;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqlErr, Statement, StatementBuilder, Value,
};
use std::sync::Arc;
use tests::{Backend, Backends, Context};
use uuid::Uuid;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            the_indexes_have_their_names_and_columns,
            instants_come_back_to_the_microsecond_and_sort,
            uuids_and_bytes_come_back,
            an_attempt_has_one_start_and_one_end,
            a_request_is_open_once,
            a_secret_is_of_one_token,
            a_certificate_is_revoked_once_in_an_organisation,
            a_subject_is_blocked_once,
            text_compares_by_its_bytes,
        ]
    );
    trials.extend(tests::trials!(
        backends,
        [Backend::MariaDb],
        [tables_do_not_depend_on_the_server_s_defaults]
    ));
    trials.extend(tests::trials!(backends, [Backend::Postgres], [an_event_has_its_place_in_its_attempt]));
    trials
}

/// PostgreSQL's rule for the stage of an event.
const RULE: &str = "cert_renewal_events_stage";

const INSTANTS: [&str; 9] = [
    "0001-01-01T00:00:00Z",
    "0999-12-31T23:59:59.999999Z",
    "1000-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-11-23T12:00:00Z",
    "2026-11-23T12:00:00.000001Z",
    "2026-11-23T12:00:00.500Z",
    "2038-01-19T03:14:08Z",
    "9999-12-31T23:59:59.999999Z",
];

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

async fn insert_event(
    db: &DatabaseConnection,
    event: u128,
    attempt: u128,
    stage: i16,
    at: &str,
) -> Result<(), DbErr> {
    let columns = [
        "org_id",
        "id",
        "device_id",
        "attempt_id",
        "stage",
        "event_type",
        "reason",
        "old_cert_expiration",
        "new_cert_expiration",
        "error_message",
        "created_at",
    ];
    let values: [Value; 11] = [
        id(0).into(),
        id(event).into(),
        id(7).into(),
        id(attempt).into(),
        stage.into(),
        "renewal_start".into(),
        Option::<String>::None.into(),
        instant(at).into(),
        Some(instant(at)).into(),
        Some("é".repeat(512)).into(),
        instant(at).into(),
    ];
    insert(db, "certificate_renewal_events", columns, values).await
}

/// Adds a row to `open_requests`.
pub(crate) async fn insert_request(db: &DatabaseConnection, request: u128) {
    insert_request_as(db, request, &format!("{request:02x}")).await.unwrap();
}

async fn insert_request_as(db: &DatabaseConnection, request: u128, presented: &str) -> Result<(), DbErr> {
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
        "old_cert_expiration",
        "requested_lifetime_seconds",
        "credential",
    ];
    let values: [Value; 13] = [
        id(0).into(),
        id(request).into(),
        id(7).into(),
        "device-7 é".into(),
        "renewal".into(),
        "signing".into(),
        vec![0_u8; 16 * 1024].into(),
        (0..32).collect::<Vec<u8>>().into(),
        vec![0_u8; 32].into(),
        presented.into(),
        Option::<DateTime<Utc>>::None.into(),
        Some(i64::MAX).into(),
        "by hand".into(),
    ];
    insert(db, "open_requests", columns, values).await
}

async fn insert<const N: usize>(
    db: &DatabaseConnection,
    table: &'static str,
    columns: [&'static str; N],
    values: [Value; N],
) -> Result<(), DbErr> {
    let mut insert = Query::insert();
    insert.into_table(table).columns(columns).values_panic(values.map(Expr::value));
    db.execute_raw(prepare(db, &insert)).await.map(drop)
}

/// A statement whose instants MariaDB can take. The driver binds `DateTime<Utc>` as `TIMESTAMP`;
/// as such a parameter, MariaDB stores NULL for what is before 1970 or after January 2038.
fn prepare(db: &DatabaseConnection, statement: &impl StatementBuilder) -> Statement {
    let mut statement = db.get_database_backend().build(statement);
    if db.get_database_backend() == DbBackend::MySql {
        for value in statement.values.iter_mut().flat_map(|values| &mut values.0) {
            if let Value::ChronoDateTimeUtc(instant) = value {
                *value = Value::ChronoDateTime(instant.map(|instant| instant.naive_utc()));
            }
        }
    }
    statement
}

async fn the_indexes_have_their_names_and_columns(cx: Context) {
    let database = cx.fresh_database().await;
    assert_whole(&database.connect().await).await;
}

async fn instants_come_back_to_the_microsecond_and_sort(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    // Not in order of time, so that the order that comes back is the column's.
    for (number, at) in (1..).zip(INSTANTS).collect::<Vec<_>>().into_iter().rev() {
        insert_event(&db, number, number, 0, at).await.unwrap();
    }

    let all = INSTANTS.map(instant);
    for name in ["created_at", "old_cert_expiration", "new_cert_expiration"] {
        let mut select = Query::select();
        select.column(name).from("certificate_renewal_events").order_by(name, Order::Asc);
        let rows = db.query_all(&select).await.unwrap();
        let back: Vec<DateTime<Utc>> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(back, all, "{name}");
        for (number, at) in all.iter().enumerate() {
            let mut select = Query::select();
            select.column("id").from("certificate_renewal_events");
            let equal = select.clone().and_where(Expr::col(name).eq(*at)).take();
            assert_eq!(db.query_all_raw(prepare(&db, &equal)).await.unwrap().len(), 1, "{name} = {at}");
            let earlier = select.and_where(Expr::col(name).lt(*at)).take();
            assert_eq!(
                db.query_all_raw(prepare(&db, &earlier)).await.unwrap().len(),
                number,
                "{name} < {at}"
            );
        }
    }
}

async fn uuids_and_bytes_come_back(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    insert_request(&db, 1).await;
    let mut select = Query::select();
    select
        .columns(["id", "csr_der", "csr_sha256", "device_name", "requested_lifetime_seconds"])
        .from("open_requests")
        .and_where(Expr::col("id").eq(id(1)))
        .and_where(Expr::col("csr_sha256").eq((0..32).collect::<Vec<u8>>()));
    let row = db.query_one(&select).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<Uuid>(0).unwrap(), id(1));
    assert_eq!(row.try_get_by_index::<Vec<u8>>(1).unwrap(), [0; 16 * 1024]);
    assert_eq!(row.try_get_by_index::<Vec<u8>>(2).unwrap(), (0..32).collect::<Vec<u8>>());
    assert_eq!(row.try_get_by_index::<String>(3).unwrap(), "device-7 é");
    assert_eq!(row.try_get_by_index::<Option<i64>>(4).unwrap(), Some(i64::MAX));
    let length = match cx.backend() {
        Backend::Postgres => "SELECT count(*) FROM open_requests",
        Backend::Sqlite | Backend::MariaDb => "SELECT length(id) - 15 FROM open_requests",
    };
    assert_eq!(column::<i64>(&db, length).await, [1], "a UUID takes 16 bytes");
}

async fn an_attempt_has_one_start_and_one_end(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    insert_event(&db, 1, 1, 0, INSTANTS[4]).await.unwrap();
    insert_event(&db, 2, 1, 1, INSTANTS[4]).await.unwrap();
    for (event, attempt, stage) in [(3, 1, 0), (4, 1, 1), (1, 1, 0)] {
        let refused = insert_event(&db, event, attempt, stage, INSTANTS[4]).await.unwrap_err();
        let by_a_key = matches!(refused.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
        // On PostgreSQL the key of a start is its id, and a rule keeps its attempt to that.
        let by_the_rule = cx.backend() == Backend::Postgres && refused.to_string().contains(RULE);
        assert!(by_a_key || (by_the_rule && event != attempt && stage == 0), "{refused}");
    }
}

async fn an_event_has_its_place_in_its_attempt(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    // A start in another's attempt, an end in its own, and what is neither.
    for (event, attempt, stage) in [(2, 1, 0), (3, 3, 1), (4, 1, 2), (5, 5, -1)] {
        let refused = insert_event(&db, event, attempt, stage, INSTANTS[4]).await.unwrap_err();
        assert!(refused.to_string().contains(RULE), "{refused}");
    }
}

async fn a_request_is_open_once(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    insert_request_as(&db, 1, "").await.unwrap();
    insert_request_as(&db, 2, "0a").await.unwrap();
    for presented in ["", "0a"] {
        let refused = insert_request_as(&db, 3, presented).await.unwrap_err();
        assert!(matches!(refused.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))), "{refused}");
    }
}

async fn a_secret_is_of_one_token(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    let add = async |org: u128, token: u128, secret: u8| {
        let columns = [
            "org_id",
            "id",
            "device_name",
            "secret_sha256",
            "expires_at",
            "used_by_request_id",
            "revoked_at",
            "made_by_kind",
            "made_by_name",
        ];
        let values: [Value; 9] = [
            id(org).into(),
            id(token).into(),
            "é".repeat(64).into(),
            vec![secret; 32].into(),
            instant(INSTANTS[8]).into(),
            Some(id(9)).into(),
            Some(instant(INSTANTS[0])).into(),
            "server".into(),
            "".into(),
        ];
        insert(&db, "enrollment_tokens", columns, values).await
    };
    add(0, 1, 1).await.unwrap();
    add(0, 2, 2).await.unwrap();
    add(1, 1, 1).await.unwrap();
    for (token, secret) in [(3, 1), (1, 3)] {
        let refused = add(0, token, secret).await.unwrap_err();
        assert!(matches!(refused.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))), "{refused}");
    }
    let mut select = Query::select();
    select
        .columns(["expires_at", "revoked_at", "used_by_request_id", "secret_sha256"])
        .from("enrollment_tokens");
    let row = db.query_one(&select).await.unwrap().unwrap();
    let instants = [0, 1].map(|index| row.try_get_by_index::<DateTime<Utc>>(index).unwrap());
    assert_eq!(instants, [instant(INSTANTS[8]), instant(INSTANTS[0])]);
    assert_eq!(row.try_get_by_index::<Uuid>(2).unwrap(), id(9));
    assert_eq!(row.try_get_by_index::<Vec<u8>>(3).unwrap().len(), 32);
}

async fn a_certificate_is_revoked_once_in_an_organisation(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    let add = async |org: u128, revocation: u128, issuer: u8, serial: &str| {
        let columns = ["org_id", "id", "issuer_key_sha256", "serial", "revoked_at", "reason", "action_id"];
        let values: [Value; 7] = [
            id(org).into(),
            id(revocation).into(),
            vec![issuer; 32].into(),
            serial.into(),
            instant(INSTANTS[4]).into(),
            "unspecified".into(),
            id(9).into(),
        ];
        insert(&db, "certificate_revocations", columns, values).await
    };
    add(0, 1, 1, "0a").await.unwrap();
    add(0, 2, 2, "0a").await.unwrap();
    add(0, 3, 1, "0b").await.unwrap();
    add(1, 1, 1, "0a").await.unwrap();
    for (revocation, serial) in [(4, "0a"), (1, "0c")] {
        let refused = add(0, revocation, 1, serial).await.unwrap_err();
        assert!(matches!(refused.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))), "{refused}");
    }
}

async fn a_subject_is_blocked_once(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    let add = async |org: u128, kind: &str, subject: &str| {
        let columns = ["org_id", "subject_kind", "subject_id", "reason", "since", "action_id"];
        let values: [Value; 6] = [
            id(org).into(),
            kind.into(),
            subject.into(),
            "é".repeat(512).into(),
            instant(INSTANTS[4]).into(),
            id(9).into(),
        ];
        insert(&db, "blocks", columns, values).await
    };
    let key = "ab".repeat(32);
    for (kind, subject) in [("organisation", ""), ("key", key.as_str())] {
        add(0, kind, subject).await.unwrap();
        add(1, kind, subject).await.unwrap();
        let refused = add(0, kind, subject).await.unwrap_err();
        assert!(matches!(refused.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))), "{refused}");
    }
}

async fn text_compares_by_its_bytes(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    insert_request(&db, 1).await;
    let others = ["device-7 e", "DEVICE-7 É", "device-7 é ", "device-7 e\u{301}"];
    for other in others {
        let mut select = Query::select();
        select.column("id").from("open_requests").and_where(Expr::col("device_name").eq(other));
        let found = db.query_all(&select).await.unwrap().len();
        // MariaDB ignores spaces at the end when it compares, whatever the collation's case.
        let padded = usize::from(cx.backend() == Backend::MariaDb && other.ends_with(' '));
        assert_eq!(found, padded, "{other:?}");
    }
}

async fn tables_do_not_depend_on_the_server_s_defaults(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    let sql = "SELECT CONCAT_WS(' ', engine, table_collation) FROM information_schema.tables \
               WHERE table_schema = DATABASE() AND table_name <> 'seaql_migrations'";
    let tables = tables_of(MIGRATIONS.len()).len();
    assert_eq!(column::<String>(&db, sql).await, vec!["InnoDB utf8mb4_bin"; tables]);
}
