//! A device that is the programs `curl` and `openssl`, as `docs/est.md` has them.

use std::env;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::{Completion, Trial};

use crate::serving::Serving;
use crate::site::Site;
use crate::workshop::P256;

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Site {
    /// Makes a key and a request for a name: `FILE.key` and `FILE.csr`, DER.
    pub(crate) fn request(&self, file: &'static str, name: &str) {
        let workshop = &self.workshop;
        workshop.write(&format!("{file}.key"), workshop.openssl(&format!("genpkey -algorithm {P256}")));
        self.request_with(file, file, name);
    }

    /// Makes a request with a key that is there already.
    pub(crate) fn request_with(&self, key: &str, file: &str, name: &str) {
        let line = format!("req -new -key {key}.key -subj /CN={name} -outform DER -out {file}.csr");
        self.workshop.openssl(&line);
    }

    /// Asks with `curl`: an operation, with further arguments without spaces.
    #[track_caller]
    pub(crate) fn curl(&self, server: &Serving, operation: &str, arguments: &str) -> Answer {
        let mut command = Command::new("curl");
        command.current_dir(self.workshop.path("."));
        command.args(["--silent", "--show-error", "--include", "--max-time", "30"]);
        command.args(["--noproxy", "*", "--cacert", "site/ca.pem"]);
        command.args(arguments.split_whitespace());
        command.arg(format!("https://{}/.well-known/est/{operation}", server.address()));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// Posts the request `FILE.csr`.
    #[track_caller]
    pub(crate) fn post(&self, server: &Serving, operation: &str, file: &str, arguments: &str) -> Answer {
        let body = format!("{file}.b64");
        self.workshop.write(&body, STANDARD.encode(self.workshop.read(&format!("{file}.csr"))));
        let arguments = format!("--header Content-Type:application/pkcs10 --data @{body} {arguments}");
        self.curl(server, operation, &arguments)
    }

    /// Posts the request `FILE.csr` with a token.
    #[track_caller]
    pub(crate) fn enroll(&self, server: &Serving, file: &str, token: &str) -> Answer {
        self.post(server, "simpleenroll", file, &format!("--user device:{token}"))
    }

    /// Posts the request `FILE.csr`, presenting the certificate `CERTIFICATE.pem` with `KEY.key`.
    #[track_caller]
    pub(crate) fn renew(&self, server: &Serving, file: &str, (certificate, key): (&str, &str)) -> Answer {
        self.post(server, "simplereenroll", file, &format!("--cert {certificate}.pem --key {key}.key"))
    }

    /// Puts the certificates of an answer into `FILE.pem`, and checks that OpenSSL accepts the
    /// first for a client.
    #[track_caller]
    pub(crate) fn keep(&self, answer: &Answer, file: &str) {
        self.keep_all(answer, file);
        let verify = "verify -x509_strict -purpose sslclient -CAfile site/ca.pem";
        let said = self.workshop.openssl(&format!("{verify} {file}.pem"));
        assert_eq!(String::from_utf8(said).unwrap(), format!("{file}.pem: OK\n"));
    }

    /// Puts the certificates of an answer into `FILE.pem`.
    #[track_caller]
    pub(crate) fn keep_all(&self, answer: &Answer, file: &str) {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.header("content-type").unwrap().starts_with("application/pkcs7-mime"), "{answer:?}");
        self.workshop.write("answer.p7", STANDARD.decode(&answer.body).unwrap());
        self.workshop.openssl(&format!("pkcs7 -inform DER -in answer.p7 -print_certs -out {file}.pem"));
    }

    /// Something that `openssl x509` says about the certificate in `FILE.pem`.
    pub(crate) fn x509(&self, file: &str, what: &str) -> String {
        let said = self.workshop.openssl(&format!("x509 -in {file}.pem -noout -{what}"));
        String::from_utf8(said).unwrap().trim().to_owned()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// It is a refusal in words, with this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.body.starts_with(&format!("{code}: ")), "{self:?}");
        assert!(self.header("x-request-id").is_some(), "{self:?}");
    }
}

/// The tests if `curl` is installed; else, under the same names, tests that say so.
pub(crate) fn with_curl(trials: Vec<Trial>) -> Vec<Trial> {
    if Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return trials;
    }
    let absent = |trial: Trial| {
        Trial::ignorable_test(trial.name().to_owned(), || {
            if env::var_os("RENEWAL_REQUIRE_BACKENDS").is_some_and(|which| which == "all") {
                return Err("curl not found".into());
            }
            Ok(Completion::ignored_with("curl not found"))
        })
    };
    trials.into_iter().map(absent).collect()
}
