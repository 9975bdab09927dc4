//! Calls that wait at the same time are written together: each is answered as if it were alone.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    ActionKind, Answer, AttemptKind, CertificateFilter, Clock, Completed, EnrollmentTokenStore, EventFilter,
    FleetStore, IssuanceStore, OpenRefusal, OpenRequest, OpenRequestFilter, Opened, PageRequest, PageSize,
    RenewalEventStore, RequestState, Serial, StoreError, Target,
};
use renewal_store_seaorm::introspect::Recorder;
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore};
use sea_orm::ConnectionTrait;
use tests::{Backend, Backends, Context};

use crate::faults::assert_whole;
use crate::support::{NEW, open_store, opens, pending_renewal, renewal};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let mut trials = tests::trials!(
        backends,
        [
            calls_that_wait_share_their_statements,
            each_call_of_a_group_has_its_own_answer,
            requests_that_were_answered_before_are_answered_so_again,
            of_two_certificates_of_a_device_in_a_group_the_later_request_counts,
            a_row_at_fault_is_not_the_neighbours,
        ]
    );
    trials.extend(tests::trials!(backends, Backend::SERVERS, [two_stores_write_about_the_same_devices]));
    trials
}

const ALL: PageSize = PageSize::MAX;

async fn opened(store: &SeaOrmStore, samples: &Samples, device: &str, csr: &str) -> OpenRequest {
    let request = renewal(samples, device, csr, 1);
    opens(store, samples, &request).await;
    request
}

fn serial(number: u32) -> Serial {
    Serial::from_be_bytes(&number.to_be_bytes()).unwrap()
}

async fn calls_that_wait_share_their_statements(context: Context) {
    let database = context.fresh_database().await;
    let mut store = open_store(database.url(), ConnectOptions::new()).await;
    let recorder = Recorder::of(&mut store);
    let samples = Samples::of(1);
    let starts: Vec<_> = (0..200).map(|_| samples.start("gateway", AttemptKind::Renewal)).collect();
    for created in join_all(starts.iter().map(|start| store.create(samples.org, start))).await {
        created.unwrap();
    }
    let inserts = recorder.take().iter().filter(|sent| sent.sql().starts_with("INSERT ")).count();
    assert!(inserts < 50, "{inserts} statements for 200 events");

    let requests: Vec<_> = (1..=200)
        .map(|number| renewal(&samples, &format!("gateway {number}"), &format!("{number}"), number))
        .collect();
    let rules = samples.rules();
    let calls = requests.iter().map(|request| store.open(samples.org, request, &rules));
    for opened in join_all(calls).await {
        assert_eq!(opened.unwrap(), NEW);
    }
    let statements = recorder.take().len();
    assert!(statements < 100, "{statements} statements for 200 requests");
    let page = store.list(samples.org, &EventFilter::new(), &PageRequest::first(ALL)).await.unwrap();
    assert_eq!(page.items.len(), 400);
    store.close().await.unwrap();
}

/// What a call answered.
type Said = Result<&'static str, StoreError>;

fn word(done: &Completed) -> &'static str {
    match done {
        Completed::Recorded => "recorded",
        Completed::TooLate => "too late",
        Completed::TokenUnusable => "token unusable",
        Completed::KeyInUse(_) => "key in use",
    }
}

