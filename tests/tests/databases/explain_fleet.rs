//! Every statement about the fleet, and about operators' tokens, finds its rows by an index; what
//! counts reads what it counts, and not the whole history.

use crate::plan::Expected;
use crate::recorded::History;
use crate::support::opens;
use chrono::{DateTime, TimeDelta, Utc};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    Actor, ApiRole, ApiToken, ApiTokenId, ApiTokenStore, CertificateFilter, CertificateRecord, Clock,
    FleetStore, IssuanceStore, PageRequest, PageSize, RequestState, RevocationReason, RevocationStore,
};
use renewal_store_seaorm::SeaOrmStore;
use std::sync::Arc;
use tests::history::{BIG, QUIET};
use tests::{Backend, Backends, Context, history};
use uuid::Uuid;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            every_listing_of_certificates_follows_an_index,
            every_count_follows_an_index,
            current_certificates_are_changed_by_the_primary_key,
            every_statement_about_api_tokens_follows_an_index,
        ]
    )
}

/// How many certificates each organisation has.
const CERTIFICATES: u32 = 120;

const BY_END: &str = "idx_current_certificates_not_after";
const BY_SERIALS: Expected = ("PRIMARY", &["org_id", "serial"]);

/// One token by its id.
const BY_ID: Expected = ("PRIMARY", &["org_id", "id"]);

/// A token that made others.
fn maker() -> ApiTokenId {
    ApiTokenId::new(Uuid::from_u128(1 << 80 | 7 << 76 | 0b10 << 62)).unwrap()
}

/// A history, and certificates of three organisations; with statistics of them, and without if
/// the database chooses well then too: of small tables that it knows nothing of PostgreSQL takes
/// any index (see `explain`).
async fn histories(context: &Context) -> Vec<History> {
    let analysed: &[bool] = if context.backend() == Backend::Postgres { &[true] } else { &[false, true] };
    let mut histories = Vec::new();
    for &analysed in analysed {
        let history = History::new(context).await;
        for owner in [1, 2, 3] {
            fill(&history.store, &Samples::of(owner)).await;
        }
        if analysed {
            history.analyse().await;
        }
        let _before = history.sent();
        histories.push(history);
    }
    histories
}

/// Certificates that end within twelve days, ten on each; one in ten is revoked. As many requests
/// are open.
async fn fill(store: &SeaOrmStore, samples: &Samples) {
    let now = samples.clock.now();
    for number in 1..=CERTIFICATES {
        let device = format!("gateway {}", number % 100);
        let request = samples.request(&device, &format!("csr {number}"), 0, RequestState::Signing);
        opens(store, samples, &request).await;
        let end = samples.issued_until(&request, number, ends(now, number % 12));
        store.complete(samples.org, request.id(), &end).await.unwrap();
        let open = samples.request(&device, &format!("open {number}"), 0, RequestState::Pending);
        opens(store, samples, &open).await;
        if number % 10 == 0 {
            revoke(store, samples, end.certificate().unwrap()).await;
        }
    }
}

fn ends(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    now + TimeDelta::days(i64::from(days))
}

async fn revoke(store: &SeaOrmStore, samples: &Samples, certificate: &CertificateRecord) {
    let revoked = samples.revocation_of(certificate, RevocationReason::Superseded);
    store.revoke(samples.org, &[revoked], None).await.unwrap();
}

