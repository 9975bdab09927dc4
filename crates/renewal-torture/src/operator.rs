//! One operator: whom it blocks, what it revokes, and how it decides.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures::future::join;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::api_request::{call, pending};
use crate::journal::{Call, Deed, Device, Journal, Reply};
use crate::roster::{Listed, Roster};

/// How long an operator waits for an answer.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How often it repeats a call while things break.
const TRIES: usize = 5;

/// How long it takes at most to decide about everything, when all is well.
const SETTLING: Duration = Duration::from_secs(90);

/// For how long a device is blocked, in milliseconds.
const BLOCKED: std::ops::Range<u64> = 40..250;

/// Why certificates are revoked.
const REASONS: [&str; 4] = ["superseded", "key_compromise", "cessation_of_operation", "unspecified"];

/// How many operators an organisation has. Each looks after its own devices.
pub(crate) const OPERATORS: u64 = 2;

/// One operator of an organisation.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) org: Uuid,
    /// Its number among those of its organisation: less than [`OPERATORS`].
    pub(crate) number: u64,
    /// The token of the API.
    pub(crate) token: Arc<str>,
    pub(crate) random: Rng,
    /// The APIs of the servers.
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) roster: Arc<Roster>,
    pub(crate) calls: u64,
    /// Every device that it blocked.
    pub(crate) blocked: BTreeSet<Device>,
}

impl Operator {
    /// Gives every device that asks for one a token.
    pub(crate) async fn give_tokens(&mut self) {
        for listed in self.roster.without_token(self.org) {
            if self.looks_after(&listed)
                && let Some((_, secret)) = self.create_token(&listed.device).await
            {
                self.roster.give_token(&listed.device, &secret);
            }
        }
    }

    /// Works until told that it is over.
    pub(crate) async fn work(mut self, over: watch::Receiver<bool>) -> Self {
        while !*over.borrow() {
            self.turn().await;
            sleep(Duration::from_millis(self.random.u64(5..60))).await;
        }
        self
    }

    /// Lifts its blocks, decides about every request that waits, and gives out tokens; until told that it is
    /// over, and nothing waits any more.
    pub(crate) async fn settle(mut self, over: watch::Receiver<bool>) {
        for device in std::mem::take(&mut self.blocked) {
            self.carry_out(Deed::Unblock(device)).await;
        }
        let begun = Instant::now();
        loop {
            let last = *over.borrow();
            let decided = self.decide().await;
            if begun.elapsed() > SETTLING || (last && decided == Some(0)) {
                // What waits still, the checker will tell.
                return;
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    async fn turn(&mut self) {
        match self.random.u8(..100) {
            0..25 => {
                let Some(listed) = self.any_device() else { return };
                self.blocked.insert(listed.device.clone());
                self.carry_out(Deed::Block(listed.device.clone())).await;
                sleep(Duration::from_millis(self.random.u64(BLOCKED))).await;
                self.carry_out(Deed::Unblock(listed.device)).await;
            }
            25..40 => {
                let Some(Listed { device, serial: Some(serial), .. }) = self.any_device() else { return };
                let reason = self.random.choice(REASONS).unwrap_or("unspecified");
                self.carry_out(Deed::Revoke { device, serial, reason }).await;
            }
            40..45 => {
                let Some(Listed { device, expired_serial, .. }) = self.any_device() else { return };
                self.carry_out(Deed::RevokeForeign { device, serial: expired_serial }).await;
            }
            45..55 => {
                let Some(listed) = self.any_device() else { return };
                // Sometimes the device gets it nevertheless.
                if let Some((token, secret)) = self.create_token(&listed.device).await {
                    if self.random.bool() {
                        self.roster.give_token(&listed.device, &secret);
                    }
                    self.carry_out(Deed::RevokeToken { device: listed.device, token }).await;
                }
            }
            55..75 => self.give_tokens().await,
            _ => {
                self.decide().await;
            }
        }
    }

    /// Decides about every request that waits. How many there were, if that could be known.
    async fn decide(&mut self) -> Option<usize> {
        let server = self.any_server();
        let waiting = pending(self.servers[server], &self.token, self.org, PATIENCE).await.ok()?;
        for request in &waiting {
            let deed =
                if self.random.u8(..100) < 80 { Deed::Approve(*request) } else { Deed::Deny(*request) };
            self.carry_out(deed).await;
        }
        Some(waiting.len())
    }

    async fn create_token(&mut self, device: &Device) -> Option<(Uuid, Arc<str>)> {
        match self.carry_out(Deed::CreateToken(device.clone())).await? {
            Reply::Done { token, .. } => token,
            Reply::Refused(..) | Reply::Failed(_) | Reply::Lost | Reply::Nonsense(_) => None,
        }
    }

    /// Calls until it is answered, once or twice at a time.
    async fn carry_out(&mut self, deed: Deed) -> Option<Reply> {
        self.calls += 1;
        let note = format!("call {} of operator {}", self.calls, self.number);
        let call = Arc::new(Call { org: self.org, deed, note });
        for _ in 0..TRIES {
            let (one, other) = (self.any_server(), self.any_server());
            let both = self.random.u8(..100) < 15 && !matches!(call.deed, Deed::CreateToken(_));
            let replies = if both {
                let (first, second) = join(self.ask(one, &call), self.ask(other, &call)).await;
                vec![first, second]
            } else {
                vec![self.ask(one, &call).await]
            };
            if let Some(reply) = replies.into_iter().find(Reply::is_certain) {
                return Some(reply);
            }
            sleep(Duration::from_millis(self.random.u64(20..150))).await;
        }
        None
    }

    /// Calls once, and writes the reply down.
    async fn ask(&self, server: usize, what: &Arc<Call>) -> Reply {
        let asked = self.journal.now();
        let reply = call(self.servers[server], &self.token, what, PATIENCE).await;
        self.journal.record_call(asked, server, what, reply.clone());
        reply
    }

    fn any_device(&mut self) -> Option<Listed> {
        let (org, number) = (self.org, self.number);
        self.roster.any(&mut self.random, |listed| listed.device.org == org && is_of(listed, number))
    }

    fn looks_after(&self, listed: &Listed) -> bool {
        is_of(listed, self.number)
    }

    fn any_server(&mut self) -> usize {
        self.random.usize(..self.servers.len())
    }
}

/// Whether a device is one that the operator of this number looks after.
fn is_of(listed: &Listed, operator: u64) -> bool {
    // The organisation is the number's remainder by three.
    listed.number / 3 % OPERATORS == operator
}
