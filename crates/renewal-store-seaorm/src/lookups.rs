//! Looking certificates up: each renewal asks for the one that was presented.

use std::collections::{BTreeMap, HashMap};

use renewal_domain::{CertificateRecord, OrgId, Serial, StoreError};

use crate::entity::certificate;
use crate::fleet_statements::by_serials;
use crate::group::{Caller, Job, unavailable_for_all};
use crate::session::Session;

/// A certificate that is looked up.
pub(crate) struct Lookup {
    pub(crate) org: OrgId,
    pub(crate) serial: Serial,
    pub(crate) caller: Caller<Option<CertificateRecord>>,
}

impl Job for Lookup {
    fn rows(&self) -> usize {
        1
    }

    fn is_given_up(&self) -> bool {
        self.caller.is_gone()
    }

    async fn together(session: &Session, lookups: Vec<Self>) {
        let mut by_org: BTreeMap<OrgId, Vec<Self>> = BTreeMap::new();
        for lookup in lookups {
            by_org.entry(lookup.org).or_default().push(lookup);
        }
        for (org, lookups) in by_org {
            match certificates(session, org, &lookups).await {
                Ok(found) => {
                    for Lookup { serial, caller, .. } in lookups {
                        caller.answer(Ok(found.get(&serial).cloned()));
                    }
                }
                Err(StoreError::Unavailable(reason)) => {
                    let unavailable = unavailable_for_all(reason);
                    for lookup in lookups {
                        lookup.caller.answer(Err(unavailable()));
                    }
                }
                // The row of one is at fault, of which the others shall not hear.
                Err(_) => {
                    for Lookup { org, serial, caller } in lookups {
                        caller.answer(session.certificate_by_serial(org, &serial).await);
                    }
                }
            }
        }
    }
}

async fn certificates(
    session: &Session,
    org: OrgId,
    lookups: &[Lookup],
) -> Result<HashMap<Serial, CertificateRecord>, StoreError> {
    let serials = lookups.iter().map(|lookup| lookup.serial.to_string()).collect();
    let rows = session.read(&by_serials(session.backend(), org, serials)).await?;
    let found = rows.iter().map(certificate::read);
    found.map(|found| found.map(|found| (found.serial.clone(), found))).collect()
}

impl Session {
    /// Reads one certificate.
    pub(crate) async fn certificate_by_serial(
        &self,
        org: OrgId,
        serial: &Serial,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        Ok(self.certificate(&by_serials(self.backend(), org, vec![serial.to_string()])).await?)
    }
}
