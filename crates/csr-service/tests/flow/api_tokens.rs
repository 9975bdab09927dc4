//! An operator's token is good for its holder, for its time, and for nobody else.

use std::time::Duration;

use csr_service::ServiceError;
use renewal_domain::{ApiRole, ApiToken};

use crate::support::{ORG, World, by, days};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn the_text_of_a_token_is_the_token_until_it_expires() {
    let world = World::new();
    let service = world.service();
    let (secret, token) =
        service.new_api_token(ORG, "dashboard", ApiRole::Viewer, Some(HOUR), &by()).await.unwrap();
    assert!(secret.reveal().starts_with("rla_") && secret.reveal().len() == 90);
    assert_eq!(service.api_token(secret.reveal()).await.unwrap(), Some(token));
    world.clock.advance(days(1));
    assert_eq!(service.api_token(secret.reveal()).await.unwrap(), None);
}

#[tokio::test]
async fn a_revoked_token_is_good_for_nothing() {
    let world = World::new();
    let service = world.service();
    let (secret, token) = service.new_api_token(ORG, "laptop", ApiRole::Operator, None, &by()).await.unwrap();
    let revoked: ApiToken = service.revoke_api_token(ORG, token.id, &by()).await.unwrap().unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(service.api_token(secret.reveal()).await.unwrap(), None);
}

#[tokio::test]
async fn a_text_that_differs_in_any_place_is_no_token() {
    let world = World::new();
    let service = world.service();
    let (secret, _) = service.new_api_token(ORG, "laptop", ApiRole::Operator, None, &by()).await.unwrap();
    let text = secret.reveal();
    for place in 0..text.len() {
        let other = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &text[..place], &text[place + 1..]);
        assert_eq!(service.api_token(&changed).await.unwrap(), None, "{place}");
    }
    for wrong in ["", "rla_", &text[..89], &format!("{text}A"), &format!("{text}=")] {
        assert_eq!(service.api_token(wrong).await.unwrap(), None, "{wrong}");
    }
    assert_eq!(format!("{secret:?}"), "ApiTokenSecret(not shown)");
}

#[tokio::test]
async fn a_token_has_a_name_that_can_be_shown() {
    let service = World::new().service();
    for name in ["", "a\nb", "\u{202E}", &"x".repeat(65)] {
        let refused = service.new_api_token(ORG, name, ApiRole::Viewer, None, &by()).await;
        assert!(matches!(refused, Err(ServiceError::ApiTokenName)), "{name:?}");
    }
}
