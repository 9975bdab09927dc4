//! Appending events by themselves, whatever stands in their way.

use std::collections::{HashMap, HashSet};

use renewal_domain::{AttemptId, OrgId, RenewalEvent, StoreError};

use crate::entity::event;
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

    /// Whether each event can have its place in its attempt.
    async fn check_places(&self, org: OrgId, events: &[&RenewalEvent]) -> Result<(), Failure> {
        let taken = || Failure::conflict("the attempt has a start or an end already");
        let (mut ids, mut places) = (HashSet::new(), HashSet::new());
        for event in events {
            if !ids.insert(event.id()) {
                return Err(Failure::conflict("two events of the batch have one id"));
            }
            if !places.insert(place(event)) {
                return Err(taken());
            }
        }
        let attempts: Vec<_> = events.iter().map(|event| event.attempt_id()).collect();
        for chunk in attempts.chunks(ATTEMPTS) {
            let attempts: HashSet<_> = chunk.iter().copied().collect();
            let select = statements::events_by_attempt(self.backend(), org, attempts);
            let Some(select) = select else { continue };
            if self.events(&select).await?.iter().any(|event| places.contains(&place(event))) {
                return Err(taken());
            }
        }
        Ok(())
    }
}

/// The place of an event in its attempt, which only one event has.
fn place(event: &RenewalEvent) -> (AttemptId, i16) {
    (event.attempt_id(), event::stage(event))
}
