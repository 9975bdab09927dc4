//! A device as it is now.

use renewal_domain::DeviceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, Block, Certificate, Event, OpenRequest};

/// A device as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// The device.
    #[schema(value_type = Uuid)]
    pub id: DeviceId,
    /// Its name: the common name of its newest certificate, or else of its open request, or else the name
    /// that it was asked for by; null if there is none of them.
    pub name: Option<String>,
    /// The certificate that answers its latest request; null if there is none, or it was revoked.
    pub current_certificate: Option<Certificate>,
    /// The end of its latest attempt that has one; null if none has.
    pub last_outcome: Option<Event>,
    /// Its oldest request that is being signed or waits for a person; null if there is none.
    pub open_request: Option<OpenRequest>,
    /// How many attempts have failed since the last one that succeeded.
    pub failures_since_success: FailureCount,
    /// Since when and why it gets no certificates; null unless it is blocked.
    pub blocked: Option<Block>,
    /// The newest 20 actions about it, newest first.
    pub actions: Vec<Action>,
}

/// How many attempts have failed in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureCount {
    /// The number.
    pub count: u64,
    /// Whether counting stopped there, so that there may be more.
    pub at_least: bool,
}
