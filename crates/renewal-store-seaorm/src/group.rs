//! Calls that wait for the database at the same time are carried out together: while one group is
//! on its way the next one gathers, and goes as soon as the database has answered, and those with an
//! answer had the time to ask for more. Nobody waits for others, and the busier the store is, the
//! larger are its groups.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use renewal_domain::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::options::ConnectOptions;
use crate::session::Session;
use crate::writes::Write;

/// The most rows of a group. Measured, larger ones are hardly faster.
const ROWS: usize = 512;

/// How many looks at those who gather are in vain, before the next group goes.
const VAIN_LOOKS: u32 = 4;

/// Whoever waits for a write.
pub(crate) struct Caller<T> {
    answer: oneshot::Sender<Result<T, StoreError>>,
    /// The place of the write among those that may wait.
    _place: OwnedSemaphorePermit,
}

/// What waits to be written, in groups, one group at a time.
pub(crate) struct Group {
    queue: Mutex<Queue>,
    places: Arc<Semaphore>,
    size: u32,
    patience: Duration,
}

struct Queue {
    waiting: VecDeque<Write>,
    /// Whether there is a task that carries writes out.
    working: bool,
}

/// As many wait as may.
#[derive(Debug, thiserror::Error)]
#[error("{size} calls wait for the database, and no place was free within {seconds} seconds")]
struct Full {
    size: u32,
    seconds: f64,
}

/// The store was closed.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

/// The task that carried the write out came to no end: it panicked, or the runtime ended.
#[derive(Debug, thiserror::Error)]
#[error("the call was broken off")]
struct BrokenOff;

/// What befell a whole group.
#[derive(Debug, Clone)]
struct Common(Arc<dyn Error + Send + Sync>);

impl<T> Caller<T> {
    pub(crate) fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }

    /// Gives the caller the answer, if it still waits for it.
    pub(crate) fn answer(self, answer: Result<T, StoreError>) {
        let _gone = self.answer.send(answer);
    }
}

impl Group {
    pub(crate) fn new(options: &ConnectOptions) -> Arc<Self> {
        let queue = Queue { waiting: VecDeque::new(), working: false };
        Arc::new(Self {
            queue: Mutex::new(queue),
            places: Arc::new(Semaphore::new(options.waiting_calls as usize)),
            size: options.waiting_calls,
            patience: options.acquire_timeout,
        })
    }

    /// Lets a write be carried out, and waits for its answer. A write whose caller is gone before its
    /// group begins is left out.
    pub(crate) async fn ask<T>(
        self: &Arc<Self>,
        session: &Session,
        write: impl FnOnce(Caller<T>) -> Write,
    ) -> Result<T, StoreError> {
        let place = match timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_closed)) => return Err(StoreError::Unavailable(Box::new(Closed))),
            Err(_) => {
                let full = Full { size: self.size, seconds: self.patience.as_secs_f64() };
                return Err(StoreError::Unavailable(Box::new(full)));
            }
        };
        let (sender, answer) = oneshot::channel();
        self.add(session, write(Caller { answer: sender, _place: place }));
        match timeout(session.place().patience(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Unavailable(Box::new(BrokenOff))),
            Err(_) => Err(session.place().no_answer().into()),
        }
    }

    /// Waits until every write has its answer; later ones are refused.
    pub(crate) async fn close(&self, session: &Session) -> Result<(), Failure> {
        let idle = timeout(session.place().patience(), self.places.acquire_many(self.size)).await;
        self.places.close();
        match idle {
            Ok(_idle) => Ok(()),
            Err(_) => Err(session.place().no_answer()),
        }
    }

    fn add(self: &Arc<Self>, session: &Session, write: Write) {
        let mut queue = self.queue();
        queue.waiting.push_back(write);
        if !std::mem::replace(&mut queue.working, true) {
            let working = Working { group: Arc::clone(self), done: false };
            drop(queue);
            session.place().begin(working.work(session.clone()));
        }
    }

    /// The next group. When nobody waits, the work is done.
    fn next(&self) -> Option<Vec<Write>> {
        let mut queue = self.queue();
        let (mut writes, mut rows) = (Vec::new(), 0);
        while let Some(write) = queue.waiting.front() {
            rows += write.rows();
            if rows > ROWS && !writes.is_empty() {
                break;
            }
            writes.extend(queue.waiting.pop_front());
        }
        queue.working = !writes.is_empty();
        queue.working.then_some(writes)
    }

    /// Lets those who were just answered ask for more, so that they are in the next group and not in the
    /// one after it: until as many wait, or nobody comes any more. It gives way, and does not sleep.
    async fn let_gather(&self, answered: usize) {
        let (mut waiting, mut vain) = (self.queue().waiting.len(), 0);
        while waiting < answered && vain < VAIN_LOOKS {
            tokio::task::yield_now().await;
            let before = std::mem::replace(&mut waiting, self.queue().waiting.len());
            vain = if waiting > before { 0 } else { vain + 1 };
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that carries writes out for as long as there are any.
struct Working {
    group: Arc<Group>,
    done: bool,
}

impl Working {
    async fn work(mut self, session: Session) {
        let mut look_first = false;
        while let Some(mut writes) = self.group.next() {
            let answered = writes.len();
            writes.retain(|write| !write.is_given_up());
            if !writes.is_empty() {
                Write::together(&session, writes, &mut look_first).await;
            }
            self.group.let_gather(answered).await;
        }
        self.done = true;
    }
}

impl Drop for Working {
    /// Should it end early, those who wait hear of it, and the next one begins anew.
    fn drop(&mut self) {
        if !self.done {
            let mut queue = self.group.queue();
            queue.working = false;
            queue.waiting.clear();
        }
    }
}

/// One answer for each of several callers: that the store cannot be reached.
pub(crate) fn unavailable_for_all(reason: Box<dyn Error + Send + Sync>) -> impl Fn() -> StoreError {
    let common = Common(Arc::from(reason));
    move || StoreError::Unavailable(Box::new(common.clone()))
}

impl fmt::Display for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Common {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
