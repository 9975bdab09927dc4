//! Pages and cursors: a listing is read piece by piece, each piece at the same cost.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::OrgId;

/// How many items a page has at most: 1 to 1,000, and 100 unless asked otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageSize(u16);

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(1_000);

    /// The size nearest to the one asked for.
    #[must_use]
    pub fn nearest(asked: u64) -> Self {
        Self(u16::try_from(asked.clamp(1, 1_000)).unwrap_or(1_000))
    }

    /// The number of items.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(100)
    }
}

/// What a cursor belongs to: one listing of one organisation with one filter.
#[derive(Clone)]
pub struct Scope(Sha256);

impl Scope {
    /// The scope of a listing, named so that two listings never share a cursor.
    #[must_use]
    pub fn of(listing: &'static str, org: OrgId) -> Self {
        let mut scope = Self(Sha256::new());
        scope.add(listing, Some(org));
        scope
    }

    /// Adds a condition of the listing's filter.
    pub fn add(&mut self, name: &'static str, value: Option<impl fmt::Display>) {
        let value = value.map(|value| value.to_string()).unwrap_or_default();
        // Neither names nor values of conditions contain a zero octet.
        self.0.update(format!("{name}\0{value}\0"));
    }

    fn digest(&self) -> [u8; 8] {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        short
    }
}

/// Where an item is in a listing: by an instant, if the listing is ordered by one, and then by
/// an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    seconds: i64,
    id: Uuid,
}

impl Position {
    /// The position in a listing that is ordered by an instant (in whole seconds), and by the id
    /// where that is the same.
    #[must_use]
    pub const fn at(instant: DateTime<Utc>, id: Uuid) -> Self {
        Self { seconds: instant.timestamp(), id }
    }

    /// The instant; 1970 in a listing that is not ordered by one.
    #[must_use]
    pub fn instant(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.seconds, 0).unwrap_or_default()
    }

    /// The id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }
}

impl From<Uuid> for Position {
    /// The position in a listing that is ordered by ids alone.
    fn from(id: Uuid) -> Self {
        Self { seconds: 0, id }
    }
}

/// Where the next page begins. Its text is opaque: 66 hexadecimal digits, to be given
/// back as they are. A cursor authorises nothing; whoever has one can read no more with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    scope: [u8; 8],
    position: Position,
}

/// The cursor can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// The text is no cursor of ours.
    #[error("this is not a cursor: give back the one that came with the page before, unchanged")]
    Malformed,
    /// It came from another listing, or the filter changed.
    #[error(
        "this cursor belongs to a listing with another filter: keep the filter, or start without a cursor"
    )]
    OtherListing,
}

/// The first octet of a cursor, so that a later form can be told from this one.
const VERSION: u8 = 1;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { seconds, id } = self.position;
        write!(f, "{VERSION:02x}{}{seconds:016x}{}", hex::encode(self.scope), id.as_simple())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut octets = [0; 33];
        hex::decode_to_slice(text, &mut octets).map_err(|_| CursorError::Malformed)?;
        let [VERSION, rest @ ..] = octets else {
            return Err(CursorError::Malformed);
        };
        let (mut scope, mut seconds, mut id) = ([0; 8], [0; 8], [0; 16]);
        scope.copy_from_slice(&rest[..8]);
        seconds.copy_from_slice(&rest[8..16]);
        id.copy_from_slice(&rest[16..]);
        let position = Position { seconds: i64::from_be_bytes(seconds), id: Uuid::from_bytes(id) };
        Ok(Self { scope, position })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which page of a listing to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRequest {
    size: PageSize,
    after: Option<Position>,
}

impl PageRequest {
    /// The first page.
    #[must_use]
    pub const fn first(size: PageSize) -> Self {
        Self { size, after: None }
    }

    /// The page that a cursor points to.
    ///
    /// # Errors
    /// [`CursorError::OtherListing`] when the cursor is of another scope.
    pub fn resume(size: PageSize, scope: &Scope, cursor: Cursor) -> Result<Self, CursorError> {
        if cursor.scope == scope.digest() {
            Ok(Self { size, after: Some(cursor.position) })
        } else {
            Err(CursorError::OtherListing)
        }
    }

    /// The most items that the page may have.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size.get()
    }

    /// The id of the last item of the page before.
    #[must_use]
    pub fn after(&self) -> Option<Uuid> {
        self.after.map(|position| position.id)
    }

    /// The position of the last item of the page before.
    #[must_use]
    pub const fn after_position(&self) -> Option<Position> {
        self.after
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items, in the listing's order.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end of the listing.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of what a store read: up to one item more than the page's size,
    /// which tells whether there is a next page.
    #[must_use]
    pub fn of<P: Into<Position>>(
        mut items: Vec<T>,
        request: &PageRequest,
        scope: &Scope,
        position: impl Fn(&T) -> P,
    ) -> Self {
        let more = items.len() > request.size();
        items.truncate(request.size());
        let last = items.last().filter(|_| more);
        let next = last.map(|last| Cursor { scope: scope.digest(), position: position(last).into() });
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{EventFilter, EventType};

    fn org(n: u128) -> OrgId {
        OrgId::new(Uuid::from_u128(n))
    }

    fn cursor(scope: &Scope, position: impl Into<Position>) -> Cursor {
        let position = position.into();
        let one = PageRequest::first(PageSize::nearest(1));
        Page::of(vec![position, position], &one, scope, |position| *position).next.unwrap()
    }

    #[test]
    fn a_page_size_is_the_nearest_one_allowed() {
        assert_eq!(PageSize::nearest(0).get(), 1);
        assert_eq!(PageSize::nearest(u64::MAX), PageSize::MAX);
        assert_eq!(PageSize::default().get(), 100);
    }

    #[test]
    fn a_cursor_is_refused_when_the_filter_or_the_organisation_changed() {
        let filter = EventFilter::new().event_type(EventType::RenewalFailed);
        let cursor = cursor(&filter.scope(org(1)), Uuid::max());
        let resume = |scope| PageRequest::resume(PageSize::default(), &scope, cursor);
        assert_eq!(resume(filter.scope(org(1))).unwrap().after(), Some(Uuid::max()));
        assert_eq!(resume(filter.scope(org(2))), Err(CursorError::OtherListing));
        assert_eq!(resume(EventFilter::new().scope(org(1))), Err(CursorError::OtherListing));
        let other = filter.event_type(EventType::RecoveryFailed);
        assert_eq!(resume(other.scope(org(1))), Err(CursorError::OtherListing));
    }

    #[test]
    fn a_full_last_page_has_no_cursor() {
        let scope = EventFilter::new().scope(org(1));
        let page = Page::of(vec![1, 2], &PageRequest::first(PageSize::nearest(2)), &scope, |_| Uuid::nil());
        assert_eq!(page.next, None);
    }

    proptest! {
        #[test]
        fn a_cursor_survives_being_text(seconds: i64, id: u128, o: u128) {
            let position = Position { seconds, id: Uuid::from_u128(id) };
            let cursor = cursor(&EventFilter::new().scope(org(o)), position);
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn any_other_text_is_refused_and_never_a_panic(text in "\\PC{0,80}|[0-9a-f]{0,80}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text.to_lowercase());
            }
        }
    }
}
