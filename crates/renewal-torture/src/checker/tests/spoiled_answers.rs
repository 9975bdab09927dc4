//! Good ledgers, and answers that nobody should have been given.

use std::sync::Arc;

use super::ledger::{device, span};
use super::{Story, promises_broken, story};
use crate::journal::{Act, Answer, CallEntry, Deed, Entry, Question, Reply, Revoked};

/// Gives a question another answer, at the end of the round.
fn answered(story: &mut Story, question: &Arc<Question>, answer: Answer) {
    story.good.answered(question, answer);
}

/// What was asked first to this end.
fn asked(story: &Story, act: Act) -> Arc<Question> {
    let entry = story.good.entries.iter().find(|entry| entry.question.act == act).unwrap();
    Arc::clone(&entry.question)
}

#[tokio::test]
async fn a_repeated_question_with_another_answer() {
    let mut story = story().await;
    let (question, other) = (story.renewal.clone(), story.good.certificate(&device("gateway-1"), 99));
    answered(&mut story, &question, Answer::Certificate(other));
    let broken = promises_broken(&story).await;
    assert!(broken.contains(&"a repeated request gets the same certificate"), "{broken:?}");
}

#[tokio::test]
async fn certificates_that_nobody_must_have() {
    for act in [Act::Intrude, Act::Impersonate, Act::Reuse] {
        let mut story = story().await;
        let (one, first) = (device("gateway-1"), story.first.clone());
        let question = story.good.question(act, &one, Some(&first));
        answered(&mut story, &question, Answer::Certificate(first));
        let broken = promises_broken(&story).await;
        assert!(broken.contains(&"nobody gets a certificate that it must not have"), "{act:?} {broken:?}");
    }
}

#[tokio::test]
async fn refusals_without_a_ground() {
    let codes = [
        (Act::Enroll, "enrollment_token_used"),
        (Act::Enroll, "enrollment_token_revoked"),
        (Act::Enroll, "key_in_use"),
        (Act::Enroll, "key_compromised"),
        (Act::Enroll, "credentials_wrong"),
        (Act::Renew, "certificate_revoked"),
        (Act::Renew, "certificate_not_recorded"),
        (Act::Renew, "certificate_not_yet_valid"),
        (Act::Renew, "subject_mismatch"),
        // It was unblocked.
        (Act::Recover, "device_blocked"),
    ];
    for (act, code) in codes {
        let mut story = story().await;
        let question = asked(&story, act);
        answered(&mut story, &question, Answer::Refused(403, code.to_owned()));
        let broken = promises_broken(&story).await;
        assert!(broken.contains(&"no answer is out of place"), "{act:?} {code}: {broken:?}");
    }
    let mut story = story().await;
    // The certificate of the recovery is the latest.
    let question = story.good.question(Act::Renew, &device("gateway-1"), Some(&story.recovered()));
    answered(&mut story, &question, Answer::Refused(403, "certificate_superseded".to_owned()));
    let broken = promises_broken(&story).await;
    assert!(broken.contains(&"no answer is out of place"), "{broken:?}");
}

#[tokio::test]
async fn answers_and_replies_of_a_kind_that_should_not_be() {
    for answer in [Answer::Failed(500), Answer::Nonsense("204".to_owned())] {
        let mut story = story().await;
        let question = story.enrollment.clone();
        answered(&mut story, &question, answer);
        assert_eq!(promises_broken(&story).await, ["no answer is out of place"]);
    }
    let refused = Reply::Refused(403, "role_required".to_owned());
    for reply in [refused, Reply::Failed(500), Reply::Nonsense("204".to_owned())] {
        let mut story = story().await;
        let like = story.good.calls[0].clone();
        story.good.calls.push(CallEntry { reply, ..like });
        assert_eq!(promises_broken(&story).await, ["no reply is out of place"]);
    }
}

#[tokio::test]
async fn refusals_that_are_in_no_history() {
    let mut story = story().await;
    let question = asked(&story, Act::Intrude);
    answered(&mut story, &question, Answer::Refused(403, "certificate_not_recorded".to_owned()));
    assert_eq!(promises_broken(&story).await, ["no acknowledged refusal is missing from the history"]);
    let mut story = self::story().await;
    let question = story.good.question(Act::Enroll, &device("gateway-2"), None);
    answered(&mut story, &question, Answer::Refused(403, "key_compromised".to_owned()));
    assert_eq!(promises_broken(&story).await, ["no acknowledged refusal is missing from the history"]);
}

