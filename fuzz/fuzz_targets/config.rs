//! The configuration of the server.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _taken = renewal_fuzz::config(input);
});
