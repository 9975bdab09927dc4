//! Ledgers in a database that a URL names: those that `migration` prepared, and those that cannot
//! be used.

use std::process::Command;
use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context, TestDatabase};

use crate::desk::{Desk, Run};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [a_ledger_that_was_migrated_is_used_and_one_that_was_not_is_named, a_ledger_outlives_its_directory]
    );
    trials.extend(tests::trials!(
        backends,
        Backend::SERVERS,
        [a_server_that_cannot_be_used_is_named_without_the_password]
    ));
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [a_file_that_is_no_ledger_is_named_and_left_alone, a_malformed_url_is_refused_without_the_password]
    ));
    trials
}

/// The program on a desk, with the ledger at a URL.
fn run(desk: &Desk, url: &str, line: &str) -> Run {
    Run::of(desk.command(line).args(["--database-url", url]).output().unwrap())
}

fn migrate(database: &TestDatabase) {
    let mut migration = Command::new(tests::binary("migration"));
    assert!(migration.env("DATABASE_URL", database.url()).output().unwrap().status.success());
}

async fn a_ledger_that_was_migrated_is_used_and_one_that_was_not_is_named(cx: Context) {
    let desk = Desk::new(&cx).await;
    let database = cx.empty_database().await;
    // SQLite's file is made by the migration.
    let expected = if cx.backend() == Backend::Sqlite { "does not exist" } else { "has no tables yet" };
    desk.certificate(-1, 90);
    desk.request("a", "");
    let url = database.url().replace("?mode=rwc", "");
    for line in ["sign --csr a.csr", "events"] {
        let sentence = run(&desk, &url, line).failed();
        assert!(sentence.contains(expected), "{sentence}");
        assert!(sentence.contains("cargo run -p migration"), "{sentence}");
    }
    migrate(&database);
    run(&desk, &url, "sign --csr a.csr --current current.pem --out a.pem").done();
    desk.assert_verifies("a.pem");
    assert_eq!(run(&desk, &url, "events --json --device gateway-1").done().out.lines().count(), 2);
    assert_eq!(desk.files("ledger"), [""; 0], "no other ledger is made");
}

async fn a_ledger_outlives_its_directory(cx: Context) {
    let database = cx.fresh_database().await;
    let first = Desk::new(&cx).await;
    first.request("a", "");
    let id = run(&first, database.url(), "sign --csr a.csr --manual").pending();
    let second = Desk::new(&cx).await;
    for name in ["ca.pem", "ca.key"] {
        second.workshop.write(name, first.workshop.read(name));
    }
    // Whoever has the database, and not the authentication key, cannot decide about what is in it.
    let refused = run(&second, database.url(), &format!("approve {id}")).failed();
    assert!(refused.contains("was not made with an authentication key of this ledger"), "{refused}");
    let key = "authentication.key";
    std::fs::write(second.workshop.path(key), first.workshop.read(key)).unwrap();
    let approved = run(&second, database.url(), &format!("approve {id}"));
    assert_eq!(approved.status, Some(0), "{}", approved.err);
    let got = run(&first, database.url(), "sign --csr a.csr").done();
    assert!(got.err.contains("as answered before"), "{}", got.err);
}

async fn a_server_that_cannot_be_used_is_named_without_the_password(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    let database = cx.empty_database().await;
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (account, address) = rest.split_once('@').unwrap();
    let (host, name) = address.split_once('/').unwrap();
    for (url, part) in [
        (format!("{scheme}://renewal:s3cret@{address}"), "password"),
        (format!("{scheme}://renewal:s3cret@127.0.0.1:1/{name}"), "cannot be reached"),
        (format!("{scheme}://renewal:s3cret@no-such-host.invalid/{name}"), "cannot be reached"),
        (format!("{scheme}://{account}@{host}/no_such_ledger"), "no_such_ledger"),
    ] {
        for line in ["sign --csr a.csr", "events", ""] {
            let run = run(&desk, &url, line);
            assert!(!run.err.contains("s3cret"), "{}", run.err);
            if let Some((_, password)) = account.split_once(':') {
                assert!(!run.err.contains(password), "{}", run.err);
            }
            let sentence = run.failed();
            assert!(sentence.contains(part), "{sentence}");
        }
    }
    assert_eq!(desk.files("ledger"), [""; 0], "no ledger is made in its place");
}

async fn a_file_that_is_no_ledger_is_named_and_left_alone(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    let diary = "Dear diary, ".repeat(1000);
    desk.workshop.write("ledger.db", &diary);
    desk.workshop.write("diary.db", &diary);
    for url in ["", "--database-url sqlite://diary.db"] {
        for line in ["sign --csr a.csr", "events"] {
            let sentence = desk.run(&format!("{line} {url}")).failed();
            assert!(sentence.contains(if url.is_empty() { "ledger.db" } else { "diary.db" }), "{sentence}");
        }
    }
    for name in ["ledger.db", "diary.db"] {
        assert_eq!(desk.workshop.read(name), diary.as_bytes(), "{name}");
    }
}

async fn a_malformed_url_is_refused_without_the_password(cx: Context) {
    let desk = Desk::new(&cx).await;
    for url in [
        "oracle://renewal:s3cret@localhost/ledger",
        "postgres://renewal:s3cret@localhost:port/ledger",
        "postgres://renewal:12/s3cret@localhost/ledger",
        "mysql://renewal:s3cret@[::1/ledger",
        "ledger.db",
    ] {
        let run = run(&desk, url, "events");
        assert!(!run.err.contains("s3cret"), "{}", run.err);
        let sentence = run.failed();
        assert!(sentence.contains("database URL"), "{sentence}");
    }
}
