//! A good ledger, written by hand: a device that enrolled, renewed, recovered, and was refused in
//! an organisation that is not its own.

use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tests::{Backend, Backends, TestDatabase};
use uuid::{Builder, Uuid};

use crate::journal::{Act, Answer, Device, Entry, Question};
use crate::site::{EAST, HERE};

/// The start of the renewal, a second after the enrollment.
pub(super) const START_OF_RENEWAL: Uuid = Uuid::from_u128(0x0192_0000_03e8_7000_8000_0000_0000_0001);

/// A time that no event and no certificate of the ledger has.
pub(super) const GOOD_TIME: &str = "2001-02-03 04:05:06+00:00";

/// When the certificates expire.
const EXPIRY: &str = "2030-01-01 00:00:00+00:00";

/// A good ledger, and what clients wrote down about it.
pub(super) struct Good {
    pub(super) database: TestDatabase,
    pub(super) entries: Vec<Entry>,
    pub(super) devices: Vec<Device>,
    key: KeyPair,
}

impl Good {
    pub(super) async fn ledger() -> Self {
        let database = Backends::default().fresh_database(Backend::Sqlite).await;
        let device = Device { org: HERE, name: "gateway-1".to_owned() };
        let devices = vec![device.clone()];
        let mut good = Self { database, entries: Vec::new(), devices, key: KeyPair::generate().unwrap() };
        let renewal = START_OF_RENEWAL;
        let (enrollment, recovery) = (later(renewal, -1_000), later(renewal, 1_000));

        let first = good.store(&device, "enrollment", enrollment, 1).await;
        let used = format!(
            "INSERT INTO enrollment_tokens VALUES ({}, {}, 'gateway-1', x'00', '{EXPIRY}', {}, NULL)",
            blob(HERE),
            blob(later(enrollment, -1_000)),
            blob(enrollment)
        );
        good.execute(&used).await;
        good.answered(Act::Enroll, &device, b"first", None, Answer::Certificate(first.clone()));

        for (act, kind, attempt, serial) in
            [(Act::Renew, "renewal", renewal, 2), (Act::Recover, "recovery", recovery, 3)]
        {
            let der = good.store(&device, kind, attempt, serial).await;
            good.event(&device, attempt, attempt, &format!("{kind}_start"), None).await;
            good.event(&device, attempt, later(attempt, 5), &format!("{kind}_success"), None).await;
            for _ in 0..2 {
                good.answered(act, &device, kind.as_bytes(), Some(&first), Answer::Certificate(der.clone()));
            }
        }

        let there = Device { org: EAST, ..device };
        let refused = later(renewal, 2_000);
        good.event(&there, refused, refused, "renewal_start", None).await;
        let reason = Some("certificate_not_recorded");
        good.event(&there, refused, later(refused, 5), "renewal_failed", reason).await;
        let answer = Answer::Refused(403, "certificate_not_recorded".to_owned());
        good.answered(Act::Intrude, &there, b"intrusion", Some(&first), answer);
        good
    }

    /// Carries out statements.
    pub(super) async fn execute(&self, sql: &str) {
        let mut session = SqliteConnection::connect(self.database.url()).await.unwrap();
        session.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
        session.close().await.unwrap();
    }

    /// A certificate (DER).
    pub(super) fn certificate(&self, name: &str, serial: u8) -> Arc<[u8]> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from_slice(&[serial]));
        params.not_after = date_time_ymd(2030, 1, 1);
        params.self_signed(&self.key).unwrap().der().to_vec().into()
    }

    async fn store(&self, device: &Device, kind: &str, request: Uuid, serial: u8) -> Arc<[u8]> {
        let der = self.certificate(&device.name, serial);
        let attempt = if kind == "enrollment" { "NULL".to_owned() } else { blob(request) };
        let (org, id, name) = (blob(device.org), blob(device.id()), &device.name);
        let row = format!(
            "INSERT INTO device_certificates VALUES ({org}, '{serial:02x}', {id}, '{name}', {request}, '{kind}', \
             {attempt}, x'00', x'{serial:02x}', NULL, '{GOOD_TIME}', '{EXPIRY}', x'{der}', NULL, NULL)",
            request = blob(request),
            der = hex::encode(&der)
        );
        self.execute(&row).await;
        der
    }

    async fn event(&self, device: &Device, attempt: Uuid, id: Uuid, event_type: &str, reason: Option<&str>) {
        let stage = u8::from(!event_type.ends_with("_start"));
        let expiry = if event_type.ends_with("_success") { format!("'{EXPIRY}'") } else { "NULL".to_owned() };
        let reason = reason.map_or("NULL".to_owned(), |reason| format!("'{reason}'"));
        let millisecond = i64::try_from(id.as_u128() >> 80).unwrap();
        let created_at = chrono::DateTime::from_timestamp_millis(millisecond).unwrap().to_rfc3339();
        let row = format!(
            "INSERT INTO certificate_renewal_events VALUES ({}, {}, {}, {}, {stage}, '{event_type}', {reason}, \
             '{EXPIRY}', {expiry}, NULL, '{created_at}')",
            blob(device.org),
            blob(id),
            blob(device.id()),
            blob(attempt)
        );
        self.execute(&row).await;
    }

    fn answered(
        &mut self,
        act: Act,
        device: &Device,
        csr: &[u8],
        presented: Option<&Arc<[u8]>>,
        answer: Answer,
    ) {
        let (device, csr, presented) = (device.clone(), csr.into(), presented.cloned());
        let question = Arc::new(Question { act, device, csr, presented, token: None });
        self.entries.push(Entry { at: 0, server: 0, question, answer });
    }
}

/// An id so many milliseconds after another.
fn later(id: Uuid, milliseconds: i64) -> Uuid {
    let millisecond = i64::try_from(id.as_u128() >> 80).unwrap() + milliseconds;
    let millisecond = u64::try_from(millisecond).unwrap();
    Builder::from_unix_timestamp_millis(millisecond, &[7; 10]).into_uuid()
}

fn blob(id: Uuid) -> String {
    format!("x'{}'", id.simple())
}
