//! One device: what it wants, what it has, and how it asks.

mod questions;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fastrand::Rng;
use futures::future::{join, join3};
use rcgen::KeyPair;
use tests::est::Roots;
use tokio::time::sleep;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::est_request::ask;
use crate::fleet;
use crate::journal::{Act, Answer, Device, Journal, Question};
use crate::roster::Roster;
use crate::workspace::Workspace;

/// How long a device waits for an answer while things break: some give up sooner than a server may.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How long it waits when all is well.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

/// How long until it gives its question up for good, when all is well.
const SETTLING: Duration = Duration::from_mins(1);

/// How long it waits where it has nothing to ask, or is blocked.
const IDLE: Duration = Duration::from_millis(30);

/// After how many refusals that last, one after the other, a device is replaced.
const SETBACKS: u32 = 3;

/// How many certificates a device keeps that it got before the newest one.
const KEPT: usize = 8;

/// A certificate that it holds, and its key.
#[derive(Clone)]
struct Held {
    certificate: Arc<[u8]>,
    key: Arc<KeyPair>,
}

/// A question, and the keys that belong to it.
#[derive(Clone)]
struct Asked {
    question: Arc<Question>,
    /// Of the certificate that is presented.
    presented_key: Option<Arc<KeyPair>>,
    /// Of the certificate that is asked for.
    new_key: Arc<KeyPair>,
}

/// What every device of a round has.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) round: u32,
    pub(crate) roots: Roots,
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) roster: Arc<Roster>,
}

/// One device. When it has had its day, another one takes its place.
pub(crate) struct SimulatedDevice {
    around: Surroundings,
    random: Rng,
    number: u64,
    generation: u64,
    device: Device,
    /// A certificate of a former authority, which has expired.
    expired: Held,
    /// Whether its first certificate is to be a recovery with that.
    recovers: bool,
    /// A token that it was not answered with a certificate for.
    token: Option<Arc<str>>,
    /// A token that it was.
    used_token: Option<Arc<str>>,
    /// What it got, newest last.
    held: Vec<Held>,
    /// What it held when it was refused for good.
    lost: Vec<Held>,
    /// What it asks until it is answered.
    open: Option<Asked>,
    /// What it was answered with a certificate.
    answered: Vec<Asked>,
    setbacks: u32,
}

impl SimulatedDevice {
    /// A device of this number, with a certificate of long ago. It is listed in the roster.
    ///
    /// # Errors
    /// When that certificate cannot be made.
    pub(crate) fn new(around: Surroundings, number: u64, random: Rng) -> Result<Self> {
        let device = fleet::device(around.round, number, 0);
        let expired = expired(&around, &device, number, 0)?;
        let mut new = Self {
            around,
            random,
            number,
            generation: 0,
            device,
            expired,
            recovers: false,
            token: None,
            used_token: None,
            held: Vec::new(),
            lost: Vec::new(),
            open: None,
            answered: Vec::new(),
            setbacks: 0,
        };
        new.enter();
        Ok(new)
    }

    /// Makes another device of it, with another name.
    fn reborn(&mut self) -> Result<()> {
        self.generation += 1;
        self.device = fleet::device(self.around.round, self.number, self.generation);
        self.expired = expired(&self.around, &self.device, self.number, self.generation)?;
        self.token = None;
        self.used_token = None;
        self.held.clear();
        self.lost.clear();
        self.open = None;
        self.answered.clear();
        self.setbacks = 0;
        self.enter();
        Ok(())
    }

    fn enter(&mut self) {
        self.recovers = self.random.u8(..100) < 50;
        let serial = hex::encode(fleet::expired_serial(self.number, self.generation));
        self.around.roster.enter(self.number, &self.device, serial, !self.recovers);
    }

