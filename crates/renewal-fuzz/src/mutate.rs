//! Changes to DER after which it is DER again. Octets changed at random break the lengths around them,
//! and what is broken so is refused by the first check of all.

mod fragments;
mod tree;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use self::fragments::{CONTENTS, FRAGMENTS, TAGS};
use self::tree::{Content, Node};

/// What may stand between the lines of base64.
const ENDS: &[&[u8]] = &[b"\n", b"\r\n", b" ", b"\t", b""];

/// Changes octets at random, within the second length; returns the new one. This is the fuzzer's.
pub type MutateOctets<'a> = &'a mut dyn FnMut(&mut [u8], usize) -> usize;

/// Changes the DER that is in the first `size` octets of `data`, and returns its new size: an element is
/// changed, dropped, repeated, moved, or put in. What is not DER is changed at random, and now and then so
/// is what is.
pub fn mutate_der(data: &mut [u8], size: usize, seed: u32, octets: MutateOctets<'_>) -> usize {
    let mut random = Random::new(seed);
    if !random.one_in(8)
        && let Some(changed) = changed(&data[..size], &mut random, octets)
        && let Some(place) = data.get_mut(..changed.len())
    {
        place.copy_from_slice(&changed);
        return changed.len();
    }
    octets(data, size)
}

/// The same for DER in base64, with blanks and line ends put in.
pub fn mutate_base64(data: &mut [u8], size: usize, seed: u32, octets: MutateOctets<'_>) -> usize {
    let mut random = Random::new(seed);
    let plain: Vec<u8> = data[..size].iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    if !random.one_in(4)
        && let Ok(der) = STANDARD.decode(plain)
        && let Some(changed) = changed(&der, &mut random, octets)
    {
        let width = if random.one_in(2) { 64 } else { 1 + random.below(changed.len() * 2) };
        let end = random.pick(ENDS);
        let lines = STANDARD.encode(changed);
        let lines: Vec<u8> = lines.as_bytes().chunks(width).flat_map(|line| [line, end].concat()).collect();
        if let Some(place) = data.get_mut(..lines.len()) {
            place.copy_from_slice(&lines);
            return lines.len();
        }
    }
    octets(data, size)
}

fn changed(der: &[u8], random: &mut Random, octets: MutateOctets<'_>) -> Option<Vec<u8>> {
    let mut nodes = tree::parse(der)?;
    for _ in 0..=random.below(3) {
        change(&mut nodes, random, octets);
    }
    Some(tree::encode(&nodes))
}

fn change(nodes: &mut Vec<Node>, random: &mut Random, octets: MutateOctets<'_>) {
    let count = tree::count(nodes);
    if count == 0 {
        return;
    }
    let other = tree::get(nodes, random.below(count)).cloned();
    let fragment = tree::parse(random.pick(FRAGMENTS)).unwrap_or_default();
    let Some((siblings, place)) = tree::find(nodes, random.below(count)) else { return };
    match random.below(10) {
        0 => drop(siblings.remove(place)),
        1 => {
            let copies = if random.one_in(8) { 20 } else { 1 };
            siblings.splice(place..place, vec![siblings[place].clone(); copies]);
        }
        2 => {
            let with = random.below(siblings.len());
            siblings.swap(place, with);
        }
        3 => siblings.splice(place..=place, other).for_each(drop),
        4 => siblings.splice(place..place, other).for_each(drop),
        5 => siblings.splice(place..place, fragment).for_each(drop),
        6 => siblings[place].tag = random.pick(TAGS),
        7 => {
            let inner = siblings[place].clone();
            siblings[place] = Node { tag: random.pick(TAGS), content: Content::Nodes(vec![inner]) };
        }
        8 => siblings[place].content = Content::Octets(random.pick(CONTENTS).to_vec()),
        _ => change_octets(&mut siblings[place].content, octets),
    }
}

fn change_octets(content: &mut Content, octets: MutateOctets<'_>) {
    const ROOM: usize = 64;
    let mut there = content.encode();
    let length = there.len();
    there.resize(length + ROOM, 0);
    let length = octets(&mut there, length);
    there.truncate(length);
    *content = Content::Octets(there);
}

/// Numbers that look random, the same for the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn new(seed: u32) -> Self {
        Self(seed.into())
    }

    /// A number below the bound, or 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Less than the bound, which is a usize.
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same() {
        let long = [&[0x30, 0x82, 1, 2, 4, 0x81, 0xff][..], &[7; 0xff]].concat();
        for der in [&b"\x30\x00"[..], b"\x30\x05\x03\x03\x00\x05\x00", b"\x30\x03\x04\x01\x30", &long] {
            assert_eq!(tree::encode(&tree::parse(der).unwrap()), der);
        }
        for fragment in FRAGMENTS {
            assert_eq!(tree::encode(&tree::parse(fragment).unwrap()), *fragment, "{fragment:02x?}");
        }
    }

    #[test]
    fn der_stays_der() {
        let der = b"\x30\x0c\x06\x03\x55\x04\x03\x0c\x05abcde";
        let mut keep = |_: &mut [u8], size| size;
        let mut seen = std::collections::HashSet::new();
        for seed in 0..1_000 {
            let mut data = [&der[..], &[0; 400]].concat();
            let size = mutate_der(&mut data, der.len(), seed, &mut keep);
            assert!(tree::parse(&data[..size]).is_some(), "{seed}");
            seen.insert(data[..size].to_vec());
        }
        assert!(seen.len() > 100, "{}", seen.len());
    }
}
