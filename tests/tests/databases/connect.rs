//! Opening a database: what is wrong is told apart, each in a sentence that says what to do.

use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{AttemptKind, RenewalEventStore};
use renewal_store_seaorm::{ConnectError, ConnectOptions, connect};
use sea_orm::ConnectionTrait;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::{Backend, Backends, Context, ServerOptions};

/// A password that must never be shown.
const SECRET: &str = "hunter2";

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            a_database_without_tables_is_refused_until_they_are_made,
            a_database_of_a_newer_program_is_refused,
            the_debug_output_of_a_store_has_no_password,
        ]
    );
    trials.extend(tests::trials!(
        backends,
        Backend::SERVERS,
        [
            a_server_that_is_not_there_cannot_be_reached,
            a_server_that_does_not_answer_cannot_be_reached,
            a_wrong_user_or_password_is_told_apart,
            a_database_that_does_not_exist_is_told_apart,
            a_database_that_the_user_may_not_use_is_told_apart,
            a_server_without_tls_is_refused_when_tls_is_asked_for,
        ]
    ));
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_file_that_cannot_be_used_is_told_apart,
            a_file_that_another_process_holds_is_busy,
            a_database_in_memory_lives_as_long_as_its_store,
        ]
    ));
    trials
}

/// Short limits, so that a test need not wait.
fn impatient() -> ConnectOptions {
    ConnectOptions::new()
        .acquire_timeout(Duration::from_millis(300))
        .statement_timeout(Duration::from_millis(300))
}

async fn refused(url: &str) -> ConnectError {
    let error = connect(url, impatient()).await.expect_err("it cannot be opened");
    for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains(SECRET) && !text.contains(password(url)), "{text}");
    }
    error
}

/// The password in a URL, or something that no text contains.
fn password(url: &str) -> &str {
    let user = url.split("://").nth(1).and_then(|rest| rest.rsplit_once('@')).map_or("", |(user, _)| user);
    user.split_once(':').map_or("\u{0}", |(_, password)| password)
}

/// The URL with another user and password.
fn with_user(url: &str, user: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, place) = rest.rsplit_once('@').unwrap();
    format!("{scheme}://{user}@{place}")
}

/// The URL with the end of its database's name replaced.
fn with_database(url: &str, database: &str) -> String {
    format!("{}/{database}", url.rsplit_once('/').unwrap().0)
}

async fn a_database_without_tables_is_refused_until_they_are_made(context: Context) {
    let database = context.empty_database().await;
    // SQLite makes the file; an empty one is a database without tables.
    drop(database.connect().await);
    let error = refused(database.url()).await;
    assert!(matches!(error, ConnectError::SchemaMissing { .. }), "{error:?}");
    assert!(error.to_string().ends_with("has no tables yet: create them with `cargo run -p migration`"));

    for _ in 0..2 {
        let store = connect(database.url(), ConnectOptions::new().migrate(true)).await.unwrap();
        store.close().await.unwrap();
    }
    connect(database.url(), ConnectOptions::new()).await.unwrap().close().await.unwrap();
}

async fn a_database_of_a_newer_program_is_refused(context: Context) {
    let database = context.fresh_database().await;
    let db = database.connect().await;
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_later', 0)";
    db.execute_unprepared(newer).await.unwrap();
    db.close().await.unwrap();
    for migrate in [false, true] {
        let error = connect(database.url(), ConnectOptions::new().migrate(migrate)).await.unwrap_err();
        assert!(matches!(error, ConnectError::SchemaNew { .. }), "{error:?}");
        assert!(error.to_string().contains("does not know m29990101_000001_later"), "{error}");
    }
}

async fn the_debug_output_of_a_store_has_no_password(context: Context) {
    let database = context.fresh_database().await;
    let store = connect(database.url(), ConnectOptions::new()).await.unwrap();
    let text = format!("{store:?} {store:#?}");
    assert!(text.contains("SeaOrmStore") && !text.contains(password(database.url())), "{text}");
    store.close().await.unwrap();
}

async fn a_server_that_is_not_there_cannot_be_reached(context: Context) {
    // The system gives this port to nobody.
    let url = match context.backend() {
        Backend::MariaDb => "mysql://renewal:hunter2@127.0.0.1:1/ledger",
        Backend::Postgres | Backend::Sqlite => "postgres://renewal:hunter2@127.0.0.1:1/ledger",
    };
    let begun = Instant::now();
    let error = refused(url).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(
        error.to_string().contains("\"ledger\" at 127.0.0.1:1 cannot be reached (nothing listens there)")
    );
    assert!(begun.elapsed() < Duration::from_secs(1), "it is said at once");
}

async fn a_server_that_does_not_answer_cannot_be_reached(context: Context) {
    let server = Backends::private_server(context.backend(), ServerOptions::default());
    let database = server.fresh_database().await;
    server.freeze();
    let error = refused(database.url()).await;
    server.thaw();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("no answer within 1 seconds"), "{error}");
}

