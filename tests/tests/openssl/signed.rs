//! Every request that is good is signed, whoever the authority is, and the result is good.

use libtest_mimic::Trial;

use crate::checks::{Expected, assert_good};
use crate::workshop::{P256, RSA_2048};
use crate::world::{World, enrolling, issued, presenting};

const P384: &str = "EC -pkeyopt ec_paramgen_curve:P-384";
const ED25519: &str = "ED25519";
const RSA_3072: &str = "RSA -pkeyopt rsa_keygen_bits:3072";
const RSA_4096: &str = "RSA -pkeyopt rsa_keygen_bits:4096";

/// The keys that requests may have.
const KEYS: [(&str, &str); 6] = [
    ("p_256", P256),
    ("p_384", P384),
    ("ed25519", ED25519),
    ("rsa_2048", RSA_2048),
    ("rsa_3072", RSA_3072),
    ("rsa_4096", RSA_4096),
];

/// The authorities: name, key, the command that writes the key in its form, and what the file has.
const AUTHORITIES: [(&str, &str, &str, &str); 11] = [
    ("p_256_in_pkcs_8", P256, "pkey -in ca.key", "BEGIN PRIVATE KEY"),
    ("p_256_in_sec_1", P256, "pkey -in ca.key -traditional", "BEGIN EC PRIVATE KEY"),
    ("p_256_in_sec_1_behind_its_parameters", P256, "ecparam -name prime256v1 -genkey", "BEGIN EC PARAMETERS"),
    ("p_384_in_pkcs_8", P384, "pkey -in ca.key", "BEGIN PRIVATE KEY"),
    ("p_384_in_sec_1", P384, "pkey -in ca.key -traditional", "BEGIN EC PRIVATE KEY"),
    ("p_384_in_sec_1_behind_its_parameters", P384, "ecparam -name secp384r1 -genkey", "BEGIN EC PARAMETERS"),
    ("ed25519_in_pkcs_8", ED25519, "pkey -in ca.key", "BEGIN PRIVATE KEY"),
    ("rsa_2048_in_pkcs_8", RSA_2048, "pkey -in ca.key", "BEGIN PRIVATE KEY"),
    ("rsa_2048_in_pkcs_1", RSA_2048, "pkey -in ca.key -traditional", "BEGIN RSA PRIVATE KEY"),
    ("rsa_3072_in_pkcs_8", RSA_3072, "pkey -in ca.key", "BEGIN PRIVATE KEY"),
    ("rsa_4096_in_pkcs_1", RSA_4096, "pkey -in ca.key -traditional", "BEGIN RSA PRIVATE KEY"),
];

const PSS: &str = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";

/// The signatures that requests may have, beside the one that OpenSSL takes by itself.
const SIGNATURES: [(&str, &str, &str, &str); 11] = [
    ("p_256_with_sha_384", P256, "-sha384", ""),
    ("p_256_with_sha_512", P256, "-sha512", ""),
    ("p_384_with_sha_256", P384, "-sha256", ""),
    ("p_384_with_sha_384", P384, "-sha384", ""),
    ("p_384_with_sha_512", P384, "-sha512", ""),
    ("rsa_2048_with_sha_384", RSA_2048, "-sha384", ""),
    ("rsa_2048_with_sha_512", RSA_2048, "-sha512", ""),
    ("rsa_4096_with_sha_512", RSA_4096, "-sha512", ""),
    ("rsa_2048_with_pss_and_sha_256", RSA_2048, "-sha256", PSS),
    ("rsa_2048_with_pss_and_sha_384", RSA_2048, "-sha384", PSS),
    ("rsa_3072_with_pss_and_sha_512", RSA_3072, "-sha512", PSS),
];

/// The forms in which OpenSSL writes a request.
const FORMS: [(&str, &str); 5] = [
    ("pem", "-outform PEM"),
    ("der", "-outform DER"),
    ("pem_behind_its_text", "-text"),
    ("pem_with_the_old_label", "-newhdr"),
    (
        "pem_with_the_key_usage_that_it_gets",
        "-addext keyUsage=digitalSignature -addext extendedKeyUsage=clientAuth",
    ),
];

/// The tests of this module.
pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: String, run: Box<dyn Fn() + Send>| {
        Trial::test(format!("signed::{name}"), move || {
            run();
            Ok(())
        })
    };
    let mut trials = Vec::new();
    for (authority, kind, form, label) in AUTHORITIES {
        for (key, key_kind) in KEYS {
            let run = move || by_authority(key_kind, kind, form, label);
            trials.push(test(format!("{key}_by_{authority}"), Box::new(run)));
        }
    }
    for (name, kind, hash, padding) in SIGNATURES {
        trials.push(test(name.to_owned(), Box::new(move || with_signature(kind, hash, padding))));
    }
    for (name, form) in FORMS {
        trials.push(test(format!("a_request_in_{name}"), Box::new(move || in_form(form))));
    }
    let ways: [(&str, fn()); 4] = [
        ("unusual_names_are_kept_octet_for_octet", unusual_names),
        ("what_a_request_asks_for_beyond_names_is_ignored", ignored_extensions),
        ("a_certificate_of_openssl_is_renewed_and_rekeyed", renewed_and_rekeyed),
        ("an_authority_of_several_attributes_is_named_as_it_is", authority_name),
    ];
    trials.extend(ways.map(|(name, run)| test(name.to_owned(), Box::new(run))));
    trials
}

