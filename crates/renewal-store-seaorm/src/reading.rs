//! Rows, as what the model has.

use renewal_domain::{CertificateRecord, OpenRequest, RenewalEvent};
use sea_orm::sea_query::SelectStatement;

use crate::entity::{certificate, event, request};
use crate::failure::Failure;
use crate::session::Session;

impl Session {
    /// Reads events.
    pub(crate) async fn events(&self, select: &SelectStatement) -> Result<Vec<RenewalEvent>, Failure> {
        let rows = self.read(select).await?;
        Ok(rows.iter().map(event::read).collect::<Result<_, _>>()?)
    }

    /// Reads one open request.
    pub(crate) async fn request(&self, select: &SelectStatement) -> Result<Option<OpenRequest>, Failure> {
        let rows = self.read(select).await?;
        Ok(rows.first().map(|row| request::read(row, self.keys())).transpose()?)
    }

    /// Reads one certificate.
    pub(crate) async fn certificate(
        &self,
        select: &SelectStatement,
    ) -> Result<Option<CertificateRecord>, Failure> {
        let rows = self.read(select).await?;
        Ok(rows.first().map(certificate::read).transpose()?)
    }
}
