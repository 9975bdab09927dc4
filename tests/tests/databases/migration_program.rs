//! The `migration` program, as a user runs it.

use crate::schema::{FIRST, assert_indexes, column, execute, tables};
use libtest_mimic::Trial;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tests::{Backend, Backends, Context, TestDatabase};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [without_a_command_everything_is_applied, every_command_says_what_it_did, four_at_once_all_end_well]
    );
    trials.extend(tests::trials!(
        backends,
        Backend::SERVERS,
        [
            a_server_that_is_not_there_is_named,
            a_wrong_password_is_reported_and_not_shown,
            a_database_that_does_not_exist_is_named,
        ]
    ));
    trials.extend(tests::trials!(
        backends,
        [Backend::Postgres],
        [the_tables_go_into_the_schema_that_is_named]
    ));
    trials.extend(tests::trials!(backends, [Backend::MariaDb], [a_url_without_a_database_is_refused]));
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_url_must_be_given,
            a_malformed_url_is_refused_and_its_password_not_shown,
            a_sqlite_file_is_created_where_it_can_be,
            what_is_no_database_stays_as_it_is,
            wrong_usage_is_a_failure,
        ]
    ));
    trials
}

/// The program, with nothing of the environment that it would listen to.
fn program() -> Command {
    let mut program = Command::new(tests::binary("migration"));
    program.env_remove("DATABASE_URL").env_remove("DATABASE_SCHEMA");
    program
}

fn run(url: &str, arguments: &[&str]) -> Output {
    program().args(["-u", url]).args(arguments).output().unwrap()
}

