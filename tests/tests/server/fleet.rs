//! Many devices of one site.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use csr_service::NewEnrollmentToken;
use futures::StreamExt;
use futures::stream;
use renewal_domain::{DeviceName, GrantedNames};

use crate::device::{self, Device};
use crate::ledger::{Ledger, ORG, by};
use crate::site::Site;

/// How many enroll at once.
const AT_ONCE: usize = 16;

/// Devices that have just enrolled, each with a token of its own.
pub(crate) async fn enrolled(site: &Site, ledger: &Ledger, server: SocketAddr, count: usize) -> Vec<Device> {
    let roots = device::roots(site);
    let enroll = |number| {
        let mut device = Device::named(&format!("gateway-{number}"), &roots);
        async move {
            let wanted = NewEnrollmentToken {
                device: DeviceName::new(&device.name).unwrap(),
                names: GrantedNames::default(),
                lifetime: Duration::from_mins(10),
            };
            let (secret, _) = ledger.service.new_enrollment_token(ORG, wanted, &by()).await.unwrap();
            device.enroll(server, secret.reveal()).await;
            device
        }
    };
    stream::iter(0..count).map(enroll).buffer_unordered(AT_ONCE).collect().await
}

/// Every attempt has one end, and every certificate that a device got is in the ledger, once. How
/// many attempts and successes there are.
pub(crate) async fn assert_recorded(ledger: &Ledger, devices: &[Device]) -> (usize, usize) {
    for device in devices {
        let recorded = ledger.certificates(&device.name).await;
        let recorded: Vec<_> = recorded.into_iter().map(|certificate| certificate.der).collect();
        let distinct: BTreeSet<_> = device.certificates.iter().collect();
        assert_eq!(distinct.len(), device.certificates.len(), "{} got one twice", device.name);
        for certificate in distinct {
            let times = recorded.iter().filter(|recorded| *recorded == certificate).count();
            assert_eq!(times, 1, "a certificate of {}", device.name);
        }
    }
    ledger.assert_sound(devices.iter().map(|device| device.name.as_str())).await
}
