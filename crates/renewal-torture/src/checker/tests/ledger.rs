//! A good ledger, written by hand, with what devices and operators wrote down about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tests::est::certificate_request;
use tests::{Backend, Backends, TestDatabase};
use uuid::{Builder, Uuid};

use crate::checker::index::sha256;
use crate::journal::{Act, Answer, Call, CallEntry, Deed, Device, Entry, Question, Reply, Revoked, Span};
use crate::snapshot::Snapshot;
use crate::workspace::{EAST, HERE};

/// A time that no event and no certificate of the ledger has.
pub(super) const GOOD_TIME: &str = "2001-02-03 04:05:06+00:00";

/// When the certificates expire, and when things are revoked.
const EXPIRY: &str = "2030-01-01 00:00:00+00:00";
const REVOKED: &str = "2024-09-15 00:00:00+00:00";

/// The token of the operator.
pub(super) const API_TOKEN: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0aaa);

/// A good ledger, and what was written down about it.
pub(super) struct Good {
    pub(super) database: TestDatabase,
    pub(super) entries: Vec<Entry>,
    pub(super) calls: Vec<CallEntry>,
    pub(super) devices: Vec<Device>,
    keys: BTreeMap<String, KeyPair>,
    /// How often something was asked or called for.
    clock: u64,
}

/// A device of the organisation of the ledger.
pub(super) fn device(name: &str) -> Device {
    Device { org: HERE, name: name.to_owned() }
}

/// An id of the millisecond in which so much had been asked.
pub(super) fn id(number: u64) -> Uuid {
    Builder::from_unix_timestamp_millis(0x0192_0000_0000 + number * 1_000, &[7; 10]).into_uuid()
}

impl Good {
    /// A ledger with nothing in it but the operator's token.
    pub(super) async fn empty() -> Self {
        let database = Backends::default().fresh_database(Backend::Sqlite).await;
        let devices = ["gateway-1", "gateway-2"].map(device).into();
        let keys = ["gateway-1", "gateway-2"].map(|name| (name.to_owned(), KeyPair::generate().unwrap()));
        let (entries, calls, keys) = (Vec::new(), Vec::new(), keys.into());
        let good = Self { database, entries, calls, devices, keys, clock: 0 };
        let token = format!(
            "INSERT INTO api_tokens (org_id, id, name, role, secret_sha256, made_by_kind, made_by_name, \
             made_by_host) VALUES ({}, {}, 'helpdesk', 'operator', x'00', 'command_line', 'root', 'host')",
            blob(HERE),
            blob(API_TOKEN)
        );
        good.execute(&token).await;
        good.action("command_line", id(0), "token_created", ("api_token", &API_TOKEN.to_string()), None, "")
            .await;
        good
    }

