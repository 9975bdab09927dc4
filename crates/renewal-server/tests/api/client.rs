//! A plain HTTP client: one connection a request.

use std::fmt::Write;
use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends requests, with a token if it has one.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "").await
    }

    /// Posts JSON; no body if it is null.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        match body {
            Value::Null => self.send("POST", path, &[], "").await,
            body => self.send("POST", path, &[("content-type", "application/json")], &body.to_string()).await,
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Response { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Sends a header that announces a body, and no body.
    pub(crate) async fn announced(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for (name, value) in fields {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "authorization: Bearer {}\r\n\r\n", self.token.as_deref().unwrap()).unwrap();
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.parse().unwrap(), value.parse().unwrap())
        };
        let headers = lines.map(field).collect();
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    /// The same client with another token, or none.
    pub(crate) fn with(&self, token: Option<&str>) -> Self {
        Self { address: self.address, token: token.map(ToOwned::to_owned) }
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The items of a page.
    #[track_caller]
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json(200)["items"].as_array().unwrap().clone()
    }

    /// Checks that it is a problem document with this status and code; what it says is wrong.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        let (title, detail) = (problem["title"].clone(), problem["detail"].clone());
        assert_eq!(
            problem,
            json!({
                "type": format!("urn:renewal-ledger:problem:{code}"),
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
                "request_id": self.header("x-request-id").unwrap(),
            })
        );
        assert_eq!(self.status, status);
        assert!(!title.as_str().unwrap().is_empty());
        detail.as_str().unwrap().to_owned()
    }
}
