//! One round: a fleet at work, faults, healing, and the check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use tests::Backend;
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use crate::checker::{Facts, Violation, check};
use crate::environment::{Environment, Ledger};
use crate::faults::Field;
use crate::fleet::{Fleet, Servers, Turn};
use crate::journal::{Journal, lines};
use crate::plan::{self, Planned};
use crate::server_node::ServerNode;
use crate::sessions;
use crate::snapshot::Snapshot;
use crate::summary::Counts;
use crate::workspace::Workspace;

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
    /// What devices and operators wrote down, what is in the ledger, what the servers logged; by name.
    pub(crate) records: Vec<(String, String)>,
}

/// Where rounds take place.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) environment: Environment,
}

impl Arena {
    /// One for a backend.
    pub(crate) fn new(backend: Backend) -> Result<Self> {
        Ok(Self { workspace: Arc::new(Workspace::new()?), environment: Environment::of(backend)? })
    }

    /// Plays one round.
    ///
    /// # Errors
    /// When something fails that is not the product's fault: nothing was shown then.
    pub(crate) async fn round(&self, turn: Turn) -> Result<Outcome> {
        let plan = plan::plan(turn.seed, turn.backend, turn.round);
        let ledger = self.environment.ledger(&self.workspace, turn.round).await?;
        let numbers = 0..plan::servers(turn.backend);
        let nodes = numbers.map(|number| ServerNode::new(&self.workspace, number, &ledger));
        let nodes = try_join_all(nodes).await?;
        try_join_all(nodes.iter().map(ServerNode::start)).await?;
        let journal = Arc::new(Journal::begin());
        let servers = Servers {
            ledger: ledger.url(),
            devices: nodes.iter().map(|node| node.devices.address()).collect(),
            operators: nodes.iter().map(|node| node.operators.address()).collect(),
            journal: Arc::clone(&journal),
        };
        let fleet = Fleet::new(&self.workspace, turn, servers).await?;

        let (fleet, carried_out) = self.turmoil(fleet, &plan, &ledger, &nodes).await?;
        let mut violations = Vec::new();
        for node in &nodes {
            let failed = node.has_failed().await;
            violations.extend(failed.map(|log| Violation::of("no server ends by itself", log)));
        }
        self.end_what_was_left_open(&ledger, &nodes, &mut violations).await?;
        try_join_all(nodes.iter().map(ServerNode::start)).await?;
        let devices = fleet.devices();
        let unanswered = fleet.settle().await?;
        let never = "every question is answered in the end";
        violations.extend(unanswered.into_iter().map(|question| Violation::of(never, question)));
        stop(&nodes, &mut violations).await;

        let (entries, calls) = (journal.entries(), journal.calls());
        let snapshot = Snapshot::of(turn.backend, &ledger.url()).await?;
        let clocks_stepped = plan.iter().any(|planned| planned.fault.steps_a_clock());
        let (snapshot, entries, calls, devices) = (&snapshot, &entries[..], &calls[..], &devices[..]);
        let facts = Facts { snapshot, entries, calls, devices, clocks_stepped };
        violations.extend(check(facts));
        let counts = Counts::of(facts, &plan, &carried_out);
        let records = records(&nodes, facts).await;
        Ok(Outcome { plan, counts, violations, records })
    }

    /// Everything at once, until the last fault has healed.
    async fn turmoil(
        &self,
        fleet: Fleet,
        plan: &[Planned],
        ledger: &Ledger,
        nodes: &[ServerNode],
    ) -> Result<(Fleet, Vec<bool>)> {
        let (tell, over) = watch::channel(false);
        let working = tokio::spawn(fleet.work(over));
        let field = Field { environment: &self.environment, ledger, nodes, database: Mutex::default() };
        let (carried_out, ()) = tokio::join!(field.carry_out(plan), sleep(plan::TURMOIL));
        tell.send_replace(true);
        let fleet = working.await??;
        Ok((fleet, carried_out?))
    }

    /// Time passes, and a server ends what killed ones have left open.
    async fn end_what_was_left_open(
        &self,
        ledger: &Ledger,
        nodes: &[ServerNode],
        violations: &mut Vec<Violation>,
    ) -> Result<()> {
        stop(nodes, violations).await;
        let (backend, url) = (ledger.backend(), ledger.url());
        // What a killed server had sent last may be written still.
        let begun = Instant::now();
        while sessions::others(backend, &url).await? > 0 && begun.elapsed() < PATIENCE {
            sleep(TICK).await;
        }
        if Snapshot::of(backend, &url).await?.open.is_empty() {
            return Ok(());
        }
        let node = &nodes[0];
        match &node.clock {
            Some(clock) => clock.set(LATER)?,
            None => sleep(OLD_ENOUGH).await,
        }
        node.start().await?;
        let begun = Instant::now();
        while !Snapshot::of(backend, &url).await?.open.is_empty() && begun.elapsed() < PATIENCE {
            sleep(TICK).await;
        }
        stop(&nodes[..1], violations).await;
        // What is open still, the checker will tell.
        if let Some(clock) = &node.clock {
            clock.set(0)?;
        }
        Ok(())
    }
}

/// Stops every server in good order.
async fn stop(nodes: &[ServerNode], violations: &mut Vec<Violation>) {
    let promise = "a server that is told to stop ends well";
    for node in nodes {
        let stopped = node.stop().await;
        violations.extend(stopped.err().map(|error| Violation::of(promise, error.to_string())));
    }
}

/// Everything that is known, for whoever looks for the cause of a violation.
async fn records(nodes: &[ServerNode], facts: Facts<'_>) -> Vec<(String, String)> {
    let mut records = vec![
        ("devices".to_owned(), lines(facts.entries)),
        ("operators".to_owned(), lines(facts.calls)),
        ("ledger".to_owned(), format!("{:#?}", facts.snapshot)),
    ];
    for (number, node) in nodes.iter().enumerate() {
        records.push((format!("server-{number}"), node.log().await));
    }
    records
}
