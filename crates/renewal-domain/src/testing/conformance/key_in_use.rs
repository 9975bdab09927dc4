//! What happens to a request for a key that another device of the organisation has.

use chrono::TimeDelta;
use futures::future::join_all;

use super::steps::{NEW, answer, assert_no_trace, complete, end_with, open, open_under, revoke};
use super::{Stores, Works, suite};
use crate::testing::Samples;
use crate::{
    CertificateFilter, Completed, KeyReuse, OpenRefusal, OpenRequest, OpenRules, Opened, PageRequest,
    RequestState,
};

suite![
    a_key_that_another_device_has_is_refused,
    a_device_may_keep_its_key,
    a_key_may_be_used_again_once_its_certificate_has_expired,
    a_key_may_be_used_again_once_its_certificate_is_revoked,
    a_key_of_another_organisation_is_not_in_use,
    a_key_in_use_can_be_granted_with_a_warning,
    a_key_in_use_can_be_granted_in_silence,
    an_answer_is_repeated_though_another_device_has_got_the_key,
    of_two_completions_with_one_key_the_second_is_not_recorded,
    a_completion_is_recorded_where_the_key_does_not_matter,
    of_16_devices_with_one_key_at_once_one_gets_a_certificate,
];

use RequestState::{Pending, Signing};

fn request(samples: &Samples, device: &str) -> OpenRequest {
    samples.request(device, "shared", 0, Signing)
}

/// The name of the device as a refusal says it.
fn in_use(samples: &Samples, device: &str) -> Opened {
    Opened::Refused(OpenRefusal::KeyInUse(samples.device(device).0))
}

async fn a_key_that_another_device_has_is_refused(stores: Stores) {
    let samples = Samples::of(1);
    answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    answer(&stores, &samples, &samples.request("meter", "its own", 0, Signing), 2).await;
    let renewal = samples.request("meter", "shared", 2, Pending);
    for request in [request(&samples, "meter"), renewal] {
        assert_eq!(open(&stores, &samples, &request).await, in_use(&samples, "gateway"));
        assert_no_trace(&stores, &samples, &request).await;
    }
}

async fn a_device_may_keep_its_key(stores: Stores) {
    let samples = Samples::of(1);
    answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    for number in 1..=3 {
        let renewal = samples.request("gateway", "shared", number, Signing);
        assert_eq!(open(&stores, &samples, &renewal).await, NEW);
        let end = samples.issued(&renewal, number + 1).refusing_key_in_use(true);
        end_with(&stores, &samples, &renewal, &end).await;
    }
}

async fn a_key_may_be_used_again_once_its_certificate_has_expired(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    let second = TimeDelta::seconds(1);
    let last = OpenRules { now: certificate.not_after, ..samples.rules() };
    let over = OpenRules { now: certificate.not_after + second, ..last };
    let request = request(&samples, "meter");
    assert_eq!(open_under(&stores, &samples, &request, &last).await, in_use(&samples, "gateway"));
    assert_eq!(open_under(&stores, &samples, &request, &over).await, NEW);
    samples.clock.set(certificate.not_after);
    let end = samples.issued(&request, 2).refusing_key_in_use(true);
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::Recorded);
}

async fn a_key_may_be_used_again_once_its_certificate_is_revoked(stores: Stores) {
    let samples = Samples::of(1);
    let certificate = answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    revoke(&stores, &samples, &certificate).await;
    let request = request(&samples, "meter");
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    let end = samples.issued(&request, 2).refusing_key_in_use(true);
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::Recorded);
}

async fn a_key_of_another_organisation_is_not_in_use(stores: Stores) {
    let (ours, theirs) = (Samples::of(1), Samples::of(2));
    answer(&stores, &theirs, &request(&theirs, "gateway"), 1).await;
    let request = request(&ours, "meter");
    assert_eq!(open(&stores, &ours, &request).await, NEW);
    let end = ours.issued(&request, 1).refusing_key_in_use(true);
    assert_eq!(complete(&stores, &ours, &request, &end).await, Completed::Recorded);
}

async fn a_key_in_use_can_be_granted_with_a_warning(stores: Stores) {
    let samples = Samples::of(1);
    answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    let rules = OpenRules { key_reuse: KeyReuse::Warn, ..samples.rules() };
    let told = Opened::New { key_used_by: Some(samples.device("gateway").0) };
    let request = request(&samples, "meter");
    assert_eq!(open_under(&stores, &samples, &request, &rules).await, told);
    let read = stores.issuance.open_request(samples.org, request.id()).await.works();
    assert_eq!(read, Some(request), "it is open");
    let other = samples.request("meter", "its own", 0, Signing);
    assert_eq!(open_under(&stores, &samples, &other, &rules).await, NEW);
}

