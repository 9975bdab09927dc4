//! One device: what it wants, what it has, and how it asks.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use futures::future::{join, join3};
use rcgen::KeyPair;
use tests::est::{Roots, certificate_request};
use tokio::time::sleep;

use crate::ask::ask;
use crate::fleet::{other_organisation, somebody_else};
use crate::journal::{Act, Answer, Device, Journal, Question};

/// How long a device waits for an answer while things break: some give up sooner than a server may.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How long it waits when all is well.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

/// How long until it gives its question up for good, when all is well.
const SETTLING: Duration = Duration::from_mins(1);

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

/// One device.
pub(crate) struct Member {
    device: Device,
    token: Arc<str>,
    /// A certificate of a former authority, which has expired.
    expired: Held,
    random: Rng,
    roots: Roots,
    servers: Vec<SocketAddr>,
    journal: Arc<Journal>,
    /// What it got, newest last.
    held: Vec<Held>,
    /// What it asks until it is answered.
    open: Option<Asked>,
    /// What it was answered with a certificate.
    answered: Vec<Asked>,
}

impl Member {
    /// A device that has a token, and a certificate of long ago.
    pub(crate) fn new(
        device: Device,
        token: Arc<str>,
        (certificate, key): (Arc<[u8]>, KeyPair),
        random: Rng,
        roots: Roots,
        servers: Vec<SocketAddr>,
        journal: Arc<Journal>,
    ) -> Self {
        let expired = Held { certificate, key: Arc::new(key) };
        let (held, answered) = (Vec::new(), Vec::new());
        Self { device, token, expired, random, roots, servers, journal, held, open: None, answered }
    }

    /// Who it is.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Asks something, once or several times at once.
    pub(crate) async fn turn(&mut self) -> Result<()> {
        let aside = self.open.is_none() && !self.held.is_empty() && self.random.u8(..100) < 25;
        let asked = if aside { self.something_aside()? } else { self.open_question()? };
        let (one, other) = (self.any_server(), self.any_server());
        match self.random.u8(..100) {
            // The same from several connections at once, to one server or to both.
            0..15 => {
                let (first, second) =
                    join(self.ask(one, &asked, PATIENCE), self.ask(other, &asked, PATIENCE)).await;
                self.take(&asked, first);
                self.take(&asked, second);
            }
            15..20 => {
                let ask = |server| self.ask(server, &asked, PATIENCE);
                let (first, second, third) = join3(ask(one), ask(other), ask(one)).await;
                for answer in [first, second, third] {
                    self.take(&asked, answer);
                }
            }
            // It gives up before an answer can come, and asks again.
            20..35 => {
                let hasty = Duration::from_millis(self.random.u64(5..60));
                let answer = self.ask(one, &asked, hasty).await;
                self.take(&asked, answer);
            }
            _ => {
                let answer = self.ask(one, &asked, PATIENCE).await;
                self.take(&asked, answer);
            }
        }
        // Whoever was put off waits a little longer.
        let pause = if self.open.is_some() { 20..120 } else { 0..40 };
        sleep(Duration::from_millis(self.random.u64(pause))).await;
        Ok(())
    }

    /// Asks until the open question is answered; what it says if it never is.
    pub(crate) async fn settle(&mut self) -> Option<String> {
        let begun = Instant::now();
        loop {
            let asked = self.open.clone()?;
            let server = self.any_server();
            let answer = self.ask(server, &asked, LONG_PATIENCE).await;
            self.take(&asked, answer.clone());
            if self.open.is_some() && begun.elapsed() > SETTLING {
                let Device { org, name } = &self.device;
                let act = asked.question.act;
                return Some(format!(
                    "{act:?} by {name} of {org} was never answered; the last was {answer:?}"
                ));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What it has open, or a new question.
    fn open_question(&mut self) -> Result<Asked> {
        if let Some(open) = &self.open {
            return Ok(open.clone());
        }
        let asked = match self.held.last().cloned() {
            None => {
                let key = self.expired.key.clone();
                let token = Some(self.token.clone());
                self.question(Act::Enroll, self.device.clone(), None, token, key)?
            }
            Some(held) => match self.random.u8(..100) {
                0..60 => self.attempt(Act::Renew, &held, held.key.clone())?,
                60..80 => self.attempt(Act::Renew, &held, Arc::new(KeyPair::generate()?))?,
                _ => {
                    let expired = self.expired.clone();
                    self.attempt(Act::Recover, &expired, held.key.clone())?
                }
            },
        };
        self.open = Some(asked.clone());
        Ok(asked)
    }

    /// Something it has been answered before, or must not have.
    fn something_aside(&mut self) -> Result<Asked> {
        let Some(held) = self.held.last().cloned() else { return self.open_question() };
        match self.random.u8(..100) {
            0..60 => match self.random.choice(&self.answered) {
                Some(answered) => Ok(answered.clone()),
                None => self.open_question(),
            },
            60..75 => {
                let name = somebody_else(&self.device);
                let csr = certificate_request(&name, &held.key)?.into();
                let mut asked = self.attempt(Act::Impersonate, &held, held.key.clone())?;
                let mut question = (*asked.question).clone();
                question.csr = csr;
                asked.question = Arc::new(question);
                Ok(asked)
            }
            75..90 => {
                let there = other_organisation(&self.device);
                let presented = Some((held.certificate.clone(), held.key.clone()));
                self.question(Act::Intrude, there, presented, None, held.key.clone())
            }
            _ => {
                let token = Some(self.token.clone());
                self.question(Act::Reuse, self.device.clone(), None, token, held.key.clone())
            }
        }
    }

    /// A renewal or a recovery.
    fn attempt(&self, act: Act, presented: &Held, new_key: Arc<KeyPair>) -> Result<Asked> {
        let presented = Some((presented.certificate.clone(), presented.key.clone()));
        self.question(act, self.device.clone(), presented, None, new_key)
    }

    fn question(
        &self,
        act: Act,
        device: Device,
        presented: Option<(Arc<[u8]>, Arc<KeyPair>)>,
        token: Option<Arc<str>>,
        new_key: Arc<KeyPair>,
    ) -> Result<Asked> {
        let csr = certificate_request(&self.device.name, &new_key)?.into();
        let (presented, presented_key) = presented.unzip();
        let question = Arc::new(Question { act, device, csr, presented, token });
        Ok(Asked { question, presented_key, new_key })
    }

    /// Asks, and writes the answer down.
    async fn ask(&self, server: usize, asked: &Asked, patience: Duration) -> Answer {
        let address = self.servers[server];
        let key = asked.presented_key.as_deref();
        let answer = ask(address, &self.roots, &asked.question, key, patience).await;
        self.journal.record(server, &asked.question, answer.clone());
        answer
    }

    /// What an answer means to the device.
    fn take(&mut self, asked: &Asked, answer: Answer) {
        if self.open.as_ref().is_none_or(|open| !Arc::ptr_eq(&open.question, &asked.question)) {
            return;
        }
        match answer {
            Answer::Certificate(certificate) => {
                self.held.push(Held { certificate, key: asked.new_key.clone() });
                self.answered.push(asked.clone());
                self.open = None;
            }
            Answer::Refused(..) => {
                // A certificate may be no good to a server whose clock differs; an earlier one may be.
                if asked.question.act == Act::Renew && self.held.len() > 1 {
                    self.held.pop();
                }
                self.open = None;
            }
            Answer::Later | Answer::Failed(_) | Answer::Lost | Answer::Nonsense(_) => {}
        }
    }

    fn any_server(&mut self) -> usize {
        self.random.usize(..self.servers.len())
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("device", &self.device).finish_non_exhaustive()
    }
}
