//! Fleet health: what happened in a window of time, and what is the matter now.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use renewal_domain::{EventFilter, EventType, OrgId, PageRequest, PageSize, Stage, Stores};
use utoipa::IntoParams;

use super::access::{Call, Viewer};
use super::content::Json;
use super::model::vocabulary::period;
use super::model::{AttemptCounts, AttemptDurations, EventCount, ExpiringCounts, OpenCounts, Summary};
use super::period::Period;
use super::problem::Problem;
use super::query::{Query, Read};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// The longest window.
const LONGEST: Duration = Duration::from_hours(31 * 24);

/// How many ends of attempts are looked at one by one.
const MEASURED: usize = 10_000;

/// What a summary is about.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SummaryQuery {
    /// How far back to look, `24h` unless asked otherwise: a number and a unit out of `s`, `m`, `h`,
    /// `d`; from a minute to 31 days.
    #[param(schema_with = period)]
    window: Option<Period>,
}

impl Read for SummaryQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        let window = query.one("window")?;
        if window.is_some_and(|Period(window)| !(MINUTE..=LONGEST).contains(&window)) {
            let why = "a window is 1m to 31d long".to_owned();
            return Err(Problem::InvalidParameter("window", why));
        }
        Ok(Self { window })
    }
}

/// Show fleet health: what happened in a window of time, and the state now.
#[utoipa::path(
    get, path = "/organisations/{org}/summary", tag = "Fleet",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), SummaryQuery),
    responses((status = 200, description = "The summary", body = Summary))
)]
pub(super) async fn show(Viewer { call }: Viewer) -> Result<Json<Summary>, Problem> {
    let window = call.query::<SummaryQuery>()?.window.map_or(DAY, |Period(window)| window);
    let to = call.parts.service.clock().now();
    let from = to - window;
    summary(&call, from, to).await.map(Json)
}

async fn summary(call: &Call, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Summary, Problem> {
    let (org, stores) = (call.org, call.parts.service.stores());
    let events = stores.fleet.count_events(org, from, to).await?;
    let mut attempts = AttemptCounts::default();
    for event in &events {
        match event.event_type.stage() {
            Stage::Start => attempts.started += event.count,
            Stage::Success => attempts.succeeded += event.count,
            Stage::Failed => attempts.failed += event.count,
        }
    }
    let ends = EventType::ALL.into_iter().filter(|event_type| event_type.stage() != Stage::Start);
    let ends = EventFilter::new().event_types(ends).from(from).to(to);
    Ok(Summary {
        from,
        to,
        events: events.iter().map(EventCount::from).collect(),
        success_rate: success_rate(attempts),
        attempts,
        durations: durations(durations_of(stores, org, &ends).await?),
        devices_failing: stores.fleet.count_failing(org, from).await?,
        open_requests: OpenCounts::from(stores.fleet.count_open(org).await?),
        expiring: ExpiringCounts {
            within_1_day: expiring(stores, org, to, 1).await?,
            within_7_days: expiring(stores, org, to, 7).await?,
            within_30_days: expiring(stores, org, to, 30).await?,
        },
    })
}

/// How many current certificates expire within so many days, and have not expired yet.
async fn expiring(stores: &Stores, org: OrgId, now: DateTime<Utc>, days: i64) -> Result<u64, Problem> {
    // A certificate is valid in the whole second in which it expires.
    let now = now.trunc_subsecs(0);
    let (after, until) = (now - TimeDelta::seconds(1), now + TimeDelta::days(days));
    Ok(stores.fleet.count_expiring(org, after, until).await?)
}

/// How long the newest attempts took that the filter lets the ends of through.
async fn durations_of(stores: &Stores, org: OrgId, ends: &EventFilter) -> Result<Vec<TimeDelta>, Problem> {
    let mut page = PageRequest::first(PageSize::MAX);
    let mut took = Vec::new();
    loop {
        let found = stores.events.list(org, ends, &page).await?;
        took.extend(found.items.iter().map(|end| end.created_at() - end.attempt_id().created_at()));
        match found.next {
            Some(next) if took.len() < MEASURED => {
                page = PageRequest::resume(PageSize::MAX, &ends.scope(org), next)?;
            }
            _ => return Ok(took),
        }
    }
}

fn durations(mut took: Vec<TimeDelta>) -> Option<AttemptDurations> {
    took.sort_unstable();
    let rank = |percent: usize| {
        // The nearest rank: the least duration that so many of a hundred do not exceed.
        let rank = (took.len() * percent).div_ceil(100).max(1);
        took.get(rank - 1).map(|took| took.as_seconds_f64())
    };
    Some(AttemptDurations { median_seconds: rank(50)?, p95_seconds: rank(95)?, measured: took.len() as u64 })
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits than a float has")]
fn success_rate(attempts: AttemptCounts) -> Option<f64> {
    let ended = attempts.succeeded + attempts.failed;
    (ended > 0).then(|| attempts.succeeded as f64 / ended as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_durations() {
        let of = |millis: &[i64]| {
            let found = durations(millis.iter().copied().map(TimeDelta::milliseconds).collect())?;
            Some((found.median_seconds, found.p95_seconds, found.measured))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[1_500]), Some((1.5, 1.5, 1)));
        assert_eq!(of(&[4_000, 1_000, 3_000, 2_000]), Some((2.0, 4.0, 4)));
        assert_eq!(of(&(1..=100).map(|n| n * 1_000).collect::<Vec<_>>()), Some((50.0, 95.0, 100)));
    }

    #[test]
    fn there_is_no_rate_of_nothing() {
        assert_eq!(success_rate(AttemptCounts::default()), None);
        assert_eq!(success_rate(AttemptCounts { started: 9, succeeded: 3, failed: 1 }), Some(0.75));
    }
}
