//! `renewal ca`: the page `docs/pki.md`, its commands run as they stand, and what a change of the
//! authority must not do.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use libtest_mimic::Trial;
use renewal_domain::RevocationReason;
use tests::{Backend, Backends, Context};

use crate::ledger::{Ledger, ORG, by};
use crate::serving::Serving;
use crate::site::Site;

const PAGE: &str = include_str!("../../../docs/pki.md");

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [an_authority_is_changed_as_the_page_says]);
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_change_of_the_authority_replaces_nothing,
            a_change_that_would_have_no_effect_is_refused,
            what_is_configured_of_previous_authorities_is_checked,
        ]
    ));
    trials
}

/// The commands of the page under the heading that begins so; without one, those at its top.
fn commands(heading: &str) -> String {
    let (mut current, mut inside, mut text) = (String::new(), false, String::new());
    for line in PAGE.lines() {
        match line.strip_prefix("```") {
            Some(language) => inside = !inside && language == "sh",
            None if inside && current == heading => writeln!(text, "{line}").unwrap(),
            None if line.starts_with("##") => line.trim_start_matches(['#', ' ']).clone_into(&mut current),
            None => {}
        }
    }
    assert!(!text.is_empty(), "no commands under {heading:?}");
    text
}

/// Runs the commands under a heading; what they print.
#[track_caller]
fn run(site: &Site, server: &Serving, heading: &str) -> String {
    let script = format!("{}{}", commands(""), commands(heading));
    let mut command = site.command_of("bash", &["-euo", "pipefail", "-c", &script]);
    let program = tests::binary("renewal");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("DIR", "site");
    command.env("SERVER", format!("https://localhost:{}", server.address().port()));
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{out}\n{err}");
    out.into_owned()
}