async fn each_call_of_a_group_has_its_own_answer(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let (samples, others) = (Samples::of(1), Samples::of(2));
    let org = samples.org;

    // What is there before: an event, an attempt that has ended, certificates, a used token.
    let there = samples.start("gateway", AttemptKind::Renewal);
    store.create(org, &there).await.unwrap();
    let ended = opened(&store, &samples, "meter", "ended").await;
    store.complete(org, ended.id(), &samples.issued(&ended, 1)).await.unwrap();
    let token = samples.token("camera", 1);
    store.create_enrollment_token(org, &token, &samples.token_created(&token)).await.unwrap();
    let revoked = samples.action(ActionKind::TokenRevoked, Target::EnrollmentToken(token.id));
    store.revoke_enrollment_token(org, token.id, samples.clock.now(), &revoked).await.unwrap();
    let mut good = Vec::new();
    for number in 0..20 {
        good.push(opened(&store, &samples, &format!("gateway {number}"), &format!("good {number}")).await);
    }
    let same_serial = opened(&store, &samples, "pump", "same serial").await;
    let enrollment = samples.enrollment("camera", "enrollment", token.id);
    opens(&store, &samples, &enrollment).await;
    let taken_id = renewal(&samples, "pump", "taken id", 1);
    store.create(org, &taken_id.start_event().unwrap()).await.unwrap();

    // All of this at the same time.
    let mut calls: Vec<(&str, BoxFuture<'_, Said>)> = Vec::new();
    let complete = |request: &OpenRequest, number: u32| {
        let (store, id, end) = (&store, request.id(), samples.issued(request, number));
        async move { store.complete(org, id, &end).await.map(|done| word(&done)) }.boxed()
    };
    let open = |request: OpenRequest| {
        let (store, rules) = (&store, samples.rules());
        async move {
            Ok(match store.open(request.org_id(), &request, &rules).await? {
                Opened::New { .. } => "new",
                Opened::Answered(Answer::Open(_)) => "open",
                Opened::Answered(Answer::Issued(_)) => "issued",
                Opened::Refused(_) => "refused",
            })
        }
        .boxed()
    };
    let create = |event: renewal_domain::RenewalEvent| {
        let store = &store;
        async move { store.create(event.org_id(), &event).await.map(|()| "created") }.boxed()
    };
    for (number, request) in (100..).zip(&good) {
        calls.push(("recorded", complete(request, number)));
        let csr = format!("new {number}");
        let device = format!("gateway {}", number - 100);
        calls.push(("new", open(renewal(&samples, &device, &csr, 1))));
        calls.push(("created", create(others.start("gateway", AttemptKind::Recovery))));
    }
    let twice = pending_renewal(&samples, "twice", "twice", 1);
    let at_fault: Vec<(&str, BoxFuture<'_, Said>)> = vec![
        ("recorded", complete(&same_serial, 2)),
        ("conflict", {
            let (store, id) = (&store, enrollment.id());
            let event = samples.issued(&ended, 3);
            async move { store.complete(others.org, id, &event).await.map(|done| word(&done)) }.boxed()
        }),
        ("too late", complete(&ended, 4)),
        ("token unusable", complete(&enrollment, 5)),
        ("conflict", open(taken_id)),
        ("new", open(twice.clone())),
        ("open", open(pending_renewal(&samples, "twice", "twice", 1))),
        ("issued", open(renewal(&samples, "meter", "ended", 1))),
        ("created", create(there.clone())),
        ("conflict", create(samples.failed(&ended.start_event().unwrap(), "denied"))),
    ];
    for (place, call) in at_fault.into_iter().enumerate() {
        calls.insert(place * 6, call);
    }
    let (wanted, calls): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    for (place, (said, wanted)) in join_all(calls).await.into_iter().zip(wanted).enumerate() {
        let said = said.unwrap_or_else(|error| match error {
            StoreError::Conflict(_) => "conflict",
            error => panic!("{place}: {error:?}"),
        });
        assert_eq!(said, wanted, "{place}");
    }

    let mut serial_in_use = opened(&store, &samples, "pump", "serial in use").await;
    let neighbours = [
        opened(&store, &samples, "pump", "neighbour 1").await,
        opened(&store, &samples, "pump", "neighbour 2").await,
    ];
    let calls = [complete(&neighbours[0], 200), complete(&serial_in_use, 100), complete(&neighbours[1], 201)];
    let [first, conflict, second] = &join_all(calls).await[..] else { panic!("three calls") };
    assert!(matches!((first, second), (Ok("recorded"), Ok("recorded"))), "{first:?} {second:?}");
    assert!(matches!(conflict, Err(StoreError::Conflict(_))), "{conflict:?}");
    let open = store.open_request(org, serial_in_use.id()).await.unwrap();
    serial_in_use = open.expect("it is open still");
    assert_eq!(
        store.complete(org, serial_in_use.id(), &samples.issued(&serial_in_use, 202)).await.unwrap(),
        Completed::Recorded
    );
    store.close().await.unwrap();
}

async fn requests_that_were_answered_before_are_answered_so_again(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let samples = Samples::of(1);
    for number in 1..=20 {
        let request = opened(&store, &samples, &format!("gateway {number}"), &format!("csr {number}")).await;
        let end = samples.issued(&request, number);
        store.complete(samples.org, request.id(), &end).await.unwrap();
    }
    // Every second one repeats a request; all carry another id than before.
    let requests: Vec<_> = (1..=40)
        .map(|number| renewal(&samples, &format!("gateway {number}"), &format!("csr {number}"), 1))
        .collect();
    let rules = samples.rules();
    let answers = join_all(requests.iter().map(|request| store.open(samples.org, request, &rules))).await;
    for (number, answer) in (1..).zip(answers) {
        match answer.unwrap() {
            Opened::Answered(Answer::Issued(issued)) if number <= 20 => {
                assert_eq!(issued.serial, serial(number));
            }
            Opened::New { .. } if number > 20 => (),
            other => panic!("{number}: {other:?}"),
        }
    }
    let page = PageRequest::first(ALL);
    let open = store.open_requests(samples.org, &OpenRequestFilter::default(), &page).await.unwrap();
    assert_eq!(open.items, requests[20..], "those that were answered leave nothing behind");
    assert_whole(&database, &store).await;
    store.close().await.unwrap();
}

async fn of_two_certificates_of_a_device_in_a_group_the_later_request_counts(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let samples = Samples::of(1);
    let mut requests = Vec::new();
    for number in 0..30 {
        requests
            .push(opened(&store, &samples, &format!("device {}", number % 10), &format!("{number}")).await);
    }
    // The later requests are completed first.
    let ends: Vec<_> =
        (1..).zip(&requests).map(|(n, request)| (n, request, samples.issued(request, n))).collect();
    let calls = ends.iter().rev().map(|(_, request, end)| store.complete(samples.org, request.id(), end));
    for done in join_all(calls).await {
        assert_eq!(done.unwrap(), Completed::Recorded);
    }
    let filter = CertificateFilter::Expiring { after: None, until: None };
    let current = store.certificates(samples.org, &filter, &PageRequest::first(ALL)).await.unwrap();
    let mut current: Vec<_> = current.items.into_iter().map(|certificate| certificate.request_id).collect();
    current.sort();
    let latest: Vec<_> = requests[20..].iter().map(OpenRequest::id).collect();
    assert_eq!(current, latest);
    store.close().await.unwrap();
}

async fn a_row_at_fault_is_not_the_neighbours(context: Context) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    let samples = Samples::of(1);
    let device = |number| format!("gateway {number}");
    for number in 1..=20 {
        let request = samples.request(&device(number), &format!("csr {number}"), 0, RequestState::Signing);
        opens(&store, &samples, &request).await;
        store.complete(samples.org, request.id(), &samples.issued(&request, number)).await.unwrap();
    }
    let db = database.connect().await;
    let corrupt =
        format!("UPDATE device_certificates SET revocation_reason = 'whim' WHERE serial = '{}'", serial(7));
    db.execute_unprepared(&corrupt).await.unwrap();
    db.close().await.unwrap();
    let next =
        |number| samples.request(&device(number), &format!("next {number}"), number, RequestState::Signing);
    let requests: Vec<_> = (1..=21).map(next).collect();
    let rules = samples.rules();
    let calls = requests.iter().map(|request| store.open(samples.org, request, &rules));
    for (number, opened) in (1..).zip(join_all(calls).await) {
        match (number, opened) {
            (7, Err(StoreError::Corrupt { row, .. })) => {
                assert!(row.contains(&serial(7).to_string()), "{row}");
            }
            (7, opened) => panic!("its certificate is corrupt: {opened:?}"),
            (21, opened) => assert_eq!(opened.unwrap(), Opened::Refused(OpenRefusal::NotRecorded)),
            (_, opened) => assert_eq!(opened.unwrap(), NEW, "{number}"),
        }
    }
    store.close().await.unwrap();
}

