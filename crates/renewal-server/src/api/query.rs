//! The query of a request: every parameter known, each read as what it is.

use std::fmt::Display;
use std::str::FromStr;

use renewal_domain::text::clean;
use renewal_domain::{Cursor, PageRequest, PageSize, Scope};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::model::vocabulary::number;
use super::problem::Problem;

/// The parameters of a query, as they came.
pub(super) struct Query(Vec<(String, String)>);

/// What the parameters of one path become. The names that it documents are those that are known.
pub(super) trait Read: IntoParams + Sized {
    /// Reads the parameters.
    fn read(query: &Query) -> Result<Self, Problem>;
}

/// No parameters.
pub(super) struct Nothing;

/// Which page of a listing to read.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many items at most: 1 to 1,000, and 100 unless asked otherwise. Other numbers become
    /// the nearest of these.
    #[param(schema_with = number)]
    limit: Option<Limit>,
    /// The `next_cursor` of the page before, unchanged, with the same filter.
    cursor: Option<String>,
}

/// A number of items, however large; what it becomes is the page's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit(u64);

/// The text is no number of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a number, in digits alone")]
struct InvalidLimit;

/// The parameters of a listing.
pub(super) struct Listing<Q> {
    /// What to list.
    pub(super) filter: Q,
    /// Which page of it.
    pub(super) page: PageQuery,
}

impl Query {
    /// Reads a query.
    pub(super) fn read<Q: Read>(text: &str) -> Result<Q, Problem> {
        let query = Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect());
        let known: Vec<_> =
            Q::into_params(|| Some(ParameterIn::Query)).into_iter().map(|it| it.name).collect();
        match query.0.iter().find(|(name, _)| !known.contains(name)) {
            Some((name, _)) => Err(Problem::UnknownParameter(clean(name, 64), known)),
            None => Q::read(&query),
        }
    }

    /// Every value of a parameter.
    pub(super) fn all<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<Vec<T>, Problem> {
        let values = self.0.iter().filter(|(found, _)| found == name);
        let read = |value: &str| value.parse().map_err(|why: T::Err| invalid(name, &why));
        values.map(|(_, value)| read(value)).collect()
    }

    /// The value of a parameter that is given at most once.
    pub(super) fn one<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<Option<T>, Problem> {
        let mut values = self.all(name)?;
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(invalid(name, &"it can be given only once")) }
    }

    /// The value of a parameter that is one of a few words.
    pub(super) fn word<T>(
        &self,
        name: &'static str,
        words: &'static [&'static str],
        value: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.one::<String>(name)? else { return Ok(None) };
        match value(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(invalid(name, &format_args!("it is one of {}", words.join(", ")))),
        }
    }
}

impl Read for Nothing {
    fn read(_query: &Query) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl IntoParams for Nothing {
    fn into_params(_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

impl Read for PageQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self { limit: query.one("limit")?, cursor: query.one("cursor")? })
    }
}

impl<Q: Read> Read for Listing<Q> {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self { filter: Q::read(query)?, page: PageQuery::read(query)? })
    }
}

impl<Q: IntoParams> IntoParams for Listing<Q> {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [Q::into_params(&parameter_in), PageQuery::into_params(&parameter_in)].concat()
    }
}

impl PageQuery {
    /// The page, of a listing of this scope.
    pub(super) fn request(&self, scope: &Scope) -> Result<PageRequest, Problem> {
        let size = self.limit.map_or_else(PageSize::default, |Limit(limit)| PageSize::nearest(limit));
        match self.cursor.as_deref().map(str::parse::<Cursor>).transpose()? {
            Some(cursor) => Ok(PageRequest::resume(size, scope, cursor)?),
            None => Ok(PageRequest::first(size)),
        }
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(InvalidLimit);
        }
        // Digits alone fail only when they are too many.
        Ok(Self(text.parse().unwrap_or(u64::MAX)))
    }
}

fn invalid(name: &'static str, why: &dyn Display) -> Problem {
    Problem::InvalidParameter(name, clean(&why.to_string(), 300))
}
