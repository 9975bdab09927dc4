//! What is read of a database before a request is opened. Each statement finds its rows by the primary
//! key, or by the index that its comment names.

use renewal_domain::{BlockSubject, KeyReuse, OrgId, Serial, Sha256Digest};
use sea_orm::sea_query::{Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, Iterable, Value};

use crate::backend::{Backend, Index};
use crate::entity::{block, certificate, current, revocation};
use crate::open_checks::{Opening, presented_serials};
use crate::stretch::{of_each, padded};

/// The certificates with one key, and the earlier answers to a request.
const OF_KEY: Index = Index::Named("idx_device_certificates_key");

fn from_certificates(backend: Backend, org: OrgId, index: Index) -> SelectStatement {
    let mut select = Query::select();
    backend.from(&mut select, certificate::Entity, index);
    select.and_where(certificate::Column::OrgId.eq(org.as_uuid())).take()
}

/// Reads the status of certificates by which openings are judged: of those that they present, by the
/// primary key, and of those that have the same key and are good, by `idx_device_certificates_key`. Those
/// that answered the same request before are among the latter.
pub(crate) fn certificates(backend: Backend, org: OrgId, openings: &[&Opening<'_>]) -> SelectStatement {
    use certificate::Column;
    let columns = || certificate::STATUS.into_iter();
    let mut same_key = from_certificates(backend, org, OF_KEY);
    same_key.and_where(Column::RevokedAt.is_null());
    if let Some(now) = openings.iter().map(|opening| opening.rules.now).min() {
        same_key.and_where(Column::NotAfter.gte(now));
    }
    let requests = openings.iter().map(|opening| opening.request);
    if openings.iter().all(|opening| opening.rules.key_reuse == KeyReuse::Allow) {
        // A key may be that of a whole fleet.
        same_key.and_where(
            Column::CsrSha256.is_in(padded(requests.clone().map(|request| request.csr_sha256().to_vec()))),
        );
    }
    let keys = requests.map(|request| request.public_key_sha256().to_vec().into()).collect();
    let mut same_key = of_each(backend, columns(), same_key, Column::PublicKeySha256, keys);
    let mut serials: Vec<Value> =
        presented_serials(openings).iter().map(|serial| serial.to_string().into()).collect();
    let Some(last) = serials.last().cloned() else { return same_key };
    // As many of each kind, so that there are few different statements.
    serials.resize(openings.len(), last);
    let presented = from_certificates(backend, org, Index::Primary);
    let presented = of_each(backend, columns(), presented, Column::Serial, serials);
    same_key.union(UnionType::All, presented).take()
}

/// Reads the status of the certificates with these keys, by `idx_device_certificates_key`.
pub(crate) fn certificates_of_keys<'k>(
    backend: Backend,
    org: OrgId,
    keys: impl Iterator<Item = &'k Sha256Digest>,
) -> SelectStatement {
    let select = from_certificates(backend, org, OF_KEY);
    let keys = keys.map(|key| key.to_vec().into()).collect();
    of_each(backend, certificate::STATUS.into_iter(), select, certificate::Column::PublicKeySha256, keys)
}

/// Reads the blocks that could stand in the way of openings.
pub(crate) fn blocks(backend: Backend, org: OrgId, openings: &[&Opening<'_>]) -> SelectStatement {
    blocks_of(backend, org, openings.iter().flat_map(|opening| opening.request.block_subjects()))
}

/// Reads the blocks of these subjects.
pub(crate) fn blocks_of(
    backend: Backend,
    org: OrgId,
    subjects: impl Iterator<Item = BlockSubject>,
) -> SelectStatement {
    use block::Column;
    let mut select = Query::select();
    backend.from(&mut select, block::Entity, Index::Primary);
    select.and_where(Column::OrgId.eq(org.as_uuid()));
    // An id says of which kind it is: none is another kind's.
    let ids = subjects.map(|subject| subject.id().into()).collect();
    of_each(backend, Column::iter(), select, Column::SubjectId, ids)
}

/// Reads the rows of the latest certificates of devices that present one; none of no such opening.
pub(crate) fn latest(backend: Backend, org: OrgId, openings: &[&Opening<'_>]) -> Option<SelectStatement> {
    use current::Column;
    let presenting = openings.iter().filter(|opening| opening.presented().is_some());
    let devices: Vec<Value> =
        presenting.map(|opening| opening.request.device_id().as_uuid().into()).collect();
    if devices.is_empty() {
        return None;
    }
    let mut select = Query::select();
    backend.from(&mut select, current::Entity, Index::Primary);
    select.and_where(Column::OrgId.eq(org.as_uuid()));
    Some(of_each(backend, Column::iter(), select, Column::DeviceId, devices))
}

/// Reads the revocations of an authority's certificates in one organisation or, without one, in all, by
/// `idx_certificate_revocations_certificate`.
pub(crate) fn revocations(
    backend: Backend,
    org: Option<OrgId>,
    issuer: &Sha256Digest,
    serials: &[&Serial],
) -> SelectStatement {
    use revocation::Column;
    let mut select = Query::select();
    backend.from(&mut select, revocation::Entity, Index::Named("idx_certificate_revocations_certificate"));
    select
        .and_where(Column::IssuerKeySha256.eq(issuer.to_vec()))
        .and_where_option(org.map(|org| Column::OrgId.eq(org.as_uuid())));
    let serials = serials.iter().map(|serial| serial.to_string().into()).collect();
    of_each(backend, Column::iter(), select, Column::Serial, serials)
}
