//! A group of writes in one transaction, with few statements for each table.
//!
//! Rows are written in the order of their keys, so that two processes that write the same rows
//! wait for one another, and not each for the other. Whatever is out of the ordinary, but for
//! requests that were answered before or are refused, fails the whole group: see `writes`.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use renewal_domain::{
    Answer, CertificateRecord, Completion, DeviceId, OpenRequest, Opened, OrgId, Presented, RenewalEvent,
    RequestId, Serial, Standing,
};

use crate::entity::{certificate, request};
use crate::failure::Failure;
use crate::insert::Insert;
use crate::session::{Session, Transaction};
use crate::writes::Write;
use crate::{fleet_statements, statements, token_statements};

/// Writes a group. Gives what became, by their places, of the openings that are not new.
pub(crate) async fn write(session: &Session, group: &[Write]) -> Result<HashMap<usize, Opened>, Failure> {
    let work = Work::of(group);
    if let Some(only) = work.only_statement() {
        // A transaction by itself, which spares two round trips.
        session.write(&only).await?;
        return Ok(HashMap::new());
    }
    let transaction = session.begin().await?;
    match work.write(session, &transaction).await {
        Ok(answered) => transaction.commit().await.map(|()| answered),
        Err(failure) => {
            if !matches!(failure, Failure::Final(renewal_domain::StoreError::Unavailable(_))) {
                transaction.rollback().await?;
            }
            Err(failure)
        }
    }
}

/// What there is to write, by table.
struct Work<'g> {
    opens: BTreeMap<OrgId, Vec<Opening<'g>>>,
    ends: BTreeMap<OrgId, Vec<(RequestId, &'g Completion)>>,
    events: Vec<&'g RenewalEvent>,
}

struct Opening<'g> {
    place: usize,
    request: &'g OpenRequest,
    standing: Standing,
    now: DateTime<Utc>,
}

impl<'g> Opening<'g> {
    fn presented(&self) -> Option<&'g Serial> {
        self.request.purpose().presented().map(Presented::serial)
    }
}

impl<'g> Work<'g> {
    fn of(group: &'g [Write]) -> Self {
        let mut work = Self { opens: BTreeMap::new(), ends: BTreeMap::new(), events: Vec::new() };
        for (place, write) in group.iter().enumerate() {
            match write {
                Write::Append { events, .. } => work.events.extend(events),
                Write::Open { request, standing, now, .. } => {
                    let opening = Opening { place, request, standing: *standing, now: *now };
                    work.opens.entry(request.org_id()).or_default().push(opening);
                }
                Write::Complete { org, id, completion, .. } => {
                    work.ends.entry(*org).or_default().push((*id, completion));
                    work.events.extend(completion.event());
                }
            }
        }
        for opens in work.opens.values_mut() {
            opens.sort_by_key(|open| (open.request.csr_sha256(), open.request.device_id()));
        }
        for ends in work.ends.values_mut() {
            ends.sort_by_key(|(id, _)| *id);
        }
        work
    }

    /// The statement that does it all, if there is one: the group is a few events and nothing else.
    fn only_statement(&self) -> Option<Insert> {
        if !(self.opens.is_empty() && self.ends.is_empty()) {
            return None;
        }
        let mut events = self.events.clone();
        events.sort_by_key(|event| (event.org_id(), event.id()));
        let mut inserts = statements::insert_events(&events);
        if inserts.len() == 1 { inserts.pop() } else { None }
    }

    async fn write(
        mut self,
        session: &Session,
        transaction: &Transaction,
    ) -> Result<HashMap<usize, Opened>, Failure> {
        let mut answered = HashMap::new();
        for (org, opens) in &mut self.opens {
            answered.extend(find_refused(session, transaction, *org, opens).await?);
            answered.extend(find_open(session, transaction, *org, opens).await?);
        }
        let requests: Vec<_> = self.opens.values().flatten().map(|open| open.request).collect();
        for insert in statements::insert_requests(&requests) {
            transaction.write(&insert).await?;
        }
        // Only whoever has written the row of a request knows that nobody else is answering the
        // same one, and then sees the certificate of whoever did before.
        for (org, opens) in &mut self.opens {
            answered.extend(find_issued(session, transaction, *org, opens).await?);
        }
        let starts: Vec<_> =
            self.opens.values().flatten().filter_map(|open| open.request.start_event()).collect();
        for (org, ends) in &self.ends {
            delete_requests(transaction, *org, ends.iter().map(|(id, _)| *id)).await?;
        }
        self.spend_tokens(transaction).await?;
        let mut events: Vec<_> = self.events.iter().copied().chain(&starts).collect();
        events.sort_by_key(|event| (event.org_id(), event.id()));
        for insert in statements::insert_events(&events) {
            transaction.write(&insert).await?;
        }
        self.write_certificates(session, transaction).await?;
        Ok(answered)
    }

