//! Sample data to fill a store with: here organisations, devices and events.

mod decisions;
mod requests;

pub use requests::{OTHER_ISSUER, OUR_ISSUER};

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{MockClock, predictable_ids};
use crate::{
    AttemptKind, Clock, DeviceId, DeviceName, IdSource, Ids, KeyReuse, OpenRules, OrgId, ReasonCode,
    RenewalEvent, SupersededCertificates, device,
};

/// Makes sample data of one organisation; the clock moves on a second with each sample.
pub struct Samples {
    /// The organisation.
    pub org: OrgId,
    /// The clock that times come from.
    pub clock: MockClock,
    /// The source of ids.
    pub ids: Arc<Ids>,
}

impl Samples {
    /// Samples of the organisation with this number.
    #[must_use]
    pub fn of(org: u128) -> Self {
        let clock = MockClock::default();
        Self { org: OrgId::new(Uuid::from_u128(org)), ids: predictable_ids(&clock), clock }
    }

    /// The device with this name.
    ///
    /// # Panics
    /// When it can't be a device's name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests choose the name")]
    pub fn device(&self, name: &str) -> (DeviceName, DeviceId) {
        let name = DeviceName::new(name).expect("a device's name");
        let id = DeviceId::of(self.org, &name, device::DEFAULT_PREFIX);
        (name, id)
    }

    /// The present time, a second after the sample before.
    #[must_use]
    pub fn tick(&self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(1));
        self.clock.now()
    }

    /// The default rules for opening a request, at the present time.
    #[must_use]
    pub fn rules(&self) -> OpenRules {
        OpenRules {
            now: self.clock.now(),
            superseded: SupersededCertificates::default(),
            key_reuse: KeyReuse::default(),
        }
    }

    /// A start event of a device.
    #[must_use]
    pub fn start(&self, device: &str, kind: AttemptKind) -> RenewalEvent {
        let expiry = self.tick() + TimeDelta::days(30);
        RenewalEvent::start(self.ids.next(), self.org, self.device(device).1, kind, expiry)
    }

    /// The success that ends an attempt.
    ///
    /// # Panics
    /// When `start` is no start event.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests end what they started")]
    pub fn success(&self, start: &RenewalEvent) -> RenewalEvent {
        let expiry = self.tick() + TimeDelta::days(365);
        start.success(self.ids.next_after(start.id()), expiry).expect("a start event")
    }

    /// The failure that ends an attempt.
    ///
    /// # Panics
    /// When `start` is no start event, or `reason` no reason code.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests end what they started")]
    pub fn failed(&self, start: &RenewalEvent, reason: &str) -> RenewalEvent {
        let _now = self.tick();
        let reason = ReasonCode::new(reason).expect("a reason code");
        start.failed(self.ids.next_after(start.id()), reason, "it did not work").expect("a start event")
    }
}
