//! The statements about revocations. Each finds its rows by the primary key, or by the index that its
//! comment names.

use chrono::{DateTime, Utc};
use renewal_domain::{OrgId, PageRequest, RevocationId, RevokedCertificate};
use sea_orm::sea_query::{Query, SelectStatement, UpdateStatement};
use sea_orm::{ColumnTrait, Value};

use crate::access::limit;
use crate::backend::{Backend, Index};
use crate::entity::certificate;
use crate::entity::revocation::{Column, Entity, row};
use crate::insert::{Insert, in_parts};
use crate::retention_statements::{BATCH, DeleteByKey, among};
use crate::stretch::Stretch;

/// Adds revocations.
pub(crate) fn insert(revocations: &[&RevokedCertificate]) -> Vec<Insert> {
    in_parts(revocations, |part| Insert::of(Entity, part.iter().map(|revoked| row(revoked))))
}

/// Revokes the certificate in its own row, if it was issued here and was not revoked before.
pub(crate) fn revoke_row(revoked: &RevokedCertificate) -> UpdateStatement {
    use certificate::Column;
    Query::update()
        .table(certificate::Entity)
        .value(Column::RevokedAt, revoked.revocation.at)
        .value(Column::RevocationReason, revoked.revocation.reason.as_str())
        .and_where(Column::OrgId.eq(revoked.org_id.as_uuid()))
        .and_where(Column::Serial.eq(revoked.serial.to_string()))
        .and_where(Column::IssuerKeySha256.eq(revoked.issuer_key_sha256.to_vec()))
        .and_where(Column::RevokedAt.is_null())
        .take()
}

/// Reads a page of revocations, oldest first.
pub(crate) fn oldest(backend: Backend, org: OrgId, page: &PageRequest) -> SelectStatement {
    from(backend, org, page.after().map(Value::from)).limit(limit(page)).take()
}

/// Reads the next revocations after one, oldest first, to prune them.
pub(crate) fn batch(backend: Backend, org: OrgId, after: Option<RevocationId>) -> SelectStatement {
    from(backend, org, after.map(|after| after.as_uuid().into())).limit(BATCH).take()
}

fn from(backend: Backend, org: OrgId, behind: Option<Value>) -> SelectStatement {
    let stretch = Stretch {
        index: Index::Primary,
        fixed: vec![(Column::OrgId, org.as_uuid().into())],
        last: Column::Id,
        behind,
    };
    stretch.ascending(backend, Entity)
}

/// Deletes revocations, which are in the order of ids.
pub(crate) fn delete(org: OrgId, ids: &[RevocationId], ended_before: DateTime<Utc>) -> DeleteByKey {
    let ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
    let delete = Query::delete()
        .from_table(Entity)
        .and_where(Column::OrgId.eq(org.as_uuid()))
        .and_where(Column::NotAfter.lt(ended_before))
        .cond_where(among(Column::Id, &ids))
        .take();
    DeleteByKey::new(delete, Entity)
}
