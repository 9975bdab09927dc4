//! Carries a plan out, and heals what it broke.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::join_all;
use tests::Server;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use crate::environment::{Ballast, Environment, Ledger};
use crate::plan::{Fault, Planned};
use crate::server_node::ServerNode;
use crate::sessions;

/// What can be broken.
pub(crate) struct Field<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) ledger: &'a Ledger,
    pub(crate) nodes: &'a [ServerNode],
    /// One fault of the database's process at a time.
    pub(crate) database: Mutex<()>,
}

impl Field<'_> {
    /// Carries out every fault at its time, whatever the others are doing. When this returns,
    /// everything is whole again.
    ///
    /// For each fault, whether it came about: a session that is to lock the tables, say, may itself
    /// be cut off.
    ///
    /// # Errors
    /// When something stays broken.
    pub(crate) async fn carry_out(&self, plan: &[Planned]) -> Result<Vec<bool>> {
        let begin = Instant::now();
        let carried_out = join_all(plan.iter().map(|planned| async move {
            sleep_until(begin + planned.at).await;
            self.carry_out_one(planned.fault, planned.lasting).await
        }));
        carried_out.await.into_iter().collect()
    }

    async fn carry_out_one(&self, fault: Fault, lasting: Duration) -> Result<bool> {
        match fault {
            Fault::KillServer(server) => self.nodes[server].kill(lasting).await?,
            Fault::FreezeServer(server) => self.nodes[server].freeze(lasting).await?,
            Fault::StepClock(server, seconds) => {
                let Some(clock) = &self.nodes[server].clock else { return Ok(false) };
                clock.set(seconds)?;
                sleep(lasting).await;
                clock.set(0)?;
            }
            Fault::CutClients(server, octets) => {
                self.nodes[server].devices.cut(octets);
                self.nodes[server].operators.cut(octets);
            }
            Fault::CutDatabase(server, octets) => {
                let Some(proxy) = &self.nodes[server].database else { return Ok(false) };
                proxy.cut(octets);
            }
            Fault::EndSessions => {
                return Ok(sessions::end(self.ledger.backend(), &self.ledger.url()).await.is_ok());
            }
            Fault::LockTables => {
                let locked = sessions::lock(self.ledger.backend(), &self.ledger.url(), lasting).await;
                return Ok(locked.is_ok());
            }
            Fault::KillDatabase => {
                let _alone = self.database.lock().await;
                self.on_server(Server::kill).await?;
                sleep(lasting).await;
                self.on_server(Server::restart).await?;
            }
            Fault::FreezeDatabase => {
                let _alone = self.database.lock().await;
                self.on_server(Server::freeze).await?;
                sleep(lasting).await;
                self.on_server(Server::thaw).await?;
            }
            Fault::FillDisk => {
                let Some(disk) = self.environment.disk() else { return Ok(false) };
                // Another fault may have filled it already; then there is nothing to do.
                let Ok(ballast) = Ballast::on(disk) else { return Ok(false) };
                sleep(lasting).await;
                drop(ballast);
            }
        }
        Ok(true)
    }

    /// Does something to the database's process, which takes a while.
    async fn on_server(&self, what: impl FnOnce(&Server) + Send + 'static) -> Result<()> {
        let server = Arc::clone(self.environment.server().context("the database is no server")?);
        Ok(spawn_blocking(move || what(&server)).await?)
    }
}
