//! What devices and operators know of each other: which devices there are, what each holds, and which
//! needs a token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use rcgen::KeyPair;
use uuid::Uuid;

use crate::journal::Device;

/// A device as operators see it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) device: Device,
    /// Its number in the fleet. A device that takes the place of another has the same number.
    pub(crate) number: u64,
    /// The serial number of its newest certificate, in hexadecimal.
    pub(crate) serial: Option<String>,
    /// The serial number of its certificate of the former authority.
    pub(crate) expired_serial: String,
    /// The key of its newest certificate, or of the one that it wants.
    key: Option<Arc<KeyPair>>,
    needs_token: bool,
    token: Option<Arc<str>>,
}

/// Everybody who is there now, and every device that there was.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    listed: Mutex<Vec<Listed>>,
    devices: Mutex<Vec<Device>>,
}

impl Roster {
    /// Lists a device, in the place of the one that had its number.
    pub(crate) fn enter(&self, number: u64, device: &Device, expired_serial: String, needs_token: bool) {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).push(device.clone());
        let mut listed = self.listed();
        listed.retain(|other| other.number != number);
        let device = device.clone();
        listed.push(Listed {
            device,
            number,
            serial: None,
            expired_serial,
            key: None,
            needs_token,
            token: None,
        });
        listed.sort_by_key(|listed| listed.number);
    }

    /// Every device that there was.
    pub(crate) fn devices(&self) -> Vec<Device> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says for which key a device wants a first certificate.
    pub(crate) fn wants(&self, device: &Device, key: &Arc<KeyPair>) {
        self.change(device, |listed| listed.key = Some(Arc::clone(key)));
    }

    /// Says which certificate a device holds now.
    pub(crate) fn holds(&self, device: &Device, serial: String, key: &Arc<KeyPair>) {
        self.change(device, |listed| {
            listed.serial = Some(serial);
            listed.key = Some(Arc::clone(key));
        });
    }

    /// Asks the operators for a token, and takes it if it is there.
    pub(crate) fn token(&self, device: &Device) -> Option<Arc<str>> {
        let mut token = None;
        self.change(device, |listed| {
            token = listed.token.take();
            listed.needs_token = token.is_none();
        });
        token
    }

    /// Gives a device the token that it asked for.
    pub(crate) fn give_token(&self, device: &Device, secret: &Arc<str>) {
        self.change(device, |listed| {
            listed.token = Some(Arc::clone(secret));
            listed.needs_token = false;
        });
    }

    /// The devices of an organisation that need a token.
    pub(crate) fn without_token(&self, org: Uuid) -> Vec<Listed> {
        let listed = self.listed();
        listed.iter().filter(|it| it.device.org == org && it.needs_token).cloned().collect()
    }

    /// One of the devices that a test is true of.
    pub(crate) fn any(&self, random: &mut Rng, which: impl Fn(&Listed) -> bool) -> Option<Listed> {
        let listed = self.listed();
        let found: Vec<_> = listed.iter().filter(|it| which(it)).collect();
        random.choice(found).cloned()
    }

    /// The key of another device of the same organisation.
    pub(crate) fn key_of_another(&self, device: &Device, random: &mut Rng) -> Option<Arc<KeyPair>> {
        let other = |it: &Listed| it.device.org == device.org && it.device != *device && it.key.is_some();
        self.any(random, other)?.key
    }

    /// A device that was replaced meanwhile is left as it is.
    fn change(&self, device: &Device, change: impl FnOnce(&mut Listed)) {
        if let Some(listed) = self.listed().iter_mut().find(|listed| listed.device == *device) {
            change(listed);
        }
    }

    fn listed(&self) -> MutexGuard<'_, Vec<Listed>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
