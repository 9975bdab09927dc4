//! What becomes of requests that are opened, and are not new: refused for the certificate that they
//! present, open already, or answered before.
//!
//! It is found out when the rows of the new ones are written. Only whoever has written the row of a
//! request knows that nobody else is answering the same one, and then sees the certificate of whoever
//! did before.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use renewal_domain::{
    Answer, CertificateRecord, OpenRequest, Opened, OrgId, Presented, Refusal, Serial, Standing,
};
use sea_orm::QueryResult;

use crate::backend::Backend;
use crate::entity::certificate::{self, Known};
use crate::failure::Failure;
use crate::session::Transaction;
use crate::{fleet_statements, statements};

/// A request that is opened.
pub(crate) struct Opening<'r> {
    pub(crate) request: &'r OpenRequest,
    pub(crate) standing: Standing,
    pub(crate) now: DateTime<Utc>,
    /// The same request, if it is open already.
    pub(crate) open: Option<OpenRequest>,
}

impl<'r> Opening<'r> {
    pub(crate) const fn new(request: &'r OpenRequest, standing: Standing, now: DateTime<Utc>) -> Self {
        Self { request, standing, now, open: None }
    }

    pub(crate) fn presented(&self) -> Option<&'r Serial> {
        self.request.purpose().presented().map(Presented::serial)
    }

    /// Why the certificate that it presents does not do, by what is known of it.
    pub(crate) fn refusal(&self, known: Option<&Known>) -> Option<Refusal> {
        self.presented()?;
        self.standing.judge(known.is_some(), known.and_then(|known| known.revocation)).err()
    }
}

/// What became of each opening of an organisation that is not new.
pub(crate) async fn judge(
    backend: Backend,
    transaction: &Transaction,
    org: OrgId,
    openings: &[&Opening<'_>],
) -> Result<Vec<Option<Opened>>, Failure> {
    let Some(select) = statements::known(backend, org, openings) else { return Ok(Vec::new()) };
    let known = read_known(&transaction.read(&select).await?)?;
    let issued = issued(backend, transaction, org, openings, &known).await?;
    Ok(openings
        .iter()
        .map(|opening| {
            let presented = opening.presented().and_then(|serial| known.get(serial));
            if let Some(refusal) = opening.refusal(presented) {
                return Some(Opened::Refused(refusal));
            }
            if let Some(open) = &opening.open {
                return Some(Opened::Answered(Answer::Open(Box::new(open.clone()))));
            }
            let good = issued.iter().filter(|it| it.answers(opening.request) && it.is_good_at(opening.now));
            let newest = good.max_by_key(|issued| issued.request_id)?;
            Some(Opened::Answered(Answer::Issued(Box::new(newest.clone()))))
        })
        .collect())
}

/// What is known of certificates by their serial numbers, of rows that were read with
/// [`statements::known`].
pub(crate) fn read_known(rows: &[QueryResult]) -> Result<HashMap<Serial, Known>, Failure> {
    Ok(rows.iter().map(certificate::read_known).collect::<Result<_, _>>()?)
}

/// The certificates that answered requests like these, whole. There are none almost always.
async fn issued(
    backend: Backend,
    transaction: &Transaction,
    org: OrgId,
    openings: &[&Opening<'_>],
    known: &HashMap<Serial, Known>,
) -> Result<Vec<CertificateRecord>, Failure> {
    let asked: HashSet<_> =
        openings.iter().map(|opening| (opening.request.csr_sha256(), opening.presented())).collect();
    let answers =
        known.iter().filter(|(_, it)| asked.contains(&(&it.csr_sha256, it.presented_serial.as_ref())));
    let serials: Vec<_> = answers.map(|(serial, _)| serial.to_string()).collect();
    if serials.is_empty() {
        return Ok(Vec::new());
    }
    let rows = transaction.read(&fleet_statements::by_serials(backend, org, serials)).await?;
    Ok(rows.iter().map(certificate::read).collect::<Result<_, _>>()?)
}
