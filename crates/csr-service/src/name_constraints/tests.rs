//! Name constraints: which names each form permits, and which constraints cannot be obeyed.

use super::*;
use crate::test_support::{Cert, P256, Request, ca_true, cn, extension, oid, part, san, seq, set, tlv};
use crate::{Csr, Issuer, IssuerError, KeyPolicy, Profile, Reason, issue};

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const OTHER_NAME: u8 = 0xa0;

const ORGANISATION: &str = "2.5.4.10";
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;

/// A base, a `GeneralName`.
fn base(form: u8, content: &[u8]) -> Vec<u8> {
    tlv(form, content)
}

/// The content of the extension.
fn content(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let list = |tag, bases: &[Vec<u8>]| match bases {
        [] => Vec::new(),
        bases => tlv(tag, &bases.iter().flat_map(|base| seq(std::slice::from_ref(base))).collect::<Vec<_>>()),
    };
    seq(&[list(0xa0, permitted), list(0xa1, excluded)])
}

fn load(constraints: &[u8], critical: bool) -> Result<Issuer, IssuerError> {
    let extensions = vec![ca_true(), extension("2.5.29.30", critical, constraints)];
    let der = Cert { subject: vec![cn("Test CA")], extensions, ..Cert::default() }.der(&P256);
    let key = rcgen::KeyPair::from_pem(&P256.serialize_pem()).unwrap();
    Issuer::with_signer(der, std::sync::Arc::new(key), crate::test_support::now())
}

/// A request with these parts of the subject before the common name, and these alternative names.
fn request(parts: &[Vec<u8>], names: &[(u8, &[u8])]) -> Csr {
    let subject = [parts, &[cn("device-1")]].concat();
    let attributes = match names {
        [] => Vec::new(),
        names => vec![crate::test_support::extension_request(&[san(names)])],
    };
    Csr::parse(&Request { subject, attributes, ..Request::default() }.der(), &KeyPolicy::default()).unwrap()
}

/// Checks alternative names of one form against a permitted and then an excluded base.
#[track_caller]
fn assert_within(form: u8, base_text: &[u8], within: &[&[u8]], outside: &[&[u8]]) {
    let permitting = load(&content(&[base(form, base_text)], &[]), true).unwrap();
    let excluding = load(&content(&[], &[base(form, base_text)]), true).unwrap();
    for (names, is_within) in [(within, true), (outside, false)] {
        for name in names {
            let csr = request(&[], &[(form, name)]);
            let shown = csr.san().to_string();
            assert_eq!(permitting.permits_names(&csr).is_ok(), is_within, "{shown}, permitted");
            assert_eq!(excluding.permits_names(&csr).is_ok(), !is_within, "{shown}, excluded");
        }
    }
}

#[test]
fn a_domain_holds_itself_and_everything_below() {
    let below: [&[u8]; 3] = [b"host.example", b"www.host.example", b"A.B.HOST.Example"];
    assert_within(DNS, b"host.example", &below, &[b"host1.example", b"myhost.example", b"example"]);
    assert_within(DNS, b"Host.Example", &below, &[b"ost.example"]);
    assert_within(DNS, b".host.example", &[b"www.host.example"], &[b"host.example", b"myhost.example"]);
    assert_within(DNS, b"", &[b"host.example", b"x"], &[]);
}

#[test]
fn a_name_that_cannot_be_compared_is_neither_within_nor_outside() {
    for name in ["*.host.example", "host.example.", ".host.example", "a..b", "a/b", ""] {
        assert_eq!(hosts::domain_is_within(name, "host.example"), None, "{name}");
    }
    for address in
        ["host.example", "@host.example", "a@", "a@.host.example", "ä@host.example", "a@[192.0.2.1]"]
    {
        assert_eq!(hosts::email_is_within(address, "host.example"), None, "{address}");
    }
    for uri in [
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "mailto:ops@host.example",
        "//host.example/",
        "https:/host.example",
        "https://",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://localhost/",
        "https://host.example\\@other.example/",
        "https://other.example@a@host.example/",
    ] {
        assert_eq!(hosts::uri_is_within(uri, "host.example"), None, "{uri}");
    }
}

