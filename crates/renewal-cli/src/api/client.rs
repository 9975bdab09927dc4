//! The HTTP client of the API: one request, one answer, or a sentence that says what to do.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use renewal_server::api::model::{Page, Whoami};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, RequestBuilder, Url};
use serde::Serialize;
use serde_json::Value;

use super::answer::{answer, is_of, json};
use super::connection::Endpoint;
use crate::files;
use crate::printer::understood;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_mins(1);

/// The longest page, which is what the server gives at once.
const PAGE: u64 = 1_000;

/// The API of one organisation: the one that the token is of.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: Url,
    whoami: Whoami,
}

/// A listing, read page by page.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    client: &'a Client,
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    /// How many items are still wanted.
    left: u64,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(String),
    None,
}

impl Client {
    /// Connects, and asks whose the token is.
    pub(crate) async fn connect(endpoint: &Endpoint) -> Result<Self> {
        let mut token = HeaderValue::from_str(&format!("Bearer {}", endpoint.token.reveal()))
            .ok()
            .context("the token has characters that no token has; was the wrong file given?")?;
        token.set_sensitive(true);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("renewal/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, token)]))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(Policy::none());
        if let Some(file) = &endpoint.ca {
            let wrong = || format!("{} has no CA certificate in PEM", file.display());
            let trusted = Certificate::from_pem_bundle(&files::read(file)?).with_context(wrong)?;
            if trusted.is_empty() {
                bail!(wrong());
            }
            builder = builder.tls_certs_only(trusted);
        }
        let server = Url::parse(&endpoint.server)?;
        // What proxy the environment names is for the world outside.
        if endpoint.is_here() {
            builder = builder.no_proxy();
        }
        let http = builder.build().context("TLS cannot be set up")?;
        let whoami = http.get(at(&server, &["api", "v1", "whoami"])?);
        let whoami = understood(json(answer(&server, whoami).await?).await?)?;
        Ok(Self { http, server, whoami })
    }

    /// Whose the token is.
    pub(crate) fn whoami(&self) -> &Whoami {
        &self.whoami
    }

    /// Reads one thing.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value> {
        json(answer(&self.server, self.request(Method::GET, path)?.query(query)).await?).await
    }

    /// Reads a text of a media type.
    pub(crate) async fn text(&self, path: &[&str], media_type: &'static str) -> Result<String> {
        let request = self.request(Method::GET, path)?.header(ACCEPT, media_type);
        let answer = answer(&self.server, request).await?;
        if !is_of(&answer, media_type) {
            bail!("the server's answer is not {media_type}; is it of another version than this program?");
        }
        answer.text().await.context("the server's answer broke off")
    }

    /// Changes something.
    pub(crate) async fn post(&self, path: &[&str], body: &impl Serialize) -> Result<Value> {
        json(answer(&self.server, self.request(Method::POST, path)?.json(body)).await?).await
    }

    /// A listing, of at most so many items.
    pub(crate) fn pages<'a>(
        &'a self,
        path: &[&'a str],
        query: Vec<(&'static str, String)>,
        most: Option<u64>,
    ) -> Pages<'a> {
        Pages { client: self, path: path.to_vec(), query, left: most.unwrap_or(u64::MAX), next: Next::First }
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder> {
        let org = self.whoami.org_id.to_string();
        let path = [&["api", "v1", "organisations", &org], path].concat();
        Ok(self.http.request(method, at(&self.server, &path)?))
    }
}

impl Pages<'_> {
    /// The next page; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        let mut query = self.query.clone();
        match &self.next {
            _ if self.left == 0 => return Ok(None),
            Next::First => {}
            Next::After(cursor) => query.push(("cursor", cursor.clone())),
            Next::None => return Ok(None),
        }
        query.push(("limit", self.left.min(PAGE).to_string()));
        let page: Page<Value> = understood(self.client.get(&self.path, &query).await?)?;
        self.left = self.left.saturating_sub(page.items.len() as u64);
        self.next = page.next_cursor.map_or(Next::None, Next::After);
        Ok(Some(page.items))
    }

    /// Whether there are more than were wanted.
    pub(crate) fn has_more(&self) -> bool {
        self.left == 0 && matches!(self.next, Next::After(_))
    }
}

/// A URL below the server's, each part of the path written as one.
fn at(server: &Url, path: &[&str]) -> Result<Url> {
    let mut url = server.clone();
    let Ok(mut segments) = url.path_segments_mut() else { bail!("{server} has no path") };
    segments.pop_if_empty().extend(path);
    drop(segments);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_any_characters_is_one_part_of_the_path() {
        let server = Url::parse("http://localhost:8080/below").unwrap();
        let url = at(&server, &["devices", "line 3/pump?#%"]).unwrap();
        assert_eq!(url.as_str(), "http://localhost:8080/below/devices/line%203%2Fpump%3F%23%25");
    }
}
