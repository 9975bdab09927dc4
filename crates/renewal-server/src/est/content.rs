//! The body of an enrollment: a PKCS#10 request in base64 (RFC 8951, section 3.1).

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;
use crate::body::{self, BodyError, BodyLimits};

/// Refuses what the header alone shows to be wrong, before a body is read. Parameters of the content
/// type are ignored, and so is any Content-Transfer-Encoding (RFC 8951, section 3.1).
pub(super) fn check_header(headers: &HeaderMap, limits: BodyLimits) -> Result<(), Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/pkcs10") {
        return Err(Refusal::ContentType);
    }
    Ok(body::check_length(headers, limits)?)
}

/// Reads the body, up to the limits, and decodes it.
pub(super) async fn read(body: Body, limits: BodyLimits) -> Result<Vec<u8>, Refusal> {
    decode(&body::read(body, limits).await?)
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(limit) => Self::BodyTooLarge(limit),
            BodyError::TooSlow => Self::BodyTooSlow,
            BodyError::Incomplete => Self::BodyIncomplete,
        }
    }
}

/// Decodes base64 in which CR, LF, space and tab may stand anywhere, and nothing else. An empty body
/// is not base64 of anything, and neither is DER as it is: RFC 8951 allows no other encoding.
fn decode(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let base64: Vec<_> = body.iter().copied().filter(|octet| !b"\r\n \t".contains(octet)).collect();
    match STANDARD.decode(base64) {
        Ok(der) if !der.is_empty() => Ok(der),
        _ => Err(Refusal::BodyNotBase64),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { bytes: 100, time: Duration::from_secs(1) };

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_content_type_may_have_parameters_and_any_case() {
        for value in ["application/pkcs10", "Application/PKCS10; charset=x", "application/pkcs10 ;a=b"] {
            check_header(&headers(&[("content-type", value)]), LIMITS).unwrap();
        }
    }

    #[test]
    fn another_content_type_or_none_is_refused() {
        for fields in [&[][..], &[("content-type", "application/pkcs10x")], &[("content-type", "text/plain")]]
        {
            let refusal = check_header(&headers(fields), LIMITS).unwrap_err();
            assert!(matches!(refusal, Refusal::ContentType), "{fields:?}");
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_reading() {
        let of = |length| headers(&[("content-type", "application/pkcs10"), ("content-length", length)]);
        check_header(&of("100"), LIMITS).unwrap();
        let refusal = check_header(&of("101"), LIMITS).unwrap_err();
        assert!(matches!(refusal, Refusal::BodyTooLarge(100)));
    }

    #[test]
    fn blanks_and_line_ends_may_stand_anywhere() {
        for body in ["MAA=", "MA\r\nA=\n", " M\tA A = ", "\r\n\r\nMAA=\r\n"] {
            assert_eq!(decode(body.as_bytes()).unwrap(), [0x30, 0], "{body:?}");
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for body in
            ["", " \r\n", "MAA", "MAA=x", "M\u{b}AA=", "-----BEGIN A-----\nMAA=\n-----END A-----", "0\0"]
        {
            assert!(matches!(decode(body.as_bytes()), Err(Refusal::BodyNotBase64)), "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_body_without_a_length_is_read_up_to_the_limit() {
        let body = |octets: usize| Body::from("A".repeat(octets));
        assert_eq!(read(body(100), LIMITS).await.unwrap().len(), 75);
        assert!(matches!(read(body(104), LIMITS).await, Err(Refusal::BodyTooLarge(100))));
    }
}
