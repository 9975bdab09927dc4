//! Reading what was sent: PEM or DER, and whether the DER is canonical.
//!
//! The X.509 parsers at hand forgive a lot: they take BER where DER is due, and overlook what is
//! left over inside a structure. Two programs may then see different content in the same octets.
//! So the structures that decide anything are read here with the strict `der` crate.

use der::asn1::{AnyRef, BitStringRef, IntRef, Null, OctetStringRef, SequenceRef};
use der::{Decode, ErrorKind, Reader, Sequence, SliceReader, Tag, Tagged};

/// How deep structures may be nested; requests and certificates need about ten levels.
const MAX_DEPTH: u8 = 32;

/// What every signed structure of X.509 looks like: a certificate (RFC 5280, section 4.1) as well
/// as a certification request (RFC 2986, section 4.2).
pub(crate) struct Signed<'a> {
    /// What is signed.
    pub(crate) body: AnyRef<'a>,
    /// The signature's `AlgorithmIdentifier`.
    pub(crate) algorithm: &'a SequenceRef,
    /// The signature.
    pub(crate) signature: BitStringRef<'a>,
}

/// A `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
pub(crate) struct PublicKeyInfo<'a> {
    /// The key's `AlgorithmIdentifier`.
    pub(crate) algorithm: &'a SequenceRef,
    /// The key.
    pub(crate) key: BitStringRef<'a>,
}

/// `Extension` (RFC 5280, section 4.1). The type stays encoded, since identifiers may have numbers
/// larger than any integer type.
#[derive(Sequence)]
pub(crate) struct Extension<'a> {
    pub(crate) kind: AnyRef<'a>,
    #[asn1(default = "Default::default")]
    pub(crate) critical: bool,
    pub(crate) content: &'a OctetStringRef,
}

impl<'a> Extension<'a> {
    /// The extensions in a list of them.
    pub(crate) fn list(list: &AnyRef<'a>) -> der::Result<Vec<Self>> {
        let extensions: Vec<Self> = list.decode_as()?;
        extensions.iter().try_for_each(|it| it.kind.tag().assert_eq(Tag::ObjectIdentifier).map(drop))?;
        Ok(extensions)
    }
}

impl<'a> Signed<'a> {
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        AnyRef::from_der(der)?.sequence(|fields| {
            Ok(Self { body: fields.decode()?, algorithm: fields.decode()?, signature: fields.decode()? })
        })
    }
}

impl<'a> PublicKeyInfo<'a> {
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        AnyRef::from_der(der)?
            .sequence(|fields| Ok(Self { algorithm: fields.decode()?, key: fields.decode()? }))
    }
}

/// Why input could not be read as one piece of DER; the text is for the detail of a rejection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

/// The DER in the input: the input itself when it starts like DER, else the content of its only
/// PEM block, which must have one of the labels. Text around the block is ignored, as tools write
/// it (`openssl req -text`).
pub(crate) fn der_of(input: &[u8], labels: &[&str]) -> Result<Vec<u8>, Unreadable> {
    // A SEQUENCE, with which everything read here begins.
    if input.first() == Some(&0x30) {
        return Ok(input.to_vec());
    }
    let begun = count(input, b"-----BEGIN ");
    if begun == 0 {
        return Err(Unreadable("neither DER nor PEM".into()));
    }
    let mut blocks =
        pem::parse_many(input).map_err(|error| Unreadable(format!("broken PEM: {error}")))?.into_iter();
    match (begun, blocks.next()) {
        (1, Some(block)) if labels.contains(&block.tag()) => Ok(block.into_contents()),
        (1, Some(block)) => {
            Err(Unreadable(format!("the PEM block is a {}, not a {}", block.tag(), labels.join(" or "))))
        }
        (1, None) => Err(Unreadable("the PEM block has no end".into())),
        (n, _) => Err(Unreadable(format!("{n} PEM blocks instead of one"))),
    }
}

/// DER as PEM (RFC 7468), with lines that end as on Unix.
pub(crate) fn pem_of(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, der), config)
}

/// Checks that the octets are exactly one element of canonical DER (X.690, sections 8 to 10), all
/// the way down: definite, shortest lengths, shortest integers, proper booleans, nothing behind.
///
/// Two liberties are left: a SET OF may be unsorted, since many encoders do not sort, and values
/// inside an OCTET STRING are looked at only by whoever uses them.
pub(crate) fn check_canonical(der: &[u8]) -> Result<(), Unreadable> {
    AnyRef::from_der(der).and_then(|_| check_elements(der, MAX_DEPTH)).map_err(|error| match error.kind() {
        ErrorKind::TrailingData { .. } => Unreadable("octets left over behind the end".into()),
        kind => Unreadable(format!("not canonical DER: {kind}")),
    })
}