#[test]
fn an_email_constraint_is_a_mailbox_a_host_or_what_is_below_a_domain() {
    assert_within(
        EMAIL,
        b"ops@host.example",
        &[b"ops@host.example", b"ops@HOST.example"],
        &[b"Ops@host.example", b"x@host.example", b"ops@a.host.example"],
    );
    assert_within(
        EMAIL,
        b"host.example",
        &[b"ops@host.example", b"x@Host.Example"],
        &[b"ops@a.host.example", b"ops@ahost.example"],
    );
    assert_within(
        EMAIL,
        b".host.example",
        &[b"ops@a.host.example", b"ops@a.b.host.example"],
        &[b"ops@host.example", b"ops@ahost.example"],
    );
    assert_within(EMAIL, b"", &[b"ops@host.example"], &[]);
}

#[test]
fn a_uri_constraint_is_a_host_or_what_is_below_a_domain() {
    assert_within(
        URI,
        b"host.example",
        &[b"https://host.example", b"coaps://u@HOST.example:5684/x?y#z", b"spiffe://host.example/a@b"],
        &[b"https://a.host.example/", b"https://a.example/host.example", b"https://host.example@a.example"],
    );
    assert_within(
        URI,
        b".host.example",
        &[b"https://a.host.example/", b"https://a.b.host.example"],
        &[b"https://host.example/", b"https://other.example/.host.example"],
    );
    assert_within(URI, b"", &[b"https://a.example/"], &[]);
}

#[test]
fn a_uri_whose_host_is_no_domain_name_is_refused_where_uris_are_constrained() {
    let bases = [base(URI, b"host.example")];
    for constraints in [content(&bases, &[]), content(&[], &bases)] {
        let rejection =
            load(&constraints, true).unwrap().permits_names(&request(&[], &[(URI, b"urn:x")])).unwrap_err();
        assert_eq!(rejection.reason(), Reason::NameNotPermittedByIssuer);
        let said = "URI:urn:x has no fully qualified domain name as its host, as the constraint URI:host.example requires";
        assert_eq!(rejection.detail(), said);
    }
    let dns_only = load(&content(&[base(DNS, b"example")], &[]), true).unwrap();
    assert!(dns_only.permits_names(&request(&[], &[(URI, b"urn:x"), (DNS, b"a.example")])).is_ok());
}

#[test]
fn an_address_constraint_is_a_network() {
    let v4 = |address: [u8; 4], mask: [u8; 4]| [address, mask].concat();
    let v6: &[u8] = &[&[0x20, 1, 0xd, 0xb8], &[0; 11][..], &[1]].concat();
    assert_within(
        IP,
        &v4([10, 1, 2, 3], [255, 240, 0, 0]),
        &[&[10, 0, 0, 0], &[10, 15, 255, 255]],
        &[&[10, 16, 0, 0], &[11, 0, 0, 0], v6],
    );
    assert_within(IP, &v4([10, 1, 2, 3], [255; 4]), &[&[10, 1, 2, 3]], &[&[10, 1, 2, 2]]);
    assert_within(IP, &v4([0; 4], [0; 4]), &[&[255; 4], &[0; 4]], &[v6]);
    let network = [&[0x20, 1, 0xd, 0xb8], &[0; 12][..], &[0xff; 4], &[0; 12]].concat();
    assert_within(IP, &network, &[v6], &[&[0x20; 16], &[0x20, 1, 0xd, 0xb8]]);
}

