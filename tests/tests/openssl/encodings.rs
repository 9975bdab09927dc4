//! Requests whose octets are wrong.

use csr_service::Reason::{CsrMalformed, CsrTooLarge, CsrVersion};

use crate::case::Case;
use crate::draft::{Draft, UTF8, element};
use crate::world::World;

/// The cases.
pub(crate) const REQUESTS: &[Case] = &[
    Case { reason: CsrTooLarge, name: "a_mebibyte_of_zeros", make: |_| vec![0; 1024 * 1024] },
    Case {
        reason: CsrTooLarge,
        name: "a_thousand_names",
        make: |world| {
            let names: Vec<_> = (0..1000).map(|n| format!("DNS:gateway-{n}.example")).collect();
            with_extension(world, &format!("subjectAltName={}", names.join(",")), "DER")
        },
    },
    Case {
        reason: CsrTooLarge,
        name: "a_thousand_names_in_pem",
        make: |world| {
            let names: Vec<_> = (0..1000).map(|n| format!("DNS:gateway-{n}.example")).collect();
            with_extension(world, &format!("subjectAltName={}", names.join(",")), "PEM")
        },
    },
    Case {
        reason: CsrTooLarge,
        name: "a_common_name_of_20_000_characters",
        make: |world| Draft::new(&world.workshop).named(UTF8, &[b'x'; 20_000]).signed(&world.workshop),
    },
    Case { reason: CsrMalformed, name: "an_empty_file", make: |_| Vec::new() },
    Case { reason: CsrMalformed, name: "a_few_zeros", make: |_| vec![0; 1024] },
    Case { reason: CsrMalformed, name: "a_letter", make: |_| b"Dear Madam or Sir".to_vec() },
    Case { reason: CsrMalformed, name: "an_empty_sequence", make: |_| vec![0x30, 0] },
    Case { reason: CsrMalformed, name: "a_trailing_octet", make: |world| edited(world, |der| der.push(0)) },
    Case {
        reason: CsrMalformed,
        name: "a_second_request_behind_it",
        make: |world| edited(world, |der| der.extend_from_within(..)),
    },
    Case {
        reason: CsrMalformed,
        name: "a_trailing_octet_within_pem",
        make: |world| {
            let der = edited(world, |der| der.push(0));
            world.workshop.write("long.der", der);
            let base64 = world.workshop.openssl("base64 -in long.der");
            let begin = b"-----BEGIN CERTIFICATE REQUEST-----\n";
            [&begin[..], &base64, b"-----END CERTIFICATE REQUEST-----\n"].concat()
        },
    },
    Case {
        reason: CsrMalformed,
        name: "two_requests_in_pem",
        make: |world| world.workshop.openssl("req -new -key device.key").repeat(2),
    },
    Case {
        reason: CsrMalformed,
        name: "a_request_in_pem_without_its_end",
        make: |world| {
            let mut pem = world.workshop.openssl("req -new -key device.key");
            pem.truncate(pem.len() / 2);
            pem
        },
    },
    Case { reason: CsrMalformed, name: "a_certificate", make: World::certificate },
    Case { reason: CsrMalformed, name: "a_private_key", make: |world| world.workshop.read("device.key") },
    Case {
        reason: CsrMalformed,
        name: "a_public_key_in_der",
        make: |world| world.workshop.openssl("pkey -in device.key -pubout -outform DER"),
    },
    Case {
        reason: CsrMalformed,
        name: "a_length_that_is_too_short",
        make: |world| edited(world, |der| der[2] -= 1),
    },
    Case {
        reason: CsrMalformed,
        name: "a_length_that_is_too_long",
        make: |world| edited(world, |der| der[2] += 1),
    },
    Case {
        reason: CsrMalformed,
        name: "a_length_of_4_gibibytes",
        make: |world| edited(world, |der| drop(der.splice(1..3, [0x84, 0xff, 0xff, 0xff, 0xff]))),
    },
    Case {
        reason: CsrMalformed,
        name: "a_length_that_is_not_the_shortest",
        make: |world| edited(world, |der| drop(der.splice(1..2, [0x82, 0x00]))),
    },
    Case {
        reason: CsrMalformed,
        name: "an_indefinite_length",
        make: |world| {
            edited(world, |der| {
                der.splice(1..3, [0x80]);
                der.extend([0, 0]);
            })
        },
    },
    Case {
        reason: CsrMalformed,
        name: "structures_1000_deep",
        make: |_| (0..1000).fold(Vec::new(), |inner, _| element(0x30, &inner)),
    },
    Case {
        reason: CsrMalformed,
        name: "a_version_with_a_superfluous_octet",
        make: |world| with_version(world, &[0, 0]),
    },
    Case { reason: CsrMalformed, name: "a_version_without_octets", make: |world| with_version(world, &[]) },
    Case {
        reason: CsrMalformed,
        name: "a_subject_that_is_a_number",
        make: |world| {
            let mut draft = Draft::new(&world.workshop);
            draft.subject = element(0x02, &[1]);
            draft.signed(&world.workshop)
        },
    },
    Case {
        reason: CsrMalformed,
        name: "no_attributes_field",
        make: |world| {
            let mut draft = Draft::new(&world.workshop);
            draft.attributes.clear();
            draft.signed(&world.workshop)
        },
    },
    Case {
        reason: CsrMalformed,
        name: "a_field_behind_the_attributes",
        make: |world| {
            let mut draft = Draft::new(&world.workshop);
            draft.attributes.extend(element(0x02, &[1]));
            draft.signed(&world.workshop)
        },
    },
    Case { reason: CsrVersion, name: "version_2", make: |world| with_version(world, &[1]) },
    Case { reason: CsrVersion, name: "a_negative_version", make: |world| with_version(world, &[0xff]) },
    Case {
        reason: CsrVersion,
        name: "a_version_of_20_octets",
        make: |world| with_version(world, &[0x11; 20]),
    },
];

/// OpenSSL's request, with its octets changed. It is between 128 and 255 octets long, so that its
/// length is the third octet.
fn edited(world: &World, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut der = world.request();
    assert_eq!(der[..2], [0x30, 0x81]);
    edit(&mut der);
    der
}

fn with_version(world: &World, version: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(&world.workshop);
    draft.version = element(0x02, version);
    draft.signed(&world.workshop)
}

fn with_extension(world: &World, extension: &str, form: &str) -> Vec<u8> {
    world.workshop.openssl(&format!("req -new -key device.key -outform {form} -addext {extension}"))
}
