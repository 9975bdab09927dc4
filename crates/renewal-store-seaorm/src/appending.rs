//! Appending events by themselves, whatever stands in their way.

use std::collections::{HashMap, HashSet};

use renewal_domain::{OrgId, RenewalEvent, Stage, StoreError};

use crate::failure::{Failure, Outrun};
use crate::session::{Session, retrying};
use crate::statements;

/// How often a batch is written anew, when others wrote part of it meanwhile.
const ROUNDS: u32 = 16;

/// How many ids to look for with one statement.
const IDS: usize = 500;

/// How many attempts to look for with one statement.
const ATTEMPTS: usize = 50;

impl Session {
    /// Appends events of an organisation, all or none.
    pub(crate) async fn append(&self, org: OrgId, events: &[RenewalEvent]) -> Result<(), StoreError> {
        let mut new: Vec<_> = events.iter().collect();
        // In one order, so that two writers of the same events wait for each other, and not
        // each for the other.
        new.sort_by_key(|event| event.id());
        for _ in 0..ROUNDS {
            // All of them are new almost always. Whether they are is found out by the unique
            // keys, without a question beforehand whose answer could be old.
            match retrying(|| self.insert(&new)).await {
                Err(Failure::Duplicate) => new = self.not_there_yet(org, new).await?,
                done => return Ok(done?),
            }
        }
        Err(StoreError::Unavailable(Box::new(Outrun(ROUNDS))))
    }

    /// Writes events, all or none: with one statement if that will do, which needs no transaction.
    async fn insert(&self, events: &[&RenewalEvent]) -> Result<(), Failure> {
        let statements = statements::insert_events(events);
        if let [only] = &statements[..] {
            self.write(only).await?;
        } else if !statements.is_empty() {
            let transaction = self.begin().await?;
            for statement in &statements {
                transaction.write(statement).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Those of the events that are neither there nor twice in the batch, which is in the order
    /// of ids.
    async fn not_there_yet<'e>(
        &self,
        org: OrgId,
        mut events: Vec<&'e RenewalEvent>,
    ) -> Result<Vec<&'e RenewalEvent>, Failure> {
        let asked = events.len();
        events.dedup();
        let mut new = Vec::new();
        for chunk in events.chunks(IDS) {
            let ids = chunk.iter().map(|event| event.id());
            let there = self.events(&statements::events_by_id(self.backend(), org, ids)).await?;
            let there: HashMap<_, _> = there.iter().map(|event| (event.id(), event)).collect();
            for event in chunk {
                match there.get(&event.id()) {
                    Some(same) if same == event => {}
                    Some(_) => return Err(Failure::conflict("the id is another event's")),
                    None => new.push(*event),
                }
            }
        }
        if new.len() == asked {
            // It was no id that was taken.
            self.check_places(org, &new).await?;
        }
        Ok(new)
    }

    /// Whether each event can have its place in its attempt. That of a start is its id, and so is free.
    async fn check_places(&self, org: OrgId, events: &[&RenewalEvent]) -> Result<(), Failure> {
        let (mut ids, mut ended) = (HashSet::new(), HashSet::new());
        for event in events {
            if !ids.insert(event.id()) {
                return Err(Failure::conflict("two events of the batch have one id"));
            }
            if event.stage() != Stage::Start && !ended.insert(event.attempt_id()) {
                return Err(Failure::conflict("two events of the batch end one attempt"));
            }
        }
        let ended: Vec<_> = ended.into_iter().collect();
        for chunk in ended.chunks(ATTEMPTS) {
            let select = statements::ends_of_attempts(self.backend(), org, chunk.iter().copied());
            let Some(select) = select else { continue };
            if !self.events(&select).await?.is_empty() {
                return Err(Failure::conflict("the attempt has an end already"));
            }
        }
        Ok(())
    }
}
