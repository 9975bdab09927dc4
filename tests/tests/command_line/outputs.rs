//! Files that are read and written: whole, or not at all, and never over another.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::desk::{Desk, Run};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_file_that_is_there_is_kept_unless_it_is_to_be_replaced,
            a_directory_that_is_missing_is_named_before_anything_is_signed,
            what_is_no_file_is_never_replaced,
            standard_output_that_is_full_is_a_failure,
            the_exit_status_is_right_even_where_nothing_can_be_said,
            what_cannot_be_read_is_named,
            a_directory_that_cannot_be_used_is_named,
            a_full_disk_loses_nothing,
        ]
    );
    trials.extend(tests::trials!(
        backends,
        Backend::SERVERS,
        [a_certificate_that_cannot_be_written_is_got_by_repeating]
    ));
    trials
}

async fn a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.certificate(-1, 90);
    desk.request("a", "");
    desk.workshop.write("out.pem", "precious");
    let line = "sign --csr a.csr --current current.pem --out out.pem";
    let sentence = desk.run(line).failed();
    assert_eq!(sentence, "out.pem exists already; use --force to replace it");
    assert_eq!(desk.workshop.read("out.pem"), b"precious");
    assert_eq!(desk.files("ledger"), [""; 0], "nothing was begun");

    desk.run(&format!("{line} --force")).done();
    desk.assert_verifies("out.pem");
    assert_eq!(desk.files(".tmp"), [""; 0]);
    let mode = fs::metadata(desk.workshop.path("out.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

async fn a_directory_that_is_missing_is_named_before_anything_is_signed(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    let sentence = desk.run("sign --csr a.csr --out missing/out.pem").failed();
    assert!(sentence.contains("there is no directory missing"), "{sentence}");
    assert_eq!(desk.files("ledger"), [""; 0], "nothing was begun");
}

async fn what_is_no_file_is_never_replaced(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    fs::create_dir(desk.workshop.path("directory")).unwrap();
    assert!(Command::new("mkfifo").arg(desk.workshop.path("pipe")).status().unwrap().success());
    for name in ["directory", "pipe"] {
        let before = fs::metadata(desk.workshop.path(name)).unwrap().file_type();
        let sentence = desk.run(&format!("sign --csr a.csr --out {name} --force")).failed();
        assert!(sentence.contains(name) && sentence.contains("no file that could be replaced"), "{sentence}");
        assert_eq!(fs::metadata(desk.workshop.path(name)).unwrap().file_type(), before);
    }
}

async fn standard_output_that_is_full_is_a_failure(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = Run::of(desk.command("sign --csr a.csr").stdout(full()).output().unwrap());
    let said = run.failed_after_signing();
    assert!(said.contains("repeat the command to get it again"), "{said}");
    let again = desk.run("sign --csr a.csr").done();
    assert!(again.err.contains("as answered before"), "{}", again.err);
    for line in ["", "events", "events --json"] {
        let desk = Desk::empty(&cx).await;
        desk.run("").done();
        let run = Run::of(desk.command(line).stdout(full()).output().unwrap());
        assert_eq!(run.status, Some(1), "{line}");
        assert!(run.err.starts_with("csr-signing: cannot write to standard output"), "{}", run.err);
    }
}

async fn the_exit_status_is_right_even_where_nothing_can_be_said(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.request("ca", "-addext basicConstraints=CA:TRUE");
    for (line, status) in [
        ("sign --csr ca.csr", 2),
        ("sign --csr a.csr --manual", 3),
        ("sign --csr missing.csr", 1),
        ("events --limit 0", 1),
        ("events", 0),
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = Run::of(desk.command(line).stderr(full).output().unwrap());
        assert_eq!(run.status, Some(status), "{line}");
    }
}

async fn what_cannot_be_read_is_named(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    fs::create_dir(desk.workshop.path("directory")).unwrap();
    for (line, name) in [
        ("sign --csr missing.csr", "missing.csr"),
        ("sign --csr directory", "directory"),
        ("sign --csr a.csr --current missing.pem", "missing.pem"),
    ] {
        let sentence = desk.run(line).failed();
        assert!(sentence.starts_with(&format!("cannot read {name}: ")), "{sentence}");
    }
    File::create(desk.workshop.path("large")).unwrap().set_len(1 << 33).unwrap();
    for endless in ["/dev/zero", "large"] {
        // It would read until there is no memory left.
        let limited = limited(&desk, "ulimit -v 4194304", &format!("sign --csr {endless}"));
        let sentence = Run::of(limited).failed();
        assert!(sentence.starts_with(&format!("{endless} has more than ")), "{sentence}");
    }
}

async fn a_directory_that_cannot_be_used_is_named(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.workshop.write("file", "");
    let program = |directory: &str, line: &str| {
        let mut command = Command::new(tests::binary("csr-signing"));
        command.current_dir(desk.workshop.path(".")).env_remove("DATABASE_URL");
        command.args(["--dir", directory]).args(line.split_whitespace());
        Run::of(command.output().unwrap())
    };
    // Not even an administrator can make anything in /proc.
    for directory in ["file", "file/below", "/proc/renewal-demo", "/proc"] {
        for line in ["", "sign --csr a.csr"] {
            let sentence = program(directory, line).failed();
            assert!(sentence.contains(directory), "{sentence}");
        }
    }
}

/// Runs the program in a shell that first sets a limit.
fn limited(desk: &Desk, limit: &str, line: &str) -> std::process::Output {
    let program = desk.command(line);
    let mut shell = Command::new("sh");
    // A program that ignores the signal is told like one whose disk is full.
    shell.arg("-c").arg(format!("trap '' XFSZ; {limit}; exec \"$0\" \"$@\""));
    shell.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(desk.workshop.path(".")).output().unwrap()
}

/// Wherever the ledger has no room for more, a certificate is printed only when it is recorded,
/// and afterwards everything works.
async fn a_full_disk_loses_nothing(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    desk.certificate(-1, 90);
    let line = "sign --csr a.csr --current current.pem";
    let (mut printed, mut failures) = (1, 0);
    // Before there is a ledger; then, as it grows.
    for blocks in (0..400).step_by(16) {
        desk.request("a", "");
        let run = Run::of(limited(&desk, &format!("ulimit -f {blocks}"), line));
        if run.status == Some(0) {
            desk.workshop.write("current.pem", &run.out);
            printed += 1;
        } else {
            let said = run.failed_after_signing();
            let sentence = said.lines().last().unwrap();
            assert!(sentence.contains("ledger") || sentence.contains("store"), "{sentence}");
            assert!(sentence.matches("disk").count() <= 1, "it says it once: {sentence}");
            failures += 1;
        }
    }
    assert!(failures > 3, "{failures}");
    desk.request("a", "");
    desk.run(line).done();
    let story = desk.story();
    let starts = story.iter().filter(|event| *event == "renewal_start").count();
    let successes = story.iter().filter(|event| *event == "renewal_success").count();
    assert!(printed > 2 && successes >= printed && starts >= successes, "{printed} of {story:?}");
    desk.workshop.write("last.pem", desk.run(line).done().out);
    desk.assert_verifies("last.pem");
}

async fn a_certificate_that_cannot_be_written_is_got_by_repeating(cx: Context) {
    let desk = Desk::new(&cx).await;
    desk.request("a", "");
    fs::create_dir(desk.workshop.path("out")).unwrap();
    fs::set_permissions(desk.workshop.path("out"), Permissions::from_mode(0o755)).unwrap();
    let line = "sign --csr a.csr --out out/a.pem";
    // The authentication key is made before.
    desk.run("approve 018bcfe5-687b-7000-8000-000000000002").failed();
    let sentence = Run::of(limited(&desk, "ulimit -f 0", line)).failed_after_signing();
    assert!(sentence.contains("repeat the command to get it again"), "{sentence}");
    assert!(sentence.contains("cannot write out/a.pem"), "{sentence}");
    assert_eq!(fs::read_dir(desk.workshop.path("out")).unwrap().count(), 0, "nothing half-written");
    let got = desk.run(line).done();
    assert!(got.err.contains("as answered before"), "{}", got.err);
    desk.assert_verifies("out/a.pem");
}
