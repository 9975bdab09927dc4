//! One round: a fleet at work, faults, healing, and the check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tests::Backend;
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use crate::checker::{Facts, Violation, check};
use crate::faults::Field;
use crate::fleet::{Fleet, Turn};
use crate::ground::{Ground, Ledger};
use crate::journal::{Entry, Journal, lines};
use crate::plan::{self, Planned};
use crate::sessions;
use crate::site::Site;
use crate::snapshot::Snapshot;
use crate::station::Station;
use crate::summary::Counts;

/// How far ahead the clock is of the server that ends what was left open: farther than any clock
/// was stepped.
const LATER: i64 = 200 * 24 * 60 * 60;

/// After what time, where no clock can be stepped, everything is old enough to be ended.
const OLD_ENOUGH: Duration = Duration::from_secs(4);

/// How long ending it may take, and how long the database may take to end old sessions.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long between two looks.
const TICK: Duration = Duration::from_millis(20);

/// What became of a round.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) plan: Vec<Planned>,
    pub(crate) counts: Counts,
    pub(crate) violations: Vec<Violation>,
    /// What the clients wrote down, what is in the ledger, what the servers logged; by name.
    pub(crate) records: Vec<(String, String)>,
}

/// Where rounds take place.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) site: Arc<Site>,
    pub(crate) ground: Ground,
}

impl Arena {
    /// One for a backend.
    pub(crate) fn new(backend: Backend) -> Result<Self> {
        Ok(Self { site: Arc::new(Site::new()?), ground: Ground::of(backend)? })
    }

    /// Plays one round.
    ///
    /// # Errors
    /// When something fails that is not the product's fault: nothing was shown then.
    pub(crate) async fn round(&self, turn: Turn) -> Result<Outcome> {
        let plan = plan::plan(turn.seed, turn.backend, turn.round);
        let ledger = self.ground.ledger(&self.site, turn.round).await?;
        let numbers = 0..plan::servers(turn.backend);
        let stations = numbers.map(|number| Station::new(&self.site, number, &ledger));
        let stations = try_join_all(stations).await?;
        try_join_all(stations.iter().map(Station::start)).await?;
        let journal = Arc::new(Journal::begin());
        let addresses: Vec<_> = stations.iter().map(Station::address).collect();
        let api = stations.first().context("there is no server")?.api().await?;
        let fleet = Fleet::new(&self.site, turn, &ledger.url(), &api, &addresses, &journal).await?;
        let devices = fleet.devices();

        let (mut fleet, carried_out) = self.turmoil(fleet, &plan, &ledger, &stations).await?;
        let mut violations = Vec::new();
        for station in &stations {
            let failed = station.has_failed().await;
            violations.extend(failed.map(|log| Violation::of("no server ends by itself", log)));
        }
        self.end_what_was_left_open(&ledger, &stations, &mut violations).await?;
        try_join_all(stations.iter().map(Station::start)).await?;
        let unanswered = fleet.settle().await;
        let never = "every question is answered in the end";
        violations.extend(unanswered.into_iter().map(|question| Violation::of(never, question)));
        stop(&stations, &mut violations).await;

        let entries = journal.entries();
        let snapshot = Snapshot::of(turn.backend, &ledger.url()).await?;
        violations.extend(check(Facts { snapshot: &snapshot, entries: &entries, devices: &devices }));
        let counts = Counts::of(&snapshot, &entries, &plan, &carried_out);
        let records = records(&stations, &entries, &snapshot).await;
        Ok(Outcome { plan, counts, violations, records })
    }

    /// Everything at once, until the last fault has healed.
    async fn turmoil(
        &self,
        fleet: Fleet,
        plan: &[Planned],
        ledger: &Ledger,
        stations: &[Station],
    ) -> Result<(Fleet, Vec<bool>)> {
        let (tell, over) = watch::channel(false);
        let working = tokio::spawn(fleet.work(over));
        let field = Field { ground: &self.ground, ledger, stations, database: Mutex::default() };
        let (carried_out, ()) = tokio::join!(field.carry_out(plan), sleep(plan::TURMOIL));
        tell.send_replace(true);
        let fleet = working.await??;
        Ok((fleet, carried_out?))
    }

    /// Time passes, and a server ends what killed ones have left open.
    async fn end_what_was_left_open(
        &self,
        ledger: &Ledger,
        stations: &[Station],
        violations: &mut Vec<Violation>,
    ) -> Result<()> {
        stop(stations, violations).await;
        let (backend, url) = (ledger.backend(), ledger.url());
        // What a killed server had sent last may be written still.
        let begun = Instant::now();
        while sessions::others(backend, &url).await? > 0 && begun.elapsed() < PATIENCE {
            sleep(TICK).await;
        }
        if Snapshot::of(backend, &url).await?.open.is_empty() {
            return Ok(());
        }
        let station = &stations[0];
        match &station.clock {
            Some(clock) => clock.set(LATER)?,
            None => sleep(OLD_ENOUGH).await,
        }
        station.start().await?;
        let begun = Instant::now();
        while !Snapshot::of(backend, &url).await?.open.is_empty() && begun.elapsed() < PATIENCE {
            sleep(TICK).await;
        }
        stop(&stations[..1], violations).await;
        // What is open still, the checker will tell.
        if let Some(clock) = &station.clock {
            clock.set(0)?;
        }
        Ok(())
    }
}

/// Stops every server in good order.
async fn stop(stations: &[Station], violations: &mut Vec<Violation>) {
    let promise = "a server that is told to stop ends well";
    for station in stations {
        let stopped = station.stop().await;
        violations.extend(stopped.err().map(|error| Violation::of(promise, error.to_string())));
    }
}

/// Everything that is known, for whoever looks for the cause of a violation.
async fn records(stations: &[Station], entries: &[Entry], snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut records =
        vec![("clients".to_owned(), lines(entries)), ("ledger".to_owned(), format!("{snapshot:#?}"))];
    for (number, station) in stations.iter().enumerate() {
        records.push((format!("server-{number}"), station.log().await));
    }
    records
}
