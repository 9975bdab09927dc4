//! Events, requests and completions to fill a store with.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{MockClock, predictable_ids};
use crate::{
    ApiRole, ApiToken, AttemptKind, Clock, Completion, DeviceId, DeviceName, EnrollmentToken, IdSource, Ids,
    IssuedParts, NewRequest, OpenRequest, OrgId, Presented, Purpose, ReasonCode, RenewalEvent, RequestState,
    Serial, TokenId, device,
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

    /// A request of a device; `csr` stands for its CSR, and `presented` for the serial
    /// number of the presented certificate: with 0 it is an enrollment.
    ///
    /// # Panics
    /// Never: the name is checked by [`device`](Self::device).
    #[must_use]
    #[expect(clippy::expect_used, reason = "a number above 0 is a serial number")]
    pub fn request(&self, device: &str, csr: &str, presented: u32, state: RequestState) -> OpenRequest {
        let expiry = self.tick() + TimeDelta::days(30);
        let (device_name, device_id) = self.device(device);
        let purpose = if presented == 0 {
            Purpose::Enrollment { token: None }
        } else {
            let serial = Serial::from_be_bytes(&presented.to_be_bytes()).expect("a serial number");
            Purpose::Attempt { kind: AttemptKind::Renewal, presented: Presented::new(serial, expiry) }
        };
        OpenRequest::new(NewRequest {
            id: self.ids.next().into(),
            org_id: self.org,
            device_id,
            device_name,
            purpose,
            state,
            csr_der: csr.as_bytes().to_vec(),
            requested_lifetime: None,
        })
    }

    /// A token for a device that is good for an hour; `secret` stands for its secret.
    #[must_use]
    pub fn token(&self, device: &str, secret: u8) -> EnrollmentToken {
        let expiry = self.tick() + TimeDelta::hours(1);
        let name = self.device(device).0;
        EnrollmentToken::new(self.ids.next().into(), self.org, name, [secret; 32], expiry)
    }

    /// An enrollment that a token permits.
    #[must_use]
    pub fn enrollment(&self, device: &str, csr: &str, token: TokenId) -> OpenRequest {
        let _now = self.tick();
        let (device_name, device_id) = self.device(device);
        OpenRequest::new(NewRequest {
            id: self.ids.next().into(),
            org_id: self.org,
            device_id,
            device_name,
            purpose: Purpose::Enrollment { token: Some(token) },
            state: RequestState::Signing,
            csr_der: csr.as_bytes().to_vec(),
            requested_lifetime: None,
        })
    }

    /// A token of the HTTP API that is good for an hour.
    #[must_use]
    pub fn api_token(&self, name: &str, role: ApiRole) -> ApiToken {
        let expiry = self.tick() + TimeDelta::hours(1);
        ApiToken {
            id: self.ids.next().into(),
            org_id: self.org,
            name: name.to_owned(),
            role,
            secret_sha256: [9; 32],
            expires_at: Some(expiry),
            revoked_at: None,
        }
    }

    /// The end of a request with a certificate of this serial number, which is good for a year.
    ///
    /// # Panics
    /// When the serial number is 0.
    #[must_use]
    pub fn issued(&self, request: &OpenRequest, serial: u32) -> Completion {
        self.issued_until(request, serial, self.clock.now() + TimeDelta::seconds(1) + TimeDelta::days(365))
    }

    /// The end of a request with a certificate of this serial number, which is good until then.
    ///
    /// # Panics
    /// When the serial number is 0.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests choose a serial number above 0")]
    pub fn issued_until(&self, request: &OpenRequest, serial: u32, not_after: DateTime<Utc>) -> Completion {
        let parts = IssuedParts {
            serial: Serial::from_be_bytes(&serial.to_be_bytes()).expect("a serial number"),
            public_key_sha256: [7; 32],
            not_before: self.tick(),
            not_after,
            der: vec![0x30, 0x82, 0xff, 0x00, 0x0a],
        };
        request
            .issued(self.ids.next_after(request.id().start_event()), parts)
            .expect("an id after the start's")
    }

    /// The end of a request without a certificate.
    ///
    /// # Panics
    /// When `reason` is no reason code.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests choose a reason code")]
    pub fn refused(&self, request: &OpenRequest, reason: &str) -> Completion {
        let _now = self.tick();
        let reason = ReasonCode::new(reason).expect("a reason code");
        let end = self.ids.next_after(request.id().start_event());
        request.failed(end, reason, "it did not work").expect("an id after the start's")
    }
}
