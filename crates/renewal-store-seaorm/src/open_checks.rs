//! What becomes of requests that are opened: refused, answered as before, or new.
//!
//! It is found out when the rows of the new ones are written. Only whoever has written the row of a
//! request knows that nobody else is answering the same one, and then sees the certificate of whoever
//! did before.

use std::collections::{BTreeMap, HashMap, HashSet};

use renewal_domain::{
    Answer, Block, CertificateOrigin, CertificateRecord, DeviceId, DeviceName, KeyReuse, LatestCertificate,
    OpenFindings, OpenRefusal, OpenRequest, OpenRules, Opened, OrgId, Presented, RecordedCertificate,
    RevokedCertificate, Serial,
};
use sea_orm::QueryResult;
use sea_orm::sea_query::SelectStatement;

use crate::backend::Backend;
use crate::entity::certificate::{self, CertificateStatus};
use crate::entity::{block, current, request, revocation};
use crate::failure::Failure;
use crate::fleet_statements;
use crate::open_check_statements as statements;
use crate::session::{Session, Transaction};
use crate::statements::requests_of_devices;

/// A request that is opened.
pub(crate) struct Opening<'r> {
    pub(crate) request: &'r OpenRequest,
    pub(crate) rules: OpenRules,
    /// The same request, if it is open already.
    pub(crate) open: Option<OpenRequest>,
}

impl<'r> Opening<'r> {
    pub(crate) const fn new(request: &'r OpenRequest, rules: OpenRules) -> Self {
        Self { request, rules, open: None }
    }

    pub(crate) fn presented(&self) -> Option<&'r Presented> {
        self.request.purpose().presented()
    }
}

/// Where the checks read: in the transaction that opens, or outside of one.
pub(crate) enum Reader<'s> {
    Session(&'s Session),
    Transaction(&'s Transaction),
}

impl Reader<'_> {
    async fn read(&self, select: &SelectStatement) -> Result<Vec<QueryResult>, Failure> {
        match self {
            Self::Session(session) => session.read(select).await,
            Self::Transaction(transaction) => transaction.read(select).await,
        }
    }
}

/// What the database knows of requests of one organisation.
pub(crate) struct Known {
    backend: Backend,
    org: OrgId,
    certificates: Vec<CertificateStatus>,
    latest: HashMap<DeviceId, LatestCertificate>,
    blocks: Vec<Block>,
    revocations: Vec<RevokedCertificate>,
}

