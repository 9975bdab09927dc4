//! The demonstration: what a newcomer sees first.

use std::sync::Arc;

use libtest_mimic::Trial;
use renewal_domain::EventType;
use tests::{Backend, Backends, Context};

use crate::desk::{Desk, Run};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [it_shows_a_history_with_every_type_of_event]);
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            it_works_without_arguments_in_an_empty_directory,
            it_works_again_and_says_what_it_found,
            two_at_once_have_one_authority_and_a_device_each,
            a_reader_that_leaves_is_no_failure,
            an_authority_that_is_too_young_is_named,
        ]
    ));
    trials
}

async fn it_shows_a_history_with_every_type_of_event(cx: Context) {
    let desk = Desk::empty(&cx).await;
    let run = desk.run("").done();
    assert_shows_everything(&run);
    let told: Vec<_> = desk.story();
    for event_type in EventType::ALL {
        assert!(told.iter().any(|event| event.starts_with(event_type.as_str())), "{event_type}: {told:?}");
    }
    for reason in ["subject_mismatch", "expired_too_long", "denied"] {
        assert!(told.iter().any(|event| event.ends_with(reason)), "{reason}: {told:?}");
    }
    desk.assert_verifies("gateway-0001.pem");
    assert_eq!(desk.events("--device gateway-0001").len(), 12);
}

#[track_caller]
fn assert_shows_everything(run: &Run) {
    assert_eq!(run.err, "");
    let (_, history) = run.out.split_once("What the ledger says about ").unwrap();
    for event_type in EventType::ALL {
        assert!(history.contains(event_type.as_str()), "no {event_type} in {history}");
    }
    assert!(history.lines().all(|line| line.chars().count() <= 110), "{history}");
    assert!(run.out.contains("Try next:"), "{}", run.out);
}

async fn it_works_without_arguments_in_an_empty_directory(_: Context) {
    let directory = tempfile::tempdir().unwrap();
    let mut program = std::process::Command::new(tests::binary("csr-signing"));
    program.current_dir(directory.path()).env_clear();
    let run = Run::of(program.output().unwrap()).done();
    assert_shows_everything(&run);
    for name in ["ca.pem", "ca.key", "ledger.db", "gateway-0001.pem"] {
        assert!(directory.path().join("renewal-demo").join(name).is_file(), "{name}");
    }
}

async fn it_works_again_and_says_what_it_found(cx: Context) {
    let desk = Desk::empty(&cx).await;
    assert!(desk.run("").done().out.starts_with("Made ."));
    let authority = desk.workshop.read("ca.pem");
    let found = desk.events("").len();
    let again = desk.run("").done();
    assert!(again.out.starts_with("Found . from before"), "{}", again.out);
    assert!(again.out.contains(&format!("{found} events")), "{}", again.out);
    assert_shows_everything(&again);
    assert_eq!(desk.workshop.read("ca.pem"), authority, "the authority stays");
    assert_eq!(desk.events("--limit 1000").len(), 2 * found);
    desk.assert_verifies("gateway-0002.pem");
}

async fn two_at_once_have_one_authority_and_a_device_each(cx: Context) {
    for _ in 0..5 {
        let desk = Desk::empty(&cx).await;
        let start = || {
            let mut command = desk.command("");
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        };
        let running = [start(), start(), start()];
        for process in running {
            assert_shows_everything(&Run::of(process.wait_with_output().unwrap()).done());
        }
        for number in 1..=3 {
            let name = format!("gateway-000{number}");
            desk.assert_verifies(&format!("{name}.pem"));
            let of_certificate = desk.workshop.openssl(&format!("x509 -in {name}.pem -noout -pubkey"));
            let of_key = desk.workshop.openssl(&format!("pkey -in {name}.key -pubout"));
            assert_eq!(of_certificate, of_key, "{name}");
            assert_eq!(desk.events(&format!("--device {name}")).len(), 12);
        }
    }
}

async fn a_reader_that_leaves_is_no_failure(cx: Context) {
    let desk = Desk::empty(&cx).await;
    desk.run("").done();
    for line in ["", "events", "events --json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = Run::of(desk.command(line).stdout(writer).output().unwrap()).done();
        assert_eq!(run.err, "", "{line}");
    }
}

async fn an_authority_that_is_too_young_is_named(cx: Context) {
    let desk = Desk::new(&cx).await;
    let sentence = desk.run("").failed();
    assert!(sentence.contains("too young") && sentence.contains("--dir"), "{sentence}");
}
