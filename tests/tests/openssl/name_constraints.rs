//! Issuers whose certificates have name constraints: OpenSSL and the service permit the same names.

use std::process::Command;

use csr_service::{Csr, Issuer, KeyPolicy, Reason};
use renewal_domain::Clock;

use crate::world::World;

/// Distinguished names that constraints refer to, as sections of a configuration.
const SECTIONS: &str = "
[works]
O = Works
[hall]
1.O = Works
2.OU = Hall 1
[spaced]
O = \"  the   WORKS \"
[printable]
C = DE
";

/// A constraint, options of `openssl req` under which names are permitted, and such under which not.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "permitted;DNS:host.example",
        &["", "DNS:host.example", "DNS:a.b.HOST.example", "email:x@y.example", "URI:urn:x", "IP:192.0.2.1"],
        &["DNS:myhost.example", "DNS:example", "DNS:a.host.example,DNS:other.example"],
    ),
    (
        "excluded;DNS:host.example",
        &["", "DNS:myhost.example", "DNS:example"],
        &["DNS:host.example", "DNS:a.Host.Example", "DNS:other.example,DNS:a.host.example"],
    ),
    (
        "permitted;DNS:a.example,permitted;DNS:b.example,excluded;DNS:no.b.example",
        &["DNS:x.a.example,DNS:b.example"],
        &["DNS:c.example", "DNS:no.b.example", "DNS:x.no.b.example"],
    ),
    ("permitted;DNS:.host.example", &["DNS:a.host.example"], &["DNS:host.example"]),
    (
        "permitted;email:ops@host.example",
        &["", "email:ops@host.example", "email:ops@HOST.example", "DNS:x.example"],
        &["email:Ops@host.example", "email:x@host.example", "email:ops@a.host.example"],
    ),
    (
        "permitted;email:host.example",
        &["email:x@host.example", "/emailAddress=x@host.example"],
        &["email:x@a.host.example", "email:x@myhost.example", "/emailAddress=x@other.example"],
    ),
    ("permitted;email:.host.example", &["email:x@a.host.example"], &["email:x@host.example"]),
    ("excluded;email:.host.example", &["email:x@host.example"], &["email:x@a.b.host.example"]),
    (
        "permitted;URI:host.example",
        &["", "URI:https://host.example/x", "URI:coaps://HOST.example:5684/x?y"],
        &["URI:https://a.host.example/", "URI:https://other.example/host.example", "URI:urn:x"],
    ),
    (
        "permitted;URI:.host.example",
        &["URI:https://a.host.example/", "URI:spiffe://a.b.host.example"],
        &["URI:https://host.example/"],
    ),
    (
        "excluded;URI:.host.example",
        &["URI:https://host.example/"],
        &["URI:https://a.host.example/", "URI:urn:x"],
    ),
    (
        "permitted;IP:10.0.0.0/255.240.0.0",
        &["", "IP:10.15.255.255", "DNS:x.example"],
        &["IP:10.16.0.0", "IP:2001:db8::1"],
    ),
    ("excluded;IP:10.0.0.0/255.240.0.0", &["IP:10.16.0.0", "IP:2001:db8::1"], &["IP:10.0.0.0"]),
    ("excluded;IP:0.0.0.0/0.0.0.0", &["IP:2001:db8::1"], &["IP:192.0.2.1"]),
    ("permitted;IP:2001:db8::/ffff:ffff::", &["IP:2001:db8::1"], &["IP:2001:db9::1"]),
    (
        "permitted;dirName:works",
        &["/O=Works", "/O=WORKS", "/O=Works/OU=Hall 1"],
        &["", "/O=Works Ltd", "/OU=Works", "/OU=Hall/O=Works"],
    ),
    ("permitted;dirName:hall", &["/O=Works/OU=Hall 1"], &["/O=Works", "/O=Works/OU=Hall 2"]),
    ("excluded;dirName:hall", &["/O=Works", "/O=Works/OU=Hall 2"], &["/O=works/OU=hall  1"]),
    ("permitted;dirName:spaced", &["/O=The works"], &["/O=Theworks"]),
    ("permitted;dirName:printable", &["/C=DE", "/C=de"], &["/C=FR"]),
];

/// Every case, with constraints in the certificate of the authority, and names in that of the device.
pub(crate) fn openssl_permits_the_same_names() {
    for (constraint, permitted, refused) in CASES {
        let world = constrained(constraint);
        let (certificate, key) = (world.workshop.read("ca.pem"), world.workshop.read("ca.key"));
        let issuer = Issuer::from_pem(certificate, key, world.clock.now()).unwrap();
        let names =
            |names: &&'static [&'static str], permitted| names.iter().map(move |name| (*name, permitted));
        for (name, is_permitted) in names(permitted, true).chain(names(refused, false)) {
            let csr = request(&world, name);
            let certificate = world.signed_with("-extensions device -copy_extensions copyall");
            world.workshop.write("device.pem", certificate);
            let verdict = issuer.permits_names(&csr);
            assert_eq!(verdict.is_ok(), is_permitted, "{constraint}: {name}: {verdict:?}");
            let verified = Command::new("openssl")
                .args(["verify", "-CAfile", "ca.pem", "device.pem"])
                .current_dir(world.workshop.path("."))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&verified.stderr);
            assert_eq!(verified.status.success(), is_permitted, "{constraint}: {name}: {said}");
            if let Err(rejection) = verdict {
                assert_eq!(rejection.reason(), Reason::NameNotPermittedByIssuer);
                let expected = ["subtree violation", "unsupported or invalid name syntax"];
                assert!(expected.iter().any(|part| said.contains(part)), "{constraint}: {name}: {said}");
            }
        }
    }
}

/// A world whose authority has this constraint.
fn constrained(constraint: &str) -> World {
    let world = World::new();
    let workshop = &world.workshop;
    let constraints =
        format!("[constrained]\nnameConstraints = critical, {}\n", constraint.replace(',', ", "));
    let authority = "basicConstraints = critical, CA:TRUE, pathlen:0\nsubjectKeyIdentifier = hash\n";
    let before = String::from_utf8(workshop.read("openssl.cnf")).unwrap();
    workshop.write("openssl.cnf", [&before, SECTIONS, &constraints, authority].concat());
    workshop
        .openssl("req -x509 -new -key ca.key -subj /CN=CA -days 3650 -extensions constrained -out ca.pem");
    world
}

/// The request `device.csr` for alternative names, or for a subject if it begins with a slash.
fn request(world: &World, names: &str) -> Csr {
    let subject = if names.starts_with('/') { names } else { "" };
    let subject = format!("{subject}/CN=gateway-1");
    let mut arguments = vec!["req", "-new", "-key", "device.key", "-subj", &subject, "-out", "device.csr"];
    let alt_names = format!("subjectAltName={names}");
    if !names.is_empty() && !names.starts_with('/') {
        arguments.extend(["-addext", &alt_names]);
    }
    world.workshop.openssl_with(&arguments);
    Csr::parse(&world.workshop.read("device.csr"), &KeyPolicy::default()).unwrap()
}
