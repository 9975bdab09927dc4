//! The migrations as a library: apply, undo, run again, at once, cut short.

use crate::schema::{
    MIGRATIONS, STEPS, assert_migrated, assert_whole, column, execute, last_first, tables, tables_of,
    take_back,
};
use futures::future::join_all;
use libtest_mimic::Trial;
use migration::MigrationState;
use sea_orm::DatabaseConnection;
use std::sync::Arc;
use std::time::Duration;
use tests::{Backend, Backends, Context, TestDatabase};

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
    assert_eq!(migration::apply(&db).await.unwrap(), MIGRATIONS);
    assert_whole(&db).await;
    let before = tables(&db).await;

    assert_eq!(migration::apply(&db).await.unwrap(), [""; 0]);
    assert_eq!(tables(&db).await, before);
    assert_whole(&db).await;
}

async fn eight_at_once_on_one_empty_database_all_end_well(cx: Context) {
    let database = cx.empty_database().await;
    let migrators = join_all((0..8).map(async |_| database.connect().await)).await;
    let all = migrators.into_iter().map(|db| tokio::spawn(async move { migration::apply(&db).await }));
    let applied: Vec<String> =
        join_all(all).await.into_iter().flat_map(|one| one.unwrap().unwrap()).collect();
    assert_eq!(applied, MIGRATIONS, "one of the eight applies, the others find it done");
    assert_whole(&database.connect().await).await;
}

async fn undoing_leaves_only_the_record_of_migrations(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    for (left, last) in MIGRATIONS.into_iter().enumerate().rev() {
        assert_eq!(migration::roll_back(&db, Some(1)).await.unwrap(), [last]);
        assert_migrated(&db, left).await;
        assert_eq!(migration::pending(&db).await.unwrap(), MIGRATIONS[left..]);
    }
    assert_eq!(tables(&db).await, ["seaql_migrations"]);
    assert_eq!(migration::roll_back(&db, None).await.unwrap(), [""; 0]);
}

async fn what_was_undone_can_be_applied_again(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    assert_eq!(migration::roll_back(&db, None).await.unwrap(), last_first(&MIGRATIONS));
    assert_eq!(migration::apply_steps(&db, Some(0)).await.unwrap(), [""; 0]);
    for (before, next) in MIGRATIONS.into_iter().enumerate() {
        assert_eq!(migration::apply_steps(&db, Some(1)).await.unwrap(), [next]);
        assert_migrated(&db, before + 1).await;
    }
    assert_whole(&db).await;
}

async fn a_reset_leaves_nothing(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    assert_eq!(migration::reset(&db).await.unwrap(), last_first(&MIGRATIONS));
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
    let mut expected = tables_of(MIGRATIONS.len());
    expected.extend(["parent", "child", "seaql_migrations"]);
    expected.sort_unstable();
    assert_eq!(rebuilt.removed, expected);
    assert_eq!(rebuilt.applied, MIGRATIONS);
    assert_whole(&db).await;
}

async fn a_refresh_empties_the_ledger(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    crate::tables::insert_request(&db, 1).await;
    let rebuilt = migration::refresh(&db).await.unwrap();
    assert_eq!(rebuilt.removed, last_first(&MIGRATIONS));
    assert_eq!(rebuilt.applied, MIGRATIONS);
    let left: Vec<i64> = column(&db, "SELECT count(*) FROM open_requests").await;
    assert_eq!(left, [0]);
    assert_whole(&db).await;
}

/// A database in a state in which a migration can be cut short: those before it are recorded, it
/// is not, and of what it does only the first so many steps are there.
async fn cut_short(cx: &Context, migration: usize, steps: usize) -> (TestDatabase, DatabaseConnection) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    for later in (migration..MIGRATIONS.len()).rev() {
        execute(&db, &format!("DELETE FROM seaql_migrations WHERE version = '{}'", MIGRATIONS[later])).await;
        let kept = if later == migration { steps } else { 0 };
        for step in STEPS[later][kept..].iter().rev() {
            take_back(&db, *step).await;
        }
    }
    (database, db)
}

/// The number of each migration with each number of steps that can be there when it is cut short.
fn cuts() -> impl Iterator<Item = (usize, usize)> {
    let cuts = |(migration, steps): (usize, &&[_])| (0..=steps.len()).map(move |done| (migration, done));
    STEPS.iter().enumerate().flat_map(cuts)
}

async fn a_migration_that_was_cut_short_can_be_run_again(cx: Context) {
    for (migration, steps) in cuts() {
        let (_database, db) = cut_short(&cx, migration, steps).await;
        let applied = migration::apply(&db).await.unwrap();
        assert_eq!(applied, MIGRATIONS[migration..], "after {steps} steps");
        assert_whole(&db).await;
    }
}

