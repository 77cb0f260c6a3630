//! [`Client`]: a gateway elsewhere, through its API: JSON there and back, with the token in `PORTCULLIS_TOKEN`,
//! in the address or in the netrc file. What it says of an error is what is shown.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use portcullis_upstream::discover::{self, Machine};
use portcullis_upstream::tls;
use reqwest::{RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::exit::{Exit, failure};
use crate::output::remark;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest answer that is read, in bytes.
const MOST: usize = 64 << 20;

/// A gateway elsewhere.
pub struct Client {
    root: Url,
    http: reqwest::Client,
    token: Option<SecretString>,
    remedies: Remedies,
}

/// A gateway did not answer, so that nobody knows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(anyhow::Error);

/// The exit of a command that nobody answered; any other error stays one.
pub fn or_undecided(error: anyhow::Error) -> anyhow::Result<Exit> {
    match error.is::<Unreachable>() {
        true => {
            remark(&format!("portcullis: {error}"));
            Ok(Exit::Undecided)
        }
        false => Err(error),
    }
}

/// What to do about what a gateway refuses, in the words of the command that asks.
#[derive(Clone, Copy, Debug)]
pub struct Remedies {
    /// The token does not reach that far.
    pub forbidden: &'static str,
    /// There is no such thing.
    pub absent: &'static str,
    /// What is asked contradicts what is.
    pub conflict: &'static str,
    /// The gateway cannot answer now.
    pub unavailable: &'static str,
}

/// For commands that only read.
const READING: Remedies = Remedies {
    forbidden: "use a token with the scope read",
    absent: "see whether the gateway is of this version and has this index",
    conflict: "see what the gateway's operator says",
    unavailable: "see what the gateway's operator says",
};

impl Client {
    /// The gateway at `url`, which may hold credentials.
    pub fn new(mut url: Url) -> anyhow::Result<Self> {
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(failure(
                "a gateway has an http or https address",
                "give --gateway as people reach it, such as http://gateway.example",
            ));
        }
        let in_url = url.password().map(str::to_owned);
        // Both fail only for URLs that cannot have credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        let path = url
            .path()
            .trim_end_matches('/')
            .trim_end_matches("/simple")
            .to_owned();
        url.set_path(&format!("{path}/api/v1/"));
        let variable = std::env::var("PORTCULLIS_TOKEN").ok();
        let variable = variable.filter(|token| !token.trim().is_empty());
        // A redirect could lead the token elsewhere.
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")));
        let http = match needs_tls(&url) {
            true => http.tls_certs_merge(authorities()?),
            // Reading what the system trusts takes longer than a small question does.
            false => http.tls_certs_only([]),
        };
        let http = http.build()?;
        Ok(Self {
            token: variable
                .or(in_url)
                .or_else(|| from_netrc(&url))
                .map(SecretString::from),
            root: url,
            http,
            remedies: READING,
        })
    }

    /// The same with other remedies.
    #[must_use]
    pub fn remedies(mut self, remedies: Remedies) -> Self {
        self.remedies = remedies;
        self
    }

    /// Whether a gateway answers there. Fails where nobody answers within `patience`.
    pub(super) async fn look(&self, patience: Duration) -> anyhow::Result<bool> {
        let url = self.root.join("openapi.json")?;
        let request = self.http.get(url).timeout(patience);
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        if !response.status().is_success() {
            return Ok(false);
        }
        let body = self.whole(response).await?;
        let document: ApiDocument = serde_json::from_slice(&body).unwrap_or_default();
        Ok(document.info.title == "Portcullis")
    }

    /// Asks for a document; parameters without a value are left out.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, Option<&str>)],
    ) -> anyhow::Result<T> {
        let mut url = self.root.join(path)?;
        let given = parameters
            .iter()
            .filter_map(|(key, value)| Some((*key, (*value)?)));
        let given: Vec<(&str, &str)> = given.collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        self.answer(self.http.get(url)).await
    }

    /// Sends a document.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let url = self.root.join(path)?;
        self.answer(self.http.post(url).json(body)).await
    }

    /// Sends a document, and takes the answer as it is.
    pub async fn post_for_bytes(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Vec<u8>> {
        let url = self.root.join(path)?;
        self.bytes(self.http.post(url).json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let body = self.bytes(request).await?;
        serde_json::from_slice(&body).with_context(|| self.strange())
    }

    async fn bytes(&self, request: RequestBuilder) -> anyhow::Result<Vec<u8>> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let body = self.whole(response).await?;
        match status.is_success() {
            true => Ok(body),
            false => Err(self.explained(status, &body)),
        }
    }

    /// What is said of an answer that cannot be understood.
    pub fn strange(&self) -> String {
        format!(
            "{} does not answer as a gateway of this version does",
            self.place()
        )
    }

    async fn whole(&self, response: reqwest::Response) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(|error| self.unreachable(error))?);
            anyhow::ensure!(
                body.len() <= MOST,
                "the gateway's answer is larger than {MOST} bytes"
            );
        }
        Ok(body)
    }

    fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        let what = format!(
            "the gateway at {} cannot be asked: {}",
            self.place(),
            error.without_url()
        );
        Unreachable(failure(
            what,
            "see whether --gateway is right and the gateway runs",
        ))
        .into()
    }

    /// The token that it is asked with.
    pub(super) fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        let shown = self.root.as_str();
        shown
            .trim_end_matches("api/v1/")
            .trim_end_matches('/')
            .to_owned()
    }

    /// A problem document (RFC 9457) as an error.
    fn explained(&self, status: StatusCode, body: &[u8]) -> anyhow::Error {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let detail = problem["detail"].as_str().map_or_else(
            || {
                format!(
                    "the gateway at {} answers HTTP {}",
                    self.place(),
                    status.as_u16()
                )
            },
            str::to_owned,
        );
        let remedy = match status {
            StatusCode::UNAUTHORIZED => "put a token into PORTCULLIS_TOKEN or the netrc file",
            StatusCode::FORBIDDEN => self.remedies.forbidden,
            // Who serves something else there may know the path and not the method.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => self.remedies.absent,
            StatusCode::CONFLICT => self.remedies.conflict,
            StatusCode::SERVICE_UNAVAILABLE => self.remedies.unavailable,
            _ => "see what the gateway's operator says",
        };
        failure(detail, remedy)
    }
}

/// As much of an OpenAPI document as tells whose it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ApiDocument {
    info: ApiInfo,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ApiInfo {
    title: String,
}

/// Whether somebody's certificate is to be verified: that of the gateway, or that of a proxy before it.
fn needs_tls(url: &Url) -> bool {
    const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let is_by_tls = |proxy: &&str| std::env::var(proxy).is_ok_and(|it| it.starts_with("https:"));
    url.scheme() == "https" || PROXIES.iter().any(is_by_tls)
}

/// The certificate authorities that pip and others are told to trust beside the system's.
fn authorities() -> anyhow::Result<Vec<reqwest::Certificate>> {
    let machine = Machine::this();
    let Some(file) = discover::authorities(&machine) else {
        return Ok(Vec::new());
    };
    Ok(tls::read_certificates(&[file.path])?)
}

/// The password that the netrc file has for the host.
fn from_netrc(url: &Url) -> Option<String> {
    let named = std::env::var_os("NETRC").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".netrc"));
    let text = std::fs::read_to_string(named.or_else(usual)?).ok()?;
    let netrc = text.parse::<netrc::Netrc>().ok()?;
    let entry = netrc.hosts.get(url.host_str()?)?;
    Some(entry.password.clone())
}
