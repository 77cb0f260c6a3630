//! [`FeedHost`], the client of one feed: whole documents into a file, and small ones into memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backon::Retryable as _;
use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::{
    ACCEPT_ENCODING, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Response, StatusCode};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use super::FeedError;
use crate::UpstreamError;
use crate::body::stream_within;
use crate::client::{
    Coding, Fetched, HttpClient, Validators, insert, is_absence, retries, status_error, text,
};
use crate::environment::Environment;
use crate::error::Trouble;
use crate::redact::redacted;
use crate::source::{Limits, SetupError, UpstreamConfig};

/// How long a whole download may take.
const DEADLINE: Duration = Duration::from_secs(30 * 60);

/// Told how many bytes have arrived, and of how many where that is announced.
pub type OnBytes = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// Where a feed is fetched from.
#[derive(Clone, Debug)]
pub struct FeedHost {
    client: HttpClient,
    limits: Limits,
}

/// Where a download goes.
pub struct Target<'t> {
    /// The file, which is made or emptied.
    pub path: &'t Path,
    /// The most bytes that it may get.
    pub limit: u64,
    /// Who is told how it goes on.
    pub on_bytes: OnBytes,
}

/// What came of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// The document is still what the validators describe.
    NotModified,
    /// It is in the file.
    Whole(Validators),
}

impl FeedHost {
    /// Sets up the client for the host that `config` names, with its credentials and its guard.
    ///
    /// # Errors
    /// [`SetupError`] when the URL is not http or https, or when anything that is configured is
    /// missing.
    pub fn new(config: &UpstreamConfig, environment: &Environment) -> Result<Self, SetupError> {
        Ok(Self {
            client: HttpClient::new(config, environment)?,
            limits: config.limits,
        })
    }

    /// Downloads a document into a file, unless it is still what `known` describes.
    ///
    /// # Errors
    /// [`FeedError`]; the file may hold a part then.
    pub async fn download(
        &self,
        url: &Url,
        known: Option<&Validators>,
        target: Target<'_>,
    ) -> Result<Downloaded, FeedError> {
        let arriving = Box::pin(self.download_in_any_time(url, known, target));
        match tokio::time::timeout(DEADLINE, arriving).await {
            Ok(downloaded) => downloaded,
            Err(_) => {
                let trouble = Trouble::Timeout("the download takes too long".to_owned());
                Err(UpstreamError::unreachable(url, trouble).into())
            }
        }
    }

    async fn download_in_any_time(
        &self,
        url: &Url,
        known: Option<&Validators>,
        target: Target<'_>,
    ) -> Result<Downloaded, FeedError> {
        let known = known.filter(|known| !known.is_empty());
        let headers = headers(known);
        let attempt = || Box::pin(self.open(url, &headers));
        let opened = attempt
            .retry(retries())
            .when(UpstreamError::is_transient)
            .await?;
        let (url, response) = opened;
        match response.status() {
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(Downloaded::NotModified),
            StatusCode::OK => {
                let validators = Validators {
                    etag: text(response.headers(), ETAG),
                    last_modified: text(response.headers(), LAST_MODIFIED),
                };
                receive(url, response, target, &self.limits).await?;
                Ok(Downloaded::Whole(validators))
            }
            status if is_absence(status) => Err(FeedError::Absent(redacted(&url))),
            status => Err(status_error(&url, status, response.headers()).into()),
        }
    }

    async fn open(&self, url: &Url, headers: &HeaderMap) -> Result<(Url, Response), UpstreamError> {
        let (url, response) = self.client.send(url, headers, Coding::Identity).await?;
        match response.status().is_server_error() {
            true => Err(status_error(&url, response.status(), response.headers())),
            false => Ok((url, response)),
        }
    }

    /// A document of at most `limit` bytes, in memory; `None` when it is not there.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn small(&self, url: &Url, limit: u64) -> Result<Option<Bytes>, UpstreamError> {
        match self
            .client
            .fetch(url, "application/json", None, limit)
            .await?
        {
            Fetched::Document(document) => Ok(Some(document.bytes)),
            Fetched::Absent | Fetched::NotModified => Ok(None),
        }
    }
}

fn headers(known: Option<&Validators>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(known) = known {
        insert(&mut headers, IF_NONE_MATCH, known.etag.as_deref());
        insert(
            &mut headers,
            IF_MODIFIED_SINCE,
            known.last_modified.as_deref(),
        );
    }
    headers
}

async fn receive(
    url: Url,
    response: Response,
    target: Target<'_>,
    limits: &Limits,
) -> Result<(), FeedError> {
    let failed = |source| FeedError::Io {
        path: target.path.to_owned(),
        source,
    };
    let announced = response.content_length();
    if announced.is_some_and(|announced| announced > target.limit) {
        return Err(FeedError::TooLarge {
            bound: target.limit,
            what: "bytes",
        });
    }
    let mut file = tokio::fs::File::create(target.path).await.map_err(failed)?;
    let mut arrived = 0;
    let mut pieces = stream_within(url, response, target.limit, limits);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        file.write_all(&piece).await.map_err(failed)?;
        arrived += piece.len() as u64;
        (target.on_bytes)(arrived, announced);
    }
    file.flush().await.map_err(failed)
}
