//! How the EST operations are put together.

use std::sync::Arc;
use std::time::Duration;

use csr_service::{CaCertificate, CrlIssuer, CsrService, DeviceIssuer, Issuer};
use renewal_domain::{Clock, OrgId, SystemClock};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::attempts::{AttemptLimits, Attempts};
use super::authority::EnrollmentAuthority;
use super::bootstrap::{BootstrapIssuer, BootstrapIssuers};
use super::certs_only::{NotEncodable, certs_only};
use super::challenge::Challenge;
use super::labels::{InvalidLabel, Labels};
use super::revocation_lists::RevocationLists;
use super::{Est, Parts};
use crate::Metrics;

/// The longest time for which a revocation list may be valid.
const LONGEST_CRL_VALIDITY: Duration = Duration::from_hours(10 * 366 * 24);

/// Puts an [`Est`] together.
#[must_use]
pub struct EstBuilder {
    service: CsrService,
    default: OrgId,
    labels: Vec<(String, OrgId)>,
    ca_certificates: Vec<Vec<u8>>,
    bootstrap_issuers: Vec<BootstrapIssuer>,
    authority: Option<Arc<dyn EnrollmentAuthority>>,
    realm: String,
    limits: AttemptLimits,
    crl_issuers: Vec<CrlIssuer>,
    crl_organisations: Option<Vec<OrgId>>,
    crl_validity: Duration,
    crl_kept_for: Duration,
    clock: Arc<dyn Clock>,
    metrics: Option<Metrics>,
}

/// Why the EST operations cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EstConfigError {
    /// A label cannot be one.
    #[error("{label:?} cannot be a label: {why}")]
    Label {
        /// The label.
        label: String,
        /// What is wrong with it.
        why: InvalidLabel,
    },
    /// One of the further CA certificates is none, counted from 1 in the order given.
    #[error("CA certificate {number} cannot be given out: {why}")]
    CaCertificate {
        /// Which.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The answer with the CA certificates cannot be encoded.
    #[error("the CA certificates cannot be given out: {0}")]
    CaCertificates(#[from] NotEncodable),
    /// A bootstrap authority has the key of a device issuer. Every device could then enroll
    /// under another name with the certificate it has.
    #[error("bootstrap authority {0} is a device issuer too; every device could enroll as another")]
    BootstrapIsDeviceIssuer(String),
    /// The realm has other characters than a quoted string takes as they are.
    #[error("the realm must be 1 to 64 printable ASCII characters, without \" and \\")]
    Realm,
    /// A previous issuer has the key identifier of another issuer, so that their revocation lists
    /// could not be told apart.
    #[error("two issuers have the key identifier {0}; the revocation list of one alone can be given out")]
    CrlIssuer(String),
    /// A revocation list could run out before the next one is made.
    #[error(
        "a revocation list must be valid for at least twice as long as it is kept, and at most for ten years"
    )]
    CrlValidity,
    /// A limit of attempts is zero, or their window longer than a day.
    #[error("the limits of attempts must be greater than zero, and their window at most a day")]
    AttemptLimits,
}

impl Est {
    /// Begins EST operations over `service`. A path without a label is about the organisation
    /// `default`.
    pub fn builder(service: CsrService, default: OrgId) -> EstBuilder {
        EstBuilder {
            service,
            default,
            labels: Vec::new(),
            ca_certificates: Vec::new(),
            bootstrap_issuers: Vec::new(),
            authority: None,
            realm: "Renewal Ledger".to_owned(),
            limits: AttemptLimits::default(),
            crl_issuers: Vec::new(),
            crl_organisations: None,
            crl_validity: EstBuilder::CRL_VALIDITY,
            crl_kept_for: Duration::from_mins(1),
            clock: Arc::new(SystemClock),
            metrics: None,
        }
    }
}

impl EstBuilder {
    /// How long a revocation list is valid, unless [`crl_validity`](Self::crl_validity) says otherwise.
    pub const CRL_VALIDITY: Duration = Duration::from_hours(24);

    /// Makes paths with this label be about the organisation.
    pub fn label(mut self, label: impl Into<String>, org: OrgId) -> Self {
        self.labels.push((label.into(), org));
        self
    }

    /// Gives this CA certificate (PEM or DER) out in `cacerts` too, beside the present issuer's: the
    /// root above it, or a previous issuer.
    pub fn ca_certificate(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates.push(certificate.into());
        self
    }

    /// Lets certificates of this authority enroll devices. Let the service know the authority too
    /// ([`bootstrap_authority`](csr_service::CsrServiceBuilder::bootstrap_authority)), so that they can be
    /// revoked.
    pub fn bootstrap_issuer(mut self, issuer: BootstrapIssuer) -> Self {
        self.bootstrap_issuers.push(issuer);
        self
    }

