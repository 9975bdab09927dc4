//! A store with a long history, which records what it sends: so tests ask how the database would carry it
//! out.

use crate::plan::{Expected, Lookup, Plan};
use crate::support::open_store;
use chrono::{DateTime, TimeDelta, Utc};
use renewal_domain::{EventFilter, OrgId, Page, PageRequest, PageSize, RenewalEventStore};
use renewal_store_seaorm::introspect::{Recorder, Sent};
use renewal_store_seaorm::{ConnectOptions, SeaOrmStore};
use sea_orm::ConnectionTrait;
use tests::{Backend, Context, TestDatabase, history};

/// How many events the history has.
const EVENTS: u64 = 20_000;

/// What a statement may sort.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sorts {
    Nothing,
    /// A page of each of several branches.
    Branches,
    /// The rows that it looks up: there are few.
    Rows,
}

/// A store with a history, which records what it sends.
pub(crate) struct History {
    backend: Backend,
    database: TestDatabase,
    pub(crate) store: SeaOrmStore,
    recorder: Recorder,
}

impl History {
    pub(crate) async fn new(context: &Context) -> Self {
        let database = context.fresh_database().await;
        let mut store = open_store(database.url(), ConnectOptions::new()).await;
        let recorder = Recorder::of(&mut store);
        for (org, events) in history::batches(EVENTS) {
            store.create_many(org, &events).await.unwrap();
        }
        Self { backend: context.backend(), database, store, recorder }
    }

    /// Lets the database gather statistics: without them it must choose as well.
    pub(crate) async fn analyse(&self) {
        let statement = match self.backend {
            Backend::Sqlite | Backend::Postgres => "ANALYZE",
            Backend::MariaDb => {
                "ANALYZE TABLE certificate_renewal_events, device_certificates, open_requests, \
                 enrollment_tokens, current_certificates, api_tokens, actions, blocks, \
                 certificate_revocations"
            }
        };
        let db = self.database.connect().await;
        db.execute_unprepared(statement).await.unwrap();
        db.close().await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.store.close().await.unwrap();
    }

    /// The listing with this filter follows the index: alone, from a cursor on, within a time
    /// range, and both.
    pub(crate) async fn lists(&self, org: OrgId, filter: &EventFilter, lookups: &[Lookup]) {
        let (from, to): (DateTime<Utc>, _) = (history::begin(), history::end(EVENTS) - TimeDelta::hours(1));
        for ranged in [filter.clone(), filter.clone().from(from).to(to), filter.clone().to(to)] {
            for resumed in [false, true] {
                let size = PageSize::nearest(50);
                let page = if resumed { cursor(org, &ranged, size) } else { PageRequest::first(size) };
                let _before = self.sent();
                self.store.list(org, &ranged, &page).await.unwrap();
                let [sent] = &self.sent()[..] else { panic!("a listing is one statement") };
                let mut wanted = lookups.to_vec();
                if (resumed || ranged != *filter) && filter.wanted_attempt().is_none() {
                    for lookup in &mut wanted {
                        lookup.columns.push("id".to_owned());
                    }
                }
                wanted.sort();
                let sorts = if wanted.len() > 1 { Sorts::Branches } else { Sorts::Nothing };
                self.check(sent, &wanted, sorts).await;
            }
        }
    }

    /// What was sent since the last time.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.recorder.take()
    }

    /// What was sent since the last time looks rows up in this way, and in no other. Returns it.
    pub(crate) async fn expects(&self, wanted: &[Expected]) -> Vec<String> {
        let each: Vec<_> = wanted.iter().map(std::slice::from_ref).collect();
        self.expects_each(&each).await
    }

    /// The same, of statements that may look rows up in several ways each.
    pub(crate) async fn expects_each(&self, wanted: &[&[Expected]]) -> Vec<String> {
        let sent = self.sent();
        let looking = sent.iter().filter(|sent| !sent.sql().starts_with("INSERT "));
        let looking: Vec<_> = looking.collect();
        assert_eq!(looking.len(), wanted.len(), "{looking:?}");
        for (sent, wanted) in looking.iter().zip(wanted) {
            self.follows(sent, wanted).await;
        }
        looking.into_iter().map(|sent| sent.sql().to_owned()).collect()
    }

    /// This statement looks rows up in these ways, and in no other.
    pub(crate) async fn follows(&self, sent: &Sent, wanted: &[Expected]) {
        let mut wanted: Vec<_> = wanted.iter().map(Lookup::of).collect();
        wanted.sort();
        self.check(sent, &wanted, Sorts::Nothing).await;
    }

    /// What was sent since the last time is one statement, which looks rows up in this way, and sorts them.
    pub(crate) async fn expects_sorted(&self, wanted: &Expected) {
        let sent = self.sent();
        let [sent] = &sent[..] else { panic!("it is one statement: {sent:?}") };
        self.check(sent, &[Lookup::of(wanted)], Sorts::Rows).await;
    }

    async fn check(&self, sent: &Sent, wanted: &[Lookup], sorts: Sorts) {
        let said = sent.plan(&self.store).await.unwrap();
        let plan = Plan::read(self.backend, &said);
        let what = || format!("{}\n{plan:#?}\n{}", sent.sql(), said.join("\n"));
        assert!(plan.lookups == wanted || plan.no_such_key, "not by {wanted:?}: {}", what());
        // Those that are counted by groups may be put in order for that.
        let rows = sorts == Sorts::Rows || sent.sql().contains(" GROUP BY ");
        assert!(plan.scans.is_empty() && (rows || !plan.sorts_rows), "{}", what());
        assert!(sorts == Sorts::Branches || !plan.sorts_branches, "{}", what());
    }
}

/// A page from the middle of the history on.
fn cursor(org: OrgId, filter: &EventFilter, size: PageSize) -> PageRequest {
    let at = history::begin() + (history::end(EVENTS) - history::begin()) / 2;
    let position = EventFilter::new().to(at).id_range().before.unwrap();
    let text = {
        // A cursor is made by a page that has a next one.
        let page =
            Page::of(vec![(), ()], &PageRequest::first(PageSize::nearest(1)), &filter.scope(org), |()| {
                position
            });
        page.next.unwrap()
    };
    PageRequest::resume(size, &filter.scope(org), text).unwrap()
}
