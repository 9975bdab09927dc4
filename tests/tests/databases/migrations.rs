//! The migrations as a library: apply, undo, run again, at once, cut short.

use crate::schema::{FIRST, INDEXES, TABLES, assert_indexes, drop_index, execute, tables};
use futures::future::join_all;
use libtest_mimic::Trial;
use migration::MigrationState;
use sea_orm::DatabaseConnection;
use std::sync::Arc;
use std::time::Duration;
use tests::{Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            a_second_run_changes_nothing,
            eight_at_once_on_one_empty_database_all_end_well,
            undoing_leaves_only_the_record_of_migrations,
            what_was_undone_can_be_applied_again,
            a_reset_leaves_nothing,
            a_fresh_start_drops_whatever_is_there,
            a_refresh_empties_the_ledger,
            a_migration_that_was_cut_short_can_be_run_again,
            a_migration_that_was_cut_short_can_be_undone,
            a_cancelled_migration_lets_the_next_one_in,
            a_failed_migration_lets_the_next_one_in,
            a_database_of_a_newer_version_is_refused,
            asking_what_is_pending_changes_nothing,
        ]
    )
}

async fn a_second_run_changes_nothing(cx: Context) {
    let database = cx.empty_database().await;
    let db = database.connect().await;
    assert_eq!(migration::apply(&db).await.unwrap(), [FIRST]);
    assert_indexes(&db).await;
    let before = tables(&db).await;

    assert_eq!(migration::apply(&db).await.unwrap(), [""; 0]);
    assert_eq!(tables(&db).await, before);
    assert_indexes(&db).await;
}

async fn eight_at_once_on_one_empty_database_all_end_well(cx: Context) {
    let database = cx.empty_database().await;
    let migrators = join_all((0..8).map(async |_| database.connect().await)).await;
    let all = migrators.into_iter().map(|db| tokio::spawn(async move { migration::apply(&db).await }));
    let applied: Vec<String> =
        join_all(all).await.into_iter().flat_map(|one| one.unwrap().unwrap()).collect();
    assert_eq!(applied, [FIRST], "one of the eight applies, the others find it done");
    assert_indexes(&database.connect().await).await;
}

async fn undoing_leaves_only_the_record_of_migrations(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    assert_eq!(migration::roll_back(&db, Some(1)).await.unwrap(), [FIRST]);
    assert_eq!(tables(&db).await, ["seaql_migrations"]);
    assert_eq!(migration::pending(&db).await.unwrap(), [FIRST]);
    assert_eq!(migration::roll_back(&db, None).await.unwrap(), [""; 0]);
}

async fn what_was_undone_can_be_applied_again(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    migration::roll_back(&db, None).await.unwrap();
    assert_eq!(migration::apply_steps(&db, Some(0)).await.unwrap(), [""; 0]);
    assert_eq!(migration::apply_steps(&db, Some(1)).await.unwrap(), [FIRST]);
    assert_indexes(&db).await;
}

async fn a_reset_leaves_nothing(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    assert_eq!(migration::reset(&db).await.unwrap(), [FIRST]);
    assert_eq!(tables(&db).await, [""; 0]);
}

async fn a_fresh_start_drops_whatever_is_there(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    execute(&db, "CREATE TABLE parent (id int PRIMARY KEY)").await;
    execute(&db, "CREATE TABLE child (id int, parent int, FOREIGN KEY (parent) REFERENCES parent (id))")
        .await;
    execute(&db, "INSERT INTO parent VALUES (1)").await;
    execute(&db, "INSERT INTO child VALUES (1, 1)").await;

    let rebuilt = migration::fresh(&db).await.unwrap();
    let mut expected: Vec<&str> = TABLES.into_iter().chain(["parent", "child", "seaql_migrations"]).collect();
    expected.sort_unstable();
    assert_eq!(rebuilt.removed, expected);
    assert_eq!(rebuilt.applied, [FIRST]);
    assert_eq!(tables(&db).await, [TABLES[0], TABLES[1], TABLES[2], "seaql_migrations"]);
    assert_indexes(&db).await;
}

async fn a_refresh_empties_the_ledger(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    crate::tables::insert_request(&db, 1).await;
    let rebuilt = migration::refresh(&db).await.unwrap();
    assert_eq!(rebuilt.removed, [FIRST]);
    assert_eq!(rebuilt.applied, [FIRST]);
    let left: Vec<i64> = crate::schema::column(&db, "SELECT count(*) FROM open_requests").await;
    assert_eq!(left, [0]);
}

