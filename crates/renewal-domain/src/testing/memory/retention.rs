//! Letting go of history: the rule, word by word.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use async_trait::async_trait;

use super::{MemoryStore, Tables};
use crate::{
    AttemptId, DeviceId, EventId, OrgId, PrunedBatch, RenewalEvent, RetentionRule, RetentionStore, Serial,
    Stage, StoreError,
};

/// How many rows are looked at in one call: few, so that tests have several.
const BATCH: usize = 4;

impl Tables {
    fn events_of(&self, org: OrgId) -> impl Iterator<Item = &RenewalEvent> {
        self.events.values().filter(move |event| event.org_id() == org)
    }

    /// The attempts that stay however old they are, open ones apart.
    fn kept(&self, org: OrgId, rule: &RetentionRule) -> BTreeSet<AttemptId> {
        let mut last_successes = BTreeMap::new();
        let mut starts: BTreeMap<DeviceId, Vec<AttemptId>> = BTreeMap::new();
        for event in self.events_of(org) {
            match event.stage() {
                Stage::Start => starts.entry(event.device_id()).or_default().push(event.attempt_id()),
                Stage::Success => drop(last_successes.insert(event.device_id(), event.attempt_id())),
                Stage::Failed => {}
            }
        }
        let keep = usize::try_from(rule.keep_attempts).unwrap_or(usize::MAX);
        let newest = starts.into_values().flat_map(|starts| starts.into_iter().rev().take(keep));
        newest.chain(last_successes.into_values()).collect()
    }
}

#[async_trait]
impl RetentionStore for MemoryStore {
    async fn prune_events(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<EventId>,
    ) -> Result<PrunedBatch<EventId>, StoreError> {
        let mut tables = self.tables();
        let kept = tables.kept(org, rule);
        let batch: Vec<_> = tables
            .events_of(org)
            .filter(|event| after.is_none_or(|after| event.id() > after))
            .take_while(|event| event.created_at() < rule.events_before)
            .take(BATCH)
            .cloned()
            .collect();
        let ends = batch.iter().filter(|event| event.stage() != Stage::Start);
        let gone: BTreeSet<_> =
            ends.map(RenewalEvent::attempt_id).filter(|attempt| !kept.contains(attempt)).collect();
        let goes = |event: &RenewalEvent| event.org_id() == org && gone.contains(&event.attempt_id());
        let removed = tables.events.values().filter(|event| goes(event)).count() as u64;
        if !rule.dry_run {
            tables.events.retain(|_, event| !goes(event));
        }
        let next = batch.get(BATCH - 1).map(RenewalEvent::id);
        Ok(PrunedBatch { looked_at: batch.len() as u64, removed, next })
    }

    async fn prune_certificates(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<Serial>,
    ) -> Result<PrunedBatch<Serial>, StoreError> {
        let mut tables = self.tables();
        let from = after.map_or(Unbounded, |after| Excluded((org, after)));
        let certificates = tables.certificates.range((from, Unbounded)).map(|(_, certificate)| certificate);
        let batch: Vec<_> =
            certificates.filter(|certificate| certificate.org_id == org).take(BATCH).cloned().collect();
        let going =
            batch.iter().filter(|certificate| rule.lets_go(certificate, tables.is_current(certificate)));
        let going: Vec<_> = going.map(|certificate| certificate.serial.clone()).collect();
        if !rule.dry_run {
            for serial in &going {
                tables.certificates.remove(&(org, serial.clone()));
            }
        }
        let next = batch.get(BATCH - 1).map(|certificate| certificate.serial.clone());
        Ok(PrunedBatch { looked_at: batch.len() as u64, removed: going.len() as u64, next })
    }
}
