//! The program `openssl`, at work in a directory of its own.

use std::collections::HashMap;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Completion, Trial};
use tempfile::TempDir;

/// Kinds of keys, as `openssl genpkey -algorithm` takes them.
pub(crate) const P256: &str = "EC -pkeyopt ec_paramgen_curve:P-256";
pub(crate) const RSA_1024: &str = "RSA -pkeyopt rsa_keygen_bits:1024";
pub(crate) const RSA_2048: &str = "RSA -pkeyopt rsa_keygen_bits:2048";
pub(crate) const SECP256K1: &str = "EC -pkeyopt ec_paramgen_curve:secp256k1";
pub(crate) const P521: &str = "EC -pkeyopt ec_paramgen_curve:P-521";

/// Everything a command gets from its configuration; no test depends on that of the machine.
const CONFIGURATION: &str = "
[req]
prompt = no
utf8 = yes
string_mask = utf8only
distinguished_name = name
[name]
CN = gateway-1
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[device]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
[ca]
default_ca = dated
[dated]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
preserve = yes
policy = any
x509_extensions = device
[any]
commonName = optional
";

/// A directory in which `openssl` makes keys, requests and certificates.
pub(crate) struct Workshop {
    directory: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("renewal-openssl-").tempdir().unwrap();
        let workshop = Self { directory };
        workshop.write("openssl.cnf", CONFIGURATION);
        workshop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs a command whose arguments have no spaces; what it prints.
    #[track_caller]
    pub(crate) fn openssl(&self, line: &str) -> Vec<u8> {
        self.openssl_with(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs a command; what it prints.
    #[track_caller]
    pub(crate) fn openssl_with(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {}: {errors}", arguments.join(" "));
        output.stdout
    }

    /// Runs a command that fails; what it says.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str) -> String {
        let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
        assert!(!output.status.success(), "openssl {line}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command.env("OPENSSL_CONF", self.path("openssl.cnf")).output().unwrap()
    }

    /// Puts a private key into a file, PKCS#8 in PEM. Keys take long to make, so that a file of a
    /// name gets the same key of a kind in every test.
    pub(crate) fn key(&self, name: &'static str, kind: &'static str) {
        type Keys = HashMap<(&'static str, &'static str), Arc<OnceLock<Vec<u8>>>>;
        static KEYS: LazyLock<Mutex<Keys>> = LazyLock::new(Mutex::default);
        let slot = {
            let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(keys.entry((name, kind)).or_default())
        };
        let key = slot.get_or_init(|| self.openssl(&format!("genpkey -algorithm {kind}")));
        self.write(name, key);
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    /// Makes an authority, valid for ten years: `NAME.key` and `NAME.pem`.
    pub(crate) fn authority(&self, name: &str, subject: &str) {
        self.openssl_with(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &format!("{name}.key"),
            "-subj",
            subject,
            "-days",
            "3650",
            "-extensions",
            "authority",
            "-out",
            &format!("{name}.pem"),
        ]);
    }

    /// The certificate of the authority `ca` for a request, in PEM, with the validity
    /// `YYYYMMDDHHMMSSZ`.
    pub(crate) fn dated(&self, request: &str, from: &str, until: &str) -> Vec<u8> {
        self.write("index.txt", "");
        self.openssl(&format!(
            "ca -batch -notext -cert ca.pem -keyfile ca.key -in {request} -startdate {from} -enddate {until}"
        ))
    }
}

/// The tests if `openssl` is installed; else, under the same names, tests that say so.
pub(crate) fn with_openssl(trials: Vec<Trial>) -> Vec<Trial> {
    let version = Command::new("openssl").arg("version").output();
    if version.is_ok_and(|output| output.status.success()) {
        return trials;
    }
    let absent = |trial: Trial| {
        Trial::ignorable_test(trial.name().to_owned(), || {
            if env::var_os("RENEWAL_REQUIRE_BACKENDS").is_some_and(|which| which == "all") {
                return Err("openssl not found".into());
            }
            Ok(Completion::ignored_with("openssl not found"))
        })
    };
    trials.into_iter().map(absent).collect()
}
