//! The authority of the directory: who may read its key, and whether it can be used.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backend, Backends, Context};

use crate::desk::Desk;
use crate::workshop::{P256, RSA_1024, RSA_2048};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [Backend::Sqlite],
        [
            private_keys_are_readable_for_their_owner_alone,
            a_key_that_others_can_read_is_warned_about,
            an_authority_of_every_kind_and_form_signs,
            an_authority_that_cannot_be_used_is_refused_with_what_to_do,
            half_an_authority_is_neither_used_nor_replaced,
            two_at_once_make_one_authority,
        ]
    )
}

async fn private_keys_are_readable_for_their_owner_alone(cx: Context) {
    let desk = Desk::empty(&cx).await;
    desk.run("").done();
    for key in ["ca.key", "gateway-0001.key", "impostor-0001.key"] {
        let mode = fs::metadata(desk.workshop.path(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}

async fn a_key_that_others_can_read_is_warned_about(cx: Context) {
    let desk = Desk::new(&cx).await;
    let key = desk.workshop.path("ca.key");
    for (number, mode) in [0o644, 0o640, 0o604].into_iter().enumerate() {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        desk.request_of_another("a", &format!("-subj /CN=gateway-{number}"));
        let run = desk.run("sign --csr a.csr --out a.pem --force").done();
        let warning = format!("warning: ./ca.key has mode {mode:04o}, so others can read this private key");
        assert!(run.err.starts_with(&warning), "{}", run.err);
        assert!(run.err.contains("chmod 600 ./ca.key"), "{}", run.err);
    }
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    assert!(!desk.run("sign --csr a.csr").done().err.contains("warning"));
}

async fn an_authority_of_every_kind_and_form_signs(cx: Context) {
    for (kind, options) in [
        (P256, ""),
        (P256, "-traditional"),
        ("EC -pkeyopt ec_paramgen_curve:P-384", "-traditional"),
        ("ED25519", ""),
        (RSA_2048, ""),
        (RSA_2048, "-traditional"),
    ] {
        let desk = Desk::empty(&cx).await;
        desk.workshop.key("plain.key", kind);
        desk.workshop.openssl(&format!("pkey -in plain.key {options} -out ca.key"));
        desk.workshop.authority("ca", "/CN=Test CA");
        desk.request("a", "");
        desk.run("sign --csr a.csr --out a.pem").done();
        desk.assert_verifies("a.pem");
    }
}

/// Spoils the authority.
type Spoil = fn(&Desk);

async fn an_authority_that_cannot_be_used_is_refused_with_what_to_do(cx: Context) {
    let unusable: [(&str, Spoil); 11] = [
        ("does not belong to the issuer's certificate", |desk| desk.workshop.key("ca.key", RSA_2048)),
        ("cannot be used", |desk| {
            desk.workshop.key("ca.key", RSA_1024);
            desk.workshop.authority("ca", "/CN=Test CA");
        }),
        ("expired at", |desk| date(desk, "20200101000000Z", "20210101000000Z")),
        ("is valid from 9000-01-01", |desk| date(desk, "90000101000000Z", "90010101000000Z")),
        ("is no CA certificate", |desk| {
            desk.workshop.openssl("req -x509 -new -key ca.key -extensions device -out ca.pem");
        }),
        ("keyUsage must have keyCertSign", |desk| {
            let usage = "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=digitalSignature";
            desk.workshop.openssl(&format!("req -x509 -new -key ca.key {usage} -out ca.pem"));
        }),
        ("extendedKeyUsage must have clientAuth", |desk| {
            let usage = "-addext basicConstraints=critical,CA:TRUE -addext extendedKeyUsage=serverAuth";
            desk.workshop.openssl(&format!("req -x509 -new -key ca.key {usage} -out ca.pem"));
        }),
        ("the private key is encrypted", |desk| {
            desk.workshop.openssl("pkey -in ca.key -aes256 -passout pass:s3cret -out locked.key");
            desk.workshop.write("ca.key", desk.workshop.read("locked.key"));
        }),
        ("no private key was found", |desk| desk.workshop.write("ca.key", "")),
        ("the private key cannot be used", |desk| {
            let broken = "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n";
            desk.workshop.write("ca.key", broken);
        }),
        ("the issuer's certificate cannot be read", |desk| desk.workshop.write("ca.pem", "Dear diary")),
    ];
    for (part, spoil) in unusable {
        let desk = Desk::new(&cx).await;
        spoil_privately(&desk, spoil);
        desk.request("a", "");
        let sentence = desk.run("sign --csr a.csr --out a.pem").failed();
        assert!(sentence.starts_with("cannot use ./ca.pem with ./ca.key: "), "{sentence}");
        assert!(sentence.contains(part), "{part}: {sentence}");
        assert!(!desk.workshop.path("a.pem").exists());
    }
}

/// Gives the authority a certificate that is valid from and until a time.
fn date(desk: &Desk, from: &str, until: &str) {
    let workshop = &desk.workshop;
    workshop.openssl("req -new -key ca.key -out ca.csr");
    workshop.write("index.txt", "");
    let ca = "ca -batch -notext -selfsign -keyfile ca.key -in ca.csr -extensions authority";
    workshop.write("ca.pem", workshop.openssl(&format!("{ca} -startdate {from} -enddate {until}")));
}

/// Spoils the authority, and keeps its key private.
fn spoil_privately(desk: &Desk, spoil: Spoil) {
    spoil(desk);
    fs::set_permissions(desk.workshop.path("ca.key"), Permissions::from_mode(0o600)).unwrap();
}

async fn half_an_authority_is_neither_used_nor_replaced(cx: Context) {
    for (missing, left) in [("ca.key", "ca.pem"), ("ca.pem", "ca.key")] {
        let desk = Desk::new(&cx).await;
        desk.request("a", "");
        fs::remove_file(desk.workshop.path(missing)).unwrap();
        let before = desk.workshop.read(left);
        for line in ["", "sign --csr a.csr"] {
            let sentence = desk.run(line).failed();
            assert!(sentence.contains(&format!("{missing} is missing")), "{sentence}");
        }
        assert!(!desk.workshop.path(missing).exists());
        assert_eq!(desk.workshop.read(left), before);
    }
}

async fn two_at_once_make_one_authority(cx: Context) {
    for _ in 0..10 {
        let desk = Desk::empty(&cx).await;
        let names = ["a", "b", "c"];
        let start = |name: &str| {
            desk.request_of_another(name, &format!("-subj /CN=gateway-{name}"));
            desk.command(&format!("sign --csr {name}.csr --out {name}.pem"))
        };
        let commands = names.map(start);
        let running =
            commands.map(|mut command| command.stderr(std::process::Stdio::piped()).spawn().unwrap());
        for process in running {
            crate::desk::Run::of(process.wait_with_output().unwrap()).done();
        }
        for name in names {
            desk.assert_verifies(&format!("{name}.pem"));
        }
    }
}
