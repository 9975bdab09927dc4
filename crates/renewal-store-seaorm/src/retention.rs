//! Letting go of history, a batch at a time.
//!
//! What may go is found out by reading, which holds no lock: what may go now may go at any later
//! time, too. One statement then removes it, both events of an attempt together, and is a
//! transaction of its own, which locks what it removes and nothing else. Rows are locked in the
//! order of the primary key, so that two of these wait for each other, and not each for the other.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::{
    Action, ActionFilter, ActionStore, AttemptId, DeviceId, EventFilter, EventId, EventType, OrgId,
    PageRequest, PageSize, PrunedBatch, RenewalEventStore, RequestId, RetentionRule, RetentionStore,
    RevocationId, Serial, Stage, StoreError,
};
use sea_orm::{QueryResult, StatementBuilder};
use uuid::Uuid;

use crate::entity::{certificate, current, event, revocation};
use crate::failure::Failure;
use crate::fleet_statements::{comparable, last_to_expire};
use crate::retention_statements::{self as statements, BATCH, CURRENT, KEPT_FROM, LAST_SUCCESS};
use crate::row::Row;
use crate::session::retrying;
use crate::store::SeaOrmStore;
use crate::{action_statements, revocation_statements};

/// An event that is looked at.
struct Seen {
    id: EventId,
    device: DeviceId,
    attempt: AttemptId,
    stage: Stage,
    /// The last event that ended an attempt of the device, if that is a success.
    last_success: Option<Uuid>,
    /// The start of the oldest of the device's newest attempts; none if it has fewer.
    kept_from: Option<Uuid>,
}

#[async_trait]
impl RetentionStore for SeaOrmStore {
    async fn prune_events(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<EventId>,
        action: &Action,
    ) -> Result<PrunedBatch<EventId>, StoreError> {
        let backend = self.session.backend();
        let rows = self.session.read(&statements::oldest_events(backend, org, rule, after)).await?;
        let mut seen = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        seen.sort_by_key(|event| event.id);
        let mut ids = Vec::new();
        for end in self.going(org, rule, &seen).await? {
            ids.extend([end.attempt.as_uuid(), end.id.as_uuid()]);
        }
        ids.sort_unstable();
        let removed = if ids.is_empty() {
            0
        } else if rule.dry_run {
            self.number(&statements::count_events(backend, org, &ids)).await?
        } else {
            let delete = statements::delete_events(org, &ids);
            retrying(|| self.remove(&delete, action)).await?
        };
        let full = rows.len() as u64 == BATCH;
        let next = seen.last().filter(|_| full).map(|event| event.id);
        Ok(PrunedBatch { looked_at: rows.len() as u64, removed, next })
    }

    async fn prune_certificates(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<Serial>,
        action: &Action,
    ) -> Result<PrunedBatch<Serial>, StoreError> {
        let backend = self.session.backend();
        let rows = self.session.read(&statements::certificates(backend, org, after.as_ref())).await?;
        let (mut last, mut going) = (None, Vec::new());
        for row in &rows {
            let (serial, goes) = judged(row, rule)?;
            if goes {
                going.push(serial.to_string());
            }
            last = last.max(Some(serial));
        }
        going.sort_unstable();
        let removed = if going.is_empty() {
            0
        } else if rule.dry_run {
            self.number(&statements::count_certificates(backend, org, rule, &going)).await?
        } else {
            let delete = statements::delete_certificates(org, rule, &going);
            retrying(|| self.remove(&delete, action)).await?
        };
        let full = rows.len() as u64 == BATCH;
        Ok(PrunedBatch { looked_at: rows.len() as u64, removed, next: last.filter(|_| full) })
    }

    async fn prune_revocations(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        after: Option<RevocationId>,
        action: &Action,
    ) -> Result<PrunedBatch<RevocationId>, StoreError> {
        let select = revocation_statements::batch(self.session.backend(), org, after);
        let rows = self.session.read(&select).await?;
        let seen = rows.iter().map(revocation::read).collect::<Result<Vec<_>, _>>()?;
        let ended = rule.expired_before(true);
        let going = seen.iter().filter(|revoked| revoked.not_after.is_some_and(|end| end < ended));
        let going: Vec<_> = going.map(|revoked| revoked.id).collect();
        let removed = if going.is_empty() || rule.dry_run {
            going.len() as u64
        } else {
            let delete = revocation_statements::delete(org, &going, comparable(ended));
            retrying(|| self.remove(&delete, action)).await?
        };
        let next = seen.last().filter(|_| rows.len() as u64 == BATCH).map(|revoked| revoked.id);
        Ok(PrunedBatch { looked_at: rows.len() as u64, removed, next })
    }

