//! Every statement that the store sends finds its rows by an index, and sorts no history.
//!
//! The statements are those that were really sent, recorded on a history of ten organisations
//! of which one has half of all events and one has fifty.

use crate::plan::{Expected, Lookup};
use crate::recorded::History;
use crate::support::{NEW, lenient, opens, renewal};
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    Answer, AttemptId, AttemptKind, Clock, EventFilter, EventType, IssuanceStore, OpenRequestFilter, Opened,
    OrgId, PageRequest, PageSize, RenewalEventStore, RequestState, Serial,
};
use renewal_store_seaorm::SeaOrmStore;
use renewal_store_seaorm::introspect::Sent;
use std::sync::Arc;
use tests::history::{self, BIG, COMMON_REASON, QUIET, RARE_REASON};
use tests::{Backend, Backends, Context};
use uuid::Uuid;

const KEY: &str = "idx_device_certificates_key";
const ATTEMPT: &str = "idx_cert_renewal_events_org_id";
const DEVICE: &str = "idx_cert_renewal_events_device_id";
const TYPE: &str = "idx_cert_renewal_events_event_type";
const REASON: &str = "idx_cert_renewal_events_created_at";

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(
        backends,
        [
            every_listing_of_events_follows_an_index,
            everything_else_follows_an_index,
            what_is_written_together_follows_an_index,
        ]
    )
}

async fn every_listing_of_events_follows_an_index(context: Context) {
    let history = History::new(&context).await;
    for analysed in [false, true] {
        if analysed {
            history.analyse().await;
        }
        for org in [BIG, QUIET] {
            for (filter, index, columns, branches) in filters(org) {
                history.lists(org, &filter, &vec![Lookup::of(&(index, columns)); branches]).await;
            }
            for filter in filters_of_an_attempt(org) {
                let both =
                    [Lookup::of(&end_of_attempt(&context)), Lookup::of(&("PRIMARY", &["org_id", "id"]))];
                history.lists(org, &filter, &both).await;
            }
        }
    }
    history.close().await;
}

