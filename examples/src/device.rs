//! A device of the demonstration: it has a key, and makes requests.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use crate::files::{self, Existing, Mode};

/// A device, whose files are in a directory.
pub(crate) struct Device {
    pub(crate) name: String,
    dir: PathBuf,
    key: KeyPair,
}

impl Device {
    /// A new device with a new key.
    pub(crate) fn new(dir: &Path, name: &str) -> Result<Self> {
        let device = Self { name: name.to_owned(), dir: dir.to_owned(), key: KeyPair::generate()? };
        device.save("key", device.key.serialize_pem().as_bytes(), Mode::Secret)?;
        Ok(device)
    }

    /// The same device with another key.
    pub(crate) fn with_new_key(&self) -> Result<Self> {
        Self::new(&self.dir, &self.name)
    }

    /// A request for its own name.
    pub(crate) fn request(&self) -> Result<Vec<u8>> {
        self.request_as(&self.name)
    }

    /// A request for any name: how an impostor does it.
    pub(crate) fn request_as(&self, name: &str) -> Result<Vec<u8>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let request = params.serialize_request(&self.key)?;
        self.save("csr", request.pem()?.as_bytes(), Mode::Public)?;
        Ok(request.der().to_vec())
    }

    /// Keeps a certificate it got.
    pub(crate) fn install(&self, pem: &str) -> Result<()> {
        self.save("pem", pem.as_bytes(), Mode::Public)
    }

    fn save(&self, extension: &str, content: &[u8], mode: Mode) -> Result<()> {
        let path = self.dir.join(format!("{}.{extension}", self.name));
        files::write(&path, content, mode, Existing::Replace)
    }
}
