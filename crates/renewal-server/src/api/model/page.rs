//! One page of a listing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a listing. The listing has ended when there is no `next_cursor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the listing.
    pub items: Vec<T>,
    /// Where the next page begins: to be given back as `cursor`, unchanged, with the same filter.
    /// Absent at the end of the listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of the ledger.
    pub(crate) fn of<'a, R>(page: &'a renewal_domain::Page<R>) -> Self
    where
        T: From<&'a R>,
    {
        Self::told(page, T::from)
    }

    /// A page of the ledger, each item told as `tell` tells it.
    pub(crate) fn told<'a, R>(page: &'a renewal_domain::Page<R>, tell: impl Fn(&'a R) -> T) -> Self {
        Self {
            items: page.items.iter().map(tell).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}
