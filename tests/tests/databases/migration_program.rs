//! The `migration` program, as a user runs it.

use crate::schema::{MIGRATIONS, assert_whole, column, execute, last_first, tables, tables_of};
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
    assert_whole(&database.connect().await).await;
    let output = program().env("DATABASE_URL", database.url()).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("nothing to apply: {} is up to date\n", place(&database))
    );
}

/// The lines about migrations that were `applied` or `undone`: each, and how many.
fn lines(word: &str, names: &[&str], place: &str) -> Vec<String> {
    let plural = if names.len() == 1 { "" } else { "s" };
    let mut lines: Vec<_> = names.iter().map(|name| format!("{word:<8} {name}")).collect();
    lines.push(format!("{} migration{plural} {word} {place}", names.len()));
    lines
}

/// What `status` prints when the first so many migrations are applied.
fn status(applied: usize, on: &str) -> Vec<String> {
    let word = |number| if number < applied { "applied" } else { "pending" };
    let mut lines: Vec<_> =
        (0..).zip(MIGRATIONS).map(|(number, name)| format!("{}  {name}", word(number))).collect();
    lines.push(format!("{applied} applied, {} pending on {on}", MIGRATIONS.len() - applied));
    lines
}

async fn every_command_says_what_it_did(cx: Context) {
    let database = cx.empty_database().await;
    let (url, on) = (database.url(), place(&database));
    let applied = |names: &[&str]| lines("applied", names, &format!("to {on}"));
    let undone = |names: &[&str]| lines("undone", names, &format!("on {on}"));
    let all_undone = undone(&last_first(&MIGRATIONS));

    for (before, next) in MIGRATIONS.into_iter().enumerate() {
        assert_eq!(printed(url, &["up", "-n", "1"]), applied(&[next]));
        assert_eq!(printed(url, &["status"]), status(before + 1, &on));
    }
    assert_eq!(printed(url, &["up"]), [format!("nothing to apply: {on} is up to date")]);
    for (left, last) in MIGRATIONS.into_iter().enumerate().rev() {
        assert_eq!(printed(url, &["down"]), undone(&[last]));
        assert_eq!(printed(url, &["status"]), status(left, &on));
    }
    assert_eq!(printed(url, &["down"]), [format!("nothing to undo on {on}")]);
    assert_eq!(printed(url, &["status"]), status(0, &on));
    assert_eq!(printed(url, &["up"]), applied(&MIGRATIONS));
    assert_eq!(printed(url, &["refresh"]), [all_undone.clone(), applied(&MIGRATIONS)].concat());
    assert_eq!(printed(url, &["down", "-n", "9"]), all_undone);
    printed(url, &["up"]);
    assert_eq!(printed(url, &["reset"]), all_undone);
    printed(url, &["up"]);

    execute(&database.connect().await, "CREATE TABLE another (id int)").await;
    let mut names = tables_of(MIGRATIONS.len());
    names.extend(["another", "seaql_migrations"]);
    names.sort_unstable();
    let mut fresh: Vec<_> = names.iter().map(|table| format!("dropped  {table}")).collect();
    fresh.push(format!("{} tables dropped from {on}", names.len()));
    fresh.extend(applied(&MIGRATIONS));
    assert_eq!(printed(url, &["fresh"]), fresh);
    assert_whole(&database.connect().await).await;
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
    assert_whole(&database.connect().await).await;
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
    let added = "SELECT count(*) FROM information_schema.columns \
                 WHERE table_schema = 'Fleet A' AND column_name = 'enrollment_token_id'";
    let whole = i64::try_from(tables_of(MIGRATIONS.len()).len() + 1).unwrap();
    assert_eq!(column::<i64>(&db, sql).await, [whole]);
    assert_eq!(column::<i64>(&db, added).await, [1]);
    printed(database.url(), &["fresh", "-s", "Fleet A"]);
    assert_eq!(column::<i64>(&db, sql).await, [whole]);

    // A ledger in another schema is not taken for this one.
    printed(database.url(), &[]);
    assert_whole(&db).await;
    printed(database.url(), &["reset", "-s", "Fleet A"]);
    assert_eq!(column::<i64>(&db, sql).await, [0]);
    assert_whole(&db).await;
    printed(database.url(), &["-s", "Fleet A"]);
    assert_eq!(column::<i64>(&db, sql).await, [whole]);
    assert_eq!(column::<i64>(&db, added).await, [1]);
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
