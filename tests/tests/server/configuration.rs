//! `config check` and `serve` with a configuration that is wrong: one sentence, and no start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::ledger::ORG;
use crate::serving::Serving;
use crate::site::Site;
use crate::workshop::P256;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(backends, [a_good_configuration_is_found_good]);
    trials.extend(tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            a_wrong_setting_is_named_with_what_was_meant,
            a_missing_or_foreign_key_file_is_named,
            a_key_that_others_can_read_is_warned_about,
            an_authority_that_may_not_issue_for_clients_is_refused,
            an_authority_that_may_not_sign_lists_is_warned_about_and_refused_where_certificates_name_one,
        ]
    ));
    trials
}

async fn a_good_configuration_is_found_good(cx: Context) {
    let site = Site::new(&cx).await;
    site.run(&["migrate"]).done();
    site.run(&["migrate"]).done();
    let said = site.run(&["config", "check"]).done().out;
    assert!(said.starts_with("The configuration is good.\n"), "{said}");
}

async fn a_wrong_setting_is_named_with_what_was_meant(cx: Context) {
    let mut site = Site::new(&cx).await;
    let good = site.workshop.read("site/renewal.toml");
    let label = format!("[organisations.labels]\ncacerts = \"{}\"", ORG.as_uuid());
    let cases = [
        ("lifetime =", "lifetme =", "did you mean lifetime?"),
        ("[profile]", "[profle]", "did you mean profile?"),
        ("[logging]", "[log]", "renewal.toml: the setting log is called logging now"),
        ("365d", "soon", "write it like 90d, 12h or 30m"),
        ("listen = \"0.0.0.0:8443\"", "", "est.listen is missing"),
        ("renewal = \"automatic\"", "renewal = \"maybe\"", "manual"),
        ("level = \"info\"", "level = \"info,=,\"", "logging.level"),
        ("crl_validity = \"24h\"", "crl_validity = \"1s\"", "a revocation list must be valid"),
        ("# crl_url = \"http:", "crl_url = \"ftp:", "[profile] crl_url"),
        ("[organisations.labels]", &label, "\"cacerts\" cannot be a label"),
    ];
    for (from, to, expected) in cases {
        let listens = "RENEWAL_EST__LISTEN";
        site.unset(listens);
        site.configure(from, to);
        let said = site.run(&["serve"]).failed();
        assert!(said.contains(expected), "{said}");
        assert_eq!(site.run(&["config", "check"]).failed(), said);
        site.workshop.write("site/renewal.toml", &good);
        site.set(listens, "127.0.0.1:0");
    }
    site.set("RENEWAL_PROFILE__LIFETME", "90d");
    let said = site.run(&["serve"]).failed();
    assert!(said.contains("lifetme") && said.contains("did you mean lifetime?"), "{said}");
    site.unset("RENEWAL_PROFILE__LIFETME");
    site.set("RENEWAL_LOG__LEVEL", "info");
    let said = site.run(&["config", "check"]).failed();
    assert!(said.contains("RENEWAL_LOG__LEVEL is called RENEWAL_LOGGING__LEVEL now"), "{said}");
    site.unset("RENEWAL_LOG__LEVEL");
    let said = site.run(&["serve", "--config", "nowhere.toml"]).failed();
    assert!(said.contains("nowhere.toml") && said.contains("renewal init"), "{said}");
}

async fn a_missing_or_foreign_key_file_is_named(cx: Context) {
    let site = Site::new(&cx).await;
    let other = site.workshop.openssl(&format!("genpkey -algorithm {P256}"));
    for name in ["ca.key", "server.key"] {
        let path = format!("site/{name}");
        let good = site.workshop.read(&path);
        let fails = |what: &str| {
            for command in [&["serve"][..], &["config", "check"]] {
                let said = site.run(command).failed();
                assert!(said.contains(name), "{what}: {said}");
            }
        };
        fs::remove_file(site.file(name)).unwrap();
        fails("missing");
        for (what, content) in [("foreign", &other[..]), ("rubbish", b"rubbish")] {
            site.workshop.write(&path, content);
            fs::set_permissions(site.file(name), fs::Permissions::from_mode(0o600)).unwrap();
            fails(what);
        }
        site.workshop.write(&path, good);
    }
    site.run(&["config", "check"]).done();
}

async fn a_key_that_others_can_read_is_warned_about(cx: Context) {
    let site = Site::new(&cx).await;
    for name in ["ca.key", "server.key"] {
        let warned = |mode| {
            fs::set_permissions(site.file(name), fs::Permissions::from_mode(mode)).unwrap();
            let checked = site.run(&["config", "check"]).done();
            assert_eq!(checked.err.contains(name), mode == 0o644, "{}", checked.err);
            let log = Serving::start(&site).stop();
            log.lines().any(|line| line.contains("WARN") && line.contains(name))
        };
        assert!(warned(0o644), "{name}");
        assert!(!warned(0o600), "{name}");
    }
}

/// Gives the authority another certificate for its key, with this key usage and further extensions.
fn replace_authority(site: &Site, usage: &str, further: &str) {
    let extensions =
        format!("-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,{usage} {further}");
    let line =
        format!("req -x509 -new -key site/ca.key -subj /CN=Other -days 99 {extensions} -out site/ca.pem");
    site.workshop.openssl(&line);
}

async fn an_authority_that_may_not_issue_for_clients_is_refused(cx: Context) {
    let site = Site::new(&cx).await;
    replace_authority(&site, "keyCertSign,cRLSign", "-addext extendedKeyUsage=serverAuth");
    for command in [&["serve"][..], &["config", "check"]] {
        let said = site.run(command).failed();
        assert!(
            said.contains("ca.pem") && said.contains("its extendedKeyUsage must have clientAuth"),
            "{said}"
        );
    }
    replace_authority(&site, "keyCertSign,cRLSign", "-addext extendedKeyUsage=serverAuth,clientAuth");
    let said = site.run(&["config", "check"]).done().out;
    assert!(!said.contains("Warning"), "{said}");
}

async fn an_authority_that_may_not_sign_lists_is_warned_about_and_refused_where_certificates_name_one(
    cx: Context,
) {
    let site = Site::new(&cx).await;
    replace_authority(&site, "keyCertSign", "");
    let warning = "the authority may not sign revocation lists (its keyUsage lacks cRLSign)";
    let said = site.run(&["config", "check"]).done().out;
    assert!(said.starts_with("The configuration is good.\n") && said.contains(warning), "{said}");
    let log = Serving::start(&site).stop();
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains(warning)), "{log}");

    site.configure("# crl_url = ", "crl_url = ");
    for command in [&["serve"][..], &["config", "check"]] {
        let said = site.run(command).failed();
        assert!(said.contains("[profile] crl_url") && said.contains("keyUsage must have cRLSign"), "{said}");
    }
    replace_authority(&site, "keyCertSign,cRLSign", "");
    site.run(&["config", "check"]).done();
}
