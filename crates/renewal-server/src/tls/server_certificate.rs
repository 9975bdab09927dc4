//! The server's own certificate and key, which can be replaced while connections are open.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use renewal_domain::Clock;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificate with which the server shows devices who it is, and its key, from two files.
///
/// [`reload`](Self::reload) reads the files again: connections that are open keep what they
/// have, new ones get the new certificate.
pub struct ServerCertificate {
    files: Files,
    clock: Arc<dyn Clock>,
    current: ArcSwap<Loaded>,
}

/// Why a server certificate cannot be used. Nothing of the key is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerCertificateError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate file has no certificate in PEM, or a broken one.
    #[error("{} has no X.509 certificate in PEM that can be read", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key file has no private key that can be used.
    #[error("{} has no private key in PEM that can be used: PKCS#8, SEC 1 or PKCS#1, not encrypted", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key in {} is not the key of the first certificate in {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
    },
    /// The certificate is not valid at present, so that every client would refuse it.
    #[error("the certificate in {} is valid from {not_before} to {not_after} only", path.display())]
    NotValidNow {
        /// The certificate file.
        path: PathBuf,
        /// The first moment of its validity.
        not_before: DateTime<Utc>,
        /// The last moment of its validity.
        not_after: DateTime<Utc>,
    },
}

impl ServerCertificate {
    /// Loads the certificate (PEM, the server's first, then the intermediates that clients need)
    /// and its private key (PEM). Reads the files there and then, and blocks for as long.
    ///
    /// # Errors
    /// [`ServerCertificateError`] when a file cannot be read, the two do not belong together,
    /// or the certificate is not valid at present.
    pub fn from_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServerCertificateError> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        let current = ArcSwap::from_pointee(files.load(clock.now())?);
        Ok(Self { files, clock, current })
    }

    /// Reads the files again, for new connections. Blocks while it reads.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); the certificate loaded before stays in use then.
    pub fn reload(&self) -> Result<(), ServerCertificateError> {
        self.current.store(Arc::new(self.files.load(self.clock.now())?));
        Ok(())
    }

    /// The last moment at which the certificate in use is valid.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        self.current.load().not_after
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("files", &self.files)
            .field("not_after", &self.not_after())
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().key))
    }
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

struct Loaded {
    key: Arc<CertifiedKey>,
    not_after: DateTime<Utc>,
}

impl Files {
    fn load(&self, now: DateTime<Utc>) -> Result<Loaded, ServerCertificateError> {
        let chain = self.chain()?;
        let not_after = self.check_validity(chain.first(), now)?;
        let no_key = || ServerCertificateError::NoKey { path: self.key.clone() };
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(|_| no_key())?;
        let provider = aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => ServerCertificateError::KeyMismatch {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
            },
            _ => no_key(),
        })?;
        Ok(Loaded { key: Arc::new(key), not_after })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, ServerCertificateError> {
        let pem = read(&self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        chain.map_err(|_| ServerCertificateError::NoCertificate { path: self.certificate.clone() })
    }

    /// Until when the certificate is valid, which it must be now.
    fn check_validity(
        &self,
        leaf: Option<&CertificateDer<'_>>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, ServerCertificateError> {
        let validity = leaf.and_then(|leaf| {
            let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
            let validity = certificate.validity();
            let time = |timestamp| DateTime::from_timestamp(timestamp, 0);
            Some((time(validity.not_before.timestamp())?, time(validity.not_after.timestamp())?))
        });
        let path = || self.certificate.clone();
        let (not_before, not_after) =
            validity.ok_or_else(|| ServerCertificateError::NoCertificate { path: path() })?;
        if now < not_before || now > not_after {
            return Err(ServerCertificateError::NotValidNow { path: path(), not_before, not_after });
        }
        Ok(not_after)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ServerCertificateError> {
    fs::read(path).map_err(|source| ServerCertificateError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
