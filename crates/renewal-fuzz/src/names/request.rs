//! A request for names that are written as text, whatever they are.

use std::net::IpAddr;

use crate::elements::{element, sequence};
use crate::reading::attributes::{self, AttributeType, StringType};
use crate::sealed;

/// The identifiers of subject alternative names, and of the attribute that asks for extensions.
const ALT_NAMES: [u8; 5] = [6, 3, 0x55, 0x1d, 0x11];
const EXTENSION_REQUEST: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x0e];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) common_name: &'a str,
    /// Further attributes, each with its value.
    pub(super) attributes: Vec<(&'static AttributeType, &'a str)>,
    /// Alternative names, as text.
    pub(super) san: Vec<String>,
}

impl<'a> Request<'a> {
    /// Asks for the names that these lines are; what is neither `KIND:NAME` nor `TYPE=VALUE` is left out.
    pub(super) fn of(common_name: &'a str, lines: &[&'a str]) -> Self {
        let mut request = Self { common_name, attributes: Vec::new(), san: Vec::new() };
        for line in lines {
            if ["DNS:", "email:", "URI:"].iter().any(|kind| line.starts_with(kind)) {
                request.san.push((*line).to_owned());
            } else if let Some(Ok(address)) = line.strip_prefix("IP:").map(str::parse::<IpAddr>) {
                request.san.push(format!("IP:{address}"));
            } else if let Some((name, value)) = line.split_once('=')
                && let Some(kind) = attributes::named(name).filter(|kind| kind.name != "CN")
            {
                request.attributes.push((kind, value));
            }
        }
        request
    }

    /// Its subject as text, attribute by attribute.
    pub(super) fn subject(&self) -> Vec<String> {
        let others = self.attributes.iter().map(|(kind, value)| format!("{}={value}", kind.name));
        others.chain([format!("CN={}", self.common_name)]).collect()
    }

    /// The request (RFC 2986), with a good signature.
    pub(super) fn der(&self) -> Option<Vec<u8>> {
        let common_name = attributes::named("CN").map(|kind| (kind, self.common_name));
        let parts: Vec<_> = self.attributes.iter().copied().chain(common_name).map(attribute).collect();
        let names: Vec<_> = self.san.iter().filter_map(|name| alt_name(name)).collect();
        let extensions = if names.is_empty() {
            Vec::new()
        } else {
            let extension = sequence(&[&ALT_NAMES[..], &element(4, &sequence(&names))]);
            let request = element(0x31, &sequence(&[extension]));
            sequence(&[&EXTENSION_REQUEST[..], &request])
        };
        // The key is put in with the signature.
        let body = [vec![2, 1, 0], sequence(&parts), vec![5, 0], element(0xa0, &extensions)];
        sealed::request(&sequence(&[sequence(&body)]))
    }
}

fn attribute((kind, value): (&AttributeType, &str)) -> Vec<u8> {
    let string_type: StringType = kind.string_type;
    let value = element(string_type as u8, value.as_bytes());
    element(0x31, &sequence(&[element(6, kind.oid), value]))
}

/// A `GeneralName` (RFC 5280, section 4.2.1.6).
fn alt_name(text: &str) -> Option<Vec<u8>> {
    let (kind, name) = text.split_once(':')?;
    match kind {
        "email" => Some(element(0x81, name.as_bytes())),
        "DNS" => Some(element(0x82, name.as_bytes())),
        "URI" => Some(element(0x86, name.as_bytes())),
        _ => match name.parse().ok()? {
            IpAddr::V4(address) => Some(element(0x87, &address.octets())),
            IpAddr::V6(address) => Some(element(0x87, &address.octets())),
        },
    }
}