async fn a_key_in_use_can_be_granted_in_silence(stores: Stores) {
    let samples = Samples::of(1);
    answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    let rules = OpenRules { key_reuse: KeyReuse::Allow, ..samples.rules() };
    assert_eq!(open_under(&stores, &samples, &request(&samples, "meter"), &rules).await, NEW);
}

async fn an_answer_is_repeated_though_another_device_has_got_the_key(stores: Stores) {
    let samples = Samples::of(1);
    let waiting = request(&samples, "robot");
    assert_eq!(open(&stores, &samples, &waiting).await, NEW);
    answer(&stores, &samples, &request(&samples, "gateway"), 1).await;
    let again = request(&samples, "robot");
    assert!(matches!(open(&stores, &samples, &again).await, Opened::Answered(_)));
    let refusal = stores.issuance.refusal(samples.org, &again, &samples.rules()).await.works();
    assert_eq!(refusal, Some(OpenRefusal::KeyInUse(samples.device("gateway").0)), "it would not be opened");
    for key_reuse in [KeyReuse::Warn, KeyReuse::Allow] {
        let rules = OpenRules { key_reuse, ..samples.rules() };
        assert_eq!(stores.issuance.refusal(samples.org, &again, &rules).await.works(), None);
    }
}

async fn of_two_completions_with_one_key_the_second_is_not_recorded(stores: Stores) {
    let samples = Samples::of(1);
    let [first, second] = ["gateway", "meter"].map(|device| request(&samples, device));
    for request in [&first, &second] {
        assert_eq!(open(&stores, &samples, request).await, NEW);
    }
    let end = samples.issued(&first, 1).refusing_key_in_use(true);
    assert_eq!(complete(&stores, &samples, &first, &end).await, Completed::Recorded);
    let end = samples.issued(&second, 2).refusing_key_in_use(true);
    let refused = Completed::KeyInUse(samples.device("gateway").0);
    assert_eq!(complete(&stores, &samples, &second, &end).await, refused);
    assert_eq!(stores.issuance.certificate(samples.org, &samples.serial(2)).await.works(), None);
    let still_open = stores.issuance.open_request(samples.org, second.id()).await.works();
    assert_eq!(still_open.as_ref(), Some(&second));
    let end = samples.refused(&second, "key_in_use");
    assert_eq!(complete(&stores, &samples, &second, &end).await, Completed::Recorded);
}

async fn a_completion_is_recorded_where_the_key_does_not_matter(stores: Stores) {
    let samples = Samples::of(1);
    let request = request(&samples, "meter");
    assert_eq!(open(&stores, &samples, &request).await, NEW);
    answer(&stores, &samples, &self::request(&samples, "gateway"), 1).await;
    let end = samples.issued(&request, 2).refusing_key_in_use(false);
    assert_eq!(complete(&stores, &samples, &request, &end).await, Completed::Recorded);
}

async fn of_16_devices_with_one_key_at_once_one_gets_a_certificate(stores: Stores) {
    let samples = Samples::of(1);
    let requests: Vec<_> = (1..=16).map(|n| request(&samples, &format!("device {n}"))).collect();
    for request in &requests {
        assert_eq!(open(&stores, &samples, request).await, NEW);
    }
    let each = requests.iter().zip(1..);
    let ends: Vec<_> =
        each.map(|(request, number)| samples.issued(request, number).refusing_key_in_use(true)).collect();
    let race = requests.iter().zip(&ends).map(|(request, end)| complete(&stores, &samples, request, end));
    let results = join_all(race).await;
    let filter = CertificateFilter::OfKey(samples.key("shared"));
    let page = stores.fleet.certificates(samples.org, &filter, &PageRequest::default()).await.works();
    let [certificate] = &page.items[..] else { panic!("{} have the key: {results:?}", page.items.len()) };
    for (request, done) in requests.iter().zip(&results) {
        let wanted = if request.device_id() == certificate.device_id {
            Completed::Recorded
        } else {
            Completed::KeyInUse(certificate.device_name.clone())
        };
        assert_eq!(*done, wanted, "{}", request.device_name());
    }
}
