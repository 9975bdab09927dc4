//! Many at once: one wins, and the others hear of it.

use futures::future::join_all;

use super::steps::{NEW, actions, complete, open};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{
    AttemptKind, BlockSubject, CertificateFilter, CertificateOrigin, Clock, Completed, EventFilter, IdSource,
    OpenRequest, OpenRequestFilter, PageRequest, RenewalEvent, RequestState, StoreError,
};

suite![
    of_64_completions_of_one_attempt_one_is_recorded,
    of_64_equal_requests_one_is_opened,
    a_request_repeated_while_it_is_completed_gets_one_answer,
    of_64_writers_of_one_event_all_succeed_and_one_row_is_there,
    of_64_writers_of_one_id_one_wins,
    of_16_blocks_of_one_device_one_is_put_in_force,
];

/// How many race.
const RACERS: u32 = 64;

/// A renewal that presents a certificate of another authority.
fn renewal(samples: &Samples, device: &str, csr: &str) -> OpenRequest {
    samples.trusted(device, csr, 1, CertificateOrigin::Trusted)
}

async fn of_64_completions_of_one_attempt_one_is_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let request = renewal(&samples, "gateway", "csr");
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let ends: Vec<_> = (1..=RACERS)
        .map(
            |n| if n % 2 == 0 { samples.issued(&request, n) } else { samples.refused(&request, "abandoned") },
        )
        .collect();
    let race = ends.iter().map(|end| complete(&stores, &samples, &request, end));
    let results = join_all(race).await;
    let won: Vec<_> = ends.iter().zip(&results).filter(|(_, done)| **done == Completed::Recorded).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let (winner, _) = won[0];
    let page = stores.events.list(samples.org, &EventFilter::new(), &PageRequest::default()).await.works();
    assert_eq!(page.items.first(), winner.event());
    assert_eq!(page.items.len(), 2);
    let device = samples.device("gateway").1;
    let certificates = stores
        .fleet
        .certificates(samples.org, &CertificateFilter::OfDevice(device), &PageRequest::default())
        .await
        .works();
    assert_eq!(certificates.items.first(), winner.certificate());
}

async fn of_64_equal_requests_one_is_opened(stores: Stores) {
    for (org, presents) in [(1, false), (2, true)] {
        let samples = Samples::of(org);
        let enrollment = || samples.request("gateway", "csr", 0, RequestState::Signing);
        let request = || if presents { renewal(&samples, "gateway", "csr") } else { enrollment() };
        let requests: Vec<_> = (0..RACERS).map(|_| request()).collect();
        let rules = samples.rules();
        let race = requests.iter().map(|request| stores.issuance.open(samples.org, request, &rules));
        let results: Vec<_> = join_all(race).await.into_iter().map(Works::works).collect();
        let new = results.iter().filter(|opened| **opened == NEW).count();
        assert_eq!(new, 1, "{results:?}");
        let filter = OpenRequestFilter::default();
        let open = stores.issuance.open_requests(samples.org, &filter, &PageRequest::default()).await.works();
        assert_eq!(open.items.len(), 1);
        let page =
            stores.events.list(samples.org, &EventFilter::new(), &PageRequest::default()).await.works();
        assert_eq!(page.items.len(), usize::from(presents));
    }
}

async fn a_request_repeated_while_it_is_completed_gets_one_answer(stores: Stores) {
    let samples = Samples::of(1);
    for round in 1..=16 {
        let (device, csr) = (format!("device {round}"), format!("csr {round}"));
        let first = renewal(&samples, &device, &csr);
        let again = renewal(&samples, &device, &csr);
        let rules = samples.rules();
        assert_eq!(open(&stores, &samples, &first).await, NEW);
        let end = samples.issued(&first, round);
        let (done, opened) = futures::join!(
            complete(&stores, &samples, &first, &end),
            stores.issuance.open(samples.org, &again, &rules)
        );
        assert_eq!(done, Completed::Recorded);
        assert_ne!(opened.works(), NEW, "the same request was open, and then it was answered");
    }
}

async fn of_64_writers_of_one_event_all_succeed_and_one_row_is_there(stores: Stores) {
    let samples = Samples::of(1);
    let start = samples.start("gateway", AttemptKind::Renewal);
    let race = (0..RACERS).map(|_| stores.events.create(samples.org, &start));
    for result in join_all(race).await {
        result.works();
    }
    let page = stores.events.list(samples.org, &EventFilter::new(), &PageRequest::default()).await.works();
    assert_eq!(page.items, [start]);
}

async fn of_64_writers_of_one_id_one_wins(stores: Stores) {
    let samples = Samples::of(1);
    let id = samples.ids.next();
    let events: Vec<_> = (0..RACERS)
        .map(|n| {
            let device = samples.device(&format!("device {n}")).1;
            RenewalEvent::start(id, samples.org, device, AttemptKind::Renewal, samples.clock.now())
        })
        .collect();
    let race = events.iter().map(|event| stores.events.create(samples.org, event));
    let results = join_all(race).await;
    let winners: Vec<_> = events.iter().zip(&results).filter(|(_, result)| result.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    assert!(
        results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Conflict(_)))),
        "{results:?}"
    );
    assert_eq!(stores.events.get(samples.org, id).await.works().as_ref(), Some(winners[0].0));
}

async fn of_16_blocks_of_one_device_one_is_put_in_force(stores: Stores) {
    let samples = Samples::of(1);
    let subject = BlockSubject::Device(samples.device("gateway").1);
    let blocks: Vec<_> = (0..16).map(|_| samples.block(subject)).collect();
    let race = blocks.iter().map(|(block, action)| stores.blocks.block(samples.org, block, action));
    let results: Vec<_> = join_all(race).await.into_iter().map(Works::works).collect();
    let won: Vec<_> = blocks.iter().zip(&results).filter(|(_, blocked)| **blocked).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let ((block, action), _) = won[0];
    assert_eq!(stores.blocks.block_of(samples.org, &subject).await.works().as_ref(), Some(block));
    assert_eq!(actions(&stores, &samples).await, std::slice::from_ref(action));
}
