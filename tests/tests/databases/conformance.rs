//! Everything that the domain asks of a store, of the real one on each database.

use crate::support::open_store;
use libtest_mimic::Trial;
use renewal_domain::testing::conformance::{Case, cases};
use renewal_store_seaorm::ConnectOptions;
use std::sync::Arc;
use tests::{Backend, Backends, Context, on_backends};

/// One test per case of the suites.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    let trials = |case: Case| {
        on_backends(backends, &Backend::ALL, module_path!(), case.name, move |context| {
            conforms(context, case)
        })
    };
    cases().into_iter().flat_map(trials).collect()
}

async fn conforms(context: Context, case: Case) {
    let database = context.fresh_database().await;
    let store = open_store(database.url(), ConnectOptions::new()).await;
    (case.run)(Arc::new(store.clone()).into()).await;
    store.close().await.unwrap();
}
