//! What the migrations make of a database, and what a database says about its own schema.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TryGetable};
use std::collections::BTreeMap;

/// What a migration does at a time: all that is there afterwards when it is cut short.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Creates a table.
    Table(&'static str),
    /// Creates an index with this name of a table, over these columns.
    Index(&'static str, &'static str, &'static [&'static str]),
    /// The same, and no two rows have the same values in these columns.
    Unique(&'static str, &'static str, &'static [&'static str]),
    /// The same as an index, of some of the rows only, where the database can.
    IndexOfSome(&'static str, &'static str, &'static [&'static str]),
    /// Adds to a table a column with this name.
    Column(&'static str, &'static str),
    /// Puts an index in the place of one of its name.
    Partial(Partial),
    /// Adds to a table a rule with this name, on PostgreSQL only.
    Rule(&'static str, &'static str),
}

/// An index of some of the rows, in the place of one of all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Partial {
    index: &'static str,
    /// Elsewhere nothing is done.
    on: &'static [DbBackend],
    columns: &'static [&'static str],
    /// How to create what was there before.
    before: &'static str,
}

impl Partial {
    fn is_on(&self, db: &DatabaseConnection) -> bool {
        self.on.contains(&db.get_database_backend())
    }
}

/// The names of all migrations, oldest first.
pub(crate) const MIGRATIONS: [&str; 5] = [
    "m20261123_000001_create_renewal_ledger",
    "m20261123_000002_enrollment_tokens",
    "m20261124_000003_fleet",
    "m20261125_000004_partial_indexes",
    "m20261127_000005_actions",
];

/// The steps of each migration, in order.
pub(crate) const STEPS: [&[Step]; MIGRATIONS.len()] = [
    &[
        Step::Table(EVENTS),
        Step::Index("idx_cert_renewal_events_device_id", EVENTS, &["org_id", "device_id", "id"]),
        Step::Index("idx_cert_renewal_events_event_type", EVENTS, &["org_id", "event_type", "id"]),
        Step::Index("idx_cert_renewal_events_created_at", EVENTS, &["org_id", "reason", "event_type", "id"]),
        Step::Unique("idx_cert_renewal_events_org_id", EVENTS, &["org_id", "attempt_id", "stage"]),
        Step::Table(CERTIFICATES),
        Step::Index(
            "idx_device_certificates_device_id",
            CERTIFICATES,
            &["org_id", "device_id", "request_id"],
        ),
        Step::Index(
            "idx_device_certificates_key",
            CERTIFICATES,
            &["org_id", "public_key_sha256", "csr_sha256", "request_id"],
        ),
        Step::Table(REQUESTS),
        Step::Unique(
            "idx_open_requests_request",
            REQUESTS,
            &["org_id", "device_id", "csr_sha256", "presented_serial"],
        ),
    ],
    &[
        Step::Table(TOKENS),
        Step::Unique("idx_enrollment_tokens_secret", TOKENS, &["org_id", "secret_sha256"]),
        Step::IndexOfSome("idx_enrollment_tokens_made_by", TOKENS, &["org_id", "made_by_token_id", "id"]),
        Step::Column(REQUESTS, "enrollment_token_id"),
    ],
    &[
        Step::Table(CURRENT),
        Step::Index("idx_current_certificates_not_after", CURRENT, &["org_id", "not_after", "request_id"]),
        Step::Table(API_TOKENS),
        Step::IndexOfSome("idx_api_tokens_made_by", API_TOKENS, &["org_id", "made_by_token_id", "id"]),
        Step::IndexOfSome(
            "idx_device_certificates_revoked_at",
            CERTIFICATES,
            &["org_id", "revoked_at", "request_id"],
        ),
    ],
    &[
        Step::Partial(Partial {
            index: "idx_cert_renewal_events_created_at",
            on: &[DbBackend::Sqlite, DbBackend::Postgres],
            columns: &["org_id", "reason", "event_type", "id"],
            before: "CREATE INDEX idx_cert_renewal_events_created_at \
                     ON certificate_renewal_events (org_id, reason, event_type, id)",
        }),
        Step::Partial(Partial {
            index: "idx_cert_renewal_events_org_id",
            on: &[DbBackend::Postgres],
            columns: &["org_id", "attempt_id"],
            before: "CREATE UNIQUE INDEX idx_cert_renewal_events_org_id \
                     ON certificate_renewal_events (org_id, attempt_id, stage)",
        }),
        Step::Rule(EVENTS, "cert_renewal_events_stage"),
    ],
    &[
        Step::Table(ACTIONS),
        Step::IndexOfSome("idx_actions_device_id", ACTIONS, &["org_id", "device_id", "id"]),
        Step::Index("idx_actions_target", ACTIONS, &["org_id", "target_kind", "target_id", "id"]),
        Step::Index("idx_actions_kind", ACTIONS, &["org_id", "kind", "id"]),
        Step::Table(BLOCKS),
        Step::Index("idx_blocks_action_id", BLOCKS, &["org_id", "action_id"]),
        Step::Table(REVOCATIONS),
        Step::Unique(
            "idx_certificate_revocations_certificate",
            REVOCATIONS,
            &["issuer_key_sha256", "serial", "org_id"],
        ),
    ],
];

