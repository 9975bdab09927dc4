//! `serve`: the server, until it is told to stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use csr_service::CsrService;
use futures::FutureExt;
use renewal_domain::{OrgId, SystemClock};
use renewal_server::{
    Api, ApiServer, AttemptLimits, EnrollmentTokens, Est, EstBuilder, EstServer, Gauges, Limits, Metrics,
    ScheduledRetention, ServerCertificate,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::config::{Config, Flags};
use crate::setup::{self, Tables};
use crate::{files, logging, open_files};

/// How often requests that were left open are looked for.
const RECONCILE_EVERY: Duration = Duration::from_mins(1);

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bring the tables of a database other than SQLite up to date first
    #[arg(long)]
    migrate: bool,
    /// Listen for devices there, as est.listen says
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    est_listen: Option<String>,
    /// Listen for operators there, as api.listen says
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    api_listen: Option<String>,
    /// The ledger, as store.url says
    #[arg(long, value_name = "URL")]
    store_url: Option<String>,
    /// How much to log, as logging.level says
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How to log, text or json, as logging.format says
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    log_format: Option<String>,
}

impl Args {
    /// The settings among them.
    fn flags(self) -> Flags {
        let all = [
            ("est.listen", self.est_listen),
            ("api.listen", self.api_listen),
            ("store.url", self.store_url),
            ("logging.level", self.log_level),
            ("logging.format", self.log_format),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Runs the server.
pub(crate) async fn run(file: &Path, args: Args) -> Result<()> {
    let tables = if args.migrate { Tables::UpToDate } else { Tables::OfSqlite };
    let config = Config::read_with(file, &args.flags())?;
    logging::begin(&config.logging)?;
    let store = setup::open_store(&config, tables).await?;
    let metrics = Metrics::new(&SystemClock);
    let watched = Arc::new(metrics.watch_store(store.clone()));
    let service = setup::service(&config, watched)?.observer(Arc::new(metrics.clone())).build();
    for warning in setup::warnings::all(&config, &service).await? {
        warn!("{warning}");
    }
    let certificate = setup::server_certificate(&config)?;
    let retention = scheduled_retention(&config, &service, &metrics)?;
    let est = est(&config, &service)?.metrics(metrics.clone()).build()?;
    let api = Api::new(service.clone()).metrics(metrics.clone());
    let usual = Limits::default();
    let connections = config.est.connections.unwrap_or(usual.connections);
    open_files::allow(connections);
    let limits = Limits { connections, ..usual };
    let devices = EstServer::bind(config.est.listen, est, certificate.clone(), limits).await?;
    let operators = ApiServer::bind(config.api.listen, api, Limits::default()).await?;
    // A signal is heeded from the moment somebody may know that we are there.
    let (reload, stop) = (reload(certificate.clone())?, told_to_stop()?.shared());
    info!(address = %operators.local_address(), "operators are served over HTTP");
    info!(address = %devices.local_address(), "devices are served over EST");

    let organisations = config.organisations.all();
    let gauges = Gauges::new(
        metrics,
        store.clone(),
        organisations.clone(),
        &service,
        certificate,
        Arc::new(SystemClock),
    );
    let mut background = JoinSet::new();
    background.spawn(async move { gauges.keep_fresh().await });
    background.spawn(reconcile(service, organisations));
    background.spawn(reload);
    if let Some(retention) = retention {
        background.spawn(async move { retention.keep().await });
    }
    let (devices, operators) = tokio::join!(devices.serve(stop.clone()), operators.serve(stop));
    background.shutdown().await;
    store.close().await?;
    info!(cut_off = devices.cut_off + operators.cut_off, "stopped");
    Ok(())
}

/// What devices are offered.
pub(crate) fn est(config: &Config, service: &CsrService) -> Result<EstBuilder> {
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
    let previous = config.issuer.previous.iter().map(|previous| &previous.certificate);
    for authority in previous.chain(config.issuer.trusted.iter().map(|trusted| &trusted.certificate)) {
        est = est.ca_certificate(files::read(&config.path(authority))?);
    }
    for issuer in setup::bootstrap_issuers(config)? {
        est = est.bootstrap_issuer(issuer);
    }
    for issuer in setup::crl_issuers(config)? {
        est = est.crl_issuer(issuer);
    }
    if let Some(validity) = config.issuer.crl_validity {
        est = est.crl_validity(validity);
    }
    Ok(est)
}

/// How old history is pruned, if it is.
fn scheduled_retention(
    config: &Config,
    service: &CsrService,
    metrics: &Metrics,
) -> Result<Option<ScheduledRetention>> {
    let Some((retention, interval)) = setup::retention(config)? else { return Ok(None) };
    let (store, organisations) = (service.stores().retention.clone(), config.organisations.all());
    let clock = Arc::new(SystemClock);
    let scheduled = ScheduledRetention::new(retention, store, organisations, clock, metrics.clone());
    Ok(Some(scheduled.interval(interval)))
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
pub(crate) fn told_to_stop() -> Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => info!("told to stop by SIGTERM"),
            _ = interrupt.recv() => info!("told to stop by SIGINT"),
        }
    })
}

/// An address and a port, as it was written.
fn address(text: &str) -> Result<String, String> {
    let read = text.parse::<SocketAddr>();
    read.map(|_| text.to_owned()).map_err(|_| "write it like 127.0.0.1:8080 or [::1]:8080".to_owned())
}
