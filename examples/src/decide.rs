//! What a person decides: approve, deny, revoke.

use anyhow::Result;
use csr_service::{Outcome, Profile};
use renewal_domain::{OrgId, RequestId, RevocationReason, Serial, SystemClock};

use crate::Place;
use crate::command_line;
use crate::exit::{self, Status};
use crate::ledger;
use crate::output::say;
use crate::table;

/// A request to approve.
#[derive(Debug, clap::Args)]
pub(crate) struct Approve {
    /// The request, as `sign` printed it
    #[arg(value_name = "REQUEST-ID")]
    request: RequestId,
}

/// A request to deny.
#[derive(Debug, clap::Args)]
pub(crate) struct Deny {
    /// The request, as `sign` printed it
    #[arg(value_name = "REQUEST-ID")]
    request: RequestId,

    /// Why, for the history
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// A certificate to revoke.
#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    /// The serial number in hexadecimal, as `openssl x509 -serial` prints it
    serial: Serial,

    /// Why
    #[arg(long, default_value = "unspecified", value_parser = reason)]
    reason: RevocationReason,

    /// Why, in words, for the record
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// Approves a request.
pub(crate) async fn approve(place: &Place, args: &Approve) -> Result<Status> {
    let service = service(place).await?;
    Ok(match service.approve(OrgId::new(place.org), args.request, &command_line::context()).await? {
        Outcome::Issued(issued) => {
            let certificate = &issued.certificate;
            say!(
                "Approved: {} has a certificate until {}, serial number {}.",
                certificate.device_name,
                table::date(certificate.not_after),
                certificate.serial
            )?;
            say!("The device gets it by repeating its request.")?;
            Status::Done
        }
        Outcome::Rejected(rejection) => exit::refused(&rejection),
        Outcome::Pending(_) => Status::Pending,
    })
}

/// Denies a request.
pub(crate) async fn deny(place: &Place, args: &Deny) -> Result<Status> {
    let (org, by) = (OrgId::new(place.org), command_line::context());
    service(place).await?.deny(org, args.request, &args.note, &by).await?;
    say!("Denied.")?;
    Ok(Status::Done)
}

/// Revokes a certificate.
pub(crate) async fn revoke(place: &Place, args: &Revoke) -> Result<Status> {
    let service = service(place).await?;
    let (org, by) = (OrgId::new(place.org), command_line::context());
    let (certificate, revoked) = service.revoke(org, &args.serial, args.reason, &args.note, &by).await?;
    if let Some(revocation) = certificate.revocation {
        say!(
            "Certificate {} of {} was revoked on {} ({}).",
            certificate.serial,
            certificate.device_name,
            table::time(revocation.at),
            revocation.reason.as_str()
        )?;
    }
    for other in revoked.revocations.iter().filter(|other| other.serial != certificate.serial) {
        say!("Certificate {}, which has its key, was revoked with it.", other.serial)?;
    }
    if revoked.barred_key.is_some() {
        say!("No certificate is issued for its key any more.")?;
    }
    Ok(Status::Done)
}

async fn service(place: &Place) -> Result<csr_service::CsrService> {
    let store = ledger::existing(place).await?;
    let issuer = ledger::issuer(&place.dir, &SystemClock)?;
    let profile = Profile::builder().build()?;
    let service = csr_service::CsrService::builder(issuer, profile, std::sync::Arc::new(store)).build();
    service.reconcile(OrgId::new(place.org)).await?;
    Ok(service)
}

fn reason(name: &str) -> Result<RevocationReason, String> {
    RevocationReason::from_name(name).ok_or_else(|| {
        let known = RevocationReason::ALL.map(RevocationReason::as_str).join(", ");
        format!("it is one of {known}")
    })
}
