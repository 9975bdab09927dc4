//! `sign`: a request on a file, signed on the configuration's ledger without a server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use csr_service::{
    Credential, CsrService, EnrollmentGrant, Issued, NameGrant, Outcome, ProvenCertificate, Rejection,
    Request,
};
use renewal_domain::{
    ActionFilter, ActionKind, DeviceId, GrantedNames, NewAction, OrgId, PageRequest, PageSize, RequestId,
    RequestState, Target,
};
use uuid::Uuid;

use crate::config::Config;
use crate::files::{self, Existing, FileError, Mode};
use crate::setup::{self, Tables};
use crate::{command_line, output};

/// The exit status of a request that was refused.
const REFUSED: u8 = 2;

/// The exit status of a request that waits for a person.
const PENDING: u8 = 3;

/// What is said when a request was recorded, and what came of it could not be.
const RECORDED: &str = "the request is recorded in the ledger; repeat the command to get its certificate";

/// What to sign.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The request, PEM or DER
    #[arg(long, value_name = "FILE")]
    csr: PathBuf,

    /// The certificate to renew, PEM or DER: you vouch that the request comes from the device
    /// that holds its key. Without it the request is an enrollment
    #[arg(long, value_name = "CERT")]
    current: Option<PathBuf>,

    /// Where to write the certificate, in PEM [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Replace the file named by --out
    #[arg(long)]
    force: bool,

    /// Days the certificate is valid, if fewer than the profile's lifetime
    #[arg(long, value_name = "N")]
    days: Option<u32>,

    /// Alternative name that an enrollment may have although the profile does not permit it, such as
    /// DNS:gw-1.example; can be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "current")]
    san: Vec<String>,

    /// Attribute that the subject of an enrollment may have beside the CN, such as O=Example Ltd; can be
    /// given several times
    #[arg(long, value_name = "NAME", conflicts_with = "current")]
    subject: Vec<String>,

    /// Organisation, unless it is the default one
    #[arg(long, value_name = "UUID")]
    org: Option<Uuid>,
}

/// Signs, or says why not.
pub(crate) async fn run(file: &Path, args: &Args) -> Result<ExitCode> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    if let Some(out) = &args.out {
        with_hint(files::check_writable(out, existing))?;
    }
    let csr = files::read(&args.csr)?;
    let credential = match &args.current {
        None => Credential::Enrollment(EnrollmentGrant::for_any_device().with_names(granted(args)?)),
        Some(path) => Credential::Certificate(ProvenCertificate::vouched_for_by_operator(files::read(path)?)),
    };
    let lifetime = args.days.map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    let config = Config::read(file)?;
    let org = config.organisations.named(args.org)?;
    let store = setup::open_store(&config, Tables::OfSqlite).await?;
    let service = setup::service(&config, store.clone())?.build();
    service.reconcile(org).await?;
    let outcome =
        service.submit(org, Request { csr: &csr, credential, lifetime, source_address: None }).await?;
    vouch(&service, org, &outcome).await?;
    store.close().await?;
    match outcome {
        Outcome::Issued(issued) => {
            hand_over(&issued, args.out.as_deref(), existing).context(RECORDED)?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Rejected(rejection) => Ok(refused(&rejection)),
        Outcome::Pending(pending) if pending.state == RequestState::Signing => bail!(
            "request {} is being signed by another process, or was left behind by one that stopped; repeat \
             the command in a moment, or at worst when it is ended as abandoned",
            pending.request_id
        ),
        Outcome::Pending(pending) => {
            let id = pending.request_id;
            output::note(format_args!("Request {id} waits. Decide with one of:"));
            output::note(format_args!("  renewal requests approve {id}"));
            output::note(format_args!("  renewal requests deny {id}"));
            output::note(format_args!("then repeat this command to get the certificate."));
            Ok(PENDING.into())
        }
    }
}

/// The names that the operator grants.
fn granted(args: &Args) -> Result<NameGrant> {
    let names = GrantedNames::new(args.subject.clone(), args.san.clone())?;
    Ok(NameGrant::try_from(&names)?)
}

/// Records who vouched for the requester, where a certificate came out or the request waits: once for each
/// request, however often the command is repeated.
async fn vouch(service: &CsrService, org: OrgId, outcome: &Outcome) -> Result<()> {
    let (request, device, note) = match outcome {
        Outcome::Issued(issued) => {
            let certificate = &issued.certificate;
            let note = format!("{} of {}", certificate.kind, certificate.device_name);
            (certificate.request_id, Some(certificate.device_id), note)
        }
        Outcome::Pending(pending) if pending.state == RequestState::Pending => {
            // One that was decided meanwhile is no longer open.
            let open = service.stores().issuance.open_request(org, pending.request_id).await?;
            let note = open.as_ref().map(|it| format!("{} of {}", it.purpose().kind(), it.device_name()));
            (pending.request_id, open.map(|open| open.device_id()), note.unwrap_or_default())
        }
        Outcome::Pending(_) | Outcome::Rejected(_) => return Ok(()),
    };
    if vouched_for(service, org, request).await? {
        return Ok(());
    }
    let action = vouching(request, device).note(note);
    command_line::record(&*service.stores().actions, org, action).await.context(RECORDED)
}

fn vouching(request: RequestId, device: Option<DeviceId>) -> NewAction {
    let action = NewAction::new(ActionKind::RequestVouched, Target::Request(request));
    match device {
        Some(device) => action.device(device),
        None => action,
    }
}

/// Whether it is recorded already that somebody vouched for a request.
async fn vouched_for(service: &CsrService, org: OrgId, request: RequestId) -> Result<bool> {
    let (filter, page) = (ActionFilter::Target(Target::Request(request)), PageRequest::first(PageSize::MAX));
    let actions = service.stores().actions.actions(org, &filter, &page).await?;
    Ok(actions.items.iter().any(|action| action.kind == ActionKind::RequestVouched))
}

/// Says what was issued, and writes it where it is wanted.
fn hand_over(issued: &Issued, out: Option<&Path>, existing: Existing) -> Result<()> {
    let certificate = &issued.certificate;
    let again = if issued.repeated { ", as answered before" } else { "" };
    output::note(format_args!(
        "{} of {}: valid until {} UTC, serial number {}{again}",
        certificate.kind,
        certificate.device_name,
        output::time(certificate.not_after),
        certificate.serial
    ));
    let pem = issued.pem();
    match out {
        Some(out) => with_hint(files::write(out, pem.as_bytes(), Mode::Public, existing)),
        None => std::io::stdout().write_all(pem.as_bytes()).context("cannot write to standard output"),
    }
}

/// Says why a request was refused, and what helps.
fn refused(rejection: &Rejection) -> ExitCode {
    output::note(format_args!("refused: {rejection}"));
    output::note(format_args!("{}", rejection.reason().advice()));
    REFUSED.into()
}

fn with_hint(done: Result<(), FileError>) -> Result<()> {
    match done {
        Err(FileError::Exists(path)) => {
            bail!("{} exists already; use --force to replace it", path.display())
        }
        done => Ok(done?),
    }
}