/// A database in every state in which a migration can be cut short: nothing recorded, and of what
/// it creates only the first so many.
async fn cut_short(cx: &Context, steps: usize) -> (tests::TestDatabase, DatabaseConnection) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    execute(&db, "DELETE FROM seaql_migrations").await;
    let mut done = 0;
    for table in TABLES {
        let kept = done < steps;
        done += 1;
        for (index, of, ..) in INDEXES {
            if of == table {
                if kept && done >= steps {
                    drop_index(&db, table, index).await;
                }
                done += 1;
            }
        }
        if !kept {
            execute(&db, &format!("DROP TABLE {table}")).await;
        }
    }
    (database, db)
}

async fn a_migration_that_was_cut_short_can_be_run_again(cx: Context) {
    for steps in 0..=TABLES.len() + INDEXES.len() {
        let (_database, db) = cut_short(&cx, steps).await;
        assert_eq!(migration::apply(&db).await.unwrap(), [FIRST], "after {steps} steps");
        assert_indexes(&db).await;
    }
}

async fn a_migration_that_was_cut_short_can_be_undone(cx: Context) {
    for steps in [0, 1, 3, 7, 10] {
        // Not recorded: there is nothing to undo until it has been run again.
        let (_database, db) = cut_short(&cx, steps).await;
        assert_eq!(migration::roll_back(&db, None).await.unwrap(), [""; 0], "after {steps} steps");
        migration::apply(&db).await.unwrap();
        assert_eq!(migration::roll_back(&db, None).await.unwrap(), [FIRST]);
        assert_eq!(tables(&db).await, ["seaql_migrations"]);

        // Recorded, and the undoing itself was cut short.
        let (_database, db) = cut_short(&cx, steps).await;
        execute(&db, &format!("INSERT INTO seaql_migrations VALUES ('{FIRST}', 0)")).await;
        assert_eq!(migration::roll_back(&db, None).await.unwrap(), [FIRST], "after {steps} steps");
        assert_eq!(tables(&db).await, ["seaql_migrations"]);
    }
}

async fn a_cancelled_migration_lets_the_next_one_in(cx: Context) {
    for step in 0..12 {
        let database = cx.empty_database().await;
        let db = database.connect().await;
        let delay = Duration::from_micros(1_700 * step);
        let cancelled = tokio::time::timeout(delay, migration::apply(&db)).await;
        let again = tokio::time::timeout(Duration::from_secs(30), migration::apply(&db)).await;
        let again = again.unwrap_or_else(|_| panic!("the lock is not free after {delay:?}"));
        let applied = [cancelled.unwrap_or(Ok(Vec::new())).unwrap(), again.unwrap()].concat();
        assert!(applied.is_empty() || applied == [FIRST], "after {delay:?}: {applied:?}");
        assert_indexes(&db).await;
    }
}

async fn a_failed_migration_lets_the_next_one_in(cx: Context) {
    let database = cx.empty_database().await;
    let db = database.connect().await;
    // The name of a table is taken, by a view.
    execute(&db, "CREATE VIEW open_requests AS SELECT 1 AS one").await;
    migration::apply(&db).await.unwrap_err();
    assert_eq!(migration::pending(&db).await.unwrap(), [FIRST]);

    execute(&db, "DROP VIEW open_requests").await;
    let again = tokio::time::timeout(Duration::from_secs(30), migration::apply(&db));
    assert_eq!(again.await.expect("the lock is free").unwrap(), [FIRST]);
    assert_indexes(&db).await;
}

async fn a_database_of_a_newer_version_is_refused(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    execute(&db, "INSERT INTO seaql_migrations VALUES ('m29990101_000001_from_the_future', 0)").await;

    let states: Vec<_> = migration::status(&db).await.unwrap().into_iter().map(|one| one.state).collect();
    assert_eq!(states, [MigrationState::Applied, MigrationState::Unknown]);
    for refused in [migration::apply(&db).await, migration::roll_back(&db, None).await] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("m29990101_000001_from_the_future"), "{error}");
        assert!(error.contains("use that version"), "{error}");
    }
    assert_indexes(&db).await;
}

async fn asking_what_is_pending_changes_nothing(cx: Context) {
    let database = cx.empty_database().await;
    let db = database.connect().await;
    assert_eq!(migration::pending(&db).await.unwrap(), [FIRST]);
    assert_eq!(migration::status(&db).await.unwrap()[0].state, MigrationState::Pending);
    assert_eq!(tables(&db).await, [""; 0]);
}
