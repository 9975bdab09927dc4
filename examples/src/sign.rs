//! Signs a request on a file.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use csr_service::{
    Adoption, ApprovalMode, Credential, CsrService, EnrollmentGrant, NamePolicy, Outcome, Profile,
    ProvenCertificate, Request, SanPolicy, SubjectPolicy,
};
use renewal_domain::{Clock, OrgId, RequestKind, RequestState, SystemClock};

use crate::Place;
use crate::exit::{self, Status};
use crate::files::{self, Existing, Mode};
use crate::ledger;
use crate::output::note;
use crate::table;

/// What to sign.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
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

    /// Days the certificate is valid, if fewer than the profile's 365
    #[arg(long, value_name = "N")]
    days: Option<u32>,

    /// Let the request wait for `approve` or `deny`
    #[arg(long)]
    manual: bool,

    /// Permit any valid name in the request, and not the CN alone
    #[arg(long)]
    any_name: bool,

    /// Renew certificates of the authority that are not in the ledger too: it was at work before
    #[arg(long)]
    adopted: bool,
}

/// What is said when a certificate was issued and could not be written.
const RECORDED: &str = "the certificate is recorded in the ledger; repeat the command to get it again";

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> Result<Status> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    if let Some(out) = &args.out {
        files::check_writable(out, existing)?;
    }
    let csr = files::read(&args.csr)?;
    let credential = match &args.current {
        None => Credential::Enrollment(EnrollmentGrant::for_any_device()),
        Some(path) => Credential::Certificate(ProvenCertificate::vouched_for_by_operator(files::read(path)?)),
    };
    let lifetime = args.days.map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    let org = OrgId::new(place.org);
    let service = service(place, args).await?;
    service.reconcile(org).await?;
    Ok(match service.submit(org, Request { csr: &csr, credential, lifetime, source_address: None }).await? {
        Outcome::Rejected(rejection) => exit::refused(&rejection),
        Outcome::Pending(pending) if pending.state == RequestState::Signing => bail!(
            "request {} is being signed by another process, or was left behind by one that stopped; \
             repeat the command in a moment, or at worst in ten minutes",
            pending.request_id
        ),
        Outcome::Pending(pending) => {
            note!("Request {} waits. Decide with one of:", pending.request_id);
            note!("  csr-signing approve {}", pending.request_id);
            note!("  csr-signing deny {}", pending.request_id);
            note!("then repeat this command to get the certificate.");
            Status::Pending
        }
        Outcome::Issued(issued) => {
            let certificate = &issued.certificate;
            let again = if issued.repeated { ", as answered before" } else { "" };
            note!(
                "{} of {}: valid until {}, serial number {}{again}",
                certificate.kind,
                certificate.device_name,
                table::date(certificate.not_after),
                certificate.serial
            );
            let pem = issued.pem();
            match &args.out {
                None => std::io::stdout()
                    .write_all(pem.as_bytes())
                    .context("cannot write to standard output")
                    .context(RECORDED)?,
                Some(out) => files::write(out, pem.as_bytes(), Mode::Public, existing).context(RECORDED)?,
            }
            Status::Done
        }
    })
}

async fn service(place: &Place, args: &Args) -> Result<CsrService> {
    let mode = if args.manual { ApprovalMode::Manual } else { ApprovalMode::Automatic };
    let kinds = [RequestKind::Enrollment, RequestKind::Renewal, RequestKind::Recovery];
    let names = if args.any_name {
        NamePolicy { subject: SubjectPolicy::Any, san: SanPolicy::Any }
    } else {
        NamePolicy::default()
    };
    let profile = Profile::builder().names(names);
    let profile = kinds.into_iter().fold(profile, |profile, kind| profile.approval(kind, mode)).build()?;
    let clock = SystemClock;
    ledger::prepare_directory(&place.dir)?;
    let store = ledger::prepared(place).await?;
    let issuer = ledger::issuer_or_new(&place.dir, &clock)?;
    let mut service = CsrService::builder(issuer, profile, Arc::new(store));
    if args.adopted {
        service = service.adopted(Adoption { before: clock.now(), organisation: OrgId::new(place.org) });
    }
    Ok(service.build())
}
