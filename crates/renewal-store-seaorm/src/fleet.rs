//! The fleet as it is now: listing certificates, counting, and whether the store can be used.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use renewal_domain::{
    CertificateFilter, CertificateRecord, EventCount, FleetStore, OpenCounts, OrgId, Page, PageRequest,
    RequestState, StoreError,
};
use sea_orm::QueryResult;
use sea_orm::sea_query::SelectStatement;

use crate::entity::{certificate, current, event, request};
use crate::failure::Failure;
use crate::fleet_statements as statements;
use crate::schema;
use crate::store::SeaOrmStore;

#[async_trait]
impl FleetStore for SeaOrmStore {
    async fn certificates(
        &self,
        org: OrgId,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateRecord>, StoreError> {
        let backend = self.session.backend();
        let found = match *filter {
            CertificateFilter::OfDevice(device) => {
                self.found(&statements::of_device(backend, org, device, page)).await?
            }
            CertificateFilter::OfKey(key) => {
                self.found(&statements::of_key(backend, org, &key, page)).await?
            }
            CertificateFilter::Revoked => self.found(&statements::revoked(backend, org, page)).await?,
            CertificateFilter::Expiring { after, until } => {
                self.current(org, &statements::expiring(backend, org, (after, until), page)).await?
            }
            CertificateFilter::ExpiredBefore(now) => {
                self.current(org, &statements::expired(backend, org, now, page)).await?
            }
        };
        Ok(Page::of(found, page, &filter.scope(org), |certificate| filter.position(certificate)))
    }

    async fn count_expiring(
        &self,
        org: OrgId,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        Ok(self.number(&statements::count_expiring(self.session.backend(), org, after, until)).await?)
    }

    async fn count_events(
        &self,
        org: OrgId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<EventCount>, StoreError> {
        let rows =
            self.session.read(&statements::count_events(self.session.backend(), org, from, to)).await?;
        let counted = |row| -> Result<_, StoreError> {
            let (event_type, reason) = event::kind(row)?;
            Ok(EventCount { event_type, reason, count: count(row, 2)? })
        };
        let mut counts: Vec<_> = rows.iter().map(counted).collect::<Result<_, _>>()?;
        counts.sort();
        Ok(counts)
    }

    async fn count_failing(&self, org: OrgId, since: DateTime<Utc>) -> Result<u64, StoreError> {
        Ok(self.number(&statements::count_failing(self.session.backend(), org, since)).await?)
    }

    async fn count_open(&self, org: OrgId) -> Result<OpenCounts, StoreError> {
        let rows = self.session.read(&statements::count_open(self.session.backend(), org)).await?;
        let mut counts = OpenCounts::default();
        for row in &rows {
            let (state, first) = request::state_and_id(row)?;
            let (number, oldest) = match state {
                RequestState::Signing => (&mut counts.signing, &mut counts.oldest_signing),
                RequestState::Pending => (&mut counts.pending, &mut counts.oldest_pending),
            };
            *number = count(row, 1)?;
            *oldest = Some(first.created_at());
        }
        Ok(counts)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let migrations = self.session.migrations().await?;
        schema::judge(self.name.clone(), &migrations).map_err(|unfit| StoreError::Backend(Box::new(unfit)))
    }
}

impl SeaOrmStore {
    /// The certificates that are found.
    async fn found(&self, select: &SelectStatement) -> Result<Vec<CertificateRecord>, StoreError> {
        self.session.read(select).await?.iter().map(certificate::read).collect()
    }

    /// The certificates of rows of current ones, in the order of these.
    async fn current(
        &self,
        org: OrgId,
        select: &SelectStatement,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        let rows = self.session.read(select).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let serials: Vec<_> = rows.iter().map(current::serial).collect::<Result<_, _>>()?;
        let select = statements::by_serials(self.session.backend(), org, serials.clone());
        let found = self.found(&select).await?.into_iter();
        let mut found: HashMap<_, _> = found.map(|it| (it.serial.to_string(), it)).collect();
        let in_order =
            rows.iter().zip(&serials).map(|(row, serial)| current::checked(row, found.remove(serial)));
        in_order.collect()
    }

    /// The only number of the only row.
    pub(crate) async fn number(&self, select: &SelectStatement) -> Result<u64, Failure> {
        let rows = self.session.read(select).await?;
        rows.first().map_or(Ok(0), |row| count(row, 0))
    }
}

/// The number in a column, which counts rows.
fn count(row: &QueryResult, column: usize) -> Result<u64, Failure> {
    let count: i64 = row.try_get_by_index(column)?;
    // There are never fewer than none.
    Ok(u64::try_from(count).unwrap_or_default())
}
