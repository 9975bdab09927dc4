//! Many at once: one wins, and the others hear of it.

use futures::future::join_all;

use super::{Stores, Works, suite};
use crate::testing::samples::Samples;
use crate::{
    AttemptKind, CertificateFilter, Clock, Completed, EventFilter, IdSource, OpenRequestFilter, Opened,
    PageRequest, RenewalEvent, RequestState, Standing, StoreError,
};

suite![
    of_64_completions_of_one_attempt_one_is_recorded,
    of_64_equal_requests_one_is_opened,
    a_request_repeated_while_it_is_completed_gets_one_answer,
    of_64_writers_of_one_event_all_succeed_and_one_row_is_there,
    of_64_writers_of_one_id_one_wins,
];

/// How many race.
const RACERS: u32 = 64;

async fn of_64_completions_of_one_attempt_one_is_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let request = samples.request("gateway", "csr", 1, RequestState::Signing);
    stores.issuance.open(samples.org, &request, Standing::NotRevoked, samples.clock.now()).await.works();
    let ends: Vec<_> = (1..=RACERS)
        .map(
            |n| if n % 2 == 0 { samples.issued(&request, n) } else { samples.refused(&request, "abandoned") },
        )
        .collect();
    let race = ends.iter().map(|end| stores.issuance.complete(samples.org, request.id(), end));
    let results: Vec<_> = join_all(race).await.into_iter().map(Works::works).collect();
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
    for presented in [0, 1] {
        let samples = Samples::of(1 + u128::from(presented));
        let requests: Vec<_> = (0..RACERS)
            .map(|_| samples.request("gateway", "csr", presented, RequestState::Signing))
            .collect();
        let now = samples.clock.now();
        let race = requests
            .iter()
            .map(|request| stores.issuance.open(samples.org, request, Standing::NotRevoked, now));
        let results: Vec<_> = join_all(race).await.into_iter().map(Works::works).collect();
        let new = results.iter().filter(|opened| **opened == Opened::New).count();
        assert_eq!(new, 1, "{results:?}");
        let filter = OpenRequestFilter::default();
        let open = stores.issuance.open_requests(samples.org, &filter, &PageRequest::default()).await.works();
        assert_eq!(open.items.len(), 1);
        let page =
            stores.events.list(samples.org, &EventFilter::new(), &PageRequest::default()).await.works();
        assert_eq!(page.items.len(), usize::from(presented != 0));
    }
}

async fn a_request_repeated_while_it_is_completed_gets_one_answer(stores: Stores) {
    let samples = Samples::of(1);
    for round in 1..=16 {
        let csr = format!("csr {round}");
        let first = samples.request("gateway", &csr, round, RequestState::Signing);
        let again = samples.request("gateway", &csr, round, RequestState::Signing);
        let now = samples.clock.now();
        stores.issuance.open(samples.org, &first, Standing::NotRevoked, now).await.works();
        let end = samples.issued(&first, round);
        let (done, opened) = futures::join!(
            stores.issuance.complete(samples.org, first.id(), &end),
            stores.issuance.open(samples.org, &again, Standing::NotRevoked, now)
        );
        assert_eq!(done.works(), Completed::Recorded);
        let opened = opened.works();
        assert_ne!(opened, Opened::New, "the same request was open, and then it was answered");
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
