//! DER as a tree of elements.

use crate::elements::element;

/// How deep elements are looked into.
const MAX_DEPTH: usize = 24;

const OCTET_STRING: u8 = 4;
const BIT_STRING: u8 = 3;
const CONSTRUCTED: u8 = 0x20;

/// One element.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) tag: u8,
    pub(super) content: Content,
}

/// What an element has in it.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Octets(Vec<u8>),
    Nodes(Vec<Node>),
    /// Elements in a BIT STRING: a public key, for instance.
    Bits(Vec<Node>),
}

impl Content {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Octets(octets) => octets.clone(),
            Self::Nodes(nodes) => encode(nodes),
            Self::Bits(nodes) => [vec![0], encode(nodes)].concat(),
        }
    }

    fn nodes(&self) -> &[Node] {
        match self {
            Self::Octets(_) => &[],
            Self::Nodes(nodes) | Self::Bits(nodes) => nodes,
        }
    }
}

/// The elements that the octets are made of, if they are.
pub(super) fn parse(der: &[u8]) -> Option<Vec<Node>> {
    parse_at(der, MAX_DEPTH)
}

fn parse_at(mut der: &[u8], depth: usize) -> Option<Vec<Node>> {
    let depth = depth.checked_sub(1)?;
    let mut nodes = Vec::new();
    while let [tag, length, rest @ ..] = der {
        let (length, rest) = match *length {
            short @ 0..=0x7f => (usize::from(short), rest),
            0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
            0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
            _ => return None,
        };
        let (octets, rest) = rest.split_at_checked(length)?;
        nodes.push(Node { tag: *tag, content: content(*tag, octets, depth) });
        der = rest;
    }
    der.is_empty().then_some(nodes)
}

fn content(tag: u8, octets: &[u8], depth: usize) -> Content {
    let inner = match (tag, octets) {
        (BIT_STRING, [0, inner @ ..]) => parse_at(inner, depth).map(Content::Bits),
        (OCTET_STRING, inner) if !inner.is_empty() => parse_at(inner, depth).map(Content::Nodes),
        (tag, inner) if tag & CONSTRUCTED != 0 => parse_at(inner, depth).map(Content::Nodes),
        _ => None,
    };
    inner.unwrap_or_else(|| Content::Octets(octets.to_vec()))
}

pub(super) fn encode(nodes: &[Node]) -> Vec<u8> {
    nodes.iter().flat_map(|node| element(node.tag, &node.content.encode())).collect()
}

/// How many elements there are, on all levels.
pub(super) fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + count(node.content.nodes())).sum()
}

/// The element with this number, counted as they are written.
pub(super) fn get(nodes: &[Node], mut number: usize) -> Option<&Node> {
    for node in nodes {
        if number == 0 {
            return Some(node);
        }
        let inside = count(node.content.nodes());
        if number <= inside {
            return get(node.content.nodes(), number - 1);
        }
        number -= 1 + inside;
    }
    None
}

/// The elements among which the one with this number is, and its place there.
pub(super) fn find(nodes: &mut Vec<Node>, mut number: usize) -> Option<(&mut Vec<Node>, usize)> {
    for place in 0..nodes.len() {
        if number == 0 {
            return Some((nodes, place));
        }
        let inside = count(nodes[place].content.nodes());
        if number <= inside {
            return match &mut nodes[place].content {
                Content::Octets(_) => None,
                Content::Nodes(inner) | Content::Bits(inner) => find(inner, number - 1),
            };
        }
        number -= 1 + inside;
    }
    None
}