impl Known {
    /// Reads it.
    pub(crate) async fn read(
        reader: &Reader<'_>,
        backend: Backend,
        org: OrgId,
        openings: &[&Opening<'_>],
    ) -> Result<Self, Failure> {
        let mut known = Self {
            backend,
            org,
            certificates: Vec::new(),
            latest: HashMap::new(),
            blocks: Vec::new(),
            revocations: Vec::new(),
        };
        if openings.is_empty() {
            return Ok(known);
        }
        let rows = reader.read(&statements::certificates(backend, org, openings)).await?;
        known.certificates = rows.iter().map(certificate::read_status).collect::<Result<_, _>>()?;
        let rows = reader.read(&statements::blocks(backend, org, openings)).await?;
        known.blocks = rows.iter().map(block::read).collect::<Result<_, _>>()?;
        if let Some(select) = statements::latest(backend, org, openings) {
            let rows = reader.read(&select).await?;
            known.latest = rows.iter().map(current::read_latest).collect::<Result<_, _>>()?;
            known.find_used(reader, openings).await?;
        }
        known.find_revocations(reader, openings).await?;
        Ok(known)
    }

    /// Finds the latest certificates with which an attempt is open now, where that counts: where a device
    /// presents another one.
    async fn find_used(&mut self, reader: &Reader<'_>, openings: &[&Opening<'_>]) -> Result<(), Failure> {
        let counts = |opening: &&&Opening<'_>| {
            let latest = self.latest.get(&opening.request.device_id());
            // A serial number of another authority says nothing about ours.
            let is_another = |latest: &LatestCertificate| {
                opening.presented().is_some_and(|presented| {
                    !presented.origin().is_of_our_authority() || *presented.serial() != latest.serial
                })
            };
            latest.is_some_and(|latest| !latest.used && is_another(latest))
        };
        let devices: Vec<_> = openings.iter().filter(counts).map(|it| it.request.device_id()).collect();
        if devices.is_empty() {
            return Ok(());
        }
        let select = requests_of_devices(self.backend, self.org, devices.into_iter());
        for row in reader.read(&select).await? {
            let (device, certificate) = request::device_and_certificate(&row)?;
            if let Some(latest) = self.latest.get_mut(&device) {
                latest.used |= certificate.as_ref() == Some(&latest.serial);
            }
        }
        Ok(())
    }

    /// Finds the revocations of presented certificates that were not issued here, those of one authority
    /// at a time: in every organisation, where the word of every one counts.
    async fn find_revocations(
        &mut self,
        reader: &Reader<'_>,
        openings: &[&Opening<'_>],
    ) -> Result<(), Failure> {
        let mut asked: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for presented in openings.iter().filter_map(|opening| opening.presented()) {
            let org = match presented.origin() {
                CertificateOrigin::Ours => continue,
                CertificateOrigin::Trusted => Some(self.org),
                CertificateOrigin::Adopted | CertificateOrigin::TrustedAnywhere => None,
            };
            asked.entry((org, presented.issuer_key_sha256())).or_default().push(presented.serial());
        }
        for ((org, issuer), serials) in asked {
            let rows = reader.read(&statements::revocations(self.backend, org, issuer, &serials)).await?;
            let found = rows.iter().map(revocation::read).collect::<Result<Vec<_>, _>>()?;
            self.revocations.extend(found);
        }
        Ok(())
    }

    /// Why the request may not be opened, whether its key is in use or not.
    pub(crate) fn refusal(&self, opening: &Opening<'_>) -> Option<OpenRefusal> {
        opening.rules.check(opening.request, &self.findings(opening)).err()
    }

    /// Another device that has the key of the request, if the rules ask for it.
    pub(crate) fn key_used_by(&self, opening: &Opening<'_>) -> Option<DeviceName> {
        let (request, rules) = (opening.request, opening.rules);
        let other = self.certificates.iter().find(|certificate| {
            rules.key_reuse != KeyReuse::Allow
                && certificate.public_key_sha256 == *request.public_key_sha256()
                && certificate.device_id != request.device_id()
                && certificate.revocation.is_none()
                && rules.now <= certificate.not_after
        });
        other.map(|certificate| certificate.device_name.clone())
    }

    fn findings(&self, opening: &Opening<'_>) -> OpenFindings {
        let request = opening.request;
        let subjects: Vec<_> = request.block_subjects().collect();
        let blocks = self.blocks.iter().filter(|block| subjects.contains(&block.subject)).cloned().collect();
        let Some(presented) = opening.presented() else {
            return OpenFindings { blocks, ..OpenFindings::default() };
        };
        let recorded = self.certificates.iter().find(|it| it.serial == *presented.serial());
        let same = |it: &&RevokedCertificate| {
            it.issuer_key_sha256 == *presented.issuer_key_sha256() && it.serial == *presented.serial()
        };
        let ours = self.revocations.iter().filter(same).find(|it| it.org_id == self.org);
        let anywhere = presented.origin().heeds_every_organisation();
        OpenFindings {
            blocks,
            recorded: recorded.map(|it| RecordedCertificate {
                certificate_sha256: it.certificate_sha256,
                revocation: it.revocation,
                presented_serial: it.presented_serial.clone(),
            }),
            revocation: ours.map(|revoked| revoked.revocation),
            revoked_anywhere: anywhere && self.revocations.iter().any(|it| same(&it)),
            latest: self.latest.get(&request.device_id()).cloned(),
        }
    }

    /// The certificates that answered requests like these, whole. There are none almost always.
    async fn answers(
        &self,
        reader: &Reader<'_>,
        openings: &[&Opening<'_>],
    ) -> Result<Vec<CertificateRecord>, Failure> {
        let presented = |opening: &Opening<'_>| opening.presented().map(Presented::serial).cloned();
        let asked: HashSet<_> =
            openings.iter().map(|opening| (opening.request.csr_sha256(), presented(opening))).collect();
        let answers = self
            .certificates
            .iter()
            .filter(|it| asked.contains(&(&it.csr_sha256, it.presented_serial.clone())));
        let serials: HashSet<_> = answers.map(|it| it.serial.to_string()).collect();
        if serials.is_empty() {
            return Ok(Vec::new());
        }
        let serials = serials.into_iter().collect();
        let rows = reader.read(&fleet_statements::by_serials(self.backend, self.org, serials)).await?;
        Ok(rows.iter().map(certificate::read).collect::<Result<_, _>>()?)
    }
}

/// What becomes of each opening of an organisation. What is new is yet to be opened.
pub(crate) async fn judge(
    backend: Backend,
    transaction: &Transaction,
    org: OrgId,
    openings: &[&Opening<'_>],
) -> Result<Vec<Opened>, Failure> {
    let reader = Reader::Transaction(transaction);
    let known = Known::read(&reader, backend, org, openings).await?;
    let answers = known.answers(&reader, openings).await?;
    let opened = openings.iter().map(|opening| {
        if let Some(refusal) = known.refusal(opening) {
            return Opened::Refused(refusal);
        }
        if let Some(open) = &opening.open {
            return Opened::Answered(Answer::Open(Box::new(open.clone())));
        }
        let good =
            answers.iter().filter(|it| it.answers(opening.request) && it.is_good_at(opening.rules.now));
        if let Some(newest) = good.max_by_key(|issued| issued.request_id) {
            return Opened::Answered(Answer::Issued(Box::new(newest.clone())));
        }
        match known.key_used_by(opening) {
            Some(device) if opening.rules.key_reuse == KeyReuse::Refuse => {
                Opened::Refused(OpenRefusal::KeyInUse(device))
            }
            key_used_by => Opened::New { key_used_by },
        }
    });
    Ok(opened.collect())
}

/// Of certificates that are about to be recorded, whether another device has one with the same key that
/// is good: the first such device.
///
/// A store records certificates one transaction after the other, and SQLite does so for all stores. On the
/// other databases two servers may record one each at the same instant, and neither sees the other's: the
/// next request for the key is refused then, and `CertificateFilter::OfKey` shows both.
pub(crate) async fn key_taken(
    backend: Backend,
    transaction: &Transaction,
    org: OrgId,
    certificates: &[&CertificateRecord],
) -> Result<Option<DeviceName>, Failure> {
    if certificates.is_empty() {
        return Ok(None);
    }
    let keys = certificates.iter().map(|certificate| &certificate.public_key_sha256);
    let rows = transaction.read(&statements::certificates_of_keys(backend, org, keys)).await?;
    let found = rows.iter().map(certificate::read_status).collect::<Result<Vec<_>, _>>()?;
    let taken = found.into_iter().find(|it| {
        certificates.iter().any(|new| {
            it.public_key_sha256 == new.public_key_sha256
                && it.device_id != new.device_id
                && it.revocation.is_none()
                && new.not_before <= it.not_after
        })
    });
    Ok(taken.map(|it| it.device_name))
}

/// The serial numbers of certificates of which something is asked.
pub(crate) fn presented_serials<'o>(openings: &[&Opening<'o>]) -> Vec<&'o Serial> {
    openings.iter().filter_map(|opening| opening.presented().map(Presented::serial)).collect()
}