#[test]
fn the_subject_is_within_the_name_that_it_begins_with() {
    let issuer = |parts: &[Vec<u8>], excluded: bool| {
        let bases = [base(DIRECTORY, &seq(parts))];
        let (permitted, excluded): (&[_], &[_]) = if excluded { (&[], &bases) } else { (&bases, &[]) };
        load(&content(permitted, excluded), true).unwrap()
    };
    let works = |tag, text| part(ORGANISATION, tag, text);
    let hall = part("2.5.4.11", UTF8, "Hall");
    let both = set(&[works(UTF8, "Works")[2..].to_vec(), hall[2..].to_vec()]);
    for (constraint, subject, is_within) in [
        (vec![works(UTF8, "Works")], vec![works(UTF8, "Works")], true),
        (vec![works(UTF8, "Works")], vec![works(UTF8, "Works"), hall.clone()], true),
        (vec![works(UTF8, "Works")], vec![works(PRINTABLE, "Works")], true),
        (vec![works(PRINTABLE, " the\t WORKS ")], vec![works(UTF8, "The  Works")], true),
        (vec![works(UTF8, "Works"), hall.clone()], vec![works(UTF8, "Works"), hall.clone()], true),
        (vec![], vec![works(UTF8, "Works")], true),
        (vec![works(UTF8, "Works"), hall.clone()], vec![works(UTF8, "Works")], false),
        (vec![works(UTF8, "Works"), hall.clone()], vec![hall.clone(), works(UTF8, "Works")], false),
        (vec![works(UTF8, "Works")], vec![hall.clone(), works(UTF8, "Works")], false),
        (vec![works(UTF8, "Works")], vec![works(UTF8, "Works Ltd")], false),
        (vec![works(UTF8, "Works")], vec![works(UTF8, "Wor ks")], false),
        (vec![works(UTF8, "Ä")], vec![works(UTF8, "ä")], false),
        (vec![works(UTF8, "Works")], vec![part("2.5.4.11", UTF8, "Works")], false),
        (vec![works(UTF8, "Works")], vec![], false),
        (vec![both], vec![works(UTF8, "Works"), hall.clone()], false),
    ] {
        let csr = request(&subject, &[]);
        let shown = csr.subject().to_string();
        assert_eq!(issuer(&constraint, false).permits_names(&csr).is_ok(), is_within, "{shown}, permitted");
        assert_eq!(issuer(&constraint, true).permits_names(&csr).is_ok(), !is_within, "{shown}, excluded");
    }
}

#[test]
fn an_email_address_in_the_subject_obeys_the_constraints_of_email_addresses() {
    let subject = |address| [part("1.2.840.113549.1.9.1", IA5, address)];
    let issuer = load(&content(&[base(EMAIL, b"host.example")], &[]), true).unwrap();
    assert!(issuer.permits_names(&request(&subject("ops@host.example"), &[])).is_ok());
    for names in [&[][..], &[(DNS, &b"a.example"[..])]] {
        let rejection = issuer.permits_names(&request(&subject("ops@other.example"), names)).unwrap_err();
        assert_eq!(rejection.reason(), Reason::NameNotPermittedByIssuer);
    }
}

#[test]
fn of_several_subtrees_one_must_permit_a_name_and_none_exclude_it() {
    let permitted =
        [base(DNS, b"a.example"), base(DNS, b"b.example"), base(IP, &[10, 0, 0, 0, 255, 0, 0, 0])];
    let issuer = load(&content(&permitted, &[base(DNS, b"no.b.example")]), true).unwrap();
    for (names, is_permitted) in [
        (&[][..], true),
        (&[(DNS, &b"a.example"[..])], true),
        (&[(DNS, b"x.b.example"), (IP, &[10, 0, 0, 1])], true),
        (&[(EMAIL, b"ops@c.example"), (URI, b"urn:x")], true),
        (&[(DNS, b"x.b.example"), (DNS, b"c.example")], false),
        (&[(DNS, b"x.b.example"), (IP, &[11, 0, 0, 1])], false),
        (&[(DNS, b"x.no.b.example")], false),
    ] {
        let csr = request(&[], names);
        assert_eq!(issuer.permits_names(&csr).is_ok(), is_permitted, "{}", csr.san());
    }
}

#[test]
fn a_rejection_has_the_name_and_the_constraint() {
    let permitted = [base(DNS, b"a.example"), base(DNS, b"b.example")];
    let excluded = [base(DNS, b"no.b.example"), base(DIRECTORY, &seq(&[part(ORGANISATION, UTF8, "Evil")]))];
    let issuer = load(&content(&permitted, &excluded), true).unwrap();
    let detail = |parts: &[Vec<u8>], names: &[(u8, &[u8])]| {
        issuer.permits_names(&request(parts, names)).unwrap_err().detail().to_owned()
    };
    assert_eq!(
        detail(&[], &[(DNS, b"c.example")]),
        "DNS:c.example is not within the permitted DNS:a.example or DNS:b.example"
    );
    assert_eq!(
        detail(&[], &[(DNS, b"x.no.b.example")]),
        "DNS:x.no.b.example is within the excluded DNS:no.b.example"
    );
    assert_eq!(
        detail(&[part(ORGANISATION, UTF8, "Evil")], &[]),
        "the subject O=Evil, CN=device-1 is within the excluded dirName:O=Evil"
    );
    let long = ["a".repeat(60), "b".repeat(60), "c".repeat(60), "no.b.example".into()].join(".");
    let shown = detail(&[], &[(DNS, long.as_bytes())]);
    assert!(shown.starts_with("DNS:aaa") && shown.ends_with("the excluded DNS:no.b.example"), "{shown}");
}

