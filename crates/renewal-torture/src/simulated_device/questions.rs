//! What a device asks: what it needs, and what it must not have.

use std::sync::Arc;

use anyhow::Result;
use rcgen::KeyPair;
use tests::est::certificate_request;

use super::{Asked, Held, SimulatedDevice};
use crate::fleet::{other_organisation, somebody_else};
use crate::journal::{Act, Device, Question};

impl SimulatedDevice {
    /// What it has open, or a new question; none as long as it waits for a token.
    pub(super) fn open_question(&mut self) -> Result<Option<Asked>> {
        if let Some(open) = &self.open {
            return Ok(Some(open.clone()));
        }
        let asked = match self.held.last().cloned() {
            Some(held) if self.random.u8(..100) < 75 => self.attempt(Act::Renew, &held, held.key.clone())?,
            Some(held) => self.attempt(Act::Renew, &held, new_key()?)?,
            None if self.recovers => {
                let expired = self.expired.clone();
                self.attempt(Act::Recover, &expired, new_key()?)?
            }
            None => {
                let Some(token) = self.token_at_hand() else { return Ok(None) };
                let key = new_key()?;
                self.around.roster.wants(&self.device, &key);
                self.question(Act::Enroll, self.device.clone(), None, Some(token), key)?
            }
        };
        self.open = Some(asked.clone());
        Ok(Some(asked))
    }

    /// Something it has been answered before, or must not have; none where it has nothing to ask.
    pub(super) fn something_aside(&mut self) -> Result<Option<Asked>> {
        let Some(held) = self.held.last().cloned() else { return self.without_certificate() };
        match self.random.u8(..100) {
            0..35 => match self.random.choice(&self.answered) {
                Some(answered) => Ok(Some(answered.clone())),
                None => self.open_question(),
            },
            35..50 => {
                let name = somebody_else(&self.device);
                let csr = certificate_request(&name, &held.key)?.into();
                let mut asked = self.attempt(Act::Impersonate, &held, held.key.clone())?;
                let mut question = (*asked.question).clone();
                question.csr = csr;
                asked.question = Arc::new(question);
                Ok(Some(asked))
            }
            50..65 => self.intrusion(&held).map(Some),
            65..75 => {
                let Some(token) = self.used_token.clone() else { return self.open_question() };
                self.question(Act::Reuse, self.device.clone(), None, Some(token), new_key()?).map(Some)
            }
            75..85 => self.recovery_again().map(Some),
            _ => {
                let earlier = self.held[..self.held.len() - 1].iter();
                match self.random.choice(earlier).cloned() {
                    Some(earlier) => self.attempt(Act::Superseded, &earlier, held.key).map(Some),
                    None => self.open_question(),
                }
            }
        }
    }

    /// What a device asks that has no certificate: with the key of another, or as one that had one.
    fn without_certificate(&mut self) -> Result<Option<Asked>> {
        if let Some(lost) = self.lost.last().cloned()
            && self.random.bool()
        {
            return if self.random.bool() {
                self.intrusion(&lost).map(Some)
            } else {
                self.attempt(Act::Superseded, &lost, lost.key.clone()).map(Some)
            };
        }
        let token = if self.recovers { None } else { self.token_at_hand() };
        let key = self.around.roster.key_of_another(&self.device, &mut self.random);
        match token.zip(key) {
            Some((token, key)) => {
                self.question(Act::BorrowKey, self.device.clone(), None, Some(token), key).map(Some)
            }
            None => self.open_question(),
        }
    }

    /// A token that is not used, as far as the device knows.
    fn token_at_hand(&mut self) -> Option<Arc<str>> {
        if self.token.is_none() {
            self.token = self.around.roster.token(&self.device);
        }
        self.token.clone()
    }

    /// A renewal in the other organisation, with a certificate that is good, or with one that is not any more.
    fn intrusion(&mut self, held: &Held) -> Result<Asked> {
        let there = other_organisation(&self.device);
        let lost = self.lost.last().filter(|_| self.random.bool());
        let held = lost.unwrap_or(held).clone();
        self.question(Act::Intrude, there, Some((held.certificate, held.key.clone())), None, held.key)
    }

    /// A recovery beside what it holds: good as long as that came of one, and was not used.
    fn recovery_again(&mut self) -> Result<Asked> {
        let expired = self.expired.clone();
        self.attempt(Act::Recover, &expired, new_key()?)
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
}

fn new_key() -> Result<Arc<KeyPair>> {
    Ok(Arc::new(KeyPair::generate()?))
}
