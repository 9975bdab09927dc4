//! Steps that many cases take.

use crate::testing::Samples;
use crate::{
    Action, ActionFilter, CertificateRecord, Completed, Completion, OpenRequest, OpenRules, Opened,
    PageRequest, PageSize, RequestState, Revocation, RevocationReason,
};

use super::{Stores, Works};

/// What becomes of a request that was opened, when nobody has to be told about its key.
pub(super) const NEW: Opened = Opened::New { key_used_by: None };

/// A name that is a UUID: it names the same device in every organisation.
pub(super) const SAME_DEVICE: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// Opens a request under the default rules.
pub(super) async fn open(stores: &Stores, samples: &Samples, request: &OpenRequest) -> Opened {
    open_under(stores, samples, request, &samples.rules()).await
}

/// Opens a request under these rules. Asked before, the store must say whether it refuses it.
pub(super) async fn open_under(
    stores: &Stores,
    samples: &Samples,
    request: &OpenRequest,
    rules: &OpenRules,
) -> Opened {
    let refusal = stores.issuance.refusal(samples.org, request, rules).await.works();
    let opened = stores.issuance.open(samples.org, request, rules).await.works();
    match &opened {
        Opened::Refused(refused) => assert_eq!(refusal.as_ref(), Some(refused)),
        Opened::New { .. } => assert_eq!(refusal, None),
        // A key that another device has got since speaks against the request, and not against its answer.
        Opened::Answered(_) => {}
    }
    opened
}

/// Ends a request.
pub(super) async fn complete(
    stores: &Stores,
    samples: &Samples,
    request: &OpenRequest,
    end: &Completion,
) -> Completed {
    stores.issuance.complete(samples.org, request.id(), end).await.works()
}

/// Opens a request, and answers it with the certificate of this number.
pub(super) async fn answer(
    stores: &Stores,
    samples: &Samples,
    request: &OpenRequest,
    number: u32,
) -> CertificateRecord {
    assert_eq!(open(stores, samples, request).await, NEW);
    end_with(stores, samples, request, &samples.issued(request, number)).await
}

/// Ends a request with a certificate.
pub(super) async fn end_with(
    stores: &Stores,
    samples: &Samples,
    request: &OpenRequest,
    end: &Completion,
) -> CertificateRecord {
    assert_eq!(complete(stores, samples, request, end).await, Completed::Recorded);
    end.certificate().cloned().unwrap_or_else(|| panic!("the request was refused"))
}

/// A device enrolls and gets the certificate of this number.
pub(super) async fn enroll(
    stores: &Stores,
    samples: &Samples,
    device: &str,
    number: u32,
) -> CertificateRecord {
    let request = samples.request(device, &format!("enrolls for {number}"), 0, RequestState::Signing);
    answer(stores, samples, &request, number).await
}

/// A device presents one certificate and gets the one of this number.
pub(super) async fn renew(
    stores: &Stores,
    samples: &Samples,
    device: &str,
    presented: u32,
    number: u32,
) -> CertificateRecord {
    let csr = format!("renews for {number}");
    let request = samples.request(device, &csr, presented, RequestState::Signing);
    answer(stores, samples, &request, number).await
}

/// Revokes a certificate that was issued here.
pub(super) async fn revoke(
    stores: &Stores,
    samples: &Samples,
    certificate: &CertificateRecord,
) -> Revocation {
    let revoked = samples.revocation_of(certificate, RevocationReason::KeyCompromise);
    let recorded = stores.revocations.revoke(samples.org, std::slice::from_ref(&revoked), None).await.works();
    assert_eq!(recorded, [revoked.0.id]);
    revoked.0.revocation
}

/// Every action of the organisation, oldest first.
pub(super) async fn actions(stores: &Stores, samples: &Samples) -> Vec<Action> {
    let page = PageRequest::first(PageSize::MAX);
    let mut found = stores.actions.actions(samples.org, &ActionFilter::All, &page).await.works().items;
    found.reverse();
    found
}

/// Nothing was written about a request.
pub(super) async fn assert_no_trace(stores: &Stores, samples: &Samples, request: &OpenRequest) {
    assert_eq!(stores.issuance.open_request(samples.org, request.id()).await.works(), None);
    assert_eq!(stores.events.get(samples.org, request.id().start_event()).await.works(), None);
}

/// Reads a whole listing in pages of this size: `read_all!(2, scope, |page| store.list(org, &page))`.
macro_rules! read_all {
    ($size:expr, $scope:expr, |$page:ident| $read:expr) => {{
        let (size, scope) = ($crate::PageSize::nearest($size), $scope);
        let (mut all, mut $page) = (Vec::new(), $crate::PageRequest::first(size));
        loop {
            let answer = $crate::testing::conformance::Works::works($read.await);
            assert!(answer.items.len() <= $page.size());
            all.extend(answer.items);
            let Some(next) = answer.next else { break all };
            $page = $crate::PageRequest::resume(size, &scope, next).unwrap_or_else(|error| panic!("{error}"));
        }
    }};
}
pub(super) use read_all;