#[test]
fn a_name_that_is_not_permitted_is_not_signed() {
    let issuer = load(&content(&[base(DNS, b"a.example")], &[]), true).unwrap();
    let sign = |name: &[u8]| {
        let csr = request(&[], &[(DNS, name)]);
        issue(&issuer, &Profile::default(), &csr, None, crate::test_support::now())
    };
    assert!(sign(b"x.a.example").is_ok());
    assert_eq!(sign(b"x.b.example").unwrap_err().reason(), Reason::NameNotPermittedByIssuer);
}

#[track_caller]
fn refused(constraints: &[u8], critical: bool, why: &str) {
    let error = load(constraints, critical).unwrap_err();
    assert!(matches!(error, IssuerError::NameConstraints(_) | IssuerError::Certificate(_)), "{error}");
    assert!(error.to_string().contains(why), "{why}: {error}");
}

#[test]
fn an_issuer_with_critical_constraints_of_other_forms_is_refused() {
    let other_name = seq(&[oid("1.2.3"), tlv(0xa0, &tlv(UTF8, b"x"))])[2..].to_vec();
    for (form, body, name) in
        [(OTHER_NAME, other_name, "otherName"), (0x88, oid("1.2.3")[2..].to_vec(), "registeredID")]
    {
        let bases = [base(DNS, b"a.example"), base(form, &body)];
        for constraints in [content(&bases, &[]), content(&[], &bases)] {
            refused(&constraints, true, name);
            let issuer = load(&constraints, false).unwrap();
            let (one, other) = ([(DNS, &b"a.example"[..])], [(DNS, &b"b.example"[..])]);
            let permits = |names| issuer.permits_names(&request(&[], names)).is_ok();
            assert_ne!(permits(&one), permits(&other), "{name}");
        }
    }
}

#[test]
fn an_issuer_whose_constraints_are_wrong_is_refused() {
    let only = |form, body: &[u8]| content(&[base(form, body)], &[]);
    for form in [DNS, EMAIL, URI] {
        for body in
            [&b"*.a.example"[..], b"a..example", b".", b"a.example.", b"a b", b"\xff", b"https://a.example"]
        {
            refused(&only(form, body), true, "is no constraint of this form");
            refused(&only(form, body), false, "is no constraint of this form");
        }
    }
    refused(&only(EMAIL, b"@a.example"), true, "is no constraint of this form");
    for network in [&[][..], &[10, 0, 0, 0], &[10, 0, 0, 0, 255], &[0; 16], &[0; 33]] {
        refused(&only(IP, network), true, "is no address with a mask");
    }
    for mask in [[255, 0, 255, 0], [0, 0, 0, 255], [255, 255, 253, 0], [127, 0, 0, 0]] {
        refused(&only(IP, &[[10, 0, 0, 0], mask].concat()), true, "has a mask with gaps");
    }
    let teletex = seq(&[part(ORGANISATION, 0x14, "Works")]);
    refused(&only(DIRECTORY, &teletex), true, "2.5.4.10 is no UTF8String");
    for constraints in [
        seq(&[]),
        seq(&[tlv(0xa0, &[])]),
        seq(&[tlv(0xa1, &seq(&[base(DNS, b"a")])), tlv(0xa0, &seq(&[base(DNS, b"a")]))]),
        seq(&[tlv(0xa2, &seq(&[base(DNS, b"a")]))]),
        seq(&[tlv(0xa0, &seq(&[]))]),
        seq(&[tlv(0xa0, &seq(&[base(DNS, b"a"), tlv(0x80, &[1])]))]),
        seq(&[tlv(0xa0, &seq(&[base(DNS, b"a"), tlv(0x81, &[9])]))]),
        seq(&[tlv(0xa0, &seq(&[tlv(UTF8, b"a")]))]),
        [seq(&[tlv(0xa0, &seq(&[base(DNS, b"a")]))]), seq(&[])].concat(),
    ] {
        assert!(load(&constraints, true).is_err(), "{constraints:02x?}");
    }
}
