//! Requests that OpenSSL does not write: its own, changed part by part, and signed by it again.

use crate::workshop::Workshop;

/// An element of DER.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match u8::try_from(length) {
        Ok(short @ ..=0x7f) => vec![tag, short],
        Ok(long) => vec![tag, 0x81, long],
        Err(_) => [&[tag, 0x82][..], &u16::try_from(length).unwrap().to_be_bytes()].concat(),
    };
    [header, content.to_vec()].concat()
}

/// A SEQUENCE of elements.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

/// The elements inside of an element, each whole.
pub(crate) fn parts(der: &[u8]) -> Vec<&[u8]> {
    let mut rest = content(der);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (first, others) = rest.split_at(rest.len() - behind(rest).len());
        found.push(first);
        rest = others;
    }
    found
}

/// What is inside of an element.
pub(crate) fn content(der: &[u8]) -> &[u8] {
    let (header, length) = header(der);
    &der[header..header + length]
}

fn behind(der: &[u8]) -> &[u8] {
    let (header, length) = header(der);
    &der[header + length..]
}

/// How long the header of an element is, and how long its content.
fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ ..=0x7f => (2, short.into()),
        long => {
            let octets = usize::from(long & 0x7f);
            let length = der[2..2 + octets].iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            (2 + octets, length)
        }
    }
}

/// A name with one attribute in each part: identifier (the content), tag, value.
pub(crate) fn name(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
    let part = |&(kind, tag, value): &(&[u8], u8, &[u8])| {
        element(0x31, &sequence(&[&element(0x06, kind), &element(tag, value)]))
    };
    element(0x30, &attributes.iter().flat_map(part).collect::<Vec<_>>())
}

/// The content of the identifier of a common name.
pub(crate) const CN: &[u8] = &[0x55, 0x04, 0x03];

/// The tag of a `UTF8String`.
pub(crate) const UTF8: u8 = 0x0c;

/// A request in parts, each an element of DER.
pub(crate) struct Draft {
    pub(crate) version: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) attributes: Vec<u8>,
    algorithm: Vec<u8>,
}

impl Draft {
    /// The parts of the request that OpenSSL makes with `device.key`.
    pub(crate) fn new(workshop: &Workshop) -> Self {
        Self::of(&workshop.openssl("req -new -key device.key -outform DER"))
    }

    /// The parts of a request.
    pub(crate) fn of(request: &[u8]) -> Self {
        let [info, algorithm, _] = parts(request)[..] else { panic!("no request") };
        let [version, subject, key, attributes] = parts(info)[..] else { panic!("no request") };
        Self {
            version: version.to_vec(),
            subject: subject.to_vec(),
            key: key.to_vec(),
            attributes: attributes.to_vec(),
            algorithm: algorithm.to_vec(),
        }
    }

    /// The request with a common name of any octets.
    pub(crate) fn named(mut self, tag: u8, common_name: &[u8]) -> Self {
        self.subject = name(&[(CN, tag, common_name)]);
        self
    }

    /// The request, signed with `device.key`.
    pub(crate) fn signed(&self, workshop: &Workshop) -> Vec<u8> {
        let info = sequence(&[&self.version, &self.subject, &self.key, &self.attributes]);
        workshop.write("info.der", &info);
        let signature = workshop.openssl("dgst -sha256 -sign device.key info.der");
        sequence(&[&info, &self.algorithm, &element(0x03, &[&[0][..], &signature].concat())])
    }
}
