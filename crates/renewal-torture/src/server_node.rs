//! The place of one server: the process that is there at the time, its clock, and the proxies on
//! both of its sides.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;
use tests::Serving;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::clock::SteppedClock;
use crate::environment::Ledger;
use crate::proxy::Proxy;
use crate::workspace::Workspace;

/// How long a server may need to start, once nothing is in its way any more.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long between two tries, as a supervisor would have it.
const PAUSE: Duration = Duration::from_millis(50);

/// The place of one server.
#[derive(Debug)]
pub(crate) struct ServerNode {
    /// What devices connect to, whichever process is there.
    pub(crate) devices: Proxy,
    /// What operators connect to.
    pub(crate) operators: Proxy,
    /// What the server connects to; none for SQLite.
    pub(crate) database: Option<Proxy>,
    /// How a server is started.
    command: Command,
    serving: Mutex<Option<Serving>>,
    /// What all servers that were there have logged.
    log: Mutex<String>,
    /// It goes last: what it cleans up is that of servers which have ended.
    pub(crate) clock: Option<SteppedClock>,
}

impl ServerNode {
    /// The place, with nobody there yet.
    pub(crate) async fn new(workspace: &Workspace, number: usize, ledger: &Ledger) -> Result<Self> {
        let url = ledger.url();
        let (database, url) = match ledger.address()? {
            None => (None, url),
            Some(address) => {
                let proxy = Proxy::start(Some(address)).await?;
                let url = url.replace(&address.to_string(), &proxy.address().to_string());
                (Some(proxy), url)
            }
        };
        let clock = SteppedClock::new(workspace.path(&format!("clock-{number}")))?;
        let mut command = workspace.command(&url, &["serve"]);
        if let Some(clock) = &clock {
            clock.rule(&mut command);
        }
        Ok(Self {
            devices: Proxy::start(None).await?,
            operators: Proxy::start(None).await?,
            database,
            clock,
            command,
            serving: Mutex::default(),
            log: Mutex::default(),
        })
    }

    /// Passes what devices and operators send on to a server, or to none.
    fn aim(&self, serving: Option<&Serving>) -> Result<()> {
        self.devices.aim(serving.map(Serving::address));
        let api = serving.map(Serving::api);
        let api = api.as_deref().and_then(|url| url.strip_prefix("http://"));
        self.operators.aim(api.map(str::parse::<SocketAddr>).transpose()?);
        Ok(())
    }

    /// Starts a server, again and again until it stays.
    pub(crate) async fn start(&self) -> Result<()> {
        let serving = self.serving.lock().await;
        self.start_in(serving).await
    }

    async fn start_in(&self, mut place: MutexGuard<'_, Option<Serving>>) -> Result<()> {
        let begun = Instant::now();
        loop {
            let command = again(&self.command);
            match spawn_blocking(move || Serving::start(&command)).await? {
                Ok(serving) => {
                    self.aim(Some(&serving))?;
                    *place = Some(serving);
                    return Ok(());
                }
                Err(reason) if begun.elapsed() > PATIENCE => bail!("the server does not start: {reason}"),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Kills the server, and starts another after a while.
    pub(crate) async fn kill(&self, down: Duration) -> Result<()> {
        let mut place = self.serving.lock().await;
        let serving = place.take().context("there is no server to kill")?;
        self.aim(None)?;
        self.log.lock().await.push_str(&serving.log());
        spawn_blocking(move || serving.kill()).await?;
        sleep(down).await;
        self.start_in(place).await
    }

    /// Halts the server for a while.
    pub(crate) async fn freeze(&self, lasting: Duration) -> Result<()> {
        let place = self.serving.lock().await;
        let serving = place.as_ref().context("there is no server to freeze")?;
        serving.signal(Signal::STOP);
        sleep(lasting).await;
        serving.signal(Signal::CONT);
        Ok(())
    }

    /// Says so if the server has ended without being told to.
    pub(crate) async fn has_failed(&self) -> Option<String> {
        let mut place = self.serving.lock().await;
        let serving = place.as_mut()?;
        let status = serving.has_ended()?;
        Some(format!("{status}:\n{}", serving.log()))
    }

    /// What the servers that were here have logged.
    pub(crate) async fn log(&self) -> String {
        self.log.lock().await.clone()
    }

    /// Stops the server in good order, if there is one.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub(crate) async fn stop(&self) -> Result<()> {
        let Some(serving) = self.serving.lock().await.take() else { return Ok(()) };
        self.aim(None)?;
        serving.signal(Signal::TERM);
        let ended = spawn_blocking(move || serving.ended()).await?;
        let (status, log) = ended.map_err(|reason| anyhow!("told to stop, {reason}"))?;
        self.log.lock().await.push_str(&log);
        if status != Some(0) {
            bail!("told to stop, the server ended with {status:?}");
        }
        Ok(())
    }
}

/// The same command once more.
fn again(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args()).current_dir(command.get_current_dir().unwrap_or(".".as_ref()));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}
