//! What a database says about its own schema.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TryGetable};

/// The name of the one migration there is.
pub(crate) const FIRST: &str = "m20261123_000001_create_renewal_ledger";

/// The tables of the ledger.
pub(crate) const TABLES: [&str; 3] = ["certificate_renewal_events", "device_certificates", "open_requests"];

/// Every index with a name: its table, its columns, whether it is unique.
pub(crate) const INDEXES: [(&str, &str, &[&str], bool); 7] = [
    ("idx_cert_renewal_events_device_id", TABLES[0], &["org_id", "device_id", "id"], false),
    ("idx_cert_renewal_events_event_type", TABLES[0], &["org_id", "event_type", "id"], false),
    ("idx_cert_renewal_events_created_at", TABLES[0], &["org_id", "reason", "event_type", "id"], false),
    ("idx_cert_renewal_events_org_id", TABLES[0], &["org_id", "attempt_id", "stage"], true),
    ("idx_device_certificates_device_id", TABLES[1], &["org_id", "device_id", "request_id"], false),
    ("idx_device_certificates_csr", TABLES[1], &["org_id", "csr_sha256", "request_id"], false),
    (
        "idx_open_requests_request",
        TABLES[2],
        &["org_id", "csr_sha256", "device_id", "presented_serial"],
        true,
    ),
];

/// The names of all tables, sorted.
pub(crate) async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        DbBackend::MySql => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"
        }
        _ => {
            "SELECT table_name::text FROM information_schema.tables \
             WHERE table_schema = current_schema() ORDER BY 1"
        }
    };
    column(db, sql).await
}

/// The columns of an index, in order; none when it does not exist.
pub(crate) async fn index_columns(db: &DatabaseConnection, index: &str) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => format!("SELECT name FROM pragma_index_info('{index}') ORDER BY seqno"),
        DbBackend::MySql => format!(
            "SELECT column_name FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND index_name = '{index}' ORDER BY seq_in_index"
        ),
        _ => format!(
            "SELECT attname::text FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid \
             WHERE relname = '{index}' ORDER BY attnum"
        ),
    };
    column(db, &sql).await
}

/// Whether an index is unique.
pub(crate) async fn is_unique(db: &DatabaseConnection, table: &str, index: &str) -> bool {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            format!("SELECT \"unique\" FROM pragma_index_list('{table}') WHERE name = '{index}'")
        }
        DbBackend::MySql => format!(
            "SELECT CAST(1 - MAX(non_unique) AS SIGNED) FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND index_name = '{index}'"
        ),
        _ => format!("SELECT indisunique::int::bigint FROM pg_index WHERE indexrelid = '{index}'::regclass"),
    };
    column::<i64>(db, &sql).await == [1]
}

/// Asserts that every index is there, as it should be.
pub(crate) async fn assert_indexes(db: &DatabaseConnection) {
    for (index, table, columns, unique) in INDEXES {
        assert_eq!(index_columns(db, index).await, columns, "{index}");
        assert_eq!(is_unique(db, table, index).await, unique, "{index}");
    }
}

/// Drops an index.
pub(crate) async fn drop_index(db: &DatabaseConnection, table: &str, index: &str) {
    let on = match db.get_database_backend() {
        DbBackend::MySql => format!(" ON {table}"),
        _ => String::new(),
    };
    execute(db, &format!("DROP INDEX {index}{on}")).await;
}

/// Runs a statement.
pub(crate) async fn execute(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

/// The first column of what `sql` selects.
pub(crate) async fn column<T: TryGetable>(db: &DatabaseConnection, sql: &str) -> Vec<T> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