async fn two_stores_write_about_the_same_devices(context: Context) {
    let database = context.fresh_database().await;
    let stores = [
        open_store(database.url(), ConnectOptions::new()).await,
        open_store(database.url(), ConnectOptions::new()).await,
    ];
    let samples = Samples::of(1);
    for round in 0..5 {
        // Both are asked to open the same requests, in opposite orders.
        let requests: Vec<_> = (0..60)
            .map(|number| {
                let csr = format!("csr {round} {number}");
                renewal(&samples, &format!("device {}", number % 7), &csr, 1)
            })
            .collect();
        let again: Vec<_> = (0..60)
            .map(|number| {
                let csr = format!("csr {round} {number}");
                renewal(&samples, &format!("device {}", number % 7), &csr, 1)
            })
            .collect();
        let rules = samples.rules();
        let first = requests.iter().map(|request| stores[0].open(samples.org, request, &rules));
        let second = again.iter().rev().map(|request| stores[1].open(samples.org, request, &rules));
        let (first, second) = (join_all(first), join_all(second));
        let (first, mut second) = futures::join!(first, second);
        second.reverse();
        let mut won = Vec::new();
        for (number, answers) in first.into_iter().zip(second).enumerate() {
            match (answers.0.unwrap(), answers.1.unwrap()) {
                (Opened::New { .. }, Opened::Answered(Answer::Open(open))) => {
                    assert_eq!(open.id(), requests[number].id());
                    won.push(&requests[number]);
                }
                (Opened::Answered(Answer::Open(open)), Opened::New { .. }) => {
                    assert_eq!(open.id(), again[number].id());
                    won.push(&again[number]);
                }
                both => panic!("{both:?}"),
            }
        }
        // And to end them: one does, the other is too late.
        let end = |number: usize, by: u32| {
            samples.issued(won[number], 1 + round * 1_000 + by * 100 + u32::try_from(number).unwrap())
        };
        let ends: Vec<_> = (0..60).map(|number| (won[number].id(), end(number, 0), end(number, 1))).collect();
        let first = join_all(ends.iter().map(|(id, end, _)| stores[0].complete(samples.org, *id, end)));
        let second =
            join_all(ends.iter().rev().map(|(id, _, end)| stores[1].complete(samples.org, *id, end)));
        let (first, mut second) = futures::join!(first, second);
        second.reverse();
        for done in first.into_iter().zip(second) {
            let done = (done.0.unwrap(), done.1.unwrap());
            let one = [(Completed::Recorded, Completed::TooLate), (Completed::TooLate, Completed::Recorded)];
            assert!(one.contains(&done), "{done:?}");
        }
    }
    assert_whole(&database, &stores[0]).await;
    for store in stores {
        store.close().await.unwrap();
    }
}
