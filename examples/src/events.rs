//! Shows the history.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anyhow::Result;
use renewal_domain::{
    AttemptId, CertificateFilter, Cursor, DeviceId, DeviceName, EventFilter, EventType, FleetStore, OrgId,
    PageRequest, PageSize, ReasonCode, RenewalEvent, RenewalEventStore, device,
};
use renewal_store_seaorm::SeaOrmStore;

use crate::Place;
use crate::exit::Status;
use crate::ledger;
use crate::output::{note, say};
use crate::table::History;

/// Which events, and in which form.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those of this device: its name, or its UUID
    #[arg(long, value_name = "CN-or-UUID")]
    device: Option<String>,

    /// Only those of this type, such as `renewal_failed`; can be given several times
    #[arg(long = "type", value_name = "T")]
    types: Vec<EventType>,

    /// Only failures for this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<ReasonCode>,

    /// Only those of this attempt
    #[arg(long, value_name = "UUID")]
    attempt: Option<AttemptId>,

    /// At most this many, 1 to 1000
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,

    /// Go on where the page before ended
    #[arg(long, value_name = "C")]
    cursor: Option<Cursor>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> Result<Status> {
    let org = OrgId::new(place.org);
    let mut filter = EventFilter::new().event_types(args.types.iter().copied());
    if let Some(reason) = &args.reason {
        filter = filter.reason(reason.clone());
    }
    if let Some(attempt) = args.attempt {
        filter = filter.attempt(attempt);
    }
    let store = ledger::existing(place).await?;
    if let Some(called) = &args.device {
        filter = filter.device(device_called(&store, org, called).await?);
    }
    let size = PageSize::nearest(args.limit);
    let page = match args.cursor {
        None => PageRequest::first(size),
        Some(cursor) => PageRequest::resume(size, &filter.scope(org), cursor)?,
    };
    let found = RenewalEventStore::list(&store, org, &filter, &page).await?;
    if args.json {
        for event in &found.items {
            say!("{}", serde_json::to_string(event)?)?;
        }
    } else if found.items.is_empty() {
        say!("No events.")?;
    } else {
        print(&store, org, &found.items).await?;
    }
    if let Some(next) = found.next {
        note!("There is more: repeat with --cursor {next}");
    }
    Ok(Status::Done)
}

/// The device with this name, or if nothing is known of one, the one with this UUID.
async fn device_called(store: &SeaOrmStore, org: OrgId, called: &str) -> Result<DeviceId> {
    let named = DeviceId::of(org, &DeviceName::new(called)?, device::DEFAULT_PREFIX);
    let Ok(uuid) = called.parse() else { return Ok(named) };
    let one = PageRequest::first(PageSize::nearest(1));
    let known = RenewalEventStore::list(store, org, &EventFilter::new().device(named), &one).await?;
    Ok(if known.items.is_empty() { DeviceId::new(uuid) } else { named })
}

/// Prints events of any devices.
async fn print(store: &SeaOrmStore, org: OrgId, events: &[RenewalEvent]) -> Result<()> {
    let mut names = HashMap::new();
    let mut history = History::new(true);
    for event in events {
        let device = event.device_id();
        if let Entry::Vacant(unknown) = names.entry(device) {
            unknown.insert(name(store, org, device).await?);
        }
        history.event(event, &names[&device]);
    }
    history.print()
}

/// The name of a device, as its newest certificate has it; a device that brought its
/// certificate along and never got one here has only its id.
async fn name(store: &SeaOrmStore, org: OrgId, device: DeviceId) -> Result<String> {
    let newest = PageRequest::first(PageSize::nearest(1));
    let newest = store.certificates(org, &CertificateFilter::OfDevice(device), &newest).await?;
    Ok(newest.items.first().map_or_else(|| device.to_string(), |c| c.device_name.to_string()))
}
