//! The first schema: the ledger of events, the certificates issued, the requests being worked on.

mod certificate_renewal_events;
mod device_certificates;
pub(crate) mod dialect;
mod open_requests;

use dialect::Dialect;
use sea_orm_migration::prelude::*;

/// Creates the three tables and their indexes.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A table and the indexes beside its primary key.
pub(crate) struct TableDefinition {
    pub(crate) name: &'static str,
    pub(crate) create: TableCreateStatement,
    pub(crate) indexes: Vec<IndexCreateStatement>,
}

/// The tables in the order in which they are created.
pub(crate) fn tables(dialect: Dialect) -> [TableDefinition; 3] {
    [
        certificate_renewal_events::definition(dialect),
        device_certificates::definition(dialect),
        open_requests::definition(dialect),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Every step looks before it acts: on MySQL what ran before a failure stays.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables(Dialect::of(manager.get_database_backend())) {
            manager.create_table(table.create).await?;
            for index in table.indexes {
                let name = index.get_index_spec().get_name();
                let name = name.map(ToString::to_string).unwrap_or_default();
                if !manager.has_index(table.name, name).await? {
                    manager.create_index(index).await?;
                }
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = tables(Dialect::of(manager.get_database_backend()));
        for table in tables.into_iter().rev() {
            let drop = Table::drop().table(table.name).if_exists().take();
            manager.drop_table(drop).await?;
        }
        Ok(())
    }
}
