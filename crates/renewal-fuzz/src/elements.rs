//! DER taken apart and put together, without judging what it says.

use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader};

pub(crate) const SEQUENCE: u8 = 0x30;

/// An element with this tag and content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    match length {
        [] => vec![tag, 0],
        [short @ 0..=0x7f] => [&[tag, *short], content].concat(),
        // A length has at most eight octets.
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or_default()], long, content].concat(),
    }
}

/// A SEQUENCE of these elements.
pub(crate) fn sequence(elements: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let content: Vec<u8> = elements.iter().flat_map(AsRef::as_ref).copied().collect();
    element(SEQUENCE, &content)
}

/// A BIT STRING of whole octets.
pub(crate) fn bits(octets: &[u8]) -> Vec<u8> {
    element(3, &[&[0], octets].concat())
}

/// The elements in a SEQUENCE, if it is one.
pub(crate) fn elements_of(sequence: &[u8]) -> Option<Vec<Vec<u8>>> {
    let whole = AnyRef::from_der(sequence).ok().filter(|_| sequence.first() == Some(&SEQUENCE))?;
    let mut reader = SliceReader::new(whole.value()).ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader).ok()?.to_der().ok()?);
    }
    Some(elements)
}
