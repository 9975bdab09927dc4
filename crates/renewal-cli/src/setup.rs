//! From the configuration to the service: what it names is loaded, and checked.

mod authorities;
pub(crate) mod warnings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use csr_service::{CsrService, CsrServiceBuilder, Issuer, Profile, Retention};
use renewal_domain::{Clock, RequestKind, Stores, SystemClock};
use renewal_server::{EstBuilder, ScheduledRetention, ServerCertificate};
use renewal_store_seaorm::{ConnectError, ConnectOptions, SeaOrmStore, connect};

pub(crate) use self::authorities::{bootstrap_issuers, crl_issuers};
use crate::config::Config;
use crate::{authentication_key, files, logging, serve};

/// `config check`.
pub(crate) async fn check(file: &Path) -> Result<()> {
    let config = Config::read(file)?;
    logging::begin(&config.logging)?;
    let store = open_store(&config, Tables::AsTheyAre).await?;
    let service = service(&config, store.clone())?.build();
    serve::est(&config, &service)?.build()?;
    retention(&config)?;
    let certificate = server_certificate(&config)?;
    let warnings = warnings::all(&config, &service).await?;
    store.close().await?;
    println!("The configuration is good.");
    for warning in warnings {
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

/// The ledger, whose rows are authenticated with the keys of the configuration.
pub(crate) async fn open_store(config: &Config, tables: Tables) -> Result<Arc<SeaOrmStore>> {
    let keys = authentication_key::keys(config)?;
    let url = config.store_url();
    let migrate = match tables {
        Tables::AsTheyAre => false,
        Tables::OfSqlite => url.starts_with("sqlite:"),
        Tables::UpToDate => true,
    };
    match connect(&url, ConnectOptions::new().migrate(migrate)).await {
        Ok(store) => Ok(Arc::new(store.authenticated(keys))),
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
    let device_issuers = authorities::device_issuers(config, &issuer)?;
    let mut builder = CsrService::builder(issuer, profile, stores);
    if let Some(adoption) = authorities::adoption(config)? {
        builder = builder.adopted(adoption);
    }
    for issuer in device_issuers {
        builder = builder.device_issuer(issuer);
    }
    for authority in authorities::bootstrap_authorities(config)? {
        builder = builder.bootstrap_authority(authority);
    }
    Ok(builder)
}

/// What the server shows devices.
pub(crate) fn server_certificate(config: &Config) -> Result<Arc<ServerCertificate>> {
    let (certificate, key) = (config.path(&config.est.certificate), config.path(&config.est.key));
    files::warn_of_readers(&key);
    Ok(Arc::new(ServerCertificate::from_files(certificate, key, Arc::new(SystemClock))?))
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
        .earliest_renewal(settings.earliest_renewal)
        .superseded(settings.superseded.into())
        .key_reuse(settings.key_reuse.into())
        .names(settings.names.policy());
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