async fn a_migration_that_was_cut_short_can_be_undone(cx: Context) {
    for (migration, steps) in cuts() {
        let before = last_first(&MIGRATIONS[..migration]);
        let with_it = last_first(&MIGRATIONS[..=migration]);

        // Not recorded: there is nothing to undo of it until it has been run again.
        let (_database, db) = cut_short(&cx, migration, steps).await;
        let undone = migration::roll_back(&db, None).await.unwrap();
        assert_eq!(undone, before, "{migration} after {steps} steps");
        assert_eq!(migration::apply(&db).await.unwrap(), MIGRATIONS);
        assert_whole(&db).await;
        assert_eq!(migration::roll_back(&db, None).await.unwrap(), last_first(&MIGRATIONS));
        assert_eq!(tables(&db).await, ["seaql_migrations"]);

        // Recorded, and the undoing itself was cut short.
        for number in [Some(1), None] {
            let (_database, db) = cut_short(&cx, migration, steps).await;
            let record = format!("INSERT INTO seaql_migrations VALUES ('{}', 0)", MIGRATIONS[migration]);
            execute(&db, &record).await;
            let undone = migration::roll_back(&db, number).await.unwrap();
            let (expected, left) =
                if number.is_some() { (&with_it[..1], migration) } else { (&with_it[..], 0) };
            assert_eq!(undone, expected, "{migration} after {steps} steps");
            assert_migrated(&db, left).await;
        }
    }
}

async fn a_cancelled_migration_lets_the_next_one_in(cx: Context) {
    for step in 0..16 {
        let database = cx.empty_database().await;
        let db = database.connect().await;
        let delay = Duration::from_micros(1_700 * step);
        let cancelled = tokio::time::timeout(delay, migration::apply(&db)).await;
        let again = tokio::time::timeout(Duration::from_secs(30), migration::apply(&db)).await;
        let again = again.unwrap_or_else(|_| panic!("the lock is not free after {delay:?}"));
        let applied = [cancelled.unwrap_or(Ok(Vec::new())).unwrap(), again.unwrap()].concat();
        assert!(applied.is_empty() || applied == MIGRATIONS, "after {delay:?}: {applied:?}");
        assert_whole(&db).await;
    }
}

async fn a_failed_migration_lets_the_next_one_in(cx: Context) {
    // The name of a table of each migration that makes some.
    let names = [(0, "open_requests"), (1, "enrollment_tokens"), (2, "current_certificates"), (4, "blocks")];
    for (migration, taken) in names {
        let database = cx.empty_database().await;
        let db = database.connect().await;
        // It is taken, by a view.
        execute(&db, &format!("CREATE VIEW {taken} AS SELECT 1 AS one")).await;
        migration::apply(&db).await.unwrap_err();
        // MariaDB cannot take back what went well before.
        let done = if cx.backend() == Backend::MariaDb { migration } else { 0 };
        assert_eq!(migration::pending(&db).await.unwrap(), MIGRATIONS[done..]);

        execute(&db, &format!("DROP VIEW {taken}")).await;
        let again = tokio::time::timeout(Duration::from_secs(30), migration::apply(&db));
        assert_eq!(again.await.expect("the lock is free").unwrap(), MIGRATIONS[done..]);
        assert_whole(&db).await;
    }
}

async fn a_database_of_a_newer_version_is_refused(cx: Context) {
    let database = cx.fresh_database().await;
    let db = database.connect().await;
    execute(&db, "INSERT INTO seaql_migrations VALUES ('m29990101_000001_from_the_future', 0)").await;

    let states: Vec<_> = migration::status(&db).await.unwrap().into_iter().map(|one| one.state).collect();
    let (newest, known) = states.split_last().unwrap();
    assert_eq!(known, [MigrationState::Applied; MIGRATIONS.len()]);
    assert_eq!(*newest, MigrationState::Unknown);
    for refused in [migration::apply(&db).await, migration::roll_back(&db, None).await] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("m29990101_000001_from_the_future"), "{error}");
        assert!(error.contains("use that version"), "{error}");
    }
    assert_whole(&db).await;
}

async fn asking_what_is_pending_changes_nothing(cx: Context) {
    let database = cx.empty_database().await;
    let db = database.connect().await;
    assert_eq!(migration::pending(&db).await.unwrap(), MIGRATIONS);
    let states: Vec<_> = migration::status(&db).await.unwrap().into_iter().map(|one| one.state).collect();
    assert_eq!(states, [MigrationState::Pending; MIGRATIONS.len()]);
    assert_eq!(tables(&db).await, [""; 0]);
}
