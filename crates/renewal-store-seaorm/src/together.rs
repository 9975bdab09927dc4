//! A group of writes in one transaction, with few statements for each table.
//!
//! Rows are written in the order of their keys, so that two processes that write the same rows
//! wait for one another, and not each for the other. Whatever is out of the ordinary, but for
//! requests that are refused or were answered before, fails the whole group: see `writes`. So do
//! requests that are open already, unless they are looked for first: a round trip that is spared
//! while nobody asks again.

use std::collections::{BTreeMap, HashMap};

use renewal_domain::{CertificateRecord, Completion, DeviceId, Opened, OrgId, RenewalEvent, RequestId};

use crate::entity::request;
use crate::failure::Failure;
use crate::insert::Insert;
use crate::open_checks::{Opening, judge, key_taken};
use crate::session::{Session, Transaction};
use crate::writes::Write;
use crate::{action_statements, enrollment_token_statements, fleet_statements, statements};

/// Writes a group, having looked first or not for requests that are open already. Gives what became,
/// by their places, of the openings that are not new.
pub(crate) async fn write(
    session: &Session,
    group: &[Write],
    look_first: bool,
) -> Result<HashMap<usize, Opened>, Failure> {
    let work = Work::of(group);
    if let Some(only) = work.only_statement() {
        // A transaction by itself, which spares two round trips.
        session.write(&only).await?;
        return Ok(HashMap::new());
    }
    let transaction = session.begin().await?;
    match work.write(session, &transaction, look_first).await {
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
    /// With their places in the group.
    opens: BTreeMap<OrgId, Vec<(usize, Opening<'g>)>>,
    ends: BTreeMap<OrgId, Vec<(RequestId, &'g Completion)>>,
    events: Vec<&'g RenewalEvent>,
}

impl<'g> Work<'g> {
    fn of(group: &'g [Write]) -> Self {
        let mut work = Self { opens: BTreeMap::new(), ends: BTreeMap::new(), events: Vec::new() };
        for (place, write) in group.iter().enumerate() {
            match write {
                Write::Append { events, .. } => work.events.extend(events),
                Write::Open { request, rules, .. } => {
                    let opening = Opening::new(request, *rules);
                    work.opens.entry(request.org_id()).or_default().push((place, opening));
                }
                Write::Complete { org, id, completion, .. } => {
                    work.ends.entry(*org).or_default().push((*id, completion));
                    work.events.extend(completion.event());
                }
            }
        }
        for opens in work.opens.values_mut() {
            opens.sort_by_key(|(_, open)| (open.request.csr_sha256(), open.request.device_id()));
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
        look_first: bool,
    ) -> Result<HashMap<usize, Opened>, Failure> {
        if look_first {
            for (org, opens) in &mut self.opens {
                find_open(session, transaction, *org, opens).await?;
            }
        }
        let new = self.opens.values().flatten().filter(|(_, open)| open.open.is_none());
        let requests: Vec<_> = new.map(|(_, open)| open.request).collect();
        for insert in statements::insert_requests(&requests, session.keys()) {
            transaction.write(&insert).await?;
        }
        let mut answered = HashMap::new();
        for (org, opens) in &mut self.opens {
            answered.extend(take_answered(session, transaction, *org, opens).await?);
        }
        let starts: Vec<_> =
            self.opens.values().flatten().filter_map(|(_, open)| open.request.start_event()).collect();
        for (org, ends) in &self.ends {
            delete_requests(transaction, *org, ends.iter().map(|(id, _)| *id)).await?;
            let new_keys = ends.iter().filter_map(|(_, end)| end.certificate_with_new_key());
            let new_keys: Vec<_> = new_keys.collect();
            if key_taken(session.backend(), transaction, *org, &new_keys).await?.is_some() {
                return Err(Failure::conflict("the key of a certificate in the group is another device's"));
            }
        }
        self.mark_tokens_used(transaction).await?;
        let mut events: Vec<_> = self.events.iter().copied().chain(&starts).collect();
        events.sort_by_key(|event| (event.org_id(), event.id()));
        for insert in statements::insert_events(&events) {
            transaction.write(&insert).await?;
        }
        self.write_certificates(session, transaction).await?;
        self.write_actions(transaction).await?;
        Ok(answered)
    }

    async fn mark_tokens_used(&self, transaction: &Transaction) -> Result<(), Failure> {
        let mut tokens: Vec<_> = self
            .ends
            .iter()
            .flat_map(|(org, ends)| {
                ends.iter().filter_map(|(id, completion)| Some((*org, completion.token()?, *id)))
            })
            .collect();
        tokens.sort();
        for (org, token, id) in tokens {
            if transaction.write(&enrollment_token_statements::mark_used(org, token, id)).await? == 0 {
                return Err(Failure::conflict("the token of a request in the group is not to be used"));
            }
        }
        Ok(())
    }

    async fn write_actions(&self, transaction: &Transaction) -> Result<(), Failure> {
        for (org, ends) in &self.ends {
            for (device, serial) in ends.iter().filter_map(|(_, end)| end.used()) {
                transaction.write(&fleet_statements::mark_used(*org, device, serial)).await?;
            }
        }
        let ends = self.ends.values().flatten();
        let actions: Vec<_> = ends.filter_map(|(_, completion)| completion.action()).collect();
        for insert in action_statements::insert(&actions) {
            transaction.write(&insert).await?;
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

/// Finds those that are open already.
async fn find_open(
    session: &Session,
    transaction: &Transaction,
    org: OrgId,
    opens: &mut [(usize, Opening<'_>)],
) -> Result<(), Failure> {
    let devices = opens.iter().map(|(_, open)| open.request.device_id());
    let rows = transaction.read(&statements::requests_of_devices(session.backend(), org, devices)).await?;
    let found = rows.iter().map(|row| request::read(row, session.keys())).collect::<Result<Vec<_>, _>>()?;
    for (_, open) in opens {
        open.open = found.iter().find(|found| found.is_same_as(open.request)).cloned();
    }
    Ok(())
}

/// Takes out those that are not new, and the rows that were written of them.
async fn take_answered(
    session: &Session,
    transaction: &Transaction,
    org: OrgId,
    opens: &mut Vec<(usize, Opening<'_>)>,
) -> Result<Vec<(usize, Opened)>, Failure> {
    let openings: Vec<_> = opens.iter().map(|(_, open)| open).collect();
    let mut judged = judge(session.backend(), transaction, org, &openings).await?.into_iter();
    let (mut answered, mut written) = (Vec::new(), Vec::new());
    opens.retain(|(place, open)| match judged.next() {
        None | Some(Opened::New { key_used_by: None }) => true,
        Some(opened @ Opened::New { .. }) => {
            answered.push((*place, opened));
            true
        }
        Some(opened) => {
            answered.push((*place, opened));
            written.extend(open.open.is_none().then(|| open.request.id()));
            false
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
