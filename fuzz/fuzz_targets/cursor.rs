//! Cursors, and the listings that they are taken back for.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _taken = renewal_fuzz::cursor(input);
});