/// Filters of every kind, alone and put together, with the index that each shall follow, the
/// columns that bound the search (besides the id where a cursor or a time does), and how many
/// branches there are.
fn filters(org: OrgId) -> Vec<(EventFilter, &'static str, &'static [&'static str], usize)> {
    let all = EventFilter::new;
    let device = history::device(org, 0);
    let failed = [EventType::RenewalFailed, EventType::RecoveryFailed];
    vec![
        (all(), "PRIMARY", &["org_id"], 1),
        (all().device(device), DEVICE, &["org_id", "device_id"], 1),
        (all().device(device).event_type(EventType::RecoveryFailed), DEVICE, &["org_id", "device_id"], 1),
        (all().device(device).event_types(EventType::ALL), DEVICE, &["org_id", "device_id"], 1),
        (all().device(device).reason(RARE_REASON), DEVICE, &["org_id", "device_id"], 1),
        (all().device(device).event_types(failed).reason(RARE_REASON), DEVICE, &["org_id", "device_id"], 1),
        (all().event_type(EventType::RenewalStart), TYPE, &["org_id", "event_type"], 1),
        (all().event_type(EventType::RecoveryFailed), TYPE, &["org_id", "event_type"], 1),
        (all().event_types(failed), TYPE, &["org_id", "event_type"], 2),
        (all().event_types(EventType::ALL.into_iter().skip(1)), TYPE, &["org_id", "event_type"], 5),
        (all().event_types(EventType::ALL), "PRIMARY", &["org_id"], 1),
        (all().reason(COMMON_REASON), REASON, &["org_id", "reason", "event_type"], 2),
        (all().reason(RARE_REASON), REASON, &["org_id", "reason", "event_type"], 2),
        (
            all().reason(RARE_REASON).event_types(EventType::ALL),
            REASON,
            &["org_id", "reason", "event_type"],
            2,
        ),
        (
            all().reason(RARE_REASON).event_type(EventType::RenewalFailed),
            REASON,
            &["org_id", "reason", "event_type"],
            1,
        ),
    ]
}

/// Filters that have an attempt: its start and its end are looked up, whatever else is asked for.
fn filters_of_an_attempt(org: OrgId) -> [EventFilter; 2] {
    let attempt = AttemptId::new(Uuid::from_u128(1_893_456_000_000 << 80 | 7 << 76 | 0b10 << 62)).unwrap();
    let of_attempt = EventFilter::new().attempt(attempt);
    [of_attempt.clone(), of_attempt.device(history::device(org, 0)).reason(RARE_REASON)]
}

/// How the end of an attempt is found: where indexes can be partial, that of attempts has ends only.
fn end_of_attempt(context: &Context) -> Expected {
    match context.backend() {
        Backend::Postgres => (ATTEMPT, &["org_id", "attempt_id"]),
        Backend::Sqlite | Backend::MariaDb => (ATTEMPT, &["org_id", "attempt_id", "stage"]),
    }
}

async fn everything_else_follows_an_index(context: Context) {
    let history = History::new(&context).await;
    let samples = Samples::of(1);
    let (org, now) = (samples.org, samples.clock.now());
    // Certificates and open requests of several organisations, to choose from.
    for owner in [1, 2, 3] {
        fill_issuance(&history.store, &Samples::of(owner), 100).await;
    }
    for analysed in [false, true] {
        if analysed {
            history.analyse().await;
        } else if context.backend() == Backend::Postgres {
            // Of a small table that it knows nothing of it takes any index that begins with the
            // organisation, and gathers statistics by itself long before that would matter.
            continue;
        }
        let store = &history.store;
        let request = renewal(&samples, "gateway 7", "csr 7", 7);
        let serial = |number: u32| Serial::from_be_bytes(&number.to_be_bytes()).unwrap();
        let known =
            store.list(org, &EventFilter::new(), &PageRequest::default()).await.unwrap().items[0].id();
        let _before = history.sent();
        store.get(org, known).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id", "id"])]).await;

        store.answer(org, &request, now).await.unwrap();
        let same_request: Expected =
            ("idx_open_requests_request", &["org_id", "device_id", "csr_sha256", "presented_serial"]);
        let good_certificate: Expected = (KEY, &["org_id", "public_key_sha256", "csr_sha256"]);
        history.expects(&[same_request, good_certificate]).await;

        let device = format!("gateway new {analysed}");
        let open = renewal(&samples, &device, &format!("csr {analysed}"), 5);
        opens(store, &samples, &open).await;
        let checks: [&[Expected]; 4] = [
            &[("PRIMARY", &["org_id", "serial"]), (KEY, &["org_id", "public_key_sha256"])],
            &[("PRIMARY", &["org_id", "subject_id"])],
            &[("PRIMARY", &["org_id", "device_id"])],
            &[("idx_certificate_revocations_certificate", &["issuer_key_sha256", "serial", "org_id"])],
        ];
        history.expects_each(&checks).await;
        store.open(org, &open, &samples.rules()).await.unwrap();
        history.expects_each(&[&checks[..], &[&[same_request]]].concat()).await;

        let end = samples.issued(&open, 1_000_000 + u32::from(analysed));
        store.complete(org, open.id(), &end.refusing_key_in_use(true)).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id", "id"]), (KEY, &["org_id", "public_key_sha256"])]).await;

        let start = samples.start("gateway", AttemptKind::Renewal);
        store.create(org, &start).await.unwrap();
        history.expects(&[]).await;
        store.create(org, &start).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id", "id"])]).await;
        let second_end = [samples.failed(&open.start_event().unwrap(), "denied")];
        store.create_many(org, &second_end).await.unwrap_err();
        history.expects(&[("PRIMARY", &["org_id", "id"]), end_of_attempt(&context)]).await;

        store.open_request(org, open.id()).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id", "id"])]).await;

        let first = PageRequest::first(PageSize::nearest(10));
        for filter in [
            OpenRequestFilter::default(),
            OpenRequestFilter { state: Some(RequestState::Pending), ..OpenRequestFilter::default() },
        ] {
            let page = store.open_requests(org, &filter, &first).await.unwrap();
            history.expects(&[("PRIMARY", &["org_id"])]).await;
            let next = PageRequest::resume(PageSize::nearest(10), &filter.scope(org), page.next.unwrap());
            store.open_requests(org, &filter, &next.unwrap()).await.unwrap();
            history.expects(&[("PRIMARY", &["org_id", "id"])]).await;
        }
        let filter = OpenRequestFilter {
            state: Some(RequestState::Signing),
            opened_before: Some(now),
            ..OpenRequestFilter::default()
        };
        store.open_requests(org, &filter, &first).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id", "id"])]).await;
        let device = Some(samples.device("gateway 7").1);
        let filter = OpenRequestFilter { device, attempts_only: true, ..OpenRequestFilter::default() };
        store.open_requests(org, &filter, &first).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id"])]).await;

        store.certificate(org, &serial(7)).await.unwrap();
        history.expects(&[("PRIMARY", &["org_id", "serial"])]).await;
    }
    history.close().await;
}

async fn what_is_written_together_follows_an_index(context: Context) {
    let history = History::new(&context).await;
    let samples = Samples::of(1);
    let (store, org) = (&history.store, samples.org);
    for round in 0..3 {
        // Without statistics and a row, with rows, and with statistics as well.
        if round == 1 {
            join_all((1..=500).map(|number| fill(store, &samples, number))).await;
        }
        if round == 2 {
            history.analyse().await;
        }
        let csr = |number| format!("together {round} {number}");
        let requests: Vec<_> =
            (0..40).map(|number| renewal(&samples, &format!("gateway {number}"), &csr(number), 7)).collect();
        let rules = lenient(&samples);
        let _before = history.sent();
        let open = || join_all(requests.iter().map(|it| store.open(org, it, &rules)));
        assert!(open().await.into_iter().all(|opened| opened.unwrap() == NEW));
        let opening = history.sent();
        let again = open().await.into_iter().map(Result::unwrap);
        assert!(again.into_iter().all(|opened| matches!(opened, Opened::Answered(Answer::Open(_)))));
        let opening_again = history.sent();
        let ends: Vec<_> = (1..)
            .zip(&requests)
            .map(|(number, request)| {
                let end = samples.issued(request, 1_000_000 + 100 * round + number);
                (request.id(), end.refusing_key_in_use(true))
            })
            .collect();
        for done in join_all(ends.iter().map(|(id, end)| store.complete(org, *id, end))).await {
            done.unwrap();
        }
        let ending = history.sent();
        let of_device: Expected = ("idx_open_requests_request", &["org_id", "device_id"]);
        let by_id: Expected = ("PRIMARY", &["org_id", "id"]);
        let same_key: Expected = (KEY, &["org_id", "public_key_sha256"]);
        let checked: &[Expected] = &[("PRIMARY", &["org_id", "serial"]), same_key];
        let revoked: Expected =
            ("idx_certificate_revocations_certificate", &["issuer_key_sha256", "serial", "org_id"]);
        // Of few requests, or of a table that they know nothing of, two take any index by which to delete.
        let by_id: &[&[Expected]] =
            if round < 2 && context.backend() != Backend::Sqlite { &[] } else { &[&[by_id]] };
        for (sent, table, wanted) in [
            (&opening, "device_certificates", &[checked][..]),
            (&opening, "blocks", &[&[("PRIMARY", &["org_id", "subject_id"])]]),
            (&opening, "current_certificates", &[&[("PRIMARY", &["org_id", "device_id"])]]),
            (&opening, "certificate_revocations", &[&[revoked]]),
            (&opening_again, "open_requests", &[&[of_device]]),
            (&ending, "open_requests", by_id),
            (&ending, "device_certificates", &[&[same_key]]),
        ] {
            let of_several = |sent: &&Sent| {
                let sql = sent.sql();
                let several = sql.contains(" IN (") || sql.contains("VALUES ");
                !sql.starts_with("INSERT ") && sql.contains(table) && several
            };
            let sent: Vec<_> = sent.iter().filter(of_several).collect();
            assert!(!sent.is_empty(), "several at once were looked for in {table}");
            for wanted in wanted {
                for sent in &sent {
                    history.follows(sent, wanted).await;
                }
            }
        }
    }
    history.close().await;
}

/// Requests that are open, and as many that were answered, of four devices.
async fn fill_issuance(store: &SeaOrmStore, samples: &Samples, count: u32) {
    for number in 1..=count {
        fill(store, samples, number).await;
    }
}

/// A request that was answered, and one that is open.
async fn fill(store: &SeaOrmStore, samples: &Samples, number: u32) {
    let device = format!("gateway {}", number % 4 + 5);
    let request = renewal(samples, &device, &format!("csr {number}"), number);
    assert_eq!(store.open(samples.org, &request, &lenient(samples)).await.unwrap(), NEW);
    let end = samples.issued(&request, number);
    store.complete(samples.org, request.id(), &end).await.unwrap();
    let state = if number.is_multiple_of(2) { RequestState::Pending } else { RequestState::Signing };
    let open = samples.request(&device, &format!("open {number}"), number, state);
    assert_eq!(store.open(samples.org, &open, &lenient(samples)).await.unwrap(), NEW);
}