/// A request of one key, by an authority whose key of another kind is in a file of this form.
fn by_authority(key: &'static str, authority: &'static str, form: &str, label: &str) {
    let world = World::with_authority(authority);
    let workshop = &world.workshop;
    let file = workshop.openssl(form);
    assert!(String::from_utf8_lossy(&file).starts_with(&format!("-----{label}")), "{label}");
    workshop.write("ca.key", file);
    workshop.authority("ca", "/O=Works/CN=Test CA");
    workshop.key("other.key", key);
    let names =
        "subjectAltName=DNS:gw-1.example,IP:192.0.2.1,IP:2001:db8::1,URI:urn:dev:1,email:a@example.com";
    workshop
        .openssl(&format!("req -new -key other.key -subj /O=Works/CN=gateway-1 -addext {names} -out a.csr"));
    let issued = issued(world.submit(&world.service(), &workshop.read("a.csr"), enrolling()));
    let names = "DNS:gw-1.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:urn:dev:1, email:a@example.com";
    let expected = Expected { request: "a.csr", subject: "O = Works, CN = gateway-1", names: Some(names) };
    assert_good(&world, &issued, &expected);
    assert!(world.story().is_empty(), "an enrollment is no event");
}

fn with_signature(kind: &'static str, hash: &str, padding: &str) {
    let world = World::new();
    world.workshop.key("other.key", kind);
    world.workshop.openssl(&format!("req -new -key other.key {hash} {padding} -out a.csr"));
    let issued = issued(world.submit(&world.service(), &world.workshop.read("a.csr"), enrolling()));
    assert_good(&world, &issued, &Expected { request: "a.csr", subject: "CN = gateway-1", names: None });
}

fn in_form(form: &str) {
    let world = World::new();
    world.workshop.openssl(&format!("req -new -key device.key {form} -out a.csr"));
    let csr = world.workshop.read("a.csr");
    let issued = issued(world.submit(&world.service(), &csr, enrolling()));
    world.workshop.openssl("req -new -key device.key -out plain.csr");
    assert_good(&world, &issued, &Expected { request: "plain.csr", subject: "CN = gateway-1", names: None });
    let windows = String::from_utf8_lossy(&csr).replace('\n', "\r\n");
    if windows.contains("-----BEGIN") {
        let again = world.submit(&world.service(), windows.as_bytes(), enrolling());
        assert_eq!(crate::world::issued(again).certificate, issued.certificate, "the same request again");
    }
}

fn unusual_names() {
    for (subject, shown) in [
        ("/CN=Zähler 7 – Halle Ω", "CN = Z\\C3\\A4hler 7 \\E2\\80\\93 Halle \\CE\\A9"),
        (
            "/CN=device:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "CN = device:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ),
        ("/CN=gateway-1/O=Works/C=DE", "CN = gateway-1, O = Works, C = DE"),
        (
            "/DC=example/serialNumber=42/emailAddress=a@example.com/CN=g",
            "DC = example, serialNumber = 42, emailAddress = a@example.com, CN = g",
        ),
        ("/CN=a, O=b; c + d", "CN = \"a, O=b; c + d\""),
    ] {
        let world = World::new();
        let arguments = ["req", "-new", "-key", "device.key", "-multivalue-rdn", "-out", "a.csr", "-subj"];
        world.workshop.openssl_with(&[&arguments[..], &[&subject.replace('+', "\\+")]].concat());
        let issued = issued(world.submit(&world.service(), &world.workshop.read("a.csr"), enrolling()));
        assert_good(&world, &issued, &Expected { request: "a.csr", subject: shown, names: None });
    }
}

fn ignored_extensions() {
    let world = World::new();
    let asked = [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,keyCertSign,cRLSign,keyAgreement",
        "extendedKeyUsage=serverAuth,codeSigning",
        "certificatePolicies=1.2.3.4",
        "1.2.3.4=ASN1:UTF8:please",
    ];
    let mut arguments = vec!["req", "-new", "-key", "device.key", "-out", "a.csr"];
    arguments.extend(asked.iter().flat_map(|extension| ["-addext", *extension]));
    world.workshop.openssl_with(&arguments);
    let issued = issued(world.submit(&world.service(), &world.workshop.read("a.csr"), enrolling()));
    assert_good(&world, &issued, &Expected { request: "a.csr", subject: "CN = gateway-1", names: None });
}

fn renewed_and_rekeyed() {
    let world = World::new();
    let service = world.service();
    let first = world.certificate_of("-addext subjectAltName=DNS:gw-1.example");
    let names = "-addext subjectAltName=DNS:gw-1.example";
    let expected = |request| Expected { request, subject: "CN = gateway-1", names: Some("DNS:gw-1.example") };

    world.workshop.openssl(&format!("req -new -key device.key {names} -out same.csr"));
    let renewed = issued(world.submit(&service, &world.workshop.read("same.csr"), presenting(&first)));
    assert_good(&world, &renewed, &expected("same.csr"));

    world.workshop.key("other.key", ED25519);
    world.workshop.openssl(&format!("req -new -key other.key {names} -out other.csr"));
    let certificate = renewed.pem();
    let csr = world.workshop.read("other.csr");
    let rekeyed = issued(world.submit(&service, &csr, presenting(certificate.as_bytes())));
    assert_good(&world, &rekeyed, &expected("other.csr"));
    assert_ne!(renewed.certificate.serial, rekeyed.certificate.serial);
    assert_eq!(world.story(), ["renewal_start", "renewal_success", "renewal_start", "renewal_success"]);
}

fn authority_name() {
    let world = World::new();
    let workshop = &world.workshop;
    workshop.authority("ca", "/C=DE/O=Works/OU=Hall 7/CN=Ämter/serialNumber=1");
    let issued = issued(world.submit(&world.service(), &world.request(), enrolling()));
    workshop.write("issued.pem", issued.pem());
    workshop.openssl("verify -x509_strict -CAfile ca.pem issued.pem");
}
