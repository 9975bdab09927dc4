//! Bodies of EST enrollments: a request in base64 (RFC 8951, section 3.1).

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms::cert::CertificateChoices;
use cms::cert::x509::der::{Decode, Encode};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use csr_service::{
    Csr, CsrService, EnrollmentGrant, KeyPolicy, NamePolicy, Profile, SanPolicy, SubjectPolicy,
};
use renewal_domain::testing::{MemoryStore, MockClock};
use renewal_domain::{OrgId, StoreError};
use renewal_server::fuzzing::Directly;
use renewal_server::{EnrollmentAuthority, Est, Limits};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::sealed::{self, AUTHORITY, NOW};

/// How much of a body comes at once.
const PIECE: usize = 1_000;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("tokio: {error}"),
    });

/// Posts the input as the body of a `simpleenroll`, by a device that may enroll; and once more with a
/// good key and signature in the request, if there is one in it. Says whether a certificate is issued
/// for the input as it is.
///
/// # Panics
/// When the answer is not the one that another reading of the body leads to:
///
/// - 413 for a body that is too large, else 400 `body_not_base64` for what is no base64;
/// - 400 with the reason for which the request is refused;
/// - 200 with one certificate, for the name and the key of the request; and the same once more when
///   the request is repeated.
#[must_use]
pub fn est_body(input: &[u8]) -> bool {
    if let Some(request) = base64_of(input).and_then(|der| sealed::request(&der)) {
        RUNTIME.block_on(post(STANDARD.encode(request).as_bytes()));
    }
    RUNTIME.block_on(post(input))
}

async fn post(body: &[u8]) -> bool {
    let server = server();
    let (status, answer) = exchange(&server, body).await;
    let refusal = match expected(body) {
        Ok(csr) => {
            assert_eq!(status, StatusCode::OK, "{csr:?}: {}", String::from_utf8_lossy(&answer));
            issued(&answer, &csr);
            assert!(exchange(&server, body).await == (status, answer), "another answer to the same");
            return true;
        }
        Err(refusal) => refusal,
    };
    assert_eq!(status, refusal.0, "{}", String::from_utf8_lossy(&answer));
    let begin = format!("{}: ", refusal.1);
    assert!(answer.starts_with(begin.as_bytes()), "{begin}, not {}", String::from_utf8_lossy(&answer));
    assert!(answer.len() < 1_000, "a long refusal");
    false
}

/// The request in a body, or the status and the code with which it is refused. The authority permits all
/// names.
fn expected(body: &[u8]) -> Result<Csr, (StatusCode, &'static str)> {
    if body.len() > Limits::default().body_bytes {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
    }
    let der = base64_of(body).ok_or((StatusCode::BAD_REQUEST, "body_not_base64"))?;
    let csr = Csr::parse(&der, &KeyPolicy::default());
    let csr = csr.and_then(|csr| AUTHORITY.refuse_own_key(&csr).map(|()| csr));
    csr.map_err(|rejection| (StatusCode::BAD_REQUEST, rejection.reason().code()))
}

/// What the body is in base64, read another way than the server does; none if it is no base64, or of
/// nothing (RFC 4648, sections 3.5 and 4).
fn base64_of(body: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = body.iter().copied().filter(|octet| !b"\r\n \t".contains(octet)).collect();
    let end = digits.iter().position(|octet| *octet == b'=').unwrap_or(digits.len());
    let (digits, padding) = digits.split_at(end);
    let whole = (digits.len() + padding.len()).is_multiple_of(4);
    if digits.is_empty() || !whole || padding.len() > 2 || padding.iter().any(|octet| *octet != b'=') {
        return None;
    }
    let (mut octets, mut waiting, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        waiting = waiting << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push(u8::try_from(waiting >> bits).ok()?);
            waiting &= (1 << bits) - 1;
        }
    }
    (waiting == 0).then_some(octets)
}

/// The one certificate in an answer.
fn issued(answer: &[u8], csr: &Csr) {
    assert!(answer.iter().all(u8::is_ascii_graphic), "not one line");
    let Some(message) = base64_of(answer) else { panic!("no base64 in the answer") };
    let message = ContentInfo::from_der(&message).and_then(|it| it.content.decode_as::<SignedData>());
    let certificates = match message {
        Ok(message) => message.certificates.map(|set| set.0.into_vec()).unwrap_or_default(),
        Err(error) => panic!("no CMS in the answer: {error}"),
    };
    let [CertificateChoices::Certificate(certificate)] = certificates.as_slice() else {
        panic!("{} certificates", certificates.len());
    };
    let certificate = &certificate.tbs_certificate;
    assert_eq!(certificate.subject.to_der().as_deref(), Ok(csr.subject().der()));
    assert_eq!(certificate.subject_public_key_info.to_der().as_deref(), Ok(csr.spki_der()));
}

async fn exchange(server: &Directly, body: &[u8]) -> (StatusCode, Bytes) {
    let pieces: Vec<_> =
        body.chunks(PIECE).map(|it| Ok::<_, Infallible>(Bytes::copy_from_slice(it))).collect();
    let request = Request::post("/.well-known/est/simpleenroll")
        .header("content-type", "application/pkcs10")
        // "a:b"
        .header("authorization", "Basic YTpi")
        .body(Body::from_stream(futures::stream::iter(pieces)));
    let Ok(request) = request else { panic!("the request cannot be built") };
    let (head, body) = server.answer(request).await.into_parts();
    assert!(head.headers.contains_key("x-request-id"));
    match to_bytes(body, usize::MAX).await {
        Ok(body) => (head.status, body),
        Err(error) => panic!("no whole answer: {error}"),
    }
}

/// A server with an empty ledger, where everybody may enroll, under any names.
fn server() -> Directly {
    let clock = Arc::new(MockClock::at(NOW));
    let names = NamePolicy { subject: SubjectPolicy::Any, san: SanPolicy::Any };
    let profile = match Profile::builder().names(names).build() {
        Ok(profile) => profile,
        Err(error) => panic!("the profile: {error}"),
    };
    let service = CsrService::builder(AUTHORITY.clone(), profile, Arc::new(MemoryStore::new()))
        .clock(clock.clone())
        .build();
    let est = Est::builder(service, OrgId::new(Uuid::nil())).enrollment_authority(Arc::new(Everybody));
    match est.clock(clock).build() {
        Ok(est) => Directly::new(est, Limits::default()),
        Err(error) => panic!("EST: {error}"),
    }
}

/// Lets everybody enroll under any name.
struct Everybody;

#[async_trait]
impl EnrollmentAuthority for Everybody {
    async fn grant(
        &self,
        _org: OrgId,
        _user: &str,
        _password: &str,
    ) -> Result<Option<EnrollmentGrant>, StoreError> {
        Ok(Some(EnrollmentGrant::for_any_device()))
    }
}
