//! `serve`: the server, until it is told to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use csr_service::CsrService;
use renewal_domain::OrgId;
use renewal_server::{AttemptLimits, EnrollmentTokens, Est, EstServer, Limits, ServerCertificate};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::config::Config;
use crate::setup::{self, Tables};
use crate::{files, logging};

/// How often requests that were left open are looked for.
const RECONCILE_EVERY: Duration = Duration::from_mins(1);

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bring the tables of a database other than SQLite up to date first
    #[arg(long)]
    migrate: bool,
}

/// Runs the server.
pub(crate) async fn run(file: &Path, args: &Args) -> Result<()> {
    let config = Config::read(file)?;
    logging::begin(&config.log)?;
    let tables = if args.migrate { Tables::UpToDate } else { Tables::OfSqlite };
    let store = setup::open_store(&config, tables).await?;
    let service = setup::service(&config, store.clone())?;
    let certificate = setup::server_certificate(&config)?;
    let est = est(&config, &service)?;
    let server = EstServer::bind(config.est.listen, est, certificate.clone(), Limits::default()).await?;
    // A signal is heeded from the moment somebody may know that we are there.
    let (reload, stop) = (reload(certificate)?, told_to_stop()?);
    info!(address = %server.local_address(), "devices are served over EST");

    let reconciler = tokio::spawn(reconcile(service, setup::organisations(&config)));
    let reloader = tokio::spawn(reload);
    let stopped = server.serve(stop).await;
    reconciler.abort();
    reloader.abort();
    store.close().await?;
    info!(cut_off = stopped.cut_off, "stopped");
    Ok(())
}

/// What devices are offered.
pub(crate) fn est(config: &Config, service: &CsrService) -> Result<Est> {
    let default = OrgId::new(config.organisations.default);
    let usual = AttemptLimits::default();
    let limits = AttemptLimits {
        per_device: config.est.attempts_per_device.unwrap_or(usual.per_device),
        per_address: config.est.attempts_per_address.unwrap_or(usual.per_address),
        ..usual
    };
    let mut est = Est::builder(service.clone(), default)
        .attempt_limits(limits)
        .enrollment_authority(Arc::new(EnrollmentTokens::of(service.clone())));
    for (label, org) in &config.organisations.labels {
        est = est.label(label, OrgId::new(*org));
    }
    for trusted in setup::device_issuers(config)? {
        est = est.device_issuer(trusted);
    }
    let earlier = config.issuer.earlier.iter().map(|earlier| &earlier.certificate);
    for authority in earlier.chain(&config.issuer.trusted) {
        est = est.ca_certificate(files::read(&config.path(authority))?);
    }
    for issuer in setup::crl_issuers(config)? {
        est = est.crl_issuer(issuer);
    }
    if let Some(validity) = config.issuer.crl_validity {
        est = est.crl_validity(validity);
    }
    Ok(est.build()?)
}

/// Ends what was left open, again and again.
async fn reconcile(service: CsrService, organisations: Vec<OrgId>) {
    let mut time = tokio::time::interval(RECONCILE_EVERY);
    loop {
        time.tick().await;
        for org in &organisations {
            match service.reconcile(*org).await {
                Ok(ended) if ended.abandoned + ended.approval_expired > 0 => {
                    info!(%org, ended.abandoned, ended.approval_expired, "ended requests that were left open");
                }
                Ok(_) => {}
                Err(failure) => {
                    let failure: &(dyn std::error::Error + 'static) = &failure;
                    error!(%org, error = failure, "could not look for requests that were left open");
                }
            }
        }
    }
}

/// Loads the server certificate anew at each SIGHUP; a bad one is logged, and the old one stays.
fn reload(certificate: Arc<ServerCertificate>) -> Result<impl Future<Output = ()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            match certificate.reload() {
                Ok(()) => info!(until = %certificate.not_after(), "loaded the server certificate anew"),
                Err(failure) => {
                    let failure: &(dyn std::error::Error + 'static) = &failure;
                    error!(error = failure, "kept the old server certificate");
                }
            }
        }
    })
}

/// Ready at SIGTERM or SIGINT.
fn told_to_stop() -> Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => info!("told to stop by SIGTERM"),
            _ = interrupt.recv() => info!("told to stop by SIGINT"),
        }
    })
}
