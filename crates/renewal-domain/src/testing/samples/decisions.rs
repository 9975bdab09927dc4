//! What operators decide: tokens, blocks, revocations, and the actions that say who it was.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::Samples;
use crate::{
    Action, ActionContext, ActionKind, Actor, ApiRole, ApiToken, ApiTokenId, Block, BlockSubject,
    CertificateRecord, EnrollmentToken, GrantedNames, IdSource, NewAction, ReasonCode, Revocation,
    RevocationReason, RevokedCertificate, Serial, Sha256Digest, Target,
};

impl Samples {
    /// Who makes the samples: somebody at the command line.
    #[must_use]
    pub fn operator(&self) -> Actor {
        Actor::CommandLine { user: "operator".to_owned(), host: "bastion".to_owned() }
    }

    /// An action of the [operator](Self::operator).
    #[must_use]
    pub fn action(&self, kind: ActionKind, target: Target) -> Action {
        self.action_of(&self.operator().into(), NewAction::new(kind, target))
    }

    /// An action.
    #[must_use]
    pub fn action_of(&self, by: &ActionContext, new: NewAction) -> Action {
        let _now = self.tick();
        Action::new(self.ids.next(), self.org, by, new)
    }

    /// A token for a device that is good for an hour; `secret` stands for its secret.
    #[must_use]
    pub fn token(&self, device: &str, secret: u8) -> EnrollmentToken {
        let expires_at = self.tick() + TimeDelta::hours(1);
        EnrollmentToken {
            id: self.ids.next().into(),
            org_id: self.org,
            device_name: self.device(device).0,
            names: GrantedNames::default(),
            secret_sha256: [secret; 32],
            expires_at,
            end: None,
            made_by: self.operator(),
        }
        .in_whole_seconds()
    }

    /// A token of the HTTP API that is good for an hour.
    #[must_use]
    pub fn api_token(&self, name: &str, role: ApiRole) -> ApiToken {
        let expiry = self.tick() + TimeDelta::hours(1);
        ApiToken {
            id: self.ids.next().into(),
            org_id: self.org,
            name: name.to_owned(),
            role,
            secret_sha256: [9; 32],
            expires_at: Some(expiry),
            revoked_at: None,
            made_by: self.operator(),
        }
        .in_whole_seconds()
    }

    /// The making of a token with which a device enrolls.
    #[must_use]
    pub fn token_created(&self, token: &EnrollmentToken) -> Action {
        self.action(ActionKind::TokenCreated, Target::EnrollmentToken(token.id))
    }

    /// The making of a token of the HTTP API.
    #[must_use]
    pub fn api_token_created(&self, token: &ApiToken) -> Action {
        self.action(ActionKind::TokenCreated, Target::ApiToken(token.id))
    }

    /// The revocation of a token of the HTTP API.
    #[must_use]
    pub fn api_token_revoked(&self, token: ApiTokenId) -> Action {
        self.action(ActionKind::TokenRevoked, Target::ApiToken(token))
    }

    /// The deletion of old history.
    #[must_use]
    pub fn pruned(&self) -> Action {
        self.action(ActionKind::Pruned, Target::Organisation)
    }

    /// A block, and the action that puts it in force.
    #[must_use]
    pub fn block(&self, subject: BlockSubject) -> (Block, Action) {
        let (kind, target) = match subject {
            BlockSubject::Organisation => (ActionKind::OrganisationSuspended, Target::Organisation),
            BlockSubject::Device(device) => (ActionKind::DeviceBlocked, Target::Device(device)),
            BlockSubject::Key(key) => (ActionKind::KeyBarred, Target::Key(key)),
        };
        let action = self.action(kind, target);
        (Block::by(&action, subject, "it was stolen"), action)
    }

    /// The revocation of a certificate that was issued here, and its action.
    #[must_use]
    pub fn revocation_of(
        &self,
        certificate: &CertificateRecord,
        reason: RevocationReason,
    ) -> (RevokedCertificate, Action) {
        let action =
            NewAction::new(ActionKind::CertificateRevoked, Target::Certificate(certificate.serial.clone()))
                .device(certificate.device_id)
                .reason(ReasonCode::new(reason.as_str()).ok());
        let action = self.action_of(&self.operator().into(), action);
        let revoked = RevokedCertificate {
            id: self.ids.next().into(),
            org_id: self.org,
            issuer_key_sha256: certificate.issuer_key_sha256,
            serial: certificate.serial.clone(),
            certificate_sha256: Some(certificate.certificate_sha256),
            device_id: Some(certificate.device_id),
            not_after: Some(certificate.not_after),
            revocation: Revocation { at: action.created_at().trunc_subsecs(0), reason },
            action_id: action.id,
        };
        (revoked, action)
    }

    /// The revocation of a certificate of which no more is known than its issuer, its serial number, and
    /// perhaps its end; and its action.
    #[must_use]
    pub fn foreign_revocation(
        &self,
        issuer_key_sha256: Sha256Digest,
        serial: &Serial,
        not_after: Option<DateTime<Utc>>,
    ) -> (RevokedCertificate, Action) {
        let action = self.action(ActionKind::CertificateRevoked, Target::Certificate(serial.clone()));
        let revoked = RevokedCertificate {
            id: self.ids.next().into(),
            org_id: self.org,
            issuer_key_sha256,
            serial: serial.clone(),
            certificate_sha256: None,
            device_id: None,
            not_after: not_after.map(|end| end.trunc_subsecs(0)),
            revocation: Revocation {
                at: action.created_at().trunc_subsecs(0),
                reason: RevocationReason::KeyCompromise,
            },
            action_id: action.id,
        };
        (revoked, action)
    }
}
