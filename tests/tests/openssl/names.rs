//! Requests whose subject is no name for a device.

use csr_service::Reason::{
    SubjectCnLength, SubjectControlCharacter, SubjectMalformed, SubjectUnsupported, SubjectWithSeveralCns,
    SubjectWithoutCn,
};

use crate::case::Case;
use crate::draft::{CN, Draft, UTF8, element, name, sequence};
use crate::world::World;

/// The cases.
pub(crate) const REQUESTS: &[Case] = &[
    Case { reason: SubjectWithoutCn, name: "an_empty_subject", make: |w| named(w, "/") },
    Case { reason: SubjectWithoutCn, name: "an_organisation_alone", make: |w| named(w, "/C=DE/O=Works") },
    Case {
        reason: SubjectWithoutCn,
        name: "an_alternative_name_in_place_of_it",
        make: |w| {
            let san = "subjectAltName=DNS:gateway-1";
            w.workshop.openssl(&format!("req -new -key device.key -outform DER -subj / -addext {san}"))
        },
    },
    Case { reason: SubjectWithSeveralCns, name: "two", make: |w| named(w, "/CN=gateway-1/CN=gateway-2") },
    Case {
        reason: SubjectWithSeveralCns,
        name: "the_same_twice",
        make: |w| named(w, "/CN=gateway-1/CN=gateway-1"),
    },
    Case {
        reason: SubjectWithSeveralCns,
        name: "two_in_one_part",
        make: |w| named(w, "/CN=gateway-1+CN=gateway-2"),
    },
    Case { reason: SubjectCnLength, name: "an_empty_one", make: |w| with_octets(w, UTF8, b"") },
    Case { reason: SubjectCnLength, name: "65_characters", make: |w| with_octets(w, UTF8, &[b'x'; 65]) },
    Case {
        reason: SubjectCnLength,
        name: "65_characters_of_two_octets_each",
        make: |w| with_octets(w, UTF8, "é".repeat(65).as_bytes()),
    },
    Case { reason: SubjectCnLength, name: "10_kilobytes", make: |w| with_octets(w, UTF8, &[b'x'; 10_000]) },
    Case {
        reason: SubjectControlCharacter,
        name: "a_newline",
        make: |w| named(w, "/CN=gateway-1\ngateway-2"),
    },
    Case { reason: SubjectControlCharacter, name: "a_tab", make: |w| named(w, "/CN=gateway\t1") },
    Case {
        reason: SubjectControlCharacter,
        name: "a_nul",
        make: |w| with_octets(w, UTF8, b"gateway-1\0.evil"),
    },
    Case {
        reason: SubjectControlCharacter,
        name: "a_terminal_escape",
        make: |w| named(w, "/CN=gateway-1\u{1b}]0;owned\u{7}"),
    },
    Case {
        reason: SubjectControlCharacter,
        name: "a_change_of_direction",
        make: |w| named(w, "/CN=gateway\u{202e}1-yawetag"),
    },
    Case {
        reason: SubjectControlCharacter,
        name: "a_right_to_left_mark",
        make: |w| named(w, "/CN=gateway\u{200f}-1"),
    },
    Case { reason: SubjectControlCharacter, name: "a_delete", make: |w| named(w, "/CN=gateway-1\u{7f}") },
    Case {
        reason: SubjectControlCharacter,
        name: "a_line_separator",
        make: |w| named(w, "/CN=gateway\u{2028}1"),
    },
    Case {
        reason: SubjectControlCharacter,
        name: "a_newline_in_the_organisation",
        make: |w| named(w, "/O=Works\nCN=root/CN=gateway-1"),
    },
    Case {
        reason: SubjectControlCharacter,
        name: "10_kilobytes_of_newlines",
        make: |w| with_octets(w, UTF8, &[b'\n'; 10_000]),
    },
    Case {
        reason: SubjectMalformed,
        name: "an_organisation_of_65_characters",
        make: |w| with_attribute(w, ORGANISATION, UTF8, &[b'x'; 65]),
    },
    Case {
        reason: SubjectMalformed,
        name: "a_country_of_three_letters",
        make: |w| with_attribute(w, COUNTRY, 0x13, b"DEU"),
    },
    Case {
        reason: SubjectUnsupported,
        name: "two_attributes_in_one_part",
        make: |w| named(w, "/O=Works+OU=Hall 7/CN=gateway-1"),
    },
    Case {
        reason: SubjectUnsupported,
        name: "two_organisations",
        make: |w| named(w, "/O=Works/O=Hall 7/CN=gateway-1"),
    },
    Case { reason: SubjectUnsupported, name: "a_bmp_string", make: |w| with_string_type(w, "MASK:0x800") },
    Case { reason: SubjectUnsupported, name: "a_teletex_string", make: |w| with_string_type(w, "MASK:0x4") },
    Case { reason: SubjectUnsupported, name: "a_number", make: |w| with_octets(w, 0x02, &[1]) },
    Case {
        reason: SubjectUnsupported,
        name: "text_that_is_not_utf_8",
        make: |w| with_octets(w, UTF8, b"gateway-\xff"),
    },
    Case {
        reason: SubjectUnsupported,
        name: "a_printable_string_with_an_underscore",
        make: |w| with_octets(w, 0x13, b"gateway_1"),
    },
    Case {
        reason: SubjectUnsupported,
        name: "a_part_without_attributes",
        make: |w| {
            let mut draft = Draft::new(&w.workshop);
            let part = element(0x31, &sequence(&[&element(0x06, CN), &element(UTF8, b"gateway-1")]));
            draft.subject = sequence(&[&element(0x31, &[]), &part]);
            draft.signed(&w.workshop)
        },
    },
    Case {
        reason: SubjectUnsupported,
        name: "an_attribute_that_is_a_structure",
        make: |w| {
            let mut draft = Draft::new(&w.workshop);
            let organisation: &[u8] = &[0x55, 0x04, 0x0a];
            draft.subject = name(&[(organisation, 0x30, &[]), (CN, UTF8, b"gateway-1")]);
            draft.signed(&w.workshop)
        },
    },
];

/// The contents of the identifiers of an organisation and of a country.
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
const COUNTRY: &[u8] = &[0x55, 0x04, 0x06];

/// A request of the device with another attribute in its subject.
fn with_attribute(world: &World, kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(&world.workshop);
    draft.subject = name(&[(kind, tag, value), (CN, UTF8, b"gateway-1")]);
    draft.signed(&world.workshop)
}

fn named(world: &World, subject: &str) -> Vec<u8> {
    world.workshop.openssl_with(&["req", "-new", "-key", "device.key", "-outform", "DER", "-subj", subject])
}

/// A request with a common name that OpenSSL would not write.
fn with_octets(world: &World, tag: u8, common_name: &[u8]) -> Vec<u8> {
    Draft::new(&world.workshop).named(tag, common_name).signed(&world.workshop)
}

/// A request whose common name is of the string type that the mask leaves.
fn with_string_type(world: &World, mask: &str) -> Vec<u8> {
    let configuration =
        format!("[req]\nprompt=no\ndistinguished_name=n\nstring_mask={mask}\n[n]\nCN=gateway-1\n");
    world.workshop.write("strings.cnf", configuration);
    world.workshop.openssl("req -new -key device.key -outform DER -config strings.cnf")
}
