//! Which device a text names: its name, or its UUID.

use renewal_domain::{
    ActionFilter, BlockSubject, CertificateFilter, DeviceId, DeviceName, EventFilter, OpenRequestFilter,
    PageRequest, PageSize, StoreError,
};
use tracing::{Span, field};
use uuid::Uuid;

use super::access::Call;
use super::problem::Problem;

/// A device that a path or a query names.
pub(super) struct NamedDevice {
    /// The device.
    pub(super) id: DeviceId,
    /// The text that named it, if that was a name and no UUID.
    pub(super) name: Option<DeviceName>,
}

impl Call {
    /// The device that the path names.
    pub(super) async fn device(&self) -> Result<NamedDevice, Problem> {
        self.device_called(&self.path::<String>("device")?).await
    }

    /// The device that a text names.
    ///
    /// A name comes first, because a device can be *named* like the UUID of another one. Only when nothing
    /// is known of the device of that name, and something of the device with that very UUID, it is the latter.
    pub(super) async fn device_called(&self, text: &str) -> Result<NamedDevice, Problem> {
        let name =
            DeviceName::new(text).map_err(|why| Problem::InvalidParameter("device", why.to_string()))?;
        let device = self.find(name).await?;
        Span::current().record("device", field::display(device.id));
        Ok(device)
    }

    async fn find(&self, name: DeviceName) -> Result<NamedDevice, StoreError> {
        let by_name = self.parts.service.device_id(self.org, &name);
        let Some(by_id) = Uuid::try_parse(name.as_str()).ok().map(DeviceId::new) else {
            return Ok(NamedDevice { id: by_name, name: Some(name) });
        };
        if by_id == by_name {
            return Ok(NamedDevice { id: by_id, name: None });
        }
        if !self.is_known(by_name).await? && self.is_known(by_id).await? {
            return Ok(NamedDevice { id: by_id, name: None });
        }
        Ok(NamedDevice { id: by_name, name: Some(name) })
    }

    /// Whether the ledger has anything about the device.
    pub(super) async fn is_known(&self, device: DeviceId) -> Result<bool, StoreError> {
        let (stores, org, one) =
            (self.parts.service.stores(), self.org, PageRequest::first(PageSize::nearest(1)));
        let of_device = CertificateFilter::OfDevice(device);
        if !stores.fleet.certificates(org, &of_device, &one).await?.items.is_empty() {
            return Ok(true);
        }
        let of_device = OpenRequestFilter { device: Some(device), ..OpenRequestFilter::default() };
        if !stores.issuance.open_requests(org, &of_device, &one).await?.items.is_empty() {
            return Ok(true);
        }
        let of_device = EventFilter::new().device(device);
        if !stores.events.list(org, &of_device, &one).await?.items.is_empty() {
            return Ok(true);
        }
        if stores.blocks.block_of(org, &BlockSubject::Device(device)).await?.is_some() {
            return Ok(true);
        }
        let about = ActionFilter::Device(device);
        Ok(!stores.actions.actions(org, &about, &one).await?.items.is_empty())
    }
}