fn check_elements(der: &[u8], depth: u8) -> der::Result<()> {
    let depth = depth.checked_sub(1).ok_or(ErrorKind::Overlength)?;
    for element in elements(der)? {
        match element.tag() {
            tag if tag.is_constructed() => check_elements(element.value(), depth)?,
            Tag::Boolean => drop(element.decode_as::<bool>()?),
            Tag::Integer | Tag::Enumerated => {
                AnyRef::new(Tag::Integer, element.value())?.decode_as::<IntRef<'_>>()?;
            }
            Tag::Null => drop(element.decode_as::<Null>()?),
            Tag::BitString => check_padding(&element.decode_as()?)?,
            _ => {}
        }
    }
    Ok(())
}

/// The bits that fill up the last octet are zero (X.690, section 11.2.1).
fn check_padding(bits: &BitStringRef<'_>) -> der::Result<()> {
    let last = bits.raw_bytes().last().copied().unwrap_or_default();
    if last.trailing_zeros() < u32::from(bits.unused_bits()) {
        return Err(Tag::BitString.value_error().into());
    }
    Ok(())
}

/// The elements that follow one another in `content`.
pub(crate) fn elements(content: &[u8]) -> der::Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(content)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(AnyRef::decode(&mut reader)?);
    }
    Ok(found)
}

fn count(text: &[u8], part: &[u8]) -> usize {
    text.windows(part.len()).filter(|window| *window == part).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pem_block_is_found_between_other_text() {
        let pem = "Certificate Request:\n  Data:\n-----BEGIN A-----\r\nMAA=\r\n-----END A-----\nbye";
        assert_eq!(der_of(pem.as_bytes(), &["B", "A"]).unwrap(), [0x30, 0]);
        assert_eq!(der_of(&[0x30, 0], &["A"]).unwrap(), [0x30, 0]);
    }

    #[test]
    fn what_is_not_one_pem_block_is_told_apart() {
        let block = "-----BEGIN A-----\nMAA=\n-----END A-----\n";
        for (input, said) in [
            (String::new(), "neither DER nor PEM"),
            ("hello".into(), "neither DER nor PEM"),
            (block.repeat(2), "2 PEM blocks instead of one"),
            (format!("{block}-----BEGIN A-----\nMA"), "2 PEM blocks instead of one"),
            ("-----BEGIN A-----\nMA".into(), "the PEM block has no end"),
            (block.replace("A-", "B-"), "the PEM block is a B, not a A"),
        ] {
            assert_eq!(der_of(input.as_bytes(), &["A"]).unwrap_err().0, said, "{input}");
        }
        let broken = "-----BEGIN A-----\nM\u{7}A=\n-----END A-----\n";
        assert!(der_of(broken.as_bytes(), &["A"]).unwrap_err().0.starts_with("broken PEM"));
    }

    #[test]
    fn canonical_der_passes() {
        for der in [
            &[0x30, 0x00][..],
            &[0x30, 0x06, 0x02, 0x01, 0x00, 0x01, 0x01, 0xff],
            &[0x31, 0x04, 0xa0, 0x02, 0x05, 0x00],
        ] {
            check_canonical(der).unwrap();
        }
    }

    #[test]
    fn ber_that_is_not_der_is_refused() {
        for ber in [
            &[][..],
            &[0x30],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x81, 0x00],
            &[0x30, 0x82, 0x00, 0x00],
            &[0x30, 0x03, 0x01, 0x01, 0x01],
            &[0x30, 0x04, 0x02, 0x02, 0x00, 0x01],
            &[0x30, 0x04, 0x02, 0x02, 0xff, 0xff],
            &[0x30, 0x02, 0x02, 0x00],
            &[0x30, 0x03, 0x05, 0x01, 0x00],
            &[0x30, 0x04, 0x03, 0x02, 0x01, 0x01],
            &[0x24, 0x03, 0x04, 0x01, 0x00],
            &[0x30, 0x00, 0x00],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(check_canonical(ber).is_err(), "{ber:02x?}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let mut der = vec![0x30, 0x00];
        for _ in 0..40 {
            let length = u8::try_from(der.len()).unwrap();
            der = [&[0x30, length][..], &der].concat();
        }
        assert!(check_canonical(&der).is_err());
    }
}
