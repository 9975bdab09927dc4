//! Every statement about tokens that the store sends finds its rows by an index.

use crate::plan::Expected;
use crate::recorded::History;
use crate::support::opens;
use libtest_mimic::Trial;
use renewal_domain::testing::samples::Samples;
use renewal_domain::{
    Action, ActionKind, Actor, ApiTokenId, Clock, Completed, EnrollmentToken, EnrollmentTokenStore,
    IssuanceStore, PageRequest, PageSize, Target, TokenId,
};
use renewal_store_seaorm::SeaOrmStore;
use std::sync::Arc;
use tests::{Backend, Backends, Context};
use uuid::Uuid;

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [every_statement_about_tokens_follows_an_index])
}

/// One token, or one request, by its id.
const BY_ID: Expected = ("PRIMARY", &["org_id", "id"]);

async fn every_statement_about_tokens_follows_an_index(context: Context) {
    let history = History::new(&context).await;
    let store = &history.store;
    for owner in [1, 2, 3] {
        fill(store, &Samples::of(owner)).await;
    }
    let samples = Samples::of(1);
    let (org, first) = (samples.org, PageRequest::first(PageSize::nearest(10)));
    // After those that are there already.
    for _ in 0..1_000 {
        let _now = samples.tick();
    }
    for (secret, analysed) in [(251, false), (252, true)] {
        if analysed {
            history.analyse().await;
        } else if context.backend() == Backend::Postgres {
            // Of small tables that it knows nothing of it takes any index: see `explain`.
            continue;
        }
        let _before = history.sent();
        let device = format!("gateway of {secret}");
        let token = samples.token(&device, secret);
        let made = samples.token_created(&token);
        store.create_enrollment_token(org, &token, &made).await.unwrap();
        history.expects(&[]).await;
        store.create_enrollment_token(org, &token, &made).await.unwrap_err();
        history.expects(&[]).await;

        for wanted in [token.secret_sha256, [250; 32]] {
            let found = store.enrollment_token_of_secret(org, &wanted).await.unwrap();
            assert_eq!(found.is_some(), wanted == token.secret_sha256);
            history.expects(&[("idx_enrollment_tokens_secret", &["org_id", "secret_sha256"])]).await;
        }

        let page = store.enrollment_tokens(org, &first).await.unwrap();
        assert_eq!(page.items[0], token);
        history.expects(&[("PRIMARY", &["org_id"])]).await;
        let scope = EnrollmentToken::scope(org);
        let next = PageRequest::resume(PageSize::nearest(10), &scope, page.next.unwrap()).unwrap();
        assert_eq!(store.enrollment_tokens(org, &next).await.unwrap().items.len(), 10);
        history.expects(&[BY_ID]).await;

        let made = store.enrollment_tokens_made_by(org, maker(), &first).await.unwrap();
        assert!(made.items.len() == 10);
        let made_by = "idx_enrollment_tokens_made_by";
        history.expects(&[(made_by, &["org_id", "made_by_token_id"])]).await;
        let next = PageRequest::resume(PageSize::nearest(10), &scope, made.next.unwrap()).unwrap();
        assert_eq!(store.enrollment_tokens_made_by(org, maker(), &next).await.unwrap().items.len(), 10);
        history.expects(&[(made_by, &["org_id", "made_by_token_id", "id"])]).await;

        let request = samples.enrollment(&device, &format!("csr {secret}"), token.id);
        opens(store, &samples, &request).await;
        let end = samples.issued(&request, 1_000_000 + u32::from(secret));
        let _before = history.sent();
        assert_eq!(store.complete(org, request.id(), &end).await.unwrap(), Completed::Recorded);
        // The request is deleted, and the token marked as used.
        let marking = history.expects(&[BY_ID, BY_ID]).await;
        assert!(marking[1].starts_with("UPDATE ") && marking[1].contains("enrollment_tokens"), "{marking:?}");

        // One that is used, and one that can be revoked.
        for id in [token.id, page.items[1].id] {
            let (now, action) = (samples.clock.now(), revoked(&samples, id));
            store.revoke_enrollment_token(org, id, now, &action).await.unwrap().unwrap();
            history.expects(&[BY_ID, BY_ID]).await;
        }
    }
    history.close().await;
}

/// A token of the HTTP API that made others.
fn maker() -> ApiTokenId {
    ApiTokenId::new(Uuid::from_u128(1 << 80 | 7 << 76 | 0b10 << 62)).unwrap()
}

/// The revocation of a token.
fn revoked(samples: &Samples, token: TokenId) -> Action {
    samples.action(ActionKind::TokenRevoked, Target::EnrollmentToken(token))
}

/// Two hundred tokens: of ten, one is used, one revoked, and eight are those of open requests.
async fn fill(store: &SeaOrmStore, samples: &Samples) {
    for secret in 1..=200 {
        let device = format!("gateway {}", secret % 4);
        let mut token = samples.token(&device, secret);
        if secret % 5 == 1 {
            token.made_by = Actor::ApiToken { id: maker(), name: "maker".to_owned() };
        }
        let made = samples.token_created(&token);
        store.create_enrollment_token(samples.org, &token, &made).await.unwrap();
        if secret % 10 == 7 {
            let (now, action) = (samples.clock.now(), revoked(samples, token.id));
            store.revoke_enrollment_token(samples.org, token.id, now, &action).await.unwrap();
            continue;
        }
        let request = samples.enrollment(&device, &format!("csr {secret}"), token.id);
        opens(store, samples, &request).await;
        if secret % 10 == 3 {
            let end = samples.issued(&request, u32::from(secret));
            let done = store.complete(samples.org, request.id(), &end).await.unwrap();
            assert_eq!(done, Completed::Recorded);
        }
    }
}
