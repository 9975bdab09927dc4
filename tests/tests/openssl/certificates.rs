//! Certificates that are no ground for a renewal: whoever presents one is not authenticated.

use chrono::TimeDelta;
use csr_service::Reason::{
    CertificateMalformed, CertificateNameUnsupported, CertificateNotADeviceCertificate,
    CertificateNotFromDeviceIssuer, CertificateNotYetValid, KeyGuessable,
};
use renewal_domain::Clock;

use crate::case::{Case, foreign_certificate};
use crate::draft::{content, element, parts, sequence};
use crate::keys::private_key_1;
use crate::workshop::P256;
use crate::world::World;

/// The cases.
pub(crate) const CERTIFICATES: &[Case] = &[
    Case { reason: CertificateMalformed, name: "an_empty_file", make: |_| Vec::new() },
    Case { reason: CertificateMalformed, name: "garbage", make: |_| b"0 garbage".to_vec() },
    Case { reason: CertificateMalformed, name: "a_mebibyte_of_zeros", make: |_| vec![0; 1024 * 1024] },
    Case { reason: CertificateMalformed, name: "a_request", make: World::request },
    Case {
        reason: CertificateMalformed,
        name: "a_trailing_octet",
        make: |w| {
            let mut der = to_der(w, &w.certificate());
            der.push(0);
            der
        },
    },
    Case {
        reason: CertificateMalformed,
        name: "a_chain",
        make: |w| [w.certificate(), w.workshop.read("ca.pem")].concat(),
    },
    Case {
        reason: CertificateMalformed,
        name: "a_serial_number_of_21_octets",
        make: |w| with_serial(w, &format!("0x01{}", "23".repeat(20))),
    },
    Case { reason: CertificateMalformed, name: "a_negative_serial_number", make: |w| with_serial(w, "-5") },
    Case { reason: CertificateMalformed, name: "the_serial_number_0", make: |w| with_serial(w, "0") },
    Case {
        reason: CertificateMalformed,
        name: "an_unknown_critical_extension",
        make: |w| with_extensions(w, "1.2.3.4 = critical, ASN1:NULL"),
    },
    Case {
        reason: CertificateMalformed,
        name: "an_extension_twice",
        make: |w| {
            let der = to_der(w, &w.certificate());
            let [body, algorithm, _] = parts(&der)[..] else { panic!("no certificate") };
            let mut fields = parts(body);
            let list = content(content(fields.pop().unwrap()));
            let doubled = element(0xa3, &sequence(&[list, list]));
            fields.push(&doubled);
            let body = sequence(&fields);
            w.workshop.write("body.der", &body);
            let signature = w.workshop.openssl("dgst -sha256 -sign ca.key body.der");
            sequence(&[&body, algorithm, &element(0x03, &[&[0][..], &signature].concat())])
        },
    },
    Case {
        reason: CertificateMalformed,
        name: "an_extension_that_cannot_be_read",
        make: |w| with_extensions(w, "extendedKeyUsage = DER:0500"),
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "another_authority_of_the_same_name",
        make: foreign_certificate,
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "another_authority_of_the_same_name_without_a_key_identifier",
        make: |w| {
            foreign_certificate(w);
            w.workshop.write("bare.cnf", "[bare]\nextendedKeyUsage = clientAuth\n");
            w.workshop.openssl(
                "x509 -req -in foreign.csr -CA other.pem -CAkey other.key -extfile bare.cnf -extensions bare",
            )
        },
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "an_authority_of_another_name",
        make: |w| {
            w.workshop.key("other.key", P256);
            w.workshop.authority("other", "/CN=Elsewhere CA");
            w.workshop.openssl("req -new -key device.key -out foreign.csr");
            w.workshop.openssl("x509 -req -in foreign.csr -CA other.pem -CAkey other.key")
        },
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "signed_by_the_device_itself",
        make: |w| w.workshop.openssl("req -x509 -new -key device.key"),
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "signed_by_a_device_of_the_authority",
        make: |w| {
            w.workshop.write("device.pem", w.certificate());
            w.workshop.key("other.key", P256);
            w.workshop.openssl("req -new -key other.key -subj /CN=gateway-2 -out other.csr");
            w.workshop.openssl("x509 -req -in other.csr -CA device.pem -CAkey device.key")
        },
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "a_changed_signature",
        make: |w| {
            let mut der = to_der(w, &w.certificate());
            let place = der.len() - 16;
            der[place] ^= 1;
            der
        },
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "a_changed_name",
        make: |w| {
            let mut der = to_der(w, &w.certificate());
            let place = der.windows(9).position(|window| window == b"gateway-1").unwrap();
            der[place + 8] = b'2';
            der
        },
    },
    Case {
        reason: CertificateNotFromDeviceIssuer,
        name: "signed_with_sha_1",
        make: |w| {
            w.certificate();
            w.signed_with("-sha1 -extensions device")
        },
    },
    Case {
        reason: CertificateNotADeviceCertificate,
        name: "the_authority_s_own",
        make: |w| w.workshop.read("ca.pem"),
    },
    Case {
        reason: CertificateNotADeviceCertificate,
        name: "an_authority_below_it",
        make: |w| {
            w.certificate();
            w.signed_with("-extensions authority")
        },
    },
    Case {
        reason: CertificateNotADeviceCertificate,
        name: "for_servers_only",
        make: |w| with_extensions(w, "extendedKeyUsage = serverAuth, emailProtection"),
    },
    Case {
        reason: CertificateNotYetValid,
        name: "from_tomorrow_on",
        make: |w| w.dated(w.clock.now() + TimeDelta::days(1), w.clock.now() + TimeDelta::days(2)),
    },
    Case {
        reason: CertificateNotYetValid,
        name: "in_the_last_second_of_the_year_9999",
        make: |w| {
            w.workshop.openssl("req -new -key device.key -out device.csr");
            w.workshop.dated("device.csr", "99991231235959Z", "99991231235959Z")
        },
    },
    Case {
        reason: KeyGuessable,
        name: "a_key_that_can_be_guessed",
        make: |w| {
            w.workshop.write("guessable.key", private_key_1());
            w.workshop.openssl("req -new -key guessable.key -out device.csr");
            w.signed_with("-extensions device")
        },
    },
    Case { reason: CertificateNameUnsupported, name: "no_common_name", make: |w| named(w, "/O=Works") },
    Case {
        reason: CertificateNameUnsupported,
        name: "two_common_names",
        make: |w| named(w, "/CN=gateway-1/CN=gateway-2"),
    },
    Case {
        reason: CertificateNameUnsupported,
        name: "a_newline_in_the_name",
        make: |w| named(w, "/CN=gateway\n1"),
    },
    Case {
        reason: CertificateNameUnsupported,
        name: "two_attributes_in_one_part",
        make: |w| named(w, "/O=Works+CN=gateway-1"),
    },
    Case {
        reason: CertificateNameUnsupported,
        name: "an_other_name",
        make: |w| with_extensions(w, "subjectAltName = otherName:1.2.3.4;UTF8:admin"),
    },
    Case {
        reason: CertificateNameUnsupported,
        name: "seventeen_alternative_names",
        make: |w| {
            let names: Vec<_> = (1..=17).map(|n| format!("DNS:gw-{n}.example")).collect();
            with_extensions(w, &format!("subjectAltName = {}", names.join(",")))
        },
    },
];

/// A certificate in DER.
pub(crate) fn to_der(world: &World, pem: &[u8]) -> Vec<u8> {
    world.workshop.write("any.pem", pem);
    world.workshop.openssl("x509 -in any.pem -outform DER")
}

fn with_serial(world: &World, serial: &str) -> Vec<u8> {
    world.certificate();
    world.signed_with(&format!("-extensions device -set_serial {serial}"))
}

fn with_extensions(world: &World, extensions: &str) -> Vec<u8> {
    world.workshop.write("own.cnf", format!("[own]\n{extensions}\n"));
    world.workshop.openssl("req -new -key device.key -out device.csr");
    world.workshop.openssl(
        "x509 -req -in device.csr -CA ca.pem -CAkey ca.key -days 90 -extfile own.cnf -extensions own",
    )
}

fn named(world: &World, subject: &str) -> Vec<u8> {
    let request = ["req", "-new", "-key", "device.key", "-out", "device.csr", "-subj", subject];
    world.workshop.openssl_with(&request);
    world.signed_with("-extensions device")
}
