//! What is opened in one batch hears the same as what is opened one by one: requests that are refused,
//! answered or new, in whatever order they come.

use crate::support::{open_store, opens, renewal};
use futures::future::join_all;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::{OTHER_ISSUER, Samples};
use renewal_domain::{
    Answer, BlockStore, BlockSubject, CertificateOrigin, CertificateRecord, Completed, EventFilter,
    IssuanceStore, KeyReuse, OpenRefusal, OpenRequest, OpenRequestFilter, OpenRules, Opened, PageRequest,
    PageSize, RenewalEventStore, RequestState, RevocationReason, RevocationStore,
};
use renewal_store_seaorm::introspect::Recorder;
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore};
use std::collections::BTreeSet;
use std::sync::Arc;
use tests::{Backends, Context};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [a_batch_of_openings_hears_what_each_of_them_would_hear_alone])
}

/// What is opened, in this order: each request and its rules.
type Openings = Vec<(OpenRequest, OpenRules)>;

/// What is there before: devices and their certificates.
async fn fill(store: &SeaOrmStore, samples: &Samples) {
    // The first ten devices have a certificate of their number; 1 and 2 have renewed it, 2 twice.
    let mut certificates = Vec::new();
    for number in 1..=10 {
        certificates.push(ends(store, samples, &enrollment(samples, number, "first"), number).await);
    }
    for (device, presented, number) in [(1, 1, 11), (2, 2, 12), (2, 12, 13)] {
        let csr = format!("renewal {number}");
        let request = samples.request(&name(device), &csr, presented, RequestState::Signing);
        ends(store, samples, &request, number).await;
    }
    // 3 is blocked, the key that 4 asks for is barred, the certificate of 5 is revoked.
    let (device, key) = (samples.device(&name(3)).1, samples.key("barred"));
    for subject in [BlockSubject::Device(device), BlockSubject::Key(key)] {
        let (block, action) = samples.block(subject);
        store.block(samples.org, &block, &action).await.unwrap();
    }
    let revoked = samples.revocation_of(&certificates[4], RevocationReason::KeyCompromise);
    let foreign = samples.foreign_revocation(OTHER_ISSUER, &samples.serial(77), None);
    store.revoke(samples.org, &[revoked, foreign], None).await.unwrap();
    let elsewhere = Samples::of(2);
    let foreign = elsewhere.foreign_revocation(OTHER_ISSUER, &elsewhere.serial(79), None);
    store.revoke(elsewhere.org, &[foreign], None).await.unwrap();
    // 6 has an open request.
    opens(store, samples, &samples.request(&name(6), "open", 6, RequestState::Signing)).await;
}

fn name(device: u32) -> String {
    format!("device {device}")
}

fn enrollment(samples: &Samples, device: u32, csr: &str) -> OpenRequest {
    let name = name(device);
    samples.request(&name, &format!("{name} {csr}"), 0, RequestState::Signing)
}

async fn ends(
    store: &SeaOrmStore,
    samples: &Samples,
    request: &OpenRequest,
    number: u32,
) -> CertificateRecord {
    opens(store, samples, request).await;
    let end = samples.issued(request, number);
    assert_eq!(store.complete(samples.org, request.id(), &end).await.unwrap(), Completed::Recorded);
    end.certificate().cloned().unwrap()
}

/// One opening of every kind, some of them twice.
fn openings(samples: &Samples) -> Openings {
    let rules = samples.rules();
    let warn = OpenRules { key_reuse: KeyReuse::Warn, ..rules };
    let allow = OpenRules { key_reuse: KeyReuse::Allow, ..rules };
    let ours = |device, csr, presented| samples.request(&name(device), csr, presented, RequestState::Signing);
    let trusted = |presented, origin| samples.trusted("newcomer", "trusted", presented, origin);
    vec![
        (ours(7, "new", 7), rules),
        (ours(1, "predecessor", 1), rules),
        // Refused, so the latest certificate of its device stays unused.
        (ours(1, "device 9 first", 11), rules),
        (ours(2, "superseded", 2), rules),
        (ours(3, "blocked", 3), rules),
        (ours(4, "barred", 4), rules),
        (ours(5, "revoked", 5), rules),
        (ours(6, "open", 6), rules),
        (ours(6, "open", 6), rules),
        (enrollment(samples, 8, "first"), rules),
        (ours(8, "device 9 first", 8), rules),
        (ours(8, "device 9 first", 8), warn),
        (ours(10, "device 9 first", 10), allow),
        (ours(9, "unknown", 99), rules),
        (ours(9, "twice", 9), rules),
        (ours(9, "twice", 9), rules),
        (trusted(77, CertificateOrigin::Trusted), rules),
        (trusted(77, CertificateOrigin::TrustedAnywhere), rules),
        (trusted(79, CertificateOrigin::TrustedAnywhere), rules),
        (trusted(79, CertificateOrigin::Trusted), rules),
        (renewal(samples, "another newcomer", "another", 78), rules),
        (samples.request("enrolls", "enrolls", 0, RequestState::Signing), rules),
        (samples.request("waits", "waits", 0, RequestState::Pending), rules),
    ]
}