const EVENTS: &str = "certificate_renewal_events";
const CERTIFICATES: &str = "device_certificates";
const REQUESTS: &str = "open_requests";
const TOKENS: &str = "enrollment_tokens";
const CURRENT: &str = "current_certificates";
const API_TOKENS: &str = "api_tokens";
const ACTIONS: &str = "actions";
const BLOCKS: &str = "blocks";
const REVOCATIONS: &str = "certificate_revocations";

/// The names of the migrations, last one first: in this order they are undone.
pub(crate) fn last_first(migrations: &[&'static str]) -> Vec<&'static str> {
    migrations.iter().rev().copied().collect()
}

/// The tables of the ledger after the first so many migrations, sorted, and without their record.
pub(crate) fn tables_of(migrations: usize) -> Vec<&'static str> {
    let steps = STEPS[..migrations].iter().copied().flatten();
    let mut tables: Vec<_> =
        steps.filter_map(|step| if let Step::Table(name) = step { Some(*name) } else { None }).collect();
    tables.sort_unstable();
    tables
}

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

/// The names of the columns of a table, in order.
pub(crate) async fn columns(db: &DatabaseConnection, table: &str) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"),
        DbBackend::MySql => format!(
            "SELECT column_name FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = '{table}' ORDER BY ordinal_position"
        ),
        _ => format!(
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
        ),
    };
    column(db, &sql).await
}

/// The names of all indexes besides primary keys.
async fn indexes(db: &DatabaseConnection) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        }
        DbBackend::MySql => {
            "SELECT DISTINCT index_name FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY' ORDER BY 1"
        }
        _ => {
            "SELECT indexname::text FROM pg_indexes \
             WHERE schemaname = current_schema() AND indexname NOT LIKE '%_pkey' ORDER BY 1"
        }
    };
    column(db, sql).await
}

/// The columns of an index, in order; none when it does not exist.
async fn index_columns(db: &DatabaseConnection, index: &str) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => format!("SELECT name FROM pragma_index_info('{index}') ORDER BY seqno"),
        DbBackend::MySql => format!(
            "SELECT column_name FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND index_name = '{index}' ORDER BY seq_in_index"
        ),
        _ => format!(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = '{index}'::regclass ORDER BY attnum"
        ),
    };
    column(db, &sql).await
}

/// Whether an index is unique.
async fn is_unique(db: &DatabaseConnection, table: &str, index: &str) -> bool {
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

/// Whether an index holds some of the rows only.
async fn is_partial(db: &DatabaseConnection, index: &str) -> bool {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            format!("SELECT sql LIKE '% WHERE %' FROM sqlite_master WHERE name = '{index}'")
        }
        DbBackend::MySql => return false,
        _ => format!(
            "SELECT (indpred IS NOT NULL)::int::bigint FROM pg_index WHERE indexrelid = '{index}'::regclass"
        ),
    };
    column::<i64>(db, &sql).await == [1]
}

