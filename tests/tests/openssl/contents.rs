//! Requests that ask for what is not given: their extensions and alternative names.

use csr_service::Reason::{
    CaRequested, ExtensionMalformed, ExtensionNotAllowed, ExtensionRepeated, SanMalformed, SanUnsupported,
};

use crate::case::Case;
use crate::draft::{Draft, content, element};
use crate::world::World;

/// The cases.
pub(crate) const REQUESTS: &[Case] = &[
    Case {
        reason: ExtensionMalformed,
        name: "basic_constraints_that_are_no_sequence",
        make: |w| with(w, &["basicConstraints=DER:0400"]),
    },
    Case {
        reason: ExtensionMalformed,
        name: "a_key_usage_that_is_no_bit_string",
        make: |w| with(w, &["keyUsage=DER:0500"]),
    },
    Case {
        reason: ExtensionMalformed,
        name: "an_extended_key_usage_that_is_text",
        make: |w| with(w, &["extendedKeyUsage=ASN1:UTF8String:clientAuth"]),
    },
    Case {
        reason: ExtensionMalformed,
        name: "a_request_for_extensions_without_a_list",
        make: |w| with_attributes(w, |_| [EXTENSION_REQUEST, &element(0x31, &[])].concat()),
    },
    Case {
        reason: ExtensionMalformed,
        name: "a_request_for_extensions_that_is_a_number",
        make: |w| with_attributes(w, |_| [EXTENSION_REQUEST, &element(0x31, &element(0x02, &[1]))].concat()),
    },
    Case {
        reason: ExtensionRepeated,
        name: "two_alternative_names_extensions",
        make: |w| with(w, &["subjectAltName=DNS:gw-1.example", "2.5.29.17=DER:3006820474776f2e"]),
    },
    Case {
        reason: ExtensionRepeated,
        name: "two_key_usages",
        make: |w| with(w, &["keyUsage=digitalSignature", "2.5.29.15=DER:03020780"]),
    },
    Case {
        reason: ExtensionRepeated,
        name: "basic_constraints_first_false_then_true",
        make: |w| with(w, &["basicConstraints=CA:FALSE", "2.5.29.19=DER:30030101ff"]),
    },
    Case {
        reason: ExtensionRepeated,
        name: "two_requests_for_extensions",
        make: |w| with_two_requests_for_extensions(w, false),
    },
    Case {
        reason: ExtensionRepeated,
        name: "a_request_for_extensions_with_two_lists",
        make: |w| with_two_requests_for_extensions(w, true),
    },
    Case { reason: CaRequested, name: "ca_true", make: |w| with(w, &["basicConstraints=CA:TRUE"]) },
    Case {
        reason: CaRequested,
        name: "critical_ca_true_with_a_path_length",
        make: |w| with(w, &["basicConstraints=critical,CA:TRUE,pathlen:3", "keyUsage=keyCertSign"]),
    },
    Case {
        reason: ExtensionNotAllowed,
        name: "an_unknown_critical_extension",
        make: |w| with(w, &["1.2.3.4=critical,ASN1:NULL"]),
    },
    Case {
        reason: ExtensionNotAllowed,
        name: "critical_name_constraints",
        make: |w| with(w, &["nameConstraints=critical,permitted;DNS:example.com"]),
    },
    Case {
        reason: ExtensionNotAllowed,
        name: "a_critical_extension_behind_good_ones",
        make: |w| {
            with(
                w,
                &[
                    "subjectAltName=DNS:gw-1.example",
                    "keyUsage=digitalSignature",
                    "tlsfeature=critical,status_request",
                ],
            )
        },
    },
    Case {
        reason: SanUnsupported,
        name: "an_other_name",
        make: |w| with_names(w, "otherName:1.2.3.4;UTF8:admin"),
    },
    Case { reason: SanUnsupported, name: "a_registered_id", make: |w| with_names(w, "RID:1.2.3.4") },
    Case {
        reason: SanUnsupported,
        name: "a_directory_name",
        make: |w| with(w, &["subjectAltName=DER:3013a411300f310d300b06035504030c0461646d6e"]),
    },
    Case {
        reason: SanUnsupported,
        name: "an_other_name_behind_a_good_one",
        make: |w| with_names(w, "DNS:gw-1.example,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:admin@example.com"),
    },
    Case {
        reason: SanUnsupported,
        name: "seventeen_names",
        make: |w| {
            let names: Vec<_> = (1..=17).map(|n| format!("DNS:gw-{n}.example")).collect();
            with_names(w, &names.join(","))
        },
    },
    Case { reason: SanMalformed, name: "no_names", make: |w| with(w, &["subjectAltName=DER:3000"]) },
    Case {
        reason: SanMalformed,
        name: "text_in_place_of_names",
        make: |w| with(w, &["subjectAltName=ASN1:UTF8:gw"]),
    },
    Case {
        reason: SanMalformed,
        name: "an_empty_dns_name",
        make: |w| with(w, &["subjectAltName=DER:30028200"]),
    },
    Case {
        reason: SanMalformed,
        name: "an_address_of_5_octets",
        make: |w| with(w, &["subjectAltName=DER:30078705c000020107"]),
    },
    Case {
        reason: SanMalformed,
        name: "an_address_with_a_mask",
        make: |w| with(w, &["subjectAltName=DER:300a8708c0000200ffffff00"]),
    },
    Case {
        reason: SanMalformed,
        name: "a_dns_name_with_a_nul",
        make: |w| with(w, &["subjectAltName=DER:300c820a67772d3100746573742e"]),
    },
    Case {
        reason: SanMalformed,
        name: "a_dns_name_with_a_newline",
        make: |w| with(w, &["subjectAltName=DER:300982076777310a746573"]),
    },
    Case {
        reason: SanMalformed,
        name: "a_dns_name_with_a_space",
        make: |w| with(w, &["subjectAltName=DNS:gw 1"]),
    },
    Case {
        reason: SanMalformed,
        name: "a_dns_name_that_is_not_ascii",
        make: |w| with(w, &["subjectAltName=DER:300a82087ac3a4686c657231"]),
    },
    Case {
        reason: SanMalformed,
        name: "names_of_no_kind",
        make: |w| with(w, &["subjectAltName=DER:3003890161"]),
    },
    Case {
        reason: SanMalformed,
        name: "octets_behind_the_names",
        make: |w| with(w, &["subjectAltName=DER:30068204746573742e0000"]),
    },
];

