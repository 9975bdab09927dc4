//! Certificate requests, DER or PEM.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| {
    let _taken = renewal_fuzz::csr(input);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut octets = |data: &mut [u8], size| {
        let room = data.len();
        fuzzer_mutate(data, size, room)
    };
    renewal_fuzz::mutate_der(&mut data[..max_size], size.min(max_size), seed, &mut octets)
});
