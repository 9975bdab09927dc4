//! One question over EST, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use rcgen::KeyPair;
use tests::est::{self, Connection, Identity, Roots};
use tokio::time::timeout;

use crate::fleet::path;
use crate::journal::{Act, Answer, Question};

/// Asks a server on a connection of its own. Whoever gives up closes it.
pub(crate) async fn ask(
    server: SocketAddr,
    roots: &Roots,
    question: &Question,
    key: Option<&KeyPair>,
    patience: Duration,
) -> Answer {
    let identity = question.presented.as_deref().zip(key);
    let identity = identity.map(|(certificate, key)| Identity { certificate, key });
    let operation = match question.act {
        Act::Enroll | Act::Reuse | Act::BorrowKey => "simpleenroll",
        Act::Renew | Act::Recover | Act::Impersonate | Act::Intrude | Act::Superseded => "simplereenroll",
    };
    let token = question.token.as_deref();
    let field = token.map(|token| est::token_field(&question.device.name, token)).unwrap_or_default();
    let (head, body) = est::message(&path(&question.device, operation), &field, &question.csr);
    let exchange = async {
        let mut connection = Connection::open(server, roots, identity).await?;
        connection.send(&format!("{head}{body}")).await?;
        connection.answer().await
    };
    match timeout(patience, exchange).await {
        Ok(Ok(answer)) => read(&answer),
        Ok(Err(_)) | Err(_) => Answer::Lost,
    }
}

fn read(answer: &est::Answer) -> Answer {
    match answer.status {
        200 => match answer.certificate() {
            Ok(der) => Answer::Certificate(der.into()),
            Err(error) => Answer::Nonsense(error.to_string()),
        },
        202 => Answer::Later,
        status @ 400..500 => {
            let code = answer.body.split(':').next().unwrap_or_default();
            Answer::Refused(status, code.trim().to_owned())
        }
        status @ 500..600 => Answer::Failed(status),
        status => Answer::Nonsense(format!("{status}: {}", answer.body)),
    }
}
