//! The demonstration: fourteen months of a device's life, played in seconds.

mod clock;
mod story;

use std::sync::Arc;

use anyhow::{Result, bail};
use renewal_domain::{
    CertificateFilter, CertificateRecord, DeviceId, EventFilter, FleetStore, OrgId, PageRequest, PageSize,
    RenewalEventStore, RequestKind, SystemClock,
};
use renewal_store_seaorm::SeaOrmStore;

use crate::Place;
use crate::demo::clock::StoryClock;
use crate::demo::story::Story;
use crate::exit::Status;
use crate::output::say;
use crate::table::History;
use crate::{files, ledger, table};

/// Plays the demonstration and shows the history.
pub(crate) async fn run(place: &Place) -> Result<Status> {
    let org = OrgId::new(place.org);
    ledger::prepare_directory(&place.dir)?;
    // Two at once would play with the same device.
    let _alone = files::lock(&place.dir, ".demo.lock")?;
    let found = place.dir.join(ledger::CA_KEY).exists();
    let store = Arc::new(ledger::prepared(place).await?);
    // The authority was made before the story begins.
    let clock = Arc::new(StoryClock::starting_days_ago(story::DAYS));
    let issuer = match ledger::issuer_or_new(&place.dir, &*clock) {
        Err(_) if ledger::issuer(&place.dir, &SystemClock).is_ok() => bail!(
            "the authority in {} is too young for the demonstration, which begins {} days ago; \
             give it a directory of its own with --dir",
            place.dir.display(),
            story::DAYS
        ),
        issuer => issuer?,
    };
    let number = story::next_number(&place.dir);
    if found {
        say!(
            "Found {} from before: a certificate authority valid until {}, and {}. This run adds device {number}.",
            place.dir.display(),
            table::date(issuer.not_after()),
            amount(&store, org).await?,
        )?;
    } else {
        let ledger = if place.database_url.is_some() { "." } else { ", and a ledger in SQLite." };
        say!("Made {}: a certificate authority, its key{ledger}", place.dir.display())?;
    }
    say!("")?;

    let gateway = Story::new(place, org, &issuer, &store, clock, number)?;
    let name = gateway.play().await?;

    say!("\nWhat the ledger says about {name}:\n")?;
    history(&store, org, gateway.device()).await?;
    next_steps(place, &name)?;
    Ok(Status::Done)
}

/// Prints the history of a device, oldest first, its enrollments among it.
async fn history(store: &SeaOrmStore, org: OrgId, device: DeviceId) -> Result<()> {
    let page = PageRequest::first(PageSize::MAX);
    let events = store.list(org, &EventFilter::new().device(device), &page).await?.items;
    let certificates = store.certificates(org, &CertificateFilter::OfDevice(device), &page).await?.items;
    let mut enrollments = certificates.iter().rev().filter(|c| c.kind == RequestKind::Enrollment).peekable();
    let mut history = History::new(false);
    for event in events.iter().rev() {
        let earlier = |c: &&CertificateRecord| c.request_id.start_event() < event.id();
        while let Some(enrollment) = enrollments.next_if(earlier) {
            history.enrollment(enrollment);
        }
        history.event(event, "");
    }
    for enrollment in enrollments {
        history.enrollment(enrollment);
    }
    history.print()
}

/// How much history there is, without reading all of it.
async fn amount(store: &SeaOrmStore, org: OrgId) -> Result<String> {
    let page = PageRequest::first(PageSize::MAX);
    let page = store.list(org, &EventFilter::new(), &page).await?;
    let more = if page.next.is_some() { "more than " } else { "" };
    Ok(format!("{more}{} events", page.items.len()))
}

fn next_steps(place: &Place, name: &str) -> Result<()> {
    let dir = place.dir.display();
    let option =
        if place.dir.as_os_str() == "./renewal-demo" { String::new() } else { format!(" --dir {dir}") };
    say!("\nTry next:")?;
    say!("  csr-signing{option} events --type renewal_failed --type recovery_failed")?;
    say!("  csr-signing{option} events --device {name} --json")?;
    say!("  openssl x509 -in {dir}/{name}.pem -noout -text")?;
    say!("  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\")?;
    say!("      -subj /CN=my-device -keyout my-device.key -out my-device.csr")?;
    say!("  csr-signing{option} sign --csr my-device.csr --out my-device.pem")?;
    say!("(csr-signing is `cargo run --bin csr-signing --` here.)")
}