    async fn spend_tokens(&self, transaction: &Transaction) -> Result<(), Failure> {
        let mut tokens: Vec<_> = self
            .ends
            .iter()
            .flat_map(|(org, ends)| {
                ends.iter().filter_map(|(id, completion)| Some((*org, completion.token()?, *id)))
            })
            .collect();
        tokens.sort();
        for (org, token, id) in tokens {
            if transaction.write(&token_statements::spend(org, token, id)).await? == 0 {
                return Err(Failure::conflict("the token of a request in the group is not to be used"));
            }
        }
        Ok(())
    }

    async fn write_certificates(&self, session: &Session, transaction: &Transaction) -> Result<(), Failure> {
        let ends = self.ends.values().flatten();
        let mut certificates: Vec<_> = ends.filter_map(|(_, completion)| completion.certificate()).collect();
        certificates.sort_by_key(|certificate| (certificate.org_id, &certificate.serial));
        for insert in statements::insert_certificates(&certificates) {
            transaction.write(&insert).await?;
        }
        // Each device once.
        let mut latest: BTreeMap<(OrgId, DeviceId), &CertificateRecord> = BTreeMap::new();
        for certificate in certificates {
            let current = latest.entry((certificate.org_id, certificate.device_id)).or_insert(certificate);
            if current.request_id < certificate.request_id {
                *current = certificate;
            }
        }
        let latest: Vec<_> = latest.into_values().collect();
        for upsert in fleet_statements::make_current(session.backend(), &latest) {
            transaction.write(&upsert).await?;
        }
        Ok(())
    }
}

/// Takes out, and refuses, those that present a certificate which does not do.
async fn find_refused(
    session: &Session,
    transaction: &Transaction,
    org: OrgId,
    opens: &mut Vec<Opening<'_>>,
) -> Result<Vec<(usize, Opened)>, Failure> {
    let serials: Vec<_> = opens.iter().filter_map(Opening::presented).collect();
    if serials.is_empty() {
        return Ok(Vec::new());
    }
    let rows = transaction.read(&statements::standings(session.backend(), org, serials.into_iter())).await?;
    let found = rows.iter().map(certificate::read_standing).collect::<Result<HashMap<_, _>, _>>()?;
    let mut refused = Vec::new();
    opens.retain(|open| {
        let Some(serial) = open.presented() else { return true };
        let there = found.get(serial);
        match open.standing.judge(there.is_some(), there.copied().flatten()) {
            Ok(()) => true,
            Err(refusal) => {
                refused.push((open.place, Opened::Refused(refusal)));
                false
            }
        }
    });
    Ok(refused)
}

/// Takes out, and answers, those that are open already.
async fn find_open(
    session: &Session,
    transaction: &Transaction,
    org: OrgId,
    opens: &mut Vec<Opening<'_>>,
) -> Result<Vec<(usize, Opened)>, Failure> {
    if opens.is_empty() {
        return Ok(Vec::new());
    }
    let digests = opens.iter().map(|open| open.request.csr_sha256());
    let rows = transaction.read(&statements::requests_of_csrs(session.backend(), org, digests)).await?;
    let found = rows.iter().map(request::read).collect::<Result<Vec<_>, _>>()?;
    let mut answered = Vec::new();
    opens.retain(|open| match found.iter().find(|found| found.is_same_as(open.request)) {
        None => true,
        Some(same) => {
            answered.push((open.place, Opened::Answered(Answer::Open(Box::new(same.clone())))));
            false
        }
    });
    Ok(answered)
}

/// Takes out again, and answers, those that have a certificate which is still good.
async fn find_issued(
    session: &Session,
    transaction: &Transaction,
    org: OrgId,
    opens: &mut Vec<Opening<'_>>,
) -> Result<Vec<(usize, Opened)>, Failure> {
    let Some(earliest) = opens.iter().map(|open| open.now).min() else { return Ok(Vec::new()) };
    let requests: Vec<_> = opens.iter().map(|open| open.request).collect();
    let select = statements::good_certificates(session.backend(), org, &requests, earliest);
    let rows = transaction.read(&select).await?;
    let found = rows.iter().map(certificate::read).collect::<Result<Vec<_>, _>>()?;
    let (mut answered, mut written) = (Vec::new(), Vec::new());
    opens.retain(|open| {
        let good = found.iter().filter(|found| found.answers(open.request) && found.is_good_at(open.now));
        match good.max_by_key(|found| found.request_id) {
            None => true,
            Some(issued) => {
                answered.push((open.place, Opened::Answered(Answer::Issued(Box::new(issued.clone())))));
                written.push(open.request.id());
                false
            }
        }
    });
    written.sort();
    delete_requests(transaction, org, written.into_iter()).await?;
    Ok(answered)
}

/// Deletes the rows of requests, each of which must be there.
async fn delete_requests(
    transaction: &Transaction,
    org: OrgId,
    ids: impl ExactSizeIterator<Item = RequestId>,
) -> Result<(), Failure> {
    let count = ids.len() as u64;
    if count == 0 || transaction.write(&statements::delete_requests(org, ids)).await? == count {
        return Ok(());
    }
    Err(Failure::conflict("a request of the group has ended before"))
}
