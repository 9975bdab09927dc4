//! The checker finds nothing in a good ledger, and each way to spoil it.

mod good;
mod ledger;
mod spoiled_answers;
mod spoiled_rows;

use good::{Story, story};

use super::{Facts, check};

/// The promises that the checker finds broken.
async fn promises_broken(story: &Story) -> Vec<&'static str> {
    let good = &story.good;
    let snapshot = good.snapshot().await;
    let (entries, calls, devices) = (&good.entries[..], &good.calls[..], &good.devices[..]);
    let facts = Facts { snapshot: &snapshot, entries, calls, devices, clocks_stepped: false };
    let mut broken: Vec<_> = check(facts).into_iter().map(|violation| violation.promise).collect();
    broken.dedup();
    broken
}

#[tokio::test]
async fn a_good_ledger_breaks_no_promise() {
    assert_eq!(promises_broken(&story().await).await, [""; 0]);
}