async fn every_listing_of_certificates_follows_an_index(context: Context) {
    let samples = Samples::of(1);
    let now = samples.clock.now();
    let (early, late) = (Some(ends(now, 0)), Some(ends(now, 11)));
    let end: &'static [&'static str] = &["org_id", "not_after"];
    let place: &'static [&'static str] = &["org_id", "not_after", "request_id"];
    let device = CertificateFilter::OfDevice(samples.device("gateway 7").1);
    let of_device = "idx_device_certificates_device_id";
    let revoked = "idx_device_certificates_revoked_at";
    // PostgreSQL knows that nothing else is in that index, and does not ask again.
    let revoked_ones: &'static [&'static str] = &["org_id", "revoked_at"];
    let all_revoked = if context.backend() == Backend::Postgres { &revoked_ones[..1] } else { revoked_ones };
    let listings: [(_, &'static str, &'static [&'static str], &'static [&'static str]); 7] = [
        (CertificateFilter::Expiring { after: None, until: None }, BY_END, end, place),
        (CertificateFilter::Expiring { after: early, until: None }, BY_END, end, place),
        (CertificateFilter::Expiring { after: None, until: late }, BY_END, end, place),
        (CertificateFilter::Expiring { after: early, until: late }, BY_END, end, place),
        (CertificateFilter::ExpiredBefore(ends(now, 11)), BY_END, end, place),
        (CertificateFilter::Revoked, revoked, all_revoked, &["org_id", "revoked_at", "request_id"]),
        (device, of_device, &["org_id", "device_id"], &["org_id", "device_id", "request_id"]),
    ];
    for history in histories(&context).await {
        for (filter, index, first, next) in listings {
            let size = PageSize::nearest(1);
            let page = PageRequest::first(size);
            let read = history.store.certificates(samples.org, &filter, &page).await.unwrap();
            let cursor = read.next.expect("there is another page");
            expects(&history, index, first).await;
            let page = PageRequest::resume(size, &filter.scope(samples.org), cursor).unwrap();
            let read = history.store.certificates(samples.org, &filter, &page).await.unwrap();
            assert_eq!(read.items.len(), 1);
            expects(&history, index, next).await;
        }
        let of_key = CertificateFilter::OfKey(samples.key("csr 7"));
        let read = history.store.certificates(samples.org, &of_key, &PageRequest::default()).await.unwrap();
        assert_eq!(read.items.len(), 1);
        history.expects_sorted(&("idx_device_certificates_key", &["org_id", "public_key_sha256"])).await;
        history.close().await;
    }
}

/// What was sent follows the index, and after that of current ones reads certificates.
async fn expects(history: &History, index: &'static str, columns: &'static [&'static str]) {
    if index == BY_END {
        history.expects(&[(index, columns), BY_SERIALS]).await;
    } else {
        history.expects(&[(index, columns)]).await;
    }
}

async fn every_count_follows_an_index(context: Context) {
    let failures: Expected = ("idx_cert_renewal_events_event_type", &["org_id", "event_type", "id"]);
    let last_end: Expected = ("idx_cert_renewal_events_device_id", &["org_id", "device_id"]);
    for history in histories(&context).await {
        let store = &history.store;
        for org in [BIG, QUIET] {
            let (begin, end) = (history::begin(), history::end(20_000));
            for from in [begin, end - TimeDelta::hours(1), end] {
                store.count_events(org, from, end).await.unwrap();
                history.expects(&[BY_ID]).await;
                store.count_failing(org, from).await.unwrap();
                history.expects_each(&[&[failures, last_end]]).await;
            }
            store.count_expiring(org, begin, end).await.unwrap();
            history.expects(&[(BY_END, &["org_id", "not_after"])]).await;
            store.count_open(org).await.unwrap();
            if context.backend() == Backend::Postgres {
                // All of an organisation, by whichever index.
                let _either = history.sent();
            } else {
                history.expects(&[("PRIMARY", &["org_id"])]).await;
            }
        }
        history.close().await;
    }
}

async fn current_certificates_are_changed_by_the_primary_key(context: Context) {
    let current: Expected = ("PRIMARY", &["org_id", "device_id"]);
    for history in histories(&context).await {
        let (store, samples) = (&history.store, Samples::of(1));
        for _ in 0..1_000 {
            let _now = samples.tick();
        }
        // The device's second certificate takes the place of its first: the row is found by the
        // key that it would have twice.
        let mut latest = None;
        for serial in [1_001, 1_002] {
            let request = samples.request("gateway new", &format!("csr {serial}"), 0, RequestState::Signing);
            opens(store, &samples, &request).await;
            let end = samples.issued(&request, serial);
            let _before = history.sent();
            store.complete(samples.org, request.id(), &end).await.unwrap();
            history.expects(&[BY_ID]).await;
            latest = end.certificate().cloned();
        }
        let renewal = samples.request("gateway new", "csr 1003", 1_002, RequestState::Signing);
        opens(store, &samples, &renewal).await;
        let end = samples.refused(&renewal, "denied");
        let _before = history.sent();
        store.complete(samples.org, renewal.id(), &end).await.unwrap();
        history.expects(&[BY_ID, current]).await;
        store.certificate_used(samples.org, renewal.device_id(), &samples.serial(1_002)).await.unwrap();
        history.expects(&[current]).await;

        let latest = latest.unwrap();
        let revocation: Expected =
            ("idx_certificate_revocations_certificate", &["issuer_key_sha256", "serial", "org_id"]);
        revoke(store, &samples, &latest).await;
        history.expects_each(&[&[revocation], &[BY_SERIALS], &[current, BY_SERIALS]]).await;
        revoke(store, &samples, &latest).await;
        history.expects(&[revocation]).await;
        history.close().await;
    }
}

async fn every_statement_about_api_tokens_follows_an_index(context: Context) {
    for history in histories(&context).await {
        let store = &history.store;
        let mut newest = None;
        for samples in [1, 2, 3].map(Samples::of) {
            for number in 0..CERTIFICATES {
                let mut token = samples.api_token(&format!("shift {number}"), ApiRole::Viewer);
                if number % 4 == 3 {
                    token.made_by = Actor::ApiToken { id: maker(), name: "maker".to_owned() };
                }
                let made = samples.api_token_created(&token);
                store.create_api_token(samples.org, &token, &made).await.unwrap();
                newest = Some((samples.api_token_revoked(token.id), token));
            }
        }
        history.analyse().await;
        let _before = history.sent();
        let (revocation, token) = newest.unwrap();
        store.create_api_token(token.org_id, &token, &revocation).await.unwrap_err();
        history.expects(&[]).await;
        assert_eq!(store.api_token(token.org_id, token.id).await.unwrap().as_ref(), Some(&token));
        history.expects(&[BY_ID]).await;

        let size = PageSize::nearest(10);
        let page = store.api_tokens(token.org_id, &PageRequest::first(size)).await.unwrap();
        assert_eq!(page.items[0], token);
        history.expects(&[("PRIMARY", &["org_id"])]).await;
        let next = PageRequest::resume(size, &ApiToken::scope(token.org_id), page.next.unwrap()).unwrap();
        assert_eq!(store.api_tokens(token.org_id, &next).await.unwrap().items.len(), 10);
        history.expects(&[BY_ID]).await;

        let maker = maker();
        let page = store.api_tokens_made_by(token.org_id, maker, &PageRequest::first(size)).await.unwrap();
        assert_eq!(page.items[0], token);
        let made_by = "idx_api_tokens_made_by";
        history.expects(&[(made_by, &["org_id", "made_by_token_id"])]).await;
        let next = PageRequest::resume(size, &ApiToken::scope(token.org_id), page.next.unwrap()).unwrap();
        assert_eq!(store.api_tokens_made_by(token.org_id, maker, &next).await.unwrap().items.len(), 10);
        history.expects(&[(made_by, &["org_id", "made_by_token_id", "id"])]).await;

        let at = history::begin();
        store.revoke_api_token(token.org_id, token.id, at, &revocation).await.unwrap().unwrap();
        history.expects(&[BY_ID, BY_ID]).await;
        history.close().await;
    }
}
