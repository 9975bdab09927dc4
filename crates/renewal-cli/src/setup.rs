//! From the configuration to the service: what it names is loaded, and checked.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use csr_service::{CrlIssuer, CsrService, CsrServiceBuilder, DeviceIssuer, Issuer, Profile, Retention};
use renewal_domain::{Clock, OrgId, RequestKind, Stores, SystemClock};
use renewal_server::{BootstrapIssuer, EstBuilder, ScheduledRetention, ServerCertificate};
use renewal_store_seaorm::{ConnectError, ConnectOptions, SeaOrmStore, connect};

use crate::config::{Bootstrap, Config, Previous, Trusted};
use crate::{files, logging, serve};

/// `config check`.
pub(crate) async fn check(file: &Path) -> Result<()> {
    let config = Config::read(file)?;
    logging::begin(&config.logging)?;
    let store = open_store(&config, Tables::AsTheyAre).await?;
    let service = service(&config, store.clone())?.build();
    serve::est(&config, &service)?.build()?;
    retention(&config)?;
    let certificate = server_certificate(&config)?;
    store.close().await?;
    println!("The configuration is good.");
    if let Some(warning) = without_revocation_lists(&service) {
        println!("Warning: {warning}.");
    }
    println!("The server's certificate is valid until {}.", crate::output::time(certificate.not_after()));
    Ok(())
}

/// Whether the tables are made, or brought up to date, when the ledger is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Never.
    AsTheyAre,
    /// Those of a SQLite file, which nobody else looks after.
    OfSqlite,
    /// Always.
    UpToDate,
}