    /// Lets devices enroll with HTTP Basic credentials that this authority knows. Without one,
    /// none are asked for.
    pub fn enrollment_authority(mut self, authority: Arc<dyn EnrollmentAuthority>) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Sets the realm for which credentials are asked; default `Renewal Ledger`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Sets how many attempts a device, or an address without an identity, has in a time.
    pub const fn attempt_limits(mut self, limits: AttemptLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Gives out the revocation list of this previous issuer at `/crl/KEY-ID`, beside that of the
    /// present issuer, which is always given out if its certificate has the usage `cRLSign`.
    pub fn crl_issuer(mut self, issuer: CrlIssuer) -> Self {
        self.crl_issuers.push(issuer);
        self
    }

    /// Sets whose certificates are on the revocation lists; default the organisation of paths
    /// without a label and those of all labels. It must be all that the issuers serve, through
    /// whichever server.
    pub fn crl_organisations(mut self, organisations: impl IntoIterator<Item = OrgId>) -> Self {
        self.crl_organisations = Some(organisations.into_iter().collect());
        self
    }

    /// Sets how long a revocation list is valid; default 24 hours.
    pub const fn crl_validity(mut self, validity: Duration) -> Self {
        self.crl_validity = validity;
        self
    }

    /// Sets how long a revocation list is given out before another one is made, and so how long it
    /// takes at most until a revoked certificate is on it; default a minute. While the store cannot
    /// be reached, it is given out for as long as it is valid.
    pub const fn crl_kept_for(mut self, time: Duration) -> Self {
        self.crl_kept_for = time;
        self
    }

    /// Takes the time from this clock: the service's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Counts and measures the requests here.
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// The operations.
    ///
    /// # Errors
    /// [`EstConfigError`] says what does not fit.
    pub fn build(self) -> Result<Est, EstConfigError> {
        let mut labels = Labels::new(self.default);
        for (label, org) in self.labels {
            let error = |why| EstConfigError::Label { label: label.clone(), why };
            labels.add(label.clone(), org).map_err(error)?;
        }
        let mut given_out = vec![self.service.issuer().certificate_der().to_vec()];
        for (number, certificate) in (1..).zip(&self.ca_certificates) {
            let der = authority_der(certificate);
            let der = der.map_err(|why| EstConfigError::CaCertificate { number, why })?;
            if !given_out.contains(&der) {
                given_out.push(der);
            }
        }
        let device_issuers = self.service.device_issuers();
        refuse_shared_keys(device_issuers, &self.bootstrap_issuers)?;
        let bootstrap = self.bootstrap_issuers.iter().map(BootstrapIssuer::issuer);
        let mut client_authorities: Vec<_> =
            device_issuers.iter().chain(bootstrap).map(|issuer| issuer.subject_der().to_vec()).collect();
        client_authorities.sort();
        client_authorities.dedup();
        let (validity, kept_for) = (self.crl_validity, self.crl_kept_for);
        if validity < (2 * kept_for).max(Duration::from_secs(2)) || validity > LONGEST_CRL_VALIDITY {
            return Err(EstConfigError::CrlValidity);
        }
        let revocation_lists = RevocationLists::new(
            self.service.clone(),
            self.crl_organisations.unwrap_or_else(|| labels.organisations()),
            (validity, kept_for),
            self.clock.clone(),
            crl_issuers(self.service.issuer(), self.crl_issuers)?,
        );
        Ok(Est(Parts {
            ca_certificates: certs_only(&given_out)?,
            challenge: Challenge::new(&self.realm).ok_or(EstConfigError::Realm)?,
            attempts: Attempts::new(self.limits).ok_or(EstConfigError::AttemptLimits)?,
            revocation_lists,
            service: self.service,
            labels,
            bootstrap_issuers: BootstrapIssuers::new(self.bootstrap_issuers),
            client_authorities,
            authority: self.authority,
            clock: self.clock,
            metrics: self.metrics,
        }))
    }
}

/// The present issuer if it may sign lists, and the previous ones, each once.
fn crl_issuers(
    present: &Issuer,
    previous: Vec<CrlIssuer>,
) -> Result<(Option<CrlIssuer>, Vec<CrlIssuer>), EstConfigError> {
    let present = present.as_crl_issuer().ok();
    let mut different: Vec<CrlIssuer> = Vec::new();
    for issuer in previous {
        match present.iter().chain(&different).find(|other| other.key_id() == issuer.key_id()) {
            None => different.push(issuer),
            // Another certificate for the same name and key, whose list is the same.
            Some(other) if identity(other.certificate_der()) == identity(issuer.certificate_der()) => {}
            Some(_) => return Err(EstConfigError::CrlIssuer(issuer.key_id())),
        }
    }
    Ok((present, different))
}

/// Name and key.
fn identity(der: &[u8]) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (subject(der), key(der))
}

/// The DER of the one CA certificate in the input, PEM or DER.
fn authority_der(input: &[u8]) -> Result<Vec<u8>, &'static str> {
    let der = if input.first() == Some(&0x30) {
        input.to_vec()
    } else {
        let mut blocks = Pem::iter_from_buffer(input);
        match (blocks.next(), blocks.next()) {
            (Some(Ok(block)), None) if block.label == "CERTIFICATE" => block.contents,
            _ => return Err("it is not one certificate in PEM or DER"),
        }
    };
    match X509Certificate::from_der(&der) {
        Ok(([], certificate)) if certificate.is_ca() => Ok(der),
        Ok(([], _)) => Err("it is not an authority's"),
        _ => Err("it is not one X.509 certificate"),
    }
}

fn refuse_shared_keys(devices: &[DeviceIssuer], bootstrap: &[BootstrapIssuer]) -> Result<(), EstConfigError> {
    let keys: Vec<_> = devices.iter().map(DeviceIssuer::public_key_sha256).collect();
    let shared =
        bootstrap.iter().map(BootstrapIssuer::issuer).find(|it| keys.contains(&it.public_key_sha256()));
    shared.map_or(Ok(()), |issuer| {
        let name = CaCertificate::read(issuer.certificate_der()).map(|it| it.subject());
        Err(EstConfigError::BootstrapIsDeviceIssuer(name.unwrap_or_default()))
    })
}

fn key(der: &[u8]) -> Option<Vec<u8>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate.public_key().raw.to_vec())
}

fn subject(der: &[u8]) -> Option<Vec<u8>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate.subject().as_raw().to_vec())
}