async fn an_authority_is_changed_as_the_page_says(cx: Context) {
    let site = Site::new(&cx).await;
    fs::copy(site.file("ca.pem"), site.workshop.path("server-ca.pem")).unwrap();
    let server = Serving::start(&site);
    site.request("device", "gateway-1");
    site.keep(&site.enroll(&server, "device", &site.token(&server, "gateway-1")), "device");
    let fingerprint = site.x509("site/ca", "fingerprint -sha256");
    let shown = run(&site, &server, "Its files");
    assert!(shown.starts_with("present: CN=Renewal Ledger CA\n"), "{shown}");
    let (_, fingerprint) = fingerprint.split_once('=').unwrap();
    assert!(shown.contains(fingerprint) && shown.contains("3649 days left"), "{shown}");
    run(&site, &server, "Revocation lists");

    let said = run(&site, &server, "1. Make it");
    assert!(said.contains("\"Renewal Ledger CA 2\"") && said.contains("What to do next:"), "{said}");
    let mode = |name| fs::metadata(site.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ca-2.key"), mode("ca-2.pem"), mode("renewal.toml")), (0o600, 0o644, 0o600));
    server.stop();

    let server = Serving::start(&site);
    run(&site, &server, "2. Restart the server");
    assert!(site.x509("renewed", "issuer").ends_with("Renewal Ledger CA 2"));
    let shown = run(&site, &server, "Its files");
    assert!(shown.starts_with("present: CN=Renewal Ledger CA 2\n"), "{shown}");
    assert!(shown.contains("\nprevious: CN=Renewal Ledger CA\n"), "{shown}");

    let ledger = Ledger::of(&site).await;
    for certificate in ["device", "renewed"] {
        let serial = site.x509(certificate, "serial");
        let serial = serial.trim_start_matches("serial=").parse().unwrap();
        ledger.service.revoke(ORG, &serial, RevocationReason::Superseded, "", &by()).await.unwrap();
    }
    run(&site, &server, "3. Check the revocation lists of both");
    for (certificate, authority, list) in
        [("device", "site/ca", "previous"), ("renewed", "site/ca-2", "present")]
    {
        let verify =
            format!("verify -crl_check -CAfile {authority}.pem -CRLfile {list}.crl {certificate}.pem");
        let said = site.workshop.fails(&verify);
        assert!(said.contains("certificate revoked"), "{said}");
    }
    site.renew(&server, "device", ("device", "device")).refused(403, "certificate_revoked");
    let log = server.stop();
    assert!(!log.contains("ERROR"), "{log}");
    let story = ["renewal_start", "renewal_success", "renewal_start", "renewal_failed: certificate_revoked"];
    assert_eq!(ledger.story(ORG).await, story);
}

async fn a_change_of_the_authority_replaces_nothing(cx: Context) {
    let site = Site::new(&cx).await;
    site.configure("[issuer]", "# Ours.\n[issuer]");
    site.workshop.write("site/ca-2.pem", "precious");
    let before = content(&site);
    let arguments = ["ca", "rollover", "--ca-name", "Works", "--key-type", "p384", "--lifetime", "730d"];
    site.run(&arguments).done();
    let mut after = content(&site);
    let key = String::from_utf8(after.remove("ca-3.key").unwrap()).unwrap();
    assert!(key.contains("PRIVATE KEY"));
    assert!(after.remove("ca-3.pem").is_some() && after.remove(".ca.lock").is_some());
    let text = String::from_utf8(after.remove("renewal.toml").unwrap()).unwrap();
    // The change is recorded there.
    after.retain(|name, _| !name.starts_with("ledger.db"));
    assert!(after.iter().all(|(name, content)| before.get(name) == Some(content)));
    let old = String::from_utf8(before["renewal.toml"].clone()).unwrap();
    let expected = old
        .replace(
            "certificate = \"ca.pem\"\nkey = \"ca.key\"",
            "certificate = \"ca-3.pem\"\nkey = \"ca-3.key\"",
        )
        .replace(
            "\n# An authority of another",
            "\n[[issuer.previous]]\ncertificate = \"ca.pem\"\nkey = \"ca.key\"\n\n# An authority of another",
        );
    assert_eq!(text, expected);
    let shown = site.run(&["ca", "show"]).done().out;
    for part in ["present: CN=Works\n", "ECDSA P-384", "729 days left", "previous: CN=Renewal Ledger CA\n"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let said = site.run(&arguments).failed();
    assert!(said.contains("--ca-name"), "{said}");
    site.run(&["ca", "rollover"]).done();
    assert!(site.run(&["ca", "show"]).done().out.starts_with("present: CN=Works 2\n"));
}

async fn a_change_that_would_have_no_effect_is_refused(cx: Context) {
    let mut site = Site::new(&cx).await;
    let before = content(&site);
    for name in ["RENEWAL_ISSUER__CERTIFICATE", "RENEWAL_ISSUER__KEY"] {
        site.set(name, if name.ends_with("KEY") { "ca.key" } else { "ca.pem" });
        let said = site.run(&["ca", "rollover"]).failed();
        assert!(said.starts_with(name) && said.contains("no effect"), "{said}");
        site.unset(name);
    }
    assert_eq!(content(&site), before);
    let said = site.run(&["ca", "rollover", "--config", "nowhere.toml"]).failed();
    assert!(said.contains("nowhere.toml"), "{said}");
}

async fn what_is_configured_of_previous_authorities_is_checked(cx: Context) {
    let site = Site::new(&cx).await;
    site.run(&["ca", "rollover"]).done();
    let good = site.workshop.read("site/renewal.toml");
    for (from, to, expected) in [
        ("certificate = \"ca.pem\"", "certificate = \"nowhere.pem\"", "nowhere.pem"),
        ("key = \"ca.key\"", "key = \"ca-2.key\"", "cannot use"),
        ("key = \"ca.key\"", "kee = \"ca.key\"", "did you mean key?"),
    ] {
        site.configure(from, to);
        let said = site.run(&["config", "check"]).failed();
        assert!(said.contains(expected), "{said}");
        site.workshop.write("site/renewal.toml", &good);
    }
    // Its list is then not signed, and its devices still renew.
    site.configure("key = \"ca.key\"\n", "");
    site.run(&["config", "check"]).done();
    let shown = site.run(&["ca", "show"]).done().out;
    assert!(shown.contains("none: its revocation list is not signed"), "{shown}");
}

fn content(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(site.workshop.path("site")).unwrap().map(Result::unwrap);
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}