/// What an opening heard, in words.
fn words(opened: &Opened) -> String {
    match opened {
        Opened::New { key_used_by: None } => "new".to_owned(),
        Opened::New { key_used_by: Some(device) } => format!("new, with the key of {device}"),
        Opened::Answered(Answer::Open(open)) => format!("open for {}", open.device_name()),
        Opened::Answered(Answer::Issued(issued)) => format!("answered with {}", issued.serial),
        Opened::Refused(OpenRefusal::KeyInUse(device)) => format!("the key is that of {device}"),
        Opened::Refused(OpenRefusal::DeviceBlocked(block)) => format!("blocked: {}", block.reason),
        Opened::Refused(OpenRefusal::KeyBarred(block)) => format!("barred: {}", block.reason),
        Opened::Refused(OpenRefusal::Revoked(revocation)) => {
            format!("revoked: {}", revocation.reason.as_str())
        }
        Opened::Refused(other) => format!("{other:?}"),
    }
}

/// The openings in the order of this round: each round begins with another one, and every other one goes
/// backwards.
fn in_order(round: usize, mut openings: Openings) -> Openings {
    let count = openings.len();
    openings.rotate_left(7 * round % count);
    if round % 2 == 1 {
        openings.reverse();
    }
    openings
}

async fn a_batch_of_openings_hears_what_each_of_them_would_hear_alone(context: Context) {
    for round in 0..6 {
        let (together, first) = heard(&context, round, async |store, samples, openings| {
            let calls = openings.iter().map(|(request, rules)| store.open(samples.org, request, rules));
            join_all(calls).await.into_iter().map(Result::unwrap).collect()
        })
        .await;
        let (alone, second) = heard(&context, round, async |store, samples, openings| {
            let mut answers = Vec::new();
            for (request, rules) in openings {
                answers.push(store.open(samples.org, request, rules).await.unwrap());
            }
            answers
        })
        .await;
        assert_eq!(together, alone, "round {round}");
        assert!(first < second / 2, "{first} statements of a batch, {second} of one by one");
        let different: BTreeSet<_> = alone.iter().map(|(_, heard)| heard).collect();
        assert!(different.len() >= 12, "{different:#?}");
    }
}

/// What each opening heard, and how many statements that took. What is new is there afterwards, and nothing
/// else.
async fn heard(
    context: &Context,
    round: usize,
    open: impl AsyncFn(&SeaOrmStore, &Samples, &Openings) -> Vec<Opened>,
) -> (Vec<(String, String)>, usize) {
    let database = context.fresh_database().await;
    let mut store = open_store(database.url(), ConnectOptions::new()).await;
    let recorder = Recorder::of(&mut store);
    let samples = Samples::of(1);
    fill(&store, &samples).await;
    let openings = in_order(round, openings(&samples));
    let _before = recorder.take();
    let answers = open(&store, &samples, &openings).await;
    let statements = recorder.take().len();

    let page = PageRequest::first(PageSize::MAX);
    let open = store.open_requests(samples.org, &OpenRequestFilter::default(), &page).await.unwrap().items;
    let events = store.list(samples.org, &EventFilter::new(), &page).await.unwrap().items;
    let mut new = 0;
    for ((request, _), answer) in openings.iter().zip(&answers) {
        let is_new = matches!(answer, Opened::New { .. });
        new += usize::from(is_new);
        assert_eq!(open.contains(request), is_new, "{}: {answer:?}", request.device_name());
        let start = request.start_event();
        assert_eq!(
            start.is_some_and(|start| events.contains(&start)),
            is_new && request.attempt_id().is_some()
        );
    }
    assert_eq!(open.len(), new + 1);
    store.close().await.unwrap();
    let heard = openings.iter().zip(&answers).map(|((request, _), answer)| {
        let csr = String::from_utf8_lossy(request.csr_der()).into_owned();
        (format!("{}, {csr}", request.device_name()), words(answer))
    });
    (heard.collect(), statements)
}