    async fn newest_record(&self, org: OrgId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let one = PageRequest::first(PageSize::nearest(1));
        let event = self.list(org, &EventFilter::new(), &one).await?.items.pop();
        let action = self.actions(org, &ActionFilter::All, &one).await?.items.pop();
        let rows = self.session.read(&last_to_expire(self.session.backend(), org)).await?;
        let request = rows.first().map(current::request).transpose()?;
        Ok([
            event.map(|event| event.created_at()),
            action.map(|action| action.created_at()),
            request.map(RequestId::created_at),
        ]
        .into_iter()
        .flatten()
        .max())
    }
}

impl SeaOrmStore {
    /// Of the events that are looked at, in the order of ids, the ends of attempts that may go. An end
    /// is older than the limit, and so its start is too.
    async fn going<'s>(
        &self,
        org: OrgId,
        rule: &RetentionRule,
        seen: &'s [Seen],
    ) -> Result<Vec<&'s Seen>, StoreError> {
        let successes = seen.iter().filter(|event| event.stage == Stage::Success);
        let last_successes: HashMap<_, _> = successes.map(|event| (event.device, event.id)).collect();
        let mut going = Vec::new();
        for end in seen.iter().filter(|event| event.stage != Stage::Start) {
            let among_the_newest =
                rule.keep_attempts > 0 && end.kept_from.is_none_or(|from| end.attempt.as_uuid() >= from);
            let last_success = last_successes.get(&end.device) == Some(&end.id);
            let stays = among_the_newest || last_success && self.no_success_follows(org, end).await?;
            if !stays {
                going.push(end);
            }
        }
        Ok(going)
    }

    /// Whether the success is the last one of its device, as far as can be told from as many of the
    /// device's next events as one statement looks at. Behind a longer row of failures there may be
    /// another: this one then stays until those have gone.
    async fn no_success_follows(&self, org: OrgId, end: &Seen) -> Result<bool, StoreError> {
        if let Some(last) = end.last_success {
            return Ok(end.id.as_uuid() >= last);
        }
        // The device has failed since its last success, whichever that is.
        let select = statements::events_after(self.session.backend(), org, end.device, end.id);
        let next = self.session.events(&select).await?;
        Ok(next.iter().all(|event| event.stage() != Stage::Success))
    }

    /// Removes rows, and records the action unless it is recorded already; how many rows there were.
    async fn remove(&self, delete: &impl StatementBuilder, action: &Action) -> Result<u64, Failure> {
        let transaction = self.session.begin().await?;
        let removed = transaction.write(delete).await?;
        if removed > 0 {
            transaction.write(&action_statements::insert_once(action)).await?;
        }
        transaction.commit().await?;
        Ok(removed)
    }
}

/// The event of a row.
fn read(row: &QueryResult) -> Result<Seen, StoreError> {
    use event::Column;
    let values = Row::new("certificate_renewal_events", ["org_id", "id"], row);
    let stage = |name: String| name.parse::<EventType>().map(EventType::stage);
    Ok(Seen {
        id: values.parse(Column::Id, EventId::new)?,
        device: DeviceId::new(values.get(Column::DeviceId)?),
        attempt: values.parse(Column::AttemptId, AttemptId::new)?,
        stage: values.parse(Column::EventType, stage)?,
        last_success: row.try_get("", LAST_SUCCESS).map_err(Failure::from)?,
        kept_from: row.try_get("", KEPT_FROM).map_err(Failure::from)?,
    })
}

/// The serial number of a certificate's row, and whether it may go.
fn judged(row: &QueryResult, rule: &RetentionRule) -> Result<(Serial, bool), StoreError> {
    use certificate::Column;
    let values = Row::new("device_certificates", ["org_id", "serial"], row);
    let serial = values.parse(Column::Serial, |text: String| certificate::canonical(&text))?;
    let not_after: DateTime<Utc> = values.get(Column::NotAfter)?;
    let revoked_at: Option<DateTime<Utc>> = values.get(Column::RevokedAt)?;
    let current: Option<String> = row.try_get("", CURRENT).map_err(Failure::from)?;
    let goes = current != Some(serial.to_string()) && not_after < rule.expired_before(revoked_at.is_some());
    Ok((serial, goes))
}
