//! A long history, the same each time: ten organisations of very different sizes.

use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::{AttemptKind, DeviceId, EventId, OrgId, ReasonCode, RenewalEvent};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The organisation with half of all events.
pub const BIG: OrgId = OrgId::new(Uuid::from_u128(1));

/// The organisation with fifty events, spread over the whole time.
pub const QUIET: OrgId = OrgId::new(Uuid::from_u128(10));

/// What the organisations 1 to 9 have of each thousand events; the tenth has fifty in all.
const SHARES: [u64; 9] = [500, 200, 100, 80, 50, 30, 20, 15, 5];

/// How many events [`QUIET`] has.
const QUIET_EVENTS: u64 = 50;

/// How many devices an organisation has for a thousand events; the first has ten times as many
/// events as the others.
const DEVICES_PER_THOUSAND: u64 = 25;

/// The most events of a batch.
const BATCH: usize = 1_000;

/// The reason of most failures.
pub const COMMON_REASON: ReasonCode = ReasonCode::from_static("key_too_weak");

/// The reason of one failure in ten.
pub const RARE_REASON: ReasonCode = ReasonCode::from_static("clock_skew");

/// When the first event is.
#[must_use]
pub fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_893_456_000_000).unwrap_or_default()
}

/// When the last event is, of a history of `total` events: there is one attempt each second.
#[must_use]
pub fn end(total: u64) -> DateTime<Utc> {
    begin() + TimeDelta::seconds(i64::try_from(total / 2).unwrap_or_default())
}

/// A device of an organisation; number 0 is the busiest.
#[must_use]
pub fn device(org: OrgId, number: u64) -> DeviceId {
    DeviceId::new(Uuid::new_v5(&org.as_uuid(), format!("device {number}").as_bytes()))
}

/// A history of `total` events, oldest first, in batches of one organisation each.
pub fn batches(total: u64) -> impl Iterator<Item = (OrgId, Vec<RenewalEvent>)> {
    let attempts = total / 2;
    let mut waiting: BTreeMap<OrgId, Vec<RenewalEvent>> = BTreeMap::new();
    let mut numbers = (0..attempts).map(Some).chain([None]);
    let mut rest = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(batch) = rest.next() {
                return Some(batch);
            }
            let Some(number) = numbers.next()? else {
                rest = std::mem::take(&mut waiting).into_iter().collect::<Vec<_>>().into_iter();
                continue;
            };
            let (org, events) = attempt(number, attempts);
            let batch = waiting.entry(org).or_default();
            batch.extend(events);
            if batch.len() >= BATCH {
                return Some((org, std::mem::take(batch)));
            }
        }
    })
}

/// The attempt of this number: its start and its end, if it has one.
fn attempt(number: u64, attempts: u64) -> (OrgId, Vec<RenewalEvent>) {
    let mut random = Random(number);
    let org = organisation(number, attempts, &mut random);
    let total = attempts * 2;
    let devices = if org == QUIET { 5 } else { 1.max(share(org) * total * DEVICES_PER_THOUSAND / 1_000_000) };
    let device = device(org, (random.below(devices + 9)).saturating_sub(9));
    // One attempt in 32 is a recovery. Of these, one in four fails; of the renewals, one in 12.
    let recovery = random.below(32) == 0;
    let kind = if recovery { AttemptKind::Recovery } else { AttemptKind::Renewal };
    let failed = if recovery { random.below(4) == 0 } else { random.below(12) == 0 };
    let at = begin() + TimeDelta::seconds(i64::try_from(number).unwrap_or_default());
    let start = RenewalEvent::start(id(at, number), org, device, kind, at + TimeDelta::days(10));
    let after = id(at + TimeDelta::milliseconds(150), number);
    let end = if failed {
        let reason = if random.below(10) == 0 { RARE_REASON } else { COMMON_REASON };
        start.failed(after, reason, "the request was refused, and this says why in a sentence")
    } else {
        start.success(after, at + TimeDelta::days(90))
    };
    (org, [start].into_iter().chain(end).collect())
}

fn organisation(number: u64, attempts: u64, random: &mut Random) -> OrgId {
    let every = (attempts / (QUIET_EVENTS / 2)).max(1);
    if number.is_multiple_of(every) && number / every < QUIET_EVENTS / 2 {
        return QUIET;
    }
    let mut place = random.below(SHARES.iter().sum());
    for (org, share) in (1..).zip(SHARES) {
        if place < share {
            return OrgId::new(Uuid::from_u128(org));
        }
        place -= share;
    }
    BIG
}

/// What an organisation has of a thousand events.
fn share(org: OrgId) -> u64 {
    let number = usize::try_from(org.as_uuid().as_u128()).unwrap_or_default();
    SHARES.get(number.wrapping_sub(1)).copied().unwrap_or_default()
}

/// The id of an event at this time; the number tells it from others of the same millisecond.
fn id(at: DateTime<Utc>, number: u64) -> EventId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    let uuid = Uuid::from_u128(millis << 80 | 7 << 76 | 0b10 << 62 | u128::from(number));
    match EventId::new(uuid) {
        Ok(id) => id,
        Err(error) => panic!("{error}"),
    }
}

/// Numbers without an order, and always the same ones (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