    /// What the checker reads.
    pub(super) async fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.database.backend(), self.database.url()).await.unwrap()
    }

    /// Carries out statements.
    pub(super) async fn execute(&self, sql: &str) {
        let mut session = SqliteConnection::connect(self.database.url()).await.unwrap();
        session.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
        session.close().await.unwrap();
    }

    /// The next moment: one that has come after everything before.
    pub(super) fn next(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// The SHA-256 of the key of a device, in hexadecimal.
    pub(super) fn key(&self, device: &Device) -> String {
        use rcgen::PublicKeyData;
        sha256(&self.keys[&device.name].subject_public_key_info())
    }

    /// A certificate (DER).
    pub(super) fn certificate(&self, device: &Device, serial: u64) -> Arc<[u8]> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, &*device.name);
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_after = date_time_ymd(2030, 1, 1);
        params.self_signed(&self.keys[&device.name]).unwrap().der().to_vec().into()
    }

    /// A question of a device, with a request of its own.
    pub(super) fn question(&self, act: Act, device: &Device, presented: Option<&Arc<[u8]>>) -> Arc<Question> {
        let csr = certificate_request(&device.name, &self.keys[&device.name]).unwrap().into();
        Arc::new(Question { act, device: device.clone(), csr, presented: presented.cloned(), token: None })
    }

    /// A device is answered.
    pub(super) fn answered(&mut self, question: &Arc<Question>, answer: Answer) -> u64 {
        let now = self.next();
        let question = Arc::clone(question);
        self.entries.push(Entry { span: span(now), server: 0, question, answer });
        now
    }

    /// An operator calls, and is told that it is done. The id of what it did.
    pub(super) fn called(&mut self, deed: Deed, revoked: Revoked) -> (Uuid, String) {
        let now = self.next();
        let note = format!("call {now}");
        let token = matches!(deed, Deed::CreateToken(_)).then(|| (id(now), "rle_1".into()));
        let call = Arc::new(Call { org: HERE, deed, note: note.clone() });
        let reply = Reply::Done { http_request: format!("http-{now}"), revoked, token };
        self.calls.push(CallEntry { span: span(now), server: 0, call, reply });
        (id(now), note)
    }

    /// Writes an action of the command line, the server, or the operator.
    pub(super) async fn action(
        &self,
        actor: &str,
        id: Uuid,
        kind: &str,
        (target_kind, target): (&str, &str),
        of: Option<(&Device, &str)>,
        note: &str,
    ) {
        let (token, name, host) = match actor {
            "api_token" => (blob(API_TOKEN), "helpdesk", "NULL"),
            "command_line" => ("NULL".to_owned(), "root", "'host'"),
            _ => ("NULL".to_owned(), "server", "NULL"),
        };
        let device = of.map_or("NULL".to_owned(), |(device, _)| blob(device.id()));
        let reason = of.filter(|(_, reason)| !reason.is_empty());
        let reason = reason.map_or("NULL".to_owned(), |(_, reason)| format!("'{reason}'"));
        let http = note.strip_prefix("call ").map_or("NULL".to_owned(), |now| format!("'http-{now}'"));
        let row = format!(
            "INSERT INTO actions (org_id, id, actor_kind, actor_token_id, actor_name, actor_host, kind, \
             target_kind, target_id, device_id, reason, note, http_request_id) VALUES ({}, {}, '{actor}', \
             {token}, '{name}', {host}, '{kind}', '{target_kind}', '{target}', {device}, {reason}, '{note}', \
             {http})",
            blob(HERE),
            blob(id)
        );
        self.execute(&row).await;
    }

    /// Writes the certificate with which a question was answered at a time, and its events.
    pub(super) async fn issued(&self, question: &Question, kind: &str, now: u64, der: &[u8]) {
        let (device, request) = (&question.device, id(now));
        let attempt = if kind == "enrollment" { "NULL".to_owned() } else { blob(request) };
        let presented = question.presented.as_deref().and_then(crate::checker::index::serial_of);
        let presented = presented.map_or("NULL".to_owned(), |serial| format!("'{serial}'"));
        let row = format!(
            "INSERT INTO device_certificates (org_id, serial, device_id, device_name, request_id, kind, \
             attempt_id, public_key_sha256, csr_sha256, issuer_key_sha256, certificate_sha256, \
             presented_serial, not_before, not_after, der) VALUES ({org}, '{serial}', {id}, '{name}', \
             {request}, '{kind}', {attempt}, x'{key}', x'{csr}', x'cc', x'{digest}', {presented}, \
             '{GOOD_TIME}', '{EXPIRY}', x'{der}')",
            org = blob(device.org),
            serial = crate::checker::index::serial_of(der).unwrap(),
            id = blob(device.id()),
            name = device.name,
            request = blob(request),
            key = self.key(device),
            csr = sha256(&question.csr),
            digest = sha256(der),
            der = hex::encode(der),
        );
        self.execute(&row).await;
        if kind != "enrollment" {
            self.event(device, request, request, &format!("{kind}_start"), None).await;
            self.event(device, request, later(request), &format!("{kind}_success"), None).await;
        }
    }

    /// Writes an attempt that failed.
    pub(super) async fn failed(&self, device: &Device, kind: &str, now: u64, reason: &str) {
        let attempt = id(now);
        self.event(device, attempt, attempt, &format!("{kind}_start"), None).await;
        self.event(device, attempt, later(attempt), &format!("{kind}_failed"), Some(reason)).await;
    }

    /// Writes a token with which a device enrolls.
    pub(super) async fn token(&self, device: &Device, token: Uuid, used_by: Option<u64>) {
        let used_by = used_by.map_or("NULL".to_owned(), |now| blob(id(now)));
        let row = format!(
            "INSERT INTO enrollment_tokens (org_id, id, device_name, secret_sha256, expires_at, \
             used_by_request_id, made_by_kind, made_by_name) VALUES ({}, {token}, '{}', {token}, '{EXPIRY}', \
             {used_by}, 'api_token', 'helpdesk')",
            blob(device.org),
            device.name,
            token = blob(token),
        );
        self.execute(&row).await;
    }

    /// Writes the revocation of a certificate that was issued here.
    pub(super) async fn revoked(
        &self,
        device: &Device,
        serial: &str,
        der: &[u8],
        reason: &str,
        action: Uuid,
    ) {
        let (org, device) = (blob(HERE), blob(device.id()));
        let rows = format!(
            "UPDATE device_certificates SET revoked_at = '{REVOKED}', revocation_reason = '{reason}' \
             WHERE serial = '{serial}'; \
             INSERT INTO certificate_revocations (org_id, id, issuer_key_sha256, serial, certificate_sha256, \
             device_id, not_after, revoked_at, reason, action_id) VALUES ({org}, {action}, x'cc', '{serial}', \
             x'{}', {device}, '{EXPIRY}', '{REVOKED}', '{reason}', {action})",
            sha256(der),
            action = blob(action)
        );
        self.execute(&rows).await;
    }

    /// Writes a block.
    pub(super) async fn block(&self, kind: &str, subject: &str, action: Uuid) {
        let row = format!(
            "INSERT INTO blocks (org_id, subject_kind, subject_id, reason, since, action_id) \
             VALUES ({}, '{kind}', '{subject}', '', '{REVOKED}', {})",
            blob(HERE),
            blob(action)
        );
        self.execute(&row).await;
    }

    async fn event(&self, device: &Device, attempt: Uuid, id: Uuid, event_type: &str, reason: Option<&str>) {
        let stage = u8::from(!event_type.ends_with("_start"));
        let expiry = if event_type.ends_with("_success") { format!("'{EXPIRY}'") } else { "NULL".to_owned() };
        let reason = reason.map_or("NULL".to_owned(), |reason| format!("'{reason}'"));
        let millisecond = i64::try_from(id.as_u128() >> 80).unwrap();
        let created_at = chrono::DateTime::from_timestamp_millis(millisecond).unwrap().to_rfc3339();
        let row = format!(
            "INSERT INTO certificate_renewal_events (org_id, id, device_id, attempt_id, stage, event_type, \
             reason, old_cert_expiration, new_cert_expiration, created_at) VALUES ({}, {}, {}, {}, {stage}, \
             '{event_type}', {reason}, '{EXPIRY}', {expiry}, '{created_at}')",
            blob(device.org),
            blob(id),
            blob(device.id()),
            blob(attempt)
        );
        self.execute(&row).await;
    }
}

/// The other organisation, and a device there.
pub(super) fn elsewhere(device: &Device) -> Device {
    Device { org: EAST, ..device.clone() }
}

/// From when to when something took that was asked at a moment.
pub(super) fn span(now: u64) -> Span {
    Span { asked: Duration::from_millis(now * 10), answered: Duration::from_millis(now * 10 + 5) }
}

/// An id five milliseconds after another.
fn later(id: Uuid) -> Uuid {
    let millisecond = u64::try_from(id.as_u128() >> 80).unwrap() + 5;
    Builder::from_unix_timestamp_millis(millisecond, &[7; 10]).into_uuid()
}

pub(super) fn blob(id: Uuid) -> String {
    format!("x'{}'", id.simple())
}
