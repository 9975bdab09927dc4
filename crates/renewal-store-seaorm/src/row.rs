//! One row that was read, column by column: what breaks the model is reported with its place.

use std::fmt::Display;

use renewal_domain::StoreError;
use sea_orm::{IdenStatic, QueryResult, TryGetable};
use uuid::Uuid;

/// A column of a row: found by its name, or by its place in the row as well, which is much faster.
pub(crate) trait Field: Copy {
    fn name(self) -> &'static str;

    fn place(self) -> Option<usize>;
}

impl<C: IdenStatic> Field for C {
    fn name(self) -> &'static str {
        self.as_str()
    }

    fn place(self) -> Option<usize> {
        None
    }
}

/// A column that is the so many-th of its row, counted from 0.
#[derive(Clone, Copy)]
pub(crate) struct At<C>(pub(crate) C, pub(crate) usize);

impl<C: IdenStatic> Field for At<C> {
    fn name(self) -> &'static str {
        self.0.as_str()
    }

    fn place(self) -> Option<usize> {
        Some(self.1)
    }
}

/// A row of a table.
pub(crate) struct Row<'r> {
    table: &'static str,
    /// The columns that name the row in an error.
    key: [&'static str; 2],
    values: &'r QueryResult,
}

impl<'r> Row<'r> {
    pub(crate) fn new(table: &'static str, key: [&'static str; 2], values: &'r QueryResult) -> Self {
        Self { table, key, values }
    }

    /// The value of a column.
    pub(crate) fn get<T: TryGetable>(&self, column: impl Field) -> Result<T, StoreError> {
        let value = match column.place() {
            Some(place) => self.values.try_get_by_index(place),
            None => self.values.try_get("", column.name()),
        };
        value.map_err(|error| self.corrupt(column.name(), error))
    }

    /// The value of a column as the model has it.
    pub(crate) fn parse<T: TryGetable, R, E: Display>(
        &self,
        column: impl Field,
        parse: impl FnOnce(T) -> Result<R, E>,
    ) -> Result<R, StoreError> {
        parse(self.get(column)?).map_err(|error| self.corrupt(column.name(), error))
    }

    /// The value, if there is one, of a column as the model has it.
    pub(crate) fn parse_optional<T: TryGetable, R, E: Display>(
        &self,
        column: impl Field,
        parse: impl FnOnce(T) -> Result<R, E>,
    ) -> Result<Option<R>, StoreError> {
        self.parse(column, |value: Option<T>| value.map(parse).transpose())
    }

    /// That a column's value breaks the model.
    pub(crate) fn corrupt(&self, column: &'static str, problem: impl Display) -> StoreError {
        let key = self.key.map(|column| format!("{column} {}", self.show(column)));
        StoreError::Corrupt { table: self.table, column, row: key.join(", "), problem: problem.to_string() }
    }

    /// A part of the key, which may itself be the corrupt one.
    fn show(&self, column: &str) -> String {
        if let Ok(uuid) = self.values.try_get::<Uuid>("", column) {
            return uuid.to_string();
        }
        if let Ok(text) = self.values.try_get::<String>("", column) {
            return renewal_domain::text::clean(&text, 64);
        }
        let octets = self.values.try_get::<Vec<u8>>("", column);
        octets.map_or_else(|_| "unreadable".to_owned(), |octets| format!("x'{}'", hex::encode(octets)))
    }
}

/// The 32 octets of a digest.
pub(crate) fn digest(octets: Vec<u8>) -> Result<[u8; 32], &'static str> {
    octets.try_into().map_err(|_| "a SHA-256 digest has 32 octets")
}
