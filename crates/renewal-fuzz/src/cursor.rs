//! Cursors: the places in listings that clients give back.

use arbitrary::{Result, Unstructured};
use chrono::{DateTime, Utc};
use renewal_domain::{
    ApiToken, AttemptId, CertificateFilter, Cursor, DeviceId, EnrollmentToken, EventFilter, EventId,
    EventType, IdRange, OpenRequestFilter, OrgId, Page, PageRequest, PageSize, Position, ReasonCode, Scope,
};
use uuid::Uuid;

/// The octets of a cursor as text.
const LENGTH: usize = 66;

/// Reads the first line of the input as a cursor, and says whether it is one. The rest makes two
/// listings, and a cursor of one.
///
/// # Panics
/// When one of these does not hold:
///
/// - what is read as a cursor is what is written for it, but for upper case;
/// - a cursor that was given out is taken back for the listing it came from, and leads to where that
///   ended;
/// - it is refused for every listing that lists something else;
/// - a cursor in which something is changed is refused, or another one.
#[must_use]
pub fn cursor(input: &[u8]) -> bool {
    let mut parts = input.splitn(2, |octet| *octet == b'\n');
    let text = parts.next().map(String::from_utf8_lossy).unwrap_or_default();
    // Octets that end too soon make no listing.
    let _enough = listings(&text, &mut Unstructured::new(parts.next().unwrap_or_default()));
    read(&text)
}

fn read(text: &str) -> bool {
    let Ok(cursor) = text.parse::<Cursor>() else { return false };
    assert_eq!(cursor.to_string(), text.to_lowercase());
    assert_eq!(text.len(), LENGTH);
    true
}

fn listings(text: &str, input: &mut Unstructured<'_>) -> Result<()> {
    let (org, other_org) = (OrgId::new(uuid(input)?), OrgId::new(uuid(input)?));
    let filter = filter(input)?;
    let other = if input.arbitrary()? { self::filter(input)? } else { filter.clone() };
    let size = PageSize::nearest(input.arbitrary()?);
    let position = position(input)?;
    let scope = filter.scope(org);
    let cursor = given_out(&scope, position);

    let written = cursor.to_string();
    assert_eq!(written.len(), LENGTH);
    assert_eq!(written.parse(), Ok(cursor));
    match PageRequest::resume(size, &scope, cursor) {
        Ok(page) => {
            assert_eq!(page.after(), Some(position.id()));
            assert_eq!(page.after_position(), Some(position));
            assert_eq!(page.size(), size.get());
        }
        Err(error) => panic!("its own listing: {error}"),
    }

    let same = org == other_org && listed(&filter) == listed(&other);
    let taken = PageRequest::resume(size, &other.scope(other_org), cursor).is_ok();
    assert_eq!(taken, same, "{filter:?} of {org}, and {other:?} of {other_org}");
    for scope in others(org, filter.wanted_device().unwrap_or(DeviceId::new(Uuid::nil()))) {
        assert!(PageRequest::resume(size, &scope, cursor).is_err(), "taken for something else than events");
    }

    changed(&written, cursor, text, input)
}

/// The cursor after an item in this position.
fn given_out(scope: &Scope, position: Position) -> Cursor {
    let page = Page::of([position; 2].into(), &PageRequest::first(PageSize::nearest(1)), scope, |it| *it);
    match page.next {
        Some(cursor) => cursor,
        None => panic!("there is more, and no cursor for it"),
    }
}

/// Puts a piece of the text into a cursor.
fn changed(written: &str, cursor: Cursor, text: &str, input: &mut Unstructured<'_>) -> Result<()> {
    let place = input.int_in_range(0..=LENGTH)?;
    let dropped = input.int_in_range(0..=LENGTH - place)?;
    let changed = [&written[..place], text, &written[place + dropped..]].concat();
    if let Ok(other) = changed.parse::<Cursor>() {
        assert_eq!(other == cursor, changed.to_lowercase() == written);
    }
    Ok(())
}

type Listed<'a> = (Option<DeviceId>, &'a [EventType], Option<&'a ReasonCode>, Option<AttemptId>, IdRange);

/// What a filter lets through; two instants within one millisecond are the same to it.
fn listed(filter: &EventFilter) -> Listed<'_> {
    (
        filter.wanted_device(),
        filter.wanted_types(),
        filter.wanted_reason(),
        filter.wanted_attempt(),
        filter.id_range(),
    )
}

/// The other listings of the organisation.
fn others(org: OrgId, device: DeviceId) -> Vec<Scope> {
    let certificates = [
        CertificateFilter::OfDevice(device),
        CertificateFilter::Expiring { after: None, until: None },
        CertificateFilter::ExpiredBefore(DateTime::UNIX_EPOCH),
        CertificateFilter::Revoked,
    ];
    let requests = [None, Some(device)].map(|device| OpenRequestFilter { device, ..Default::default() });
    certificates
        .iter()
        .map(|filter| filter.scope(org))
        .chain(requests.iter().map(|filter| filter.scope(org)))
        .chain([EnrollmentToken::scope(org), ApiToken::scope(org)])
        .collect()
}

/// Often one of few, so that two are the same.
fn uuid(input: &mut Unstructured<'_>) -> Result<Uuid> {
    Ok(if input.arbitrary()? {
        Uuid::from_u128(input.int_in_range(0..=3)?)
    } else {
        Uuid::from_u128(input.arbitrary()?)
    })
}

/// The same with the bits that say version 7 (RFC 9562, section 5.7).
fn version_7(uuid: Uuid) -> Uuid {
    Uuid::from_u128((uuid.as_u128() & !(0xf << 76 | 3 << 62)) | 7 << 76 | 2 << 62)
}

fn filter(input: &mut Unstructured<'_>) -> Result<EventFilter> {
    let mut filter = EventFilter::new();
    if input.arbitrary()? {
        filter = filter.device(DeviceId::new(uuid(input)?));
    }
    for event_type in EventType::ALL {
        if input.arbitrary()? {
            filter = filter.event_type(event_type);
        }
    }
    if let Ok(code) = ReasonCode::new(input.arbitrary::<&str>()?) {
        filter = filter.reason(code);
    }
    if input.arbitrary()?
        && let Ok(event) = EventId::new(version_7(uuid(input)?))
    {
        filter = filter.attempt(AttemptId::from(event));
    }
    if let Some(from) = instant(input)? {
        filter = filter.from(from);
    }
    if let Some(to) = instant(input)? {
        filter = filter.to(to);
    }
    Ok(filter)
}

fn instant(input: &mut Unstructured<'_>) -> Result<Option<DateTime<Utc>>> {
    let (millis, nanos) = (input.arbitrary::<i64>()?, input.int_in_range(0..=999_999)?);
    Ok(DateTime::from_timestamp_millis(millis)
        .and_then(|instant| instant.checked_add_signed(chrono::TimeDelta::nanoseconds(nanos)))
        .filter(|_| millis != 0))
}

fn position(input: &mut Unstructured<'_>) -> Result<Position> {
    let id = uuid(input)?;
    Ok(match instant(input)? {
        Some(instant) => Position::at(instant, id),
        None => id.into(),
    })
}
