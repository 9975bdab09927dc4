//! One call of the operators' HTTP API, and what comes back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::journal::{Call, Deed, Reply, Revoked};
use crate::workspace::{FORMER_AUTHORITY, TOKEN_LIFETIME};

/// Calls a server, on a connection of its own.
pub(crate) async fn call(server: SocketAddr, token: &str, call: &Call, patience: Duration) -> Reply {
    let (path, body) = message(call);
    let path = format!("/api/v1/organisations/{}/{path}", call.org);
    match timeout(patience, exchange(server, token, "POST", &path, Some(&body))).await {
        Ok(Ok(answer)) => read(&answer, &call.deed),
        Ok(Err(_)) | Err(_) => Reply::Lost,
    }
}

/// The requests of an organisation that wait for a person.
///
/// # Errors
/// When the server does not answer with them.
pub(crate) async fn pending(
    server: SocketAddr,
    token: &str,
    org: Uuid,
    patience: Duration,
) -> Result<Vec<Uuid>> {
    let path = format!("/api/v1/organisations/{org}/requests?state=pending");
    let answer = timeout(patience, exchange(server, token, "GET", &path, None)).await??;
    if answer.status != 200 {
        bail!("the pending requests: {} {}", answer.status, answer.body);
    }
    let body: Value = serde_json::from_str(&answer.body)?;
    let items = body["items"].as_array().context("a page without items")?;
    items.iter().map(|item| Ok(item["id"].as_str().context("a request without an id")?.parse()?)).collect()
}

/// The path behind the organisation's, and the body.
fn message(call: &Call) -> (String, Value) {
    let note = &call.note;
    match &call.deed {
        Deed::Block(device) => (format!("devices/{}/block", device.name), json!({ "reason": note })),
        Deed::Unblock(device) => (format!("devices/{}/unblock", device.name), json!({ "note": note })),
        Deed::Revoke { serial, reason, .. } => {
            (format!("certificates/{serial}/revoke"), json!({ "reason": reason, "note": note }))
        }
        Deed::RevokeForeign { serial, .. } => (
            "revocations".to_owned(),
            json!({ "issuer": FORMER_AUTHORITY, "serial": serial, "reason": "superseded", "note": note }),
        ),
        Deed::CreateToken(device) => {
            ("enrollment-tokens".to_owned(), json!({ "device": device.name, "expires_in": TOKEN_LIFETIME }))
        }
        Deed::RevokeToken { token, .. } => (format!("enrollment-tokens/{token}/revoke"), Value::Null),
        Deed::Approve(request) => (format!("requests/{request}/approve"), json!({})),
        Deed::Deny(request) => (format!("requests/{request}/deny"), json!({ "note": note })),
    }
}

/// An answer of HTTP.
struct HttpAnswer {
    status: u16,
    request_id: String,
    body: String,
}

async fn exchange(
    server: SocketAddr,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> io::Result<HttpAnswer> {
    let mut stream = TcpStream::connect(server).await?;
    let body = body.filter(|body| !body.is_null()).map(Value::to_string).unwrap_or_default();
    let content = match body.as_str() {
        "" => "Content-Length: 0\r\n".to_owned(),
        body => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
    };
    let message = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n{content}\r\n{body}"
    );
    stream.write_all(message.as_bytes()).await?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await?;
    parse(&String::from_utf8_lossy(&received))
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no whole answer"))
}

/// An answer, if it is whole.
fn parse(received: &str) -> Option<HttpAnswer> {
    let (head, body) = received.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let length: usize = field("content-length")?.parse().ok()?;
    let request_id = field("x-request-id")?.to_owned();
    (body.len() == length).then(|| HttpAnswer { status, request_id, body: body.to_owned() })
}

fn read(answer: &HttpAnswer, deed: &Deed) -> Reply {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match answer.status {
        200 | 201 => match done(answer, &body, deed) {
            Some(reply) => reply,
            None => Reply::Nonsense(answer.body.clone()),
        },
        status @ 400..500 => match body["code"].as_str() {
            Some(code) => Reply::Refused(status, code.to_owned()),
            None => Reply::Nonsense(format!("{status}: {}", answer.body)),
        },
        status @ 500..600 => Reply::Failed(status),
        status => Reply::Nonsense(format!("{status}: {}", answer.body)),
    }
}

/// None when something is missing that must be there.
fn done(answer: &HttpAnswer, body: &Value, deed: &Deed) -> Option<Reply> {
    let revoked = match deed {
        Deed::Revoke { .. } => Revoked {
            also: body["also_revoked"].as_array()?.iter().filter_map(Value::as_str).map(Into::into).collect(),
            barred_key: body["barred_key"].as_str().map(Into::into),
        },
        _ => Revoked::default(),
    };
    let token = match deed {
        Deed::CreateToken(_) => {
            let secret: Arc<str> = body["secret"].as_str()?.into();
            Some((body["token"]["id"].as_str()?.parse().ok()?, secret))
        }
        _ => None,
    };
    Some(Reply::Done { http_request: answer.request_id.clone(), revoked, token })
}