async fn a_wrong_user_or_password_is_told_apart(context: Context) {
    let database = context.fresh_database().await;
    let owner = database.url().split("://").nth(1).unwrap().split(':').next().unwrap();
    for user in [format!("{owner}:{SECRET}"), format!("nobody:{SECRET}")] {
        let error = refused(&with_user(database.url(), &user)).await;
        assert!(matches!(error, ConnectError::Credentials { .. }), "{error:?}");
        assert!(error.to_string().ends_with("refuses the user or the password: correct them in the URL"));
    }
}

async fn a_database_that_does_not_exist_is_told_apart(context: Context) {
    let database = context.fresh_database().await;
    let error = refused(&with_database(database.url(), "no_such_database")).await;
    assert!(matches!(error, ConnectError::NoDatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("\"no_such_database\" at "), "{error}");
    assert!(error.to_string().contains("`cargo run -p migration`"), "{error}");
}

async fn a_database_that_the_user_may_not_use_is_told_apart(context: Context) {
    let database = context.fresh_database().await;
    let name = database.url().rsplit_once('/').unwrap().1;
    let user = format!("guest_{}", &name[name.len() - 8..]);
    let (set_up, take_down) = match context.backend() {
        Backend::MariaDb => (
            vec![format!("CREATE USER {user}@'%' IDENTIFIED BY '{SECRET}'")],
            vec![format!("DROP USER {user}@'%'")],
        ),
        Backend::Postgres | Backend::Sqlite => (
            vec![
                format!("CREATE ROLE {user} LOGIN PASSWORD '{SECRET}'"),
                format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"),
            ],
            vec![format!("DROP ROLE {user}")],
        ),
    };
    let db = database.connect().await;
    for statement in set_up {
        db.execute_unprepared(&statement).await.unwrap();
    }
    let error = refused(&with_user(database.url(), &format!("{user}:{SECRET}"))).await;
    for statement in take_down {
        db.execute_unprepared(&statement).await.unwrap();
    }
    db.close().await.unwrap();
    assert!(matches!(error, ConnectError::Forbidden { .. }), "{error:?}");
    assert!(error.to_string().contains("may not be used by this user"), "{error}");
}

async fn a_server_without_tls_is_refused_when_tls_is_asked_for(context: Context) {
    let database = context.fresh_database().await;
    let mode = match context.backend() {
        Backend::MariaDb => "ssl-mode=REQUIRED",
        Backend::Postgres | Backend::Sqlite => "sslmode=require",
    };
    let error = refused(&format!("{}?{mode}", database.url())).await;
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
}

async fn a_file_that_cannot_be_used_is_told_apart(context: Context) {
    let database = context.fresh_database().await;
    let directory = database.directory().unwrap().display().to_string();

    let error = refused(&format!("sqlite://{directory}/none.db")).await;
    assert!(matches!(error, ConnectError::NoFile(_)), "{error:?}");
    assert!(error.to_string().contains("none.db does not exist: create it with `cargo run -p migration`"));

    let error = refused(&format!("sqlite://{directory}/none/ledger.db")).await;
    assert!(matches!(error, ConnectError::NoDirectory(_)), "{error:?}");

    let error = refused(&format!("sqlite://{directory}")).await;
    assert!(matches!(error, ConnectError::Unusable { .. }), "{error:?}");

    std::fs::write(format!("{directory}/text.db"), "this is a text, and no database\n".repeat(100)).unwrap();
    let error = refused(&format!("sqlite://{directory}/text.db")).await;
    assert!(matches!(error, ConnectError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().contains("not a database"), "{error}");

    // An account that may write any file cannot be kept from it by its permissions.
    let error = refused(&format!("sqlite://{directory}/ledger.db?mode=ro")).await;
    assert!(matches!(error, ConnectError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().contains("readonly"), "{error}");
}

async fn a_file_that_another_process_holds_is_busy(context: Context) {
    let database = context.fresh_database().await;
    let db = database.connect().await;
    let transaction = sea_orm::TransactionTrait::begin(&db).await.unwrap();
    transaction.execute_unprepared("DELETE FROM open_requests").await.unwrap();
    let error = refused(database.url()).await;
    assert!(matches!(error, ConnectError::Busy { .. }), "{error:?}");
    assert!(error.to_string().ends_with("try again in a moment"), "{error}");
    transaction.rollback().await.unwrap();
    connect(database.url(), impatient()).await.unwrap().close().await.unwrap();
}

async fn a_database_in_memory_lives_as_long_as_its_store(_context: Context) {
    let error = connect("sqlite::memory:", ConnectOptions::new()).await.unwrap_err();
    assert!(matches!(error, ConnectError::SchemaMissing { .. }), "{error:?}");

    let options = ConnectOptions::new().migrate(true).max_connections(8);
    let store = connect("sqlite::memory:", options).await.unwrap();
    let samples = Samples::of(1);
    let starts: Vec<_> = (0..16).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    let writes = starts.iter().map(|start| store.create(samples.org, start));
    futures::future::try_join_all(writes).await.unwrap();
    for start in &starts {
        assert_eq!(store.get(samples.org, start.id()).await.unwrap().as_ref(), Some(start));
    }
    let other = connect("sqlite::memory:", options).await.unwrap();
    assert_eq!(other.get(samples.org, starts[0].id()).await.unwrap(), None, "each is a database of its own");
}
