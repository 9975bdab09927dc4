//! HTTP Basic (RFC 7617): how credentials are asked for, and read.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The value of `WWW-Authenticate` with which credentials are asked for.
#[derive(Debug, Clone)]
pub(super) struct Challenge(HeaderValue);

/// A user's name and password. The password is in no log and no error.
#[derive(PartialEq, Eq)]
pub(super) struct BasicCredentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// What a request says for itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    /// Nothing, or something that is not HTTP Basic.
    Absent,
    /// HTTP Basic that cannot be read.
    Malformed,
    /// HTTP Basic.
    Basic(BasicCredentials),
}

impl Challenge {
    /// Asks for credentials in this realm, in UTF-8; none if the realm does not fit into a header.
    pub(super) fn new(realm: &str) -> Option<Self> {
        let plain = |octet: u8| matches!(octet, b' '..=b'~') && !matches!(octet, b'"' | b'\\');
        if !(1..=64).contains(&realm.len()) || !realm.bytes().all(plain) {
            return None;
        }
        HeaderValue::from_str(&format!("Basic realm=\"{realm}\", charset=\"UTF-8\"")).ok().map(Self)
    }

    pub(super) fn header(self) -> HeaderValue {
        self.0
    }
}

impl Authorization {
    /// Reads the header `Authorization`.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else { return Self::Absent };
        let Ok(value) = value.to_str() else { return Self::Malformed };
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or((value, ""));
        if !scheme.eq_ignore_ascii_case("basic") {
            return Self::Absent;
        }
        let text = STANDARD.decode(credentials.trim()).ok().and_then(|octets| String::from_utf8(octets).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            Some((user, password)) => {
                Self::Basic(BasicCredentials { user: user.to_owned(), password: password.to_owned() })
            }
            None => Self::Malformed,
        }
    }
}

impl fmt::Debug for BasicCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicCredentials").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Authorization {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        Authorization::of(&headers)
    }

    #[test]
    fn user_and_password_are_read_as_in_the_standard() {
        // RFC 7617, sections 2 and 2.1.
        for (value, user, password) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("basic   dGVzdDoxMjPCow==", "test", "123£"),
        ] {
            let expected = BasicCredentials { user: user.into(), password: password.into() };
            assert_eq!(read(value), Authorization::Basic(expected));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_not_basic() {
        assert_eq!(Authorization::of(&HeaderMap::new()), Authorization::Absent);
        assert_eq!(read("Bearer abc"), Authorization::Absent);
        for value in ["Basic", "Basic ???", "Basic QQ==", "Basic /////w=="] {
            assert_eq!(read(value), Authorization::Malformed, "{value}");
        }
    }

    #[test]
    fn a_realm_is_a_plain_quoted_string() {
        let challenge = Challenge::new("Renewal Ledger").unwrap();
        assert_eq!(challenge.header(), "Basic realm=\"Renewal Ledger\", charset=\"UTF-8\"");
        for realm in ["", "a\"b", "a\\b", "a\nb", "ä", &"a".repeat(65)] {
            assert!(Challenge::new(realm).is_none(), "{realm}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let credentials = BasicCredentials { user: "u".into(), password: "hidden".into() };
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