/// What an index shall be.
#[derive(Clone, Copy)]
struct IndexOf {
    table: &'static str,
    columns: &'static [&'static str],
    unique: bool,
    partial: bool,
}

/// Asserts that the schema is what all migrations make of it, and nothing else.
pub(crate) async fn assert_whole(db: &DatabaseConnection) {
    assert_migrated(db, MIGRATIONS.len()).await;
}

/// Asserts that the schema is what the first so many migrations make of it, and nothing else.
pub(crate) async fn assert_migrated(db: &DatabaseConnection, migrations: usize) {
    let mut expected = tables_of(migrations);
    expected.push("seaql_migrations");
    expected.sort_unstable();
    assert_eq!(tables(db).await, expected);

    let (mut expected, mut rules) = (BTreeMap::new(), Vec::new());
    for step in STEPS[..migrations].iter().copied().flatten() {
        match *step {
            Step::Index(index, table, columns)
            | Step::Unique(index, table, columns)
            | Step::IndexOfSome(index, table, columns) => {
                let unique = matches!(step, Step::Unique(..));
                let of_some = matches!(step, Step::IndexOfSome(..));
                let partial = of_some && db.get_database_backend() != DbBackend::MySql;
                expected.insert(index, IndexOf { table, columns, unique, partial });
            }
            Step::Column(table, name) => assert!(has(db, table, name).await, "{table}.{name}"),
            Step::Partial(partial) if partial.is_on(db) => {
                let index = expected.get_mut(partial.index).expect("it is there already");
                *index = IndexOf { columns: partial.columns, partial: true, ..*index };
            }
            Step::Rule(_, name) if db.get_database_backend() == DbBackend::Postgres => rules.push(name),
            Step::Table(_) | Step::Partial(_) | Step::Rule(..) => (),
        }
    }
    // Each database has an order of its own.
    let mut found = indexes(db).await;
    found.sort();
    assert_eq!(found, expected.keys().copied().collect::<Vec<_>>());
    for (index, expected) in expected {
        assert_eq!(index_columns(db, index).await, expected.columns, "{index}");
        assert_eq!(is_unique(db, expected.table, index).await, expected.unique, "{index}");
        assert_eq!(is_partial(db, index).await, expected.partial, "{index}");
    }
    if db.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT conname::text FROM pg_constraint WHERE contype = 'c' \
                   AND connamespace = current_schema()::regnamespace ORDER BY 1";
        assert_eq!(column::<String>(db, sql).await, rules);
    }
    for step in STEPS[migrations..].iter().copied().flatten() {
        if let Step::Column(table, name) = *step {
            assert!(!has(db, table, name).await, "{table}.{name}");
        }
    }
}

async fn has(db: &DatabaseConnection, table: &str, name: &str) -> bool {
    columns(db, table).await.iter().any(|column| column == name)
}

/// Takes a step back, by hand.
pub(crate) async fn take_back(db: &DatabaseConnection, step: Step) {
    let sql = match step {
        Step::Table(table) => format!("DROP TABLE {table}"),
        Step::Index(index, table, _) | Step::Unique(index, table, _) | Step::IndexOfSome(index, table, _) => {
            match db.get_database_backend() {
                DbBackend::MySql => format!("DROP INDEX {index} ON {table}"),
                _ => format!("DROP INDEX {index}"),
            }
        }
        Step::Column(table, name) => format!("ALTER TABLE {table} DROP COLUMN {name}"),
        Step::Partial(partial) if partial.is_on(db) => {
            // Over one connection: another one of SQLite may still remember the index.
            format!("DROP INDEX {}; {}", partial.index, partial.before)
        }
        Step::Rule(table, name) if db.get_database_backend() == DbBackend::Postgres => {
            format!("ALTER TABLE {table} DROP CONSTRAINT {name}")
        }
        Step::Partial(_) | Step::Rule(..) => return,
    };
    execute(db, &sql).await;
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
