//! What is written in groups: events, openings and ends of requests.

use std::collections::HashSet;

use renewal_domain::{
    Answer, Completed, Completion, DeviceId, OpenRequest, OpenRules, Opened, OrgId, RenewalEvent, RequestId,
    Sha256Digest, StoreError,
};

use crate::failure::Failure;
use crate::group::{Caller, unavailable_for_all};
use crate::session::{Session, retrying};
use crate::together;

/// Something to write.
pub(crate) enum Write {
    /// Appends events.
    Append { org: OrgId, events: Vec<RenewalEvent>, caller: Caller<()> },
    /// Opens a request.
    Open { request: Box<OpenRequest>, rules: OpenRules, caller: Caller<Opened> },
    /// Ends a request.
    Complete { org: OrgId, id: RequestId, completion: Box<Completion>, caller: Caller<Completed> },
}

/// What only one write of a group may be about: of two, the second must see what the first did.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    /// Whether a device uses a certificate depends on the requests of it that are open.
    Device(OrgId, DeviceId),
    End(OrgId, RequestId),
    Key(OrgId, Sha256Digest),
}

impl Write {
    /// How many rows it is about.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Append { events, .. } => events.len(),
            Self::Open { .. } | Self::Complete { .. } => 1,
        }
    }

    /// Whether nobody waits for it any more.
    pub(crate) fn is_given_up(&self) -> bool {
        match self {
            Self::Append { caller, .. } => caller.is_gone(),
            Self::Open { caller, .. } => caller.is_gone(),
            Self::Complete { caller, .. } => caller.is_gone(),
        }
    }

    /// Writes them in one transaction. When that fails because of one of them, each half is tried
    /// by itself, until the one at fault is alone: it gets its own answer, and its neighbours theirs.
    ///
    /// Whether requests that are open already are looked for first is kept from group to group: while
    /// there are some, as when devices ask again for what waits for a person, it is worth it.
    pub(crate) async fn together(session: &Session, writes: Vec<Self>, look_first: &mut bool) {
        let mut groups = vec![writes];
        while let Some(writes) = groups.pop() {
            let (mut group, later) = apart(writes);
            if !later.is_empty() {
                groups.push(later);
            }
            if group.len() < 2 {
                for only in group {
                    only.alone(session).await;
                }
                continue;
            }
            let opens = group.iter().any(|write| matches!(write, Self::Open { .. }));
            match retrying(|| together::write(session, &group, *look_first)).await {
                Ok(mut answered) => {
                    if opens {
                        *look_first = answered.values().any(is_open_already);
                    }
                    for (place, write) in group.into_iter().enumerate() {
                        write.written(answered.remove(&place));
                    }
                }
                Err(Failure::Final(StoreError::Unavailable(reason))) => give_up(group, reason),
                Err(Failure::Contended(error)) => give_up(group, Box::new(error)),
                Err(Failure::Duplicate) if opens && !*look_first => {
                    *look_first = true;
                    groups.push(group);
                }
                Err(Failure::Duplicate | Failure::Final(_)) => {
                    let second = group.split_off(group.len() / 2);
                    groups.push(second);
                    groups.push(group);
                }
            }
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Append { .. } => Vec::new(),
            Self::Open { request, .. } => vec![Subject::Device(request.org_id(), request.device_id())],
            Self::Complete { org, id, completion, .. } => {
                let key = completion.certificate_with_new_key().map(|it| it.public_key_sha256);
                let key = key.map(|key| Subject::Key(*org, key));
                [Subject::End(*org, *id)].into_iter().chain(key).collect()
            }
        }
    }

    /// Writes it by itself.
    async fn alone(self, session: &Session) {
        match self {
            Self::Append { org, events, caller } => caller.answer(session.append(org, &events).await),
            Self::Open { request, rules, caller } => {
                caller.answer(session.open(&request, rules).await);
            }
            Self::Complete { org, id, completion, caller } => {
                caller.answer(session.complete(org, id, &completion).await);
            }
        }
    }

    /// Its group was written; this became of it, if it is an opening.
    fn written(self, opened: Option<Opened>) {
        match self {
            Self::Append { caller, .. } => caller.answer(Ok(())),
            Self::Open { caller, .. } => {
                caller.answer(Ok(opened.unwrap_or(Opened::New { key_used_by: None })));
            }
            Self::Complete { caller, .. } => caller.answer(Ok(Completed::Recorded)),
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Append { caller, .. } => caller.answer(Err(error)),
            Self::Open { caller, .. } => caller.answer(Err(error)),
            Self::Complete { caller, .. } => caller.answer(Err(error)),
        }
    }
}

/// Those that can be one group, and those that must wait for it.
fn apart(writes: Vec<Write>) -> (Vec<Write>, Vec<Write>) {
    let mut subjects = HashSet::new();
    writes.into_iter().partition(|write| {
        let its = write.subjects();
        let apart = !its.iter().any(|subject| subjects.contains(subject));
        if apart {
            subjects.extend(its);
        }
        apart
    })
}

fn is_open_already(opened: &Opened) -> bool {
    matches!(opened, Opened::Answered(Answer::Open(_)))
}

fn give_up(group: Vec<Write>, reason: Box<dyn std::error::Error + Send + Sync>) {
    let unavailable = unavailable_for_all(reason);
    for write in group {
        write.fail(unavailable());
    }
}