/// What the program prints when it succeeds.
fn printed(url: &str, arguments: &[&str]) -> Vec<String> {
    let output = run(url, arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

/// The one sentence that it prints when it fails.
fn complaint(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = errors.lines().collect();
    let [line] = lines[..] else { panic!("more than a line: {errors}") };
    line.strip_prefix("error: ").unwrap().to_owned()
}

fn place(database: &TestDatabase) -> String {
    let kind = match database.backend() {
        Backend::Sqlite => return format!("SQLite file {}", database.file().unwrap().display()),
        Backend::Postgres => "PostgreSQL",
        Backend::MariaDb => "MySQL",
    };
    let (_, address) = database.url().rsplit_once('@').unwrap();
    let (host, name) = address.split_once('/').unwrap();
    format!("{kind} database \"{name}\" at {host}")
}

async fn without_a_command_everything_is_applied(cx: Context) {
    let database = cx.empty_database().await;
    let output = program().env("DATABASE_URL", database.url()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_indexes(&database.connect().await).await;
    let output = program().env("DATABASE_URL", database.url()).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("nothing to apply: {} is up to date\n", place(&database))
    );
}

async fn every_command_says_what_it_did(cx: Context) {
    let database = cx.empty_database().await;
    let (url, on) = (database.url(), place(&database));
    let applied = [format!("applied  {FIRST}"), format!("1 migration applied to {on}")];
    let undone = [format!("undone   {FIRST}"), format!("1 migration undone on {on}")];
    let both = [undone.clone(), applied.clone()].concat();

    assert_eq!(printed(url, &["up", "-n", "1"]), applied);
    assert_eq!(printed(url, &["up"]), [format!("nothing to apply: {on} is up to date")]);
    assert_eq!(
        printed(url, &["status"]),
        [format!("applied  {FIRST}"), format!("1 applied, 0 pending on {on}")]
    );
    assert_eq!(printed(url, &["down"]), undone);
    assert_eq!(printed(url, &["down"]), [format!("nothing to undo on {on}")]);
    assert_eq!(
        printed(url, &["status"]),
        [format!("pending  {FIRST}"), format!("0 applied, 1 pending on {on}")]
    );
    printed(url, &["up"]);
    assert_eq!(printed(url, &["refresh"]), both);
    assert_eq!(printed(url, &["reset"]), undone);
    printed(url, &["up"]);

    execute(&database.connect().await, "CREATE TABLE another (id int)").await;
    let mut fresh: Vec<String> =
        ["another", "certificate_renewal_events", "device_certificates", "open_requests"]
            .into_iter()
            .chain(["seaql_migrations"])
            .map(|table| format!("dropped  {table}"))
            .collect();
    fresh.push(format!("5 tables dropped from {on}"));
    fresh.extend(applied);
    assert_eq!(printed(url, &["fresh"]), fresh);
    assert_indexes(&database.connect().await).await;
}

async fn four_at_once_all_end_well(cx: Context) {
    let database = cx.empty_database().await;
    let start = |_| {
        let mut program = program();
        program.args(["-u", database.url()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..4).map(start).collect();
    let mut applied = 0;
    for one in running {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        applied += usize::from(output.stdout.starts_with(b"applied"));
    }
    assert_eq!(applied, 1);
    assert_indexes(&database.connect().await).await;
}

async fn a_server_that_is_not_there_is_named(cx: Context) {
    let scheme = if cx.backend() == Backend::Postgres { "postgres" } else { "mysql" };
    let url = format!("{scheme}://renewal:s3cret@127.0.0.1:1/ledger");
    let complaint = complaint(run(&url, &[]));
    assert!(complaint.contains("database \"ledger\" at 127.0.0.1:1: nothing listens there"), "{complaint}");
    assert!(complaint.ends_with("start the server, or correct host and port in the URL"), "{complaint}");
}

async fn a_wrong_password_is_reported_and_not_shown(cx: Context) {
    let database = cx.empty_database().await;
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (_, address) = rest.split_once('@').unwrap();
    let complaint = complaint(run(&format!("{scheme}://renewal:s3cret@{address}"), &["status"]));
    assert!(complaint.starts_with(&place(&database)), "{complaint}");
    assert!(complaint.ends_with("check user and password in the URL"), "{complaint}");
    assert!(!complaint.contains("s3cret"), "{complaint}");
}

async fn a_database_that_does_not_exist_is_named(cx: Context) {
    let database = cx.empty_database().await;
    let (server, _) = database.url().rsplit_once('/').unwrap();
    let complaint = complaint(run(&format!("{server}/no_such_ledger"), &["up"]));
    assert!(complaint.contains("no_such_ledger"), "{complaint}");
    assert!(complaint.contains("create the database with"), "{complaint}");
}

async fn the_tables_go_into_the_schema_that_is_named(cx: Context) {
    let database = cx.empty_database().await;
    let missing = complaint(run(database.url(), &["-s", "no such"]));
    assert!(missing.contains("create it with CREATE SCHEMA"), "{missing}");

    let db = database.connect().await;
    execute(&db, "CREATE SCHEMA \"Fleet A\"").await;
    printed(database.url(), &["-s", "Fleet A"]);
    assert_eq!(tables(&db).await, [""; 0], "nothing in the usual schema");
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = 'Fleet A'";
    assert_eq!(column::<i64>(&db, sql).await, [4]);
    printed(database.url(), &["fresh", "-s", "Fleet A"]);
    assert_eq!(column::<i64>(&db, sql).await, [4]);
}

async fn a_url_without_a_database_is_refused(cx: Context) {
    let database = cx.empty_database().await;
    let (server, _) = database.url().rsplit_once('/').unwrap();
    let complaint = complaint(run(server, &[]));
    assert!(complaint.contains("no database is chosen"), "{complaint}");
}

async fn a_url_must_be_given(_: Context) {
    let expected = "no database is named: set DATABASE_URL or give -u URL, for example -u sqlite://ledger.db";
    assert_eq!(complaint(program().output().unwrap()), expected);
    assert_eq!(complaint(program().env("DATABASE_URL", "").output().unwrap()), expected);
}

async fn a_malformed_url_is_refused_and_its_password_not_shown(_: Context) {
    let malformed = [
        "ledger.db",
        "oracle://renewal:s3cret@localhost/ledger",
        "postgres://renewal:s3cret@localhost:port/ledger",
        "postgres://renewal:12/s3cret@localhost/ledger",
        "mysql://renewal:1#s3cret@localhost/ledger",
        "mysql://renewal:s3cret@[::1/ledger",
        "postgres://renewal:s3cret@localhost/ledger?sslmode=maybe",
        "sqlite://",
        "sqlite://ledger.db?mode=upside-down",
    ];
    for url in malformed {
        let complaint = complaint(run(url, &[]));
        assert!(complaint.starts_with("the database URL "), "{complaint}");
        assert!(!complaint.contains("s3cret"), "{complaint}");
    }
}

async fn a_sqlite_file_is_created_where_it_can_be(cx: Context) {
    let database = cx.empty_database().await;
    let directory = database.directory().unwrap();
    let url = |path: &str| format!("sqlite://{}", directory.join(path).display());

    let asked = complaint(run(&url("new.db"), &["status"]));
    assert!(asked.contains("does not exist: create it with `migration up`"), "{asked}");
    assert!(!directory.join("new.db").exists());
    printed(&url("new.db"), &[]);
    printed(&url("a name with spaces.db"), &[]);
    assert!(directory.join("new.db").exists());

    let nowhere = complaint(run(&url("missing/new.db"), &[]));
    assert!(nowhere.contains("the directory") && nowhere.ends_with("so create it first"), "{nowhere}");
    let itself = complaint(run(&url(""), &[]));
    assert!(itself.ends_with("is a directory: name a file in it"), "{itself}");
}

async fn what_is_no_database_stays_as_it_is(cx: Context) {
    let database = cx.empty_database().await;
    let file = database.file().unwrap();
    std::fs::write(&file, "Dear diary, ".repeat(100)).unwrap();
    let complaint = complaint(run(database.url(), &["fresh"]));
    assert!(complaint.ends_with("name the file of a ledger, or a new one"), "{complaint}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("Dear diary"));
}

async fn wrong_usage_is_a_failure(_: Context) {
    let output = program().arg("sideways").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("unrecognized subcommand"));
    let help = program().env("DATABASE_URL", "postgres://u:s3cret@h/d").arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(!String::from_utf8(help.stdout).unwrap().contains("s3cret"));
}