    /// Asks something, once or several times at once.
    pub(crate) async fn turn(&mut self) -> Result<()> {
        let weary = self.setbacks >= SETBACKS || (!self.held.is_empty() && self.random.u8(..100) < 4);
        if self.open.is_none() && weary {
            self.reborn()?;
        }
        let aside = self.open.is_none() && self.random.u8(..100) < 30;
        let asked = if aside { self.something_aside()? } else { self.open_question()? };
        let Some(asked) = asked else {
            sleep(IDLE).await;
            return Ok(());
        };
        let (one, other) = (self.any_server(), self.any_server());
        match self.random.u8(..100) {
            // The same from several connections at once, to one server or to both.
            0..15 => {
                let (first, second) =
                    join(self.ask(one, &asked, PATIENCE), self.ask(other, &asked, PATIENCE)).await;
                self.take(&asked, first)?;
                self.take(&asked, second)?;
            }
            15..20 => {
                let ask = |server| self.ask(server, &asked, PATIENCE);
                let (first, second, third) = join3(ask(one), ask(other), ask(one)).await;
                for answer in [first, second, third] {
                    self.take(&asked, answer)?;
                }
            }
            // It gives up before an answer can come, and asks again.
            20..35 => {
                let hasty = Duration::from_millis(self.random.u64(5..60));
                let answer = self.ask(one, &asked, hasty).await;
                self.take(&asked, answer)?;
            }
            _ => {
                let answer = self.ask(one, &asked, PATIENCE).await;
                self.take(&asked, answer)?;
            }
        }
        // Whoever was put off waits a little longer.
        let pause = if self.open.is_some() { 20..120 } else { 0..40 };
        sleep(Duration::from_millis(self.random.u64(pause))).await;
        Ok(())
    }

    /// Asks until the open question is answered; what it says if it never is.
    ///
    /// # Errors
    /// When it is answered with what is no certificate.
    pub(crate) async fn settle(&mut self) -> Result<Option<String>> {
        let begun = Instant::now();
        loop {
            let Some(asked) = self.open.clone() else { return Ok(None) };
            let server = self.any_server();
            let answer = self.ask(server, &asked, LONG_PATIENCE).await;
            self.take(&asked, answer.clone())?;
            if self.open.is_some() && begun.elapsed() > SETTLING {
                let Device { org, name } = &self.device;
                let act = asked.question.act;
                return Ok(Some(format!(
                    "{act:?} by {name} of {org} was never answered; the last was {answer:?}"
                )));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks, and writes the answer down.
    async fn ask(&self, server: usize, asked: &Asked, patience: Duration) -> Answer {
        let Surroundings { servers, roots, journal, .. } = &self.around;
        let key = asked.presented_key.as_deref();
        let begun = journal.now();
        let answer = ask(servers[server], roots, &asked.question, key, patience).await;
        journal.record(begun, server, &asked.question, answer.clone());
        answer
    }

    /// What an answer means to the device.
    fn take(&mut self, asked: &Asked, answer: Answer) -> Result<()> {
        if self.open.as_ref().is_none_or(|open| !Arc::ptr_eq(&open.question, &asked.question)) {
            return Ok(());
        }
        match answer {
            Answer::Certificate(certificate) => self.take_certificate(asked, certificate)?,
            Answer::Refused(_, code) => {
                self.open = None;
                self.take_refusal(asked.question.act, &code);
            }
            Answer::Later | Answer::Failed(_) | Answer::Lost | Answer::Nonsense(_) => {}
        }
        Ok(())
    }

    fn take_certificate(&mut self, asked: &Asked, certificate: Arc<[u8]>) -> Result<()> {
        let (_, parsed) = X509Certificate::from_der(&certificate)?;
        let serial = hex::encode(parsed.raw_serial());
        self.around.roster.holds(&self.device, serial, &asked.new_key);
        self.held.push(Held { certificate, key: asked.new_key.clone() });
        if self.held.len() > KEPT {
            self.held.remove(0);
        }
        self.answered.push(asked.clone());
        self.open = None;
        match asked.question.act {
            Act::Enroll => self.used_token = self.token.take(),
            Act::Renew => self.setbacks = 0,
            _ => {}
        }
        Ok(())
    }

    /// What a refusal of the open question means.
    fn take_refusal(&mut self, act: Act, code: &str) {
        match (act, code) {
            // An operator lifts it; and another key is not in use.
            (_, "device_blocked") | (Act::Enroll, "key_in_use") => {}
            // It is no good to a server whose clock differs; an earlier one may be.
            (Act::Renew, "certificate_not_yet_valid") if self.held.len() > 1 => {
                self.held.pop();
            }
            (Act::Enroll, _) => {
                self.token = None;
                self.setbacks += 1;
            }
            _ => {
                self.recovers = false;
                self.lost.append(&mut self.held);
                self.setbacks += 1;
            }
        }
    }

    fn any_server(&mut self) -> usize {
        self.random.usize(..self.around.servers.len())
    }
}

fn expired(around: &Surroundings, device: &Device, number: u64, generation: u64) -> Result<Held> {
    let serial = fleet::expired_serial(number, generation);
    let made = around.workspace.expired(&device.name, &serial);
    let (certificate, key) = made.context("a certificate of the former authority")?;
    Ok(Held { certificate, key: Arc::new(key) })
}

impl fmt::Debug for SimulatedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDevice").field("device", &self.device).finish_non_exhaustive()
    }
}
