//! Letting go of history: the rule, word by word.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MemoryStore, Tables, of_organisation};
use crate::{
    Action, AttemptId, DeviceId, EventId, OrgId, PrunedBatch, RenewalEvent, RetentionRule, RetentionStore,
    RevocationId, RevokedCertificate, Serial, Stage, StoreError,
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

impl MemoryStore {
    /// Looks at a part of the history. What `part` removes stays, and the action is recorded with it,
    /// unless this is a dry run.
    fn prune<C>(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        action: &Action,
        part: impl FnOnce(&mut Tables) -> PrunedBatch<C>,
    ) -> Result<PrunedBatch<C>, StoreError> {
        of_organisation(org, action.org_id, "action")?;
        let mut tables = self.tables();
        let mut changed = tables.clone();
        let batch = part(&mut changed);
        if batch.removed > 0 && !rule.dry_run {
            changed.actions.entry((org, action.id)).or_insert_with(|| action.clone());
            *tables = changed;
        }
        Ok(batch)
    }
}

#[async_trait]
impl RetentionStore for MemoryStore {
    async fn prune_events(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<EventId>,
        action: &Action,
    ) -> Result<PrunedBatch<EventId>, StoreError> {
        self.prune(org, rule, action, |tables| {
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
            let before = tables.events.len();
            tables.events.retain(|(of, _), event| *of != org || !gone.contains(&event.attempt_id()));
            let removed = (before - tables.events.len()) as u64;
            let next = batch.get(BATCH - 1).map(RenewalEvent::id);
            PrunedBatch { looked_at: batch.len() as u64, removed, next }
        })
    }

    async fn prune_certificates(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<Serial>,
        action: &Action,
    ) -> Result<PrunedBatch<Serial>, StoreError> {
        self.prune(org, rule, action, |tables| {
            let from = after.map_or(Unbounded, |after| Excluded((org, after)));
            let certificates = tables.certificates.range((from, Unbounded));
            let ours = certificates.map(|(_, certificate)| certificate).filter(|it| it.org_id == org);
            let batch: Vec<_> = ours.take(BATCH).cloned().collect();
            let mut removed = 0;
            for certificate in &batch {
                if rule.lets_go(certificate, tables.is_latest(certificate)) {
                    tables.certificates.remove(&(org, certificate.serial.clone()));
                    removed += 1;
                }
            }
            let next = batch.get(BATCH - 1).map(|certificate| certificate.serial.clone());
            PrunedBatch { looked_at: batch.len() as u64, removed, next }
        })
    }

    async fn prune_revocations(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<RevocationId>,
        action: &Action,
    ) -> Result<PrunedBatch<RevocationId>, StoreError> {
        self.prune(org, rule, action, |tables| {
            let ours = tables.revocations.values().filter(|revoked| revoked.org_id == org);
            let batch: Vec<RevokedCertificate> = ours
                .filter(|revoked| after.is_none_or(|after| revoked.id > after))
                .take(BATCH)
                .cloned()
                .collect();
            let mut removed = 0;
            for revoked in &batch {
                if revoked.not_after.is_some_and(|end| end < rule.expired_before(true)) {
                    tables.revocations.remove(&(org, revoked.id));
                    removed += 1;
                }
            }
            let next = batch.get(BATCH - 1).map(|revoked| revoked.id);
            PrunedBatch { looked_at: batch.len() as u64, removed, next }
        })
    }

    async fn newest_record(&self, org: OrgId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let tables = self.tables();
        let event = tables.events_of(org).last().map(RenewalEvent::created_at);
        let certificates = tables.certificates.values().filter(|certificate| certificate.org_id == org);
        let certificate = certificates.map(|certificate| certificate.request_id.created_at()).max();
        Ok(event.max(certificate))
    }
}
