//! The checks of requests, each with requests from raw DER or from OpenSSL.

mod broken_keys;
mod content;
mod encoding;
mod keys;
mod names;
mod properties;

use super::Csr;
use crate::{KeyPolicy, Reason, Rejection};

fn parse(input: &[u8]) -> Result<Csr, Rejection> {
    Csr::parse(input, &KeyPolicy::default())
}

#[track_caller]
fn refused(input: &[u8]) -> Reason {
    parse(input).unwrap_err().reason()
}

/// The detail of the rejection, after a check of its reason.
#[track_caller]
fn detail(input: &[u8], reason: Reason) -> String {
    let rejection = parse(input).unwrap_err();
    assert_eq!(rejection.reason(), reason, "{rejection}");
    rejection.detail().into()
}
