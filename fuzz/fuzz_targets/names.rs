//! Names that requests ask for, and the patterns that permit them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _taken = renewal_fuzz::names(input);
});