#[tokio::test]
async fn a_certificate_for_a_blocked_device() {
    let promise = "no device gets a certificate while it is blocked";
    // An old answer once more, between the block and what lifts it.
    let mut story = story().await;
    let during = story.good.calls.iter().find(|it| it.call.deed == Deed::Block(device("gateway-1"))).unwrap();
    let mut during = during.span;
    during.asked = during.answered + std::time::Duration::from_millis(1);
    during.answered = during.asked;
    let (question, answer) = (story.renewal.clone(), Answer::Certificate(story.second.clone()));
    story.good.entries.push(Entry { span: during, server: 0, question, answer });
    let broken = promises_broken(&story).await;
    assert!(broken.contains(&promise), "{broken:?}");

    // A row, for a question that was put off.
    let mut story = self::story().await;
    let (two, revoked) = (device("gateway-2"), story.revoked.clone());
    let question = story.good.question(Act::Renew, &two, Some(&revoked));
    let now = story.good.answered(&question, Answer::Later);
    let der = story.good.certificate(&two, 77);
    story.good.issued(&question, "renewal", now, &der).await;
    let broken = promises_broken(&story).await;
    assert!(broken.contains(&promise), "{broken:?}");
}

#[tokio::test]
async fn a_block_that_was_perhaps_lifted_proves_nothing() {
    let mut story = story().await;
    let (two, revoked) = (device("gateway-2"), story.revoked.clone());
    let block = story.good.calls.iter().find(|it| it.call.deed == Deed::Block(two.clone())).unwrap().clone();
    let mut call = (*block.call).clone();
    (call.deed, call.note) = (Deed::Unblock(two.clone()), "lost".to_owned());
    let lost = CallEntry { span: span(0), call: Arc::new(call), reply: Reply::Lost, ..block };
    story.good.calls.insert(0, lost);
    let question = story.good.question(Act::Renew, &two, Some(&revoked));
    let der = story.good.certificate(&two, 77);
    let now = story.good.answered(&question, Answer::Certificate(der.clone()));
    story.good.issued(&question, "renewal", now, &der).await;
    let broken = promises_broken(&story).await;
    assert!(!broken.contains(&"no device gets a certificate while it is blocked"), "{broken:?}");
}

#[tokio::test]
async fn a_certificate_for_a_revoked_one_and_for_a_barred_key() {
    let mut story = story().await;
    let (two, revoked) = (device("gateway-2"), story.revoked.clone());
    let question = story.good.question(Act::Renew, &two, Some(&revoked));
    let der = story.good.certificate(&two, 77);
    let now = story.good.answered(&question, Answer::Certificate(der.clone()));
    story.good.issued(&question, "renewal", now, &der).await;
    let broken = promises_broken(&story).await;
    for promise in [
        "no certificate gets another after its acknowledged revocation",
        "no key is certified after it was barred",
    ] {
        assert!(broken.contains(&promise), "{broken:?}");
    }
    // A row that nobody was told of is enough.
    story.good.entries.last_mut().unwrap().answer = Answer::Lost;
    let broken = promises_broken(&story).await;
    for promise in [
        "no certificate gets another after its acknowledged revocation",
        "no key is certified after it was barred",
    ] {
        assert!(broken.contains(&promise), "{broken:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_a_superseded_one() {
    let mut story = story().await;
    let (one, first) = (device("gateway-1"), story.first.clone());
    let question = story.good.question(Act::Superseded, &one, Some(&first));
    let now = story.good.answered(&question, Answer::Lost);
    let der = story.good.certificate(&one, 77);
    story.good.issued(&question, "renewal", now, &der).await;
    assert_eq!(promises_broken(&story).await, ["no superseded certificate gets another"]);
}

#[tokio::test]
async fn a_certificate_for_one_from_before_a_new_enrollment() {
    let mut story = story().await;
    let one = device("gateway-1");
    let latest = story.good.question(Act::Renew, &one, Some(&story.recovered()));
    let enrollment = story.good.question(Act::Enroll, &one, None);
    let der = story.good.certificate(&one, 77);
    let now = story.good.answered(&enrollment, Answer::Certificate(der.clone()));
    story.good.issued(&enrollment, "enrollment", now, &der).await;
    let now = story.good.answered(&latest, Answer::Lost);
    let der = story.good.certificate(&one, 78);
    story.good.issued(&latest, "renewal", now, &der).await;
    let broken = promises_broken(&story).await;
    assert!(broken.contains(&"no superseded certificate gets another"), "{broken:?}");
}

#[tokio::test]
async fn an_acknowledged_call_without_its_action() {
    let one = device("gateway-1");
    let revoke = Deed::Revoke { device: one.clone(), serial: "02".to_owned(), reason: "superseded" };
    let deeds = [
        Deed::Block(one.clone()),
        revoke,
        Deed::RevokeForeign { device: one.clone(), serial: "0101".to_owned() },
        Deed::CreateToken(one),
        Deed::Approve(uuid::Uuid::nil()),
        Deed::Deny(uuid::Uuid::nil()),
    ];
    for deed in deeds {
        let mut story = story().await;
        story.good.called(deed.clone(), Revoked::default());
        let broken = promises_broken(&story).await;
        let promise = "every acknowledged call of an operator has its action, and no other one";
        assert_eq!(broken, [promise], "{deed:?}");
    }
}