/// The octets of the identifier `extensionRequest`, as an element.
const EXTENSION_REQUEST: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];

/// A request with these extensions.
fn with(world: &World, extensions: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["req", "-new", "-key", "device.key", "-outform", "DER"];
    arguments.extend(extensions.iter().flat_map(|extension| ["-addext", *extension]));
    world.workshop.openssl_with(&arguments)
}

fn with_names(world: &World, names: &str) -> Vec<u8> {
    with(world, &[&format!("subjectAltName={names}")])
}

/// A request with one attribute whose content is made of that of OpenSSL's request for extensions.
fn with_attributes(world: &World, attribute: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut draft = Draft::of(&with(world, &["keyUsage=digitalSignature"]));
    let present = content(content(&draft.attributes)).to_vec();
    draft.attributes = element(0xa0, &element(0x30, &attribute(&present)));
    draft.signed(&world.workshop)
}

/// A request that asks for two lists of extensions: in one attribute, or in two.
fn with_two_requests_for_extensions(world: &World, in_one: bool) -> Vec<u8> {
    let mut draft = Draft::of(&with(world, &["keyUsage=digitalSignature"]));
    let attribute = content(&draft.attributes).to_vec();
    let second = element(0x30, &[]);
    let attributes = if in_one {
        let lists = content(&content(&attribute)[EXTENSION_REQUEST.len()..]);
        element(0x30, &[EXTENSION_REQUEST, &element(0x31, &[lists, &second].concat())].concat())
    } else {
        let other = element(0x30, &[EXTENSION_REQUEST, &element(0x31, &second)].concat());
        [attribute, other].concat()
    };
    draft.attributes = element(0xa0, &attributes);
    draft.signed(&world.workshop)
}