/// The ledger.
pub(crate) async fn open_store(config: &Config, tables: Tables) -> Result<Arc<SeaOrmStore>> {
    let url = config.store_url();
    let migrate = match tables {
        Tables::AsTheyAre => false,
        Tables::OfSqlite => url.starts_with("sqlite:"),
        Tables::UpToDate => true,
    };
    match connect(&url, ConnectOptions::new().migrate(migrate)).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(ConnectError::SchemaMissing { database }) => {
            bail!("{database} has no tables yet: create them with `renewal migrate`")
        }
        Err(ConnectError::SchemaOld { database, pending }) => {
            bail!(
                "{database} is older than this program, and lacks {}: run `renewal migrate`",
                pending.join(", ")
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// The service over a ledger.
pub(crate) fn service(config: &Config, stores: impl Into<Stores>) -> Result<CsrServiceBuilder> {
    let (certificate, key) = (config.path(&config.issuer.certificate), config.path(&config.issuer.key));
    let issuer = Issuer::from_pem(files::read(&certificate)?, files::read_secret(&key)?, SystemClock.now())
        .with_context(|| format!("cannot use {} with {}", certificate.display(), key.display()))?;
    let profile = profile(config)?;
    if profile.crl_url().is_some() {
        let problem = || format!("[profile] crl_url is set, but {} cannot serve it", certificate.display());
        issuer.as_crl_issuer().with_context(problem)?;
    }
    let mut builder = CsrService::builder(issuer, profile, stores).recorded_certificates_only(true);
    for trusted in device_issuers(config)? {
        builder = builder.device_issuer(trusted);
    }
    Ok(builder)
}

/// What is to be said of an authority that may sign certificates and no revocation lists.
pub(crate) fn without_revocation_lists(service: &CsrService) -> Option<&'static str> {
    service.issuer().as_crl_issuer().is_err().then_some(
        "the authority may not sign revocation lists (its keyUsage lacks cRLSign), so that none is served for it",
    )
}

/// The authorities whose devices may renew too.
pub(crate) fn device_issuers(config: &Config) -> Result<Vec<DeviceIssuer>> {
    let trusted = |trusted: &Trusted| {
        let path = config.path(&trusted.certificate);
        DeviceIssuer::trusted(files::read(&path)?).with_context(|| format!("cannot use {}", path.display()))
    };
    // Our own authority never signed anything without recording it, when it was the present one.
    let previous = |previous: &Previous| {
        let path = config.path(&previous.certificate);
        DeviceIssuer::recorded(files::read(&path)?).with_context(|| format!("cannot use {}", path.display()))
    };
    config.issuer.previous.iter().map(previous).chain(config.issuer.trusted.iter().map(trusted)).collect()
}

/// The authorities whose certificates let a device enroll.
pub(crate) fn bootstrap_issuers(config: &Config) -> Result<Vec<BootstrapIssuer>> {
    let load = |bootstrap: &Bootstrap| {
        let path = config.path(&bootstrap.certificate);
        let org = OrgId::new(bootstrap.organisation.unwrap_or(config.organisations.default));
        BootstrapIssuer::new(files::read(&path)?, org, bootstrap.names.into())
            .with_context(|| format!("cannot use {}", path.display()))
    };
    config.est.bootstrap.iter().map(load).collect()
}

/// The previous issuers whose keys were kept, to sign their revocation lists.
pub(crate) fn crl_issuers(config: &Config) -> Result<Vec<CrlIssuer>> {
    let mut issuers = Vec::new();
    for previous in &config.issuer.previous {
        let Some(key) = &previous.key else { continue };
        let (certificate, key) = (config.path(&previous.certificate), config.path(key));
        let issuer = CrlIssuer::from_pem(files::read(&certificate)?, files::read_secret(&key)?);
        let problem = || format!("cannot use {} with {}", certificate.display(), key.display());
        issuers.push(issuer.with_context(problem)?);
    }
    Ok(issuers)
}

/// What the server shows devices.
pub(crate) fn server_certificate(config: &Config) -> Result<Arc<ServerCertificate>> {
    let (certificate, key) = (config.path(&config.est.certificate), config.path(&config.est.key));
    files::warn_of_readers(&key);
    Ok(Arc::new(ServerCertificate::from_files(certificate, key, Arc::new(SystemClock))?))
}

/// Every organisation that is configured, each once.
pub(crate) fn organisations(config: &Config) -> Vec<OrgId> {
    let mut all: Vec<_> = config.organisations.labels.values().copied().map(OrgId::new).collect();
    all.push(OrgId::new(config.organisations.default));
    all.sort();
    all.dedup();
    all
}

/// For how long history is kept, and how often the rest is removed; none if it is kept for ever.
pub(crate) fn retention(config: &Config) -> Result<Option<(Retention, Duration)>> {
    const SHORTEST: Duration = Duration::from_mins(1);
    let settings = &config.retention;
    let Some(older_than) = settings.older_than else { return Ok(None) };
    let retention = retention_of(config, older_than, settings.keep_last).context("[retention]")?;
    let interval = settings.interval.unwrap_or(ScheduledRetention::INTERVAL);
    if interval < SHORTEST {
        bail!("[retention]: interval must be a minute at least");
    }
    Ok(Some((retention, interval)))
}

/// What may go, where history is kept for this time.
pub(crate) fn retention_of(config: &Config, older_than: Duration, keep_last: u32) -> Result<Retention> {
    let crl_validity = config.issuer.crl_validity.unwrap_or(EstBuilder::CRL_VALIDITY);
    Ok(Retention::new(older_than, keep_last, &profile(config)?, crl_validity)?)
}

/// What is issued, and whether a person is asked.
pub(crate) fn profile(config: &Config) -> Result<Profile> {
    let settings = &config.profile;
    let mut profile = Profile::builder()
        .approval(RequestKind::Enrollment, settings.enrollment.into())
        .approval(RequestKind::Renewal, settings.renewal.into())
        .approval(RequestKind::Recovery, settings.recovery.into())
        .earliest_renewal(settings.earliest_renewal);
    if let Some(lifetime) = settings.lifetime {
        profile = profile.lifetime(lifetime);
    }
    if let Some(grace) = settings.grace {
        profile = profile.grace(grace);
    }
    if let Some(period) = settings.approval_period {
        profile = profile.approval_period(period);
    }
    if let Some(url) = &settings.crl_url {
        profile = profile.crl_url(Some(url.parse().context("[profile] crl_url")?));
    }
    if let Some(deadline) = settings.signing_deadline {
        profile = profile.signing_deadline(deadline);
    }
    if let Some(age) = settings.abandon_after {
        profile = profile.abandon_after(age);
    }
    profile.build().context("[profile]")
}
