//! `renewal init`: what it makes, and that it replaces nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::site::Site;

/// What it makes, and who may read it.
const FILES: [(&str, u32); 8] = [
    ("authentication.key", 0o600),
    ("ca.key", 0o600),
    ("ca.pem", 0o644),
    ("ledger.db", 0o644),
    ("operator.token", 0o600),
    ("renewal.toml", 0o600),
    ("server.key", 0o600),
    ("server.pem", 0o644),
];

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [Backend::Sqlite],
        [init_makes_files_that_others_cannot_read, init_replaces_nothing, init_takes_names_for_the_server]
    )
}

async fn init_makes_files_that_others_cannot_read(cx: Context) {
    let mut site = Site::empty(&cx).await;
    // It is about its directory, whatever else is set.
    site.set("RENEWAL_STORE__URL", "postgres://ledger@127.0.0.1:1/ledger");
    let said = site.run(&["init", "site"]).done().out;
    assert!(said.contains("renewal serve --config site/renewal.toml"), "{said}");
    let token = String::from_utf8(site.workshop.read("site/operator.token")).unwrap();
    assert_eq!(said.matches(token.trim_end()).count(), 1, "{said}");
    let mode = |name: &str| fs::metadata(site.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("."), 0o700);
    for (name, expected) in FILES {
        // The ledger's mode is SQLite's, and the directory keeps others out.
        assert!(name == "ledger.db" || mode(name) == expected, "{name}: {:o}", mode(name));
    }
    assert_eq!(content(&site).into_keys().collect::<Vec<_>>(), FILES.map(|(name, _)| name));
    site.workshop.openssl("verify -x509_strict -purpose sslserver -CAfile site/ca.pem site/server.pem");
}

async fn init_replaces_nothing(cx: Context) {
    let site = Site::new(&cx).await;
    let before = content(&site);
    let said = site.run(&["init", "site"]).failed();
    assert!(said.ends_with("exists already; nothing was changed"), "{said}");
    assert_eq!(content(&site), before);
    for (name, _) in FILES {
        let only = Site::empty(&cx).await;
        fs::create_dir(only.workshop.path("site")).unwrap();
        only.workshop.write(&format!("site/{name}"), "precious");
        let said = only.run(&["init", "site"]).failed();
        assert_eq!(said, format!("site/{name} exists already; nothing was changed"));
        assert_eq!(content(&only), BTreeMap::from([(name.to_owned(), b"precious".to_vec())]));
    }
}

async fn init_takes_names_for_the_server(cx: Context) {
    let site = Site::empty(&cx).await;
    site.run(&["init", "site", "--host", "est.example", "--host", "192.0.2.1", "--ca-name", "Works CA"])
        .done();
    let names = site.x509("site/server", "ext subjectAltName");
    assert!(names.contains("DNS:est.example") && names.contains("IP Address:192.0.2.1"), "{names}");
    assert!(site.x509("site/ca", "subject").ends_with("Works CA"));
}

fn content(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(site.workshop.path("site")).unwrap().map(Result::unwrap);
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}
