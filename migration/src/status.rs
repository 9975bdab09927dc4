//! What has been applied to a database and what not: reads only, and needs no lock.

use crate::Migrator;
use sea_orm_migration::sea_orm::{EntityTrait, QueryOrder, QuerySelect};
use sea_orm_migration::{DbErr, IntoSchemaManagerConnection, MigratorTrait, SchemaManager, seaql_migrations};

/// How a migration and a database stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// The database has it.
    Applied,
    /// The database lacks it: [`crate::apply`] is due.
    Pending,
    /// The database has it and this build has not: a newer version migrated the database.
    Unknown,
}

/// One line of [`status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The migration's name, which begins with the day it was written.
    pub name: String,
    /// Whether the database has it.
    pub state: MigrationState,
}

/// Every migration that this build or the database knows, oldest first.
///
/// Reads only: an account that may not change the schema can ask.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn status<'c, C>(db: C) -> Result<Vec<MigrationStatus>, DbErr>
where
    C: IntoSchemaManagerConnection<'c>,
{
    let recorded = recorded(&SchemaManager::new(db)).await?;
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();

    let unknown = recorded.iter().filter(|name| !known.contains(name));
    let unknown: Vec<_> = unknown.cloned().collect();
    let known = known.into_iter().map(|name| {
        let state = if recorded.contains(&name) { MigrationState::Applied } else { MigrationState::Pending };
        MigrationStatus { name, state }
    });
    let unknown = unknown.into_iter().map(|name| MigrationStatus { name, state: MigrationState::Unknown });
    let mut all: Vec<_> = known.chain(unknown).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The names of the migrations that the database lacks, oldest first: empty when its schema is as
/// new as this build. Reads only.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn pending<'c, C>(db: C) -> Result<Vec<String>, DbErr>
where
    C: IntoSchemaManagerConnection<'c>,
{
    Ok(names(status(db).await?, MigrationState::Pending))
}

/// The names of those in `state`.
pub(crate) fn names(all: Vec<MigrationStatus>, state: MigrationState) -> Vec<String> {
    all.into_iter().filter(|migration| migration.state == state).map(|migration| migration.name).collect()
}

/// The names in the database's own record, which does not exist before the first migration.
async fn recorded(manager: &SchemaManager<'_>) -> Result<Vec<String>, DbErr> {
    let table = Migrator::migration_table_name().to_string();
    if !manager.has_table(table).await? {
        return Ok(Vec::new());
    }
    seaql_migrations::Entity::find()
        .select_only()
        .column(seaql_migrations::Column::Version)
        .order_by_asc(seaql_migrations::Column::Version)
        .into_tuple()
        .all(manager.get_connection())
        .await
}
